"""Where two conventions part: what each operator's rows cost under both, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.base import Data, Datum, grouped
from costcalc.base.text import plural
from costcalc.costs import conventions
from costcalc.costs.convention import OPERATIONS, Convention
from costcalc.costs.counting import cost, total
from costcalc.costs.formulas import Numbers
from costcalc.costs.rows import Row
from costcalc.graph.graph import ABSENT
from costcalc.language.expr import Expr
from costcalc.numbers.num import UNKNOWN, Dim, or_none
from costcalc.numbers.text import figure
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table


class OperatorDifference(NamedTuple):
    """The rows of one operator under two conventions."""

    kind: str
    rows: int
    ours: Dim
    theirs: Dim
    formulas: tuple[str, ...]  # those that the other convention counted them by
    notes: tuple[str, ...]

    @property
    def difference(self) -> Dim:
        """How many operations the other convention counts more."""
        return self.theirs - self.ours


def ours(rule: Convention) -> Convention:
    """Return costcalc's own convention in the unit of another."""
    return conventions.get(conventions.DEFAULT).counting(rule.count)


def kinds(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by operator, in the order in which they come."""
    return grouped((row.kind, row) for row in rows)


def parts(result: Result, rule: Convention, quantity: str = OPERATIONS) -> list[OperatorDifference]:
    """Return what each operator costs under costcalc's convention and another; the largest difference first."""
    own = ours(rule)
    made = []
    for kind, rows in kinds([row.row for row in result.rows]).items():
        mine, theirs = (getattr(total(cost(row, one, result.batch) for row in rows), quantity) for one in (own, rule))
        note = rule.of_kind[kind].note if kind in rule.of_kind else ""
        made.append(
            OperatorDifference(
                kind, len(rows), mine, theirs, (rule.formula(kind, quantity).text,), (note,) if note else ()
            )
        )
    known = [part for part in made if UNKNOWN not in (part.ours, part.theirs)]
    return sorted(known, key=lambda part: -abs(part.difference))


def told(result: Result, rule: Convention) -> list[str]:
    """Return in words and numbers why another convention's total differs from ours."""
    own, found = ours(rule), parts(result, rule)
    mine, theirs = (sum(getattr(part, side) for part in found) for side in ("ours", "theirs"))
    said = [
        f"{result.name}: {rule.name} counts {theirs:,} {rule.unit}, {own.name} {mine:,} {own.unit}"
        + (f": {_more(theirs - mine)}" if theirs != mine else ": the same")
    ]
    if rule.count == "flops":
        said.append("a MAC is two FLOPs")
    for part in found:
        if part.difference:
            said += [f"  {_more(part.difference)}  {plural(part.rows, 'row')} of {part.kind}", *_why(part)]
    unknown = sum(row.row.macs is UNKNOWN for row in result.rows)
    said += (
        [f"  and {plural(unknown, 'row')} of unknown cost: both totals are unknown, these are of the others"]
        if unknown
        else []
    )
    alike = [part.kind for part in found if not part.difference]
    said += [f"  no difference: {', '.join(alike)}"] if alike else []
    return [*said, *_params(result, rule), *(f"  note: {note}" for note in rule.notes), *provenance(rule)]


def _why(part: OperatorDifference) -> list[str]:
    return [*(f"    {formula}" for formula in part.formulas), *(f"    {note}" for note in part.notes)]


def _params(result: Result, rule: Convention) -> list[str]:
    """Return why the parameters differ, where they do."""
    found = [part for part in parts(result, rule, "params") if part.difference]
    return [
        f"  {rule.things}: {_more(part.difference)}  {plural(part.rows, 'row')} of {part.kind}: "
        f"{', '.join(part.formulas)}"
        for part in found
    ]


def provenance(rule: Convention) -> list[str]:
    """Return where a convention comes from, and whether it was held against the tool itself."""
    if not rule.tool:
        return [f"  source: {rule.source}"]
    held = f"measured: {rule.measured}" if rule.measured else "from source, not measured"
    return [f"  source: {rule.source}; {held}"]


def filled(formula: Expr, row: Row) -> str:
    """Return the numbers that a formula reads of a row: `outputs 200,704, affine true`."""
    values = Numbers(row)
    names = list(dict.fromkeys(name for name, _ in formula.names))
    return ", ".join(f"{name} {_shown(values[name])}" for name in names)


def of_row(row: Row, rule: Convention, batch: int = 1) -> list[str]:
    """Return how a convention counts one row: its formula, the numbers in it, the note that goes with it."""
    if rule.tool and row.node.call == ABSENT:
        return [f"  {rule.name}: 0 {rule.unit}: the reference implementation has no such step"]
    counted = cost(row, rule, batch)
    said = [_counted(row, rule, OPERATIONS, counted.operations, rule.unit)]
    if counted.params or row.learnable:
        said.insert(0, _counted(row, rule, "params", counted.params, rule.things))
    found = rule.of_kind.get(row.kind)
    return said + ([f"    {found.note}"] if found and found.note else [])


def _counted(row: Row, rule: Convention, quantity: str, number: Datum, unit: str) -> str:
    """Return the formula by which a convention counts a quantity of a row, what it gives, the numbers in it."""
    formula = rule.formula(row.kind, quantity)
    numbers = filled(formula, row)
    return f"  {rule.name}: {formula.text} = {_shown(number)} {unit}{f' ({numbers})' if numbers else ''}"


def _more(number: Datum) -> str:
    return figure(number, exact=True, signed=True)


def _shown(value: Datum) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return figure(value, exact=True) if isinstance(value, int) else str(value) or "none"


# ---- side by side -------------------------------------------------------------------------------------------


def tools() -> list[Convention]:
    """Return costcalc's convention, and those of other tools, those that were measured first."""
    every = [conventions.get(name) for name in conventions.names()]
    found = [one for one in every if one.tool]
    return [every[0], *sorted(found, key=lambda one: not one.measured)]


def records(result: Result, rules: Sequence[Convention]) -> list[Data]:
    """Return a record an operator: how many rows, and what each convention counts for them."""
    found = kinds([row.row for row in result.rows])
    return [
        {"op": kind, "rows": len(rows)}
        | {rule.label: or_none(total(cost(row, rule, result.batch) for row in rows).operations) for rule in rules}
        for kind, rows in found.items()
    ]


def table(result: Result, rules: Sequence[Convention], *, exact: bool = False) -> Table:
    """Return a table: a column a convention, a line an operator, and the totals."""
    found = records(result, rules)
    columns = [Column("operator"), Column("rows", "number"), *(Column(rule.name, "number") for rule in rules)]
    cells = [[line["op"], str(line["rows"]), *(_cell(line[r.label], exact=exact) for r in rules)] for line in found]
    cells.append(["unit", "", *(rule.unit for rule in rules)])
    cells.append(["hash", "", *(rule.stamp for rule in rules)])
    sums = [
        None if any(n is None for n in numbers) else sum(numbers)
        for numbers in ([line[rule.label] for line in found] for rule in rules)
    ]
    totals = [_cell(number, exact=exact) for number in sums]
    return Table(columns, cells, ["total", str(sum(line["rows"] for line in found)), *totals])


def _cell(number: Datum, *, exact: bool) -> str:
    return figure(UNKNOWN if number is None else number, exact=exact)
