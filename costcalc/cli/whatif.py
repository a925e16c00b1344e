"""`costcalc whatif`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from costcalc import api
from costcalc.base import Data, Datum
from costcalc.cli import common
from costcalc.language.yaml_text import typed
from costcalc.transforms import waterfall
from costcalc.transforms.whatif import TRANSFORMATIONS, WhatIf

ORDER = "costcalc.transformations"


class WhatIfCommand(common.KnobCommand):
    """A command that keeps the order in which transformations are given: each works on what the one before made."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the transformations' names in their order, then parse."""
        named = [arg.partition("=")[0].removeprefix("--") for arg in args if arg.startswith("--")]
        ctx.meta[ORDER] = [name for name in named if name in TRANSFORMATIONS]
        return super().parse_args(ctx, args)


def transformation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare an option for each transformation."""
    for word, cls in reversed(TRANSFORMATIONS.items()):
        takes = [cls.argument] * bool(cls.argument) + ["SELECTOR"] * cls.selects
        form: dict[str, Any] = {"nargs": len(takes), "type": str, "metavar": " ".join(takes)} if takes else {}
        if not takes:
            form = {"is_flag": True}
        function = click.option(f"--{word}", multiple=bool(takes), help=cls.says, **form)(function)
    return function


@click.command(
    cls=WhatIfCommand,
    epilog="""
    costcalc whatif resnet50 --depthwise-separable "conv 3x3"
    costcalc whatif vgg16 --channel-svd 0.5 fc -o smaller.yaml
    """,
)
@common.spec_argument
@transformation_options
@common.knob_option
@common.convention_option
@common.batch_option
@common.format_option(common.TABLE_FORMATS, "what to print.", by_file=False)
@common.exact_option
@common.output("Write the new spec to a file.")
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Change SPEC, and print what that changes: before, each layer's part, after.

    SELECTOR is a layer type as reports print it ("conv 3x3"), a layer's or group's path, a pattern of either
    (stage2/*, conv*), or all. RANK is a whole number, or a share below 1 of the rank that breaks even. Transformations
    are carried out in the order given.
    """
    steps = steps_of(ctx, options)
    loaded, knobs = common.chosen(ctx, spec, pairs)
    counted = {"convention": options["convention"], "input": common.input_shape(input_), "batch": options["batch"]}
    found = WhatIf(api.count(loaded, **counted, knobs=knobs), steps)
    if options["output"]:
        common.write(found.text().rstrip("\n"), options["output"])
        if loaded.knobs:
            values = ", ".join(f"{name} {typed(value)}" for name, value in found.before.graph.knobs.items())
            common.tell(f"note: the new spec has no knobs; their values are written into it: {values}")
        if options["output"] == "-":
            return
    common.write_page(waterfall.page(found, exact=options["exact"]), {**options, "output": None})


def steps_of(ctx: click.Context, options: Data) -> list[tuple[str, ...]]:
    """Return the transformations of a command line, in its order; say so where there is none."""
    steps = ordered(ctx.meta[ORDER], options)
    if not steps:
        ctx.fail(f"say what to change: {', '.join(f'--{word}' for word in TRANSFORMATIONS)}")
    return steps


def ordered(names: list[str], options: Data) -> list[tuple[str, ...]]:
    """Return the transformations in the order of the command line, each with what it takes."""
    given = {}
    for name in names:
        values = options[name.replace("-", "_")]
        given[name] = iter(values if isinstance(values, tuple) else [()])
    steps: list[tuple[str, ...]] = []
    for name in names:
        value = next(given[name], ())
        steps.append((name, value) if isinstance(value, str) else (name, *value))
    return steps
