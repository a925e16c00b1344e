"""What joins branches: sum, concatenation, product."""

from __future__ import annotations

from typing import Any

from costcalc import num
from costcalc.errors import Fault
from costcalc.op import Example, Op
from costcalc.shape import Shape


def _differ(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Say whether two lists of sizes are not the same (anywhere in a sweep)."""
    return len(a) != len(b) or any(num.any_of(m != n) for m, n in zip(a, b, strict=True))


class Join(Op):
    """What joins share: two or more tensors, each from its branch."""

    inputs = None

    def several(self, x: tuple[Shape, ...]) -> None:
        """Raise Fault for fewer than two branches."""
        if len(x) < 2:
            raise Fault(
                f"{self.kind} needs two or more branches, and has {len(x)}",
                "[] is the branch that does nothing",
            )


class Add(Join, kind="add"):
    """Sum of branches, element by element: the joint of a residual block.

    One addition less than branches an element.
    """

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        self.several(x)
        for other in x[1:]:
            if _differ(x[0].dims, other.dims):
                raise Fault(
                    f"add needs equal shapes, but the branches give {x[0]} and {other}",
                    "a 1x1 convolution with the same stride on the shortcut makes them equal",
                )
        return x[0]

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Any]:
        return {"add": (len(x) - 1) * y.size}

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        return lambda *tensors: sum(tensors[1:], tensors[0])

    examples = [
        Example(
            {},
            ((256, 56, 56), (256, 56, 56)),
            (256, 56, 56),
            "ResNet: one addition for each of 256 * 56 * 56",
            elementwise={"add": 802816},
        ),
        Example({}, ((8,), (8,), (8,)), (8,), "three branches: 2 * 8", elementwise={"add": 16}),
    ]


class Concat(Op, kind="concat"):
    """Branches side by side along the channels; nothing is computed.

    A single branch is taken as it is, for a list that grows from one (DenseNet).
    """

    inputs = None

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        if not x:
            raise Fault("concat needs at least one branch")
        for other in x[1:]:
            if _differ(x[0].space, other.space):
                raise Fault(
                    f"concat needs equal height and width, but the branches give {x[0]} and {other}",
                    "check the branches' strides and paddings",
                )
        channels = x[0].c
        for other in x[1:]:
            channels = channels + other.c
        return x[0].with_channels(channels)

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        return lambda *tensors: torch.cat(tensors, 1)

    examples = [
        Example(
            {},
            ((64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28)),
            (256, 28, 28),
            "GoogLeNet's inception (3a): 64 + 128 + 32 + 32",
        ),
        Example({}, ((64, 20),), (64, 20), "one branch, one spatial axis"),
    ]


class Multiply(Join, kind="multiply"):
    """Product of branches, element by element: a gate.

    Axes of length 1, and [C] beside [C, H, W], are broadcast: the gate of squeeze-and-excite is [C],
    one of spatial attention [1, H, W]. One multiplication less than branches an output element.
    """

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        self.several(x)
        y = x[0]
        for other in x[1:]:
            y = _broadcast(y, other)
        return y

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Any]:
        return {"mul": (len(x) - 1) * y.size}

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        def product(*tensors: Any) -> Any:
            result = 1
            for t in tensors:
                result = result * t.reshape(*t.shape, *(1,) * (len(y.dims) + 1 - t.dim()))
            return result

        return product

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


def _broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape of a * b; raise Fault where an axis differs and neither's is 1."""
    long, short = (a, b) if len(a.dims) >= len(b.dims) else (b, a)
    dims = (*short.dims, *(1,) * (len(long.dims) if not short.space else 0))[: len(long.dims)]
    if len(dims) != len(long.dims) or any(
        num.any_of((m != n) & (m != 1) & (n != 1)) for m, n in zip(long.dims, dims, strict=True)
    ):
        raise Fault(
            f"multiply needs equal shapes or a gate of [C] or [1, H, W], but the branches give {a} and {b}",
            "the gate must have the channels, or the height and width, of what it multiplies",
        )
    return Shape(*(num.maximum(m, n) for m, n in zip(long.dims, dims, strict=True)))
