"""`costcalc import`: a model of another framework becomes a spec."""

from __future__ import annotations

from collections.abc import Sequence

import click

from costcalc.asked import is_target
from costcalc.base import Data, Datum
from costcalc.base.errors import nearest, stop
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.comparisons.networks import cut
from costcalc.interop import formats
from costcalc.interop.format import Format, Model
from costcalc.language.flat import Flat
from costcalc.language.yaml_text import spec_text


class ImportCommand(common.KnobCommand):
    """The command, on which an option that it does not declare is one of the format's own; its help lists these."""

    def knobs(self) -> list[tuple[str, str]]:
        """Return nothing: what is imported has none, and the formats' own options stand with them."""
        return []

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, and the formats with what can be asked of their readers."""
        super().format_options(ctx, formatter)
        with formatter.section("Formats"):
            formatter.write_dl([*map(said, formats.every().values())])


def said(form: Format) -> tuple[str, str]:
    """Return what the help says of a format."""
    own = [f"--{name.replace('_', '-')}" for name in form.own]
    return f"{form.name:22}", ", ".join([form.what, *form.suffixes, *own])


@click.command(
    cls=ImportCommand,
    epilog="""
    costcalc import yolov3-tiny.cfg --blocks
    costcalc import squeezenet1_0_train_val.prototxt -o squeezenet.yaml
    costcalc import model.onnx -o model.yaml
    costcalc import torchvision.models:resnet18 -o resnet18.yaml
    """,
)
@click.argument("words", nargs=-1, required=True, metavar="FILE|MODULE:NAME")
@usage.option("--input", "input_", metavar="CxHxW", help="The input's shape, without the batch: 3x224x224.")
@usage.option("--name", default="", metavar="NAME", help="What the network is called.")
@usage.option("--blocks", is_flag=True, help="Write what repeats as blocks, not as a flat list.")
@usage.option("--opaque", is_flag=True, help="What costcalc does not know: rows of unknown cost.")
@common.output("Write the spec to a file.")
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Write a model of another framework as a spec: FILE, told by its content, or a model of PyTorch.

    The spec goes to -o or stdout, and what it costs to stderr. MODULE:NAME is my.package:Net, timm:convnext_tiny:
    MODULE is imported and NAME called without arguments, which runs its Python code. A format's name may stand before
    FILE: costcalc import onnx FILE.
    """
    word, form = chosen(words)
    reference = cut(word)
    shape = reference.shape or common.input_shape(input_)
    given: Data = {**common.given(ctx, ()), **reference.texts}
    given |= {"opaque": True} if options["opaque"] else {}
    for option in [*given, *(["input"] if shape else [])]:
        if option not in form.options:
            raise stop(f"{form.what} is read without --{option}", hint=nearest(option, form.own) or "see --help")
    if form is formats.TORCH:
        common.here()
    model, _ = formats.opened(reference.name, form, shape, given, options["name"])
    finish(model, options["output"], blocks=options["blocks"])


def chosen(words: Sequence[str]) -> tuple[str, Format]:
    """Return the file or MODULE:NAME that is imported, and its format; raise SpecError for what is none."""
    known = formats.every()
    *before, word = words
    path = cut(word).name
    if len(before) > 1 or (before and before[0] not in known):
        raise stop(f"one model is imported, not '{' '.join(words):.80}'", hint=f"formats: {', '.join(known)}")
    form = formats.TORCH if is_target(word) else formats.recognized(path)
    if before and (form or not formats.is_own(path)):
        form = known[before[0]]
    if form is None:
        raise stop(*formats.no_model(path))
    return word, form


def finish(model: Model, output: str | None, *, blocks: bool) -> None:
    """Write the spec, and tell what it costs."""
    from costcalc.api import count

    text = ""
    if blocks and isinstance(model, Flat):
        from costcalc.interop.blocks.folding import folded

        text = spec_text(folded(model))
    text = text or model.text()
    result = count(text)  # before anything is written: what can't be counted is no spec
    common.write(text.rstrip("\n"), output)
    common.tell(f"{result.name}: {plural(len(result.rows), 'row')}, {result.said()}")
    if model.unused:
        common.tell(f"note: {model.unused:,} parameters that inference does not use are left out")
