"""A printed table as it stands in its paper, our count beside each figure of cost, and what is to be said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from costcalc.base import Data, Datum, grouped
from costcalc.base.errors import Problem, SpecError, nearest, stop
from costcalc.base.text import plural
from costcalc.language import printed_tables, zoo
from costcalc.language.document import Spec
from costcalc.language.printed_tables import PrintedColumn, PrintedRow, PrintedTable
from costcalc.language.published_figures import UNITS
from costcalc.language.yaml_text import typed
from costcalc.published.figures import METRICS, Claim, judged
from costcalc.published.verdicts import (
    HELD,
    TIMED,
    Notes,
    PublishedFigure,
    counted_under,
    figures,
    note,
    off,
    plain,
    summary,
    verdict,
)
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table

NOT = "≠"  # beside a count that is not what is printed


class JudgedCell(NamedTuple):
    """A cell of a printed table, and what we count for its figure, if there is any."""

    column: PrintedColumn
    text: str
    claim: Claim | None


class JudgedRow(NamedTuple):
    """A row of a printed table: its cells with ours."""

    name: str  # its first cell, and as many of the next as tell it from the others
    row: PrintedRow
    cells: list[JudgedCell]


def find(source: str, where: str) -> PrintedTable:
    """Return a table by a part of its source and its number or name; raise SpecError where it isn't one table."""
    every = printed_tables.tables()
    of_source = [table for table in every if source.lower() in table.source.lower()]
    found = [table for table in of_source if where.lower() in (table.where.lower(), _number(table.where))]
    if len(found) == 1:
        return found[0]
    if found:
        raise stop(f"'{source}' is a part of several sources: {', '.join(one.source for one in found)}")
    if not of_source:
        raise _none(source)
    known = [table.where for table in of_source]
    hint = nearest(where, known) or f"there are {', '.join(known)}"
    raise stop(f"there is no printed table '{where}' of {of_source[0].source}", hint=hint)


def _none(source: str) -> SpecError:
    hint = f"costcalc table lists those that there are; costcalc zoo {source} shows single figures"
    return stop(f"there is no printed table of '{source}'", hint=hint)


def _number(where: str) -> str:
    return where.lower().removeprefix("table ")


def judge(table: PrintedTable) -> list[JudgedRow]:
    """Return a table's rows with our counts; raise SpecError, with the place, for a network or a knob that is none."""
    lines = []
    for name, row in zip(_names(table), table.rows, strict=True):
        claims: dict[str, Claim] = {}
        if row.network:
            spec = _spec(row)
            for heading, said, marks in table.statements(row):
                of_file = {key: value for key, value in said.items() if key != "variant" or value in spec.variants}
                for claim in judged(spec, of_file, marks):
                    claims[heading] = claim
        cells = zip(table.columns, row.cells, strict=False)
        lines.append(
            JudgedRow(name, row, [JudgedCell(column, text, claims.get(column.heading)) for column, text in cells])
        )
    return lines


def _names(table: PrintedTable) -> list[str]:
    """Return what the rows are called: by what stands between the rows above them too, where they need it."""
    above, heading = [], ""
    for row in table.rows:
        heading = row.cells[0] if len(row.cells) < len(table.columns) else heading
        above.append(f"{heading}: {row.cells[0]}" if heading else row.cells[0])
    names = [row.cells[0] for row in table.rows]
    names = [over if names.count(name) > 1 else name for name, over in zip(names, above, strict=True)]
    for place in range(1, len(table.columns)):
        twice = {name for name in names if names.count(name) > 1}
        names = [
            f"{name}, {row.cells[place]}" if name in twice and row.cells[place] else name
            for name, row in zip(names, table.rows, strict=True)
        ]
    return names


def _spec(row: PrintedRow) -> Spec:
    """Return the spec of a row's network: of the zoo, or a file of the user's."""
    if row.network.endswith((zoo.SUFFIX, ".yml")):
        return zoo.load(row.network)
    spec = zoo.find(row.network)
    if spec is None:
        hint = nearest(row.network, zoo.names())
        raise SpecError([Problem(f"no network of the zoo is called '{row.network:.80}'", row.mark, hint)])
    return spec


def page(table: PrintedTable) -> Page:
    """Return a printed table as a page: its rows in its order under its names, ours beside, notes below."""
    lines, notes = judge(table), Notes()
    laid = layout(table, lines, notes)
    found = [PublishedFigure(line.row.network, cell.claim) for line in lines for cell in line.cells if cell.claim]
    said = [*notes.lines, *table.notes, *counted(lines), *([summary(found)] if found else [])]
    title = f"{table.where}. {table.title}".removesuffix(". ")
    heading = [title, table.source]
    return Page(lambda: [laid], lambda: records(table, lines), heading=heading, notes=said, titled=True, prose=True)


def layout(table: PrintedTable, lines: list[JudgedRow], notes: Notes) -> Table:
    """Return the table: its columns, behind each of cost one of ours, and marks where any is to be made."""
    columns: list[Column] = []
    made: list[list[Datum]] = []  # by column
    whole = [line for line in lines if len(line.cells) == len(table.columns)]
    marked = {
        (index, place): notes.marked(_mark(cell.claim), note(cell.claim))
        for index, line in enumerate(lines)
        for place, cell in enumerate(line.cells)
        if cell.claim
    }
    for place, column in enumerate(table.columns):
        texts = [line.cells[place].text for line in whole]
        numbers = place and all(re.fullmatch(r"[-–—]?|[\d.,]+\S*", text) for text in texts)
        columns.append(Column(column.heading, "number" if numbers else "text"))
        made.append([line.cells[place].text if place < len(line.cells) else None for line in lines])
        if not any(place == where for _, where in marked):
            continue
        columns.append(Column("ours", "number", joined=True))
        made.append([_ours(line.cells[place]) if place < len(line.cells) else None for line in lines])
        marks = [marked.get((index, place), "") if line in whole else None for index, line in enumerate(lines)]
        if any(marks):
            columns.append(Column("", joined=True))
            made.append(marks)
    totals = [plural(len(whole), "row"), *[""] * (len(columns) - 1)]
    return Table(columns, [list(row) for row in zip(*made, strict=True)], totals, prose=True)


def _mark(claim: Claim) -> str:
    return off(claim) or ("" if claim.holds else NOT)


def _ours(cell: JudgedCell) -> str:
    """Return our count as the figure beside it is written, a digit more and four at least; MiB where MB means it."""
    claim = cell.claim
    if claim is None:
        return ""
    one = cell.column.found(cell.text)
    assert one is not None
    unit = "".join(sign for sign in claim.printed if sign.isalpha())
    value = Decimal(claim.ours) / UNITS[unit]
    if unit == "" and isinstance(claim.ours, int):
        return f"{claim.ours:,}" if "," in one["number"] or claim.ours < 1000 else str(claim.ours)
    decimals = len(one["number"].partition(".")[2]) + 1
    decimals = max(decimals, min(3, 3 - value.adjusted())) if value else decimals
    suffix = one["suffix"].replace(unit[:1], unit, 1) if unit.endswith("i") else one["suffix"]
    return f"{value:.{decimals}f}{suffix}"


def counted(lines: list[JudgedRow]) -> list[str]:
    """Return what was counted: a line a column, and one for the rows of it that are counted otherwise."""
    said = []
    for heading, found in _by_column(lines).items():
        ways = grouped((_way(claim), name) for name, claim in found)
        usual = max(ways, key=lambda way: len(ways[way]))
        for way in sorted(ways, key=lambda way: way != usual):
            rows = "" if way == usual else f" of {'; '.join(ways[way])}"
            verb = "modelled" if found[0][1].quantity == "ms" else "counted"
            said.append(f"{verb}: {heading}{rows}: {way}")
    return said


def _by_column(lines: list[JudgedRow]) -> dict[str, list[tuple[str, Claim]]]:
    return grouped((c.column.heading, (line.name, c.claim)) for line in lines for c in line.cells if c.claim)


def _way(claim: Claim) -> str:
    """Return how a figure is counted: what its convention says of it, or its metric."""
    if claim.quantity in METRICS:
        from costcalc.measures import metric

        found, setup = metric.find(METRICS[claim.quantity]), metric.Setup(**(claim.row.get("options") or {}))
        if claim.quantity == "ms":
            return f"time where arithmetic and memory do not overlap; {found.says(setup)}"
        doc = found.doc[0].lower() + found.doc[1:].rstrip(".")
        return "; ".join(filter(None, [doc, found.says(setup)]))
    rule = counted_under(claim.row)
    thing = rule.unit if claim.quantity == "macs" else rule.things
    part = next((part for part in rule.says.split("; ") if part.startswith(f"{thing}: ")), rule.says)
    return f"{part} ({rule.label})"


def records(table: PrintedTable, lines: list[JudgedRow]) -> list[Data]:
    """Return a record a cell: what is printed, and of a figure of cost ours, the verdict, the note, the convention."""
    return [record for line in lines for record in _records(table, line)]


def _records(table: PrintedTable, line: JudgedRow) -> Iterator[Data]:
    row = line.row
    knobs = ",".join(f"{knob}={typed(value)}" for knob, value in row.knobs.items())
    for column, text, claim in line.cells[1:]:
        yield {
            "source": table.source,
            "where": table.where,
            "row": line.name,
            "column": column.heading,
            "printed": text,
            "ours": plain(claim.ours) if claim else None,
            "quantity": claim.quantity if claim else column.quantity or None,
            "verdict": verdict(claim) if claim else None,
            "note": (note(claim) or None) if claim else None,
            "network": (f"{row.network}@{knobs}" if knobs else row.network) or None,
            "of": claim.row.get("of") if claim else None,
            **(counted_under(claim.row).mark if claim else {"convention": None, "convention_hash": None}),
        }


# ---- all tables ----------------------------------------------------------------------------------


def listing(source: str = "") -> tuple[Table, list[Data]]:
    """Return the printed tables of sources that hold a word: titles, how many counts, how many of them hold."""
    found = [table for table in printed_tables.tables() if source.lower() in table.source.lower()]
    if not found:
        raise _none(source)
    of_place = grouped(((f.claim.row.get("source"), f.claim.row.get("where")), f.verdict) for f in figures())
    made: list[Data] = []
    for table in sorted(found, key=lambda one: (one.source, one.where)):
        verdicts = of_place.get((table.source, table.where), [])
        times = verdicts.count(TIMED)
        held = sum(verdict_ in HELD for verdict_ in verdicts)
        about: Data = {"source": table.source, "where": table.where, "title": table.title}
        made.append(about | {"counts": len(verdicts) - times, "hold": held, "times": times})
    numbers = ("counts", "hold", "times")
    columns = [*map(Column, ("source", "where", "title")), *(Column(name, "number") for name in numbers)]
    totals = [plural(len(made), "table"), "", "", *(str(sum(one[key] for one in made)) for key in numbers)]
    return Table(columns, [list(one.values()) for one in made], totals, prose=True), made
