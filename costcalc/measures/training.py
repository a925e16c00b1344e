"""Training: the backward pass's work, what is kept for it, and what a device's memory must hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import ClassVar, NamedTuple

from costcalc.base import Data
from costcalc.base.errors import stop
from costcalc.base.hints import ROWS
from costcalc.costs.rows import Row
from costcalc.graph.graph import Graph, Node, Tensor
from costcalc.graph.in_place import in_place
from costcalc.graph.widths import widths
from costcalc.hardware.words import FLOAT
from costcalc.measures._order import segments
from costcalc.measures._storage import shape_of, storages
from costcalc.measures.memory import scheduled
from costcalc.measures.metric import Metric, Setup, counted
from costcalc.measures.sizes import in_bytes
from costcalc.numbers.num import UNKNOWN, Dim, or_none
from costcalc.operators import op
from costcalc.operators.op import VIEW

STATE = {"sgd": 0, "momentum": 1, "adam": 2}  # numbers that an optimizer keeps for each that is learned
NOTHING = op.Saved()
HALF = 16  # bits of an activation in mixed precision
MOST_BATCH = 1 << 40  # more is no batch: something needs no memory for an image
WORD = 4  # bytes of a weight, a gradient, a number of the optimizer


class Learning(NamedTuple):
    """Which rows learn, and which have a gradient to hand back."""

    learns: list[bool]  # has parameters that are not frozen
    inward: list[int]  # operands that a gradient goes on to
    outward: list[bool]  # a gradient comes in: autograd sees it


@lru_cache(maxsize=8)
def learning(graph: Graph, freeze: str) -> Learning:
    """Return what learns where layers are frozen whose names match; below the lowest that learns nothing goes back.

    Raises SpecError for a pattern that names no row: nothing would be frozen by it.
    """
    patterns = [pattern.strip() for pattern in freeze.split(",") if pattern.strip()]
    for pattern in patterns:
        if not any(_named(node, pattern) for node in graph.nodes):
            raise stop(f"freeze: {pattern} names no row or group", hint=ROWS)
    needs: set[Tensor] = set()
    found = Learning([], [], [])
    for row in counted(graph):
        node = row.node
        filled = bool(row.learnable) or node.shared is not None
        learns = filled and not any(_named(node, pattern) for pattern in patterns)
        inward = sum(tensor in needs for tensor in node.inputs)
        if learns or inward:
            needs.update(tensor for k, tensor in enumerate(node.outputs) if k not in node.op.gives_as)
        found.learns.append(learns)
        found.inward.append(inward)
        found.outward.append(learns or inward > 0)
    return found


def _named(node: Node, pattern: str) -> bool:
    """Say whether a pattern names a row, its layer, or a group that it stands in."""
    ends = [found.start() for found in re.finditer("[/.]", node.name)]  # an imported name parts at dots
    return any(fnmatchcase(node.name[:end], pattern) for end in (*ends, None))


# ---- work -----------------------------------------------------------------------------------------------


class BackwardMacs(Metric, name="backward_macs"):
    """Multiply-accumulates of the backward pass: gradients of inputs, where one goes on, and of weights that learn."""

    unit, title = "MACs", "backward"
    source = "docs/training.md; a convolution's gradients are two convolutions of its own size"
    uses: ClassVar[tuple[str, ...]] = ("freeze", "batch")

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        found = learning(graph, setup.freeze)
        return [
            _backward(row, learns=learns, inward=inward) * setup.batch
            for row, learns, inward in zip(counted(graph), found.learns, found.inward, strict=True)
        ]


def _backward(row: Row, *, learns: bool, inward: int) -> Dim:
    """Return a row's backward MACs: as many as forward for each gradient; a product of two tensors has two.

    Unknown where they are stated and not derived: nobody knows what is computed for a gradient of such a layer.
    """
    weighted = bool(row.weights) or row.node.shared is not None
    gradients = learns + (inward > 0) if weighted else min(inward, 2)
    if row.macs is UNKNOWN or (gradients and row.macs and not row.node.op.derived):
        return UNKNOWN
    return row.macs * gradients


class TrainingMacs(BackwardMacs, name="training_macs"):
    """Multiply-accumulates of one step: forward, backward, and what checkpoints compute again."""

    unit, title = "MACs", "step"
    source = "docs/training.md; arXiv:1604.06174 for checkpoints"
    uses = ("freeze", "checkpoint", "batch")

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        times = 2 if setup.checkpoint else 1
        rows = zip(counted(graph), super().rows(graph, setup), strict=True)
        return [row.macs * setup.batch * times + backward for row, backward in rows]


# ---- memory ---------------------------------------------------------------------------------------------


def kept_bits(setup: Setup) -> int:
    """Return the bits of an activation that is kept."""
    return int(setup.bits or (HALF if setup.amp else FLOAT))


class KeptBytes(NamedTuple):
    """What each row adds to what is kept: bytes of tensors, each counted where it is kept first."""

    rows: list[Dim]
    tensors: list[list[Tensor]]


@lru_cache(maxsize=8)
def kept(graph: Graph, setup: Setup) -> KeptBytes:
    """Return what autograd keeps for the backward pass, each tensor once; a view keeps what it views."""
    learns = learning(graph, setup.freeze)
    base: dict[Tensor, Tensor] = {}
    have: set[Tensor] = set()
    own_widths = widths(graph)
    found = KeptBytes([], [])
    for node, seen, own, over in zip(graph.nodes, learns.outward, learns.learns, in_place(graph), strict=True):
        rule = (node.op if over else node.op.apart()).saved(node.x, node.y)
        # What keeps something of its own is no view in training: dropout.
        if node.op.storage(node.x, node.y) == VIEW and rule == NOTHING:
            base.update((tensor, base.get(node.inputs[0], node.inputs[0])) for tensor in node.outputs)
        numbers = rule.operands + (rule.learned if own else ())
        tensors = [node.inputs[number] for number in numbers] + ([*node.outputs] if rule.result else [])
        new = [one for one in dict.fromkeys(base.get(tensor, tensor) for tensor in tensors) if seen and one not in have]
        have.update(new)
        elements = sum((shape_of(one).size for one in new if one not in own_widths), rule.elements if seen else 0)
        extra = rule.bytes * setup.batch + rule.fixed if seen else 0
        extra += sum(shape_of(one).size * own_widths[one] for one in new if one in own_widths) * setup.batch
        found.rows.append(in_bytes(elements * setup.batch, kept_bits(setup)) + extra)
        found.tensors.append(new)
    return found


class SavedMetric(Metric, name="saved"):
    """Bytes that PyTorch's autograd keeps for the backward pass; each tensor once, in the row that keeps it first."""

    unit, title = "bytes", "saved"
    source = "docs/training.md; measured with torch.autograd.graph.saved_tensors_hooks"
    uses = ("bits", "amp", "freeze", "batch")

    def says(self, setup: Setup) -> str:
        return _says(setup)

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return kept(graph, setup).rows


def _says(setup: Setup) -> str:
    parts = [f"{kept_bits(setup)} bits an activation", f"batch {setup.batch}"]
    parts += [f"frozen {setup.freeze}"] if setup.freeze else []
    return ", ".join(parts)


class Demand(NamedTuple):
    """What a device must hold to train, in bytes."""

    weights: Dim
    gradients: Dim
    optimizer: Dim
    saved: Dim
    passing: Dim  # the largest gradients of a row's output and input at once; or what the forward pass needs, if more

    @property
    def total(self) -> Dim:
        """All of it."""
        return sum(self)


@lru_cache(maxsize=8)
def demand(graph: Graph, setup: Setup) -> Demand:
    """Return what a device must hold to train a network."""
    rows, found = counted(graph), learning(graph, setup.freeze)
    trained = sum(row.learnable for row, learns in zip(rows, found.learns, strict=True) if learns)
    gradients = max((row.outputs + row.inputs for row, out in zip(rows, found.outward, strict=True) if out), default=0)
    passing = in_bytes(gradients * setup.batch, kept_bits(setup))
    saved = checkpointed(graph, setup)
    # Where little is kept (frozen layers), the most may be alive in the forward pass.
    options = {"mode": "inplace", "bits": kept_bits(setup), "batch": setup.batch}
    forward = max(scheduled(graph, Setup(**options)).bytes, default=0)
    held = WORD * sum(row.learnable + row.node.op.buffers(row.node.x, row.node.y) for row in rows)
    return Demand(held, WORD * trained, WORD * STATE[setup.optimizer] * trained, saved, max(passing, forward - saved))


def checkpointed(graph: Graph, setup: Setup) -> Dim:
    """Return what is kept; with checkpoints the segments' inputs, and the insides of the largest segment at once."""
    found = kept(graph, setup)
    if not setup.checkpoint or any(row is UNKNOWN for row in found.rows):
        return sum(found.rows)
    pieces = list(segments(storages(graph, Setup())))
    groups = [[found.rows[index] for index in rows] for rows in pieces]
    bounds = _cut([sum(rows) for rows in groups], setup.checkpoint)
    firsts = [pieces[start][0] for start, _ in bounds]
    inputs = [sum(_size(tensor, setup) for tensor in set(graph.nodes[first].inputs)) for first in firsts]
    insides = [sum(sum(group) for group in groups[start:end]) for start, end in bounds]
    return sum(inputs) + max(insides, default=0)


def _size(tensor: Tensor, setup: Setup) -> Dim:
    return in_bytes(shape_of(tensor).size * setup.batch, kept_bits(setup))


def _cut(sizes: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Return cuts of a list into at most so many runs, the largest sum as small as it can be."""
    low, high = max(sizes, default=0), sum(sizes)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(_runs(sizes, middle)) <= count else (middle + 1, high)
    return _runs(sizes, low)


def _runs(sizes: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Return runs as long as they can be with at most such a sum."""
    runs: list[tuple[int, int]] = []
    start, held = 0, 0
    for place, size in enumerate(sizes):
        if held + size > most and place > start:
            runs.append((start, place))
            start, held = place, 0
        held += size
    return [*runs, (start, len(sizes))] if sizes else []


class TrainingMemory(Metric, name="training_memory"):
    """Bytes that training needs: weights, gradients, the optimizer's numbers, what is kept, the largest gradients."""

    unit, title = "bytes", "training"
    source = "docs/training.md"
    uses = ("optimizer", "bits", "amp", "freeze", "checkpoint", "batch")

    def says(self, setup: Setup) -> str:
        parts = [setup.optimizer, _says(setup), f"{setup.checkpoint} checkpoints" if setup.checkpoint else ""]
        return ", ".join(filter(None, parts))

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        """Return what a row adds: its parameters with what belongs to them, and what is kept of it."""
        found = learning(graph, setup.freeze)
        times = WORD * (1 + STATE[setup.optimizer])
        return [
            WORD * (row.learnable + row.buffers) + (times * row.learnable if learns else 0) + own
            for row, learns, own in zip(counted(graph), found.learns, kept(graph, setup).rows, strict=True)
        ]

    def total(self, graph: Graph, setup: Setup) -> Dim:
        return demand(graph, setup).total

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        return [f"{name}: {value:,}" for name, value in demand(graph, setup)._asdict().items()]

    def details(self, graph: Graph, setup: Setup) -> Data:
        return {name: or_none(value) for name, value in demand(graph, setup)._asdict().items()}


def largest_batch(graph: Graph, setup: Setup, memory: int) -> Dim:
    """Return the most images at once with which training needs at most so many bytes; 0 where one is too many.

    Unknown where that is which it needs.

    What it needs never falls as the batch grows: so the batch is doubled, and then halved between.
    """

    def fits(batch: int) -> bool:
        return bool(demand(graph, setup.but(batch=batch)).total <= memory)

    if demand(graph, setup.but(batch=1)).total is UNKNOWN:
        return UNKNOWN
    low, high = 0, 1
    while high < MOST_BATCH and fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
