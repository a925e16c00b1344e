"""The values of a spec's expressions, and the layers that its names mean, with the place of what is wrong."""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.base.errors import Fault, Mark, Problems, SpecError
from costcalc.graph.graph import Bundle, Flow, Tensor
from costcalc.graph.scope import Scope, single
from costcalc.language.arithmetic import truth_or_refuse
from costcalc.language.document import DependsOnMistake, Ref, Value
from costcalc.numbers import num
from costcalc.numbers.num import Dim
from costcalc.operators.fields import not_a_number

MOST_WORK = 500_000  # steps of all expressions


class MarkedFault(Exception):
    """A mistake whose place is known."""

    def __init__(self, fault: Fault, mark: Mark) -> None:
        super().__init__(fault.message)
        self.problem = fault.at(mark)


class Evaluator:
    """Evaluates values in a scope. What is wrong is raised as `MarkedFault`; the work of a whole spec is bounded."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.work = 0

    def value(self, value: Value, scope: Scope) -> Datum:
        """Return a value."""
        if value.run is None:
            return value.constant
        self.work += value.steps
        if self.work > MOST_WORK:
            hint = "a repeat is larger than was meant, or definitions call each other again and again"
            fault = Fault(f"the spec's expressions take more than {MOST_WORK:,} steps", hint)
            raise SpecError([*self.problems.found, MarkedFault(fault, value.mark).problem])
        try:
            return value.run(scope)
        except Fault as fault:
            raise MarkedFault(fault, value.mark) from None

    def whole(self, value: Value, scope: Scope, what: str) -> Dim:
        """Return a value that must be a whole number."""
        result = self.value(value, scope)
        try:
            return num.whole(result)
        except Fault as fault:
            hint = fault.hint or not_a_number(result)
            raise MarkedFault(Fault(f"{what}: {fault.message}", hint), value.mark) from None

    def truth(self, value: Value, scope: Scope) -> bool:
        """Return whether a condition holds."""
        try:
            return num.truth(truth_or_refuse(self.value(value, scope)))
        except Fault as fault:
            raise MarkedFault(fault, value.mark) from None

    def within(self, value: Value, scope: Scope, what: str, least: float, most: float) -> Dim:
        """Return a value that must be a number between two bounds."""
        number = self.value(value, scope)
        try:
            if isinstance(number, bool):
                raise Fault(f"{num.describe(number)} is not a number")
            num.number(number)
        except Fault as fault:
            raise MarkedFault(Fault(f"{what}: {fault.message}", not_a_number(number)), value.mark) from None
        if num.any_of(number < least) or num.any_of(number > most):
            raise MarkedFault(Fault(f"{what} is {number}: it must lie between {least} and {most}"), value.mark)
        return number

    def name(self, ref: Ref, scope: Scope) -> str:
        """Return a name with its index worked out: `p(k + 1)` is p4 where k is 3."""
        if ref.index is None:
            return ref.text
        return f"{ref.text}{num.single(self.whole(ref.index, scope, 'an index'))}"

    def name_with_part(self, ref: Ref, scope: Scope) -> str:
        """Return a name with its index worked out and the part that it picks: `halves(k).left`."""
        return f"{self.name(ref, scope)}.{ref.part}" if ref.part else self.name(ref, scope)

    def layer(self, ref: Ref, scope: Scope) -> Flow:
        """Return the layer that a reference means, or those of a list together."""
        return self.flow(self.meant(ref, scope), ref, scope)

    def flow(self, value: Datum, ref: Ref, scope: Scope) -> Flow:
        """Return the layer, or the layers, of what a reference means."""
        if isinstance(value, Tensor | Bundle):
            return value
        try:
            if not isinstance(value, list | tuple):
                return layer_of(value, ref.text, scope)
            given = [single(layer_of(one, ref.text, scope)) for one in value if not is_none(one)]
        except Fault as fault:
            raise MarkedFault(fault, ref.mark) from None
        return Bundle(given, [f"{ref.text}[{k}]" for k in range(len(given))], listed=True)

    def meant(self, ref: Ref, scope: Scope) -> Datum:
        """Return what a reference means: a layer, or what a variable or an expression gives, a list or a word."""
        if ref.mistaken:
            raise DependsOnMistake
        if ref.choice is not None:
            named = scope.named(ref.text) if "." in ref.text else None
            return self.value(ref.choice, scope) if named is None else named
        name = ref.text if ref.index is None and not ref.part else self.name_with_part(ref, scope)
        value = scope.vars.get(name) if ref.index is None else None
        if value is None:
            value = scope.frame.lists.get(name)
        if value is not None or name == "none":
            return name if value is None else value
        try:
            return scope.layer(name)
        except Fault as fault:
            raise MarkedFault(fault, ref.mark) from None

    def layers(self, ref: Ref, scope: Scope) -> tuple[list[Tensor], bool]:
        """Return the tensors of the layers that a reference means, and whether a list or `none` told how many."""
        value = self.meant(ref, scope)
        if is_none(value):
            return [], True
        found = self.flow(value, ref, scope)
        if isinstance(found, Bundle) and found.listed:
            return found.tensors, True
        return [one_tensor(found, ref.mark)], False


def is_none(value: Datum) -> bool:
    """Say whether a value is the word that names no layer."""
    return type(value) is str and value == "none"


def layer_of(value: Datum, name: str, scope: Scope) -> Flow:
    """Return the layer that a value is or names; raise Fault where it is none. name: how it was come to."""
    if isinstance(value, Tensor | Bundle):
        return value
    if not isinstance(value, str):
        raise Fault(f"'{name}' is {num.describe(value)}, which is no layer")
    if value == "none":
        raise Fault(f"'{name}' is none, and a layer is needed here", "only a join and a list leave none out")
    return scope.layer(value)


def one_tensor(flow: Flow, mark: Mark) -> Tensor:
    """Return the one tensor that flows."""
    if type(flow) is not Bundle:
        return flow
    try:
        return single(flow)
    except Fault as fault:
        raise MarkedFault(fault, mark) from None
