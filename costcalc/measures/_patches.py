"""Patch-based inference (MCUNetV2, arXiv:2110.15352): the first rows run patch by patch, with their halos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from costcalc.graph.graph import Node, Tensor
from costcalc.measures._order import segments
from costcalc.measures._storage import Moment, Storages, shape_of
from costcalc.measures.sizes import activation_bits, in_bytes
from costcalc.numbers.num import UNKNOWN, Dim
from costcalc.operators.op import VIEW

Need = dict[Tensor, tuple[int, int]]  # along one axis, the places of each tensor that a patch needs


class Patched(NamedTuple):
    """A network whose first rows run patch by patch."""

    bytes: list[Dim]  # alive while each row runs; of a row that runs in patches, at most
    rows: int  # how many run so
    more: Fraction | None  # multiply-accumulates that halos add, as a part of the network's; None where unknown


def patched(found: Storages, moments: Sequence[Moment], count: int) -> Patched | None:
    """Return the network with its first rows run in count x count patches, cut where the peak is smallest.

    None where no cut can be: the first rows are no chain of stages, or read all of the image.
    """
    whole = [moment.total(found.sizes) for moment in moments]
    best = None
    for last in _cuts(found):
        stage = _stage(found, moments[: last + 1], count)
        if stage is None:
            break
        made = Patched([*stage.bytes, *whole[last + 1 :]], last + 1, stage.more)
        if best is None or max(made.bytes) < max(best.bytes):
            best = made
    return best


def _cuts(found: Storages) -> Iterator[int]:
    """Yield the rows after which one tensor alone is alive."""
    last = -1
    for rows in segments(found):
        last += len(rows)
        yield last


def _stage(found: Storages, moments: Sequence[Moment], count: int) -> Patched | None:
    """Return the first rows run in patches; the last one's output is put together whole."""
    nodes = [moment.step.node for moment in moments]
    needs = _needs(nodes, count)
    if needs is None or moments[-1].step.node.op.storage(nodes[-1].x, nodes[-1].y) == VIEW:
        return None
    result = found.place[nodes[-1].outputs[0]]
    tensors = {found.place[t]: t for t in (*found.graph.inputs.values(), *(t for node in nodes for t in node.outputs))}
    most = [0] * len(nodes)
    for need in product(*needs):
        sizes = {place: _bytes(found, tensor, need) for place, tensor in tensors.items()}
        sizes[result] = 0
        for number, moment in enumerate(moments):
            beside = _bytes(found, nodes[number].outputs[0], need, plane=True) if moment.beside else 0
            most[number] = max(most[number], sum(sizes[place] for place in moment.alive) + beside)
    more = _more(found, nodes, needs)
    return Patched([found.sizes[result] + size for size in most], len(nodes), more)


def _more(found: Storages, nodes: Sequence[Node], needs: list[list[Need]]) -> Fraction | None:
    """Return the multiply-accumulates that halos add, as a part of the network's; None where some are unknown."""
    macs = [node.op.macs(node.x, node.y) for node in found.graph.nodes]
    total = sum(macs)
    if total is UNKNOWN:
        return None
    pixels = [shape_of(node.outputs[0]).pixels for node in nodes]
    again = sum(
        (
            Fraction(macs[number] * _pixels(node.outputs[0], need), pixels[number])
            for need in product(*needs)
            for number, node in enumerate(nodes)
        ),
        Fraction(0),
    )
    return (again - sum(macs[: len(nodes)])) / total if total else Fraction(0)


def _needs(nodes: Sequence[Node], count: int) -> list[list[Need]] | None:
    """Return what each patch needs, axis by axis; None where rows read all of an axis, or there are too few pixels."""
    result = nodes[-1].outputs[0]
    space = shape_of(result).space
    if not space or any(n < count for n in space):
        return None
    found: list[list[Need]] = []
    for axis, n in enumerate(space):
        found.append([])
        for patch in range(count):
            need: Need = {result: (patch * n // count, (patch + 1) * n // count - 1)}
            if not all(_back(node, axis, need) for node in reversed(nodes)):
                return None
            found[-1].append(need)
    return found


def _back(node: Node, axis: int, need: Need) -> bool:
    """Add what a node needs of its operands for what is needed of it; say whether that is a part of them."""
    for part, output in enumerate(node.outputs):
        low, high = need.get(output, (0, -1))
        for number, tensor in enumerate(node.inputs if output in need else ()):
            reaches = node.reach(number, part)
            if not isinstance(reaches, tuple) or len(reaches) <= axis:
                return False
            window = reaches[axis].over(low, high)
            if window:
                n = shape_of(tensor).space[axis]
                first, last = max(window[0], 0), min(window[1], n - 1)
                before = need.get(tensor, (first, last))
                need[tensor] = (min(first, before[0]), max(last, before[1]))
    return True


def _pixels(tensor: Tensor, need: Sequence[Need]) -> int:
    """Return how many pixels of a tensor a patch needs."""
    found = 1
    for axis in need:
        first, last = axis.get(tensor, (0, -1))
        found *= max(last - first + 1, 0)
    return found


def _bytes(found: Storages, tensor: Tensor, need: Sequence[Need], *, plane: bool = False) -> int:
    channels = 1 if plane else shape_of(tensor).c
    elements = channels * _pixels(tensor, need) * found.setup.batch
    return int(in_bytes(elements, activation_bits(found.setup)))
