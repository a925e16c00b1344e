"""`costcalc explore`."""

from __future__ import annotations

import os
import re

import click

from costcalc.base import Datum
from costcalc.base.arguments import texts
from costcalc.cli import common
from costcalc.hardware.words import DTYPES
from costcalc.measures.metric import MODES


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc explore resnet50
    costcalc explore mobilenet_v2 --width 0.25:1.5:0.05 -o v2.html
    costcalc explore resnet50 --vary block
    costcalc explore mobilenet_v1 mobilenet_v2
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@click.option(
    "--vary",
    default="",
    metavar="KNOBS",
    shell_complete=common.complete_knob,
    help="Hold all values of these, too: variant,block.",
)
@common.convention_option
@common.batch_option
@click.option(
    "--device",
    metavar="NAME",
    shell_complete=common.complete_device,
    help="On which times are shown first: any can be chosen.",
)
@click.option("--dtype", type=click.Choice(tuple(DTYPES)), help="of numbers on it.")
@click.option("--mode", type=click.Choice(MODES), help="who manages memory.")
@click.option("--bits", type=click.IntRange(1, 64), metavar="N", help="Bits of an activation: 32 unless told.")
@common.output("The page: NAME.html unless told.")
@click.pass_context
def command(ctx: click.Context, /, specs: tuple[str, ...], pairs: tuple[str, ...], **options: Datum) -> None:
    """Write a page that shows where the cost of SPEC goes, and moves with its knobs.

    It is one HTML file that opens from disk: sliders, all conventions and devices, the graph, tables and charts; every
    count is exact where the sliders stand. Knobs take the values of costcalc sweep: --width 0.25:2:0.05.
    """
    from costcalc.explorer.pages import Shown, explored
    from costcalc.sweeps.grids import values_of

    shape = common.input_shape(options["input_"])
    vary = texts(options["vary"] or (), "--vary")
    loaded = [(name, common.loaded(name, shape)) for name in specs]
    shown = []
    for name, spec in loaded:
        common.tell_channels(spec, {}, shape)
        given = common.knobs_given(ctx, pairs, spec, [other for _, other in loaded])
        values = {knob: values_of(spec, knob, text) for knob, text in given.items()}
        shown.append(Shown(name, spec, values, vary, shape))
    asked = {name: options[name] for name in ("device", "dtype", "mode", "bits") if options[name] is not None}
    page = explored(shown, options["convention"], options["batch"], asked)
    path = options["output"] or f"{_file(specs[0])}.html"
    if path == "-":
        common.write(page.html)
        return
    common.refuse_kept(path)
    page.save(path)
    common.tell(*(f"{path}: {said}" for said in page.moves))


def _file(word: str) -> str:
    """Return the name of the file of a network's page, without its ending."""
    name = os.path.basename(word)
    stem, ending = os.path.splitext(name)
    return re.sub(r"[^\w.-]+", "_", stem if os.path.isfile(word) and ending else name).strip("_.-") or "network"
