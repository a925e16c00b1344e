"""`costcalc solve`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.cli import common
from costcalc.cli.sweep import write
from costcalc.comparisons.budgets import limits, named_limits, together
from costcalc.language.document import Spec
from costcalc.language.ranges import one
from costcalc.language.yaml_text import typed
from costcalc.sweeps.grids import values_of


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc solve mobilenet_v1 --vary width --max-macs 150M
    costcalc solve ofa_mobilenet_v3 --vary search --max-macs 300M
    """,
)
@common.spec_argument
@common.knob_option
@click.option(
    "--vary",
    multiple=True,
    metavar="KNOB",
    shell_complete=common.complete_knob,
    help="A knob to choose: width=0.1:2:0.05, search.",
)
@click.option("--max-macs", metavar="N", help="The most MACs: 150M.")
@click.option("--max-params", metavar="N", help="The most parameters: 2M.")
@click.option("--max-peak-memory", "--budget", metavar="N", help="Bytes alive at once: 320K.")
@common.most_option
@common.metric_options
@click.option("--compound", metavar="FACTORS", help="Knobs together: depth=1.2,width=1.1.")
@click.option("--scale-width", is_flag=True, help="Every hidden layer's channels.")
@click.option("--rounding", metavar="BY[:HOW]", help="Of --scale-width: 8, 4:nearest, 1:down.")
@common.convention_option
@common.batch_option
@common.table_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], **options: Datum) -> None:
    """Find the largest setting of SPEC that meets a budget.

    Of several knobs the settings that no other exceeds in all. Every value is tried: a knob alone in
    steps of 0.001 (1 where it is a whole number), several in steps of 0.01 (8), or as --vary says. Of a spec's
    search, --vary search: the network of the most.
    """
    from costcalc.sweeps import solving

    loaded, fixed = common.chosen(ctx, spec, pairs)
    peak = options["max_peak_memory"]
    budgets = limits(params=options["max_params"], macs=options["max_macs"], peak_memory=peak)
    budgets = together(budgets, named_limits(options["most"]))
    _, setup = common.metrics(options, tuple(budgets))
    given: Data = {
        "fixed": fixed, "convention": options["convention"], "shape": common.input_shape(options["input_"]),
        "batch": options["batch"], "setup": setup,
    }  # fmt: skip
    searches = [f"--{name}" for name in ("vary", "compound", "scale-width") if options[name.replace("-", "_")]]
    refuse_clashes(searches, options["rounding"])
    if options["compound"]:
        table = solving.compound(loaded, factors(options["compound"]), budgets, **given)
    elif options["scale_width"]:
        from costcalc.transforms.budget import solve

        table = solve(loaded, budgets, **given, rounding=options["rounding"] or "8")
    else:
        from costcalc.spaces import solving as searching

        table = searching.solve(loaded, varied(loaded, options["vary"]), budgets, **given)
    for name in table.attrs.get(solving.ENDS, ()):
        most = typed(table[name].max())
        common.tell(f"{name} {most} is the largest that was tried: go on with --vary {name}=first:last:step")
    write(table, options["format_"], options["output"], {"batch": options["batch"], **setup})


def refuse_clashes(searches: Sequence[str], rounding: str | None) -> None:
    """Refuse what does not go together, instead of passing one over: two searches, a rounding of no channels."""
    if len(searches) > 1:
        raise stop(f"{' and '.join(searches)} are different searches", hint="use one of them")
    if rounding is not None and not any(name.endswith("width") for name in searches):
        raise stop("--rounding is about --scale-width", hint="a knob rounds as its spec says")


def varied(spec: Spec, words: tuple[str, ...]) -> dict[str, list[Datum]]:
    """Return the knobs to choose, each with the values to try (none: the usual ones)."""
    if not words:
        known = ", ".join(spec.knobs) or "none: --scale-width scales every hidden layer"
        raise stop("what may vary? name a knob", hint=f"--vary width (knobs: {known})")
    found: dict[str, list[Datum]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name in found:
            raise stop(f"--vary {name} is given twice")
        found[name] = values_of(spec, name, text) if equals else []
    return found


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
