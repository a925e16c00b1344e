"""Where the items of a box stand: ranks from top to bottom, lanes from left to right (Sugiyama et al. 1981).

A grid and no coordinates: the page unfolds a box in its place, and its rank and its lane grow with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LEAVES = -1  # the end of an edge that leaves
SWEEPS = 8  # over the ranks, down and up in turn

Edge = tuple[int, int]


class Placement(NamedTuple):
    """Places of items, (rank, lane) each; lanes at the ranks that edges pass, and of each edge which of these.

    An edge passes as many of them, from the first on, as ranks lie between its ends; -1: none.
    """

    at: list[tuple[int, int]]
    chains: list[list[int]]
    via: list[int]
    ranks: int
    lanes: int


def laid(count: int, edges: Sequence[Edge]) -> Placement:
    """Return the places of so many items, each below those that edges lead from, which have lower numbers.

    An edge from a number below 0 enters (-1, -2, ... are different things that do), one to `LEAVES` leaves. Edges from
    one item, or of one thing that enters, pass the same lanes as far as they go together.
    """
    rank = _ranked(count, [(start, end) for start, end in edges if start >= 0 and end != LEAVES])
    depth = max(rank, default=-1) + 1
    ends = [depth if end == LEAVES else rank[end] for _, end in edges]
    ranks: list[list[int]] = [[] for _ in range(depth)]
    for item in range(count):
        ranks[rank[item]].append(item)
    chains: dict[int, list[int]] = {}  # the places that edges from one start pass, a rank each
    first = {start: rank[start] + 1 if start >= 0 else 0 for start, _ in edges}
    number = count
    links: dict[Edge, None] = {}
    for (start, end), last in zip(edges, ends, strict=True):
        chain = chains.setdefault(start, [])
        for k in range(first[start] + len(chain), last):
            ranks[k].append(number)
            chain.append(number)
            number += 1
        whole = [start, *chain[: last - first[start]], end]
        links |= dict.fromkeys((one, other) for one, other in pairwise(whole) if one >= 0 and other != LEAVES)
    above: list[list[int]] = [[] for _ in range(number)]
    below: list[list[int]] = [[] for _ in range(number)]
    for start, end in links:
        above[end].append(start)
        below[start].append(end)
    _ordered(ranks, above, below)
    lane = _lanes(ranks, above, below, count)
    least = min(lane, default=0)
    lane = [place - least for place in lane]
    passed = {start: k for k, start in enumerate(start for start, chain in chains.items() if chain)}
    return Placement(
        [(rank[item], lane[item]) for item in range(count)],
        [[lane[place] for place in chains[start]] for start in passed],
        [passed[start] if last > first[start] else -1 for (start, _), last in zip(edges, ends, strict=True)],
        depth,
        max(lane, default=-1) + 1,
    )


def _ranked(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return the rank of each item: below the lowest that it needs; of what needs nothing, above its first use."""
    rank = [0] * count
    for start, end in sorted(edges):
        rank[end] = max(rank[end], rank[start] + 1)
    fed = {end for _, end in edges}
    first: dict[int, int] = {}
    for start, end in edges:
        if start not in fed:
            first[start] = min(rank[end], first.get(start, rank[end]))
    for item, after in first.items():
        rank[item] = after - 1
    return rank


def _ordered(ranks: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Order each rank so that few edges cross: by the middle of what each is joined with, kept where it is best."""
    best, fewest = [[*rank] for rank in ranks], _crossings(ranks, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        for k in range(1, len(ranks)) if down else range(len(ranks) - 2, -1, -1):
            near = {item: place for place, item in enumerate(ranks[k - 1 if down else k + 1])}
            old = {item: place for place, item in enumerate(ranks[k])}
            joined = above if down else below
            ranks[k].sort(key=lambda item: _middle([near[one] for one in joined[item]], old[item]))
        crossed = _crossings(ranks, below)
        if crossed < fewest:
            best, fewest = [[*rank] for rank in ranks], crossed
    ranks[:] = best


def _middle(places: Sequence[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(ranks: list[list[int]], below: list[list[int]]) -> int:
    """Return how many edges between neighbouring ranks cross."""
    total = 0
    for upper, lower in pairwise(ranks):
        place = {item: k for k, item in enumerate(lower)}
        ends = [place[end] for item in upper for end in sorted(below[item], key=place.__getitem__)]
        total += sum(one > other for k, one in enumerate(ends) for other in ends[k + 1 :])
    return total


def _lanes(ranks: list[list[int]], above: list[list[int]], below: list[list[int]], count: int) -> list[int]:
    """Return a lane for each place: in a rank's order, near what it is joined with, chains straight if they can be."""
    lane = [0] * len(above)
    for rank in ranks:
        for place, item in enumerate(rank):
            lane[item] = place
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for rank in ranks if down else reversed(ranks):
            _settle(rank, lane, above if down else below, count)
    return lane


def _settle(rank: list[int], lane: list[int], joined: list[list[int]], count: int) -> None:
    """Move what stands in a rank towards what it is joined with, the order kept: least squares of whole lanes."""
    wish = [_wish(item, lane, joined, count) for item in rank]
    # Pool adjacent violators: groups that would overlap move as one.
    groups: list[list[float]] = []  # sum of wishes less offsets, weight, size
    for item, (target, weight) in zip(rank, wish, strict=True):
        del item
        groups.append([target * weight, weight, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] + groups[-2][2] > groups[-1][0] / groups[-1][1]:
            total, heavy, size = groups.pop()
            before = groups[-1]
            before[0] += total - heavy * before[2]
            before[1] += heavy
            before[2] += size
    place = 0
    free: float = float("-inf")
    for total, heavy, size in groups:
        first = max(round(total / heavy), free)
        for k in range(int(size)):
            lane[rank[place]] = int(first) + k
            place += 1
        free = first + size


def _wish(item: int, lane: list[int], joined: list[list[int]], count: int) -> tuple[float, float]:
    """Return where a place would stand, and how much it matters: that items stand below each other, most."""
    near = joined[item]
    if not near:
        return float(lane[item]), 0.1
    if item >= count:  # an edge that passes: straight between two such places
        return float(lane[near[0]]), 2.0 if near[0] >= count else 1.0
    lanes = sorted(lane[one] for one in [one for one in near if one < count] or near)
    return float(lanes[(len(lanes) - 1) // 2]), 8.0
