"""Layers that costcalc does not know: with numbers that the spec states, or of unknown cost."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.numbers.shape import Shapes
from costcalc.operators import UNKNOWN, Dim, Dims, Example, Op, Saved, Shape, integer, integers, text
from costcalc.operators.families._twin import twin
from costcalc.operators.receptive import Reaches


class Stated(Op):
    """What layers share that costcalc does not know: of that which no field states nobody knows anything."""

    keeps = Saved(elements=UNKNOWN)
    derived = False

    def scratch(self, x: Shapes, y: Shapes) -> Dim:
        return UNKNOWN

    def reach(self, x: Shape, y: Shape, number: int = 0) -> Reaches:
        return UNKNOWN


class Custom(Stated, kind="custom"):
    """A layer whose cost is stated in the spec, not derived: `custom: {params: 9 * c_in, note: ...}`.

    Its parameters count as weights. Counts that are not stated are zero, and the shape is the input's. Which pixels it
    reads, what training keeps of it and what PyTorch makes beside its output are unknown.
    """

    dims: Dims | None = integers("output shape; by default the input's", None, key="shape")
    stated_params: int = integer("learned numbers", 0, least=0, key="params")
    stated_macs: int = integer("multiply-accumulates of one image", 0, least=0, key="macs")
    note: str = text("what it is, and where its numbers come from")

    def shape(self, x: Shape) -> Shape:
        return x if self.dims is None else Shape(*self.dims)

    def weights(self, x: Shape, y: Shape) -> Dim:
        return self.stated_params

    def macs(self, x: Shape, y: Shape) -> Dim:
        return self.stated_macs

    def real_macs(self, x: Shape, y: Shape) -> Dim:
        """Return that it has none where it has no products; else nobody knows how many fall on the padding."""
        return 0 if num.truth(self.stated_macs == 0) else UNKNOWN

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        """Return a stand-in that has the stated parameters and gives zeros of the stated shape."""
        weight = torch.nn.Parameter(torch.zeros(self.stated_params))
        return twin(torch, lambda _, t: t.new_zeros(len(t), *y.dims), weight=weight)

    examples = [
        Example(
            {"shape": [64, 7, 7], "params": 1728, "macs": 84672, "note": "a deformable convolution"},
            (32, 14, 14),
            (64, 7, 7),
            "as stated",
            weights=1728, macs=84672,
        ),
        Example({"note": "a layer that costs nothing"}, (8,), (8,), "the input's shape, and zeros"),
    ]  # fmt: skip


class Opaque(Stated, kind="opaque"):
    """An operation that costcalc does not know, of unknown cost: so is every total that includes it.

    Its output's shape is stated; so are its parameters, where it has any.
    """

    inputs = None

    dims: Dims = integers("output shape, channels first", key="shape")
    stated_params: int = integer("learned numbers", 0, least=0, key="params")
    note: str = text("what it is")

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        return Shape(*self.dims)

    def weights(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return self.stated_params

    def macs(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return UNKNOWN

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        return dict.fromkeys(("add", "mul", "div", "compare", "exp", "sqrt"), UNKNOWN)

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        """Return a stand-in that has the stated parameters and gives zeros of the stated shape."""
        weight = torch.nn.Parameter(torch.zeros(self.stated_params))
        return twin(torch, lambda _, *tensors: tensors[0].new_zeros(len(tensors[0]), *y.dims), weight=weight)

    examples = [
        Example(
            {"shape": [64, 7, 7], "params": 1728, "note": "a deformable convolution"},
            ((32, 14, 14), (18, 7, 7)),
            (64, 7, 7),
            "MACs: unknown",
            weights=1728, macs=UNKNOWN,
        )
    ]  # fmt: skip
