"""`costcalc devices`."""

from __future__ import annotations

import click

from costcalc.base import Data, Datum
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.hardware.device import Device, devices, load
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc devices
    costcalc devices pixel1_big_core
    """,
)
@click.argument("name", required=False)
@common.table_option
@common.output_option
def command(name: str | None, **options: Datum) -> None:
    """List the devices, or tell every number of NAME (or of a file): its value, confidence and source."""
    if name and options["format_"] == "table":
        common.write(common.wrapped(told(load(name))), options["output"])
        return
    found = [load(name)] if name else devices()
    page = Page(lambda: [overview(found)], lambda: [one for each in found for one in records(each)])
    common.write_page(page, options)


def overview(found: list[Device]) -> Table:
    """Return a line a device: what costcalc tells of times on it, and what it is."""
    cells = [[one.name, times(one), one.title] for one in found]
    return Table(
        [Column("device"), Column("times"), Column("what it is")], cells, [plural(len(cells), "device"), "", ""]
    )


def times(device: Device) -> str:
    """Return what costcalc tells of a network's time on a device."""
    if device.kind == "npu":
        return "none: what fits"
    return f"range, {', '.join(device.fits)}" if device.fits else "lower bound"


def records(device: Device) -> list[Data]:
    """Return a record a number of a device."""
    found = device.to_dict()
    sheet = {f"datasheet {key}": number for key, number in found["datasheet"].items()}
    measured = [(f"{dtype} {key}", number) for dtype, fit in found["measured"].items() for key, number in fit.items()]
    fits = {key: number for key, number in measured if isinstance(number, dict)}
    return [{"device": device.name, "number": key, **number} for key, number in (sheet | fits).items()]


def told(device: Device) -> list[str]:
    """Return every number of a device in words: its value, how sure it is, and where it comes from."""
    runtime = f", {device.runtime}" if device.runtime else ""
    said = [f"{device.title} ({device.kind}{runtime}): {times(device)}", ""]
    found = records(device)
    wide = max((len(one["number"]) for one in found), default=0)
    for one in found:
        value = "free" if one["value"] is None else f"{one['value']:,.10g}"
        said.append(f"{one['number']:{wide}} {value:>9} {one['confidence']}: {one['source']}")
    return said + [f"{dtype}: {fit.trust}" for dtype, fit in device.fits.items() if fit.trust]
