"""Specs that include others: each read once, its mistakes told as its own, circles refused."""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.base.errors import Fault, Problem, Problems, SpecError
from costcalc.graph.evaluator import Evaluator, MarkedFault
from costcalc.graph.knobs import refused
from costcalc.graph.scope import Scope
from costcalc.graph.surroundings import Surroundings
from costcalc.language import zoo
from costcalc.language.document import DependsOnMistake, IncludeItem, Spec

MOST_INCLUDES = 8  # specs that include one another


class Includes:
    """Reads the specs that are included, and the values of their knobs."""

    def __init__(self, problems: Problems, evaluator: Evaluator) -> None:
        self.problems = problems
        self.evaluator = evaluator
        self.found: dict[tuple[str | None, str], Spec] = {}

    def spec(self, item: IncludeItem, host: Spec, around: Surroundings) -> Spec:
        """Return the spec that is included; its own mistakes are told as such."""
        key = (host.folder, item.spec)
        there = around.via(item.spec, ", included at ", item.mark)
        try:
            spec = self.found[key] = self.found.get(key) or zoo.include(item.spec, host)
        except SpecError as error:
            for problem in error.problems:
                if problem.mark.line >= 0:
                    self.problems.add(problem, there.trace)
                else:
                    self.problems.add(Problem(problem.message, item.mark, problem.hint), around.trace)
            raise DependsOnMistake from None
        here = (spec.folder, spec.where)
        if here in around.includes or len(around.includes) >= MOST_INCLUDES:
            circle = " -> ".join((*(where for _, where in around.includes), spec.where))
            circular = f"specs include each other: {circle}"
            deep = f"more than {MOST_INCLUDES} specs include one another: {circle}"
            raise MarkedFault(Fault(circular if here in around.includes else deep), item.mark)
        for problem in spec.problems:
            self.problems.add(problem, there.trace)
        return spec

    def knobs(self, item: IncludeItem, spec: Spec, scope: Scope) -> dict[str, Datum]:
        """Return the values of the included spec's knobs, those given put over its own."""
        given = {name: self.evaluator.value(value, scope) for name, value in item.knobs.items()}
        for name, value in given.items():
            if fault := refused(spec, name, value):
                known = name in spec.knobs
                said = fault.message if known else f"{item.spec} has no knob '{name}'"
                raise MarkedFault(Fault(said, fault.hint), item.knobs[name].mark if known else item.keys[name])
        return {**spec.knobs, **given}
