"""`costcalc training`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.comparisons.budgets import amount
from costcalc.measures.metric import OPTIONS
from costcalc.measures.training import demand, largest_batch
from costcalc.numbers.num import UNKNOWN, Dim, or_none, percentage
from costcalc.reports.columns import totals, written
from costcalc.reports.page import Page
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table

COLUMNS = ("macs", "backward_macs", "training_macs", "saved", "training_memory")
PARTS = {
    "weights": "weights and buffers",
    "gradients": "one for each number that learns",
    "optimizer": "what the optimizer keeps",
    "saved": "activations kept for the backward pass",
    "passing": "a row's gradients, or the forward pass",
}


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc training resnet50 --batch 32 --memory 24G
    """,
)
@common.spec_argument
@common.knob_option
@common.batch_option
@click.option("--optimizer", type=click.Choice(OPTIONS["optimizer"].words), default="sgd", help="what keeps numbers.")
@click.option("--freeze", multiple=True, metavar="PATTERN", help="Layers that do not learn: 'stage1*'.")
@click.option("--amp", is_flag=True, help="Mixed precision: activations 16 bits, the rest 32.")
@click.option("--checkpoint", type=usage.WholeFromOne(), metavar="K", help="Compute K segments' insides again.")
@click.option("--memory", metavar="BYTES", help="The largest batch that fits: 24G, 16GiB.")
@common.table_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Print what training SPEC costs: a step's work, what is kept for the backward pass, what memory must hold.

    It follows PyTorch's autograd, in 32 bits without checkpoints unless told. An allocator's margin and cuDNN's
    workspaces come on top.
    """
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = api.count(loaded, input=common.input_shape(input_), batch=options["batch"], knobs=knobs)
    given = {"optimizer": options["optimizer"], "freeze": ",".join(options["freeze"]), "amp": options["amp"]}
    given |= {"checkpoint": options["checkpoint"]}
    most = amount(options["memory"]) if options["memory"] else None
    fits = None if most is None else largest_batch(result.graph, result.setup(**given), most)
    if most is not None and options["format_"] == "csv":
        raise stop("--memory's largest batch stands in JSON, and below a table", hint="--format json")
    common.write_page(demanded(result, given, options["memory"], fits), options)


def demanded(result: Result, given: Data, memory: str | None, fits: Dim) -> Page:
    """Return the demand as a page, and the rest in words."""
    most = amount(memory) if memory else None
    needed = demand(result.graph, result.setup(**given))
    parts = needed._asdict()
    cells = [[name, value, percentage(value, needed.total), PARTS[name]] for name, value in parts.items()]
    columns = [Column("memory"), Column("bytes", "count"), Column("%", "share"), Column("what")]
    return Page(
        lambda: [Table(columns, cells, ["total", needed.total, percentage(needed.total, needed.total), ""])],
        lambda: [{"part": name, "bytes": or_none(value)} for name, value in parts.items()],
        lambda: result.to_dict(COLUMNS, **given) | {"largest_batch": or_none(fits), "memory": most},
        heading=result.heading(),
        notes=said(result, given, memory, fits),
    )


def said(result: Result, given: Data, memory: str | None, fits: Dim) -> list[str]:
    """Return the work of a step and the largest batch, in words."""
    forward, backward, step, *_, demanded = result.metrics(COLUMNS, **given)
    ratio = f" ({step.total / forward.total:.2f} times the forward pass)" if forward.total else ""
    parts = [f"forward {written(forward.total)}", f"backward {written(backward.total)}"]
    parts += ["forward again for checkpoints"] if given["checkpoint"] else []
    lines = [f"a step: {written(step.total)} MACs{ratio}: {', '.join(parts)}"]
    stated = [node.name for node, macs in zip(result.graph.nodes, backward.rows, strict=True) if macs is UNKNOWN]
    if stated:
        also = f" and {plural(len(stated) - 1, 'other row')}" if stated[1:] else ""
        lines.append(f"nobody knows what gradients of {stated[0]}{also} take: the forward pass is stated, not derived")
    if fits is not None:
        lines.append(f"largest batch in {memory}: {fits or 'none: not even one image fits'}")
    return [*lines, totals([demanded])[0].partition(" (")[2].rstrip(")")]
