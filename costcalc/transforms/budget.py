"""The largest width factor of a network without a width knob that meets a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from costcalc import conventions, zoo
from costcalc.document import Spec
from costcalc.errors import SpecError, stop
from costcalc.expand import expand
from costcalc.result import Result
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
    fixed: Mapping[str, Any] | None = None,
    convention: str = conventions.DEFAULT,
    shape: tuple[int, ...] | None = None,
    batch: int = 1,
    rounding: str = "8",
) -> pd.DataFrame:
    """Return the largest factor, in thousandths, by which every hidden layer's channels can be scaled within budget.

    rounding: what channels are made a multiple of, and how: `8`, `4:nearest`, `1:down` (`transforms.scale`).

    Rounded channels never fall as the factor grows, nor does what they cost: so the factors are halved
    between. One that the network's joins or groups forbid is passed over for the next below.

    Raises SpecError where no factor meets the budgets, with the layer that forbids the smallest, if one does.
    """
    if not budgets:
        raise stop("there is no budget", hint="give --max-macs 300M, --max-params 4M, or both")
    network = flattened(expand(spec, dict(fixed or {}), shape))
    rule = conventions.get(convention)

    def counted(number: int) -> Result:
        made = ScaleWidth(f"{number / STEPS}:{rounding}").run(network).network
        return Result(expand(zoo.load_text(made.text())), rule, batch)

    return _table(*_largest(counted, budgets), budgets, rule, counted)


def _largest(
    counted: Callable[[int], Result], budgets: Mapping[str, float]
) -> tuple[tuple[int, Result] | None, SpecError | None]:
    """Return the largest number within budget and what it gives, and why the last that was refused is."""
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
        if found is not None and all(getattr(found[1], name) <= most for name, most in budgets.items()):
            low, best = middle, found
        else:
            high = found[0] if found is not None else middle
    return best, refusal


def _table(best: Any, refusal: SpecError | None, budgets: Mapping[str, float], rule: Any, counted: Any) -> pd.DataFrame:
    """Return the answer; raise SpecError where there is none."""
    import pandas as pd

    if best is None:
        if refusal is not None:
            raise refusal
        least = counted(1)
        unit = {"params": rule.things, "macs": rule.unit}
        said = ", ".join(f"{getattr(least, n):,} {unit[n]} (budget {most:,.0f})" for n, most in budgets.items())
        raise stop(f"no width meets the budget: the least that was tried is {said}", hint=f"at {COLUMN} {1 / STEPS}")
    number, result = best
    table = pd.DataFrame({COLUMN: [number / STEPS], "params": [result.params], "macs": [result.total]})
    table.attrs["convention"] = rule.name
    return table
