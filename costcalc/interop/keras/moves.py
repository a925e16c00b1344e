"""Keras' layers that move, cut, join or resize tensors -> steps that cost nothing, or next to nothing."""

from __future__ import annotations

from typing import Any

from costcalc.base.errors import Fault
from costcalc.interop import words
from costcalc.interop.keras.config import plain, said, whole
from costcalc.interop.keras.layers import image
from costcalc.interop.keras.net import KerasNet, KerasTensor, LayerCall, rule
from costcalc.interop.words import KERAS
from costcalc.language.flat import padded
from costcalc.numbers.num import prod

MOST_PIECES = 256

# ---- other axes ----------------------------------------------------------------------------------


def target(given: Any, size: int) -> list[int]:
    """Return the lengths of a shape, of which one may be -1 (or null): what is left of so many elements."""
    shape = plain(given) if isinstance(given, dict) else given
    shape = shape if isinstance(shape, list) else [shape]
    found = [-1 if n is None else whole(n, "target_shape", -1) for n in shape]
    rest = prod(n for n in found if n != -1)
    if found.count(-1) > 1 or (-1 in found and (rest < 1 or size % rest)):
        raise Fault(f"shape {said(shape)} does not fit {size} elements")
    return [size // rest if n == -1 else n for n in found]


@rule("Reshape")
def reshape(net: KerasNet, call: LayerCall) -> KerasTensor:
    """The same elements on other axes."""
    x = call.only()
    return net.reshaped(x, target(call.config.get("target_shape", []), prod(net.dims(x))), call.name)


@rule("Flatten")
def flatten(net: KerasNet, call: LayerCall) -> KerasTensor:
    """All axes as one. Which element stands where changes no cost."""
    call.config.get("data_format")
    x = call.only()
    if len(x.order) <= 1:
        return KerasTensor(x.value, (0,))
    return KerasTensor(net.add("flatten", [x.value], call.name), (0,))


@rule("Permute")
def permute(_: KerasNet, call: LayerCall) -> KerasTensor:
    """The axes in another order: nothing moves until something asks for it."""
    x, given = call.only(), call.config.get("dims", [])
    order = [n - 1 for n in given if isinstance(n, int)] if isinstance(given, list) else []
    if sorted(order) != list(range(len(x.order))):
        raise Fault(f"dims {said(given)} is no order of {len(x.order)} axes")
    return KerasTensor(x.value, tuple(x.order[k] for k in order))


@rule("RepeatVector")
def repeat_vector(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A vector at each of so many steps."""
    x, count = call.only(), call.config.whole("n")
    if len(x.order) != 1:
        raise Fault(f"takes a vector, and gets {net.dims(x)}")
    (c,) = net.dims(x)
    column = net.shaped(x.value, [c, 1], call.name)
    return KerasTensor(net.add("broadcast_to", [column], call.name, shape=[c, count]), (1, 0))


# ---- joins ---------------------------------------------------------------------------------------


@rule(*words.JOINS.read(KERAS))
def joined(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Tensors joined element by element."""
    if len(call.tensors) == 1 and call.kind != "Subtract":
        return call.first()
    return net.join(words.JOINS.read(KERAS)[call.kind], call.tensors, call.name)


@rule("CustomScaleLayer")
def scaled_sum(net: KerasNet, call: LayerCall) -> KerasTensor:
    """The sum of a tensor and of a part of another, of Keras' own Inception-ResNet-v2."""
    x, other = call.tensors if len(call.tensors) == 2 else (call.only(), call.only())
    part = net.each(other, "arithmetic", f"{call.name}.scale", op="multiply", by=call.config.number("scale"))
    return net.join("add", [x, part], call.name)


@rule("Average")
def average(net: KerasNet, call: LayerCall) -> KerasTensor:
    """The sum of tensors over their number."""
    made = net.join("add", call.tensors, f"{call.name}.add")
    return net.each(made, "arithmetic", call.name, op="divide", by=len(call.tensors))


@rule("Concatenate", "Merge")
def concatenate(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Tensors side by side along an axis."""
    if call.kind == "Merge" and call.config.word("mode", "") != "concat":
        raise Fault("is of Keras 1")
    axis = call.config.get("axis", call.config.get("concat_axis", -1))
    return beside(net, call.tensors, axis, call.name)


def beside(net: KerasNet, tensors: list[KerasTensor], axis: Any, name: str) -> KerasTensor:
    """Return tensors side by side along an axis that counts the batch."""
    if not tensors:
        raise Fault("takes tensors, and gets none")
    first = max(tensors, key=lambda x: net.flat.shapes[x.value].size)
    rank = len(first.order)
    inner, sequence = net.axis(axis, rank), first.sequence
    if any(len(x.order) != rank for x in tensors):
        raise Fault("joins tensors of other numbers of axes")
    values = [net.arranged(x, sequence, name) for x in tensors]
    return net.placed(net.add("concat", values, name, axis=first.order[inner]), sequence)


@rule("Dot")
def dot(net: KerasNet, call: LayerCall) -> KerasTensor:
    """The product of two tensors, summed along an axis of each."""
    if len(call.tensors) != 2:
        raise Fault(f"takes two tensors, not {len(call.tensors)}")
    given = call.config.get("axes", -1)
    axes = given if isinstance(given, list) else [given, given]
    if len(axes) != 2:
        raise Fault(f"axes {said(given)} is one axis of each tensor")
    a, b = call.tensors
    i, j = net.axis(axes[0], len(a.order)), net.axis(axes[1], len(b.order))
    if call.config.flag("normalize"):
        a, b = (_unit(net, x, k, call.name) for x, k in ((a, i), (b, j)))
    left, right = net.dims(a), net.dims(b)
    if left[i] != right[j]:
        raise Fault(f"sums {left[i]} numbers with {right[j]}")
    rows, columns = ([k for k in range(len(dims)) if k != axis] for dims, axis in ((left, i), (right, j)))
    if len(rows) > 1 and len(columns) > 1:
        raise Fault("multiplies two tensors of more than two axes each, which costcalc has no words for")
    m, n = prod(left[k] for k in rows), prod(right[k] for k in columns)
    one = net.shaped(net.arranged(a, [*rows, i], call.name), [m, left[i]], call.name)
    two = net.shaped(net.arranged(b, [j, *columns], call.name), [left[i], n], call.name)
    dims = [*(left[k] for k in rows), *(right[k] for k in columns)] or [1]
    made = net.shaped(net.add("matmul", [one, two], call.name), dims, call.name)
    return KerasTensor(made, tuple(range(len(dims))))


def _unit(net: KerasNet, x: KerasTensor, axis: int, name: str) -> KerasTensor:
    """Return vectors of length one along an axis."""
    length = net.add("reduce_axes", [x.value], f"{name}.norm", op="norm", axes=[x.order[axis]], keep=True)
    return net.join("divide", [x, KerasTensor(length, x.order)], f"{name}.unit")


# ---- borders and sizes ---------------------------------------------------------------------------


@rule("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Zeros around space."""
    pairs = call.config.pairs("padding", call.axes, 1)
    x, sequence, value = image(net, call, call.axes)
    if not any(map(any, pairs)):
        return x
    return net.placed(net.add("pad", [value], call.name, padding=padded(pairs)), sequence)


@rule("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Space without its border."""
    pairs = call.config.pairs("cropping", call.axes, 1 if call.axes != 2 else 0)
    x, sequence, value = image(net, call, call.axes)
    if not any(map(any, pairs)):
        return x
    return net.placed(net.add("crop", [value], call.name, border=padded(pairs)), sequence)


@rule("UpSampling1D", "UpSampling2D", "UpSampling3D")
def upsampling(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Interpolation to a multiple of the size."""
    scale = call.config.wholes("size", call.axes, 2)
    _, sequence, value = image(net, call, call.axes)
    modes = ("nearest", "bilinear", "bicubic")
    mode = call.config.word("interpolation", "nearest", modes[: 3 if call.axes == 2 else 1])
    return net.placed(net.add("upsample", [value], call.name, scale=scale, mode=mode), sequence)


@rule("Resizing")
def resizing(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Interpolation to a size."""
    c = call.config
    size = [c.whole("height"), c.whole("width")]
    for key in ("fill_mode", "fill_value", "antialias"):
        c.get(key)
    if any(c.get(key) for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")):
        raise Fault("crops or pads to the aspect ratio, which depends on the image")
    x, sequence, value = image(net, call, 2)
    mode = c.word("interpolation", "bilinear", ("nearest", "bilinear", "bicubic"))
    if [net.dims(x)[k] for k in sequence[1:]] == size:
        return x
    return net.placed(net.add("upsample", [value], call.name, size=size, mode=mode), sequence)


@rule("CenterCrop", "RandomCrop")
def center_crop(net: KerasNet, call: LayerCall) -> KerasTensor:
    """The middle of the image: at inference, of a larger one, resized to what covers the size."""
    size = [call.config.whole("height"), call.config.whole("width")]
    x, sequence, value = image(net, call, 2)
    space = [net.dims(x)[k] for k in sequence[1:]]
    if space == size:
        return x
    if call.kind == "RandomCrop" or any(n < wanted for n, wanted in zip(space, size, strict=True)):
        raise Fault(f"resizes {space} before it crops, which costcalc has no words for")
    return net.placed(net.add("crop", [value], call.name, size=size), sequence)
