"""`costcalc sweep`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from costcalc.base import Data, Datum
from costcalc.base.arguments import texts
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.costs import conventions
from costcalc.language.document import Spec
from costcalc.language.yaml_text import typed
from costcalc.measures.metric import Setup, find, titles
from costcalc.numbers.num import UNKNOWN
from costcalc.numbers.text import figure
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table
from costcalc.sweeps.grids import axes_of, values_of

if TYPE_CHECKING:
    import pandas as pd

    from costcalc.sweeps.chunks import Columns, Task
    from costcalc.sweeps.mappers import Mapper

MOST_LINES = 10_000  # of a table that is shown
LEAST_DRAWN = 3  # values of a sparkline
SUFFIXES = {".csv": "csv", ".json": "json", ".md": "markdown", ".parquet": "parquet"}
format_option = usage.option(
    "--format",
    "format_",
    type=click.Choice(common.TABLE_FORMATS),
    metavar="WHAT",
    group=usage.OUTPUT,
    help="by FILE's ending too.",
)
output_option = common.output("Write to .csv, .json, .md or .parquet.")


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc sweep mobilenet_v1 --width 0.25:1:0.25 --resolution 128,224
    costcalc sweep resnet18 --depths [1,1,1,1],[2,2,2,2] -o depths.csv
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@usage.option("--zip", "zipped", is_flag=True, help="Take the knobs' values in turn, not crossed.")
@usage.option(
    "--per", type=click.Choice(("layer", "type")), metavar="WHAT", group=usage.LINES, help="a line each, of a setting."
)
@usage.option("--where", default="", metavar="CONDITION", group=usage.LINES, help='Only "macs < 300M and params < 4M".')
@common.all_option
@usage.option("--top", type=usage.WholeFromOne(), metavar="N", group=usage.LINES, help="Only the best N.")
@usage.option(
    "--sort", "by", default="", metavar="NAMES", group=usage.LINES, help="Best by what: -macs (most first) unless told."
)
@usage.option(
    "--pareto", default="", metavar="NAMES", group=usage.LINES, help="What no other beats: macs,-width (- for more)."
)
@common.convention_option
@common.batch_option
@common.columns_option
@usage.option("--jobs", type=usage.WholeFromOne(), default=1, metavar="N", help="Count in N processes.")
@click.option("--dask", metavar="ADDRESS", help="Count on a Dask cluster. Needs dask.")
@click.option("--resume", metavar="FILE", help="Keep what is found in FILE; go on from there.")
@format_option
@output_option
@click.pass_context
def command(ctx: click.Context, /, specs: tuple[str, ...], pairs: tuple[str, ...], **options: Datum) -> None:
    """Count SPEC at every combination of knobs.

    A knob takes values and ranges: --width 0.25,0.5 --resolution 128:224:32 --block basic,bottleneck;
    lists are put in brackets: --depths [2,2,2,2],[3,4,6,3]. Sizes that fit no memory are walked in
    blocks: with --where, --top, --pareto, or as Parquet files.
    """
    shape = common.input_shape(options["input_"])
    loaded = [(name, common.loaded(name, shape)) for name in specs]
    for _, spec in loaded:
        common.tell_channels(spec, {}, shape)
    axes = axes_of(given(ctx, loaded[0][1], pairs), zipped=options["zipped"])
    format_ = format_of(options["format_"], options["output"])
    options["metrics"], setup = common.metrics(options)
    table = answered(loaded, axes, format_, options, setup)
    if table is not None:
        one = len(axes) == len(axes[0]) == 1 and not any(options[name] for name in ("per", "where", "top", "pareto"))
        trend = trends(table) if one and format_ == "table" and options["output"] is None else []
        write(table, format_, options["output"], {"batch": options["batch"], **setup}, trend, every=options["every"])


def given(ctx: click.Context, spec: Spec, pairs: tuple[str, ...]) -> dict[str, list[Datum]]:
    """Return the knobs of the command line with their values."""
    texts = common.knobs_given(ctx, pairs, spec)
    if not texts:
        known = ", ".join(common.as_options(ctx, spec.knobs)) or "none"
        raise stop("there is nothing to sweep over", hint=f"give a knob its values: --width 0.5,1 (knobs: {known})")
    return {name: values_of(spec, name, text) for name, text in texts.items()}


def format_of(format_: str | None, output: str | None) -> str:
    """Return the format asked for, by its name or by the file's suffix."""
    suffix = SUFFIXES.get(os.path.splitext(output or "")[1]) if format_ else common.by_ending(output or "", SUFFIXES)
    if format_ and suffix and format_ != suffix:
        raise stop(f"{output} is for {suffix}, not {format_}", hint="leave --format out")
    return format_ or suffix or "table"


def answered(
    loaded: Sequence[tuple[str, Spec]],
    axes: list[dict[str, list[Datum]]],
    format_: str,
    options: Data,
    setup: Data,
) -> pd.DataFrame | None:
    """Return the sweep's answer as a DataFrame; None where it was written to part files."""
    from costcalc.sweeps import chunks, tables
    from costcalc.sweeps.parquet import folded

    refuse_idle(options)
    by, pareto = texts(options["by"] or (), "--by"), texts(options["pareto"] or (), "--pareto")
    question = chunks.Question(options["where"], options["top"], by, pareto)
    shape = common.input_shape(options["input_"])
    counted: Data = {"convention": options["convention"], "shape": shape, "batch": options["batch"]}
    counted |= {"columns": options["metrics"], "setup": setup}
    mapper = mapper_of(options)
    if not options["per"]:
        tasks = [chunks.Task(spec, axes, question, **counted) for _, spec in loaded]
        if format_ == "parquet" and any(len(chunks.ready(task).blocks) > 1 for task in tasks):
            if options["resume"]:
                raise stop("part files are gone on with by themselves", hint="leave --resume out")
            if len(tasks) > 1:
                raise stop("part files hold the sweep of one network", hint="sweep each SPEC into a folder of its own")
            parted(tasks[0], options["output"], mapper)
            return None
        limited(tasks[0], format_)

    def walked(task: Task) -> Columns:
        return folded(task, mapper, options["resume"])

    return tables.sweep(loaded, axes, question, **counted, view=options["per"] or "", folded=walked)


def refuse_idle(options: Data) -> None:
    """Refuse options that have no effect beside others, instead of passing them over."""
    if options["dask"] is not None and options["jobs"] > 1:
        raise stop("--dask and --jobs are two ways to count", hint="use one of them")
    ways = [name for name in ("dask", "resume") if options[name] is not None] + ["jobs"] * (options["jobs"] > 1)
    resume, output = options["resume"], options["output"]
    if resume and output and os.path.realpath(resume) == os.path.realpath(output):
        raise stop(f"{resume} can't hold both what is found so far and the answer", hint="name another file with -o")
    if options["per"] and ways:
        raise stop(f"--per is counted in this process, at once, without --{ways[0]}", hint="use one of them")


def limited(task: Task, format_: str) -> None:
    """Refuse to print more lines than anybody reads."""
    if task.question.folds:
        return
    size = task.grid.size
    if format_ in ("table", "markdown") and size > MOST_LINES:
        raise stop(
            f"the sweep has {size:,} settings, and a table {MOST_LINES:,} lines at most",
            hint="ask for less with --where, --top or --pareto, or write it: -o NAME.csv or NAME.parquet",
        )


def mapper_of(options: Data) -> Mapper:
    """Return who counts: this process, several, or a cluster."""
    from costcalc.sweeps import mappers

    if options["dask"] is not None:
        return mappers.dask(options["dask"])
    return mappers.processes(options["jobs"]) if options["jobs"] > 1 else mappers.here


def parted(task: Task, folder: str, mapper: Mapper) -> None:
    """Write the sweep as part files."""
    from costcalc.sweeps import parquet

    written, before = parquet.write(task, folder, mapper)
    there = f", {before} were there" if before else ""
    common.tell(f"{folder}: {plural(written, 'part file')} written{there}; {plural(task.grid.size, 'setting')}")


def write(
    table: pd.DataFrame,
    format_: str,
    output: str | None,
    options: Data,
    trend: Sequence[str] = (),
    *,
    every: bool = True,
) -> None:
    """Write the answer in its format; options are those that metrics were counted under, trend what to draw below."""
    if format_ == "parquet":
        from costcalc.sweeps.parquet import single

        assert output is not None
        single(table, output)
        common.tell(f"{output}: {plural(len(table), 'setting')}")
        return
    rule = conventions.get(table.attrs["convention"])
    setup = Setup(rule, **options)
    page = Page(
        lambda: [shown(table, setup)],
        lambda: [row | rule.marked(table.attrs["columns"]) for row in plain(table)],
        notes=[*rule.told(table.attrs["columns"]), *common.under(setup, table.attrs["columns"]), *trend],
    )
    common.write_page(page, {"format_": format_, "output": output, "every": every})


def trends(table: pd.DataFrame) -> list[str]:
    """Return a line a network that shows how its operations go with a knob of three values or more."""
    from costcalc.reports import sparklines

    rule = conventions.get(table.attrs["convention"])
    groups = table.groupby("network", sort=False) if "network" in table else [("", table)]
    found = []
    for name, part in groups:
        values = part[rule.called].dropna().tolist() if rule.called in part else []
        if len(values) >= LEAST_DRAWN:
            line = sparklines.spark(values, plain=sparklines.ascii_only())
            found.append(f"{rule.unit} {line} {figure(values[0])} to {figure(values[-1])} {name}".rstrip())
    return found


def plain(table: pd.DataFrame) -> list[Data]:
    """Return the lines as Python's own values."""
    columns = {name: table[name].tolist() for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def shown(table: pd.DataFrame, setup: Setup) -> Table:
    """Return the answer as a table for people."""
    found = {name: find(name) for name in table.attrs["columns"]}
    heads = {name: (title, found[name].kind) for name, title in titles(found.values(), setup).items()}
    columns = [Column(*heads.get(name, (name, "text"))) for name in table.columns]
    cells = [[_cell(value) for value in row.values()] for row in plain(table)]
    totals = [plural(len(cells), "line"), *[""] * (len(columns) - 1)]
    return Table(columns, cells, totals)


def _cell(value: Datum) -> Datum:
    """Return a value as a table shows it."""
    return UNKNOWN if value is None else typed(value) if isinstance(value, list | bool) else value
