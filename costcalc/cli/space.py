"""`costcalc space`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.cli import common, sweep, usage

ASKS = ("settings", "sample", "most", "least", "by")


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc space ofa_mobilenet_v3
    costcalc space ofa_mobilenet_v3 --where "macs <= 300M" --most params
    costcalc space nas_bench_201 --where "macs <= 50M" --sample 100 -o some.csv
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--where", default="", metavar="TEXT", help='Which networks: "macs <= 300M".')
@click.option("--most", metavar="METRIC", help="The network of most, proved.")
@click.option("--least", metavar="METRIC", help="The network of least, proved.")
@click.option("--settings", metavar="FILE", help="Count those that a CSV or Parquet file lists.")
@click.option("--sample", type=click.IntRange(1, 10_000_000), metavar="N", help="Draw N, each as likely.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Of --sample: 0 unless told.")
@usage.option("--by", metavar="KNOB", group=usage.LINES, help="How its choices are spread; all: every knob's.")
@click.option("--lut", "lut_", default="", metavar="FILE", help="Measured layers (CSV): the metric lut_us.")
@common.columns_option
@common.convention_option
@common.batch_option
@sweep.format_option
@sweep.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], **options: Datum) -> None:
    """Tell how many networks the search of SPEC holds, what they cost, and which fit a budget.

    Nothing is drawn but for --sample: all counts are exact. A network is a setting of the choices that are read; knobs
    that are given are chosen no more.
    """
    from costcalc.spaces import pages

    asked = [name for name in ASKS if options[name] is not None]
    if len(asked) > 1:
        raise stop(f"--{asked[0]} and --{asked[1]} are different questions", hint="ask one of them")
    if options["seed"] is not None and options["sample"] is None:
        raise stop("--seed is about --sample")
    options["format_"] = sweep.format_of(options["format_"], options["output"])
    if options["format_"] == "parquet" and options["sample"] is None and options["settings"] is None:
        raise stop("Parquet is for --sample and --settings", hint="write the others to .csv, .json or .md")
    loaded, knobs = common.chosen(ctx, spec, pairs)
    names, given = common.metrics(options, ("latency",) if options["lut_"] else ())
    if options["lut_"] and "latency" not in options["columns"].split(","):
        names = tuple(name for name in names if name != "latency")  # it is lut_us, not the model's
    space = api.space(
        loaded,
        names,
        knobs=knobs,
        input=common.input_shape(options["input_"]),
        batch=options["batch"],
        convention=options["convention"],
        options=given,
        lut=options["lut_"],
    )
    where = options["where"]
    if options["sample"] is not None or options["settings"] is not None:
        from costcalc.spaces import settings

        table = (
            space.counted(settings.read(options["settings"]), where)
            if options["sample"] is None
            else space.sample(options["sample"], where, options["seed"] or 0)
        )
        sweep.write(table, options["format_"], options["output"], {})
        return
    if options["by"] is not None:
        page = pages.choices(space, where, () if options["by"] == "all" else (options["by"],))
    elif asked:
        metric = options[asked[0]]
        found = (space.most if asked == ["most"] else space.least)(metric, where)
        if found is None:
            raise stop(f"no network of {space.spec.name} has {where}", hint=f"the least: {space.least(metric)}")
        said = f"{asked[0]} {metric}{f' where {where}' if where else ''}"
        page = pages.network(space, found, said)
    else:
        page = pages.page(space, where)
    common.write_page(page, options)
