"""What compares, chooses and ranks elements, and sums along an axis."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.operators import NEW, Dim, Example, Fault, Op, Saved, Shape, flag, integer, real, word
from costcalc.operators.families.join import Join
from costcalc.operators.receptive import SAME, Reach, whole

COMPARISONS = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "equal": "eq", "unequal": "ne"}


class Compare(Join, kind="compare"):
    """Comparison of two tensors, element by element, or of one with a number: true or false, a byte in memory.

    One comparison an output element; broadcast as `multiply`. What takes numbers reads it as 0 or 1, at no cost.
    """

    stores = NEW
    gives_as = {0: 1}
    operation = "compare"
    op: str = word("what is asked of each element", "greater", tuple(COMPARISONS))
    by: float | None = real("the number that it is asked beside, where there is one tensor", None)

    def several(self, x: tuple[Shape, ...]) -> None:
        """Raise Fault unless two are compared."""
        if len(x) != (2 if self.by is None else 1):
            raise Fault(
                f"compare takes two tensors, or one and a number, not {len(x)}{'' if self.by is None else ' and one'}",
                "write from: [a, b] beside it, or by: 0",
                field="" if self.by is None else "by",
            )

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        return {"compare": y.size}

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        two = getattr(torch, COMPARISONS[self.op])
        return self.in_pairs(two, y) if self.by is None else lambda t: two(t, self.by)

    examples = [
        Example({}, ((6, 8, 8), (6, 8, 8)), (6, 8, 8), "two maps: 6 * 8 * 8", elementwise={"compare": 384}),
        Example({"op": "less", "by": 0.5}, ((8, 10),), (8, 10), "one map and a threshold", elementwise={"compare": 80}),
    ]


class Where(Join, kind="where"):
    """A choice, element by element: where the first tensor is true the second, elsewhere the third, or a number.

    It counts as one comparison an output element; broadcast as `multiply`. A truth is a byte in memory.
    """

    reads_as = {0: 1}
    keeps = Saved((0,))
    operation = "compare"
    otherwise: float | None = real("the number that stands elsewhere, where there is no third tensor", None)

    def several(self, x: tuple[Shape, ...]) -> None:
        """Raise Fault unless a condition and what it chooses from are there."""
        if len(x) != (3 if self.otherwise is None else 2):
            raise Fault(
                f"where takes a condition and two tensors, or one and a number, not {len(x)} tensors"
                f"{'' if self.otherwise is None else ' and a number'}",
                "write from: [condition, a, b] beside it, or otherwise: 0",
                field="" if self.otherwise is None else "otherwise",
            )

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        return {"compare": y.size}

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        def choose(*tensors: Any) -> Any:
            condition, *others = (t.reshape(*t.shape, *(1,) * (len(y.dims) + 1 - t.dim())) for t in tensors)
            return torch.where(condition.bool(), *others, *(() if self.otherwise is None else (self.otherwise,)))

        return choose

    examples = [
        Example(
            {}, ((1, 8, 8), (6, 8, 8), (6, 8, 8)), (6, 8, 8), "a mask a pixel: 6 * 8 * 8", elementwise={"compare": 384}
        ),
        Example(
            {"otherwise": 0}, ((49, 49), (49, 49)), (49, 49), "attention's mask: 49 * 49", elementwise={"compare": 2401}
        ),
    ]


class ArgMax(Op, kind="argmax"):
    """The place of the largest, or the smallest, along an axis, which goes: an index, 8 bytes in memory.

    Of n elements n - 1 comparisons.
    """

    reads_all = True
    gives_as = {0: 8}
    axis: int = integer("the axis, 0 for the channels", 0, least=0)
    smallest: bool = flag("the place of the smallest", False)

    def shape(self, x: Shape) -> Shape:
        at = x.place(self.axis)
        return Shape(*(x.dims[:at] + x.dims[at + 1 :] or (1,)))

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"compare": x.size - y.size}

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        at = x.place(self.axis) + 1
        find = torch.argmin if self.smallest else torch.argmax
        return lambda t: find(t, at).reshape(len(t), *y.dims)

    examples = [
        Example({}, (21, 32, 32), (32, 32), "the class of each pixel: 20 * 1024", elementwise={"compare": 20480}),
        Example({"smallest": True}, (10,), (1,), "one number is left", elementwise={"compare": 9}),
    ]


class TopK(Op, kind="topk"):
    """The K largest along an axis, and as `indices` their places, 8 bytes each in memory.

    Counted as a selection: the largest takes n - 1 comparisons, the next n - 2, in all K * n - K * (K + 1) / 2.
    """

    reads_all = True
    results = ("values", "indices")
    gives_as = {1: 8}
    stated: Dim = integer("how many, K", key="count", symbol="K")
    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def shape(self, x: Shape) -> tuple[Shape, Shape]:
        at = x.place(self.axis)
        if num.any_of(self.stated > x.dims[at]):
            raise Fault(f"count {self.stated} is more than the {x.dims[at]} there are", field="count")
        y = x.resized(at, self.stated)
        return y, y

    def elementwise(self, x: Shape, y: tuple[Shape, Shape]) -> dict[str, Dim]:
        n, k = x.dims[x.place(self.axis)], self.stated
        return {"compare": x.size // n * (k * n - k * (k + 1) // 2)}

    def saved(self, x: Shape, y: tuple[Shape, Shape]) -> Saved:
        """Return the places."""
        return Saved(bytes=8 * y[1].size)

    def torch(self, torch: Any, x: Shape, y: tuple[Shape, Shape]) -> Any:
        at = x.place(self.axis) + 1
        return lambda t: tuple(t.topk(self.stated, at))

    examples = [
        Example({"count": 3}, (10,), ((3,), (3,)), "9 + 8 + 7 comparisons", elementwise={"compare": 24}),
        Example(
            {"count": 1, "axis": 1},
            (4, 10),
            ((4, 1), (4, 1)),
            "the largest of 10, four times",
            elementwise={"compare": 36},
        ),
    ]


class CumSum(Op, kind="cumsum"):
    """Running sum along an axis: each element is the sum of those before it and itself; n - 1 additions of n."""

    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def shape(self, x: Shape) -> Shape:
        x.place(self.axis)
        return x

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"add": x.size - x.size // x.dims[x.place(self.axis)]}

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        """Return that the axis is read whole, by the last at least."""
        at = x.place(self.axis)
        return tuple(whole(n) if k == at else SAME for k, n in enumerate(x.space, 1))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        at = x.place(self.axis) + 1
        return lambda t: t.cumsum(at)

    examples = [
        Example({"axis": 1}, (8, 10), (8, 10), "8 times 9 additions", elementwise={"add": 72}),
        Example({}, (5,), (5,), "4 additions", elementwise={"add": 4}),
    ]
