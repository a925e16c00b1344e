"""The boxes of a graph: blocks by the paths of their layers, equal ones in a row as one, each laid out alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from costcalc.base import Data, Datum
from costcalc.explorer.layout import laid
from costcalc.graph.graph import Graph, Tensor
from costcalc.reports.lines import counted_on, spanned

OUTSIDE = -1  # the end of an edge that enters or leaves a box


class LayerLine:
    """A layer with its norm and activation: rows that follow each other."""

    __slots__ = ("count", "first", "name", "path")

    def __init__(self, name: str, path: tuple[str, ...], first: int, count: int) -> None:
        self.name = name
        self.path = path  # the blocks that it stands in, and the layer
        self.first = first
        self.count = count


class FoldedBlock:
    """Lines that stand in one block: how often it is repeated, and what is in it, or in its first turn."""

    def __init__(self, name: str, title: str, lines: range, items: list[FoldedBlock | int], times: int = 1) -> None:
        self.name = name
        self.title = title
        self.lines = lines
        self.items = items
        self.times = times

    @property
    def shown(self) -> range:
        """The lines of its first turn."""
        return self.lines[: len(self.lines) // self.times]


def lines_of(graph: Graph) -> list[LayerLine]:
    """Return the lines of a graph."""
    found = []
    first = 0
    for name, group in groupby(graph.nodes, key=lambda node: node.layer):
        nodes = list(group)
        found.append(LayerLine(name, nodes[0].path_parts, first, len(nodes)))
        first += len(nodes)
    return found


class Boxes:
    """The boxes of a graph, whose rows are of these kinds."""

    def __init__(self, graph: Graph, lines: Sequence[LayerLine], kinds: Sequence[int]) -> None:
        self.lines = lines
        self.kinds = kinds
        self.inputs = {tensor: -1 - number for number, tensor in enumerate(graph.inputs.values())}
        self.reads = [[self._written(tensor) for tensor in node.inputs] for node in graph.nodes]
        self.line_of = [number for number, line in enumerate(lines) for _ in range(line.count)]
        self.users: dict[tuple[int, int], list[int]] = {}  # of each tensor the rows that read it
        for row, read in enumerate(self.reads):
            for one in read:
                self.users.setdefault(one, []).append(row)
        for tensor in graph.outputs:  # read by what stands behind the last row
            self.users.setdefault(self._written(tensor), []).append(len(self.reads))
        root = FoldedBlock("", "", range(len(lines)), self._items(range(len(lines)), 0))
        self.root = self._data(root)

    def _written(self, tensor: Tensor) -> tuple[int, int]:
        """Return the row that writes a tensor, and which of its outputs it is."""
        if tensor.node is None:
            return self.inputs.get(tensor, -1), 0
        return tensor.node.index, tensor.node.outputs.index(tensor)

    # ---- which blocks there are ---------------------------------------------------------------------------

    def _items(self, lines: range, level: int) -> list[FoldedBlock | int]:
        """Return the blocks and lines among some lines that stand in one block, whose path has so many parts."""
        found: list[FoldedBlock | int] = []
        for label, group in groupby(lines, key=lambda number: self._label(number, level)):
            members = list(group)
            if label is None or len(members) == 1:
                found += members
                continue
            inside = range(members[0], members[-1] + 1)
            items = self._items(inside, level + 1)
            name = self._name(members[0], level)
            block = FoldedBlock(name, label, inside, items)
            before = found[-1] if found else None
            if isinstance(before, FoldedBlock) and self._repeats(before, block):
                before.lines = range(before.lines.start, inside.stop)
                before.times += 1
            else:
                found.append(block)
        for one in found:
            if isinstance(one, FoldedBlock) and one.times > 1:
                last = self.lines[one.lines.stop - 1].path[level]
                on = counted_on(one.title, last, one.times - 1) is not None
                one.title = spanned(one.title, last) if on else one.title
        return found

    def _label(self, number: int, level: int) -> str | None:
        path = self.lines[number].path
        return path[level] if len(path) > level + 1 else None

    def _name(self, number: int, level: int) -> str:
        """Return a block's path: what its layers' names begin with."""
        line = self.lines[number]
        length = len("/".join(line.path[: level + 1]))
        return line.name[:length]

    def _repeats(self, before: FoldedBlock, block: FoldedBlock) -> bool:
        return len(before.shown) == len(block.lines) and self._content(before.shown) == self._content(block.lines)

    def _content(self, lines: range) -> Datum:
        """Return all that two blocks have alike where they are equal: kinds of rows, and where these read from."""
        rows = self._rows(lines)
        start = rows.start
        reads = [
            tuple((row - start, part) if row >= start else OUTSIDE for row, part in self.reads[one]) for one in rows
        ]
        shape = [(self.lines[number].count, self.lines[number].path[-1]) for number in lines]
        return self.kinds[rows.start : rows.stop], reads, shape

    def _rows(self, lines: range) -> range:
        last = self.lines[lines[-1]]
        return range(self.lines[lines[0]].first, last.first + last.count)

    # ---- where they stand ---------------------------------------------------------------------------------

    def _data(self, block: FoldedBlock) -> Data:
        item_of = {number: place for place, item in enumerate(block.items) for number in _lines(item)}
        edges = self._edges(block, item_of) if block.items else []
        entering = {tensor: -1 - k for k, tensor in enumerate({edge[2:]: None for edge in edges if edge[0] == OUTSIDE})}
        grid = laid(
            len(block.items),
            [(entering[(row, part)] if start == OUTSIDE else start, end) for start, end, row, part in edges],
        )
        made: Data = {
            "name": block.name,
            "title": f"{block.title} ×{block.times}" if block.times > 1 else block.title,
            "lines": [block.lines.start, len(block.lines)],
            "items": [item if isinstance(item, int) else self._data(item) for item in block.items],
            "layout": {
                "at": grid.at,
                "ranks": grid.ranks,
                "lanes": grid.lanes,
                "chains": grid.chains,
                "edges": [[*edge, via] for edge, via in zip(edges, grid.via, strict=True)],
            },
        }
        return made | ({"times": block.times} if block.times > 1 else {})

    def _edges(self, block: FoldedBlock, item_of: dict[int, int]) -> list[tuple[int, int, int, int]]:
        """Return the edges of a box: the items that they join, and the tensor: its row, and which output."""
        rows = self._rows(block.shown)

        def item(row: int) -> int:
            return item_of[self.line_of[row]] if rows.start <= row < rows.stop else OUTSIDE

        found: dict[tuple[int, int, int, int], None] = {}
        for row in rows:
            for writer, part in self.reads[row]:
                start, end = item(writer), item(row)
                if start != end:
                    found[start, end, writer, part] = None
        for (writer, part), users in self.users.items():
            if rows.start <= writer < rows.stop and any(item(user) == OUTSIDE for user in users):
                found[item(writer), OUTSIDE, writer, part] = None
        return [*found]


def _lines(item: FoldedBlock | int) -> Iterator[int]:
    """Yield the lines of an item, those of all its turns."""
    yield from [item] if isinstance(item, int) else item.lines
