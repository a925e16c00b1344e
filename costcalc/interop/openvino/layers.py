"""OpenVINO's layers -> calls by ONNX's names, whose rules are `interop/tensors`'; or steps, where ONNX has no such."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from typing import Any, Protocol

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.openvino.file import TYPES, is_floating, known, numbers, whole
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.net import Call, Net
from costcalc.interop.tensors.origin import Origin, Root
from costcalc.interop.tensors.recurrent import gate_biases
from costcalc.interop.tensors.values import Const, Data, Dims
from costcalc.language.flat import Step

Value = Const | Data


class IrCall(Call):
    """A layer with the values that it takes; its attributes are texts, and it states the shapes that it gives."""

    __slots__ = ("several", "stated")

    def __init__(
        self, op: str, name: str, data: dict[str, Datum], inputs: list[Value | None], stated: dict[str, Dims]
    ) -> None:
        super().__init__(op, name, data, inputs, list(stated))
        self.stated = list(stated.values())
        self.several = False  # whether other layers take its constants too

    def wholes(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """Return whole numbers of an attribute."""
        return numbers(self.attributes[name], name) if name in self.attributes else list(default)

    def single(self, name: str, default: int) -> int:
        """Return a whole number of an attribute."""
        return whole(self.attributes[name], name) if name in self.attributes else default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return whether an attribute is true."""
        return str(self.attributes.get(name, default)).lower() in ("true", "1")

    def real(self, name: str, default: float) -> float:
        """Return a number of an attribute."""
        try:
            return float(self.attributes.get(name, default))
        except ValueError:
            raise Fault(f"{name} is a number, not '{self.attributes[name][:40]}'") from None

    def listed(self, place: int) -> list[int] | None:
        """Return the whole numbers of a constant input; None where it is left out, or its numbers are not there."""
        const = self.const(place)
        array = None if const is None else const.array()
        return None if array is None else [int(n) for n in array.reshape(-1)]

    def must(self, place: int) -> list[int]:
        """Return the whole numbers of a constant input; raise Fault where they are not there."""
        found = self.listed(place)
        if found is None:
            raise Fault(f"the numbers of input {place} are not there", "put the .bin of the model beside it")
        return found

    def given(self, place: int = 0) -> Dims:
        """Return the shape that the file states of an output; raise Fault where it leaves it open."""
        if place >= len(self.stated) or not known(self.stated[place]):
            raise Fault("the file leaves open what shape it gives")
        return self.stated[place]

    def tensor(self, place: int) -> Value:
        """Return what stands at an input's place; raise Fault where it is left out."""
        value = self.value(place)
        if value is None:
            raise Fault(f"input {place} is missing")
        return value


class IrReader(Protocol):
    """What reads calls."""

    net: Net
    bits: dict[str, int]  # stored tensors of few bits, by their roots
    norms: dict[str, Step]  # norms without a scale, by the values that they give, which one layer takes

    def finish(self, call: IrCall, op: str, *inputs: Value | None, **attributes: Datum) -> None:
        """Read a call by ONNX's name that gives what the layer does."""

    def middle(self, call: IrCall, op: str, *inputs: Value | None, outputs: int = 1, **attributes: Datum) -> Any:
        """Read a call in the middle of a layer, and return what it gives: a value, or a list of several."""


MOST_POSITIONS = 2**22  # numbers of a table that are looked at
LEAST_TOKENS = 5  # that have positions; fewer are coordinates
_SUMMED = re.compile(r".*aten::add_?/Multiply|Constant_\d+")

Rule = Callable[[IrReader, IrCall], None]
LAYERS: dict[str, Rule] = {}


def layer(*types: str) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of these types of layers."""

    def enter(function: Rule) -> Rule:
        LAYERS.update(dict.fromkeys(types, function))
        return function

    return enter


# Types that ONNX has with the same inputs, and no attribute that matters.
SAME = {
    "Divide": "Div", "Maximum": "Max", "Minimum": "Min", "Power": "Pow",
    "FloorMod": "Mod", "Mod": "Mod", "Greater": "Greater", "GreaterEqual": "GreaterOrEqual", "Less": "Less",
    "LessEqual": "LessOrEqual", "Equal": "Equal", "Select": "Where", "LogicalAnd": "And", "LogicalOr": "Or",
    "LogicalXor": "Xor", "LogicalNot": "Not", "ReLU": "Relu", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Gelu": "Gelu",
    "Swish": "Swish", "Mish": "Mish", "HSwish": "HardSwish", "HSigmoid": "HardSigmoid", "HardSigmoid": "HardSigmoid",
    "SoftPlus": "Softplus", "SoftSign": "Softsign", "Selu": "Selu", "Exp": "Exp", "Log": "Log", "Sqrt": "Sqrt",
    "Abs": "Abs", "Negative": "Neg", "Sign": "Sign", "Sin": "Sin", "Cos": "Cos", "Floor": "Floor", "Ceiling": "Ceil",
    "Round": "Round", "Erf": "Erf", "ShapeOf": "Shape", "Identity": "Identity", "ConvertLike": "CastLike",
    "ScatterNDUpdate": "ScatterND", "GatherND": "GatherND", "Range": "Range",
}  # fmt: skip
_ALONE = ("Swish", "HardSigmoid", "Selu", "Gelu")  # numbers beside the tensor change no cost


@layer(*SAME)
def same(reader: IrReader, call: IrCall) -> None:
    """What ONNX has under another name, or the same."""
    op = SAME[call.op]
    if call.attributes.get("auto_broadcast", "numpy") not in ("numpy", "none"):
        raise Fault("broadcasts as PaddlePaddle did", "convert the model anew")
    reader.finish(call, op, *(call.inputs[:1] if op in _ALONE else call.inputs))


@layer("BitwiseNot")
def opposite(reader: IrReader, call: IrCall) -> None:
    """The opposite of constant truths."""
    array = call.known(0)
    if array is None or array.dtype.kind != "b":
        raise Fault("costcalc has no counterpart of it for numbers")
    reader.finish(call, "Not", call.value(0))


@layer("NotEqual")
def unlike(reader: IrReader, call: IrCall) -> None:
    """A comparison that ONNX has not: the opposite of another."""
    reader.finish(call, "Not", reader.middle(call, "Equal", *call.inputs))


# ---- windows -------------------------------------------------------------------------------------

_AUTO = {"explicit": "NOTSET", "notset": "NOTSET", "same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER",
         "valid": "VALID"}  # fmt: skip


def _window(call: IrCall) -> dict[str, Datum]:
    """Return strides, dilations and pads as ONNX has them."""
    auto = _AUTO.get(call.attributes.get("auto_pad", "explicit").lower(), "?")
    fields: dict[str, Datum] = {name: call.wholes(name) or None for name in ("strides", "dilations")}
    pads = [*call.wholes("pads_begin"), *call.wholes("pads_end")]
    return fields | {"auto_pad": auto} | ({"pads": pads or None} if auto == "NOTSET" else {})


def _grouped(reader: IrReader, call: IrCall) -> tuple[Value, int]:
    """Return weights whose first axis are groups, [G, O/G, I/G, ..], as ONNX has them; and how many groups."""
    weight = call.tensor(1)
    dims = weight.shape
    if len(dims) < 4:
        raise Fault(f"its weights, {list(dims)}, have no axis of groups")
    groups, first, second = dims[:3]
    shape = (groups * first, second, *dims[3:])
    return reader.middle(call, "Reshape", weight, shape=list(shape)), groups


@layer("Convolution", "GroupConvolution")
def convolution(reader: IrReader, call: IrCall) -> None:
    """Convolution, in groups or not."""
    weight, groups = _grouped(reader, call) if call.op[0] == "G" else (call.tensor(1), 1)
    reader.finish(call, "Conv", call.value(0), weight, group=groups, **_window(call))


@layer("BinaryConvolution")
def binary(reader: IrReader, call: IrCall) -> None:
    """Convolution of signs with kernels of one bit: what is counted is its agreements, one for each product."""
    weight = call.const(1)
    if weight is None:
        raise Fault("takes a kernel that is stored")
    reader.bits.update(dict.fromkeys(weight.roots, 1))
    reader.finish(call, "Conv", call.value(0), weight, **_window(call))


@layer("ConvolutionBackpropData", "GroupConvolutionBackpropData")
def transposed(reader: IrReader, call: IrCall) -> None:
    """Transposed convolution, whose third input is the output's shape in space, if it is there."""
    weight, groups = _grouped(reader, call) if call.op[0] == "G" else (call.tensor(1), 1)
    fields = _window(call) | {"output_padding": call.wholes("output_padding") or None}
    if call.value(2) is not None:
        fields["output_shape"] = call.listed(2) or list(call.given()[2:])
    reader.finish(call, "ConvTranspose", call.value(0), weight, group=groups, **fields)


@layer("DeformableConvolution")
def deformable(reader: IrReader, call: IrCall) -> None:
    """Deformable convolution: ONNX's weights stand before the offsets."""
    fields = _window(call) | {"group": call.single("group", 1), "offset_group": call.single("deformable_group", 1)}
    if fields.pop("auto_pad") != "NOTSET":
        raise Fault("costcalc takes its padding in numbers")
    x, offsets, weight, mask = (call.value(k) for k in range(4))
    reader.finish(call, "DeformConv", x, weight, offsets, None, mask, **fields)


@layer("MaxPool", "AvgPool")
def pool(reader: IrReader, call: IrCall) -> None:
    """Maximum or average over windows."""
    fields = _window(call) | {
        "kernel_shape": call.wholes("kernel"),
        "ceil_mode": call.attributes.get("rounding_type", "floor").startswith("ceil"),
        "count_include_pad": not call.flag("exclude-pad", default=True),
    }
    reader.finish(call, {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[call.op], call.value(0), **fields)


@layer("AdaptiveAvgPool", "AdaptiveMaxPool")
def adaptive(reader: IrReader, call: IrCall) -> None:
    """Average or maximum over windows that fit an output's size."""
    net, x = reader.net, reader.net.data(call, 0)
    size = call.listed(1) or list(call.given()[2:])
    kind = {"AdaptiveAvgPool": "adaptive_avg_pool", "AdaptiveMaxPool": "adaptive_max_pool"}[call.op]
    value = net.add(kind, [x.name], call.name, size=size[0] if len(set(size)) == 1 else size)
    for place, out in enumerate(call.outputs):
        if place == 0 or net.uses[out]:
            net.give(call, value, x, place)


# ---- products ------------------------------------------------------------------------------------


@layer("MatMul")
def matmul(reader: IrReader, call: IrCall) -> None:
    """A product, of matrices that may be stored transposed."""
    factors = []
    for place, word in enumerate(("transpose_a", "transpose_b")):
        value, rank = call.tensor(place), len(call.tensor(place).shape)
        if call.flag(word) and rank > 1:
            value = reader.middle(call, "Transpose", value, perm=[*range(rank - 2), rank - 1, rank - 2])
        factors.append(value)
    if len(factors[1].shape) == 1:  # a vector is a column, whose axis goes
        column = reader.middle(call, "Unsqueeze", factors[1], axes=[1])
        reader.finish(call, "Squeeze", reader.middle(call, "MatMul", factors[0], column), axes=[-1])
        return
    reader.finish(call, "MatMul", *factors)
    made = reader.net.values[call.outputs[0]]
    if call.several and isinstance(made, Data):  # which may be joined with other biases each
        made.bare = None


@layer("Einsum")
def einsum(reader: IrReader, call: IrCall) -> None:
    """A product by letters."""
    reader.finish(call, "Einsum", *call.inputs, equation=call.attributes.get("equation", ""))


@layer("ScaledDotProductAttention")
def attention(reader: IrReader, call: IrCall) -> None:
    """Attention; with a mask its products, the sum with the mask and the softmax stand one by one."""
    q, k, v, mask = (call.value(place) for place in range(4))
    if q is None or k is None or v is None:
        raise Fault("an input is missing")
    if mask is not None and mask.shape in ((), (1,)):  # a lone number where there is none
        mask = None
    if mask is None and len(q.shape) > 2 and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]:
        net, each = reader.net, [reader.net.data(call, place).name for place in range(3)]
        net.put(call, net.add("attention", each, call.name), (*q.shape[:-1], v.shape[-1]))
        return
    rank = len(k.shape)
    turned = reader.middle(call, "Transpose", k, perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = reader.middle(call, "MatMul", q, turned)
    net, data = reader.net, reader.net.data(call, 0)
    scaled = net.add("arithmetic", [scores.name], call.name, op="multiply", by=round(q.shape[-1] ** -0.5, 6))
    scores = Data(scaled, scores.shape, still=data.still)
    if mask is not None:
        scores = reader.middle(call, "Add", scores, mask)
    reader.finish(call, "MatMul", reader.middle(call, "Softmax", scores, axis=-1), v)


# ---- elements ------------------------------------------------------------------------------------


@layer("Add")
def add(reader: IrReader, call: IrCall) -> None:
    """A sum; of tokens with as many stored numbers, these are learned positions, unless they are sines."""
    for const, x in (call.inputs[:2], call.inputs[1::-1]):
        if isinstance(const, Const) and isinstance(x, Data) and const.shape == x.shape and _positions(const):
            _learn(const)
    reader.finish(call, "Add", *call.inputs)


def _positions(const: Const) -> bool:
    """Say whether a constant is what PyTorch's sum was folded with, [1, tokens, channels], and no table of sines.

    sin(a)^2 + cos(a)^2 = 1, so that the squares of a token's C sines and cosines add up to C / 2 in any order.
    """
    root = next(iter(const.roots), "")
    if len(const.shape) != 3 or const.shape[0] != 1 or const.shape[1] < LEAST_TOKENS or not _SUMMED.fullmatch(root):
        return False
    array = const.look() if const.look and const.size < MOST_POSITIONS else None
    if array is None:
        return True
    squares = (array.astype("float64") ** 2).sum(-1) / const.shape[-1]
    return not bool((abs(squares - 0.5) < 1e-3).all())


def _learn(const: Const) -> None:
    """Note that a constant was learned, though its name was made up when it was folded."""
    const.roots = {
        Root(root, Origin.PARAMETER) if root.origin is Origin.FOLDED else root: n for root, n in const.roots.items()
    }


@layer("Multiply")
def multiply(reader: IrReader, call: IrCall) -> None:
    """A product element by element; scales of stored whole numbers go with these, and count nothing."""
    if not _scaled_norm(reader, call):
        _unscaled(reader, call, "Mul")


@layer("Subtract")
def subtract(reader: IrReader, call: IrCall) -> None:
    """A difference element by element; zero points of stored whole numbers count nothing."""
    _unscaled(reader, call, "Sub")


def _unscaled(reader: IrReader, call: IrCall, op: str) -> None:
    first, second = call.tensor(0), call.tensor(1)
    if isinstance(first, Const) and isinstance(second, Const):
        large = max(first, second, key=lambda const: const.size)
        if large.size > 1 and any(root in reader.bits for root in large.roots):
            reader.net.values[call.outputs[0]] = large
            return
    reader.finish(call, op, *call.inputs)


@layer("SquaredDifference")
def squared_difference(reader: IrReader, call: IrCall) -> None:
    """The square of a difference."""
    reader.finish(call, "Mul", *[reader.middle(call, "Sub", *call.inputs)] * 2)


@layer("Clamp")
def clamp(reader: IrReader, call: IrCall) -> None:
    """Values kept between two bounds."""
    reader.finish(call, "Clip", call.value(0), min=call.real("min", -1e38), max=call.real("max", 1e38))


@layer("Elu")
def elu(reader: IrReader, call: IrCall) -> None:
    """Elu, with its number."""
    reader.finish(call, "Elu", call.value(0), alpha=call.real("alpha", 1.0))


@layer("PReLU", "PRelu")
def prelu(reader: IrReader, call: IrCall) -> None:
    """Rectifier with slopes: a lone one that no module is named for is a number, as LeakyReLU has it."""
    slope = call.const(1)
    named = slope is not None and any(root.origin in (Origin.NAMED, Origin.PARAMETER) for root in slope.roots)
    if slope is not None and slope.size == 1 and not named:
        array = slope.array()
        reader.finish(call, "LeakyRelu", call.value(0), alpha=0.01 if array is None else float(array.reshape(-1)[0]))
        return
    x = call.tensor(0)
    if slope is not None and len(slope.shape) == 1 and slope.size > 1:  # one a channel, which numpy would put last
        slope = reader.middle(call, "Reshape", slope, shape=[-1, *[1] * (len(x.shape) - 2)])
    reader.finish(call, "PRelu", x, slope)


@layer("SoftMax", "Softmax", "LogSoftmax")
def softmax(reader: IrReader, call: IrCall) -> None:
    """Softmax along an axis."""
    default = -1 if call.op == "LogSoftmax" else 1
    op = "LogSoftmax" if call.op == "LogSoftmax" else "Softmax"
    reader.finish(call, op, call.value(0), axis=call.single("axis", default))


@layer("FakeQuantize")
def fake_quantize(reader: IrReader, call: IrCall) -> None:
    """Numbers as a device with few levels has them: of weights the file says so how many bits they take."""
    value = call.tensor(0)
    levels = call.single("levels", 256)
    if isinstance(value, Data):
        reader.net.same(call, value)
        return
    bits = max(levels - 1, 1).bit_length()
    reader.bits.update({root: min(bits, reader.bits.get(root, bits)) for root in value.roots})
    reader.net.values[call.outputs[0]] = value


@layer("Convert", "FakeConvert")
def convert(reader: IrReader, call: IrCall) -> None:
    """Other numbers of the same value; stored whole numbers become weights."""
    value, to = call.tensor(0), str(call.attributes.get("destination_type", "f32")).lower()
    word = TYPES.get(to, ("", 0))[0]
    if isinstance(value, Const) and any(root in reader.bits for root in value.roots):
        reader.finish(call, "DequantizeLinear", value)
    elif isinstance(value, Const) and not word:
        reader.finish(call, "Identity", value)
    else:
        reader.finish(call, "Cast", value, to=word, floating=is_floating(to))
        made = reader.net.values[call.outputs[0]]
        if isinstance(value, Const) and isinstance(made, Const):
            made.look = made.look or value.look


# ---- axes, parts, sizes --------------------------------------------------------------------------


@layer("Reshape")
def reshape(reader: IrReader, call: IrCall) -> None:
    """The same elements on other axes."""
    target = call.listed(1)
    zero = call.flag("special_zero")
    shape = list(call.given()) if target is None else target
    reader.finish(call, "Reshape", call.value(0), shape=shape, allowzero=not zero or target is None)


@layer("Squeeze", "Unsqueeze")
def squeeze(reader: IrReader, call: IrCall) -> None:
    """Axes of length 1 that go, or come."""
    if call.value(1) is not None and call.listed(1) is None:
        reader.finish(call, "Reshape", call.value(0), shape=list(call.given()))
    else:
        axes = call.listed(1)
        reader.finish(call, call.op, call.value(0), **({} if not axes and call.op == "Squeeze" else {"axes": axes}))


@layer("Transpose")
def transpose(reader: IrReader, call: IrCall) -> None:
    """The axes in another order."""
    x, order = call.tensor(0), call.listed(1)
    if order is None and call.value(1) is not None:
        order = _only(
            [p for p in permutations(range(len(x.shape))) if tuple(x.shape[k] for k in p) == call.given()]
            if len(x.shape) <= 6 else []
        )  # fmt: skip
    reader.finish(call, "Transpose", x, perm=order or None)


def _only(found: Sequence[Sequence[int]]) -> list[int]:
    """Return the one thing that fits the shapes; raise Fault where several do, or none."""
    if len(found) != 1:
        raise Fault("its shapes do not say what it does, and its numbers are not there", "put the .bin beside it")
    return list(found[0])


@layer("Broadcast")
def broadcast(reader: IrReader, call: IrCall) -> None:
    """Axes of length 1 repeated; `explicit` says which axes of the result a tensor has."""
    x, target = call.tensor(0), call.listed(1)
    target = list(call.given()) if target is None else target
    if call.attributes.get("mode", "numpy").lower() == "explicit" and x.shape:
        axes = call.must(2)
        if len(axes) != len(x.shape) or any(not 0 <= k < len(target) for k in axes):
            raise Fault("its axes do not fit")
        placed = dict(zip(axes, x.shape, strict=True))
        x = reader.middle(call, "Reshape", x, shape=[placed.get(k, 1) for k in range(len(target))])
    reader.finish(call, "Expand", x, shape=target)


@layer("Tile")
def tile(reader: IrReader, call: IrCall) -> None:
    """The tensor side by side with itself; repeats of fewer axes are those of the last, and the other way round."""
    x = call.tensor(0)
    counts = call.must(1)
    counts = [1] * (len(x.shape) - len(counts)) + counts
    if len(counts) > len(x.shape):
        x = reader.middle(call, "Reshape", x, shape=[*[1] * (len(counts) - len(x.shape)), *x.shape])
    reader.finish(call, "Tile", x, repeats=counts)


@layer("Concat")
def concat(reader: IrReader, call: IrCall) -> None:
    """Tensors side by side; what stands beside tokens is one that was learned, as a class token is."""
    first = call.first_data()
    for const in call.inputs:
        if isinstance(const, Const) and first is not None and len(first.shape) == 3 and call.single("axis", 0) == 1:
            array = const.array()
            if array is None or array.any():
                _learn(const)
    reader.finish(call, "Concat", *call.inputs, axis=call.single("axis", 0))


@layer("Split", "VariadicSplit")
def split(reader: IrReader, call: IrCall) -> None:
    """A tensor in pieces."""
    x, rank = call.tensor(0), len(call.tensor(0).shape)
    axes = call.listed(1)
    if axes is None:
        axes = _only([[k] for k in range(rank) if x.shape[k] != call.given()[k]])
    axis = shapes.axis(axes[0], rank)
    if call.op == "Split":
        parts = len(call.outputs)
        sizes = [x.shape[axis] // parts] * parts
    else:
        sizes = call.listed(2) or [call.given(place)[axis] for place in range(len(call.outputs))]
        left = x.shape[axis] - sum(n for n in sizes if n != -1)
        sizes = [left if n == -1 else n for n in sizes]
    reader.finish(call, "Split", x, axis=axis, split=sizes)


@layer("Slice")
def slice_(reader: IrReader, call: IrCall) -> None:
    """A part of some axes."""
    starts, ends, steps = call.must(1), call.must(2), call.must(3)
    axes = call.must(4) if call.value(4) is not None else list(range(len(starts)))
    reader.finish(call, "Slice", call.value(0), starts=starts, ends=ends, axes=axes, steps=steps)


@layer("StridedSlice")
def strided_slice(reader: IrReader, call: IrCall) -> None:
    """A part of the axes in order; masks leave ends out, take one place of an axis, add axes, skip many."""
    x, rank = call.tensor(0), len(call.tensor(0).shape)
    begin, end = call.must(1), call.must(2)
    steps = call.must(3) if call.value(3) is not None else [1] * len(begin)
    masks = {word: call.wholes(f"{word}_mask") for word in ("begin", "end", "new_axis", "shrink_axis", "ellipsis")}

    def on(word: str, k: int) -> bool:
        return k < len(masks[word]) and masks[word][k] == 1

    count = len(begin)
    if not count == len(end) == len(steps) or not all(steps):
        raise Fault("its begins, ends and strides do not go together")
    taking = sum(not on("new_axis", k) and not on("ellipsis", k) for k in range(count))
    axis, cuts, new, gone, place = 0, [], [], [], 0
    for k in range(count):
        if on("ellipsis", k):
            axis, place = axis + rank - taking, place + rank - taking
        elif on("new_axis", k):
            new.append(place)
            place += 1
        elif on("shrink_axis", k):
            start = begin[k]
            cuts.append((axis, start, start + 1 if start != -1 else 2**31 - 1, 1))
            gone.append(axis)
            axis += 1
        else:
            step = steps[k]
            start = (0 if step > 0 else 2**31 - 1) if on("begin", k) else begin[k]
            stop = (2**31 - 1 if step > 0 else -(2**31)) if on("end", k) else end[k]
            cuts.append((axis, start, stop, step))
            axis, place = axis + 1, place + 1
    axes, starts, ends, strides = (list(part) for part in zip(*cuts, strict=True)) if cuts else ([], [], [], [])
    made = x
    if cuts:
        made = reader.middle(call, "Slice", made, starts=starts, ends=ends, axes=axes, steps=strides)
    if gone:
        made = reader.middle(call, "Squeeze", made, axes=gone)
    if new:
        made = reader.middle(call, "Unsqueeze", made, axes=new)
    reader.finish(call, "Identity", made)


@layer("Gather")
def gather(reader: IrReader, call: IrCall) -> None:
    """Places of an axis."""
    x, index = call.tensor(0), call.tensor(1)
    if call.single("batch_dims", 0) % max(len(index.shape), 1):
        raise Fault("takes other places of each image")
    axes = call.listed(2) if len(call.inputs) > 2 else [call.single("axis", 0)]
    if axes is None:
        raise Fault("the axis is not there", "put the .bin of the model beside it")
    reader.finish(call, "Gather", x, index, axis=axes[0])


@layer("Pad")
def pad(reader: IrReader, call: IrCall) -> None:
    """Elements around the tensor."""
    pads = [*call.must(1), *call.must(2)]
    mode = call.attributes.get("pad_mode", "constant").lower()
    reader.finish(call, "Pad", call.value(0), pads=pads, mode=mode)


_MODES = {"nearest": "nearest", "linear": "linear", "linear_onnx": "linear", "cubic": "cubic",
          "bilinear_pillow": "linear", "bicubic_pillow": "cubic"}  # fmt: skip


@layer("Interpolate")
def interpolate(reader: IrReader, call: IrCall) -> None:
    """Interpolation to other sizes, or by factors: three versions put them at different places."""
    x, rank = call.tensor(0), len(call.tensor(0).shape)
    if any(call.wholes("pads_begin") + call.wholes("pads_end")):
        raise Fault("costcalc's upsample has no padding")
    old = "axes" in call.attributes
    scaled = call.attributes.get("shape_calculation_mode", "sizes") == "scales"
    fourth = not old and call.attributes.get("version") == "opset4"
    last = 3 if fourth else 2
    axes = call.wholes("axes") if old else (call.listed(last) if call.value(last) is not None else list(range(rank)))
    sizes: list[int] | None = None
    if axes is not None and scaled:
        factors = call.const(2 if fourth else 1)
        array = None if factors is None else factors.array()
        if array is not None and len(axes) == array.size:
            each = zip(axes, array.reshape(-1), strict=True)
            sizes = [int(x.shape[shapes.axis(k, rank)] * float(f) + 1e-6) for k, f in each]
    elif axes is not None:
        sizes = call.listed(1)
    if sizes is None or axes is None:
        sizes, axes = list(call.given()), list(range(rank))
    mode = _MODES.get(call.attributes.get("mode", "nearest").lower(), "?")
    reader.finish(call, "Resize", x, sizes=sizes, axes=axes, mode=mode)


@layer("DepthToSpace", "SpaceToDepth")
def depth(reader: IrReader, call: IrCall) -> None:
    """Channels become pixels, or pixels channels; those of one channel may stand together, `depth_first`."""
    first, size = call.attributes.get("mode", "blocks_first") == "depth_first", call.single("block_size", 1)
    if call.op == "SpaceToDepth" and first:
        net, x = reader.net, reader.net.data(call, 0)
        net.give(call, net.add("space_to_depth", [x.name], call.name, scale=size), x)
        return
    reader.finish(call, call.op, call.value(0), blocksize=size, mode="CRD" if first else "DCR")


@layer("ReorgYolo")
def reorganized(reader: IrReader, call: IrCall) -> None:
    """Pixels become channels."""
    reader.finish(call, "SpaceToDepth", call.value(0), blocksize=call.single("stride", 1))


@layer("ShuffleChannels")
def shuffled(reader: IrReader, call: IrCall) -> None:
    """Channels of groups one by one."""
    x, rank = call.tensor(0), len(call.tensor(0).shape)
    axis, groups = shapes.axis(call.single("axis", 1), rank), call.single("group", 1)
    if groups < 1 or x.shape[axis] % groups:
        raise Fault(f"{x.shape[axis]} channels are no multiple of {groups} groups")
    parts = (*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])
    order = [*range(axis), axis + 1, axis, *range(axis + 2, rank + 1)]
    made = reader.middle(call, "Transpose", reader.middle(call, "Reshape", x, shape=list(parts)), perm=order)
    reader.finish(call, "Reshape", made, shape=list(x.shape))


@layer("Reverse")
def reverse(reader: IrReader, call: IrCall) -> None:
    """Axes in the opposite order."""
    net, x = reader.net, reader.net.data(call, 0)
    axes = [shapes.axis(k, len(x.shape)) - net.lead(x.shape) for k in call.must(1)]
    if min(axes, default=-1) < 0:
        raise Fault("works along the batch")
    net.give(call, net.add("flip", [x.name], call.name, axes=axes), x)


@layer("Roll")
def roll(reader: IrReader, call: IrCall) -> None:
    """Axes shifted round."""
    net, x = reader.net, reader.net.data(call, 0)
    axes = [shapes.axis(k, len(x.shape)) - net.lead(x.shape) for k in call.must(2)]
    by = call.must(1)
    if min(axes, default=-1) < 0 or len(by) not in (1, len(axes)):
        raise Fault("works along the batch, or its axes and shifts do not go together")
    by = by * len(axes) if len(by) == 1 else by
    net.give(call, net.add("roll", [x.name], call.name, by=by, axes=axes), x)


# ---- reductions and norms ------------------------------------------------------------------------

_REDUCTIONS = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceProd")


@layer(*_REDUCTIONS)
def reduced(reader: IrReader, call: IrCall) -> None:
    """Axes reduced to one number each."""
    x, axes, keep = call.tensor(0), call.listed(1), call.flag("keep_dims")
    if axes is None:
        axes = _reduced_axes(x.shape, call.given(), keep=keep)
    reader.finish(call, call.op, x, axes=axes, keepdims=int(keep), noop_with_empty_axes=1)


def _reduced_axes(old: Dims, new: Dims, *, keep: bool) -> list[int]:
    """Return the axes that are reduced between two shapes."""
    if keep:
        return [k for k, (n, m) in enumerate(zip(old, new, strict=False)) if n != m]
    sets = combinations(range(len(old)), len(old) - len(new)) if len(old) <= 8 else ()
    return _only([gone for gone in sets if tuple(n for k, n in enumerate(old) if k not in gone) == new])


@layer("MVN")
def mean_variance(reader: IrReader, call: IrCall) -> None:
    """Numbers less their mean, over their deviation, of a layer or of an image's channels."""
    net, x = reader.net, reader.net.data(call, 0)
    rank = len(x.shape)
    if "across_channels" in call.attributes:
        axes = list(range(1 if call.flag("across_channels") else 2, rank))
    else:
        axes = sorted(shapes.axis(k, rank) for k in call.must(1))
    if not call.flag("normalize_variance", default=True):
        raise Fault("costcalc's norms divide by the deviation")
    if rank > 3 and axes == list(range(2, rank)) and net.lead(x.shape):
        net.give(call, net.add("instance_norm", [x.name], call.name), x)
        return
    if axes != list(range(rank - len(axes), rank)) or not axes:
        raise Fault(f"costcalc has no norm over axes {axes} of {rank}")
    before = len(net.flat.steps)
    reader.finish(call, "LayerNormalization", x, None, None, axis=axes[0])
    made = net.values[call.outputs[0]]
    if net.uses[call.outputs[0]] == 1 and len(axes) == 1 and isinstance(made, Data):
        reader.norms[made.name] = next(step for step in net.flat.steps[before:] if step.kind == "layer_norm")


def _scaled_norm(reader: IrReader, call: IrCall) -> bool:
    """Let a constant be the scale of the norm that it multiplies, if that has none; a bias may follow."""
    net = reader.net
    x, const = sorted((call.tensor(0), call.tensor(1)), key=lambda value: isinstance(value, Const))
    step = reader.norms.get(x.name) if isinstance(x, Data) else None
    if step is None or not isinstance(x, Data) or not isinstance(const, Const) or not net.owns(const):
        return False
    if const.size != x.shape[-1] or const.shape[-1:] != x.shape[-1:] or len(const.shape) > len(x.shape):
        return False
    del step.fields["affine"]  # it is false, and true by default
    step.fields["bias"] = False
    net.flat.learns(const.roots, step)
    bare = step if net.uses[call.outputs[0]] == 1 else None
    axis = len(net.dims(x.shape)) - 1
    net.values[call.outputs[0]] = Data(x.name, x.shape, still=x.still, bare=bare, axis=axis)
    return True


@layer("GroupNormalization")
def group_norm(reader: IrReader, call: IrCall) -> None:
    """Group normalization with a scale and a bias a channel."""
    reader.finish(call, "GroupNormalization", *call.inputs, num_groups=call.single("num_groups", 1))


@layer("BatchNormInference")
def batch_norm(reader: IrReader, call: IrCall) -> None:
    """Batch normalization; its first version takes the data third."""
    places = (2, 0, 1, 3, 4) if call.attributes.get("version") == "opset1" else range(5)
    reader.finish(call, "BatchNormalization", *(call.value(k) for k in places))


@layer("NormalizeL2")
def normalized(reader: IrReader, call: IrCall) -> None:
    """Numbers over the norm of some axes."""
    x = call.tensor(0)
    norm = reader.middle(call, "ReduceL2", x, axes=call.must(1), keepdims=1)
    reader.finish(call, "Div", x, norm)


@layer("LRN")
def local_response(reader: IrReader, call: IrCall) -> None:
    """Local response normalization over channels."""
    if (call.listed(1) or [1]) != [1]:
        raise Fault("costcalc's lrn normalizes over channels")
    reader.finish(call, "LRN", call.value(0), size=call.single("size", 5))


# ---- what ranks, samples, and goes step by step --------------------------------------------------


@layer("TopK")
def topk(reader: IrReader, call: IrCall) -> None:
    """The largest along an axis, and their places."""
    axis = call.single("axis", -1)
    count = call.listed(1) or [call.given()[axis]]
    reader.finish(call, "TopK", call.value(0), k=count, axis=axis)


@layer("CumSum")
def cumsum(reader: IrReader, call: IrCall) -> None:
    """A running sum."""
    reader.finish(call, "CumSum", *call.inputs)


@layer("GridSample")
def grid_sample(reader: IrReader, call: IrCall) -> None:
    """A map read at the places of a grid."""
    reader.finish(call, "GridSample", *call.inputs, mode=call.attributes.get("mode", "bilinear"))


@layer("ROIAlign")
def roi_align(reader: IrReader, call: IrCall) -> None:
    """Regions of a map, each as a small map."""
    reader.finish(call, "RoiAlign", *call.inputs, sampling_ratio=call.single("sampling_ratio", 0),
                  output_height=call.single("pooled_h", 1), output_width=call.single("pooled_w", 1))  # fmt: skip


@layer("ROIPooling", "PSROIPooling", "RegionYolo", "DetectionOutput", "NonMaxSuppression", "MatrixNms", "MulticlassNms")
def chosen(reader: IrReader, call: IrCall) -> None:
    """What decodes boxes, chooses among them, or pools their pixels: numbers are moved and compared.

    How many boxes are left depends on the image, unless the file states a number.
    """
    net, shape = reader.net, call.given()
    taken = [net.data(call, k).name for k, one in enumerate(call.inputs) if isinstance(one, Data)]
    note = "numbers are compared and moved: no products are counted"
    made = net.add("custom", taken, call.name, shape=list(net.dims(shape)), params=0, macs=0, note=note)
    net.put(call, made, shape)
    del call.outputs[1:]  # a layer that takes another of its results says so


@layer("ReadValue")
def state(reader: IrReader, call: IrCall) -> None:
    """What was assigned the last time: stored numbers; what is assigned now is a result of the model."""
    net, shape = reader.net, call.given()
    made = net.add("parameter", [], call.name, shape=list(net.dims(shape)), store="buffer")
    net.put(call, made, shape)


@layer("LSTMSequence", "GRUSequence", "RNNSequence")
def sequence(reader: IrReader, call: IrCall) -> None:
    """A recurrent layer over one sequence, [1, steps, channels]; its directions stand before the steps it gives."""
    op = call.op.removesuffix("Sequence")
    states = 2 if op == "LSTM" else 1
    w, r, b = call.inputs[2 + states : 5 + states]
    if any(isinstance(call.value(k), Data) for k in range(1, 2 + states)):
        raise Fault("its first state depends on the image; costcalc's recurrent layers begin with zeros")
    given, *last = reader.middle(
        call, op, call.value(0), w, r, b, outputs=1 + states, layout=1,
        direction=call.attributes.get("direction", "forward"),
        activations=[word.strip() for word in call.attributes.get("activations", "").split(",")],
    )  # fmt: skip
    for state, out in zip(last, call.outputs[1:], strict=False):
        reader.net.values[out] = state
    call.outputs = call.outputs[:1]
    reader.finish(call, "Transpose", given, perm=[0, 2, 1, 3])


def _state(net: Net, call: IrCall, place: int) -> Data:
    """Return a first state; a constant one is learned only where its name says so."""
    value = call.tensor(place)
    return net.hold(value, call.name) if isinstance(value, Const) else value


@layer("LSTMCell", "GRUCell", "RNNCell")
def cell(reader: IrReader, call: IrCall) -> None:
    """One step of a recurrent layer."""
    net, op = reader.net, call.op.removesuffix("Cell")
    states = 2 if op == "LSTM" else 1
    x = net.data(call, 0)
    held = [_state(net, call, k) for k in range(1, 1 + states)]
    w, r, b = (call.const(k) for k in range(1 + states, 4 + states))
    if w is None or r is None or len(x.shape) != 2 or x.shape[0] != 1:
        raise Fault("takes one image's numbers, [1, channels], and weights that are constants")
    if op == "RNN":
        raise Fault("costcalc has no single step of a plain recurrent layer")
    flat = [net.reshape(one.name, net.dims(one.shape), call.name) for one in (x, *held)]
    flat[0] = flat[0] if b is None else gate_biases(net, call, flat[0], b)
    net.layer(call, f"{op.lower()}_cell", flat[0], [w, r], flat[1:], hidden=r.shape[1], bias=False)
    for place, value in enumerate(net.flat.steps[-1].outputs[: len(call.outputs)]):
        net.put(call, value, (1, r.shape[1]), place)
