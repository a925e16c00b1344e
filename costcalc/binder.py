"""Values, names and places while a spec is expanded: the lowest third of the expander."""

from __future__ import annotations

from typing import Any

from costcalc import num
from costcalc.document import Item, Ref, Spec, Value
from costcalc.errors import Fault, Mark, Problem, SpecError
from costcalc.graph import Bundle, Flow, Node, Tensor
from costcalc.scope import Binding, Scope, single


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
        self.depth = 0
        self.prefix = ""  # the path of the group being run, with its last slash
        self.counters: dict[str, int] = {}
        self.trace: tuple[str, ...] = ()
        self.active: tuple[tuple[str, str], ...] = ()  # blocks being run: words could call in a circle
        self.includes: tuple[str, ...] = (spec.where,)
        self.bits: Any = None
        self.density: Any = None

    def report(self, problem: Problem) -> None:
        self.problems.append(Problem(problem.message, problem.mark, problem.hint, problem.trace or self.trace))
        if len(self.problems) > 1000:
            raise SpecError(self.problems, rows=self.nodes)

    def name(self, ref: Ref, scope: Scope) -> str:
        """Return a name with its index worked out: `p(k + 1)` is p4 where k is 3."""
        if ref.index is None:
            return ref.text
        return f"{ref.text}{self.whole(ref.index, scope, 'an index')}"

    def look_up(self, ref: Ref, scope: Scope) -> Flow:
        """Return the layer that a reference means; a variable may hold one."""
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
        path = f"{self.prefix}{kind}"
        self.counters[path] = number = self.counters.get(path, 0) + 1
        return f"{path}{number}"

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
            if label.endswith("1") and self.counters.get(path[:-1]) == 1:
                label = label[:-1]
            known[path] = f"{self._short(group, known)}{slash}{label}"
        return known[path]

    def unique(self, label: str) -> str:
        """Return the path of a named layer; a turn after the first gets a number."""
        path = f"{self.prefix}{label}"
        key = f"={path}"
        self.counters[key] = number = self.counters.get(key, 0) + 1
        return path if number == 1 else f"{path}_{number}"

    def get(self, value: Value, scope: Scope) -> Any:
        """Return a value; place what is wrong with it."""
        if value.run is None:
            return value.constant
        try:
            return value.run(scope)
        except Fault as fault:
            raise Placed(fault, value.mark) from None

    def whole(self, value: Value, scope: Scope, what: str) -> Any:
        try:
            return num.whole(self.get(value, scope))
        except Fault as fault:
            raise Placed(Fault(f"{what}: {fault.message}", fault.hint), value.mark) from None

    def truth(self, value: Value, scope: Scope) -> bool:
        result = self.get(value, scope)
        if isinstance(result, str | list):
            fault = Fault(f"{num.describe(result)} is neither true nor false", "write a comparison: block == basic")
            raise Placed(fault, value.mark)
        return num.truth(result)
