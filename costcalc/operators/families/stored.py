"""What is learned or stored and is no layer's kernel: tensors of their own, numbers that shape other weights."""

from __future__ import annotations

from typing import Any

from costcalc.operators import STORED, VIEW, Dim, Dims, Example, Op, Shape, integer, integers, text, word
from costcalc.operators.families._twin import twin
from costcalc.operators.receptive import Reach


class Parameter(Op, kind="parameter"):
    """A tensor that does not depend on the image: a position embedding, a class token, a stored constant.

    It takes no input. As a `parameter` its numbers are learned and count as weights; as a `buffer`
    they are stored, and as `none` they are made on the way.
    """

    stores = STORED
    inputs = 0
    dims: Dims = integers("its shape, channels first", key="shape")
    store: str = word("what holds it", "parameter", ("parameter", "buffer", "none"))

    def shape(self, x: tuple[()]) -> Shape:
        return Shape(*self.dims)

    def weights(self, x: tuple[()], y: Shape) -> Dim:
        return y.size if self.store == "parameter" else 0

    def buffers(self, x: tuple[()], y: Shape) -> Dim:
        return y.size if self.store == "buffer" else 0

    def torch(self, torch: Any, x: tuple[()], y: Shape) -> Any:
        """Return a module that is handed the network's input, for the size of its batch."""
        module = twin(torch, lambda m, image: image.new_zeros(len(image), *y.dims) + m.values)
        values = torch.zeros(y.dims)
        if self.store == "parameter":
            module.values = torch.nn.Parameter(values)
        elif self.store == "buffer":
            module.register_buffer("values", values)
        else:
            module.values = 0.0
        return module

    examples = [
        Example({"shape": [768, 197]}, (), (768, 197), "ViT-B/16's position embedding: 768 * 197", weights=151296),
        Example({"shape": [2, 169], "store": "buffer"}, (), (2, 169), "coordinates that are stored", buffers=338),
        Example({"shape": [64], "store": "none"}, (), (64,), "a constant"),
    ]


class Zeros(Op, kind="zeros"):
    """Zeros, of a shape: nothing is computed, and nothing of what flows in is read.

    The `none` of cell searches (NAS-Bench-201, arXiv:2001.00326), and the first state of a cell.
    """

    dims: Dims | None = integers("its shape; by default the input's", None, key="shape")

    def shape(self, x: Shape) -> Shape:
        return x if self.dims is None else Shape(*self.dims)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return (Reach(1, [None]),) * len(y.space)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: t.new_zeros(len(t), *y.dims)

    examples = [
        Example({}, (16, 32, 32), (16, 32, 32), "NAS-Bench-201's none, at the first stage"),
        Example({"shape": [64]}, (40, 10), (64,), "a state of 64 zeros"),
    ]


class WeightParams(Op, kind="weight_params"):
    """Learned numbers that shape the weights of another layer: the gain of weight standardization.

    They are parameters, and do no work on the image: what goes in comes out.
    """

    stores = VIEW
    stated: int = integer("how many numbers", key="count")
    note: str = text("what they are")

    def weights(self, x: Shape, y: Shape) -> Dim:
        return self.stated

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return twin(torch, lambda _, t: t, values=torch.nn.Parameter(torch.zeros(self.stated)))

    examples = [
        Example(
            {"count": 64, "note": "a gain a channel of the next convolution"},
            (16, 8, 8),
            (16, 8, 8),
            "64 numbers, and no work",
            weights=64,
        )
    ]
