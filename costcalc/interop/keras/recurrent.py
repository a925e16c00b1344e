"""Keras' recurrent layers, what runs a layer over steps, and embeddings -> steps of a spec."""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.keras.config import LayerConfig, said, whole
from costcalc.interop.keras.moves import MOST_PIECES, beside
from costcalc.interop.keras.net import KerasNet, KerasTensor, LayerCall, flat_tensors, rule
from costcalc.numbers.num import ceil_div, prod

_KINDS = {
    "LSTM": "lstm", "CuDNNLSTM": "lstm", "LSTMCell": "lstm", "GRU": "gru", "CuDNNGRU": "gru", "GRUCell": "gru",
    "SimpleRNN": "rnn", "SimpleRNNCell": "rnn",
}  # fmt: skip
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
_GATE = ("sigmoid", "hard_sigmoid")


@rule("Embedding")
def embedding(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A learned vector for each index."""
    x, c = call.only(), call.config
    c.flag("mask_zero")
    count, out = c.whole("input_dim"), c.whole("output_dim")
    rank = len(x.order)
    index = net.arranged(x, range(rank), call.name)
    return net.placed(net.add("embedding", [index], call.name, count=count, out=out), [rank, *range(rank)])


# ---- one layer -----------------------------------------------------------------------------------


class Loop:
    """What a recurrent layer's config says, of Keras' class or of a cell's."""

    def __init__(self, kind: str, config: LayerConfig, version: int) -> None:
        c = config
        self.kind = _KINDS[kind]
        self.units = c.whole("units")
        self.bias = c.flag("use_bias", default=True)
        late = kind.startswith("CuDNN") or version >= 3
        after = self.kind == "gru" and (c.flag("reset_after", default=late) or kind.startswith("CuDNN"))
        self.one_bias = self.bias and not after and not kind.startswith("CuDNN")
        self.activation = _word(c.get("activation", "tanh"))
        gate = _word(c.get("recurrent_activation", "sigmoid")) if self.kind != "rnn" else "sigmoid"
        own = ("tanh", "relu") if self.kind == "rnn" else ("tanh",)
        self.usual = self.activation in own and gate == "sigmoid"  # as a spec's operators have them
        self.said = f"activation {self.activation}, gates {gate}"

    @property
    def fields(self) -> dict[str, Datum]:
        """The fields of costcalc's operator."""
        found: dict[str, Datum] = {"hidden": self.units}
        found |= {"bias": False} if not self.bias else {"one_bias": True} if self.one_bias else {}
        return found | ({"nonlinearity": "relu"} if self.kind == "rnn" and self.activation == "relu" else {})


def _word(value: Any) -> str:
    """Return the word of an activation, serialized or not."""
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name")
    return str(value)[:40]


def _last(net: KerasNet, values: list[str], units: int, name: str) -> KerasTensor:
    """Return the state after the last step as a vector."""
    return KerasTensor(net.shaped(values[1], [units], name), (0,))


def looped(net: KerasNet, loop: Loop, x: KerasTensor, name: str, *, backwards: bool, both: bool = False) -> list[str]:
    """Add a recurrent layer over [steps, channels]; return its values: of all steps, and its last states."""
    if len(x.order) != 2:
        raise Fault(f"takes steps and channels, and gets {'x'.join(map(str, net.dims(x)))}")
    value = net.arranged(x, [1, 0], name)
    if backwards:
        value = net.add("flip", [value], f"{name}.flip", axes=[1])
    more = {"bidirectional": True} if both else {}
    if loop.usual:
        return net.add_all(loop.kind, [value], name, **loop.fields, **more)
    steps, channels = net.dims(x)
    sides, gates = (2 if both else 1), _GATES[loop.kind] * loop.units
    products = sides * gates * (channels + loop.units)
    learned = products + sides * gates * (0 if not loop.bias else 1 if loop.one_bias else 2)
    note = f"{loop.kind} with {loop.said}"
    fields = {"params": learned, "macs": steps * products, "note": note}
    out = net.add("custom", [value], name, shape=[sides * loop.units, steps], **fields)
    last = net.add("slice", [out], f"{name}.last", start=steps - 1, axis=1) if steps > 1 else out
    return [out, last, last]


_LAYERS = ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU")


@rule(*_LAYERS)
def recurrent(net: KerasNet, call: LayerCall) -> Any:
    """A recurrent layer: what all steps give, or the last; with its states where they are asked for."""
    _begin(net, call)
    return _ran(net, call, [Loop(call.kind, call.config, net.version)], call.first())


def _begin(net: KerasNet, call: LayerCall) -> None:
    """Note what a layer begins with: a spec's layers begin with zeros, at the same cost, and what makes it is kept."""
    call.named("initial_state")
    given = [*call.tensors[1:], *flat_tensors(call.kwargs.get("initial_state"))]
    net.handed += [state.value for state in given]


def _ran(net: KerasNet, call: LayerCall, loops: list[Loop], x: KerasTensor) -> Any:
    """Return what layers of recurrence give, each over all steps of the one before."""
    c = call.config
    sequences, states, backwards = (c.flag(key) for key in ("return_sequences", "return_state", "go_backwards"))
    found: list[KerasTensor] = []
    values: list[str] = []
    for number, loop in enumerate(loops):
        name = call.name if len(loops) == 1 else f"{call.name}.{number}"
        values = looped(net, loop, x, name, backwards=backwards and number == 0)
        x = KerasTensor(values[0], (1, 0))
        if states:
            found += [KerasTensor(net.shaped(one, [loop.units], name), (0,)) for one in values[1:]]
    return [x if sequences else _last(net, values, loops[-1].units, call.name), *found]


@rule("RNN")
def rnn(net: KerasNet, call: LayerCall) -> Any:
    """Cells that are run over all steps: those that Keras brings."""
    _begin(net, call)
    cell = call.config.get("cell", {})
    cells = cell if isinstance(cell, list) else [cell]
    if isinstance(cell, dict) and cell.get("class_name") == "StackedRNNCells":
        cells = LayerConfig(cell.get("config")).get("cells", [])
    loops = []
    for one in cells if isinstance(cells, list) else []:
        kind = one.get("class_name") if isinstance(one, dict) else None
        if kind not in _KINDS or not str(kind).endswith("Cell"):
            raise Fault(f"has a cell that costcalc does not know: {said(kind)}")
        inner = LayerConfig(one.get("config"))
        loops.append(Loop(str(kind), inner, net.version))
        inner.finish()
    if not loops:
        raise Fault("has no cell")
    return _ran(net, call, loops, call.first())


@rule("Bidirectional")
def bidirectional(net: KerasNet, call: LayerCall) -> Any:
    """A recurrent layer and one that goes backwards, side by side or put together."""
    _begin(net, call)
    c, x = call.config, call.first()
    merge = c.get("merge_mode", "concat") if c.settings.get("merge_mode", "") is not None else None
    loop, sequences, states = _side(c.get("layer"), net.version)
    back = c.get("backward_layer")
    if back is not None:
        other = _side(back, net.version)[0]
        if (other.kind, other.fields, other.said) != (loop.kind, loop.fields, loop.said):
            raise Fault("its layers are not alike")
    values = looped(net, loop, x, call.name, backwards=False, both=True)
    found = _end_states(net, values[1:], loop.units, call.name) if states else []
    flow = KerasTensor(values[0], (1, 0)) if sequences else _last(net, values, 2 * loop.units, call.name)
    return [*_merged(net, flow, merge, call.name), *found]


def _side(data: Any, version: int) -> tuple[Loop, bool, bool]:
    """Return what one side's layer says, and whether it gives all steps, and its states."""
    kind = data.get("class_name") if isinstance(data, dict) else None
    if kind not in _LAYERS:
        raise Fault(f"runs {said(kind)} both ways, and costcalc has words for {', '.join(_LAYERS[:3])}")
    inner = LayerConfig(data.get("config"))
    loop = Loop(str(kind), inner, version)
    sequences, states = inner.flag("return_sequences"), inner.flag("return_state")
    inner.flag("go_backwards")
    inner.finish()
    return loop, sequences, states


def _end_states(net: KerasNet, values: list[str], units: int, name: str) -> list[KerasTensor]:
    """Return the last states, of one side and then of the other."""
    pairs = []
    for one in values:
        both = KerasTensor(net.shaped(one, [2 * units], name), (0,))
        pairs.append(net.cut(both, 0, [units, units], f"{name}.states"))
    return [pair[side] for side in (0, 1) for pair in pairs]


def _merged(net: KerasNet, flow: KerasTensor, merge: Any, name: str) -> list[KerasTensor]:
    """Return both sides, which stand side by side on the channels, as the mode says: null leaves them apart."""
    if merge == "concat":
        return [flow]
    joins = {None: "", "sum": "add", "mul": "multiply", "ave": "add"}
    if merge not in joins:
        raise Fault(f"merge_mode {said(merge)} is not known", "concat, sum, mul, ave or null")
    axis = len(flow.order) - 1
    halves = net.cut(flow, axis, [net.dims(flow)[axis] // 2] * 2, f"{name}.sides")
    if merge is None:
        return halves
    made = net.join(joins[merge], halves, f"{name}.{merge}")
    return [net.each(made, "arithmetic", f"{name}.half", op="multiply", by=0.5) if merge == "ave" else made]


@rule("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def conv_lstm(net: KerasNet, call: LayerCall) -> Any:
    """A recurrent layer of convolutions: its numbers are stated, as no operator goes step by step over maps."""
    c, axes, x = call.config, call.axes, call.first()
    call.named()
    for key in ("activation", "recurrent_activation", "go_backwards"):
        c.get(key)
    dims = net.dims(x)
    if len(dims) != axes + 2 or len(call.tensors) != 1:
        raise Fault(f"takes steps, {axes} axes of space and channels, and gets {'x'.join(map(str, dims))}")
    last = c.word("data_format", net.first, ("channels_last", "channels_first")) == "channels_last"
    sequence = [axes + 1, *range(axes + 1)] if last else [1, 0, *range(2, axes + 2)]
    channels, steps, *space = (dims[k] for k in sequence)
    kernel, stride, dilation = (
        c.wholes(key, axes, n) for key, n in (("kernel_size", None), ("strides", 1), ("dilation_rate", 1))
    )
    same = c.word("padding", "valid", ("valid", "same")) == "same"
    each = zip(space, kernel, stride, dilation, strict=True)
    out = [ceil_div(n, s) if same else (n - (k - 1) * d - 1) // s + 1 for n, k, s, d in each]
    if min(out) < 1:
        raise Fault("its window does not fit")
    filters = c.whole("filters")
    weights = prod(kernel) * 4 * filters * (channels + filters)
    learned = weights + (4 * filters if c.flag("use_bias", default=True) else 0)
    note = "convolutions of the input and of the state at each step"
    macs = steps * prod(out) * weights
    value = net.arranged(x, sequence, call.name)
    value = net.add("custom", [value], call.name, shape=[filters, steps, *out], params=learned, macs=macs, note=note)
    whole_ = net.placed(value, sequence)
    state = whole_
    if not c.flag("return_sequences") or c.flag("return_state"):
        end = net.add("slice", [value], f"{call.name}.last", start=steps - 1, axis=1) if steps > 1 else value
        rank = [axes, *range(axes)] if last else list(range(axes + 1))
        state = net.placed(net.shaped(end, [filters, *out], call.name), rank)
    made = whole_ if c.flag("return_sequences") else state
    return [made, state, state] if c.flag("return_state") else made


# ---- a layer at each step ------------------------------------------------------------------------

# Layers that do to each step what they do to a tensor of one axis more: they work on the last axis, or on elements.
_EACH = frozenset(
    "Dense Activation ReLU LeakyReLU ELU Dropout Rescaling Identity GaussianNoise GaussianDropout Embedding".split()
)


@rule("TimeDistributed")
def time_distributed(net: KerasNet, call: LayerCall) -> Any:
    """A layer at each step: as one layer where that is the same, else step by step with the same weights."""
    x, layer = call.first(), call.config.get("layer")
    call.named()
    if not isinstance(layer, dict) or len(call.tensors) != 1 or not x.order:
        raise Fault("runs one layer over the steps of one tensor")
    kind, config = layer.get("class_name"), layer.get("config")
    config = config if isinstance(config, dict) else {}
    name = f"{call.name}/{str(config.get('name') or kind)[:60]}"
    if kind in _EACH and (kind != "Activation" or config.get("activation") != "softmax" or len(x.order) > 1):
        return net.apply(layer, name, [x], {})
    steps, rank = net.dims(x)[0], len(x.order)
    lifted = _lifted(str(kind), config, rank)
    if lifted is not None:
        return net.apply({**layer, "class_name": lifted[0], "config": lifted[1]}, name, [x], {})
    if kind == "Flatten":
        return net.reshaped(x, [steps, prod(net.dims(x)[1:])], name)
    if steps > MOST_PIECES:
        raise Fault(f"runs {said(kind)} at each of {steps} steps; at most {MOST_PIECES} are taken")
    parts = (
        net.add_all("split", [x.value], f"{call.name}.steps", parts=steps, axis=x.order[0]) if steps > 1 else [x.value]
    )
    made = []
    for part in parts:
        entering = _without(net, KerasTensor(part, x.order), call.name)
        made.append([_with(net, one, call.name) for one in net.apply(layer, name, [entering], {})])
    together = [beside(net, list(each), 1, call.name) for each in zip(*made, strict=True)]
    return together if steps > 1 else flat_tensors(made)


def _without(net: KerasNet, x: KerasTensor, name: str) -> KerasTensor:
    """Return a tensor without its first axis, whose length is 1."""
    sequence, dims = x.sequence, net.dims(x)
    kept = [k for k in sequence if k]
    value = net.shaped(x.value, [dims[k] for k in kept] or [1], name)
    return net.placed(value, [k - 1 for k in kept])


def _with(net: KerasNet, x: KerasTensor, name: str) -> KerasTensor:
    """Return a tensor with an axis of length 1 before its others, which a spec has behind its channels."""
    sequence, dims = [k + 1 for k in x.sequence], [1, *net.dims(x)]
    whole_ = [*sequence[:1], 0, *sequence[1:]]
    return net.placed(net.shaped(x.value, [dims[k] for k in whole_], name), whole_)


_WINDOWS = ("kernel_size", "strides", "dilation_rate", "pool_size")


def _lifted(kind: str, config: dict[str, Any], rank: int) -> tuple[str, dict[str, Any]] | None:
    """Return a layer over steps too that does the same: windows of one step; none where there is no such layer."""
    known = ("Conv", "DepthwiseConv", "MaxPooling", "AveragePooling")
    stem, axes = kind[:-2], kind[-2:-1]
    if stem not in known or not axes.isdigit() or int(axes) + 2 != rank or int(axes) > 2 or kind[-1:] != "D":
        return None
    if config.get("data_format") == "channels_first" or config.get("padding") == "causal":
        return None
    wider = dict(config)
    for key in _WINDOWS:
        given = wider.get(key)
        if given is not None:
            each = given if isinstance(given, list) else [whole(given, key)] * int(axes)
            wider[key] = [1, *each]
    return f"{stem}{int(axes) + 1}D", wider
