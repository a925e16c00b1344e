"""Pools, borders, interpolation and windows: what works on the spatial axes of each channel."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop.guard import OPAQUE
from costcalc.interop.torch.aten.layers import image, spread, window
from costcalc.interop.torch.aten.points import numbered, pooled_all, to_conv, word
from costcalc.interop.torch.aten.reading import (
    Constant,
    Reading,
    Tensor,
    View,
    arguments_of,
    aten,
    operation_of,
    stated,
)
from costcalc.interop.torch.aten.views import part
from costcalc.language.flat import alike, padded


def on_space(r: Reading, x: View, space: int, kind: str, **fields: Datum) -> View:
    """Add an operator that works on the last axes of each channel; the axes before them merge as channels."""
    if r.node in r.borders:
        x = r.view(x.value, x.axes)  # the border is not yet there
    rank = len(x.sizes)
    tail = list(range(rank - space, rank))
    lead = [k for k in range(rank - space) if x.sizes[k] > 1]
    y = r.add(kind, [r.arrange(x, [lead, *([k] for k in tail)])], **fields)
    if len(lead) > 1:
        y = r.shaped(y, [*(x.sizes[k] for k in lead), *r.dims(y)[1:]])
    return r.placed(y, [*(lead or [-1]), *tail], rank)


# ---- pools ---------------------------------------------------------------------------------------

MAXIMA = [f"max_pool{space}d_with_indices" for space in (1, 2, 3)]


@aten(*(f"{of}_pool{space}d" for of in ("max", "avg") for space in (1, 2, 3)), *MAXIMA)
def pool(r: Reading, x: View, **given: Any) -> Any:
    """Translate a pool over windows, and the places of maxima, which are found with them."""
    kind, space = word(r)[:8], int(word(r)[8])
    given["stride"] = given.get("stride") or given["kernel_size"]
    fields = window(r, given, spread(given["kernel_size"], space))
    if kind == "avg_pool" and fields["padding"]:
        fields["count_include_pad"] = given.get("count_include_pad", True)
    y = on_space(r, x, space, kind, **fields, ceil_mode=given.get("ceil_mode"))
    if given.get("divisor_override"):
        y = numbered(r, y, "multiply", prod(spread(given["kernel_size"], space)) / given["divisor_override"])
    return [y, y] if "indices" in word(r) else y


@aten(*(f"adaptive_{of}_pool{space}d" for of in ("avg", "max") for space in (1, 2, 3)))
def adaptive(r: Reading, x: View, output_size: Any, **_: Any) -> Any:
    """Translate a pool to a size; to one pixel it is a global pool, unless a convolution takes it."""
    kind, space = word(r)[:17], int(word(r)[17])
    x = image(r, x, space)
    own = [n if size is None else size for n, size in zip(x.sizes[-space:], spread(output_size, space), strict=True)]
    if list(x.sizes[-space:]) == own:
        y = x
    elif set(own) == {1} and x.sizes[0] == 1 and not to_conv(r.node):
        moved = r.view(r.arrange(x, [[k] for k in range(1, space + 2)]), [None, *range(space + 1)])
        value = pooled_all(r, moved, "mean" if "avg" in kind else "maximum")
        y = r.view(value, [None, 0, *(None,) * space])
    else:
        y = on_space(r, x, space, kind, size=alike(own))
    return [y, y] if "max" in kind else y


# ---- borders -------------------------------------------------------------------------------------


@aten("pad", "constant_pad_nd", *(f"{of}_pad{space}d" for of in ("reflection", "replication") for space in (1, 2, 3)))
def pad(r: Reading, x: View, mode: str = "constant", **given: Any) -> View:
    """Translate a border: zeros, or what the mode says; below zero it cuts."""
    edges = list(given.get("pad") or given.get("padding") or [])
    mode = {"reflection": "reflect", "replication": "replicate"}.get(word(r).partition("_")[0], mode)
    pairs = {len(x.sizes) - 1 - k // 2: (edges[k], edges[k + 1]) for k in range(0, len(edges), 2)}
    for k, (before, after) in pairs.items():
        if before < 0 or after < 0:
            x = part(r, x, k, max(-before, 0), x.sizes[k] + min(after, 0))
    wide = {k: (max(before, 0), max(after, 0)) for k, (before, after) in pairs.items() if max(before, after) > 0}
    if wide and mode == "constant" and handed_on(r, x, wide, given.get("value") or 0):
        return View(x.value, x.axes, r.node.meta["val"].shape)
    return bordered(r, x, wide, mode) if wide else x


def handed_on(r: Reading, x: View, pairs: dict[int, tuple[int, int]], outside: float) -> bool:
    """Hand a border to the one convolution or pool that takes it as its own padding; say whether there is one."""
    users = list(r.node.users)
    name = operation_of(users[0]).partition(".")[0] if len(users) == 1 else ""
    kind, axes = name[:-2], range(2, len(x.sizes))
    space = len(axes)
    if kind not in ("conv", "max_pool", "avg_pool") or name[-2:] != f"{space}d" or set(pairs) - {*axes}:
        return False
    given = arguments_of(users[0])
    edges = [pairs.get(k, (0, 0)) for k in axes]
    if given.get("padding") == "same" or any(spread(given.get("padding") or 0, space)) or given.get("ceil_mode"):
        return False
    if kind != "conv":
        kernel = spread(given["kernel_size"], space)
        if any(max(pair) > k // 2 for pair, k in zip(edges, kernel, strict=True)):
            return False
    if outside != (float("-inf") if kind == "max_pool" else 0) or not given.get("count_include_pad", True):
        return False
    r.borders[users[0]] = edges
    return True


def bordered(r: Reading, x: View, pairs: dict[int, tuple[int, int]], mode: str) -> View:
    """Add a border on these of PyTorch's axes: the last of the spec's value, or zeros behind the channels."""
    rest = [k for k in x.order if k not in pairs]
    places = [x.axes[k] for k in pairs]
    if len(pairs) == 1 and places == [0] and mode == "constant" and not next(iter(pairs.values()))[0]:
        ((k, (_, after)),) = pairs.items()
        return r.same(x, r.add("zero_pad_channels", [x.value], r.within("pad"), out=x.sizes[k] + after))
    order = x.order
    if 0 in places or None in places or len(order) > 4:
        order = [*rest, *sorted(pairs)]
    lead = order[: max(len(order) - 3, 1)] if set(order[: max(len(order) - 3, 1)]).isdisjoint(pairs) else []
    tail = [k for k in order if k not in lead]
    value = r.arrange(x, [lead, *([k] for k in tail)])
    padding = padded([pairs.get(k, (0, 0)) for k in tail])
    y = r.add("pad", [value], r.within("pad"), padding=padding, mode=None if mode == "constant" else mode)
    y = r.shaped(y, [*(x.sizes[k] for k in lead), *r.dims(y)[1:]]) if len(lead) > 1 else y
    return r.placed(y, [*(lead or [-1]), *tail], len(x.sizes))


# ---- interpolation, pixels to channels -----------------------------------------------------------


MODES = "nearest1d linear1d nearest2d bilinear2d bicubic2d nearest3d trilinear3d".split()
SMOOTHED = ("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")  # on the way down they read more pixels


@aten(*(f"upsample_{mode}" for mode in MODES), *SMOOTHED)
def upsample(r: Reading, x: View, **_: Any) -> View:
    """Translate an interpolation: by a whole factor, or to a size."""
    name = word(r).strip("_").removeprefix("upsample_").removesuffix("_aa")
    mode, space = name[:-2], int(name[-2])
    sizes = list(r.node.meta["val"].shape[-space:])
    old = x.sizes[-space:]
    exact = all(n % m == 0 for m, n in zip(old, sizes, strict=True))
    how = {"scale": alike([n // m for m, n in zip(old, sizes, strict=True)])} if exact else {"size": alike(sizes)}
    return on_space(r, x, space, "upsample", **how, mode=mode)


@aten("pixel_shuffle", "pixel_unshuffle")
def shuffled(r: Reading, x: View, **given: Any) -> View:
    """Translate channels that become pixels, or pixels that become channels."""
    kind = "pixel_shuffle" if word(r) == "pixel_shuffle" else "space_to_depth"
    scale = given.get("upscale_factor") or given["downscale_factor"]
    value = r.arrange(x, [[k] for k in range(1, len(x.sizes))])
    return r.view(r.add(kind, [value], scale=scale), [None, 0, 1, 2])


@aten("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(r: Reading, x: View, groups: int, **_: Any) -> View:
    """Translate channels that are dealt out anew."""
    value = r.arrange(x, [[k] for k in range(1, len(x.sizes))])
    return r.view(r.add("channel_shuffle", [value], groups=groups), [None, *range(len(x.sizes) - 1)])


@aten("grid_sampler", "grid_sampler_2d", both=True)
def sampled(r: Reading, x: Tensor, grid: Tensor, **given: Any) -> View:
    """Translate interpolation at the places of a grid; over several images, or volumes, its output's shape is known."""
    if len(x.sizes) == 4 and x.sizes[0] == 1:
        mode = given.get("interpolation_mode", 0)
        values = [r.arrange(x, [[1], [2], [3]]), r.arrange(grid, [[3], [1], [2]])]
        return r.view(r.add("grid_sample", values, mode=("bilinear", "nearest", "bicubic")[mode]), [None, 0, 1, 2])
    where = "a constant grid" if isinstance(grid, Constant) else "a grid"
    return stated(r, [x, grid], r.node.meta["val"].shape, f"interpolated at the places of {where}")


@aten("torchvision::deform_conv2d", counted=True)
def deformed(r: Reading, x: View, weight: Tensor, offset: View, mask: Tensor, bias: Tensor, **given: Any) -> View:
    """Translate torchvision's deformable convolution, of one image."""
    if x.sizes[0] > 1:
        raise r.refuse(f"a deformable convolution over {x.sizes[0]} images can't be expressed", OPAQUE)
    tensors = [x, offset, *([mask] if given["use_mask"] else [])]
    values = [r.arrange(one, [[1], [2], [3]]) for one in tensors]
    pairs: dict[str, Datum] = {
        name: [given[f"{key}_h"], given[f"{key}_w"]]
        for name, key in (("stride", "stride"), ("padding", "pad"), ("dilation", "dilation"))
    }
    out, kernel = weight.sizes[0], list(weight.sizes[2:])
    biased = isinstance(bias, Constant) and bool(bias.params)
    weights = [(weight, prod(weight.sizes)), *([(bias, out)] if biased else [])]
    groups: dict[str, Datum] = {"groups": given["groups"], "offset_groups": given["offset_groups"]}
    fields = pairs | groups | {"out": out, "kernel": kernel, "bias": biased}
    y = r.learned("deform_conv", values, weights, **fields)
    if not y:
        raise r.refuse("a deformable convolution whose weights are not its own can't be expressed", OPAQUE)
    return r.view(y, [None, 0, 1, 2])


@aten("torchvision::roi_align", "torchvision::roi_pool", both=True)
def regions(r: Reading, x: Tensor, rois: Tensor, **given: Any) -> Any:
    """Translate torchvision's regions of a map, of one image; each box has the image's number before its four."""
    ratio = given.get("sampling_ratio", 1)
    if x.sizes[0] > 1 or ratio < 1:
        why = f"over {x.sizes[0]} images" if x.sizes[0] > 1 else "with as many places as fit a region"
        raise r.refuse(f"regions {why} can't be expressed", OPAQUE)
    kind = r.operation.partition("::")[2].partition(".")[0]
    boxes = r.helper("slice", r.arrange(rois, [[1], [0]]), start=1)
    size = [given["pooled_height"], given["pooled_width"]]
    more: dict[str, Datum] = {"ratio": ratio} if kind == "roi_align" else {}
    image = r.arrange(x, [[1], [2], [3]])
    y = r.view(r.several(kind, [image, boxes], r.title(), size=size, **more)[0], [3, 0, 1, 2])
    return y if kind == "roi_align" else [y, None]  # where each largest stood, nothing reads at inference


# ---- windows -------------------------------------------------------------------------------------


@aten("im2col")
def im2col(r: Reading, x: View, kernel_size: Sequence[int], **given: Any) -> View:
    """Translate windows that become columns."""
    value = r.arrange(image(r, x, 2), [[1], [2], [3]])
    return r.view(r.add("unfold", [value], **window(r, given, kernel_size)), [None, 0, 1])


@aten("col2im")
def col2im(r: Reading, x: View, output_size: Sequence[int], kernel_size: Sequence[int], **given: Any) -> View:
    """Translate columns that are added up as windows."""
    fields: dict[str, Datum] = {key: list(given[key]) for key in ("stride", "padding", "dilation") if key in given}
    y = r.add("fold", [r.arrange(x, [[1], [2]])], size=list(output_size), kernel=list(kernel_size), **fields)
    return r.view(y, [None, 0, 1, 2])


@aten("unfold")
def windows(r: Reading, x: View, dimension: int, size: int, step: int, **_: Any) -> View:
    """Translate windows along one axis, whose places become an axis at the end: `unfold` of a column."""
    rank, k = len(x.sizes), dimension % len(x.sizes)
    before, after = ([j for j in range(rank) if x.sizes[j] > 1 and (j < k) == low and j != k] for low in (True, False))
    number = (x.sizes[k] - size) // step + 1
    value = r.arrange(x, [before, [k], after])
    value = r.helper("unfold", value, kernel=[size, 1], stride=[step, 1])
    value = r.shaped(value, [*(x.sizes[j] for j in before), size, number, *(x.sizes[j] for j in after)])
    return r.placed(value, [*before, rank, k, *after], rank + 1)
