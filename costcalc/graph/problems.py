"""The mistakes that an expansion finds: all of them are told at once."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base.errors import Fault, Mark, Problem, SpecError
from costcalc.graph.graph import Node
from costcalc.graph.place import Place
from costcalc.language.source import MOST_PROBLEMS


class Placed(Exception):
    """A mistake whose place is known."""

    def __init__(self, fault: Fault, mark: Mark) -> None:
        super().__init__(fault.message)
        place = mark.shifted(fault.offset, 1) if fault.offset >= 0 else mark
        self.problem = Problem(fault.message, place, fault.hint)


class Problems:
    """Collects mistakes; the one that is too many ends the expansion."""

    def __init__(self, found: Sequence[Problem], nodes: Sequence[Node]) -> None:
        self.found = list(found)
        self.nodes = nodes  # the rows that were still right, for showing

    def add(self, problem: Problem, place: Place | None = None) -> None:
        """Note a mistake, with how it was come to unless it says so itself."""
        trace = problem.trace or (place.trace if place else ())
        self.found.append(Problem(problem.message, problem.mark, problem.hint, trace))
        if len(self.found) >= MOST_PROBLEMS:
            raise self.error()

    def error(self) -> SpecError:
        """Return what to raise for all that was found."""
        return SpecError(self.found, rows=self.nodes)
