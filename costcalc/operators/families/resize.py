"""What changes the size of space: interpolation, padding, cropping, pixels to channels and back."""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.numbers import num
from costcalc.operators import (
    VIEW,
    Dim,
    Dims,
    Example,
    Fault,
    Op,
    Saved,
    Shape,
    ceil_div,
    integer,
    padding,
    per_axis,
    word,
)
from costcalc.operators.families._twin import edges, plain
from costcalc.operators.families.layout import one_of
from costcalc.operators.fields import REQUIRED, counted_axes
from costcalc.operators.receptive import Reach, resampled, sliding
from costcalc.operators.window import Pads


def _multiple(n: Dim, by: Dim, what: str, hint: str, field: str) -> None:
    """Raise Fault unless n is a multiple."""
    if num.any_of(n % by != 0):
        raise Fault(f"{n} {what} are not a multiple of {by}", hint, field=field)


# The multiplications and additions of an output, and the numbers of spatial axes, of each way to interpolate.
_MODES = {
    "nearest": (0, 0, (1, 2, 3)),
    "linear": (2, 1, (1,)),
    "bilinear": (4, 3, (2,)),
    "trilinear": (8, 7, (3,)),
    "bicubic": (16, 15, (2,)),
}


class Upsample(Op, kind="upsample"):
    """Interpolation to a larger grid, by a factor or to a size.

    An output takes nothing (nearest, over any axes), 2 mul + 1 add (linear, over one axis), 4 + 3 (bilinear, over two),
    8 + 7 (trilinear, over three) or 16 + 15 (bicubic, over two).
    """

    axes = (1, 2, 3)
    scale: Datum = per_axis("how many times larger", None)
    size: Datum = per_axis("the output's size", None)
    mode: str = word("how values between pixels are found", "nearest", tuple(_MODES))

    def settle(self) -> None:
        one_of("upsample", {"scale": self.scale, "size": self.size})

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        axes = _MODES[self.mode][2]
        if len(x.space) not in axes:
            own = next(mode for mode, (_, _, counts) in _MODES.items() if counts == (len(x.space),))
            raise Fault(
                f"{self.mode} is over {counted_axes(axes)}, but the input is {x}",
                f"over these it is {own}",
                field="mode",
            )
        if self.size is not None:
            return Shape(x.c, *self.size)
        return Shape(x.c, *(n * s for n, s in zip(x.space, self.scale, strict=True)))

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        mul, add, _ = _MODES[self.mode]
        return {"mul": mul * y.size, "add": add * y.size} if mul else {}

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        below, above = {"nearest": (0, 0), "bicubic": (1, 2)}.get(self.mode, (0, 1))
        centred = self.mode != "nearest"
        return tuple(resampled(n, m, below, above, centred=centred) for n, m in zip(x.space, y.space, strict=True))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        if self.size is not None:
            return torch.nn.Upsample(size=y.space, mode=self.mode)
        return torch.nn.Upsample(scale_factor=plain(self.scale)[0], mode=self.mode)

    examples = [
        Example({"scale": 2}, (256, 13, 13), (256, 26, 26), "YOLOv3's nearest: copies", elementwise={}),
        Example(
            {"size": [9, 12], "mode": "bilinear"},
            (4, 5, 6),
            (4, 9, 12),
            "4 * 432 mul and 3 * 432 add for 4 * 9 * 12 = 432 outputs",
            elementwise={"mul": 1728, "add": 1296},
        ),
        Example({"scale": 3, "mode": "linear"}, (2, 5), (2, 15), "30 outputs", elementwise={"mul": 60, "add": 30}),
        Example(
            {"scale": 2, "mode": "trilinear"},
            (3, 2, 4, 5),
            (3, 4, 8, 10),
            "a 3-D U-Net's way up: 960 outputs of 2 * 2 * 2 neighbours",
            elementwise={"mul": 7680, "add": 6720},
        ),
        Example(
            {"scale": [2, 1], "mode": "bicubic"},
            (1, 4, 5),
            (1, 8, 5),
            "a factor an axis; 40 outputs of 4 * 4 neighbours",
            elementwise={"mul": 640, "add": 600},
        ),
    ]


class PixelShuffle(Op, kind="pixel_shuffle"):
    """Depth to space: r * r channels become a patch of r x r pixels."""

    axes = (2,)
    scale: int = integer("how many times larger, r", symbol="r")

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        r = self.scale
        _multiple(x.c, r * r, "channels", f"a patch of {r} x {r} takes {r} * {r} channels", "scale")
        return Shape(x.c // (r * r), x.h * r, x.w * r)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return (Reach(1, [(0, 0)] * self.scale),) * 2

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.PixelShuffle(self.scale)

    examples = [Example({"scale": 2}, (256, 16, 16), (64, 32, 32), "256 / (2 * 2) channels, 16 * 2 pixels")]


class SpaceToDepth(Op, kind="space_to_depth"):
    """Space to depth: each patch of r x r pixels becomes r * r channels."""

    axes = (2,)
    scale: int = integer("how many times smaller, r", symbol="r")

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        r = self.scale
        for n, axis in ((x.h, "rows"), (x.w, "columns")):
            _multiple(n, r, axis, "pad or crop the input", "scale")
        return Shape(x.c * r * r, x.h // r, x.w // r)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return (sliding(self.scale, self.scale, 0),) * 2

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.PixelUnshuffle(self.scale)

    examples = [Example({"scale": 4}, (3, 224, 224), (48, 56, 56), "3 * 16 channels, 224 / 4 pixels")]


# What stands outside the input, and PyTorch's word for it.
_OUTSIDE = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class Pad(Op, kind="pad"):
    """Zeros around the input, or what `mode` says: its mirror image, its edge, or its other end."""

    axes = (1, 2, 3)
    padding: Datum = padding("pixels: a number, one an axis, or [top, bottom, left, right]", REQUIRED, words=())
    mode: str = word("what stands outside", "zeros", tuple(_OUTSIDE))

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        for n, pads in zip(x.space, self.padding, strict=True):
            for pad in pads:
                self._reach(n, pad)
        return Shape(x.c, *(n + before + after for n, (before, after) in zip(x.space, self.padding, strict=True)))

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(sliding(1, 1, before) for before, _ in self.padding)

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved((0,)) if self.mode in ("reflect", "replicate") else Saved()

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: torch.nn.functional.pad(t, edges(self.padding), _OUTSIDE[self.mode])

    def _reach(self, n: Dim, pad: Dim) -> None:
        """Refuse more pixels than the input has: a mirror does not show its own edge twice."""
        most = {"reflect": n - 1, "circular": n}.get(self.mode)
        if most is not None and num.any_of(pad > most):
            raise Fault(f"{self.mode} padding of {pad} is more than {n} pixels give", field="padding")

    examples = [
        Example({"padding": 3, "mode": "reflect"}, (3, 8, 9), (3, 14, 15), "8 + 3 + 3 and 9 + 3 + 3"),
        Example({"padding": [0, 1, 0, 1]}, (64, 56, 56), (64, 57, 57), "one row below, one column at the right"),
        Example({"padding": 2}, (8, 10), (8, 14), "one spatial axis: 10 + 2 + 2"),
        Example(
            {"padding": [1, 0, 0, 2, 3, 3]}, (4, 4, 7, 7), (4, 5, 9, 13), "three spatial axes: 4 + 1, 7 + 2, 7 + 6"
        ),
    ]


class Crop(Op, kind="crop"):
    """The middle of the input, of the given size, or what a border cut off leaves.

    Where an odd number of pixels goes, the one more goes at the bottom or the right.
    """

    axes = (1, 2, 3)
    stores = VIEW
    size: Datum = per_axis("the size that stays", None)
    border: Datum = padding("pixels cut off: a number, one an axis, or [top, bottom, left, right]", None, words=())

    def settle(self) -> None:
        one_of("crop", {"size": self.size, "border": self.border})

    def cuts(self, x: Shape) -> Pads:
        """Return what is cut (before, after) on each axis."""
        if self.border is not None:
            return tuple(self.border)
        left = [n - size for n, size in zip(x.space, self.size, strict=True)]
        return tuple((n // 2, n - n // 2) for n in left)

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        for n, (before, after) in zip(x.space, self.cuts(x), strict=True):
            if num.any_of(before < 0):
                raise Fault(f"a crop to {n - before - after} is larger than the input's {n}", field="size")
            if num.any_of(before + after >= n):
                raise Fault(f"a border of {before} and {after} leaves nothing of {n}", field="border")
        return Shape(x.c, *(n - before - after for n, (before, after) in zip(x.space, self.cuts(x), strict=True)))

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(sliding(1, 1, -before) for before, _ in self.cuts(x))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        cut = (..., *(slice(before, n - after) for n, (before, after) in zip(x.space, self.cuts(x), strict=True)))
        return lambda t: t[cut]

    examples = [
        Example({"size": 56}, (512, 64, 64), (512, 56, 56), "U-Net: (64 - 56) / 2 = 4 on each side"),
        Example({"border": [1, 0, 2, 1]}, (4, 8, 9), (4, 7, 6), "8 - 1 and 9 - 2 - 1"),
        Example({"size": 7}, (4, 10), (4, 7), "one spatial axis: 1 before, 2 after"),
        Example({"size": [4, 5, 5]}, (4, 6, 9, 8), (4, 4, 5, 5), "three spatial axes"),
    ]


def every_pixel(x: Shape, stride: Dims) -> Shape:
    """Return the shape of every stride-th pixel, the first included."""
    return Shape(x.c, *(ceil_div(n, s) for n, s in zip(x.space, stride, strict=True)))


def steps(stride: Dims) -> Dims:
    """Return the index that takes every stride-th pixel of a batch."""
    return (..., *(slice(None, None, s) for s in stride))


class Subsample(Op, kind="subsample"):
    """Every stride-th pixel of each axis, the first included."""

    axes = (1, 2, 3)
    stores = VIEW
    stride: Dims = per_axis("stride, S", symbol="S")

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        return every_pixel(x, self.stride)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(sliding(1, stride, 0) for stride in self.stride)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: t[steps(self.stride)]

    examples = [
        Example({"stride": 2}, (16, 32, 32), (16, 16, 16), "the shortcut of a CIFAR ResNet"),
        Example({"stride": 3}, (4, 10), (4, 4), "one spatial axis: pixels 0, 3, 6, 9: ceil(10 / 3)"),
        Example({"stride": [4, 1, 1]}, (3, 32, 8, 8), (3, 8, 8, 8), "every fourth frame of a video"),
    ]
