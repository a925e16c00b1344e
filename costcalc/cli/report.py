"""`costcalc report`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from costcalc import api
from costcalc.base.errors import SpecError, stop
from costcalc.cli import common
from costcalc.reports.lines import VIEWS
from costcalc.reports.result import Result
from costcalc.reports.table import Table, barred

if TYPE_CHECKING:
    from costcalc.metrics.metric import Measured

FORMATS = ("table", "markdown", "csv", "json", "latex")
SHORT = {  # options that stand for columns
    "flops": ("params", "macs", "elementwise"),
    "padding_aware": ("params", "macs", "real_macs"),
    "receptive_field": ("receptive_field", "effective_stride", "effective_padding", "field_centre"),
    "memory": ("activations", "activation_bytes", "bytes", "peak_memory"),
    "timed": ("macs", "latency", "latency_most", "bound"),
    "energy": ("macs", "energy", "energy_compute", "energy_onchip", "energy_dram"),
}


@click.command(cls=common.KnobCommand)
@common.spec_argument
@common.knob_option
@click.option("--by", type=click.Choice(VIEWS), help="What a line is; a CSV has every row unless told.")
@click.option("--fold", type=click.IntRange(1), metavar="N", help="Sum what lies deeper than N levels.")
@common.convention_option
@click.option("--batch", default=1, metavar="N", help="Images at once.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", help="What to write.")
@common.columns_option
@click.option(
    "--padding-aware", is_flag=True, help="Show the MACs on real pixels beside all: a shorthand of --columns."
)
@click.option(
    "--receptive-field", is_flag=True, help="Show what each row reads of the input: a shorthand of --columns."
)
@click.option("--memory", is_flag=True, help="Show activations, bytes, and what is alive: a shorthand of --columns.")
@click.option("--energy", is_flag=True, help="Show where energy goes, relative: a shorthand of --columns.")
@click.option("--bars", is_flag=True, help="Show each line's share of the operations as a bar, in place of its input.")
@click.option("--exact", is_flag=True, help="All digits.")
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Any) -> None:
    """Print what SPEC costs: a path, or a name of the zoo."""
    by, fold, output = options["by"], options["fold"], options["output"]
    shown = {"exact": options["exact"], "bars": options["bars"], "color": output is None and common.colored()}
    if options["format_"] == "json" and (by or fold):
        raise stop("JSON has every row and layer type: --by and --fold are for tables and CSV", hint="--format csv")
    if options["bars"] and options["format_"] != "table":
        raise stop(f"--bars is for tables on a terminal, not for {options['format_']}")
    # FLOPs are of multiply-accumulates; what element-wise operations there are stands beside them.
    options["flops"] = ctx.meta.get(common.UNIT) == "flops" and not (options["columns"] or options["bars"])
    options["timed"] = bool(options["device"]) and not options["columns"]  # --device alone asks for times
    names, given = common.metrics(options, tuple(n for flag, part in SHORT.items() if options[flag] for n in part))
    if names and options["bars"]:
        raise stop("--bars are of MACs, and other columns were asked for", hint="use one of them")
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = counted(loaded, knobs, common.input_shape(input_), options)
    if names:
        columns = result.metrics(names, **given)
        common.write(measured(result, columns, by, fold, options["format_"], **shown), output)
    else:
        common.write(written(result, by, fold, options["format_"], **shown), output)


def counted(spec: Any, knobs: dict[str, Any], shape: tuple[int, ...] | None, options: dict[str, Any]) -> Result:
    """Count; where a shape is wrong, show the rows that were still right before the mistakes."""
    try:
        return api.count(spec, convention=options["convention"], input=shape, batch=options["batch"], **knobs)
    except SpecError as error:
        if error.rows:
            click.echo("\n".join(right(error.rows)), err=True)
        raise


def right(nodes: Any) -> list[str]:
    """Return the last rows before a mistake, as text: name, type, shapes."""
    shown = nodes[-12:]
    said = [f"... {len(nodes) - len(shown)} rows before"] if len(nodes) > len(shown) else []
    wide = max(len(node.name) for node in shown)
    return [*said, *(f"{n.name:{wide}}  {n.op.type(n.x)}: {_shape(n.x)} -> {_shape(n.y)}" for n in shown), ""]


def _shape(shape: Any) -> str:
    return ", ".join(str(part) for part in shape) if isinstance(shape, tuple) else str(shape)


def written(
    result: Result, by: str | None, fold: int | None, format_: str, *, exact: bool, color: bool, bars: bool = False
) -> str:
    """Return a result in a format."""
    if format_ == "json":
        import json

        return json.dumps(result.to_dict(), indent=2)
    if format_ == "csv":
        from costcalc.reports.records import folded
        from costcalc.reports.render import csv

        if by in (None, "row") and fold is None:
            return csv.render(result.records())
        by = by or "layer"
        return csv.render(folded(result.lines(by, fold), by, result.convention.mark))
    tables = [result.table(by or "layer", fold), *([] if by in ("type", "block") else [result.table("type")])]
    drawn = [barred(table) for table in tables] if bars else tables
    return laid_out(result, drawn, [totals(result), *result.notes()], format_, exact=exact, color=color)


def measured(
    result: Result,
    columns: Sequence[Measured],
    by: str | None,
    fold: int | None,
    format_: str,
    *,
    exact: bool,
    color: bool,
    bars: bool = False,
) -> str:
    """Return a result under the chosen columns, in a format."""
    del bars
    from costcalc.reports import columns as tables

    if format_ == "json":
        import json

        return json.dumps(tables.with_metrics(result.to_dict(), columns), indent=2)
    shown, mark = result.lines(by or "layer", fold), result.convention.mark
    if format_ == "csv":
        from costcalc.reports.render import csv

        if by in (None, "row") and fold is None:
            return csv.render(tables.records(result.layers, columns, mark))
        return csv.render(tables.folded(shown, columns, by or "layer", mark))
    table = tables.table(shown, columns, by or "layer")
    return laid_out(result, [table], [*tables.totals(columns), *result.notes()], format_, exact=exact, color=color)


def laid_out(result: Result, tables: list[Table], below: list[str], format_: str, *, exact: bool, color: bool) -> str:
    """Return tables of a result under its heading, what is to be said below them, in a format for people."""
    if format_ == "markdown":
        from costcalc.reports.render import markdown

        parts = [markdown.render(table, exact=exact) for table in tables]
        return "\n\n".join(["  \n".join(result.heading()), *parts, "  \n".join(below)])
    if format_ == "latex":
        from costcalc.reports.render import latex

        said = [*result.heading(), *below]
        return "\n\n".join(latex.render(table, said if n == 0 else [], exact=exact) for n, table in enumerate(tables))
    from costcalc.reports.render import text

    parts = [text.render(table, columns=common.columns(), exact=exact, color=color) for table in tables]
    title, *rest = (text.wrapped(line, common.columns()) for line in result.heading())
    title = f"{text.BOLD}{title}{text.RESET}" if color else title
    return "\n".join([title, *rest, "", "\n\n".join(parts), "", *below])


def totals(result: Result) -> str:
    """Return the totals in words: readable, with all digits behind."""
    from costcalc.reports.render.figures import readable

    params = f"{readable(result.params)} {result.convention.things} ({result.params:,})"
    return f"{params}, {readable(result.total)} {result.unit} ({result.total:,})"
