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
from costcalc.cli.whatif import WhatIfCommand, steps_of, transformation_options
from costcalc.comparisons.budgets import limits
from costcalc.costs.conventions import DEFAULT
from costcalc.hardware.words import DTYPES, FUSIONS
from costcalc.reports.result import Result
from costcalc.sweeps.grids import axes_of

if TYPE_CHECKING:
    import pandas as pd
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


def drawn(function: F) -> F:
    """Declare the options of every picture."""
    for option in (
        usage.option(
            "--dpi",
            group=usage.OUTPUT,
            type=click.IntRange(50, 1200),
            default=150,
            metavar="N",
            help="Of a .png: dots an inch.",
        ),
        usage.option("--figure", metavar="SIZE", group=usage.OUTPUT, help="column|page|slide, or inches: 6x4."),
        common.output("Write to FILE.png, .svg or .pdf.", required=True),
    ):
        function = option(function)
    return function


def picture(function: F) -> F:
    """Declare the options of every picture whose numbers depend on a convention."""
    return common.convention_option(drawn(function))


def of_option(function: F) -> F:
    """Declare --of, and the options of metrics."""
    return click.option("--of", default="", metavar="NAMES", help="Up to four metrics: bytes,peak_memory.")(
        common.batch_option(common.metric_options(function))
    )


top_option = click.option("--top", type=usage.WholeFromOne(), metavar="N", help="The largest N, the others summed.")


def inches(text: str | None) -> tuple[float, float] | str | None:
    """Return (6.0, 4.0) for 6x4, a word as it is; raise SpecError for anything else."""
    from costcalc.plots import style

    if text is None or text in style.SIZES:
        return text
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)[x,×](\d{1,3}(?:\.\d+)?)", text, re.ASCII)
    size = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    if not all(2 <= side <= MOST_INCHES for side in size):
        words = ", ".join(style.SIZES)
        raise stop(
            f"'{text[:40]}' is no size of a picture", hint=f"{words}, or inches, from 2 to {MOST_INCHES}: --figure 6x4"
        )
    return size


def checked(options: Data) -> tuple[float, float] | str | None:
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
    return [network.result for network in networks(ctx, words, {"convention": DEFAULT, **options})]


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
    costcalc plot layers mobilenet_v2 --of bytes,peak_memory --bits 8 -o bytes.svg
    """,
)
@common.spec_argument
@of_option
@common.knob_option
@click.option("--fold", type=usage.WholeFromOne(), metavar="N", help="Sum what lies deeper than N levels.")
@top_option
@picture
@click.pass_context
def layers(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw what each layer costs, in the colours of layer types.

    A large network is folded until its bars have room: the largest stay, the others are summed.
    """
    from costcalc import plots

    size = checked(options)
    (result,) = counted(ctx, (spec,), options)
    given: Data = {"of": options["of"], "options": common.of_metrics(options)}
    saved(plots.layers(result, **given, fold=options["fold"], top=options["top"], size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot types resnet50 mobilenet_v2 -o types.png
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@of_option
@common.knob_option
@picture
@click.pass_context
def types(ctx: click.Context, /, specs: tuple[str, ...], **options: Datum) -> None:
    """Draw what share each layer type has, networks side by side."""
    from costcalc import plots

    size = checked(options)
    found = counted(ctx, specs, options)
    saved(plots.types(*found, of=options["of"], options=common.of_metrics(options), size=size), options)


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
    from costcalc import plots

    size = checked(options)
    table, name = swept(ctx, specs, pairs, options)
    saved(plots.sweep(table, of=options["of"], name=name, size=size), options)


def swept(
    ctx: click.Context, specs: tuple[str, ...], pairs: tuple[str, ...], options: Data, **more: Datum
) -> tuple[pd.DataFrame, str]:
    """Return the settings of a sweep that is drawn, and the network's name where it is of one."""
    from math import prod

    from costcalc.sweeps import tables
    from costcalc.sweeps.chunks import Question

    shape = common.input_shape(options["input_"])
    loaded = [(name, common.loaded(name, shape)) for name in specs]
    for _, spec in loaded:
        common.tell_channels(spec, {}, shape)
    axes = axes_of(given(ctx, loaded[0][1], pairs))
    settings = prod(len(values) for axis in axes for values in axis.values())
    if settings > MOST_SETTINGS:
        raise stop(f"{settings:,} settings are more than a picture shows", hint="take wider steps: first:last:step")
    counts: Data = {"convention": options["convention"], "shape": shape, "batch": options.get("batch", 1), **more}
    return tables.sweep(loaded, axes, Question(), **counts), loaded[0][1].name if len(loaded) == 1 else ""


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot pareto vgg16 --width 0.25:1:0.25 --of params,-macs -o front.png
    """,
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@click.option("--of", required=True, metavar="X,Y", help="Two of its columns: macs,-top1 (-: more).")
@click.option("--data", metavar="FILE.csv", help="More columns, by the knobs that it has.")
@common.metric_options
@common.batch_option
@common.knob_option
@picture
@click.pass_context
def pareto(ctx: click.Context, /, specs: tuple[str, ...], pairs: tuple[str, ...], **options: Datum) -> None:
    """Draw settings by two of their numbers, and which none beats.

    Knobs take values and ranges, as in `costcalc sweep`. What was measured stands in a CSV: width,top1 as its first
    line, and a line for each setting that is known.
    """
    from costcalc import plots
    from costcalc.measures.metric import metrics, names, refuse_idle

    size = checked(options)
    asked = [word.strip().lstrip("-") for word in options["of"].split(",")]
    columns, setup = names([one for one in asked if one in metrics()]), common.of_metrics(options)
    refuse_idle(columns, setup)
    table, name = swept(ctx, specs, pairs, options, columns=columns, setup=setup)
    if options["data"]:
        table = plots.joined(table, options["data"])
    saved(plots.pareto(table, options["of"], name=name, size=size), options)


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
@click.option(
    "--device",
    required=True,
    metavar="NAME",
    shell_complete=common.complete_device,
    help="Of costcalc devices, or a file's path.",
)
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
    """Draw how costs are spread over the networks of search spaces."""
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


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot memory unet --bits 8 --max-peak-memory 40MiB -o a.png
    """,
)
@common.spec_argument
@lambda function: common.metric_options(function, ("bits", "mode", "order", "patches"))
@click.option("--max-peak-memory", metavar="N", help="The budget, drawn as a line: 320K, 256KiB.")
@common.batch_option
@common.knob_option
@drawn
@click.pass_context
def memory(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw which activations are alive while each row runs.

    A band is a tensor, in the colour of the layer that wrote it.
    """
    from costcalc import plots

    size = checked(options)
    (result,) = counted(ctx, (spec,), options)
    within = limits(peak_memory=options["max_peak_memory"])
    saved(plots.memory(result, options=common.of_metrics(options), limits=within, size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot field resnet50 -o field.png
    """,
)
@common.spec_argument
@lambda function: common.metric_options(function, ("ignore_se",))
@common.knob_option
@drawn
@click.pass_context
def field(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw the receptive field over depth, and over the image."""
    from costcalc import plots

    size = checked(options)
    (result,) = counted(ctx, (spec,), options)
    saved(plots.field(result, options=common.of_metrics(options), size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot graph resnet50 --figure column -o graph.pdf
    """,
)
@common.spec_argument
@lambda function: click.option("--of", default="", metavar="NAME", help="A metric: operations unless told.")(
    common.batch_option(common.metric_options(function))
)
@common.knob_option
@picture
@click.pass_context
def graph(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw the graph: blocks, layers, shapes, shares of a metric.

    Equal blocks in a row are one; blocks are open as far as there is room.
    """
    from costcalc import plots

    size = checked(options)
    (result,) = counted(ctx, (spec,), options)
    saved(plots.graph(result, of=options["of"], options=common.of_metrics(options), size=size), options)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc plot diff resnet50 resnext50_32x4d -o diff.png
    """,
)
@click.argument("before", metavar="BEFORE", shell_complete=common.complete_spec)
@click.argument("after", metavar="AFTER", shell_complete=common.complete_spec)
@common.knob_option
@top_option
@common.batch_option
@picture
@click.pass_context
def diff(ctx: click.Context, /, before: str, after: str, **options: Datum) -> None:
    """Draw what each layer adds or takes, from BEFORE to AFTER."""
    from costcalc.plots import waterfalls

    size = checked(options)
    one, other = networks(ctx, (before, after), options)
    saved(waterfalls.of_diff(one, other, top=options["top"], size=size), options)


@command.command(
    cls=WhatIfCommand,
    epilog="""
    costcalc plot whatif vgg16 --depthwise-separable "conv 3x3" -o whatif.png
    """,
)
@common.spec_argument
@transformation_options
@common.knob_option
@top_option
@common.batch_option
@picture
@click.pass_context
def whatif(ctx: click.Context, /, spec: str, **options: Datum) -> None:
    """Draw what transformations of layers add or take.

    SELECTOR, RANK and the order are those of `costcalc whatif`.
    """
    from costcalc.plots import waterfalls
    from costcalc.transforms.whatif import WhatIf

    size = checked(options)
    steps = steps_of(ctx, options)
    (result,) = counted(ctx, (spec,), options)
    saved(waterfalls.of_whatif(WhatIf(result, steps), top=options["top"], size=size), options)
