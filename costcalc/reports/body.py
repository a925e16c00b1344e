"""Columns that say what a line is, as the tables of papers draw a network: filter, stride, expansion, how often.

Each is read from the rows that a line stands for, for any network of the same structure; what can't be read so is
left empty, never guessed. A new column is a function here under `@column`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from costcalc.base import Data, Datum, arguments, grouped
from costcalc.base.errors import Problem, SpecError, nearest, stop
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.graph.graph import Graph, Node
from costcalc.measures import field, metric
from costcalc.measures.metric import Measured
from costcalc.numbers.num import Dims
from costcalc.numbers.shape import Shape, drawn
from costcalc.numbers.text import figure
from costcalc.operators.receptive import SAME
from costcalc.reports.columns import DECIMALS, costs_something, folded, headings, over
from costcalc.reports.lines import Line, counted_on, marked, spanned
from costcalc.reports.table import Column, Table

OUT_OF = "out:"  # before the path of a layer inside a block: its output channels
REPEATED = "n"  # the column by which equal lines become one
NAMED = ("layer", "type", "operator")  # columns by which a line is known
LONGEST = 12  # lines of a group that is repeated


class Body:
    """A line with what its network knows: the parts that follow each other in it, and how often it is repeated."""

    __slots__ = ("graph", "level", "line", "mark", "nodes", "parts", "times")

    def __init__(self, line: Line, graph: Graph) -> None:
        self.line = line
        self.graph = graph
        self.nodes = [row.node for row in line.rows]
        self.level, self.parts = parts(line.name, self.nodes)  # at which the names of its blocks stand in paths
        self.times = 1
        self.mark = ""  # where it stands in a group of lines that is repeated: its begin, its end

    @property
    def single(self) -> Node | None:
        """The operator of a line that is one layer, without its norm and activation."""
        first = self.nodes[0]
        return first if all(node.layer == first.layer for node in self.nodes) else None

    def agreed(self, read: Callable[[list[Node]], Datum]) -> Datum:
        """Return what all parts have alike; None where they differ."""
        first, *others = [read(part) for part in self.parts]
        return first if all(other == first for other in others) else None


class Fact(NamedTuple):
    """A column of a body table: its title, what it says, and what a line has of it."""

    name: str
    title: str
    doc: str
    of: Callable[[Body], Datum]

    @property
    def kind(self) -> str:
        """How a table writes it: the numbers of channels to the right."""
        return "number" if self.name in ("in", "out", "exp", "t") or self.name.startswith(OUT_OF) else "text"


COLUMNS: dict[str, Fact] = {}


def column(name: str, title: str = "") -> Callable[[Callable[[Body], Datum]], Callable[[Body], Datum]]:
    """Enter a column under its name; the first line of its docstring says what it is."""

    def enter(of: Callable[[Body], Datum]) -> Callable[[Body], Datum]:
        COLUMNS[name] = Fact(name, title or name, (of.__doc__ or "").strip().splitlines()[0], of)
        return of

    return enter


def known(name: str) -> bool:
    """Say whether a word names a column of a body table."""
    return name in COLUMNS or (name.startswith(OUT_OF) and len(name) > len(OUT_OF))


def find(name: str) -> Fact:
    """Return a column by its name."""
    if name in COLUMNS:
        return COLUMNS[name]
    path = name.removeprefix(OUT_OF)
    return Fact(name, path, "", lambda body: body.agreed(lambda part: _inner(body, part, path)))


def names(text: str | Iterable[str], convention: str | Convention = conventions.DEFAULT) -> tuple[str, ...]:
    """Return the columns that are named, metrics and groups of them among them, each once.

    Raises SpecError, with the nearest name, for what is neither.
    """
    chosen: list[str] = []
    problems: list[Problem] = []
    for word in arguments.texts(text, "columns", "name them: columns='filter,stride,input'"):
        try:
            chosen += [word] if known(word) else metric.names(word, convention)
        except SpecError as error:
            near = nearest(word, [*COLUMNS, *metric.metrics()])
            problems += [Problem(one.message, one.mark, near or one.hint) for one in error.problems]
    if problems:
        raise SpecError(problems)
    return tuple(dict.fromkeys(chosen))


# ---- how lines repeat ---------------------------------------------------------------------------------


def parts(name: str, nodes: Sequence[Node]) -> tuple[int, list[list[Node]]]:
    """Return the blocks that follow each other inside a group, `mbconv1`, `mbconv2`, and the level of their names.

    They are called alike but for a number, and each reads nothing but what the one before gives. Where there are none,
    the group is the block.
    """
    level = len(_levels(name)) - 1
    paths = [node.path_parts for node in nodes]
    if all(len(path) > level + 2 for path in paths):
        found = grouped((path[level + 1], node) for path, node in zip(paths, nodes, strict=True))
        runs = list(found.values())
        if len({label.rstrip("0123456789") for label in found}) == 1 and all(map(_follows, runs, runs[1:])):
            return level + 1, runs
    return level, [list(nodes)]


def _levels(path: str) -> list[str]:
    """Return the words of a path: blocks of a spec, modules of an imported network."""
    return re.split("[/.]", path)


def _follows(before: Sequence[Node], after: Sequence[Node]) -> bool:
    """Say whether all that some rows read from outside is what the rows before them give at last."""
    own = set(after)
    return all(tensor.node in own or tensor.node is before[-1] for node in after for tensor in node.inputs)


def repeated(bodies: Sequence[Body], cells: Callable[[Body], Datum]) -> list[Body]:
    """Return lines with equal ones in a row as one, groups of them too: five times a dw and a 1x1 convolution."""
    keys = [(b.line.type, b.line.input, b.line.output, b.line.shared, b.line.stated, cells(b)) for b in bodies]
    found: list[Body] = []
    place = 0
    while place < len(bodies):
        size, turns = _run(keys, place)
        for k in range(place, place + size):
            one = bodies[k] if turns == 1 else _as_one([bodies[k + turn * size] for turn in range(turns)])
            one.mark = "" if size == 1 else " [" if k == place else "    ]" if k == place + size - 1 else "    |"
            found.append(one)
        place += size * turns
    return found


def _run(keys: Sequence[Datum], place: int) -> tuple[int, int]:
    """Return how many lines from a place on are repeated, and how often: the group that takes most lines with it."""
    best = (1, 1)
    for size in range(1, min(LONGEST, (len(keys) - place) // 2) + 1):
        turns = 1
        while keys[place : place + size] == keys[place + turns * size : place + (turns + 1) * size]:
            turns += 1
        if turns > 1 and size * turns > best[0] * best[1]:
            best = (size, turns)
    return best


def _as_one(run: list[Body]) -> Body:
    """Return a line that stands for several that are equal."""
    first, last = run[0].line, run[-1].line
    on = counted_on(first.name, last.name, len(run) - 1) is not None
    name = spanned(first.name, last.name) if on else f"{first.name} ... {last.name}"
    whole = Line(name, first.type, [member for body in run for member in body.line.rows])
    whole.input, whole.output, whole.kernel, whole.stride = first.input, last.output, first.kernel, first.stride
    one = Body(whole, run[0].graph)
    one.nodes, one.parts, one.level, one.times = run[0].nodes, run[0].parts, run[0].level, len(run)  # all are like it
    return one


# ---- what a block is ----------------------------------------------------------------------------------


def gates(part: Sequence[Node]) -> set[Node]:
    """Return the rows of squeeze-and-excite gates (Hu et al. 2018, section 3).

    They are a pool over all of space, two layers with weights at least, and what these give multiplied with what was
    pooled.
    """
    inside = set(part)
    found: set[Node] = set()
    for node in part:
        if isinstance(node.x, Shape) or {*node.op.elementwise(node.x, node.y)} != {"mul"}:
            continue
        for tensor in node.inputs:
            chain = list(_back(tensor.node, inside))
            pool = next((place for place, one in enumerate(chain) if _pools_all(one)), 0)
            if pool and sum(map(_weighs, chain[:pool])) > 1 and chain[pool].inputs[0] in node.inputs:
                found |= {*chain[: pool + 1], node}
    return found


def _back(node: Node | None, inside: set[Node]) -> Iterator[Node]:
    """Yield a row and those before it, as long as each takes one tensor from another of these rows."""
    while node in inside and node is not None and len(node.inputs) == 1:
        yield node
        node = node.inputs[0].node


def _pools_all(node: Node) -> bool:
    """Say whether a row makes one pixel of each channel's pixels, without weights."""
    x, y = node.x, node.y
    single = isinstance(x, Shape) and isinstance(y, Shape) and x.c == y.c and y.pixels == 1 < x.pixels
    return single and not _weighs(node)


def _weighs(node: Node) -> bool:
    return bool(node.op.weights(node.x, node.y))


def _mixing(part: Sequence[Node]) -> list[Node]:
    """Return the layers of a block that have weights, less those of its gates."""
    within = gates(part)
    return [node for node in part if node not in within and _weighs(node)]


def _pointwise(node: Node) -> bool:
    return all(length == 1 for length in _lengths(node))


def _lengths(node: Node) -> Dims:
    """Return the lengths of a kernel; none of what has none: it works on each pixel."""
    return tuple(getattr(node.op, "kernel", ()))


def _depthwise(node: Node) -> bool:
    return node.op.grouping(node.x) == "depthwise"


def inverted(part: Sequence[Node]) -> tuple[Node | None, Node] | None:
    """Return the expansion, if there is one, and the depthwise convolution of an inverted residual block.

    It is a 1x1, a depthwise and a 1x1 convolution, the first of which may be absent, and nothing else with weights but
    gates (Sandler et al. 2018, table 1). None of any other block.
    """
    layers = _mixing(part)
    first = layers.pop(0) if len(layers) == 3 and _pointwise(layers[0]) and not _depthwise(layers[0]) else None
    if len(layers) != 2 or not _depthwise(layers[0]) or _depthwise(layers[1]) or not _pointwise(layers[1]):
        return None
    return first, layers[0]


def _inner(body: Body, part: Sequence[Node], path: str) -> Datum:
    """Return the output channels of the layer, or the group, of that path inside a block."""
    wanted = tuple(_levels(path))
    inside = slice(body.level + 1, body.level + 1 + len(wanted))
    below = [node for node in part if node.path_parts[inside] == wanted]
    last = below[-1].y if below else None
    return last.c if isinstance(last, Shape) else None


# ---- the columns --------------------------------------------------------------------------------------


@column("layer")
def layer(body: Body) -> Datum:
    """The line's name, as in any report."""
    return marked(body.line)


@column("type")
def type_(body: Body) -> Datum:
    """The layer type; of a group, how many layers it is."""
    return body.line.type


@column("operator")
def operator(body: Body) -> Datum:
    """The layer type; of blocks, what they are called and their kernel: bneck 5x5."""
    if body.single:
        return body.line.type
    label = body.nodes[0].path_parts[body.level]
    return f"{called(label, body.graph.spec.blocks)} {kernel(body) or ''}".rstrip()


def called(label: str, blocks: Iterable[str]) -> str:
    """Return what a block is called without its number: by the word of the spec that its label begins with."""
    words = [word for word in blocks if re.fullmatch(rf"{word}_?[0-9]*", label)]
    return max(words, key=len, default=re.sub(r"_?[0-9]+$", "", label) or label)


@column(REPEATED)
def n(body: Body) -> Datum:
    """How often: equal lines in a row as one, 5 x, groups of them in brackets; of a stage how many blocks it has."""
    return body.times * len(body.parts)


@column("filter", "filter shape")
def filter_(body: Body) -> Datum:
    """The kernel's height, width, channels in and out: 3 x 3 x 32 dw, 1024 x 1000, pool 7 x 7."""
    one = body.single
    return one.op.filter_shape(one.x, one.y) if one else None


@column("kernel")
def kernel(body: Body) -> Datum:
    """The kernel, 3x3; of blocks the one above 1x1, where there is no other."""
    one = body.single
    lengths = _lengths(one) if one else body.agreed(_kernel)
    return "x".join(map(str, lengths)) if lengths else None


def _kernel(part: list[Node]) -> Dims | None:
    found = {_lengths(node): None for node in _mixing(part) if not _pointwise(node)}
    return next(iter(found)) if len(found) == 1 else None


@column("stride")
def stride(body: Body) -> Datum:
    """The stride; of blocks that of all their layers together."""
    if body.single:
        return body.line.stride or None
    views = field.fields(body.graph, ignore=True).views
    entering = body.nodes[0].inputs[0]
    source, shape = entering.node, entering.shape
    before = views[source.index] if source else (SAME,) * len(shape.space if shape else ())
    after = views[body.nodes[-1].index]
    if not (isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after)):
        return None
    if not all(reach.step for reach in before):  # of an axis that is read whole there is none
        return None
    steps = [Fraction(a.step * b.phases, a.phases * b.step) for a, b in zip(after, before, strict=True)]
    return str(field.told([abs(step) for step in steps]))


@column("padding")
def padding(body: Body) -> Datum:
    """The padding of a layer; where its sides differ, before and after on each axis."""
    one = body.single
    if one is None or not hasattr(one.op, "padding") or not isinstance(one.x, Shape):
        return None
    pads = one.op.pads(one.x) if hasattr(one.op, "pads") else one.op.padding
    sides = {side for axis in pads for side in axis}
    even = "x".join(str(before) for before, after in pads if before == after)
    return str(sides.pop()) if len(sides) == 1 else even if even.count("x") == len(pads) - 1 else str(pads)


@column("groups")
def groups(body: Body) -> Datum:
    """The groups of a convolution; of a depthwise one its channels."""
    one = body.single
    if one is None or not hasattr(one.op, "groups"):
        return None
    return str(one.x.c if _weighs(one) and _depthwise(one) else one.op.groups)


@column("input", "input size")
def input_(body: Body) -> Datum:
    """What enters, as papers write it: height x width x channels."""
    return _size(body.nodes[0].x)


@column("output", "output size")
def output(body: Body) -> Datum:
    """What leaves: height x width x channels."""
    return _size(body.nodes[-1].y)


@column("resolution")
def resolution(body: Body) -> Datum:
    """Height x width of what enters."""
    x = body.nodes[0].x
    return drawn(x.space) or None if isinstance(x, Shape) else None


@column("output_resolution", "output resolution")
def output_resolution(body: Body) -> Datum:
    """Height x width of what leaves."""
    y = body.nodes[-1].y
    return drawn(y.space) or None if isinstance(y, Shape) else None


def _size(shape: Shape | tuple[Shape, ...]) -> str | None:
    if isinstance(shape, Shape):
        return drawn((*shape.space, shape.c))
    return f"{len(shape)} tensors" if shape else None


@column("in", "#in")
def in_(body: Body) -> Datum:
    """The channels that enter."""
    x = body.nodes[0].x
    return x.c if isinstance(x, Shape) else None


@column("out", "#out")
def out(body: Body) -> Datum:
    """The channels that leave."""
    y = body.nodes[-1].y
    return y.c if isinstance(y, Shape) else None


@column("exp", "exp size")
def exp(body: Body) -> Datum:
    """The channels that the depthwise convolution of an inverted residual block works on; empty of any other block."""
    return body.agreed(lambda part: (found := inverted(part)) and found[1].y.c) if not body.single else None


@column("t")
def t(body: Body) -> Datum:
    """The expansion of an inverted residual block: the output of its first 1x1 convolution over its input."""
    return body.agreed(_expansion) if not body.single else None


def _expansion(part: list[Node]) -> Datum:
    found = inverted(part)
    return found and (Fraction(found[0].y.c, found[0].x.c) if found[0] else Fraction(1))


@column("se", "SE")
def se(body: Body) -> Datum:
    """Whether a block has a squeeze-and-excite gate."""
    return body.agreed(lambda part: bool(gates(part))) if not body.single else None


@column("nl", "NL")
def nl(body: Body) -> Datum:
    """The activations, less those of gates."""
    within = gates(body.nodes)
    return ", ".join(dict.fromkeys(x.op.kind for x in body.nodes if x.op.is_act and x not in within)) or None


# ---- how they are written -----------------------------------------------------------------------------


def cell(one: Fact, body: Body) -> Datum:
    """Return a table's cell: `5 x`, yes, or a hyphen, for what is so or not; a ratio in figures."""
    value = one.of(body)
    if one.name == REPEATED and value > 1:
        return body.mark if body.mark.startswith(" " * 4) else f"{value} x{body.mark}"
    if isinstance(value, bool):
        return "yes" if value else "-"
    if not isinstance(value, Fraction):
        return value
    return figure(value) if value.denominator > 1 else int(value)


def lines(
    shown: Iterable[Line], graph: Graph, chosen: Sequence[str], measures: Iterable[Measured], by: str
) -> list[Body]:
    """Return lines that know their network; equal ones as one where it is asked how often they are there."""
    if by == "type":
        raise stop("a view by type has no layers to draw", hint="these columns are for views by layer, row and block")
    bodies = [Body(line, graph) for line in shown]
    for one in map(find, filter(lambda name: name.startswith(OUT_OF), chosen)):
        if all(one.of(body) is None for body in bodies):
            inner = {"/".join(n.path_parts[b.level + 1 :]): None for b in bodies for n in b.nodes}
            inner.pop("", None)
            hint = nearest(one.title, inner) or (
                f"they have {', '.join([*inner][:8])}" if inner else "fold lines to blocks"
            )
            raise stop(f"no line has a layer '{one.title}' inside", hint=hint)
    if REPEATED not in chosen:
        return bodies
    facts = [find(name) for name in chosen if known(name) and name not in ("layer", REPEATED)]
    return repeated(bodies, lambda b: [*(one.of(b) for one in facts), *(over(one, b.line) for one in measures)])


def table(bodies: Iterable[Body], chosen: Sequence[str], measures: Sequence[Measured], *, slide: bool) -> Table:
    """Return lines under exactly the columns that are named; their names stand first where none tells them apart."""
    named = chosen if {*chosen} & {*NAMED} else ("layer", *chosen)
    shown = [body for body in bodies if not slide or costs_something(body.line, measures)]
    of = {one.name: (one, title) for one, title in zip(measures, headings(measures), strict=True)}
    titles: list[Column] = []
    made: list[list[Datum]] = []
    for name in named:
        if name in of:
            one, title = of[name]
            titles.append(Column(title, one.metric.kind))
            made.append([*(over(one, body.line) for body in shown), one.total])
        else:
            fact = find(name)
            titles.append(Column(fact.title, fact.kind))
            made.append([*(cell(fact, body) for body in shown), "total" if name == named[0] else ""])
    *cells, totals = ([*row] for row in zip(*made, strict=True))
    first = named[0] == "layer" and REPEATED not in chosen
    decimals = DECIMALS if slide else None
    return Table(titles, cells, totals if measures else [], paths=first, decimals=decimals)


def records(
    bodies: Iterable[Body], chosen: Sequence[str], measures: Sequence[Measured], by: str, mark: Data
) -> list[Data]:
    """Return one flat record a line: what it is, the columns' values, the metrics', the convention's mark."""
    facts = [find(name) for name in chosen if known(name) and name != "layer"]
    made = []
    for body in bodies:
        (record,) = folded([body.line], measures, by, mark)
        made.append(record | {one.name: _exact(one.of(body)) for one in facts})
    return made


def _exact(value: Datum) -> Datum:
    return value if isinstance(value, bool) else metric.plain(value)


def docs() -> dict[str, str]:
    """Return what each column says, by name."""
    inner = f"{OUT_OF}PATH"
    return {one.name: one.doc for one in COLUMNS.values()} | {inner: "Output channels of a layer inside a block."}
