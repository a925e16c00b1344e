"""What a report says: its tables of lines, the heading above them, the notes below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.costs.convention import Convention
from costcalc.costs.counting import Cost, total
from costcalc.graph.graph import Graph
from costcalc.numbers import num
from costcalc.reports.lines import Layer, Line, marked, window
from costcalc.reports.table import Column, Table


def layer_table(shown: Sequence[Line], whole: Cost, rule: Convention) -> Table:
    """Return the per-layer table of lines, each with its share of the whole; its totals are the sums of its rows."""
    columns = [
        Column("layer"), Column("type"), Column("input"), Column("output"), Column("k/s"),
        Column(rule.things, "count"), Column("%", "share"), Column(rule.unit, "count"), Column("%", "share"),
    ]  # fmt: skip
    cells = [
        [marked(line), line.type, line.input, line.output, window(line), *_costs(line.cost, whole)] for line in shown
    ]
    return Table(columns, cells, ["total", f"{len(shown)} lines", "", "", "", *_totals(shown, whole)], paths=True)


def type_table(shown: Sequence[Line], whole: Cost, rule: Convention, by: str = "type") -> Table:
    """Return the resource-per-layer-type table of the MobileNet paper (its Table 2), or one by block."""
    columns = [
        Column(by), Column("rows", "number"),
        Column(rule.things, "count"), Column("%", "share"), Column(rule.unit, "count"), Column("%", "share"),
    ]  # fmt: skip
    cells = [[marked(line), str(len(line.rows)), *_costs(line.cost, whole)] for line in shown]
    rows = sum(len(line.rows) for line in shown)
    return Table(columns, cells, ["total", str(rows), *_totals(shown, whole)])


def _costs(cost: Cost, whole: Cost) -> list[Any]:
    return [cost.params, _share(cost.params, whole.params), cost.macs, _share(cost.macs, whole.macs)]


def _totals(shown: Sequence[Line], whole: Cost) -> list[Any]:
    return _costs(total(line.cost for line in shown), whole)


def _share(part: Any, whole: Any) -> Any:
    return 100 * part / whole if whole else 0.0


def notes(layers: Sequence[Layer], rule: Convention, batch: int) -> list[str]:
    """Return what a reader must know beside the numbers: convention, batch, stated and shared rows."""
    said = [rule.counted]
    if batch != 1:
        said.append(f"{rule.unit} are for a batch of {batch}; parameters do not grow with it")
    stated = [layer for layer in layers if not layer.row.node.op.derived]
    if stated:
        texts = {str(getattr(layer.row.node.op, "note", "")) for layer in stated}
        said.append(f"* as the spec states it, not derived: {'; '.join(sorted(filter(None, texts)))}".rstrip(" :"))
    known = [layer for layer in layers if layer.macs is not num.UNKNOWN]
    if len(known) < len(layers):
        rest = f"{len(layers) - len(known)} of {len(layers)} rows"
        said.append(f"unknown: the {rule.unit} of {rest}; the others have {sum(n.macs for n in known):,}")
    if any(layer.row.node.shared is not None for layer in layers):
        said.append("= uses the weights of an earlier layer: counted there")
    return said


def heading(graph: Graph) -> list[str]:
    """Return the lines above a table: the network, its knobs and input, where it comes from."""
    knobs = ", ".join(f"{name} {_value(value)}" for name, value in graph.knobs.items())
    shape = f"input {graph.input.shape}{' as given' if graph.given else ''}"
    said = [f"{graph.spec.name}: {shape}{f', {knobs}' if knobs else ''}"]
    source = graph.spec.meta.get("source")
    return [*said, str(source)] if source else said


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + " ".join(_value(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
