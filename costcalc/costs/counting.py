"""Rows -> numbers: what each costs under a convention; totals are sums of rows, always."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from costcalc.base.errors import Fault, Mark, Problem, SpecError, stop
from costcalc.costs.convention import LEARNABLE, Convention
from costcalc.costs.formulas import evaluate
from costcalc.costs.rows import Row, row_of, rows
from costcalc.graph.block_graph import Placed
from costcalc.graph.graph import ABSENT, Graph, Node
from costcalc.numbers import num
from costcalc.numbers.num import UNKNOWN, Dim

if TYPE_CHECKING:
    from costcalc.language.expr import Expr


class Cost:
    """What one row, or a sum of rows, costs under a convention, whose unit its operations have; these for a batch."""

    __slots__ = ("operations", "params")

    def __init__(self, params: Dim = 0, operations: Dim = 0) -> None:
        self.params = params
        self.operations = operations

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.operations + other.operations)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cost) and (self.params, self.operations) == (other.params, other.operations)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Cost(params={self.params}, operations={self.operations})"


def cost(row: Row, convention: Convention, batch: int = 1) -> Cost:
    """Return what a row costs under a convention, its operations for a whole batch.

    Raises SpecError where the convention's formula gives no number for it, or says nothing of its MACs.
    """
    if convention.tool and row.node.call == ABSENT:
        return Cost()  # the tool's users run an implementation that has no such step
    params, operations = convention.of(row.node.op.kind)
    learned = row.learnable if params.text == LEARNABLE else _evaluated(params, row, convention)
    done = row.macs if operations.text == "macs" else _operations(operations, row, convention)
    return Cost(learned, done * batch)


def _cost_of_node(node: Node, convention: Convention) -> Cost:
    """Return what a node costs, for one image; by the formulas of most conventions no row of components is made."""
    op = node.op
    params, operations = convention.of(op.kind)
    if params.text != LEARNABLE or operations.text != "macs" or convention.tool:
        return cost(row_of(node), convention)
    x, y = node.x, node.y
    learned: Dim = 0
    for name in op.learned if node.shared is None else ():
        learned = learned + getattr(op, name)(x, y)
    return Cost(learned, op.macs(x, y) if "macs" in op.counted else 0)


def _operations(formula: Expr, row: Row, convention: Convention) -> Dim:
    """Return a row's operations: unknown where its MACs are; refused where they are nobody's business."""
    if row.macs is UNKNOWN:
        return UNKNOWN
    if not formula.names and row.kind not in convention.of_kind and num.any_of(row.macs != 0):
        raise stop(
            f"{row.name}: the convention '{convention.name}' says nothing of '{row.kind}', which has MACs: "
            f"its {convention.count} are {formula.text} for every operator without a rule",
            hint=f"add a rule to it: {{of: {row.kind}, {convention.count}: ...}}",
        )
    return _evaluated(formula, row, convention)


def _evaluated(formula: Expr, row: Row, convention: Convention) -> Dim:
    """Return what a formula gives for a row: 0 or more, unless it is added to another's counts."""
    try:
        count = evaluate(formula, row)
        if count is not UNKNOWN and not convention.added and num.any_of(count < 0):
            raise Fault(*_negative(count))
        return count
    except Fault as fault:
        said = f"{formula.text} gives no number for {row.name} ({row.kind}): {fault.message}"
        mark = convention.marks.get(formula.text, Mark(convention.name))
        raise SpecError([Problem(said, mark, fault.hint)]) from None


def require_bounded(whole: Cost, convention: Convention, batch: int = 1) -> Cost:
    """Return a network's totals; raise SpecError where one is too large to be told, operations for a batch."""
    num.limited(whole.params, convention.things)
    num.limited(whole.operations, convention.unit, batch)
    return whole


def _negative(count: Dim) -> tuple[str, str]:
    """Return what is wrong with a count below zero, and what to do."""
    said = "it is below zero for some of the values" if num.is_array(count) else f"it is {count:,}"
    return said, "a layer costs nothing or more: max(0, ...)"


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of costs."""
    params: Dim = 0
    operations: Dim = 0
    for part in costs:
        params, operations = params + part.params, operations + part.operations
    return Cost(params, operations)


def costs_of(graph: Graph, convention: Convention, batch: int = 1) -> list[Cost]:
    """Return what each row of a network costs; raise SpecError, with the row's name, as `cost`."""
    _, each = _counted(graph, convention)
    return each if batch == 1 else [_of_batch(one, batch) for one in each]


def cost_of(graph: Graph, convention: Convention, batch: int = 1) -> Cost:
    """Return what a network costs, the sum of its rows; raise SpecError as `costs_of`, and where it is too large."""
    whole, _ = _counted(graph, convention)
    return require_bounded(_of_batch(whole, batch), convention)


def _counted(graph: Graph, convention: Convention) -> tuple[Cost, list[Cost]]:
    """Return what a network costs for one image, and each of its rows; those of a block that is kept are known."""
    known = graph.costs
    if convention not in known and not convention.reads_place(called=bool(graph.spec.reference)):
        with suppress(SpecError):  # it names a row as it is called in a block
            known[convention] = _of_parts(graph.parts, convention)
    if convention not in known:  # by names in the network, rows are called otherwise
        found = [cost(row, convention) for row in rows(graph)]
        known[convention] = total(found), found
    whole, each = known[convention]
    return whole, each


def _of_parts(parts: Sequence[Node | Placed], convention: Convention) -> tuple[Cost, list[Cost]]:
    params: Dim = 0
    operations: Dim = 0
    each: list[Cost] = []
    for part in parts:
        if isinstance(part, Node):
            one = _cost_of_node(part, convention)
            each.append(one)
        else:
            known = part.graph.counted
            if convention not in known:
                known[convention] = _of_parts(part.graph.parts, convention)
            one, inside = known[convention]
            each += inside
        params, operations = params + one.params, operations + one.operations
    return Cost(params, operations), each


def _of_batch(one: Cost, batch: int) -> Cost:
    return Cost(one.params, one.operations * batch)
