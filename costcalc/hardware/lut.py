"""Measured layers: a table of latencies that stands above the model, as NetAdapt's (arXiv:1804.03230) lookup tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from costcalc.base import grouped
from costcalc.base.errors import nearest, stop
from costcalc.base.files import read
from costcalc.costs.rows import Row
from costcalc.hardware.roofline import Timing
from costcalc.numbers.shape import listed

LATENCY = "latency_ms"
KEYS = ("name", "type", "input", "output")
IGNORED = ("source", "note")


class Entry(NamedTuple):
    """A line of a table: what a layer must be, and the seconds that it took with its norm and activation."""

    wanted: dict[str, str]
    seconds: float


def load(path: str) -> list[Entry]:
    """Return a table of measured layers: CSV with `latency_ms`, and `name`, `type`, `input`, `output` or some of them.

    Raises SpecError for another column, or a latency that is none.
    """
    names, found = table(path)
    if LATENCY not in names:
        raise stop(f"{path} has no column '{LATENCY}'", hint=f"its columns: {LATENCY}, and some of {', '.join(KEYS)}")
    for name in names:
        if name not in (LATENCY, *KEYS, *IGNORED):
            raise stop(f"{path}: nothing reads the column '{name}'", hint=nearest(name, KEYS))
    return [_entry(line, f"{path}:{number}") for number, line in enumerate(found, 2)]


def table(path: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and the lines of a CSV file, cells stripped, those that are missing empty."""
    read_ = csv.DictReader(io.StringIO(read(path)), restval="")
    try:
        names = [str(name).strip() for name in read_.fieldnames or []]
        read_.fieldnames = names
        return names, [{name: (line[name] or "").strip() for name in names} for line in read_]
    except csv.Error:
        raise stop(
            f"{path} is no CSV at line {read_.line_num + 1}", hint="a cell is too long to be one: a quote may not end"
        ) from None


def _entry(line: Mapping[str, str], where: str) -> Entry:
    wanted = {key: line[key] for key in KEYS if line.get(key)}
    if not wanted:
        raise stop(f"{where}: a line says what layer it is for: {', '.join(KEYS)}")
    return Entry(wanted, milliseconds(line[LATENCY], where))


def milliseconds(text: str, where: str) -> float:
    """Return a latency in seconds from its text in milliseconds; raise SpecError for what is none."""
    try:
        found = float(text) / 1e3
    except ValueError:
        found = -1.0
    if not 0 < found < float("inf"):
        raise stop(f"{where}: '{text[:40]}' is no latency", hint="milliseconds, above zero")
    return found


def applied(timings: Sequence[Timing], table: Sequence[Entry]) -> tuple[list[Timing], int]:
    """Return the rows' times with those of the table in their place, and how many layers it has.

    An entry is for a layer with its norm and activation: it stands at the layer's first row, the others take none.
    Of several that fit, the one that says most of the layer counts, then the first.
    """
    layers = grouped((one.work.row.node.layer, one) for one in timings)
    found: dict[int, float] = {}
    for members in layers.values():
        seconds = _looked_up(members, table)
        if seconds is not None:
            found |= {id(one): 0.0 for one in members} | {id(members[0]): seconds}
    made = [one._replace(measured=found[id(one)]) if id(one) in found else one for one in timings]
    return made, sum(_looked_up(members, table) is not None for members in layers.values())


def _looked_up(members: Sequence[Timing], table: Sequence[Entry]) -> float | None:
    return _fitting(facts(members[0].work.row, members[-1].work.row), table)


def looked_up(row: Row, table: Sequence[Entry]) -> float | None:
    """Return the seconds of the layer that begins with a row, and ends as large; None for one that is not there."""
    return _fitting(facts(row, row), table)


def _fitting(found: Mapping[str, str], table: Sequence[Entry]) -> float | None:
    fits = [entry for entry in table if all(found[key] == value for key, value in entry.wanted.items())]
    return max(fits, key=lambda entry: len(entry.wanted)).seconds if fits else None


def facts(first: Row, last: Row) -> dict[str, str]:
    """Return what a line of a table may say of a layer, by its first and its last row."""
    node = first.node
    return {"name": node.layer, "type": first.type, "input": listed(node.x, " "), "output": listed(last.node.y, " ")}
