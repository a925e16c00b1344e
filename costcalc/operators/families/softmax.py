"""Activations along an axis: sums that make elements shares of one, and halves that gate each other."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.operators import Dim, Example, Fault, Op, Saved, Shape, integer
from costcalc.operators.receptive import SAME, Reach, whole


class Normalizing(Op):
    """What the softmaxes share: sums along one axis, the channels unless told."""

    family = "activation"
    keeps = Saved(result=True)
    is_act = True
    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def shape(self, x: Shape) -> Shape:
        x.place(self.axis)
        return x

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(whole(n) if k == self.axis else SAME for k, n in enumerate(x.space, 1))

    def sums(self, x: Shape) -> Dim:
        """Return how many sums there are: one for each place on the other axes."""
        return x.resized(x.place(self.axis), 1).size


class Softmax(Normalizing, kind="softmax"):
    """Softmax over the channels, at each pixel, or over another axis: e^x / sum of e^x.

    An exponential and a division an element, and an addition less than channels a pixel.
    """

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"exp": x.size, "add": x.size - self.sums(x), "div": x.size}

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.Softmax(x.place(self.axis) + 1)

    examples = [
        Example(
            {},
            (1000,),
            (1000,),
            "999 additions make the sum",
            elementwise={"exp": 1000, "add": 999, "div": 1000},
        ),
        Example(
            {},
            (21, 4, 4),
            (21, 4, 4),
            "at each of 16 pixels: 20 * 16 additions",
            elementwise={"exp": 336, "add": 320, "div": 336},
        ),
        Example(
            {"axis": 2},
            (8, 49, 48),
            (8, 49, 48),
            "the scores of attention, along the last axis: 8 * 49 sums of 48",
            elementwise={"exp": 18816, "add": 18424, "div": 18816},
        ),
    ]


class LogSoftmax(Normalizing, kind="log_softmax"):
    """Logarithm of softmax over the channels, at each pixel, or over another axis: x - ln(sum of e^x).

    An exponential and a subtraction an element, an addition less than channels a pixel, and a
    logarithm a pixel, which is counted as an exponential.
    """

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"exp": x.size + self.sums(x), "add": 2 * x.size - self.sums(x)}

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.LogSoftmax(x.place(self.axis) + 1)

    examples = [
        Example({}, (10,), (10,), "10 exp and a log; 9 + 10 additions", elementwise={"exp": 11, "add": 19}),
        Example({"axis": 1}, (2, 5), (2, 5), "two sums of 5", elementwise={"exp": 12, "add": 18}),
    ]


class Glu(Op, kind="glu"):
    """Gated linear unit: the first half of the channels (or another axis) times the logistic function of the second.

    An element takes exp, add, div and mul.
    """

    family = "activation"
    keeps = Saved((0,))
    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def shape(self, x: Shape) -> Shape:
        axis = x.place(self.axis)
        if num.any_of(x.dims[axis] % 2 != 0):
            raise Fault(f"glu takes two halves, but axis {axis} of {x} has {x.dims[axis]} elements", field="axis")
        return x.resized(axis, x.dims[axis] // 2)

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"exp": y.size, "add": y.size, "div": y.size, "mul": y.size}

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.GLU(x.place(self.axis) + 1)

    examples = [
        Example(
            {},
            (64, 10),
            (32, 10),
            "32 * 10 outputs",
            elementwise={"exp": 320, "add": 320, "div": 320, "mul": 320},
        )
    ]
