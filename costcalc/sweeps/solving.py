"""The largest settings of a network that meet a budget: every setting of a lattice is counted, none is assumed.

Costs are step functions of a knob (channels are rounded), and need not even grow with it everywhere (a
shortcut's projection vanishes where widths meet). So nothing is bisected: a sweep over the whole lattice
is cheap, and exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costcalc.base import Datum, InputShape
from costcalc.base.arguments import number
from costcalc.base.errors import SpecError, stop
from costcalc.base.hints import Hint, limit, said
from costcalc.costs import conventions
from costcalc.language.document import Spec
from costcalc.measures.metric import Setup, find, named
from costcalc.numbers.num import LARGEST_TOTAL
from costcalc.sweeps.chunks import SETTING, Columns, Question, Task, column, fold, ready
from costcalc.sweeps.engine import Grid
from costcalc.sweeps.grids import refuse_columns, require_knob, require_values
from costcalc.sweeps.mappers import Mapper, here
from costcalc.sweeps.tables import framed

if TYPE_CHECKING:
    import pandas as pd

PHI = "phi"
SPAN, FARTHEST = (-5, 10), 80  # of phi: where is looked first, and how far on where that is not enough
ENDS = "ends"  # of a DataFrame's attrs: knobs whose answer is the last value that was tried
_STEPS = {True: (0.001, 1), False: (0.01, 8)}  # of a lattice of one knob, and of several: (real, whole numbers)
_SLOW = {True: (0.01, 8), False: (0.1, 32)}  # where a metric is counted setting by setting


def no_budget() -> SpecError:
    """Return what to raise where nothing bounds the search."""
    return stop("there is no budget", hint=said("give {}", limit(macs="300M", params="4M", peak_memory="320K")))


def lattice(spec: Spec, name: str, *, alone: bool, slow: bool = False) -> list[Datum]:
    """Return the values that are tried for a knob: from a small part of its default to four times as much."""
    default = require_knob(spec, name)
    if type(default) not in (int, float):
        raise stop(f"'{name}' is no number: say what to try", hint=_tries(name, "first", "second"))
    real, whole = (_SLOW if slow else _STEPS)[alone]
    if type(default) is float:
        return [round(real * k, 6) for k in range(1, int(4 * default / real) + 1)]
    return list(range(whole, 4 * default + 1, whole))


def _tries(name: str, *values: str) -> Hint:
    return Hint(f'vary={{"{name}": [{", ".join(values)}]}}', f"--vary {name}={','.join(values)}")


def solve(
    spec: Spec,
    vary: Mapping[str, Sequence[Datum]],
    budgets: Mapping[str, float],
    *,
    fixed: Mapping[str, Datum] | None = None,
    convention: str = conventions.DEFAULT,
    shape: InputShape | None = None,
    batch: int = 1,
    mapper: Mapper = here,
    setup: Mapping[str, Datum] | None = None,
) -> pd.DataFrame:
    """Return the largest setting that meets all budgets; of several knobs those that no other exceeds in all.

    vary: the knobs to choose, each with the values to try (none: its `lattice`). budgets: metrics with the
    most that each may be; setup: their options. fixed: other knobs' values.

    Raises SpecError where no setting meets them, with the least that there is.
    """
    for name in {*vary} & {*(fixed or {})}:
        raise stop(f"'{name}' can't both vary and have a value", hint=_tries(name, "a", "b") + " tries two values")
    columns, slow = _columns(budgets, convention), _slow(budgets, Setup(convention, **(setup or {})))
    axes = [
        {name: require_values(spec, name, values or lattice(spec, name, alone=len(vary) == 1, slow=slow))}
        for name, values in vary.items()
    ]
    axes += [{name: require_values(spec, name, [value])} for name, value in (fixed or {}).items()]
    best = tuple(f"-{name}" for name in vary)
    given: dict[str, Datum] = {"convention": convention, "shape": shape, "batch": batch, "skip": True}
    asked = Question(_within(budgets), pareto=best)
    task = Task(spec, axes, asked, **given, columns=columns, setup=dict(setup or {}))
    found = fold(task, mapper)
    if not len(found[SETTING]):
        raise least(task, budgets, mapper)
    table = framed(task, found)
    ends = [name for name, values in vary.items() if not values and table[name].max() == max(task.grid.values(name))]
    table.attrs[ENDS] = ends
    return table


def compound(
    spec: Spec,
    factors: Mapping[str, float],
    budgets: Mapping[str, float],
    *,
    fixed: Mapping[str, Datum] | None = None,
    convention: str = conventions.DEFAULT,
    shape: InputShape | None = None,
    batch: int = 1,
    setup: Mapping[str, Datum] | None = None,
) -> pd.DataFrame:
    """Return the largest phi within budget where each knob is its value times factor^phi (EfficientNet, equation 3).

    phi goes from -5 to 10, and farther where none fits or the last does: in quarters first, then in hundredths
    around the last that fits. The first column is phi.

    Raises SpecError as `solve`.
    """
    _growing(factors)
    refuse_columns([*factors, *(fixed or {})], [PHI])
    bases = dict(spec.knobs) | dict(fixed or {})
    rest = [{name: require_values(spec, name, [v])} for name, v in (fixed or {}).items() if name not in factors]
    given: dict[str, Datum] = {"convention": convention, "shape": shape, "batch": batch, "skip": True}
    given |= {"columns": _columns(budgets, convention), "setup": dict(setup or {})}

    def within(phis: list[float]) -> tuple[Task, Columns]:
        columns = {name: [_scaled(spec, name, bases, factor**phi) for phi in phis] for name, factor in factors.items()}
        task = Task(spec, [columns, *rest], Question(_within(budgets)), **given)
        return task, fold(task)

    low, high = SPAN
    task, found = within(_quarters(low, high))
    while not len(found[SETTING]) and low > -FARTHEST:
        low *= 2
        task, found = within(_quarters(low, high))
    if not len(found[SETTING]):
        raise least(task, budgets, here)
    while (last := _quarters(low, high)[int(found[SETTING][-1])]) == high < FARTHEST:
        high *= 2
        task, found = within(_quarters(low, high))
    fine = [round(last + k / 100, 2) for k in range(26)]
    task, found = within(fine)
    table = framed(task, {name: values[-1:] for name, values in found.items()})
    table.insert(0, PHI, [fine[int(found[SETTING][-1])]])
    return table


def _quarters(low: int, high: int) -> list[float]:
    return [k / 4 for k in range(4 * low, 4 * high + 1)]


def _growing(factors: Mapping[str, float]) -> None:
    """Refuse factors by which nothing grows."""
    hint = "factors are above 1: depth=1.2,width=1.1"
    if not factors:
        raise stop("no knob grows", hint=hint)
    for name, factor in factors.items():
        if not number(factor, f"the factor of {name}", hint) > 1:
            raise stop(f"'{name}' can't grow by a factor of {factor}", hint=hint)


def _scaled(spec: Spec, name: str, bases: Mapping[str, Datum], factor: float) -> Datum:
    default = require_knob(spec, name)
    if type(default) not in (int, float):
        raise stop(f"'{name}' is no number, and can't be scaled")
    value = bases[name] * factor
    return max(1, round(value)) if type(default) is int else round(value, 6)


def _slow(budgets: Mapping[str, float], setup: Setup) -> bool:
    """Say whether a metric must be counted setting by setting."""
    return not all(find(name).vectorises(setup) for name in budgets)


def _columns(budgets: Mapping[str, float], convention: str) -> tuple[str, ...]:
    """Return what is told of a setting: params, operations, and what else is bounded."""
    return tuple(dict.fromkeys((*conventions.get(convention).quantities, *budgets)))


def _within(budgets: Mapping[str, float]) -> str:
    """Return the condition that all budgets are met."""
    if not budgets:
        raise no_budget()
    # Every total is below LARGEST_TOTAL: a budget of more bounds nothing.
    return " and ".join(f"{name} <= {min(value, LARGEST_TOTAL - 1)!r}" for name, value in budgets.items())


def least(task: Task, budgets: Mapping[str, float], mapper: Mapper) -> Exception:
    """Return the error that says what the least possible is."""
    walk = ready(Task(
        task.spec(), task.axes, Question("", 1, by=(*budgets,)), convention=task.convention, shape=task.shape,
        batch=task.batch, skip=True, columns=task.columns, setup=task.setup,
    ))  # fmt: skip
    if not walk.blocks:
        return stop("every setting is refused by the spec", hint="vary the knob within what the network takes")
    small = fold(walk.task, mapper)
    at = ", ".join(f"{name} {_at(walk.grid, small, name)}" for name in walk.grid.names)
    setup = task.beside.setup
    unit = {name: named(find(name), setup) for name in budgets}
    found = ", ".join(f"{small[name][0]:,} {unit[name]} (budget {value:,})" for name, value in budgets.items())
    return stop(f"no setting meets the budget: the least that was tried is {found}", hint=f"at {at}")


def _at(grid: Grid, columns: Columns, name: str) -> Datum:
    return column(grid, columns, name)[0]
