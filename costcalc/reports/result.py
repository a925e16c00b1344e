"""What `costcalc.count` returns: a network's rows with their costs, totals, and ways to show and keep them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING, Any

import costcalc.measures.work  # noqa: F401 - the metrics of every report; `find` loads all for any other
from costcalc.base import Data, Datum, arguments
from costcalc.base.errors import nearest, stop
from costcalc.base.hints import Hint
from costcalc.base.text import plural
from costcalc.costs.convention import OPERATIONS, Convention
from costcalc.costs.counting import Cost, cost_of, costs_of, require_bounded, total
from costcalc.costs.rows import models
from costcalc.graph.block_graph import names_of
from costcalc.graph.graph import Graph
from costcalc.language.document import INPUT
from costcalc.measures.metric import (
    Measured,
    Setup,
    measured,
    names,
    refuse_idle,
    require_batch,
    spread,
)
from costcalc.numbers.num import Dim, or_none
from costcalc.numbers.text import figure
from costcalc.reports.columns import folded, over, records, table, totals, with_metrics
from costcalc.reports.lines import GROUPED, CountedRow, Counting, Line, lines, plain, shorter
from costcalc.reports.page import Page
from costcalc.reports.report import heading, notes
from costcalc.reports.table import Table, barred

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2  # of the JSON that `to_dict` gives; docs/report-json.md says what it holds


class Result:
    """What `costcalc.count` returns: a network's rows and totals under a convention."""

    def __init__(self, graph: Graph, convention: Convention, batch: int = 1) -> None:
        self.graph = graph
        self.convention = convention
        self.batch = require_batch(batch)
        self.cost = cost_of(graph, convention, self.batch)
        self._rows: list[CountedRow] = []

    def __repr__(self) -> str:
        knobs = "".join(f", {k}={v}" for k, v in self.graph.knobs.items())
        return f"<{self.name}{knobs}: {self.params:,} params, {self.operations:,} {self.unit} ({self.convention.name})>"

    def __iter__(self) -> Iterator[CountedRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, row: object) -> bool:
        return any(row in (one, one.name) for one in self.rows)

    def __getitem__(self, name: str) -> CountedRow:
        """Return a row by its name, `result["stage1/conv1"]`; SpecError, with the nearest, where there is none."""
        found = next((row for row in self.rows if row.name == name), None)
        if found is None:
            hint = nearest(name, [row.name for row in self.rows]) if isinstance(name, str) else ""
            shown = f"'{name[:60]}'" if isinstance(name, str) else arguments.said(name)
            raise stop(
                f"{self.name} has no row {shown}", hint=hint or "by number: result.rows[0]; result.rows have names"
            )
        return found

    @property
    def rows(self) -> list[CountedRow]:
        """Its rows, one an operator, in order."""
        if not self._rows:
            graph, rule, batch = self.graph, self.convention, self.batch
            found, one = models(graph), Counting(graph, rule, batch)
            names, costs = names_of(graph.parts), costs_of(graph, rule, batch)
            self._rows = [*map(CountedRow, repeat(one), range(len(found)), names, found, costs)]
        return self._rows

    @property
    def name(self) -> str:
        """The network's name."""
        return self.graph.spec.name

    @property
    def params(self) -> Dim:
        """Parameters in all."""
        return self.cost.params

    @property
    def operations(self) -> Dim:
        """Operations in all, as the convention counts them and in its `unit`, for the whole batch."""
        return self.cost.operations

    @property
    def unit(self) -> str:
        """What the operations are: MACs, FLOPs, mult-adds, or what else the convention counts."""
        return self.convention.unit

    @property
    def macs(self) -> Dim:
        """MACs in all; SpecError of a convention that does not count them, or other operations among them."""
        return self.of("macs")

    @property
    def flops(self) -> Dim:
        """FLOPs in all; SpecError of a convention that does not count them."""
        return self.of("flops")

    def of(self, quantity: str) -> Dim:
        """Return the total of `macs`, `flops` or `operations`; SpecError where the convention counts none."""
        rule = self.convention.named(quantity)
        if rule is self.convention:
            return self.operations
        return require_bounded(total(costs_of(self.graph, rule, self.batch)), rule).operations

    def by_type(self) -> dict[str, Cost]:
        """Return the costs by layer type (conv 1x1, conv dw 3x3, fc, ...), the costliest first."""
        return {line.name: line.cost for line in self.lines("type")}

    def metric(self, name: str, **options: Datum) -> Measured:
        """Return what the network has of a metric, by name: `.total`, `.rows` (a value a row), `.unit`.

        options: what the metric is asked for, `bits=8` or `options={"bits": 8}`; `costcalc metrics` lists both.

        Raises SpecError for a name or an option that there is not, and for one that does not matter to the metric.
        """
        refuse_idle([name], spread(options))
        return measured(name, self.graph, self.setup(**options))

    def setup(self, **options: Datum) -> Setup:
        """Return what metrics are asked for: this result's convention and batch, and these options."""
        return Setup(self.convention, **{"batch": self.batch, **spread(options)})

    def metrics(self, columns: str | Iterable[str] = (), **options: Datum) -> list[Measured]:
        """Return what the network has of several metrics, or of groups of them, asked for alike.

        columns: their names; without any, what the convention counts. Raises SpecError for an option that matters to
        none of them.
        """
        asked = names(columns, self.convention)
        refuse_idle(asked, spread(options))
        setup = self.setup(**options)
        return [measured(name, self.graph, setup) for name in asked or self.convention.quantities]

    def lines(self, by: str = "layer", fold: int | None = None) -> list[Line]:
        """Return the lines of a table: by `layer`, `row`, `type` or `block`; what lies deeper than `fold` is summed."""
        return lines(self.rows, by, fold)

    def table(
        self,
        by: str = "layer",
        fold: int | None = None,
        columns: str | Iterable[str] = (),
        *,
        slide: bool = False,
        **options: Datum,
    ) -> Table:
        """Return the lines as a table with parameters, operations and their shares.

        columns: these metrics instead, by name; options are theirs. With a column of `reports/body` among them, the
        table has those that are named and no others. slide: two decimals, and only what costs something.
        """
        chosen = self.chosen(columns)
        return self._table(self.lines(by, fold), chosen, self._measured(chosen, options), by, slide=slide)

    def chosen(self, columns: str | Iterable[str]) -> tuple[str, ...]:
        """Return the columns that are named: metrics, and what says what a line is; SpecError for another."""
        if not columns:
            return ()
        from costcalc.reports import body

        return body.names(columns, self.convention)

    def _measured(self, chosen: Sequence[str], options: Data) -> list[Measured]:
        """Return the metrics among some columns; what the convention counts where there are no columns."""
        if not chosen:
            return self.metrics(**options)
        from costcalc.reports import body

        asked = [name for name in chosen if not body.known(name)]
        refuse_idle(asked, spread(options))
        return self.metrics(asked, **options) if asked else []

    def _table(
        self, shown: Sequence[Line], chosen: Sequence[str], measures: Sequence[Measured], by: str, *, slide: bool
    ) -> Table:
        if len(measures) == len(chosen) or not chosen:
            return table(shown, measures, by, shares=not chosen, slide=slide)
        from costcalc.reports import body

        return body.table(body.lines(shown, self.graph, chosen, measures, by), chosen, measures, slide=slide)

    def page(
        self,
        by: str | None = None,
        fold: int | None = None,
        columns: str | Iterable[str] = (),
        *,
        bars: bool = False,
        slide: bool = False,
        **options: Datum,
    ) -> Page:
        """Return the report, which writes itself in any format: `result.page("type").written("markdown")`.

        by: what a line is, unless told a layer (in a CSV a row). bars: shares of the operations drawn, too. slide: one
        table of what costs something, two decimals, and a title without the knobs that are as the spec has them.
        """
        columns, every = self.chosen(columns), by in (None, "row") and fold is None
        measures, mark, view = self._measured(columns, options), self.convention.marked(columns), by or "layer"
        besides = () if columns or slide or view in GROUPED else ("type",)
        drawn = len(measures) < len(columns)  # some columns say what a line is

        def tables(first: list[Line] | None = None) -> list[Table]:
            views = [(view, first or self.lines(view, fold)), *((other, self.lines(other)) for other in besides)]
            made = [self._table(shown, columns, measures, view, slide=slide) for view, shown in views]
            return [barred(one) for one in made] if bars else made

        def told() -> list[Data]:
            if drawn:
                return self.drawn("row" if by is None and fold is None else view, fold, columns, **options)
            if every:
                return records(self.rows, measures, mark, whole=not columns)
            return folded(self.lines(view, fold), measures, view, mark)

        said = [*(totals(measures) if columns else [self.said()]), *self.notes(columns)]
        return Page(
            tables,
            told,
            lambda: self.to_dict(columns, by=by, fold=fold, **options),
            heading=heading(self.graph, short=slide),
            notes=said if measures else [note for note in said if note != self.convention.counted],
            shorter=None
            if drawn
            else shorter(self.rows, view, fold, lambda line: [over(one, line) for one in measures], tables),
        )

    def drawn(
        self, by: str = "layer", fold: int | None = None, columns: str | Iterable[str] = (), **options: Datum
    ) -> list[Data]:
        """Return one flat record a line of a table with columns of `reports/body`: their values, and the metrics'."""
        from costcalc.reports import body

        chosen = self.chosen(columns)
        measures = self._measured(chosen, options)
        shown = body.lines(self.lines(by, fold), self.graph, chosen, measures, by)
        return body.records(shown, chosen, measures, by, self.convention.marked(chosen))

    def said(self, *, exact: bool = True) -> str:
        """Return the totals in words: figure, with all digits behind where exact."""
        both = [(self.params, self.convention.things), (self.operations, self.unit)]
        behind = [f" ({figure(value, exact=True)})" if exact else "" for value, _ in both]
        return ", ".join(f"{figure(*one)}{digits}" for one, digits in zip(both, behind, strict=True))

    def heading(self) -> list[str]:
        """Return the lines above a table: the network, its knobs and input, where it comes from."""
        return heading(self.graph)

    def notes(self, columns: Sequence[str] = ()) -> list[str]:
        """Return what a reader must know beside the numbers: convention, batch, stated and shared rows, odd inputs.

        columns: the metrics that are shown.
        """
        odd = [f"! {self.graph.channel_warning}"] if self.graph.channel_warning else []
        return [*notes(self.rows, self.convention, self.batch, columns), *odd]

    def records(self, columns: str | Iterable[str] = (), **options: Datum) -> list[Data]:
        """Return one flat record a row, as the CSV and the DataFrame hold it: text and exact numbers only.

        columns: instead of all components these metrics, by name; options are theirs.
        """
        columns = self.chosen(columns)
        measures = self._measured(columns, options)
        if len(measures) < len(columns):
            return self.drawn("row", None, columns, **options)
        return records(self.rows, measures, self.convention.marked(columns), whole=not columns)

    def to_dict(
        self,
        columns: str | Iterable[str] = (),
        *,
        by: str | None = None,
        fold: int | None = None,
        **options: Datum,
    ) -> Data:
        """Return everything as plain data: the JSON that `--format json` writes.

        columns: metrics, by name, that each row and the whole are told with; options are theirs. Of columns that say
        what a line is, there are `lines` beside the rows: by `by`, folded to `fold` levels.
        """
        chosen, graph = self.chosen(columns), self.graph
        measures = self._measured(chosen, options)
        if len(measures) >= len(chosen) and (by or fold is not None):
            for_lines = " are for tables, CSV and columns of lines"
            hint = Hint(f"by and fold{for_lines}", f"--by and --fold{for_lines}")
            raise stop("JSON has every row and layer type", hint=hint)
        dims = {name: shape.dims for name, shape in graph.input_shapes.items()}
        report = {
            "costcalc_report": VERSION,
            "name": self.name,
            "source": graph.spec.meta.get("source"),
            "knobs": graph.knobs,
            "input": plain(dims[INPUT] if dims.keys() == {INPUT} else dims),
            "batch": self.batch,
            "convention": self.convention.to_dict(),
            "totals": {
                "params": or_none(self.params),
                OPERATIONS: or_none(self.operations),
                "unit": self.unit,
                self.convention.called: or_none(self.operations),
                "rows": len(self.rows),
            },
            "by_type": [
                {"type": kind, "params": or_none(part.params), OPERATIONS: or_none(part.operations)}
                for kind, part in self.by_type().items()
            ],
            "rows": [row.to_dict() for row in self.rows],
        }
        if len(measures) < len(chosen):
            report["lines"] = self.drawn(by or "layer", fold, chosen, **options)
        return with_metrics(report, measures) if chosen and measures else report

    def to_pandas(self, columns: str | Iterable[str] = (), **options: Datum) -> pd.DataFrame:
        """Return a DataFrame, a line a row, exact integers.

        columns: instead of all components these metrics, by name; options are theirs.
        """
        from costcalc.reports.frame import frame

        columns = self.chosen(columns)
        return frame(self.records(columns, **options), self._measured(columns, options), self.convention)

    def explore(self, *networks: Any, **words: Any) -> Any:
        """Return the page of `costcalc.explore(result, ...)`, which shows itself in a notebook; arguments as there."""
        # The one thing that a result offers of the floors above its own: found by name, when it is asked for.
        return import_module("costcalc.api").explore(self, *networks, **words)

    def _repr_html_(self) -> str:
        title, *rest = self.heading()
        by_layer = self.table()
        by_layer.summary = f"{plural(len(self.rows), 'row')}, by layer"
        said = [title, self.said(exact=False)]
        return Page(lambda: [self.table("type"), by_layer], heading=said, notes=[*rest, *self.notes()]).written("html")
