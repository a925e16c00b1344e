"""The receptive field: which part of the network's input each row's output reads, through branches."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from costcalc.base import Data
from costcalc.base.errors import stop
from costcalc.graph.graph import Graph, Node, Tensor
from costcalc.measures.metric import Metric, Setup
from costcalc.numbers.num import UNKNOWN, Dim, Dims
from costcalc.numbers.shape import Shape
from costcalc.operators.receptive import MOST_PHASES, SAME, Reach, Reaches

GLOBAL = "global"  # all of the input

# What a tensor reads of the input, axis by axis; None: all of it; unknown: nobody knows.
View = Reaches
NOTHING: View = ()  # what does not depend on the input reads nothing of it


class Fields(NamedTuple):
    """What each row reads, and the rows at which paths meet that do not agree."""

    views: list[View]
    strides: list[str]  # rows at which paths of different strides meet
    centres: list[str]  # of different centres


@lru_cache(maxsize=4)
def fields(graph: Graph, *, ignore: bool) -> Fields:
    """Return what each row's (first) output reads of the network's input.

    ignore: leave out what reads all, where it meets what does not: gates.
    """
    known: dict[Tensor, View] = {
        tensor: (SAME,) * len(space) for tensor, space in zip(graph.inputs.values(), _spaces(graph), strict=True)
    }
    found = Fields([], [], [])
    free: set[Tensor] = set()  # what no image enters
    reaches: dict[tuple[int, ...], Reaches] = {}  # of rows of one block, which are one object in all its calls
    for node in graph.nodes:
        read = [(number, tensor) for number, tensor in enumerate(node.inputs) if tensor not in free]
        free.update(() if read else node.outputs)
        for part, output in enumerate(node.outputs):
            paths = []
            for number, tensor in read:
                key = (id(node.op), id(node.x), id(node.y), number, part)
                if key not in reaches:
                    reaches[key] = node.reach(number, part)
                paths.append(_through(node, reaches[key], known[tensor]))
            if ignore and any(path is not None for path in paths):
                paths = [path for path in paths if path is not None]
            known[output] = (
                paths[0] if len(paths) == 1 else _joined(found if part == 0 else Fields([], [], []), node, paths)
            )
        found.views.append(known[node.outputs[0]])
    return found


def _spaces(graph: Graph) -> list[Dims]:
    """Return the pixels of each input; raise SpecError where inputs have other ones: a field is counted in them."""
    found = [shape.space for shape in graph.input_shapes.values()]
    if len({str(space) for space in found}) > 1:
        sizes = ", ".join(f"{name} {shape}" for name, shape in graph.input_shapes.items())
        raise stop(f"a receptive field is counted in pixels of the input, and the inputs differ in size: {sizes}")
    return found


def _through(node: Node, own: Reaches, before: View) -> View:
    """Return what one of a node's outputs reads through one operand: `own` of what that reads."""
    if before is None:
        return None
    if before is UNKNOWN or own is UNKNOWN:
        return UNKNOWN
    if not (isinstance(own, tuple) and isinstance(before, tuple) and len(before) == len(own)):
        return None
    if own.count(SAME) == len(own):
        return before
    if own.count(own[0]) == len(own) and before.count(before[0]) == len(before):  # all axes alike
        made = (own[0].after(before[0]),) * len(own)
    else:
        made = tuple(mine.after(theirs) for mine, theirs in zip(own, before, strict=True))
    if made and not any(one.step for one in made):
        return None  # each axis is read whole
    wide = [one for one in made if one.phases > MOST_PHASES]
    if any(not one.ordered for one in wide):
        return None  # of what is moved about all is told, which is more than it reads
    if wide:
        raise stop(f"{node.name}: its receptive field has more than {MOST_PHASES:,} phases", hint="sizes that divide")
    return made


def _joined(found: Fields, node: Node, paths: Sequence[View]) -> View:
    """Return what several paths read together; note where they do not agree."""
    if not paths:
        return NOTHING
    if any(path is None for path in paths):
        return None
    view = paths[0]
    for path in paths[1:]:
        if not (isinstance(view, tuple) and isinstance(path, tuple)):
            return UNKNOWN
        if len(view) != len(path):
            return None
        pairs = list(zip(view, path, strict=True))
        moving = [(a, b) for a, b in pairs if a.step and b.step]  # an axis that is read whole has no stride
        if any(a.step * b.step < 0 for a, b in moving):
            return None  # one runs backwards: what both read together grows and shrinks
        if any(a.step * b.phases != b.step * a.phases for a, b in moving):
            found.strides.append(node.name)
        elif any(not _aligned(a, b) for a, b in moving):
            found.centres.append(node.name)
        view = view if view == path else tuple(a.also(b) for a, b in pairs)
    return view


def _aligned(a: Reach, b: Reach) -> bool:
    """Say whether two paths look at the same centre."""
    ends = [(a.of(place), b.of(place)) for place in range(max(a.phases, b.phases))]
    return all(one is None or other is None or sum(one) == sum(other) for one, other in ends)


def size(reach: Reach) -> int:
    """Return how many places the output that reads most reads."""
    return max((window[1] - window[0] + 1 for window in reach.windows if window), default=0)


def first(reach: Reach) -> tuple[int, int]:
    """Return the interval that the first output reads that reads any."""
    return next((window for window in reach.windows if window), (0, 0))


class ReceptiveFieldMetric(Metric):
    """What metrics of the receptive field share: a number an axis, told as one where the axes agree."""

    unit = "pixels"
    kind = "number"
    uses = ("ignore_se",)
    source = "Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, Distill 2019"

    def of(self, reach: Reach) -> Dim:
        """Return the number of one axis."""
        raise NotImplementedError

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        shown: dict[int, Dim] = {}  # what does not slide reads what the row before it does
        views = fields(graph, ignore=setup.ignore_se).views
        for view in views:
            if id(view) not in shown:
                shown[id(view)] = self.shown(view)
        return [shown[id(view)] for view in views]

    def shown(self, view: View) -> Dim:
        """Return what a row has: a number, or `global`, or unknown."""
        if isinstance(view, tuple):
            return told([self.of(reach) for reach in view])
        return GLOBAL if view is None else UNKNOWN

    def fold(self, values: Sequence[Dim]) -> Dim:
        """Return the last row's."""
        return values[-1] if values else None

    def total(self, graph: Graph, setup: Setup) -> Dim:
        """Return that of the last row that has pixels."""
        rows = self.rows(graph, setup)
        spatial = [node.index for node in graph.nodes if _space(node)]
        return rows[spatial[-1]] if spatial else None

    def says(self, setup: Setup) -> str:
        return "of the last row with pixels" + (", gates of global information left out" if setup.ignore_se else "")


def _space(node: Node) -> Dims:
    return node.y.space if isinstance(node.y, Shape) else tuple(node.y[0].space)


def told(numbers: Sequence[Dim]) -> Dim:
    """Return one number where all axes have the same, else `7x1`; None for no axis."""
    plain = [int(n) if n == int(n) else n for n in numbers]
    if len(set(plain)) == 1:
        return plain[0]
    return "x".join(str(n if isinstance(n, int) else float(n)) for n in plain) or None


class ReceptiveField(ReceptiveFieldMetric, name="receptive_field"):
    """Pixels of the input that one output reads, along an axis; global where it reads all."""

    title = "field"

    def of(self, reach: Reach) -> Dim:
        return size(reach)

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        found = fields(graph, ignore=setup.ignore_se)
        shape = next(iter(graph.input_shapes.values()))
        said = []
        for node, view in zip(graph.nodes, found.views, strict=True):
            if view is UNKNOWN:
                said.append(f"from {node.name} on it is unknown: nobody knows which pixels {node.op.kind} reads")
                break
            if view is None and _space(node):
                said.append(f"{node.name} is the first row with pixels that reads all of the input")
                break
            if isinstance(view, tuple) and any(size(reach) > n for reach, n in zip(view, shape.space, strict=False)):
                said.append(f"from {node.name} on it is larger than the input {shape}")
                break
        return [*said, *_met("strides", found.strides), *_met("centres", found.centres)]

    def details(self, graph: Graph, setup: Setup) -> Data:
        found = fields(graph, ignore=setup.ignore_se)
        return {"unequal_strides": found.strides, "unequal_centres": found.centres}


def _met(what: str, rows: list[str]) -> list[str]:
    """Return what is to be said of rows at which paths do not agree."""
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return [f"paths of different {what} meet at {', '.join(rows[:3])}{more}"] if rows else []


class EffectiveStride(ReceptiveFieldMetric, name="effective_stride"):
    """Pixels of the input between the fields of two neighbouring outputs."""

    title = "jump"

    def of(self, reach: Reach) -> Dim:
        return abs(Fraction(reach.step, reach.phases))


class EffectivePadding(ReceptiveFieldMetric, name="effective_padding"):
    """Pixels by which the first output's field begins before the input; below zero where it begins inside."""

    title = "pad"

    def of(self, reach: Reach) -> Dim:
        return -first(reach)[0]


class FieldCentre(ReceptiveFieldMetric, name="field_centre"):
    """Where the first output's field has its centre, in pixels of the input from 0."""

    title = "centre"

    def of(self, reach: Reach) -> Dim:
        return Fraction(sum(first(reach)), 2)
