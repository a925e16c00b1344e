"""What takes numbers out of a table by their index: nothing is computed here."""

from __future__ import annotations

from typing import Any

from costcalc.operators import Dim, Example, Op, Saved, Shape, integer


class Embedding(Op, kind="embedding"):
    """A learned vector for each index: [L] gives [C_o, L]. Nothing is computed.

    What flows in is indices, 8 bytes each in memory, whatever the bits of an activation.
    """

    family = "embeddings"
    reads_as = {0: 8}
    keeps = Saved(learned=(0,))
    stated: Dim = integer("how many vectors the table has", key="count")
    out: Dim = integer("numbers of a vector, C_o", symbol="C_o")

    def shape(self, x: Shape) -> Shape:
        return Shape(self.out, *x.dims)

    def weights(self, x: Shape, y: Shape) -> Dim:
        return self.stated * self.out

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        table = torch.nn.Embedding(self.stated, self.out)
        table.register_forward_pre_hook(lambda _, given: (given[0].long(),))
        table.register_forward_hook(lambda _, __, result: result.movedim(-1, 1))
        return table

    def tensors(self, x: Shape, y: Shape) -> tuple[Dim, ...]:
        return (self.stated, self.out)

    examples = [
        Example({"count": 30522, "out": 768}, (128,), (768, 128), "BERT's words: 30522 * 768", weights=23440896),
        Example({"count": 169, "out": 3}, (49, 49), (3, 49, 49), "169 * 3; an index an element", weights=507),
    ]


class TableLookup(Op, kind="lookup"):
    """Places of a tensor's axis by a second tensor of indices: of [C, N] and [L] it gives [L, N], [C, L] on axis 1.

    Where the indices have several axes, all of these stand in the axis' place: Swin's table of position biases
    [169, H] with [49, 49] gives [49, 49, H] (arXiv:2103.14030). An index is 8 bytes in memory.
    """

    family = "embeddings"
    inputs = 2
    reads_as = {1: 8}
    reads_all = True
    keeps = Saved((1,))
    axis: int = integer("the axis that indices count along, 0 for the channels", 0, least=0)

    def shape(self, x: tuple[Shape, Shape]) -> Shape:
        table, index = x
        at = table.place(self.axis)
        return Shape(*table.dims[:at], *index.dims, *table.dims[at + 1 :])

    def torch(self, torch: Any, x: tuple[Shape, Shape], y: Shape) -> Any:
        at = x[0].place(self.axis)

        def look(table: Any, index: Any) -> Any:
            places = index.long().flatten(1)
            each = [one.index_select(at, where) for one, where in zip(table, places, strict=True)]
            return torch.stack(each).reshape(len(table), *y.dims)

        return look

    examples = [
        Example({}, ((169, 3), (2401,)), (2401, 3), "a table of 169 rows, looked up for each of 49 * 49 pairs"),
        Example({"axis": 1}, ((8, 10), (4, 5)), (8, 4, 5), "the places 4 * 5 stand where 10 stood"),
    ]
