"""TFLite's recurrent layers and filters -> steps: with our words where there are some, else with their cost stated."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.tflite.net import Draft, Flowing, Invocation, Value, rule
from costcalc.interop.tflite.schema import ACTIVATIONS
from costcalc.numbers.num import prod

_LSTM = "an LSTM with peepholes, coupled gates or norms"
_OUTER = "products with what enters and with the state; gates and sums are not stated"


class Weights:
    """The constants of a recurrent layer: matrices that are multiplied with at each step, and what else is learned."""

    def __init__(self, net: Draft, call: Invocation, matrices: Sequence[int], others: Sequence[int]) -> None:
        self.net = net
        self.products = [const for const in map(call.const, matrices) if const is not None]
        self.others = [const for const in map(call.const, others) if const is not None]
        self.macs = sum(const.size for const in self.products)
        self.roots = {key: n for const in (*self.products, *self.others) for key, n in const.roots.items()}

    @property
    def params(self) -> int:
        """How many numbers are learned here, and by no layer before."""
        return sum(n for key, n in self.roots.items() if key not in self.net.flat.owners)

    def learnt(self) -> None:
        """Note that the last step learns them."""
        self.net.flat.learns(self.roots)
        bits = {const.bits for const in self.products} - {0, 32}
        if len(bits) == 1:
            self.net.flat.steps[-1].beside["bits"] = bits.pop()


def stated(
    net: Draft, call: Invocation, x: Flowing, shape: Sequence[int], times: int, weights: Weights, what: str
) -> Flowing:
    """Add a row with the numbers of a layer: its products with all matrices, so many times."""
    fields: dict[str, Datum] = {"params": weights.params, "macs": times * weights.macs, "note": f"{what}: {_OUTER}"}
    value = net.add("custom", [x.name], call.name, shape=[n for n in shape if n != 1] or [1], **fields)
    weights.learnt()
    return net.data(value, shape, [axis for axis, n in enumerate(shape) if n != 1])


def _sequence(net: Draft, call: Invocation) -> tuple[Flowing, int, int]:
    """Return what enters a layer over sequences, how many steps they have, and how many there are."""
    x = net.tensor(call, 0)
    if len(x.shape) != 3:
        raise Fault(f"takes sequences of three axes, not {list(x.shape)}")
    first, second, _ = x.shape
    return (x, first, second) if call.options["time_major"] else (x, second, first)


def _over(net: Draft, call: Invocation, kind: str, x: Flowing, weights: Weights, **fields: Datum) -> Flowing:
    """Add a layer over one sequence, whose steps are the axis that is not 1 of the first two.

    Biases of gates that are one stored tensor (zeros) count once, as `weight_params`.
    """
    steps = 0 if call.options["time_major"] else 1
    value = net.arranged(x, (2, steps), call.name)
    stored = sum(weights.roots.values()) - weights.macs
    each = stored == sum(const.size for const in weights.others)
    if stored and not each:
        note = "biases of its gates"
        value = net.add("weight_params", [value], f"{call.name}.biases", count=stored, note=note)
    biases: dict[str, Datum] = {"one_bias": True} if stored and each else {"bias": False}
    value = net.add_all(kind, [value], call.name, fields | biases)[0]
    counted = net.flat.steps[-1].learned + (0 if each else stored)
    if counted != sum(weights.roots.values()):
        raise Fault(f"{kind} learns {counted:,} numbers here, but {sum(weights.roots.values()):,} are stored")
    weights.learnt()
    return net.data(value, [*x.shape[:2], net.dims(value)[0]], (2, steps))


_GATES = (1, 2, 3, 4, 5, 6, 7, 8)  # of what enters, and of what comes back: input, forget, cell, output


@rule("UNIDIRECTIONAL_SEQUENCE_LSTM")
def lstm(net: Draft, call: Invocation) -> Value:
    """Long short-term memory over a sequence."""
    x, steps, count = _sequence(net, call)
    weights = Weights(net, call, (*_GATES, 16), (9, 10, 11, 12, 13, 14, 15, 17, 20, 21, 22, 23))
    cell, back = call.const(3), call.const(7)
    if cell is None or back is None or len(cell.shape) != 2 or len(back.shape) != 2:
        raise Fault("its weights are missing")
    hidden, out = cell.shape[0], back.shape[1]
    plain = all(call.value(k) is None for k in (9, 10, 11, 17, 20, 21, 22, 23)) and call.value(1) is not None
    if plain and count == 1 and net.flat.owners.keys().isdisjoint(weights.roots):
        projected = {"projection": out} if call.value(16) is not None else {}
        return _over(net, call, "lstm", x, weights, hidden=hidden, **projected)
    what = "an LSTM with peepholes, coupled gates or norms, or over several sequences"
    return stated(net, call, x, (*x.shape[:2], out), steps * count, weights, what)


@rule("UNIDIRECTIONAL_SEQUENCE_RNN")
def rnn(net: Draft, call: Invocation) -> Value:
    """Plain recurrence over a sequence."""
    x, steps, count = _sequence(net, call)
    weights, back = Weights(net, call, (1, 2), (3,)), call.const(2)
    if back is None or len(back.shape) != 2:
        raise Fault("its weights are missing")
    hidden = back.shape[0]
    word = ACTIVATIONS.get(call.options["act"], "")
    if count == 1 and word in ("tanh", "relu") and net.flat.owners.keys().isdisjoint(weights.roots):
        fields: dict[str, Datum] = {"nonlinearity": "relu"} if word == "relu" else {}
        return _over(net, call, "rnn", x, weights, hidden=hidden, **fields)
    return stated(net, call, x, (*x.shape[:2], hidden), steps * count, weights, "a recurrent layer")


@rule("BIDIRECTIONAL_SEQUENCE_LSTM")
def both_ways(net: Draft, call: Invocation) -> list[Value]:
    """Long short-term memory over a sequence, in both directions, each with weights of its own."""
    x, steps, count = _sequence(net, call)
    matrices = (*_GATES, 16, *(k + 17 for k in _GATES), 33, *range(40, 48))
    weights = Weights(net, call, matrices, (*range(9, 16), 17, *range(26, 33), 34))
    return _merged(net, call, x, steps * count, weights, "an LSTM in both directions")


@rule("BIDIRECTIONAL_SEQUENCE_RNN")
def plain_both_ways(net: Draft, call: Invocation) -> list[Value]:
    """Plain recurrence over a sequence in both directions."""
    x, steps, count = _sequence(net, call)
    weights = Weights(net, call, (1, 2, 5, 6, 10, 11), (3, 7))
    return _merged(net, call, x, steps * count, weights, "a recurrent layer in both directions")


def _merged(net: Draft, call: Invocation, x: Flowing, times: int, weights: Weights, what: str) -> list[Value]:
    """Return what both directions give: one tensor, or two where they are not put together."""
    shapes = [out.shape for out in call.outputs if out is not None]
    width = sum(shape[-1] for shape in shapes)
    made = stated(net, call, x, (*x.shape[:2], width), times, weights, what)
    if len(shapes) == 1:
        return [made]
    last = made.order + (() if 2 in made.order else (2,))
    sizes = [shape[-1] for shape in shapes]
    parts = net.add_all(
        "split", [net.arranged(made, last, call.name)], call.name, {"sizes": sizes, "axis": last.index(2)}
    )
    return [net.data(part, (*x.shape[:2], n), last) for part, n in zip(parts, sizes, strict=True)]


@rule("LSTM")
def lstm_step(net: Draft, call: Invocation) -> list[Value]:
    """One step of long short-term memory: with all its weights apart, or (the basic kernel) in one matrix."""
    x, basic = net.tensor(call, 0), bool(call.options["kernel"])
    if not basic and len(call.outputs) > 1:
        raise Fault("gives what it computes on the way")
    others = (3,) if basic else (*range(9, 16), 17, *range(20, 24))
    weights = Weights(net, call, (2,) if basic else (*_GATES, 16), others)
    made = stated(net, call, x, call.shape, prod(x.shape[:-1]), weights, "a step of an LSTM")
    return [made] * (2 if basic else 1)  # what it gives and its state, of one shape


@rule("RNN")
def rnn_step(net: Draft, call: Invocation) -> Value:
    """One step of a plain recurrence."""
    x, weights = net.tensor(call, 0), Weights(net, call, (1, 2), (3,))
    return stated(net, call, x, call.shape, prod(x.shape[:-1]), weights, "a step of a recurrent layer")


@rule("SVDF")
def filtered(net: Draft, call: Invocation) -> Value:
    """A filter of rank one, or a few, over what enters and over time: its state is what runs before have left."""
    x, weights = net.tensor(call, 0), Weights(net, call, (1, 2), (3,))
    first, rank = call.const(1), int(call.options["rank"])
    if first is None or len(first.shape) != 2 or rank < 1 or first.shape[0] % rank:
        raise Fault("its weights are missing, or no multiple of its rank")
    return stated(net, call, x, (*x.shape[:-1], first.shape[0] // rank), prod(x.shape[:-1]), weights, "SVDF")
