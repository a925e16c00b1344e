"""`costcalc report`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from costcalc import api
from costcalc.base import Data, Datum, InputShape
from costcalc.base.errors import SpecError, stop
from costcalc.cli import common, usage
from costcalc.graph.graph import Node
from costcalc.language.document import Spec
from costcalc.numbers.shape import listed
from costcalc.reports.lines import VIEWS
from costcalc.reports.result import Result

FORMATS = ("table", "markdown", "csv", "json", "latex")
SHORT = {  # options that stand for a group of metrics
    "flops": "work",
    "padding_aware": "padding_aware",
    "receptive_field": "receptive_fields",
    "memory": "memory",
    "timed": "times",
    "energy": "energies",
}


def shorthand(name: str, said: str) -> Callable[[usage.F], usage.F]:
    """Declare a flag that stands for several columns."""
    return usage.option(name, is_flag=True, group=usage.COLUMNS, help=said)


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc report mobilenet_v1 --width 0.5
    costcalc report resnet50 --by type --columns macs,peak_memory
    """,
)
@common.spec_argument
@common.knob_option
@common.view_options(VIEWS)
@common.convention_option
@usage.option("--batch", default=1, metavar="N", group=usage.COUNTED, help="Images at once.")
@common.format_option(FORMATS)
@common.columns_option
@shorthand("--padding-aware", "MACs on real pixels beside all.")
@shorthand("--receptive-field", "What each row reads of the input.")
@shorthand("--memory", "Activations, bytes, and what is alive at once.")
@shorthand("--energy", "Where energy goes, relative.")
@shorthand("--bars", "A line's share of the operations as a bar.")
@usage.option("--slide", is_flag=True, group=usage.OUTPUT, help="For a slide: what costs, two decimals, short title.")
@common.exact_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Print what SPEC costs: a path, or a name of the zoo."""
    by, fold, format_ = options["by"], options["fold"], options["format_"]
    if options["bars"] and format_ != "table":
        raise stop(f"--bars is for tables on a terminal, not for {format_}")
    if options["slide"] and (format_ in ("csv", "json") or options["exact"]):
        raise stop(f"--slide rounds, and {'--exact' if options['exact'] else format_} has all digits")
    # FLOPs are of multiply-accumulates; what element-wise operations there are stands beside them.
    options["flops"] = ctx.meta.get(common.UNIT) == "flops" and not (options["columns"] or options["bars"])
    options["timed"] = bool(options["device"]) and not options["columns"]  # --device alone asks for times
    shorthands = tuple(group for flag, group in SHORT.items() if options[flag])
    names, given = common.metrics(options, shorthands, lines=True)
    if names and options["bars"]:
        raise stop("--bars are of MACs, and other columns were asked for", hint="use one of them")
    refuse_idle(ctx, names, options)
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = counted(loaded, knobs, common.input_shape(input_), options)
    page = result.page(by, fold, names, bars=options["bars"], slide=options["slide"], **given)
    common.write_page(page, options)


def refuse_idle(ctx: click.Context, names: Sequence[str], options: Data) -> None:
    """Raise SpecError for a convention or a batch beside columns of none; JSON has what a line costs, too."""
    if not names or options["format_"] == "json":
        return
    from costcalc.reports import body

    if not all(map(body.known, names)):
        return
    given = {"unit": ctx.meta.get(common.UNIT), "convention": options["convention"], "batch": options["batch"]}
    for name, value in given.items():
        if value not in (None, "macs", "costcalc", 1):
            raise stop(
                f"--{name} does not matter to {', '.join(names)}", hint=f"add a metric: --columns {names[0]},params"
            )


def counted(spec: Spec, knobs: Data, shape: InputShape | None, options: Data) -> Result:
    """Count; where a shape is wrong, show the rows that were still right before the mistakes."""
    try:
        return api.count(spec, convention=options["convention"], input=shape, batch=options["batch"], knobs=knobs)
    except SpecError as error:
        if error.rows:
            common.tell(*right(error.rows))
        raise


def right(nodes: Sequence[Node]) -> list[str]:
    """Return the last rows before a mistake, as text: name, type, shapes."""
    shown = nodes[-12:]
    said = [f"... {len(nodes) - len(shown)} rows before"] if len(nodes) > len(shown) else []
    wide = max(len(node.name) for node in shown)
    return [*said, *(f"{n.name:{wide}}  {n.op.type(n.x)}: {listed(n.x)} -> {listed(n.y)}" for n in shown), ""]
