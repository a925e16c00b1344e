"""The largest width factor of a network without a width knob that meets a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from costcalc.base import Datum, InputShape
from costcalc.base.errors import SpecError, stop
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.graph.expand import expand
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.measures.metric import Setup, find, named, refuse_idle, refuse_uncounted
from costcalc.reports.result import Result
from costcalc.sweeps.solving import no_budget
from costcalc.transforms.network import flattened
from costcalc.transforms.scale import ScaleWidth

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "scale_width"
STEPS, MOST = 1000, 4000  # factors are thousandths, up to four
PASSED = 20  # factors that are passed over at most, one after the other, where the network forbids them


def solve(
    spec: Spec,
    budgets: Mapping[str, float],
    *,
    fixed: Mapping[str, Datum] | None = None,
    convention: str = conventions.DEFAULT,
    shape: InputShape | None = None,
    batch: int = 1,
    rounding: str = "8",
    setup: Mapping[str, Datum] | None = None,
) -> pd.DataFrame:
    """Return the largest factor, in thousandths, by which every hidden layer's channels can be scaled within budget.

    rounding: what channels are made a multiple of, and how: `8`, `4:nearest`, `1:down` (`transforms.scale`).

    Rounded channels never fall as the factor grows, nor does what they cost: so the factors are halved
    between. One that the network's joins or groups forbid is passed over for the next below.

    Raises SpecError where no factor meets the budgets, with the layer that forbids the smallest, if one does.
    """
    if not budgets:
        raise no_budget()
    refuse_idle(budgets, setup or {})
    network = flattened(expand(spec, dict(fixed or {}), shape))
    rule = conventions.get(convention)
    refuse_uncounted(budgets, rule)

    def counted(number: int) -> Result:
        made = ScaleWidth(f"{number / STEPS}:{rounding}").run(network).network
        return Result(expand(zoo.load_text(made.text())), rule, batch)

    def totals(result: Result) -> dict[str, Datum]:
        asked = [*dict.fromkeys((*rule.quantities, *budgets))]
        return {one.name: one.total for one in result.metrics(asked, **(setup or {}))}

    found, refusal = _largest(lambda number: totals(counted(number)), budgets)
    if found is not None:
        return _table(*found, rule)
    if refusal is not None:
        raise refusal
    smallest = counted(1)
    raise _least(totals(smallest), budgets, smallest.setup(**(setup or {})))


def _largest(
    counted: Callable[[int], dict[str, Datum]], budgets: Mapping[str, float]
) -> tuple[tuple[int, dict[str, Datum]] | None, SpecError | None]:
    """Return the largest number within budget and its totals, and why the last that was refused is."""
    best, refusal = None, None
    low, high = 0, MOST + 1
    while high - low > 1:
        middle, found = (low + high) // 2, None
        for number in range(middle, max(low, middle - PASSED), -1):
            try:
                found = (number, counted(number))
                break
            except SpecError as error:
                refusal = error
        if found is not None and all(found[1][name] <= most for name, most in budgets.items()):
            low, best = middle, found
        else:
            high = found[0] if found is not None else middle
    return best, refusal


def _least(totals: Mapping[str, Datum], budgets: Mapping[str, float], setup: Setup) -> SpecError:
    """Return the error that says what the least possible is."""
    said = ", ".join(f"{totals[name]:,} {named(find(name), setup)} (budget {most:,})" for name, most in budgets.items())
    return stop(f"no width meets the budget: the least that was tried is {said}", hint=f"at {COLUMN} {1 / STEPS}")


def _table(number: int, totals: Mapping[str, Datum], rule: Convention) -> pd.DataFrame:
    """Return the answer."""
    import pandas as pd

    table = pd.DataFrame({COLUMN: [number / STEPS]} | {name: [value] for name, value in totals.items()})
    table.attrs |= {"convention": rule.name, "unit": rule.unit, "columns": list(totals)}
    return table
