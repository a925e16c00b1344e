"""`costcalc solve`."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli import common
from costcalc.cli.sweep import write
from costcalc.errors import stop
from costcalc.grids import one, values_of


@click.command(cls=common.KnobCommand)
@common.spec_argument
@common.knob_option
@click.option("--vary", multiple=True, metavar="KNOB", help="A knob to choose: width, or width=0.1:2:0.05.")
@click.option("--max-macs", metavar="N", help="The most MACs: 150M.")
@click.option("--max-params", metavar="N", help="The most parameters: 2M.")
@click.option("--compound", metavar="FACTORS", help="Scale knobs together: depth=1.2,width=1.1,resolution=1.15.")
@click.option("--scale-width", is_flag=True, help="Scale every hidden layer's channels, of a spec without a knob.")
@click.option("--rounding", default="8", metavar="BY[:HOW]", help="Of --scale-width: 8, 4:nearest, 1:down.")
@click.option("--convention", default="costcalc", metavar="NAME", help="What is counted.")
@click.option("--batch", default=1, metavar="N", help="Images at once.")
@click.option("--format", "format_", type=click.Choice(common.TABLE_FORMATS), default="table", help="What to write.")
@click.option("-o", "--output", metavar="FILE", help="Write to a file.")
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], **options: Any) -> None:
    """Find the largest setting of SPEC that meets a budget.

    Of several knobs the settings that no other exceeds in all. Every value is tried: a knob alone in
    steps of 0.001 (1 where it is a whole number), several in steps of 0.01 (8), or as --vary says.
    """
    from costcalc import solving

    loaded, fixed = common.chosen(ctx, spec, pairs)
    budgets = {name: limit(options[f"max_{name}"], name) for name in solving.BUDGETS if options[f"max_{name}"]}
    given: dict[str, Any] = {
        "fixed": fixed, "convention": options["convention"], "shape": common.input_shape(options["input_"]),
        "batch": options["batch"],
    }  # fmt: skip
    if options["compound"]:
        table = solving.compound(loaded, factors(options["compound"]), budgets, **given)
    elif options["scale_width"]:
        from costcalc.transforms.budget import solve

        table = solve(loaded, budgets, **given, rounding=options["rounding"])
    else:
        pairs_ = [name.partition("=") for name in options["vary"]]
        if not pairs_:
            known = ", ".join(loaded.knobs) or "none: --scale-width scales every hidden layer"
            raise stop("what may vary? name a knob", hint=f"--vary width (knobs: {known})")
        vary = {name: values_of(loaded, name, text) if text else [] for name, _, text in pairs_}
        table = solving.solve(loaded, vary, budgets, **given)
    for name in table.attrs.get(solving.ENDS, ()):
        click.echo(f"{name} is the largest that was tried: go on with --vary {name}=first:last:step", err=True)
    write(table, format_=options["format_"], output=options["output"])


def limit(text: str, name: str) -> float:
    """Return a budget as a number."""
    value = one(text, f"max-{name}")
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise stop(f"--max-{name} takes a number above 0, not '{text}'", hint=f"--max-{name} 5M")
    return value


def factors(text: str) -> dict[str, float]:
    """Return the factors of compound scaling by knob."""
    found = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        value = one(number, name) if equals and number else None
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise stop(f"--compound takes KNOB=FACTOR, not '{part}'", hint="depth=1.2,width=1.1,resolution=1.15")
        found[name.strip()] = value
    return found
