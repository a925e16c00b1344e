"""Single steps of arithmetic, as frameworks' graphs spell them out: with a number, or over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costcalc.operators import FOLDED, Dim, Dims, Example, Fault, Op, Saved, Shape, flag, integers, real, word
from costcalc.operators.receptive import SAME, Reach, whole

# What is done to an element t: the kind of operation that it counts as, and the same in PyTorch.
# First with a number n, then alone.
_WITH: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("add", lambda t, n: t + n),
    "subtract": ("add", lambda t, n: t - n),
    "subtract_from": ("add", lambda t, n: n - t),
    "multiply": ("mul", lambda t, n: t * n),
    "divide": ("div", lambda t, n: t / n),
    "divide_into": ("div", lambda t, n: n / t),
    "power": ("exp", lambda t, n: t**n),
    "minimum": ("compare", lambda t, n: t.clamp(max=n)),
    "maximum": ("compare", lambda t, n: t.clamp(min=n)),
}
_ALONE: dict[str, tuple[str, Callable[..., Any]]] = {
    "negative": ("add", lambda t: -t),
    "absolute": ("compare", lambda t: t.abs()),
    "exp": ("exp", lambda t: t.exp()),
    "log": ("exp", lambda t: t.log()),
    "sqrt": ("sqrt", lambda t: t.sqrt()),
    "rsqrt": ("sqrt", lambda t: t.rsqrt()),
    "square": ("mul", lambda t: t.square()),
    "reciprocal": ("div", lambda t: t.reciprocal()),
    "erf": ("exp", lambda t: t.erf()),
    "sin": ("exp", lambda t: t.sin()),
    "cos": ("exp", lambda t: t.cos()),
    "round_down": ("compare", lambda t: t.floor()),
    "round_nearest": ("compare", lambda t: t.round()),
    "sign": ("compare", lambda t: t.sign()),
}


class Arithmetic(Op, kind="arithmetic"):
    """One operation on each element: alone, or with a number.

    It counts as one: powers, logarithms and trigonometric functions as an exponential, rounding and
    absolute values as a comparison.
    """

    stores = FOLDED
    op: str = word("what is done to each element", "multiply", (*_WITH, *_ALONE))
    by: Dim = real("the number that it is done with, where it takes one", None)

    def settle(self) -> None:
        if self.op in _WITH and self.by is None:
            raise Fault(f"arithmetic: '{self.op}' needs a number", "write by: 0.5 beside it", field="op")
        if self.op in _ALONE and self.by is not None:
            raise Fault(f"arithmetic: '{self.op}' takes no number", "remove 'by'", field="by")

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {(_WITH | _ALONE)[self.op][0]: x.size}

    def saved(self, x: Shape, y: Shape) -> Saved:
        if self.op in ("exp", "sqrt", "rsqrt", "reciprocal"):
            return Saved(result=True)
        if self.op == "divide_into":  # the reciprocal, which is then multiplied
            return Saved(elements=x.size)
        linear = ("add", "subtract", "subtract_from", "multiply", "divide", "negative", "sign")
        return Saved() if self.op in linear or self.op.startswith("round") else Saved((0,))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        function = (_WITH | _ALONE)[self.op][1]
        number = () if self.by is None else (self.by,)
        return lambda t: function(t, *number)

    examples = [
        Example({"by": 0.125}, (8, 49, 49), (8, 49, 49), "attention's scale", elementwise={"mul": 19208}),
        Example({"op": "sqrt"}, (64,), (64,), "a root an element", elementwise={"sqrt": 64}),
        Example({"op": "power", "by": 3}, (4, 5), (4, 5), "counted as an exponential", elementwise={"exp": 20}),
    ]


class ReduceAxes(Op, kind="reduce_axes"):
    """Some axes reduced to one number each: their mean, sum, largest, smallest, variance, or norm.

    With `keep` the axes stay, of length 1. Of n numbers a mean takes n - 1 additions and a division;
    a variance the mean, then for each its difference and square, and the mean of those; a norm n
    squares, n - 1 additions and a root.
    """

    op: str = word("what is taken", "mean", ("mean", "sum", "maximum", "minimum", "variance", "norm"))
    axes_: Dims = integers("the axes that go, 0 for the channels", least=0, key="axes")
    keep: bool = flag("let the axes stay, of length 1", False)

    def places(self, x: Shape) -> list[int]:
        """Return the axes that are reduced."""
        places = [x.place(axis, "axes") for axis in self.axes_]
        if len(set(places)) < len(places):
            raise Fault("axes: an axis is named twice", field="axes")
        return places

    def shape(self, x: Shape) -> Shape:
        gone = self.places(x)
        if self.keep:
            return Shape(*(1 if k in gone else n for k, n in enumerate(x.dims)))
        return Shape(*([n for k, n in enumerate(x.dims) if k not in gone] or [1]))

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        """Return that the axes that are reduced are read whole; where they go, the others are no longer in place."""
        gone = self.places(x)
        return tuple(whole(n) if k in gone else SAME for k, n in enumerate(x.space, 1)) if self.keep else None

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        sums = x.size - y.size
        return {
            "mean": {"add": sums, "div": y.size},
            "sum": {"add": sums},
            "maximum": {"compare": sums},
            "minimum": {"compare": sums},
            "variance": {"add": 2 * sums + x.size, "mul": x.size, "div": 2 * y.size},
            "norm": {"mul": x.size, "add": sums, "sqrt": y.size},
        }[self.op]

    def saved(self, x: Shape, y: Shape) -> Saved:
        if self.op in ("mean", "sum"):
            return Saved()
        return Saved((0,), result=self.op != "variance")

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        dims = tuple(k + 1 for k in self.places(x))
        take = {
            "mean": torch.mean,
            "sum": torch.sum,
            "maximum": torch.amax,
            "minimum": torch.amin,
            "variance": lambda t, d: torch.var(t, d, correction=0),
            "norm": lambda t, d: t.square().sum(d).sqrt(),
        }[self.op]
        return lambda t: take(t, dims).reshape(len(t), *y.dims)

    examples = [
        Example(
            {"axes": [0], "keep": True},
            (64, 14, 14),
            (1, 14, 14),
            "spatial attention: the mean of 64 channels, at 196 pixels",
            elementwise={"add": 12348, "div": 196},
        ),
        Example(
            {"op": "maximum", "axes": [1, 2]}, (8, 4, 5), (8,), "19 comparisons a channel", elementwise={"compare": 152}
        ),
        Example(
            {"op": "variance", "axes": [1]},
            (2, 10),
            (2,),
            "of 2 * 10: twice 9 additions and 10 differences, 10 squares, 2 divisions",
            elementwise={"add": 56, "mul": 20, "div": 4},
        ),
        Example(
            {"op": "norm", "axes": [0]},
            (3, 4),
            (4,),
            "3 squares, 2 additions, a root at each of 4",
            elementwise={"mul": 12, "add": 8, "sqrt": 4},
        ),
        Example({"op": "sum", "axes": [0]}, (10,), (1,), "nothing is left but one number", elementwise={"add": 9}),
        Example({"op": "minimum", "axes": [2, 1]}, (2, 3, 2), (2,), "5 comparisons each", elementwise={"compare": 10}),
    ]
