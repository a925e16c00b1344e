"""Pooling whose windows follow from the output: over all of space, or to a size."""

from __future__ import annotations

from math import gcd
from typing import Any, ClassVar

from costcalc.numbers import num
from costcalc.numbers.shape import drawn
from costcalc.operators import Dim, Dims, Example, Fault, Op, Saved, Shape, ceil_div, per_axis, prod
from costcalc.operators.receptive import Reach


class GlobalPool(Op):
    """What global pools share: they take the space away and give [C]."""

    family = "pooling"
    pooled: ClassVar[str]  # what PyTorch calls it: Avg
    reduced: ClassVar[str]  # and the same as a method of a tensor

    def shape(self, x: Shape) -> Shape:
        if not x.space:
            raise Fault(f"{self.kind} takes space away, but the input has none: {x}", "leave it out")
        return Shape(x.c)

    def filter_shape(self, x: Shape, y: Shape) -> str:
        return f"pool {drawn(x.space)}"

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        """Return a pool to one pixel, as PyTorch's networks have it, and the pixel's channels; or a plain function."""
        pool = getattr(torch.nn, f"Adaptive{self.pooled}Pool{len(x.space)}d", None)
        if pool is None:
            return lambda t: getattr(t.flatten(2), self.reduced)(2)
        return torch.nn.Sequential(pool(1), torch.nn.Flatten())


class GlobalAveragePool(GlobalPool, kind="global_avg_pool"):
    """Average over all pixels of each channel; the output is [C].

    H * W - 1 additions and one division a channel.
    """

    pooled, reduced = "Avg", "mean"

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"add": x.size - x.c, "div": x.c}

    examples = [
        Example(
            {},
            (1024, 7, 7),
            (1024,),
            "1024 * (7 * 7 - 1) additions, a division a channel",
            elementwise={"add": 49152, "div": 1024},
        ),
        Example({}, (8, 5), (8,), "one spatial axis: 8 * (5 - 1)", elementwise={"add": 32, "div": 8}),
        Example({}, (8, 2, 3, 4), (8,), "three: 8 * (2 * 3 * 4 - 1)", elementwise={"add": 184, "div": 8}),
    ]  # fmt: skip


class GlobalMaxPool(GlobalPool, kind="global_max_pool"):
    """Maximum over all pixels of each channel; the output is [C].

    H * W - 1 comparisons a channel.
    """

    pooled, reduced = "Max", "amax"

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"compare": x.size - x.c}

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input and the places of the maxima, as of any maximum pool."""
        return Saved((0,), bytes=8 * y.size)

    examples = [
        Example({}, (512, 7, 7), (512,), "512 * (7 * 7 - 1) comparisons", elementwise={"compare": 24576}),
        Example({}, (8, 2, 3, 4), (8,), "three axes: 8 * (2 * 3 * 4 - 1)", elementwise={"compare": 184}),
    ]  # fmt: skip


def _windows(size: int, out: int) -> Reach:
    """Return the reach of windows that cover an axis: from floor(i * size / out) up to ceil((i + 1) * size / out)."""
    common = gcd(size, out)
    places = range(out // common)
    return Reach(size // common, [(i * size // out, ceil_div((i + 1) * size, out) - 1) for i in places])


class AdaptivePool(Op):
    """What adaptive pools share: windows of ceil(n / size), spread so that `size` of them cover an axis."""

    family = "pooling"
    axes = (1, 2, 3)
    size: Dims
    pooled: ClassVar[str]  # what PyTorch calls it: Avg

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        return Shape(x.c, *self.size)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(_windows(n, out) for n, out in zip(x.space, y.space, strict=True))

    def window(self, x: Shape) -> Dim:
        """Return how many pixels a window spans."""
        return prod(ceil_div(n, out) for n, out in zip(x.space, self.size, strict=True))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return getattr(torch.nn, f"Adaptive{self.pooled}Pool{len(x.space)}d")(self.size)


class AdaptiveAveragePool(AdaptivePool, kind="adaptive_avg_pool"):
    """Average over windows that are chosen so that the output has the given size.

    The windows are counted as ceil(n / size) pixels on each axis: one addition less than pixels,
    and a division, an output. (Where size does not divide n, some windows are a pixel wider or
    narrower; this count holds for the widest where it does divide.)
    """

    pooled = "Avg"
    size: Dims = per_axis("the output's size")

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"add": (self.window(x) - 1) * y.size, "div": y.size}

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input; a mean over all pixels keeps nothing."""
        return Saved() if num.truth(y.pixels == 1) else Saved((0,))

    examples = [
        Example(
            {"size": 7},
            (512, 14, 14),
            (512, 7, 7),
            "windows of 2 * 2: 3 additions and a division an output",
            elementwise={"add": 75264, "div": 25088},
        ),
        Example(
            {"size": [6, 1]},
            (4, 13, 5),
            (4, 6, 1),
            "windows of ceil(13 / 6) * 5 = 15: 14 additions for each of 24 outputs",
            elementwise={"add": 336, "div": 24},
        ),
        Example(
            {"size": 4}, (8, 12), (8, 4), "one spatial axis, windows of 3", elementwise={"add": 64, "div": 32}
        ),
        Example(
            {"size": [8, 1, 7]},
            (16, 8, 14, 14),
            (16, 8, 1, 7),
            "three spatial axes, windows of 1 * 14 * 2: 27 additions for each of 16 * 8 * 7",
            elementwise={"add": 24192, "div": 896},
        ),
    ]  # fmt: skip


class AdaptiveMaxPool(AdaptivePool, kind="adaptive_max_pool"):
    """Maximum over windows that are chosen so that the output has the given size.

    The windows are counted as ceil(n / size) pixels on each axis: a comparison less than pixels an output.
    """

    pooled = "Max"
    size: Dims = per_axis("the output's size")

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"compare": (self.window(x) - 1) * y.size}

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved((0,), bytes=8 * y.size)

    examples = [
        Example(
            {"size": 2},
            (16, 6, 8),
            (16, 2, 2),
            "windows of 3 * 4: 11 comparisons for each of 64 outputs",
            elementwise={"compare": 704},
        ),
        Example(
            {"size": [1, 2, 2]},
            (8, 3, 4, 4),
            (8, 1, 2, 2),
            "three spatial axes, windows of 3 * 2 * 2: 11 comparisons for each of 32 outputs",
            elementwise={"compare": 352},
        ),
    ]  # fmt: skip
