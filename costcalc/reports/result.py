"""What `costcalc.count` returns: a network's rows with their costs, totals, and ways to show and keep them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from costcalc.base.arguments import texts
from costcalc.costs.convention import Convention
from costcalc.costs.counting import Cost, cost, limited, total
from costcalc.costs.rows import rows
from costcalc.graph.graph import Graph
from costcalc.metrics.metric import checked_batch
from costcalc.numbers.num import or_none
from costcalc.reports.lines import Layer, Line, lines, plain

if TYPE_CHECKING:
    import pandas as pd

    from costcalc.metrics.metric import Measured, Setup
    from costcalc.reports.table import Table

VERSION = 1  # of the JSON that `to_dict` gives; docs/report-json.md says what it holds


class Result:
    """What `costcalc.count` returns: a network's rows and totals under a convention."""

    def __init__(self, graph: Graph, convention: Convention, batch: int = 1) -> None:
        self.graph = graph
        self.convention = convention
        self.batch = checked_batch(batch)
        self.layers = [Layer(row, cost(row, convention, batch)) for row in rows(graph)]
        self.cost = limited(total(layer.cost for layer in self.layers), convention)

    def __repr__(self) -> str:
        knobs = "".join(f", {k}={v}" for k, v in self.graph.knobs.items())
        return f"<{self.name}{knobs}: {self.params:,} params, {self.total:,} {self.unit} ({self.convention.name})>"

    @property
    def name(self) -> str:
        """The network's name."""
        return self.graph.spec.name

    @property
    def params(self) -> Any:
        """Parameters in all."""
        return self.cost.params

    @property
    def total(self) -> Any:
        """The convention's headline number, in its own `unit`, for the whole batch."""
        return self.cost.macs

    @property
    def unit(self) -> str:
        """What `total` counts: MACs, FLOPs, mult-adds, operations."""
        return self.convention.unit

    @property
    def macs(self) -> Any:
        """MACs in all, or what the convention counts instead of them; SpecError of one that counts FLOPs only."""
        return self.of("macs")

    @property
    def flops(self) -> Any:
        """FLOPs in all; SpecError of a convention that does not count them."""
        return self.of("flops")

    def of(self, count: str) -> Any:
        """Return the total of one of the convention's counts, `macs` or `flops`."""
        if count == self.convention.count:
            return self.total
        other = self.convention.counting(count)
        return limited(total(cost(layer.row, other, self.batch) for layer in self.layers), other).macs

    def by_type(self) -> dict[str, Cost]:
        """Return the costs by layer type (conv 1x1, conv dw 3x3, fc, ...), the costliest first."""
        return {line.name: line.cost for line in self.lines("type")}

    def metric(self, name: str, **options: Any) -> Measured:
        """Return what the network has of a metric, by name: `.total`, `.rows` (one a layer), `.unit`.

        options: what the metric is asked for, `bits=8`; `costcalc metrics` lists metrics and options.

        Raises SpecError for a name or an option that there is not.
        """
        from costcalc.metrics.metric import measured

        return measured(name, self.graph, self.setup(**options))

    def setup(self, **options: Any) -> Setup:
        """Return what metrics are asked for: this result's convention and batch, and these options."""
        from costcalc.metrics.metric import Setup

        return Setup(self.convention, **{"batch": self.batch, **options})

    def metrics(self, names: Iterable[str], **options: Any) -> list[Measured]:
        """Return what the network has of several metrics, asked for alike."""
        return [self.metric(name, **options) for name in texts(names, "metrics", 'result.metrics(["params"])')]

    def lines(self, by: str = "layer", fold: int | None = None) -> list[Line]:
        """Return the lines of a table: by `layer`, `row`, `type` or `block`; what lies deeper than `fold` is summed."""
        return lines(self.layers, by, fold)

    def table(self, by: str = "layer", fold: int | None = None) -> Table:
        """Return the lines as a table with parameters, operations and their shares."""
        from costcalc.reports.report import layer_table, type_table

        shown = self.lines(by, fold)
        if by in ("type", "block"):
            return type_table(shown, self.cost, self.convention, by)
        return layer_table(shown, self.cost, self.convention)

    def heading(self) -> list[str]:
        """Return the lines above a table: the network, its knobs and input, where it comes from."""
        from costcalc.reports.report import heading

        return heading(self.graph)

    def notes(self) -> list[str]:
        """Return what a reader must know beside the numbers: convention, batch, stated and shared rows, odd inputs."""
        from costcalc.reports.report import notes

        odd = [f"! {self.graph.other_channels}"] if self.graph.other_channels else []
        return [*notes(self.layers, self.convention, self.batch), *odd]

    def records(self) -> list[dict[str, Any]]:
        """Return one flat record a layer, as the CSV and the DataFrame hold it: text and exact integers only."""
        from costcalc.reports.records import records

        return records(self.layers, self.batch, self.convention.mark)

    def to_dict(self, columns: str | Iterable[str] = (), **options: Any) -> dict[str, Any]:
        """Return everything as plain data: the JSON that `--format json` writes.

        columns: metrics, by name, that each layer and the whole are told with; options are theirs.
        """
        from costcalc.metrics.metric import names, refuse_idle

        refuse_idle(names(columns), options)
        if columns:
            from costcalc.reports.columns import with_metrics

            return with_metrics(self.to_dict(), self.metrics(names(columns), **options))
        graph = self.graph
        return {
            "costcalc_report": VERSION,
            "name": self.name,
            "source": graph.spec.meta.get("source"),
            "knobs": graph.knobs,
            "input": plain(graph.input.shape.dims if graph.input.shape else ()),
            "batch": self.batch,
            "convention": self.convention.to_dict(),
            "totals": {
                "params": or_none(self.params),
                "macs": or_none(self.total),
                "unit": self.unit,
                "layers": len(self.layers),
            },
            "by_type": [
                {"type": kind, "params": or_none(part.params), "macs": or_none(part.macs)}
                for kind, part in self.by_type().items()
            ],
            "layers": [layer.to_dict(self.batch) for layer in self.layers],
        }

    def to_pandas(self, columns: str | Iterable[str] = (), **options: Any) -> pd.DataFrame:
        """Return a DataFrame, a row a layer, exact integers.

        columns: instead of all components these metrics, by name; options are theirs.
        """
        from costcalc.metrics.metric import names, refuse_idle
        from costcalc.reports.frame import frame, measured

        refuse_idle(names(columns), options)
        if columns:
            from costcalc.reports.columns import records

            found = self.metrics(names(columns), **options)
            return measured(records(self.layers, found, self.convention.mark), found, self.convention.name)
        return frame(self.records(), self.convention.name)

    def _repr_html_(self) -> str:
        from costcalc.reports.render.figures import readable
        from costcalc.reports.render.html import page, render

        title, *rest = self.heading()
        totals = f"{readable(self.params)} params, {readable(self.total)} {self.unit}"
        layers = f"<details><summary>{len(self.layers)} rows, by layer</summary>{render(self.table())}</details>"
        return page(title, [totals], render(self.table("type")) + layers, [*rest, *self.notes()])
