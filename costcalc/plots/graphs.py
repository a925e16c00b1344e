"""The graph of a network: blocks and layers on the explorer's grid, shaded by what each has of a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from costcalc.asked import NetworkLike
from costcalc.base import Data, Datum, GivenShape
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.base.text import plural
from costcalc.costs.convention import Convention
from costcalc.explorer.blocks import OUTSIDE, Boxes, LayerLine, lines_of
from costcalc.explorer.layout import laid
from costcalc.measures.metric import Measured
from costcalc.numbers import text as numbers
from costcalc.plots.bars import measured, require_shares, under
from costcalc.plots.style import (
    FONT,
    QUIET,
    Size,
    figure,
    fill,
    frame,
    inches,
    legend,
    named,
    results,
    small_print,
    styled,
)
from costcalc.reports.colours import COLOURS, family
from costcalc.reports.columns import headings
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGH, GAP, HEADER = 0.29, 0.21, 0.17  # inches: of a layer, below it, of a block's title
WIDE, ASIDE = 1.02, 0.1  # inches: a lane, at least; between lanes
MOST_HIGH = 8.0  # inches of a picture without a height
PASSING = 0.15  # of a lane: one in which nothing stands
DARKEST = 0.45  # share of black of the largest: black letters are read on it
STRIP = 0.1  # inches of a layer type's colour
NARROW = 0.7  # inches: less has a narrower strip
LEAST = 6  # letters of a layer type that is cut
LABEL = {"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"}
LETTER = 0.62 * FONT / 72  # inches


class Drawn(NamedTuple):
    """What is drawn: the network, its lines, the metric, its largest share of an item, and which boxes are open."""

    result: Result
    lines: Sequence[LayerLine]
    one: Measured
    opened: set[int]  # ids of boxes


def graph(
    network: NetworkLike,
    /,
    *,
    of: str = "",
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    options: Mapping[str, Datum] | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return a network's graph: layers and blocks, shaded by their share of a metric, framed in their type's colour.

    network and the other arguments as for `layers`; of: one metric. Equal blocks in a row are one (×3, with what all
    have); blocks are open as far as there is room, the largest first.

    Raises SpecError where a cost is unknown, and for a metric that is no sum over layers.
    """
    (result,) = results([network], more, knobs, input, batch, convention, variant=variant)
    *others, one = measured(result, of, options)  # operations stand last
    if others and of:
        raise stop(f"a graph shows one metric, not {1 + len(others)}")
    require_shares(result, one)
    lines = lines_of(result.graph)
    wide, high = inches(size, 0)
    room = high - 0.75 * frame(size) if high else MOST_HIGH
    drawn = Drawn(result, lines, one, set())
    root = _fewer(drawn, Boxes(result.graph, lines, _kinds(result)).root, max(int(room / (HIGH + GAP)), 3))
    drawn.opened.add(id(root))
    _open(drawn, root, wide, room)
    with styled():
        tall = _extent(drawn, root)[1] + GAP
        made = figure(size, tall + 0.75 * frame(size))
        axes = made.subplots()
        axes.set_axis_off()
        most = max(_share(drawn, lines_) for lines_ in _shown(drawn, root, [0])) or 1
        axes.set_xlim(0, wide)
        axes.set_ylim(max(tall, room if high else 0), -GAP)
        seen: set[str] = set()
        _box(axes, drawn, root, (0.0, wide), 0.0, [0], most, seen)
        for name in COLOURS:
            if name in seen:
                _rectangle(axes, 0, 0, 0, 0, label=name, **_filled(name))
        legend(made, named(result), axes)
        (title,) = headings([one])
        said = f"grey, and %: share of {title}; colour: layer type; beside edges: channels and size"
        small_print(made, "; ".join([*under(result, [one]), f"{numbers.figure(one.total)} in all", said]))
    return made


def _kinds(result: Result) -> list[int]:
    """Return a number for each row: the same of rows that are alike in all that is seen here."""
    keys: dict[Datum, int] = {}
    rows = [(row.type, row.input, row.output, repr(row.params), repr(row.operations)) for row in result.rows]
    return [keys.setdefault(key, len(keys)) for key in rows]


# ---- how far it is folded -------------------------------------------------------------------------


def _fewer(drawn: Drawn, box: Data, most: int) -> Data:
    """Return a box of no more ranks than so many: the neighbours that have least are put together."""
    groups = [[item] for item in box["items"]]
    costs = [_share(drawn, [*_lines(item)]) for item in box["items"]]
    layout = box["layout"]
    while layout["ranks"] > most:
        for _ in range(min(layout["ranks"] - most, len(groups) - 1)):
            k = min(range(len(groups) - 1), key=lambda k: (costs[k] + costs[k + 1], len(groups[k] + groups[k + 1])))
            groups[k : k + 2] = [groups[k] + groups[k + 1]]
            costs[k : k + 2] = [costs[k] + costs[k + 1]]
        layout = _layout(box, [number for number, group in enumerate(groups) for _ in group], len(groups))
    made = [group[0] if len(group) == 1 else _together(drawn, group) for group in groups]
    return box | {"items": made, "layout": layout}


def _layout(box: Data, group_of: list[int], count: int) -> Data:
    """Return the grid of a box whose items are put together in so many groups."""
    ends = [OUTSIDE if end == OUTSIDE else group_of[end] for edge in box["layout"]["edges"] for end in edge[:2]]
    tensors = [tuple(edge[2:4]) for edge in box["layout"]["edges"]]
    pairs = zip(ends[::2], ends[1::2], tensors, strict=True)
    edges = [*dict.fromkeys((start, end, *tensor) for start, end, tensor in pairs if start != end)]
    entering = {tensor: -1 - k for k, tensor in enumerate({edge[2:]: None for edge in edges if edge[0] == OUTSIDE})}
    grid = laid(count, [(entering[r, p] if start == OUTSIDE else start, end) for start, end, r, p in edges])
    return grid._asdict() | {"edges": [[*edge, via] for edge, via in zip(edges, grid.via, strict=True)]}


def _together(drawn: Drawn, group: list[Data | int]) -> Data:
    first, last = _lines(group[0])[0], _lines(group[-1])[-1]
    title = f"{_name(drawn, group[0])} … {_name(drawn, group[-1])}"
    return {"title": title, "lines": [first, last - first + 1], "items": [], "layout": {}}


def _name(drawn: Drawn, item: Data | int) -> str:
    return drawn.lines[item].path[-1] if isinstance(item, int) else item["title"]


def _lines(item: Data | int) -> range:
    """Return the lines of an item, those of all its turns."""
    return range(item, item + 1) if isinstance(item, int) else range(item["lines"][0], sum(item["lines"]))


def _open(drawn: Drawn, root: Data, wide: float, room: float) -> None:
    """Open boxes as long as there is room, those of the outer level first, of these the largest."""
    level = [item for item in root["items"] if not isinstance(item, int) and item["items"]]
    while level:
        level.sort(key=lambda box: -_share(drawn, [*_lines(box)]))
        inner = []
        for box in level:
            drawn.opened.add(id(box))
            lanes, tall = _extent(drawn, root)
            if lanes * WIDE > wide or tall > room:
                drawn.opened.remove(id(box))
            else:
                inner += [item for item in box["items"] if not isinstance(item, int) and item["items"]]
        level = inner


def _extent(drawn: Drawn, item: Data | int) -> tuple[float, float]:
    """Return how many lanes an item takes, and how many inches of height."""
    if isinstance(item, int) or id(item) not in drawn.opened:
        return 1.0, HIGH
    lanes, ranks = _grid(drawn, item)
    return sum(lanes), sum(ranks) + HEADER + GAP * len(ranks)


def _grid(drawn: Drawn, box: Data) -> tuple[list[float], list[float]]:
    """Return how wide each lane of an open box is, of a layer's, and how high each rank is."""
    layout = box["layout"]
    lanes, ranks = [PASSING] * max(layout["lanes"], 1), [HIGH] * layout["ranks"]
    for item, (rank, lane) in zip(box["items"], layout["at"], strict=True):
        wide, high = _extent(drawn, item)
        lanes[lane], ranks[rank] = max(lanes[lane], wide), max(ranks[rank], high)
    return lanes, ranks


def _turns(box: Data, offsets: list[int]) -> list[int]:
    """Return how far the lines of each turn of a box are from those of its first."""
    times = box.get("times", 1)
    return [offset + turn * (box["lines"][1] // times) for offset in offsets for turn in range(times)]


def _shown(drawn: Drawn, box: Data, offsets: list[int]) -> Iterator[list[int]]:
    """Yield the lines of each item that is seen closed."""
    for item in box["items"]:
        if not isinstance(item, int) and id(item) in drawn.opened:
            yield from _shown(drawn, item, _turns(item, offsets))
        else:
            yield [line + offset for line in _lines(item) for offset in offsets]


def _rows(drawn: Drawn, lines: Sequence[int]) -> list[int]:
    return [drawn.lines[k].first + row for k in lines for row in range(drawn.lines[k].count)]


def _share(drawn: Drawn, lines: Sequence[int]) -> float:
    return float(drawn.one.over(_rows(drawn, lines)) or 0) / float(drawn.one.total)


# ---- how it is drawn ------------------------------------------------------------------------------


def _box(
    axes: Axes, drawn: Drawn, box: Data, sides: tuple[float, float], top: float, offsets: list[int], most: float,
    seen: set[str],
) -> None:  # fmt: skip
    """Draw what is in an open box, between its sides and from its top on."""
    lanes, ranks = _grid(drawn, box)
    unit = (sides[1] - sides[0]) / sum(lanes)
    lefts = [sides[0] + unit * sum(lanes[:k]) for k in range(len(lanes) + 1)]
    tops = [top + HEADER + sum(ranks[:k]) + GAP * k for k in range(len(ranks) + 1)]
    middles = [(one + other) / 2 for one, other in pairwise(lefts)]
    places = []
    for item, (rank, lane) in zip(box["items"], box["layout"]["at"], strict=True):
        left, right = lefts[lane] + ASIDE / 2, lefts[lane + 1] - ASIDE / 2
        tall = _extent(drawn, item)[1]
        places.append((middles[lane], tops[rank], tops[rank] + tall))
        if not isinstance(item, int) and id(item) in drawn.opened:
            _rectangle(axes, left, right, tops[rank], tall, edgecolor=QUIET, facecolor="none", linestyle=":")
            axes.text(
                left + 0.04,
                tops[rank] + 0.02,
                _cut(item["title"], right - left),
                va="top",
                fontsize=FONT,
                zorder=4,
                bbox=LABEL,
            )
            _box(axes, drawn, item, (left, right), tops[rank], _turns(item, offsets), most, seen)
        else:
            lines = [line + offset for line in _lines(item) for offset in offsets]
            seen.add(_item(axes, drawn, item, lines, (left, right), tops[rank], most))
    _edges(axes, drawn, box, places, middles, tops, top, sides)


def _item(
    axes: Axes, drawn: Drawn, item: Data | int, lines: list[int], sides: tuple[float, float], top: float, most: float
) -> str:
    """Draw a layer, or a closed block; return the family whose colour it has."""
    rows, share = _rows(drawn, lines), _share(drawn, lines)
    costs = dict.fromkeys(COLOURS, 0.0)
    for row in rows:
        costs[family(drawn.result.rows[row].node)] += float(drawn.one.over([row]) or 0)
    first = drawn.result.rows[rows[0]]
    kind = max(costs, key=costs.__getitem__) if any(costs.values()) else family(first.node)
    grey = str(1 - DARKEST * share / most)
    _rectangle(axes, *sides, top, HIGH, edgecolor=COLOURS[kind][0], facecolor=grey, linewidth=1.5)
    strip = STRIP if sides[1] - sides[0] > NARROW else STRIP / 3
    _rectangle(axes, sides[0], sides[0] + strip, top, HIGH, **_filled(kind))  # hatched: grey tells it too
    left, wide = sides[0] + strip + 0.04, sides[1] - sides[0] - strip
    percent = f"{numbers.percent(100 * share)} %" if share else ""
    name = _name(drawn, item)
    kinds = first.type if isinstance(item, int) else plural(len(lines), "layer")
    room = wide - LETTER * (len(percent) + 1)
    kinds = "" if kinds == name or room < LEAST * LETTER else _cut(kinds, room)
    axes.text(left, top + 0.075, _cut(name, wide), va="center", fontsize=FONT)
    axes.text(left, top + 0.21, kinds, va="center", fontsize=FONT)
    axes.text(sides[1] - 0.05, top + 0.21, percent, va="center", ha="right", fontsize=FONT)
    return kind


def _rectangle(axes: Axes, left: float, right: float, top: float, tall: float, **look: Datum) -> None:
    patch = need("matplotlib.patches", "plot").Rectangle
    axes.add_patch(patch((left, top), right - left, tall, **{"linewidth": 0.7, "zorder": 2, **look}))


def _filled(kind: str) -> Data:
    look = fill(kind)
    return {"facecolor": look["color"], "hatch": look["hatch"], "edgecolor": look["edgecolor"], "linewidth": 0.3}


def _cut(text: str, wide: float) -> str:
    most = max(int((wide - 0.08) / LETTER), 1)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _edges(
    axes: Axes, drawn: Drawn, box: Data, places: list[tuple[float, float, float]], middles: list[float],
    tops: list[float], top: float, sides: tuple[float, float],
) -> None:  # fmt: skip
    """Draw the edges of an open box, and beside the first of each tensor, above what reads it, its shape."""
    layout = box["layout"]
    ranks = [rank for rank, _ in layout["at"]]
    said: set[tuple[int, int]] = set()
    labels: list[tuple[float, float, float]] = []
    centre = (sides[0] + sides[1]) / 2 if box["title"] else None  # where the edges of a block enter and leave
    for start, end, row, part, via in layout["edges"]:
        begin = ranks[start] + 1 if start != OUTSIDE else 0
        stop_ = ranks[end] if end != OUTSIDE else layout["ranks"]
        chain = layout["chains"][via][: stop_ - begin] if via >= 0 else []
        first = chain[0] if chain else layout["at"][end][1] if end != OUTSIDE else layout["at"][start][1]
        path = [(places[start][0], places[start][2]) if start != OUTSIDE else (centre or middles[first], top)]
        for step, lane in enumerate(chain):
            path += [(middles[lane], tops[begin + step]), (middles[lane], tops[begin + step + 1] - GAP)]
        path.append((places[end][0], places[end][1]) if end != OUTSIDE else (centre or path[-1][0], tops[-1]))
        axes.plot(*zip(*path, strict=True), color="0.25", linewidth=0.7, zorder=1, solid_joinstyle="round")
        if end != OUTSIDE:
            axes.plot(*path[-1], marker="v", markersize=2.5, color="0.25", zorder=3)
        shape = _shape(drawn, row, part)
        within = OUTSIDE not in (start, end)  # else its box says it
        if (within or not box["title"]) and (row, part) not in said:
            x, y = path[0][0] + 0.05, path[0][1] + 0.02
            end_ = x + LETTER * 1.1 * (len(shape) + 1)
            if end_ <= sides[1] + LETTER and all(end_ < one or other < x for one, other, level in labels if level == y):
                axes.text(x, y, shape, va="top", fontsize=FONT, color=QUIET, zorder=4, bbox=LABEL)
                labels.append((x, end_, y))
            said.add((row, part))


def _shape(drawn: Drawn, row: int, part: int) -> str:
    graph_ = drawn.result.graph
    tensor = graph_.nodes[row].outputs[part] if row >= 0 else [*graph_.inputs.values()][-1 - row]
    return str(tensor.shape or "")
