"""Convolutions and normalizations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop.guard import OPAQUE
from costcalc.interop.torch.aten.products import plus
from costcalc.interop.torch.aten.reading import MOST_EACH, Reading, Tensor, View, aten
from costcalc.interop.torch.aten.views import cat, parted, reshaped, unsqueeze
from costcalc.language.flat import Pairs, alike, window_fields

# ---- convolutions --------------------------------------------------------------------------------


@aten("conv1d", "conv2d", "conv3d", counted=True)
def conv(r: Reading, x: View, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **given: Any) -> View:
    """Translate a convolution: one whose weights are learned, or (dynamic_conv) computed or stored."""
    space = len(weight.sizes) - 2
    if r.node in r.borders:
        x = r.view(x.value, x.axes)  # the border is not yet there

    def layer(x: View) -> View:
        value, fields = side_by_side(r, x, window(r, given, weight.sizes[2:]))
        y = own(r, value, weight, bias, fields, groups)
        if not y:
            kernel = r.arrange(weight, [[0], [1], *([] if x.sizes[0] == 1 else [[]]), *([k + 2] for k in range(space))])
            y = r.add("dynamic_conv", [value, kernel], **fields, groups=groups)
            y = y if bias is None else plus(r, y, bias)
        return apart(r, y, x)

    return reshaped(r, of_images(r, image(r, x, space), layer), r.node.meta["val"].shape)


def of_images(r: Reading, x: View, layer: Callable[[View], View]) -> View:
    """Return what a convolution gives of `[N, C, *space]`: of several volumes a row for each."""
    return each(r, x, layer) if x.sizes[0] > 1 and len(x.sizes) == 5 else layer(x)


def side_by_side(r: Reading, x: View, fields: dict[str, Datum]) -> tuple[str, dict[str, Datum]]:
    """Return `[N, C, *space]` as a value, and a window's fields for it.

    Several images that the network itself makes (windows, regions) are one more axis, along which the kernel is 1.
    """
    axes = [[k] for k in range(2, len(x.sizes))]
    if x.sizes[0] == 1:
        return r.arrange(x, [[1], *axes]), fields
    wide: dict[str, Datum] = {"kernel": 1, "stride": 1, "dilation": 1, "padding": 0, "output_padding": 0}
    given: dict[str, Any] = {name: value for name, value in fields.items() if name in wide}
    pads = given.pop("padding", 0)
    if isinstance(pads, list) and len(pads) == 2 * len(axes):
        pads = [0, 0, *pads]
    elif pads != "same":
        pads = [0, *spread(pads, len(axes))]
    more = {name: [wide[name], *spread(value, len(axes))] for name, value in given.items()}
    return r.arrange(x, [[1], [0], *axes]), {**fields, **more, "padding": pads}


def apart(r: Reading, value: str, x: View) -> View:
    """Return what a window gives of images that stand side by side as `[N, C, *space]`."""
    rank = len(x.sizes)
    order = [1, *range(2, rank)] if x.sizes[0] == 1 else [1, 0, *range(2, rank)]
    return r.placed(value, order, rank)


def each(r: Reading, x: View, layer: Callable[[View], View], dim: int = 0) -> View:
    """Return what a layer gives of several images that the network itself makes: a row for each, weights shared."""
    count = x.sizes[dim]
    if count > MOST_EACH:
        raise r.refuse(f"a layer over {count:,} images of one can't be expressed: at most {MOST_EACH}", OPAQUE)
    return cat(r, [layer(unsqueeze(r, one, dim)) for one in parted(r, x, dim)], dim)


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


@aten("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", counted=True)
def transposed(r: Reading, x: View, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **given: Any) -> View:
    """Translate a transposed convolution."""
    space, out = len(weight.sizes) - 2, weight.sizes[1] * groups
    extra = alike(spread(given.get("output_padding") or 0, space))
    weights = [(weight, prod(weight.sizes)), (bias, out)]

    def layer(x: View) -> View:
        value, fields = side_by_side(r, x, window(r, given, weight.sizes[2:]) | {"output_padding": extra})
        fields |= {"groups": groups, "bias": False if bias is None else None}
        y = r.learned("conv_transpose", [value], weights, out=out, **fields)
        if not y:
            raise r.refuse("a transposed convolution whose weights are not its own can't be expressed")
        return apart(r, y, x)

    return reshaped(r, of_images(r, image(r, x, space), layer), r.node.meta["val"].shape)


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
        return each(r, x, lambda one: per_channel(r, one, weight, bias, **given))
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
