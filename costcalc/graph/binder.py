"""Values, names and places while a spec is expanded: the lowest third of the expander."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.base.errors import Fault, Mark, Problem, SpecError, nearest, stop
from costcalc.graph.graph import Bundle, Flow, Node, Tensor
from costcalc.graph.scope import Binding, Scope, single
from costcalc.language import zoo
from costcalc.language.document import DependsOnMistake, IncludeItem, Item, Ref, Spec, Value, knob_fault
from costcalc.language.evaluate import tested
from costcalc.language.source import MOST_PROBLEMS
from costcalc.numbers import num
from costcalc.operators.fields import not_a_number

MOST_WORK = 500_000  # steps of all expressions
MOST_INCLUDES = 8  # specs that include one another


class Placed(Exception):
    """A mistake whose place is known."""

    def __init__(self, fault: Fault, mark: Mark) -> None:
        super().__init__(fault.message)
        place = mark.shifted(fault.offset, 1) if fault.offset >= 0 else mark
        self.problem = Problem(fault.message, place, fault.hint)


class Reached(Exception):
    """The layer that `include` goes up to has been run."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow


class Binder:
    """Evaluates values, looks names up and gives them; every mistake goes into `problems`."""

    def __init__(self, spec: Spec, knobs: dict[str, Any]) -> None:
        self.spec = spec
        self.knobs = knobs
        self.problems: list[Problem] = list(spec.problems)
        self.nodes: list[Node] = []
        self.steps = 0
        self.work = 0
        self.broken = False  # an item failed: what it would have used may now seem unused
        self.depth = 0
        self.prefix = ""  # the path of the group being run, with its last slash
        self.counters: dict[str, int] = {}
        self.taken: set[str] = set()  # the paths of layers and groups
        self.firsts: set[str] = set()  # those of them that costcalc numbered 1
        self.trace: tuple[str, ...] = ()
        self.active: tuple[tuple[str, str], ...] = ()  # blocks being run: words could call in a circle
        self.includes: tuple[tuple[str | None, str], ...] = ((spec.folder, spec.where),)
        self.found: dict[tuple[str | None, str], Spec] = {}  # the specs that were included, read once
        self.bits: Any = None
        self.density: Any = None

    def report(self, problem: Problem) -> None:
        self.problems.append(Problem(problem.message, problem.mark, problem.hint, problem.trace or self.trace))
        if len(self.problems) >= MOST_PROBLEMS:
            raise SpecError(self.problems, rows=self.nodes)

    def name(self, ref: Ref, scope: Scope) -> str:
        """Return a name with its index worked out: `p(k + 1)` is p4 where k is 3."""
        if ref.index is None:
            return ref.text
        return f"{ref.text}{num.single(self.whole(ref.index, scope, 'an index'))}"

    def look_up(self, ref: Ref, scope: Scope) -> Flow:
        """Return the layer that a reference means; a variable may hold one."""
        if ref.lost:
            raise DependsOnMistake
        name = self.name(ref, scope)
        if ref.part:
            name = f"{name}.{ref.part}"
        try:
            value = scope.vars.get(name) if ref.index is None else None
            if isinstance(value, Tensor | Bundle):
                return value
            if value is not None and not isinstance(value, str):
                raise Fault(f"'{name}' is {num.describe(value)}, which is no layer")
            return scope.layer(value if isinstance(value, str) else name)
        except Fault as fault:
            raise Placed(fault, ref.mark) from None

    def single(self, flow: Flow, mark: Mark) -> Tensor:
        try:
            return single(flow)
        except Fault as fault:
            raise Placed(fault, mark) from None

    def bind(self, item: Item, ref: Ref, flow: Flow, scope: Scope, *, skipped: bool) -> None:
        name = self.name(ref, scope)
        if ref.index is not None and (name in scope.vars or name in scope.spec.blocks):
            kind = "a variable's" if name in scope.vars else "a block's"
            raise Placed(
                Fault(f"a layer cannot be called '{name}'", f"it is {kind} name: shadowing is refused"), ref.mark
            )
        known = scope.layers.get(name)
        again = known is not None and known.item is item and known.rows == scope.rows and ref.index is None
        if known is not None and not again:
            hint = "only the turns of a repeat give a name anew; an index makes names differ: p(row)"
            raise Placed(Fault(f"two layers are called '{name}'", hint), ref.mark)
        scope.layers[name] = Binding(flow, item, scope.rows, skipped=skipped)
        if name == scope.until:
            raise Reached(flow)

    def title(self, item: Item, kind: str, scope: Scope) -> str:
        """Return a row's or a group's path: its name, or what it is with a number."""
        if item.name is not None:
            return self.unique(self.name(item.name, scope))
        path = self.free(f"{self.prefix}{kind}", "")
        if path.endswith(f"{kind}1"):
            self.firsts.add(path)
        return path

    def free(self, path: str, between: str) -> str:
        """Return a path with the next number that no layer has yet."""
        number = self.counters.get(path, 0) + 1
        while f"{path}{between}{number}" in self.taken:
            number += 1
        self.counters[path] = number
        self.taken.add(f"{path}{between}{number}")
        return f"{path}{between}{number}"

    def shorten(self) -> None:
        """Take the number off the paths of what is the only one of its kind: `fc1` becomes `fc`."""
        known = {"": ""}
        for node in self.nodes:
            rest = node.name[len(node.layer) :]
            node.layer = self._short(node.layer, known)
            node.name = node.layer + rest

    def _short(self, path: str, known: dict[str, str]) -> str:
        if path not in known:
            group, slash, label = path.rpartition("/")
            if path in self.firsts and self.counters[path[:-1]] == 1 and path[:-1] not in self.taken:
                label = label[:-1]
            known[path] = f"{self._short(group, known)}{slash}{label}"
        return known[path]

    def unique(self, label: str) -> str:
        """Return the path of a named layer; a turn after the first gets a number."""
        path = f"{self.prefix}{label}"
        if path in self.taken:
            self.counters.setdefault(path, 1)  # the second of a name is its _2
            return self.free(path, "_")
        self.taken.add(path)
        return path

    def get(self, value: Value, scope: Scope) -> Any:
        """Return a value; place what is wrong with it."""
        if value.run is None:
            return value.constant
        self.work += value.cost
        if self.work > MOST_WORK:
            hint = "a repeat is larger than was meant, or definitions call each other again and again"
            fault = Fault(f"the spec's expressions take more than {MOST_WORK:,} steps", hint)
            raise SpecError([*self.problems, Placed(fault, value.mark).problem])
        try:
            return value.run(scope)
        except Fault as fault:
            raise Placed(fault, value.mark) from None

    def whole(self, value: Value, scope: Scope, what: str) -> Any:
        result = self.get(value, scope)
        try:
            return num.whole(result)
        except Fault as fault:
            hint = fault.hint or not_a_number(result)
            raise Placed(Fault(f"{what}: {fault.message}", hint), value.mark) from None

    def truth(self, value: Value, scope: Scope) -> bool:
        try:
            return num.truth(tested(self.get(value, scope)))
        except Fault as fault:
            raise Placed(fault, value.mark) from None

    def included(self, item: IncludeItem, scope: Scope) -> tuple[Spec, dict[str, Any]]:
        """Return the spec that is included, and its knobs' values; its own mistakes are told as such."""
        key = (scope.spec.folder, item.spec)
        trace = (*self.trace, f"{item.spec}, included at {item.mark}")
        try:
            spec = self.found[key] = self.found.get(key) or zoo.include(item.spec, scope.spec)
        except SpecError as error:
            for problem in error.problems:
                placed = problem.mark.line >= 0
                mark, steps = (problem.mark, trace) if placed else (item.mark, self.trace)
                self.report(Problem(problem.message, mark, problem.hint, steps))
            raise DependsOnMistake from None
        here = (spec.folder, spec.where)
        if here in self.includes or len(self.includes) > MOST_INCLUDES:
            circle = " -> ".join((*(where for _, where in self.includes), spec.where))
            circular = f"specs include each other: {circle}"
            deep = f"more than {MOST_INCLUDES} specs include one another: {circle}"
            raise Placed(Fault(circular if here in self.includes else deep), item.mark)
        for problem in spec.problems:
            self.report(Problem(problem.message, problem.mark, problem.hint, trace))
        return spec, self.included_knobs(item, spec, scope)

    def included_knobs(self, item: IncludeItem, spec: Spec, scope: Scope) -> dict[str, Any]:
        knobs = dict(spec.knobs)
        for name, value in item.knobs.items():
            try:
                knobs |= settings(spec, {name: self.get(value, scope)})
            except SpecError as error:
                problem = error.problems[0]
                known = name in spec.knobs
                said = problem.message if known else f"{item.spec} has no knob '{name}'"
                raise Placed(Fault(said, problem.hint), value.mark if known else item.keys[name]) from None
        return knobs


def settings(spec: Spec, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all knobs, those given put over the spec's own; raise SpecError for a bad one."""
    for name, value in knobs.items():
        if name not in spec.knobs:
            hint = nearest(name, spec.knobs) or f"its knobs: {', '.join(spec.knobs) or 'none'}"
            raise stop(f"{spec.name} has no knob '{name}'", hint=hint)
        fault = knob_fault(name, spec.knobs[name], value)
        if fault:
            raise stop(fault.message, hint=fault.hint)
    return {**spec.knobs, **knobs}


def with_knobs(spec: Spec, knobs: Mapping[str, Any], shape: tuple[int, ...] | None = None) -> Spec:
    """Return a spec with other values of its knobs in force, and on another input; raise SpecError for a bad one."""
    import copy

    found = copy.copy(spec)
    found.knobs = settings(spec, knobs)
    if shape is not None:
        found.input = [Value(Mark("--input"), length) for length in shape]
    return found
