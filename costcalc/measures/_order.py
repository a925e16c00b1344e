"""The order of rows with the smallest peak: an exact search over what can have run, bounded; beyond it a beam."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from costcalc.base.progress import steps
from costcalc.measures._storage import Storages

MOST_STATES = 10_000  # of one segment; a search that meets more goes on with a beam
BEAM = 100  # states of equally many rows that a beam keeps


class Path:
    """The rows, as they ran: the last, and the path to it. No path is before another."""

    __slots__ = ("before", "row")

    def __init__(self, row: int, before: Path | None) -> None:
        self.row = row
        self.before = before

    def __lt__(self, other: object) -> bool:
        return False

    def rows(self) -> list[int]:
        """Return the rows in order."""
        found, path = [], self
        while path.before is not None:
            found.append(path.row)
            path = path.before
        return found[::-1]


class State(NamedTuple):
    """What has run: the rows, a bit each; those that can run next; the bytes that are alive, and were at most."""

    peak: int
    live: int
    done: int
    ready: int
    path: Path


class SegmentRow(NamedTuple):
    """One row of a segment, its rows and storages as bits and bytes."""

    needs: int  # the rows that give its operands
    after: tuple[int, ...]  # the rows that take its results
    wakes: int  # those, and the other readers of its operands: rows that may now let memory fall
    reads: tuple[tuple[int, int, bool], ...]  # of each operand that can die: its readers, bytes, whether it gives place
    new: int  # bytes that it writes
    plane: int | None  # bytes beside its operand, where it can run over it channel by channel


class Segment:
    """Rows between two points at which one tensor alone is alive: their orders do not matter to one another."""

    def __init__(self, found: Storages, rows: list[int]) -> None:
        """Take the rows, by their places in the graph."""
        at = {index: place for place, index in enumerate(rows)}
        needs = [{at[i] for i in found.makers_of(index) if i in at} for index in rows]
        readers: dict[int, int] = {}
        for place, index in enumerate(rows):
            for storage in found.steps[index].reads:
                readers[storage] = readers.get(storage, 0) | 1 << place
        later = {one for step in found.steps[rows[-1] + 1 :] for one in step.reads} | found.kept
        after = [tuple(k for k, need in enumerate(needs) if place in need) for place in range(len(rows))]
        self.rows = [
            _row(found, index, needs[place], after[place], {k: v for k, v in readers.items() if k not in later})
            for place, index in enumerate(rows)
        ]
        written = {storage for index in rows for storage in found.steps[index].writes}
        live = sum(found.sizes[storage] for storage in readers if storage not in written)
        ready = sum(1 << place for place, need in enumerate(needs) if not need)
        self.start = State(0, live, 0, ready, Path(-1, None))
        self.full = (1 << len(rows)) - 1

    def run(self, state: State, place: int) -> State:
        """Return the state after a row."""
        row = self.rows[place]
        done = state.done | 1 << place
        gone, over = 0, False
        for readers, size, gives in row.reads:
            if readers & done == readers:
                gone += size
                over = over or gives
        extra = 0 if over else row.new
        if row.plane is not None and gone:
            extra = row.plane
        ready = state.ready & ~(1 << place)
        for k in row.after:
            need = self.rows[k].needs
            if need & done == need:
                ready |= 1 << k
        peak = max(state.peak, state.live + extra)
        return State(peak, state.live + row.new - gone, done, ready, Path(place, state.path))

    def settled(self, state: State, waiting: int) -> State:
        """Run what waits and makes no memory grow, during or after: it can not be wrong to run it at once."""
        while waiting:
            low = waiting & -waiting
            place = low.bit_length() - 1
            after = self.run(state, place)
            waiting ^= low
            if after.live <= state.live and after.peak <= max(state.peak, state.live):
                state = after
                waiting = (waiting | self.rows[place].wakes) & state.ready
        return state

    def moves(self, state: State) -> Iterator[State]:
        """Yield what each row that can run leads to."""
        waiting = state.ready
        while waiting:
            low = waiting & -waiting
            waiting ^= low
            place = low.bit_length() - 1
            after = self.run(state, place)
            yield self.settled(after, self.rows[place].wakes & after.ready)


def _row(found: Storages, index: int, needs: set[int], after: tuple[int, ...], readers: dict[int, int]) -> SegmentRow:
    step, sizes = found.steps[index], found.sizes
    reads = tuple((readers[one], sizes[one], one in step.over) for one in step.reads if one in readers)
    new = sum(sizes[one] for one in step.writes)
    wakes = sum(1 << place for place in after)
    for one in step.reads:
        wakes |= readers.get(one, 0)
    return SegmentRow(sum(1 << place for place in needs), after, wakes, reads, new, step.plane)


def best(found: Storages) -> tuple[list[int], bool]:
    """Return the rows in the order with the smallest peak, and whether no order has less for certain."""
    order: list[int] = []
    exact = True
    for rows in segments(found):
        segment = Segment(found, rows)
        state = searched(segment)
        if state is None:
            exact = False
            listed = segment.start
            for place in range(len(rows)):
                listed = segment.run(listed, place)
            state = min(beamed(segment), listed, key=lambda one: one.peak)
        order += [rows[place] for place in state.path.rows()]
    return order, exact


def segments(found: Storages) -> Iterator[list[int]]:
    """Yield the rows in groups, cut where one storage alone is alive: all that runs later follows from it."""
    last: dict[int, int] = {}
    for number, step in enumerate(found.steps):
        for place in (*step.reads, *step.writes):
            last[place] = number
    for place in found.kept:
        last[place] = len(found.steps)
    rows: list[int] = []
    alive: set[int] = set(found.entering)
    for number, step in enumerate(found.steps):
        rows.append(number)
        alive = {place for place in (*alive, *step.writes) if last.get(place, -1) > number}
        if len(alive) <= 1 and not alive & found.kept:
            yield rows
            rows = []
    if rows:
        yield rows


def searched(segment: Segment) -> State | None:
    """Return the end of the order with the smallest peak; None where there are too many states to look at.

    A shortest-path search in which a path is as long as its highest point (minimax).
    """
    first = segment.settled(segment.start, segment.start.ready)
    seen = {first.done: first.peak}
    queue = [first]
    while queue:
        state = heapq.heappop(queue)
        if state.done == segment.full:
            return state
        if state.peak > seen[state.done]:
            continue
        if len(seen) > MOST_STATES:
            return None
        for after in segment.moves(state):
            if after.peak < seen.get(after.done, after.peak + 1):
                seen[after.done] = after.peak
                heapq.heappush(queue, after)
    raise AssertionError("a row never ran")


def beamed(segment: Segment) -> State:
    """Return the end of a good order: of the states of equally many rows the best few go on.

    The best have the lowest peak so far, then the least alive.
    """
    waiting: dict[int, dict[int, State]] = {}
    first = segment.settled(segment.start, segment.start.ready)
    waiting[first.done.bit_count()] = {first.done: first}
    for count in steps(range(len(segment.rows)), "rows put in order", len(segment.rows)):
        for state in sorted(waiting.pop(count, {}).values())[:BEAM]:
            for after in segment.moves(state):
                group = waiting.setdefault(after.done.bit_count(), {})
                if after.done not in group or after < group[after.done]:
                    group[after.done] = after
    return waiting[len(segment.rows)][segment.full]
