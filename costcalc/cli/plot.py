"""`costcalc plot`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.cli import common, usage
from costcalc.cli.networks import networks
from costcalc.cli.sweep import given
from costcalc.comparisons.budgets import limits
from costcalc.hardware.words import DTYPES, FUSIONS
from costcalc.reports.result import Result
from costcalc.sweeps.grids import axes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

F = TypeVar("F", bound=Callable[..., Any])

MOST_SETTINGS = 1_000_000  # of a sweep that is drawn
MOST_INCHES = 60


@click.group(
    cls=usage.Commands,
    epilog="""
    costcalc plot layers resnet50 -o layers.png
    costcalc plot sweep mobilenet_v1 --width 0.25:1:0.25 -o widths.svg
    """,
)
def command() -> None:
    """Draw a picture: .png, .svg or .pdf. Needs matplotlib: pip install 'costcalc[plot]'."""
    click.get_current_context().with_resource(lettered())


@contextmanager
def lettered() -> Iterator[None]:
    """Say in one line, while it lasts, that no font has some letters, for which matplotlib draws boxes."""
    with warnings.catch_warnings(record=True) as found:
        warnings.filterwarnings("always", "Glyph")
        yield
    if any(str(one.message).startswith("Glyph") for one in found):
        common.tell("note: no font here has some letters of the names: boxes are drawn for them")


def picture(function: F) -> F:
    """Declare the options of every picture."""
    for option in (
        common.convention_option,
        usage.option(
            "--dpi",
            group=usage.OUTPUT,
            type=click.IntRange(50, 1200),
            default=150,
            metavar="N",
            help="Of a .png: dots an inch.",
        ),
        usage.option("--figure", metavar="WxH", group=usage.OUTPUT, help="Inches: 6x4."),
        common.output("Write to FILE.png, .svg or .pdf.", required=True),
    ):
        function = option(function)
    return function


def inches(text: str | None) -> tuple[float, float] | None:
    """Return (6.0, 4.0) for 6x4; raise SpecError for anything else."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)[x,×](\d{1,3}(?:\.\d+)?)", text, re.ASCII)
    size = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    if not all(2 <= side <= MOST_INCHES for side in size):
        raise stop(f"'{text[:40]}' is no size of a picture", hint=f"inches, from 2 to {MOST_INCHES}: --figure 6x4")
    return size


def checked(options: Data) -> tuple[float, float] | None:
    """Return the size asked for; raise SpecError, before anything is counted, for a bad file name or size."""
    from costcalc.plots import style

    style.kind_of(options["output"])
    return inches(options["figure"])


def saved(figure: Figure, options: Data) -> None:
    """Write a picture to the file asked for."""
    from costcalc.plots import style

    style.save(figure, options["output"], dpi=options["dpi"])


def counted(ctx: click.Context, words: tuple[str, ...], options: Data) -> list[Result]:
    """Return the networks that are to be drawn, counted."""
    return [network.result for network in networks(ctx, words, options)]


@command.command(
    epilog="""
    costcalc plot accuracy mobilenet -o accuracy.png
    """,
)
@click.argument("words", nargs=-1)
@click.option("--classes", default=1000, metavar="N", help="1000 are ImageNet's, 10 and 100 CIFAR's.")
@click.option("--max-macs", metavar="N", help="Only networks up to there: 1G.")
@click.option("--max-params", metavar="N", help="Only networks up to there: 10M.")
@picture
def accuracy(words: tuple[str, ...], **options: Datum) -> None:
    """Draw top-1 accuracy against operations and parameters.

    The accuracies are those that papers print of the zoo's networks; the line joins what no other network beats. With
    WORDS only those networks whose names, families or sources hold all of them.
    """
    from costcalc import plots

    size = checked(options)
    within = limits(params=options["max_params"], macs=options["max_macs"])
    given: Data = {"classes": options["classes"], "convention": options["convention"]}
    made = plots.accuracy(*words, **given, limits=within, size=size)
    saved(made, options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot layers resnet50 --fold 1 -o layers.png
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--fold", type=usage.WholeFromOne(), metavar="N", help="Sum what lies deeper than N levels.")
@picture
@click.pass_context
def layers(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw each layer's share of the cost, by layer type.

    One picture has its parameters, one its operations.
    """
    from costcalc import plots

    size = checked(options)
    saved(plots.layers(*counted(ctx, (spec,), options), fold=options["fold"], size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot types resnet50 mobilenet_v2 -o types.png
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@picture
@click.pass_context
def types(ctx: click.Context, /, specs: tuple[str, ...], **options: Datum) -> None:
    """Draw what share each layer type has, networks side by side."""
    from costcalc import plots

    size = checked(options)
    saved(plots.types(*counted(ctx, specs, options), size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot sweep mobilenet_v1 --width 0.5,1 --resolution 128,224 -o map.png
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@click.option("--of", default="", metavar="NAME", help="what a map shows: params, or operations unless told.")
@picture
@click.pass_context
def sweep(ctx: click.Context, /, specs: tuple[str, ...], pairs: tuple[str, ...], **options: Datum) -> None:
    """Draw costs over knobs: curves over one knob, a map over two.

    Knobs take values and ranges, as in `costcalc sweep`: --width 0.25:1:0.05 --resolution 128:224:16.
    """
    from math import prod

    from costcalc import plots
    from costcalc.sweeps import tables
    from costcalc.sweeps.chunks import Question

    size = checked(options)
    shape = common.input_shape(options["input_"])
    loaded = [(name, common.loaded(name, shape)) for name in specs]
    for _, spec in loaded:
        common.tell_channels(spec, {}, shape)
    axes = axes_of(given(ctx, loaded[0][1], pairs))
    settings = prod(len(values) for axis in axes for values in axis.values())
    if settings > MOST_SETTINGS:
        raise stop(f"{settings:,} settings are more than a picture shows", hint="take wider steps: first:last:step")
    table = tables.sweep(loaded, axes, Question(), convention=options["convention"], shape=shape, batch=1)
    saved(plots.sweep(table, of=options["of"], name=loaded[0][1].name if len(loaded) == 1 else "", size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot shapes vgg16 -o shapes.svg
    """,
)
@common.spec_argument
@common.knob_option
@picture
@click.pass_context
def shapes(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw spatial size and channels through the network."""
    from costcalc import plots

    size = checked(options)
    saved(plots.shapes(*counted(ctx, (spec,), options), size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot roofline mobilenet_v1 --device nvidia_v100 -o roofline.png
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--device", required=True, metavar="NAME", help="Of costcalc devices, or a file's path.")
@click.option("--dtype", type=click.Choice(tuple(DTYPES)), help="as measured, unless told.")
@click.option("--fusion", type=click.Choice(tuple(FUSIONS)), help="as measured, unless told.")
@common.batch_option
@picture
@click.pass_context
def roofline(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw a network's layers under a device's roofline.

    Each stands at its MACs a byte and the MACs a second that it can have there.
    """
    from costcalc import plots

    size = checked(options)
    (result,) = counted(ctx, (spec,), options)
    dtype, fusion = options["dtype"] or "", options["fusion"] or ""
    saved(plots.roofline(result, options["device"], dtype=dtype, fusion=fusion, size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot space ofa_mobilenet_v3 spos --budget 300M -o spaces.png
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@click.option("--of", default="", metavar="NAME", help="A metric: operations unless told.")
@click.option("--budget", multiple=True, metavar="N", help="What share has at most so much: 300M.")
@picture
@click.pass_context
def space(ctx: click.Context, /, specs: tuple[str, ...], pairs: tuple[str, ...], **options: Datum) -> None:
    """Draw how costs are spread over the networks of search spaces, several in one picture."""
    from costcalc import api, plots
    from costcalc.language.ranges import one

    size = checked(options)
    budgets = [one(text, "budget") for text in options["budget"]]
    found = []
    for name in specs:
        loaded, knobs = common.chosen(ctx, name, pairs)
        names = () if not options["of"] else tuple(dict.fromkeys(("params", options["of"])))
        shape = common.input_shape(options["input_"])
        found.append(api.space(loaded, names, knobs=knobs, input=shape, convention=options["convention"]))
    saved(plots.space(*found, of=options["of"], budgets=budgets, size=size), options)
