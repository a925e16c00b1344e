"""`costcalc check`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from costcalc.base import Data, Datum
from costcalc.base.errors import SpecError, stop
from costcalc.cli import common
from costcalc.cli.networks import networks
from costcalc.comparisons import baselines, budgets
from costcalc.comparisons.baselines import Baseline
from costcalc.comparisons.budgets import Checked
from costcalc.comparisons.networks import Network, cut
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.reports.page import Page

BUDGETS = {
    "max_params": "params",
    "max_macs": "macs",
    "max_activations": "activations",
    "max_size": "bytes",
    "max_peak_memory": "peak_memory",
}


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc check mobilenet_v1 --max-macs 600M --max peak_memory=5M
    costcalc check resnet18 resnet50 --baseline costs.json --update
    """,
)
@click.argument("words", nargs=-1, metavar="[SPEC]...", shell_complete=common.complete_spec)
@common.knob_option
@click.option("--max-params", metavar="N", help="Parameters at most: 5M.")
@click.option("--max-macs", metavar="N", help="MACs at most: 600M.")
@click.option("--max-activations", metavar="N", help="Outputs of conv, fc and matmul at most: 5M.")
@click.option("--max-size", metavar="N", help="Bytes of the parameters at most: 16MB.")
@click.option("--max-peak-memory", metavar="N", help="Bytes alive at once at most: 320K, 256KiB.")
@common.most_option
@common.metric_options
@click.option("--baseline", metavar="FILE", help="No more than FILE holds: all it names, or SPEC.")
@click.option("--update", is_flag=True, help="Write the costs into the baseline.")
@click.option("--tolerance", default="0%", metavar="N%", help="How much above the baseline may be: 1%.")
@common.convention_option
@common.batch_option
@common.told_option
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **options: Datum) -> None:
    """Check that each SPEC is within its budget: exit code 1, and the reason, where one is not.

    A SPEC may have knobs of its own: mobilenet_v1@width=0.5. The baseline is JSON to be committed: it holds the
    costs of the networks, of each top-level block too.
    """
    limits = budgets.limits(**{name: options[option] for option, name in BUDGETS.items()})
    limits = budgets.together(limits, budgets.named_limits(options["most"]))
    _, given = common.metrics(options, tuple(limits))
    tolerance = baselines.tolerance_of(options["tolerance"])
    rule, update = conventions.get(options["convention"]), options["update"]
    baselines.refuse_unused(options["baseline"], tolerance, batch=options["batch"], update=update)
    baseline = baselines.opened(options["baseline"], rule, update=update)
    found = networks(ctx, words, options) if words else named(ctx, baseline, options)
    if update:
        baseline, new = baselines.updated(found, options["baseline"], rule)
        common.tell(f"{baseline.path}: {'written' if new else 'as it was'}")
    tell(baselines.check(found, limits, baseline, tolerance, **given), rule, tuple(limits), ctx, options)


def named(ctx: click.Context, baseline: Baseline | None, options: Data) -> list[Network]:
    """Return the networks that a baseline names; raise SpecError where one is not there any more."""
    words = baselines.words(baseline)
    for word in words:
        one = cut(word)
        try:
            common.loaded(one.name, one.shape, one.texts)
        except SpecError as error:
            said = f"{options['baseline']} names '{word}': {error.problems[0].message}"
            raise stop(said, hint="take it out of the file, or name the networks that are to be checked") from None
    return networks(ctx, words, options)


def tell(checked: Checked, rule: Convention, limits: Sequence[str], ctx: click.Context, options: Data) -> None:
    """Write what was found: what is within its budget to stdout, what is not to stderr, and the exit code.

    limits: the metrics that have one; of what they count the last line tells, unless a baseline holds other numbers.
    """
    told = rule.told(() if options["baseline"] else limits)
    batch = options["batch"]
    if options["format_"] == "json":
        found: Data = {"ok": bool(checked), "batch": batch, **rule.mark}
        found["breaches"] = [breach.to_dict() for breach in checked.breaches]
        common.write_page(Page(data=lambda: found), options)
    else:
        for line in checked.within():
            common.say(line)
        for breach in checked.breaches:
            common.tell(*str(breach).split("\n"))
        common.say(*(f"{said}{f'; a batch of {batch}' if batch > 1 else ''}" for said in told))
    ctx.exit(0 if checked else 1)
