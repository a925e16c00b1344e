"""`costcalc conventions`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.cli import common
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.explanations import tool_differences
from costcalc.reports.page import Page
from costcalc.reports.render import text
from costcalc.reports.result import Result
from costcalc.reports.table import Table

ABOUT_SPEC = ("pairs", "input_", "batch", "format_", "exact")  # options that say nothing without one


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc conventions
    costcalc conventions resnet50 --only fvcore,thop
    """,
)
@click.argument("spec", required=False, shell_complete=common.complete_spec)
@common.knob_option
@click.option("--only", metavar="NAMES", help="Of SPEC, these conventions: fvcore,thop,my.yaml.")
@common.batch_option
@common.all_option
@common.table_option
@common.exact_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str | None, pairs: tuple[str, ...], **options: Datum) -> None:
    """Tell what each convention counts; --convention NAME, or the path of a file, chooses one.

    With SPEC: what each tool would say of it, a column a tool, a line an operator.
    """
    only = [name.strip() for name in (options["only"] or "").split(",") if name.strip()]
    if spec is None:
        if ctx.meta.get(common.KNOBS) or any(common.was_given(ctx, name) for name in ABOUT_SPEC):
            raise stop("knobs, --input, --batch, --format and --exact are about a SPEC", hint="name one")
        rules = [conventions.get(name) for name in only or conventions.names()]
        heads = [f"{rule.name}: {rule.says}" for rule in rules]
        common.write_entries([line for rule in rules for line in told(rule)], heads, options, "--only NAME all of one")
        return
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = api.count(loaded, input=common.input_shape(options["input_"]), batch=options["batch"], knobs=knobs)
    rules = [conventions.get(name) for name in only] or tool_differences.tools()
    show(result, rules, options)


def told(rule: Convention) -> list[str]:
    """Return what a convention is: what it counts, by which formulas, from where."""
    default = " (the default)" if rule.name == conventions.DEFAULT else ""
    said = [f"{rule.label}{default}: {rule.says}"]
    said += [f"  {rule.things:10} {rule.params}", f"  {rule.unit:10} {rule.operations}"]
    for one in rule.rules:
        counted = ", ".join(f"{key} {formula.text}" for key, formula in one.formulas.items())
        said += [f"  - {', '.join(one.kinds)}: {counted}", *([f"    {one.note}"] if one.note else [])]
    return [*said, *tool_differences.provenance(rule), ""]


def show(result: Result, rules: list[Convention], options: Data) -> None:
    """Write the table; on a terminal as many tables below each other as its width takes."""

    def tables() -> list[Table]:
        whole = tool_differences.table(result, rules, exact=options["exact"])
        shown = options["format_"] == "table" and not options["output"]
        return text.beside(whole, common.columns(), 2, exact=options["exact"]) if shown else [whole]

    marks: list[Data] = [{"convention": rule.name, "hash": rule.stamp, "unit": rule.unit} for rule in rules]
    records = tool_differences.records(result, rules)
    common.write_page(Page(tables, lambda: with_units(records, rules), lambda: [*marks, *records]), options)


def with_units(records: list[Data], rules: list[Convention]) -> list[Data]:
    """Return records for CSV, which has no place for what the columns count but their names."""
    units = {rule.label: f"{rule.label} {rule.unit}" for rule in rules}
    return [{units.get(key, key): value for key, value in line.items()} for line in records]
