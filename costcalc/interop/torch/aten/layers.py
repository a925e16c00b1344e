"""Convolutions and normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop.torch.aten.points import joined
from costcalc.interop.torch.aten.products import linear, plus
from costcalc.interop.torch.aten.reading import Constant, Reading, Tensor, View, aten
from costcalc.interop.torch.aten.views import permute, reshaped, unsqueeze
from costcalc.language.flat import Pairs, alike, window_fields

# ---- convolutions --------------------------------------------------------------------------------


@aten("conv1d", "conv2d", "conv3d", counted=True)
def conv(r: Reading, x: View, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **given: Any) -> View:
    """Translate a convolution: one whose weights are learned, or (dynamic_conv) computed or stored."""
    space = len(weight.sizes) - 2
    if r.node in r.borders:
        x = r.view(x.value, x.axes)  # the border is not yet there
    x = image(r, x, space)
    fields = window(r, given, weight.sizes[2:])
    if x.sizes[0] > 1:
        return over_batch(r, x, weight, bias, fields, groups)
    value = r.arrange(x, [[k] for k in range(1, len(x.sizes))])
    y = own(r, value, weight, bias, fields, groups)
    if not y:
        kernel = r.arrange(weight, [[k] for k in range(len(weight.sizes))])
        y = r.add("dynamic_conv", [value, kernel], **fields, groups=groups)
        y = y if bias is None else plus(r, y, bias)
    return reshaped(r, r.view(y, [None, *range(space + 1)]), r.node.meta["val"].shape)


def image(r: Reading, x: View, space: int) -> View:
    """Return a tensor `[N, C, *space]` of exactly these axes; a batch that is missing is put before it."""
    return unsqueeze(r, x, 0) if len(x.sizes) == space + 1 else x


def window(r: Reading, given: dict[str, Datum], kernel: Sequence[int]) -> dict[str, Datum]:
    """Return a window's fields, with the border that the input was to get before."""
    axes = len(kernel)
    stride, dilation = (spread(given.get(key) or 1, axes) for key in ("stride", "dilation"))
    padding = given.get("padding") or 0
    pads: Pairs | str
    if r.node in r.borders:
        pads = r.borders[r.node]
    elif padding == "same":
        pads = "same"  # another operator to some tools, which don't count it
    else:
        pads = [(n, n) for n in spread(0 if padding == "valid" else padding, axes)]
    return window_fields(kernel, stride, pads, dilation)


def spread(value: Datum, axes: int) -> list[int]:
    """Return a number for each axis."""
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


def own(r: Reading, value: str, weight: Tensor, bias: Tensor | None, fields: dict[str, Datum], groups: int) -> str:
    """Add a convolution with weights of its own; return "" where they are not."""
    out, channels = weight.sizes[0], r.dims(value)[0]
    weights = [(weight, prod(weight.sizes)), (bias, out)]
    fields = fields | {"bias": False if bias is None else None}
    if groups == channels and groups > 1:
        return r.learned("dwconv", [value], weights, multiplier=out // channels, **fields)
    return r.learned("conv", [value], weights, out=out, **fields, groups=groups)


def over_batch(r: Reading, x: View, weight: Tensor, bias: Tensor | None, fields: dict[str, Datum], groups: int) -> View:
    """Translate a convolution over several images that the network itself makes (windows).

    One of 1x1 is a fc. Else the images stand side by side as channels, each group with a copy of the same kernel.
    """
    images, out, rank = x.sizes[0], weight.sizes[0], len(x.sizes)
    if isinstance(weight, Constant) and groups == prod(weight.sizes[2:]) == fields["stride"] == 1:
        moved = permute(r, x, [0, *range(2, rank), 1])
        y = linear(r, moved, Constant(weight.params, weight.sizes[:2], weight.whole), bias)
        return permute(r, y, [0, rank - 1, *range(1, rank - 1)])
    kernel = r.arrange(weight, [[k] for k in range(rank)])
    kernel = r.add("concat", [kernel] * images, r.within("kernels"))
    value = r.arrange(x, [[0, 1], *([k] for k in range(2, rank))])
    y_value = r.add("dynamic_conv", [value, kernel], **fields, groups=groups * images)
    y = r.view(r.shaped(y_value, [images, out, *r.dims(y_value)[1:]]), range(rank))
    if bias is None:
        return y
    each = Constant(bias.params, (out, *(1,) * (rank - 2)), bias.whole) if isinstance(bias, Constant) else bias
    return joined(r, "add", y, each)


@aten("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", counted=True)
def transposed(r: Reading, x: View, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **given: Any) -> View:
    """Translate a transposed convolution."""
    space, out = len(weight.sizes) - 2, weight.sizes[1] * groups
    x = image(r, x, space)
    value = r.arrange(x, [[k] for k in range(1, len(x.sizes))])
    fields = window(r, given, weight.sizes[2:]) | {"groups": groups, "bias": False if bias is None else None}
    extra = alike(spread(given.get("output_padding") or 0, space))
    weights = [(weight, prod(weight.sizes)), (bias, out)]
    y = r.learned("conv_transpose", [value], weights, out=out, **fields, output_padding=extra)
    if not y:
        raise r.refuse("a transposed convolution whose weights are not its own can't be expressed")
    return r.view(y, [None, *range(space + 1)])


# ---- normalizations ------------------------------------------------------------------------------


@aten("batch_norm", "group_norm", "instance_norm")
def per_channel(r: Reading, x: View, weight: Tensor | None = None, bias: Tensor | None = None, **given: Any) -> View:
    """Translate a normalization of `[N, C, *space]`, with a factor and an addend a channel where they are learned.

    Several images are as more pixels to batch normalization, whose statistics are stored.
    """
    kind = r.operation.partition(".")[0]
    if kind == "batch_norm" and (given.get("training") or given.get("running_mean") is None):
        raise r.refuse("a batch normalization that computes its statistics at inference can't be expressed")
    if kind != "batch_norm" and x.sizes[0] > 1:
        raise r.refuse(f"a normalization over {x.sizes[0]} images can't be expressed")
    order = [1, *(k for k in range(len(x.sizes)) if k != 1 and x.sizes[k] > 1)]
    fields: dict[str, Datum] = {"eps": given.get("eps")}
    if kind == "group_norm":
        fields["groups"] = given["num_groups"]
    if kind == "instance_norm":
        fields |= {"track_running_stats": not given.get("use_input_stats"), "affine": weight is not None}
        order = order if len(order) > 1 else [1, 2]  # it is over space, be that one pixel
    value = r.arrange(x, [[k] for k in order])
    return r.placed(affine(r, kind, value, (weight, bias), x.sizes[1], fields), order, len(x.sizes))


@aten("layer_norm", "rms_norm")
def over_last(r: Reading, x: View, normalized_shape: Sequence[int], weight: Tensor | None = None, **given: Any) -> View:
    """Translate a normalization over the last axes: where they are several, they are merged first."""
    kind, rank = r.operation.partition(".")[0], len(x.sizes)
    last = list(range(rank - len(normalized_shape), rank))
    rest = [k for k in x.order if k not in last]
    fields = {"eps": given.get("eps")}
    value = r.arrange(x, [last, *([k] for k in rest)])
    value = affine(r, kind, value, (weight, given.get("bias")), prod(normalized_shape), fields)
    if len(last) > 1:
        value = r.shaped(value, [*normalized_shape, *r.dims(value)[1:]])
    return r.placed(value, [*last, *rest], rank)


def affine(
    r: Reading, kind: str, value: str, learned: tuple[Tensor | None, Tensor | None], size: int, fields: dict[str, Datum]
) -> str:
    """Add a normalization; where its factors and addends are not its own pair, they become steps after it."""
    weight, bias = learned
    one = kind in ("batch_norm", "group_norm", "layer_norm")  # they can do with a factor or an addend alone
    if (weight is not None and (bias is not None or kind == "rms_norm")) or (one and (weight, bias) != (None, None)):
        only = {word: False for word, x in (("scale", weight), ("bias", bias)) if one and x is None}
        y = r.learned(kind, [value], [(weight, size), (bias, size)], **fields, **only)
        if y:
            return y
    y = r.add(kind, [value], **{**fields, "affine": False})
    for x, joint in ((weight, "multiply"), (bias, "add")):
        if x is not None:
            factor = r.arrange(x, [list(range(len(x.sizes)))])
            y = r.add(joint, [y, factor])
    return y
