"""What joins branches: sum, concatenation, product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from costcalc.numbers import num
from costcalc.operators import FOLDED, INPLACE, NEW, VIEW, Dim, Dims, Example, Fault, Op, Saved, Shape, flag, integer
from costcalc.operators.receptive import SAME, Reaches, moving


def _differ(a: Dims, b: Dims) -> bool:
    """Say whether two lists of sizes are not the same (anywhere in a sweep)."""
    return len(a) != len(b) or any(num.any_of(m != n) for m, n in zip(a, b, strict=True))


class Join(Op):
    """What joins share: two or more tensors, each from its branch, taken two by two, element by element."""

    family = "join"
    inputs: ClassVar[int | None] = None
    stores = FOLDED
    operation: ClassVar[str]  # what an element takes, one less than branches
    function: ClassVar[str]  # its name in torch, where it takes two

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        self.several(x)
        return _broadcast(self.kind, x)

    def several(self, x: tuple[Shape, ...]) -> None:
        """Raise Fault for fewer than two branches."""
        if len(x) < 2:
            raise Fault(
                f"{self.kind} needs two or more branches, and has {len(x)}",
                "[] is the branch that does nothing",
            )

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        return {self.operation: (len(x) - 1) * y.size}

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        return self.in_pairs(getattr(torch, self.function), y)

    def in_pairs(self, two: Callable[[Any, Any], Any], y: Shape) -> Any:
        """Return a function of tensors that joins them two by two; a [C] stands at the front of longer shapes."""

        def join(*tensors: Any) -> Any:
            first, *others = (t.reshape(*t.shape, *(1,) * (len(y.dims) + 1 - t.dim())) for t in tensors)
            for other in others:
                first = two(first, other)
            return first

        return join


class Factors(Join):
    """What joins share whose slope at each branch is told by all of them."""

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Return all branches, and what the first ones come to where a further one joins them."""
        between = (_broadcast(self.kind, x[:number]).size for number in range(2, len(x)))
        return Saved(tuple(range(len(x))), elements=sum(between, 0))


class Add(Join, kind="add"):
    """Sum of branches, element by element: the joint of a residual block.

    One addition less than branches an output element; broadcast as in `multiply`.
    """

    stores = INPLACE
    operation = function = "add"
    broadcast: bool = flag("whether axes of length 1, and [C] beside [C, H, W], are repeated", True)

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        y = super().shape(x)
        for other in x[1:] if not self.broadcast else ():
            if _differ(x[0].dims, other.dims):
                raise Fault(_unequal(x[0], other), "broadcast: false asks for it")
        return y

    examples = [
        Example(
            {},
            ((256, 56, 56), (256, 56, 56)),
            (256, 56, 56),
            "ResNet: one addition for each of 256 * 56 * 56",
            elementwise={"add": 802816},
        ),
        Example({}, ((8,), (8,), (8,)), (8,), "three branches: 2 * 8", elementwise={"add": 16}),
        Example(
            {},
            ((64, 7, 7), (64, 1, 1)),
            (64, 7, 7),
            "a global context added at each pixel: 64 * 7 * 7",
            elementwise={"add": 3136},
        ),
    ]


class Concat(Op, kind="concat"):
    """Branches side by side along the channels, or another axis; nothing is computed.

    A single branch is taken as it is, for a list that grows from one (DenseNet).
    """

    family = "join"
    inputs = None
    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        if not x:
            raise Fault("concat needs at least one branch")
        axis = x[0].place(self.axis)
        others = (*x[0].dims[:axis], *x[0].dims[axis + 1 :])
        for other in x[1:]:
            rest = (*other.dims[:axis], *other.dims[axis + 1 :])
            if len(other.dims) != len(x[0].dims) or _differ(others, rest):
                plane = axis == 0 and len(x[0].space) == 2
                equal = "height and width" if plane else f"lengths of all axes but {axis}"
                raise Fault(
                    f"concat needs equal {equal}, but the branches give {x[0]} and {other}",
                    (axis == 0 and _resized(x[0].space, other.space)) or "check the branches' strides and paddings",
                )
        return x[0].resized(axis, sum((other.dims[axis] for other in x[1:]), x[0].dims[axis]))

    def storage(self, x: tuple[Shape, ...], y: Shape) -> str:
        return VIEW if len(x) == 1 else NEW

    def among(self, x: tuple[Shape, ...], y: Shape, number: int) -> Reaches:
        """Return that along the axis each output is a place of one operand; along the others all are in place."""
        axis, found = y.place(self.axis), [SAME] * len(y.space)
        if axis:
            before = sum(one.dims[axis] for one in x[:number])
            inside = range(x[number].dims[axis])
            own = moving([place - before if place - before in inside else None for place in range(y.dims[axis])])
            if own is None:
                return None
            found[axis - 1] = own
        return tuple(found)

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        return lambda *tensors: torch.cat(tensors, self.axis + 1)

    examples = [
        Example(
            {},
            ((64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28)),
            (256, 28, 28),
            "GoogLeNet's inception (3a): 64 + 128 + 32 + 32",
        ),
        Example({}, ((64, 20),), (64, 20), "one branch, one spatial axis"),
        Example({"axis": 1}, ((768, 1), (768, 196)), (768, 197), "a class token before 196 patches"),
    ]


class Multiply(Factors, kind="multiply"):
    """Product of branches, element by element: a gate.

    Axes of length 1, and [C] beside [C, H, W], are broadcast: the gate of squeeze-and-excite is [C],
    one of spatial attention [1, H, W]. One multiplication less than branches an output element.
    """

    operation = function = "mul"

    examples = [
        Example(
            {},
            ((96, 28, 28), (96,)),
            (96, 28, 28),
            "squeeze-and-excite: a gate a channel, 96 * 28 * 28 products",
            elementwise={"mul": 75264},
        ),
        Example(
            {},
            ((1, 14, 14), (64, 14, 14), (64, 14, 14)),
            (64, 14, 14),
            "a gate a pixel beside two branches: 2 * 64 * 14 * 14",
            elementwise={"mul": 25088},
        ),
        Example({}, ((8,), (8, 10)), (8, 10), "one spatial axis, the gate first", elementwise={"mul": 80}),
    ]


class Subtract(Join, kind="subtract"):
    """Difference of two branches, element by element, broadcast as in `multiply`: one addition an output element."""

    inputs = 2
    operation, function = "add", "sub"

    examples = [
        Example({}, ((8, 4, 4), (8,)), (8, 4, 4), "a number a channel taken off: 8 * 4 * 4", elementwise={"add": 128})
    ]


class Divide(Factors, kind="divide"):
    """Quotient of two branches, element by element, broadcast as in `multiply`: one division an output element."""

    inputs = 2
    operation = function = "div"

    examples = [
        Example({}, ((8, 10), (1, 10)), (8, 10), "each of 8 channels by one and the same", elementwise={"div": 80}),
        Example({}, ((6, 2, 3), (6, 2, 3)), (6, 2, 3), "36 elements", elementwise={"div": 36}),
    ]


class Maximum(Factors, kind="maximum"):
    """The largest of the branches, element by element: one comparison less than branches; broadcast as `multiply`."""

    operation, function = "compare", "maximum"

    examples = [
        Example({}, ((64, 8, 8), (64, 8, 8)), (64, 8, 8), "Maxout of two: 64 * 8 * 8", elementwise={"compare": 4096})
    ]


class Minimum(Maximum, kind="minimum"):
    """The smallest of the branches, element by element: one comparison less than branches; broadcast as `multiply`."""

    function = "minimum"

    examples = [Example({}, ((4,), (4,), (4,)), (4,), "three branches: 2 * 4", elementwise={"compare": 8})]


def _broadcast(kind: str, x: tuple[Shape, ...]) -> Shape:
    """Return the shape that broadcast shapes have together; raise Fault where two do not go together."""
    y = x[0]
    for other in x[1:]:
        y = _pair(kind, y, other)
    return y


def _pair(kind: str, a: Shape, b: Shape) -> Shape:
    """Return the shape of two joined; raise Fault where an axis differs and neither's is 1."""
    if type(a.size) is type(b.size) is int and a.dims == b.dims:  # as most are
        return a
    long, short = (a, b) if len(a.dims) >= len(b.dims) else (b, a)
    dims = (*short.dims, *(1,) * (len(long.dims) if not short.space else 0))[: len(long.dims)]
    if len(dims) != len(long.dims) or any(
        num.any_of((m != n) & (m != 1) & (n != 1)) for m, n in zip(long.dims, dims, strict=True)
    ):
        if kind == "add":  # no gate, and where it is a residual block's a shortcut is wrong
            raise Fault(_unequal(a, b), _equalled(a, b))
        raise Fault(
            f"{kind} needs equal shapes or a gate of [C] or [1, H, W], but the branches give {a} and {b}",
            _resized(a.space, b.space) or "axes of length 1 are repeated; the others must be equal",
        )
    return Shape(*(num.maximum(m, n) for m, n in zip(long.dims, dims, strict=True)))


def _unequal(a: Shape, b: Shape) -> str:
    return f"add needs equal shapes, but the branches give {a} and {b}"


def _equalled(a: Shape, b: Shape) -> str:
    """Return what makes two shapes equal, by the axes in which they differ."""
    alike = num.every(a.c == b.c)
    if len(a.dims) != len(b.dims) and not (alike and not (a.space and b.space)):
        return "the branches have not as many axes: flatten, reshape or a global pool takes some away"
    sizes = _resized(a.space, b.space)
    if alike or "stride" not in sizes:
        channels = "" if alike else "a 1x1 convolution on one of them makes the channels equal"
        return "; ".join(filter(None, (sizes, channels))) or "check the branches' strides and paddings"
    return "a 1x1 convolution with the same stride on the shortcut makes them equal"


def _resized(a: Dims, b: Dims) -> str:
    """Return what makes other heights and widths equal: the stride or the padding that one branch has, or ''."""
    pairs = [sorted((m, n)) for m, n in zip(a, b, strict=False) if type(m) is type(n) is int and m != n]
    if len(a) != len(b) or not pairs:
        return ""
    if all(large == small + 1 and small > 1 for small, large in pairs):
        return "a border is treated otherwise: a pool's ceil_mode, or padding on one side, gives the missing one"
    for stride in range(2, 33):
        if all(small in (large // stride, -(-large // stride)) for small, large in pairs):
            each = [1 if m == n else stride for m, n in zip(a, b, strict=True)]
            said = stride if 1 not in each else each
            return f"stride {said} is in one branch only: give it to the other, or upsample: {{scale: {said}}}"
    lost = max(large - small for small, large in pairs)
    return f"windows without padding take {lost} away: write padding: half there"
