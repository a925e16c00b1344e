"""Calls read one by one into a net: what depends on constants only is folded, the others become steps."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base.errors import Fault
from costcalc.interop.guard import OPAQUE
from costcalc.interop.tensors import arrange, layers, maths, products, recurrent
from costcalc.interop.tensors.fold import fold
from costcalc.interop.tensors.net import RULES, Call, Net
from costcalc.interop.tensors.values import Const, Data, Dims

FAMILIES = (arrange, layers, maths, products, recurrent)  # each has entered its rules into RULES
MOST_COMPUTED = 2**24  # elements of all constants together that are computed on the way
MOST_COLOURS = 4  # channels of an image
_EACH = ("Split", "MaxPool", "LSTM", "GRU", "RNN", "TopK")  # give each output that has a name


class CallReading:
    """One reading of a format's graph; form: whose operators they are, in words."""

    def __init__(self, net: Net, form: str) -> None:
        self.net = net
        self.form = form
        self.computed = 0

    def read(self, call: Call, kind: str = "", *, folded: bool = True) -> None:
        """Give a call's outputs their values; raise Fault where costcalc has no words for it.

        kind: its rule, where that has another name than the operator. folded: constants are computed.
        """
        consts = fold(call) if folded else None
        if consts is not None:
            self.keep(call, consts)
            return
        kind = kind or call.op
        if kind not in RULES:
            raise Fault(f"costcalc has no counterpart of {self.form}'s operator {kind}", OPAQUE)
        if not call.outputs[0] and call.op not in _EACH:
            raise Fault("costcalc reads its first output, which nothing takes here", OPAQUE)
        RULES[kind](self.net, call)

    def keep(self, call: Call, consts: Sequence[Const]) -> None:
        """Give the outputs their constants."""
        for out, const in zip(call.outputs, consts, strict=False):
            self.computed += 0 if const.value is None else const.size
            if self.computed > MOST_COMPUTED:
                raise Fault(f"constants of more than {MOST_COMPUTED:,} elements are computed in this model")
            if out:
                self.net.values[out] = const

    def hide(self, call: Call, before: int, shapes: Sequence[Sequence[int | None] | None], entering: str) -> None:
        """Add a row of unknown cost for each output, of these shapes; the first learns the constants.

        What was added for the node so far, the steps after the first so many, is taken back.
        entering: the value that it takes where it takes none.
        """
        net = self.net
        net.take_back(before)
        inputs = [value.name for value in call.inputs if isinstance(value, Data)]
        consts = [value for value in call.inputs if isinstance(value, Const) and value.floating]
        roots = {r: n for v in consts for r, n in v.roots.items() if n > 1 and net.learned(v, r, call.first_data())}
        for place, (out, shape) in enumerate(zip(call.outputs, shapes, strict=True)):
            if not out or (place and not net.uses[out]):
                continue
            if shape is None or None in shape:
                raise Fault("the shape that it gives can't be inferred, so it can't be opaque either")
            whole = tuple(int(n or 1) for n in shape)
            note = f"{self.form}'s {call.op}"
            fields = {"shape": list(net.dims(whole)), "params": sum(roots.values()), "note": note}
            net.put(call, net.learn("opaque", inputs or [entering], call.name, roots, **fields), whole, place)
            roots = {}

    def output(self, value: Const | Data, name: str) -> str:
        """Return the value of the spec that is an output of the model."""
        return value.name if isinstance(value, Data) else self.net.hold(value, name).name


def is_image(shape: Dims) -> bool:
    """Say whether an input, batch included, is an image or a video: one to four channels, which stand first or last."""
    return len(shape) in (4, 5) and min(shape[1], shape[-1]) <= MOST_COLOURS
