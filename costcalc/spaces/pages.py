"""A search space, a network of it, or how choices are spread, as a page."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Data, Datum
from costcalc.base.text import plural
from costcalc.language.yaml_text import inline
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table
from costcalc.spaces.space import Found, Space

SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)


def page(space: Space, where: str = "") -> Page:
    """Return how many networks there are, how many of them meet a condition, and how costs are spread among all."""
    lines = spread(space)
    within = space.count(where) if where else None

    def data() -> Data:
        found = space.to_dict()
        found |= {} if within is None else {"where": where, "within": within}
        return found | {"spread": lines, "ends": ends(space)}

    columns = [Column("networks"), *(Column(name, "count") for name in space.metrics)]
    cells = [[line["share"], *(line[name] for name in space.metrics)] for line in lines]
    return Page(
        lambda: [Table(columns, cells, [])],
        lambda: lines,
        data,
        heading=heading(space, where, within),
        notes=[*notes(space), *space.notes, *space.rule.told(space.metrics)],
    )


def heading(space: Space, where: str, within: int | None) -> list[str]:
    """Return how many networks there are, and how many of them meet a condition."""
    found = [f"{space.spec.name}: {plural(space.size, 'network')}"]
    if within is not None:
        share = f", {100 * within / space.size:.3g} % of them" if space.size else ""
        found.append(f"{where}: {plural(within, 'network')}{share}")
    return found


def notes(space: Space) -> list[str]:
    """Return what the number of networks stands for."""
    many = f"{plural(len(space.choices), 'choice')}, {plural(space.settings, 'setting')}"
    found = [f"{many}; those that differ only in what is not read are one network"]
    if space.refused:
        found.append(f"{plural(space.refused, 'setting')} of them are refused by the spec, and are none")
    return found


def spread(space: Space) -> list[Data]:
    """Return a line for the least, some shares, the most and the mean: what so many networks do not exceed."""
    shares = [("least", 0.0), *((f"{100 * share:g} %", share) for share in SHARES), ("most", 1.0)]
    lines = [{"share": said, **{name: space.quantile(name, share) for name in space.metrics}} for said, share in shares]
    return [*lines, {"share": "mean", **{name: float(space.mean(name)) for name in space.metrics}}]


def ends(space: Space) -> Data:
    """Return the networks of least and of most cost in each metric."""
    found = {}
    for name in space.metrics:
        for said, one in (("least", space.least(name)), ("most", space.most(name))):
            found[f"{said} {name}"] = None if one is None else one.knobs | one.costs
    return found


def network(space: Space, found: Found, said: str) -> Page:
    """Return a network of a space: what it costs, and how it is counted again."""
    line = {**found.knobs, **found.costs}
    columns = [Column("choice"), Column("value")]
    cells: list[list[Datum]] = [[name, inline(value)] for name, value in found.knobs.items()]
    cost: list[Datum] = [found.costs[name] for name in space.metrics]
    costs = Table([Column(name, "count") for name in space.metrics], [cost], [])
    return Page(
        lambda: [costs, Table(columns, cells, [])],
        lambda: [line | space.rule.marked(space.metrics)],
        heading=[f"{space.spec.name}: {said}"],
        notes=[*space.notes, *space.rule.told(space.metrics)],
    )


def choices(space: Space, where: str, knobs: Sequence[str]) -> Page:
    """Return how the values of choices are spread among the networks that read them."""
    frame = space.spread_of(where, knobs)
    lines: list[Data] = [
        dict(zip(("choice", "value", "networks"), row, strict=True)) for row in frame.itertuples(index=False)
    ]
    whole: dict[str, int] = {}
    for line in lines:
        whole[line["choice"]] = whole.get(line["choice"], 0) + line["networks"]
    columns = [Column("choice"), Column("value"), Column("networks", "number"), Column("share", "share")]
    cells: list[list[Datum]] = []
    for line in lines:
        many, all_of_it = line["networks"], whole[line["choice"]]
        cells.append([line["choice"], inline(line["value"]), f"{many:,}", _share(many, all_of_it)])
    within = space.count(where) if where else None
    return Page(
        lambda: [Table(columns, cells, [])],
        lambda: lines,
        heading=heading(space, where, within),
        notes=["shares are of the networks that read the choice"],
    )


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
