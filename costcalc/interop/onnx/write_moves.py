"""What moves, cuts, repeats or resizes -> ONNX's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costcalc.base import Data
from costcalc.graph.graph import Node
from costcalc.interop.onnx.write_layers import Rule
from costcalc.interop.words import BORDERS, ONNX
from costcalc.numbers.num import Dim

if TYPE_CHECKING:
    from costcalc.interop.onnx.write import Writer


def _same(w: Writer, node: Node, inputs: list[str]) -> Any:
    return w.node("Identity", inputs)


def dropout(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write dropout, which does nothing at inference."""
    return w.node("Dropout", inputs)


def reshaped(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the same elements on the output's axes."""
    return w.reshape(inputs[0], node.y.dims)


def permute(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the axes in another order."""
    return w.transpose(inputs[0], vars(node.op)["axes_"])


def transpose(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the last two axes in each other's places."""
    axes = len(node.x.dims)
    return w.transpose(inputs[0], [*range(axes - 2), axes - 1, axes - 2])


def channel_shuffle(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write channels dealt out anew."""
    groups, x = vars(node.op)["groups"], node.x
    parts = w.reshape(inputs[0], [groups, x.c // groups, *x.space])
    return w.reshape(w.transpose(parts, [1, 0, *range(2, len(x.dims) + 1)]), x.dims)


def space_to_depth(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write patches that become channels, in PyTorch's order."""
    r, x = vars(node.op)["scale"], node.x
    parts = w.reshape(inputs[0], [x.c, x.h // r, r, x.w // r, r])
    return w.reshape(w.transpose(parts, [0, 2, 4, 1, 3]), node.y.dims)


def pixel_shuffle(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write channels that become pixels, in PyTorch's order."""
    return w.node("DepthToSpace", inputs, blocksize=vars(node.op)["scale"], mode="CRD")


def concat(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write tensors side by side."""
    return w.node("Concat", inputs, axis=vars(node.op)["axis"] + 1)


def split(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a tensor in pieces."""
    axis = vars(node.op)["axis"]
    sizes = [one.dims[axis] for one in node.y]
    made = w.node("Split", [*inputs, w.ints(sizes)], outputs=len(sizes), axis=axis + 1)
    return made if isinstance(made, list) else [made]


def cut(
    w: Writer, value: str, axes: Sequence[int], starts: Sequence[Dim], ends: Sequence[Dim], steps: Sequence[Dim] = ()
) -> Any:
    """Write a part of some axes, counted without the batch."""
    places = [axis + 1 for axis in axes]
    numbers = [starts, ends, places, steps or [1] * len(places)]
    return w.node("Slice", [value, *(w.ints(list(one)) for one in numbers)])


def slice_(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a part of an axis."""
    values = vars(node.op)
    axis = values["axis"]
    stop = node.x.dims[axis] if values["stop"] is None else values["stop"]
    return cut(w, inputs[0], [axis], [values["start"]], [stop], [values["step"]])


def crop(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write what a cut border leaves."""
    cuts = node.op.cuts(node.x)  # type: ignore[attr-defined]
    ends = [n - after for n, (_, after) in zip(node.x.space, cuts, strict=True)]
    return cut(w, inputs[0], range(1, len(node.x.dims)), [before for before, _ in cuts], ends)


def subsample(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write every stride-th pixel."""
    space = node.x.space
    return cut(w, inputs[0], range(1, len(node.x.dims)), [0] * len(space), space, list(vars(node.op)["stride"]))


def flip(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write axes in the opposite order."""
    axes = vars(node.op)["axes_"]
    return cut(w, inputs[0], axes, [-1] * len(axes), [-(2**31)] * len(axes), [-1] * len(axes))


def roll(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write axes moved around: the end of each comes to its front."""
    value = inputs[0]
    for by, axis in zip(vars(node.op)["by"], vars(node.op)["axes_"], strict=True):
        length = node.x.dims[axis]
        at = -by % length
        if at:
            parts = [cut(w, value, [axis], [at], [length]), cut(w, value, [axis], [0], [at])]
            value = w.node("Concat", parts, axis=axis + 1)
    return value


def expand(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write axes of length 1 repeated."""
    return w.node("Expand", [*inputs, w.ints([1, *node.y.dims])])


def pad(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a border."""
    pairs = [(0, 0), (0, 0), *vars(node.op)["padding"]]
    pads = w.ints([before for before, _ in pairs] + [after for _, after in pairs])
    return w.node("Pad", [*inputs, pads], mode=BORDERS.write(ONNX)[vars(node.op)["mode"]])


def zero_pad_channels(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write channels of zeros behind the input's."""
    axes = len(node.x.dims) + 1
    return w.node("Pad", [*inputs, w.ints([*[0] * (axes + 1), node.y.c - node.x.c, *[0] * (axes - 2)])])


def upsample(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write interpolation by a factor or to a size, with PyTorch's coordinates."""
    scale: Any = vars(node.op)["scale"]
    mode = vars(node.op)["mode"]
    how = {"nearest": ("nearest", "asymmetric"), "bicubic": ("cubic", "half_pixel")}
    word, places = how.get(mode, ("linear", "half_pixel"))
    more: Data = {"nearest_mode": "floor"} if mode == "nearest" else {}
    if scale is None:
        given = ["", "", w.ints([1, *node.y.dims])]
    else:
        name = "_".join(map(str, ("factors", *scale)))
        given = ["", w.constant(name, w.types.FLOAT, [len(scale) + 2], [1, 1, *scale])]
    return w.node("Resize", [*inputs, *given], mode=word, coordinate_transformation_mode=places, **more)


RULES: dict[str, Rule] = {
    "dropout": dropout,
    "identity": _same,
    "flatten": reshaped,
    "reshape": reshaped,
    "permute": permute,
    "transpose": transpose,
    "channel_shuffle": channel_shuffle,
    "space_to_depth": space_to_depth,
    "pixel_shuffle": pixel_shuffle,
    "concat": concat,
    "split": split,
    "slice": slice_,
    "crop": crop,
    "subsample": subsample,
    "flip": flip,
    "roll": roll,
    "broadcast_to": expand,
    "pad": pad,
    "zero_pad_channels": zero_pad_channels,
    "upsample": upsample,
}
