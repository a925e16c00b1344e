"""The rows of a result with what they cost, and the lines of a table that they fold into."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from costcalc.base import Data, Datum, arguments, grouped
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.costs.convention import OPERATIONS, Convention
from costcalc.costs.counting import Cost, cost, total
from costcalc.costs.rows import Row, row_of
from costcalc.graph.graph import Graph, Node
from costcalc.measures.metric import counted
from costcalc.numbers.num import Dim, Dims, or_none
from costcalc.numbers.shape import Shape, Shapes
from costcalc.operators.op import PARAMETERS
from costcalc.reports.table import Table

VIEWS = ("layer", "row", "type", "block")
GROUPED = ("type", "block")  # views whose lines are neither layers nor rows: they have no shapes, but a number of rows
LEVEL = "/."  # what parts a path's levels: blocks of a spec, modules of an imported network
SEE_ALL = "--all shows all, --fold N so many levels"


class Counting:
    """What the rows of a result have in common."""

    __slots__ = ("batch", "convention", "graph", "of_macs")

    def __init__(self, graph: Graph, convention: Convention, batch: int) -> None:
        self.graph = graph
        self.convention = convention
        self.batch = batch
        self.of_macs = convention.called == "macs"  # whether its operations are macs


class CountedRow:
    """One row with what it costs under a convention, for a batch: an item of `Result.rows`."""

    __slots__ = ("cost", "counting", "index", "like", "name", "params")

    def __init__(self, counting: Counting, index: int, name: str, like: Node, cost_: Cost) -> None:
        self.counting = counting
        self.index = index
        self.like = like  # a node that costs the same, wherever it stands
        self.cost = cost_
        self.name = name  # its path: `stage1/bottleneck2/conv1`
        self.params = cost_.params  # as the convention counts them

    def __repr__(self) -> str:
        unit = self.counting.convention.unit
        return f"<{self.name}: {self.type}, {self.params:,} params, {self.operations:,} {unit}>"

    def __getattr__(self, name: str) -> Datum:
        # weights, biases, norm_params, buffers, bias_adds, elementwise, inputs, outputs are the row's.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.model, name)

    @property
    def model(self) -> Row:
        """The components of a row that costs the same, wherever it stands."""
        return row_of(self.like)

    @property
    def layer(self) -> str:
        """Its layer's path: a conv's norm and activation belong to the conv."""
        return self.name.removesuffix(self.like.name) + self.like.layer

    @property
    def row(self) -> Row:
        """Its components, under no convention."""
        return counted(self.counting.graph)[self.index]

    @property
    def node(self) -> Node:
        """Its operator in the network, with its tensors."""
        return self.counting.graph.nodes[self.index]

    @property
    def type(self) -> str:
        """The layer type: `conv dw 3x3`."""
        return self.model.type

    @property
    def operations(self) -> Dim:
        """Operations, as the convention counts them and in its unit, for the whole batch."""
        return self.cost.operations

    @property
    def macs(self) -> Dim:
        """MACs, for the whole batch; SpecError where the convention does not count them."""
        return self.cost.operations if self.counting.of_macs else self.of("macs")

    @property
    def flops(self) -> Dim:
        """FLOPs, for the whole batch; SpecError where the convention does not count them."""
        return self.of("flops")

    def of(self, quantity: str) -> Dim:
        """Return what the row has of `macs`, `flops` or `operations`; SpecError where the convention counts none."""
        own, rule = self.counting.convention, self.counting.convention.named(quantity)
        return (self.cost if rule is own else cost(self.row, rule, self.counting.batch)).operations

    @property
    def input(self) -> Dims:
        """Input shape (C, *space); of a join, its first branch's; () where nothing enters."""
        x = self.like.x
        return x.dims if isinstance(x, Shape) else x[0].dims if x else ()

    @property
    def output(self) -> Dims:
        """Output shape (C, *space); of a split, its first part's."""
        y = self.like.y
        return tuple((y if isinstance(y, Shape) else y[0]).dims)

    def to_dict(self) -> Data:
        """Return the row as plain data; element and operation counts are for the whole batch."""
        model = self.model
        record: Data = {"name": self.name, **_told(model, self.counting.batch)}
        for name in ("input", "output"):
            record[name] = [[*dims] for dims in record[name]]
        for name in ("kernel", "stride"):
            record[name] = plain(record[name])
        record["params"], record[OPERATIONS] = or_none(self.cost.params), or_none(self.operations)
        record["elementwise"] = {**record["elementwise"]}
        if self.like.shared is not None:
            shared = self.node.shared
            record["shares"] = shared and shared.name
        return record


def _told(row: Row, batch: int) -> Data:
    """Return what is told of a row wherever it stands and whatever it costs; worked out once for its last batch."""
    known, record = row.told
    if known == batch:
        return record
    node = row.node
    record = {
        "type": row.type,
        "op": node.op.kind,
        "input": _shapes(node.x),
        "output": _shapes(node.y),
        "kernel": getattr(node.op, "kernel", None),
        "stride": getattr(node.op, "stride", None),
        "params": None,
        OPERATIONS: None,
        **{name: getattr(row, name) for name in PARAMETERS},  # they do not grow with the batch
        "plain_macs": or_none(row.macs * batch),
        "bias_adds": row.bias_adds * batch,
        "elementwise": {kind: or_none(n * batch) for kind, n in row.elementwise.items()},
        "input_elements": row.inputs * batch,
        "output_elements": row.outputs * batch,
        "bits": node.bits,
        "density": node.density,
        "shares": None,
        "stated": not node.op.derived,
    }
    row.told = batch, record
    return record


class Line:
    """One line of a table: a row, or several that are shown as one; costs are under the convention."""

    __slots__ = ("cost", "input", "kernel", "kind", "name", "output", "rows", "stride", "type")

    def __init__(self, name: str, type_: str, members: list[CountedRow]) -> None:
        first, last = members[0].like, members[-1].like
        self.name = name
        self.type = type_
        self.kind = first.op.kind
        self.rows = members
        self.input = shown_shape(first.x)
        self.output = shown_shape(last.y)
        one = all(member.layer == members[0].layer for member in members)
        self.kernel = _per_axis(getattr(first.op, "kernel", None)) if one else ""
        self.stride = _per_axis(getattr(first.op, "stride", None)) if one else ""
        self.cost = members[0].cost if len(members) == 1 else total(member.cost for member in members)

    @property
    def stated(self) -> bool:
        """Whether a number in this line is only stated by the spec (custom), not derived."""
        return any(not member.like.op.derived for member in self.rows)

    @property
    def shared(self) -> bool:
        """Whether a row in this line uses the weights of an earlier one."""
        return any(member.like.shared is not None for member in self.rows)


def lines(rows: Sequence[CountedRow], by: str = "layer", fold: int | None = None) -> list[Line]:
    """Return the lines of a table of these rows.

    by: `row` one for every operator; `layer` a layer with its norm and activation; `type` one a
    layer type; `block` one a top-level block. fold: what lies deeper than so many levels is summed.
    """
    if not isinstance(by, str) or by not in VIEWS:
        raise stop(f"there is no view by {arguments.said(by)}", hint=f"known: {', '.join(VIEWS)}")
    if fold is not None and (arguments.whole(fold) is None or fold < 0):
        raise stop(f"fold is a number of levels, not {arguments.said(fold)}")
    if fold is not None and by == "type":
        raise stop("fold sums groups of layers, and a view by type has none", hint="use it by layer, row or block")
    if by == "type":
        types = _grouped(rows, lambda row: row.type, None)
        return sorted(types, key=lambda line: (-line.cost.operations, -line.cost.params))
    if by == "block":
        return _grouped(rows, lambda row: _top(row.layer, fold or 1), None)
    if fold is not None:
        depth = max(fold, 1)
        return _grouped(rows, lambda row: _top(_path(row, by), depth), by)
    return _grouped(rows, lambda row: _path(row, by), by)


def shorter(
    rows: Sequence[CountedRow],
    by: str,
    fold: int | None,
    cells: Callable[[Line], list[Datum]],
    tables: Callable[[list[Line]], list[Table]],
) -> Callable[[], Iterator[tuple[list[Table], str]]] | None:
    """Return what gives tables ever more folded, siblings that are alike as one, each with a note; of groups none.

    fold: so deep and no other. cells: what a line shows besides what it is. tables: those with some lines.
    """
    if by in GROUPED:
        return None

    def made() -> Iterator[tuple[list[Table], str]]:
        deepest = max(len(_level_ends(_path(row, by))) for row in rows) + 1
        least = len(lines(rows, by, fold))
        for level in range(deepest, 0, -1) if fold is None else (fold,):
            shown = merged(lines(rows, by, level), cells)
            if len(shown) < least:
                least = len(shown)
                yield tables(shown), f"{plural(len(rows), 'row')} folded to {plural(least, 'line')}: {SEE_ALL}"

    return made


def merged(shown: Iterable[Line], cells: Callable[[Line], list[Datum]]) -> list[Line]:
    """Return lines with siblings in a row that are alike, and whose names count on, as one: `bottleneck2-4 x3`."""
    runs: list[list[Line]] = []
    known: list[Datum] = []  # of the last run: what its lines are, and which number of their names counts on
    for line in shown:
        alike = [line.type, line.input, line.output, window(line), line.shared, line.stated, cells(line)]
        place = counted_on(runs[-1][0].name, line.name, len(runs[-1])) if runs else None
        if place is not None and known in ([alike, place], [alike, None]):
            runs[-1].append(line)
        else:
            place = None
            runs.append([line])
        known = [alike, place]
    return [_as_one(run) for run in runs]


def counted_on(first: str, other: str, more: int) -> int | None:
    """Return which part of a name is a number that is so much more in another name, which else is the same."""
    ours, theirs = _parts(first), _parts(other)
    places = [k for k, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]]
    if len(ours) != len(theirs) or len(places) != 1 or places[0] % 2 == 0:
        return None
    return places[0] if int(theirs[places[0]]) - int(ours[places[0]]) == more else None


def _parts(name: str) -> list[str]:
    """Return a name's words and, at odd places, its numbers."""
    return re.split(r"([0-9]+)", name)


def spanned(first: str, last: str) -> str:
    """Return two names that differ in a number as one: `bottleneck2-4`."""
    pairs = zip(_parts(first), _parts(last), strict=True)
    return "".join(a if a == b else f"{a}-{b}" for a, b in pairs)


def _as_one(run: list[Line]) -> Line:
    """Return a line that is the sum of lines that are alike."""
    first, last = run[0], run[-1]
    if len(run) == 1:
        return first
    name = f"{spanned(first.name, last.name)} x{len(run)}"
    whole = Line(name, first.type, [member for line in run for member in line.rows])
    whole.input, whole.kernel, whole.stride = first.input, first.kernel, first.stride
    return whole


def _path(row: CountedRow, by: str) -> str:
    return row.layer if by == "layer" else row.name


def _level_ends(path: str) -> list[int]:
    return [place for place, character in enumerate(path) if character in LEVEL]


def _top(path: str, depth: int) -> str:
    ends = _level_ends(path)
    return path[: ends[depth - 1]] if depth <= len(ends) else path


def _grouped(rows: Iterable[CountedRow], key: Callable[[CountedRow], str], by: str | None) -> list[Line]:
    groups = grouped((key(row), row) for row in rows)
    return [Line(name, _type(name, members, by), members) for name, members in groups.items()]


def _type(name: str, members: list[CountedRow], by: str | None) -> str:
    """Return what a line is: a type, or how many rows or layers it stands for."""
    if by is None and all(member.type == name for member in members):
        return plural(len(members), "row")
    layers = {member.layer for member in members}
    return members[0].type if len(layers) == 1 else plural(len(layers), "layer")


def shown_shape(shape: Shapes) -> str:
    """Return a shape as `64x56x56`; of several, how many: a join's, or a split's."""
    if isinstance(shape, Shape):
        return str(shape)
    return str(shape[0]) if len(shape) == 1 else f"{len(shape)} tensors" if shape else ""


def _shapes(shape: Shapes) -> list[Dims]:
    return [s.dims for s in (shape if isinstance(shape, tuple) else (shape,))]


def plain(value: Datum) -> Datum:
    """Return tuples as lists, at any depth: what JSON has."""
    if isinstance(value, tuple) or isinstance(value, list):  # noqa: SIM101 - twice as fast as their union
        return [plain(v) for v in value]
    return value


def _per_axis(value: Datum) -> str:
    if value is None:
        return ""
    if not isinstance(value, tuple):
        return str(value)
    return str(value[0]) if len(set(value)) == 1 else "x".join(str(v) for v in value)


def marked(line: Line) -> str:
    """Return a line's name, marked where its numbers are stated, or its weights an earlier row's."""
    return line.name + ("*" if line.stated else "") + (" =" if line.shared else "")


def window(line: Line) -> str:
    """Return a line's kernel and stride: 3/2."""
    return f"{line.kernel}/{line.stride}" if line.kernel and line.stride else line.kernel or line.stride
