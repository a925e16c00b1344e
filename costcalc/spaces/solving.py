"""The largest network of a spec's search that meets a budget: what `solve` answers where the search varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costcalc.base import Datum, InputShape
from costcalc.base.errors import SpecError, stop
from costcalc.base.hints import Hint
from costcalc.costs import conventions
from costcalc.language.document import Spec
from costcalc.language.yaml_text import typed
from costcalc.measures.metric import Setup, find, named
from costcalc.spaces.space import Limit, Space
from costcalc.sweeps import solving

if TYPE_CHECKING:
    import pandas as pd

SEARCH = "search"  # what varies: all that the spec's search may choose


def solve(
    spec: Spec,
    vary: Mapping[str, Sequence[Datum]],
    budgets: Mapping[str, float],
    *,
    fixed: Mapping[str, Datum] | None = None,
    convention: str = conventions.DEFAULT,
    shape: InputShape | None = None,
    batch: int = 1,
    setup: Mapping[str, Datum] | None = None,
) -> pd.DataFrame:
    """Return the network of a spec's search that has the most of a metric within its budget, if `search` varies.

    Proved, not tried: by the space's tables. Of other knobs, and where the spec has a knob of that name, what
    `sweeps.solving.solve` returns.

    Raises SpecError where no network meets the budget, with the least that there is; for several budgets, and for a
    metric that a space does not add up exactly.
    """
    if SEARCH not in vary or SEARCH in spec.knobs:
        return solving.solve(
            spec, vary, budgets, fixed=fixed, convention=convention, shape=shape, batch=batch, setup=setup
        )
    if len(vary) > 1 or vary[SEARCH]:
        raise stop("a search varies alone, over what its spec says", hint="knobs that are given a value are fixed")
    if not budgets:
        raise solving.no_budget()
    if len(budgets) > 1:
        raise _drawn("the largest network of a search is proved within one budget, not within several", budgets)
    ((name, budget),) = budgets.items()
    told = Setup(convention, batch=batch, **(setup or {}))
    metrics = tuple(dict.fromkeys((*told.convention.quantities, name)))
    space = Space(spec, fixed, shape, told, metrics)
    if name not in space.metrics or space.notes:
        said = f"{name} is rounded row by row in a space, and so the largest within a budget is not proved"
        rounded = space.metrics[-1]
        python = f"ask for what is rounded: costcalc.space(spec, '{name}').most('{rounded}')"
        shell = f"ask for what is rounded: costcalc space SPEC --columns {name} --most {rounded}"
        raise stop(said, hint=Hint(python, shell))
    found = space.at_bound(Limit(name, None, int(budget)), -1)
    if found is None:
        raise _none_fits(space, name, budget)
    import pandas as pd

    table = pd.DataFrame({column: [value] for column, value in (found.knobs | found.costs).items()})
    table.attrs |= {"convention": convention, "unit": told.convention.unit, "columns": list(metrics)}
    return table


def _drawn(said: str, budgets: Mapping[str, float]) -> SpecError:
    """Return what to raise where a sample may answer."""
    where = " and ".join(f"{name} <= {int(budget)}" for name, budget in budgets.items())
    shell = f'costcalc space SPEC --sample 1000 --where "{where}"'
    return stop(said, hint=Hint(f'draw some: costcalc.space(spec).sample(1000, "{where}")', f"draw some: {shell}"))


def _none_fits(space: Space, name: str, budget: float) -> SpecError:
    """Return the error that says what the least possible is."""
    least = space.least(name)
    if least is None:
        return stop("every setting is refused by the spec", hint="search within what the network takes")
    found = f"{least.costs[name]:,} {named(find(name), space.setup)} (budget {budget:,})"
    at = ", ".join(f"{knob} {typed(value)}" for knob, value in least.knobs.items())
    return stop(f"no network of the search meets the budget: the least is {found}", hint=f"at {at}")
