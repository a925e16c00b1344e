"""`costcalc verify`."""

from __future__ import annotations

import sys

import click

from costcalc.base import Data, Datum
from costcalc.base.progress import steps
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.graph.expand import expand
from costcalc.interop.torch import verify
from costcalc.interop.torch.verify import QUANTITIES, Check, Verification
from costcalc.interop.weights import files
from costcalc.interop.weights.compare import Compared, compare
from costcalc.language import zoo
from costcalc.numbers.text import figure
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table

TITLES = dict(zip(QUANTITIES, ("output", "params", "buffers", "MACs"), strict=True))


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc verify mobilenet_v1
    """,
)
@click.argument("specs", nargs=-1, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@click.option("--all", "everything", is_flag=True, help="Every network of the zoo.")
@usage.option("--rows", "by_row", is_flag=True, group=usage.LINES, help="Show every row, not only those that differ.")
@click.option("--device", type=click.Choice(verify.DEVICES), default="meta", help="meta computes nothing.")
@click.option("--weights", metavar="FILE", help="Compare with weights: .safetensors, .pt, .npz.")
@common.table_option
@common.output_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    specs: tuple[str, ...],
    pairs: tuple[str, ...],
    input_: str | None,
    device: str,
    weights: str | None,
    *,
    everything: bool,
    by_row: bool,
    **options: Datum,
) -> None:
    """Build each SPEC in PyTorch, run it once, and compare with what costcalc counts.

    Row by row and in total: output shape, parameters, buffers, and MACs by PyTorch's own counter of
    operations. Exit code 1 on any difference. Needs torch: pip install 'costcalc[torch]'. With --weights nothing is
    built: the tensors of a file are held against the layers of one SPEC, by names, shapes and order.
    """
    if weights is not None:
        if len(specs) != 1 or everything or device != "meta":
            ctx.fail("--weights takes one SPEC, and no --all and --device")
        spec, knobs = common.chosen(ctx, specs[0], pairs)
        one = compare(expand(spec, knobs, common.input_shape(input_)), files.read(weights))
        common.write_page(weights_page(one, every=by_row), options)
        sys.exit(0 if one.agrees else 1)
    if specs and everything:
        ctx.fail("name a SPEC, or --all, not both")
    if not specs and not everything:
        ctx.fail("name a SPEC, or --all for every network of the zoo")
    found: dict[str, Verification] = {}
    named = [*zoo.networks()] if everything else specs
    for name in steps(named, "networks", len(named)) if len(named) > 1 else named:
        spec, knobs = common.chosen(ctx, name, pairs)
        found[name] = verify.verify(expand(spec, knobs, common.input_shape(input_)), device)
    good = all(one.agrees for one in found.values())
    differing = [] if good or by_row else [(name, check) for name, one in found.items() for check in one.differing]
    page = Page(
        lambda: (
            [row_table(found, every=True)]
            if by_row
            else [network_table(found), *([row_table(found, every=False)] if differing else [])]
        ),
        lambda: row_records(found) if by_row else [summary(name, one) for name, one in found.items()],
        notes=[f"{name}: {one.name}: PyTorch stops: {one.refusal}" for name, one in differing if one.refusal],
    )
    common.write_page(page, options)
    sys.exit(0 if good else 1)


def weights_page(one: Compared, *, every: bool) -> Page:
    """Return a line for each layer that differs from the file, or for every layer; and what the file holds in all."""
    pairs = one.pairs if every else one.differing

    def table() -> list[Table]:
        if not pairs:
            columns = [Column("layers", "number"), Column("params", "number"), Column("verdict")]
            return [Table(columns, [[str(len(one.pairs)), shown(one.ours), one.said().rpartition(": ")[2]]], [])]
        columns = [
            Column("row"), Column("type"), Column("params", "number"), Column("in the file"),
            Column("numbers", "number"), Column("verdict"),
        ]  # fmt: skip
        cells = [
            [
                pair.row.name if pair.row else "",
                pair.row.type if pair.row else "",
                shown(pair.ours) if pair.row else "",
                f"{pair.group.path}: {pair.group.shapes}" if pair.group else "",
                shown(pair.theirs) if pair.group else "",
                pair.verdict,
            ]
            for pair in pairs
        ]
        return [Table(columns, cells, ["total", "", shown(one.ours), "", shown(one.theirs), ""])]

    kinds = ", ".join(f"{count:,} {kind}" for kind, count in one.kinds.items())
    notes = [one.said(), f"numbers: {kinds or 'none'}"]
    if one.statistics:
        statistics = sum(stored.size for stored in one.statistics)
        notes.append(f"beside them {statistics:,} numbers of statistics and indices")
    return Page(table, lambda: [pair.to_dict() for pair in pairs], notes=notes)


def summary(name: str, one: Verification) -> Data:
    """Return what is said of a network; its numbers are those of the rows that were compared."""
    return {
        "network": name,
        "rows": len(one.checks),
        "stated": one.count(verify.STATED),
        "unknown": one.count(verify.UNKNOWN),
        **{quantity: one.whole.ours[quantity] for quantity in QUANTITIES},
        "verdict": verify.AGREES if one.agrees else verify.DIFFERS,
        "differing": "; ".join(f"{check.name}: {', '.join(told(check))}" for check in one.differing),
    }


def told(check: Check) -> list[str]:
    """Return the differences of a row, in words."""
    said = [f"{TITLES[q]} {shown(check.ours[q])}, PyTorch {shown(check.theirs[q])}" for q in check.differing]
    return said + ([f"PyTorch stops: {check.refusal}"] if check.refusal else [])


def shown(value: Datum) -> str:
    """Return a number with all digits, a shape as it is, and a word where a number is unknown."""
    return figure(verify.said(value), exact=True)


def network_table(found: dict[str, Verification]) -> Table:
    """Return a line a network."""
    columns = [
        Column("network"), Column("rows", "number"), Column("params", "number"), Column("buffers", "number"),
        Column("MACs", "number"), Column("verdict"),
    ]  # fmt: skip
    cells = [
        [
            name,
            str(len(one.checks)),
            *(shown(one.whole.ours[q]) for q in QUANTITIES[1:]),
            verdict(one),
        ]
        for name, one in found.items()
    ]
    number = plural(len(found), "network")
    bad = sum(not one.agrees for one in found.values())
    rows = str(sum(len(one.checks) for one in found.values()))
    return Table(columns, cells, [number, rows, "", "", "", f"{bad} differ" if bad else "all agree"])


def verdict(one: Verification) -> str:
    """Return the verdict on a network, with what was not compared."""
    apart = [f"{one.count(word)} {word}" for word in (verify.STATED, verify.UNKNOWN) if one.count(word)]
    if one.agrees:
        return ", ".join([verify.AGREES, *apart])
    rows = sum(check is not one.whole for check in one.differing)
    return ", ".join([f"{verify.DIFFERS} in {plural(rows, 'row')}", *apart])


def row_table(found: dict[str, Verification], *, every: bool) -> Table:
    """Return a line a row, or a line for each number in which the two roads differ."""
    columns = [Column("row")]
    if every:
        columns += [Column("output"), *(Column(TITLES[q], "number") for q in QUANTITIES[1:]), Column("verdict")]
    else:
        columns += [Column("what"), Column("costcalc", "number"), Column("PyTorch", "number")]
    network = [Column("network")] if len(found) > 1 else []
    cells = []
    for name, one in found.items():
        for check in (*one.checks, one.whole) if every else one.differing:
            for line in [whole_line(check)] if every else differences(check):
                cells.append([name, check.name, *line][0 if network else 1 :])
    number = plural(len(cells), "line")
    return Table([*network, *columns], cells, [number, *[""] * (len(network) + len(columns) - 1)])


def whole_line(check: Check) -> list[str]:
    """Return our numbers of a row, and the verdict with what PyTorch has instead."""
    word = check.verdict
    said = "; ".join(told(check))
    return [*(shown(check.ours[q]) for q in QUANTITIES), f"{word}: {said}" if said else word]


def differences(check: Check) -> list[list[str]]:
    """Return each number of a row that differs: what it is, ours and PyTorch's; and whether PyTorch stops there."""
    cells = [[TITLES[q], shown(check.ours[q]), shown(check.theirs[q])] for q in check.differing]
    return cells + ([["run", "", "stops"]] if check.refusal else [])


def row_records(found: dict[str, Verification]) -> list[Data]:
    """Return every row of every network, both roads' numbers, and a record of each whole."""
    return [{"network": name} | check.to_dict() for name, one in found.items() for check in (*one.checks, one.whole)]
