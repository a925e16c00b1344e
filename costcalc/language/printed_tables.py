"""Printed tables: a table of a paper as data, its columns and rows in their order, and the networks of its rows.

A file a table, in `costcalc/data/tables/` or of the user's. Each figure is written once, as it is printed; what a
network's paper prints of it in tables is read from here, all else from its spec's `published`.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

from costcalc.base import Data, Datum
from costcalc.base.errors import Mark, Problems, stop
from costcalc.base.files import read, shipped
from costcalc.language.document import Spec
from costcalc.language.published_figures import COSTS, check_claims, cut
from costcalc.language.sections import Section, mapping
from costcalc.language.source import YamlNode, parse

VERSION = "costcalc_table"
ACCURACIES = {"top1": "top1", "top5": "top5", "top1_error": "top1", "top5_error": "top5"}
QUANTITIES = (*COSTS, *ACCURACIES)
# What may be said of a column's figures, and of one figure beside its row's cells.
SAID = ("is", "in", "convention", "options", "of", "digits", "rounding", "reproduces", "note")
_TOP = (VERSION, "source", "where", "title", "columns", "rows", "notes")
_ROW = ("cells", "network", "knobs", "of")
_FIGURE = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)(?P<suffix> ?(?P<unit>(?:[KkMGT]i?)?)(?P<thing>Bn?\b|ms|%)?)")


class PrintedColumn:
    """A column: its heading, what its figures are (nothing where they are only printed), and what holds for all."""

    __slots__ = ("heading", "quantity", "said", "unit")

    def __init__(self, heading: str, quantity: str = "", unit: str = "", said: Data | None = None) -> None:
        self.heading = heading
        self.quantity = quantity
        self.unit = unit  # of its figures where they have none: M of `Million Mult-Adds`
        self.said = said or {}

    def found(self, cell: str) -> re.Match[str] | None:
        """Return where a cell's figure stands; of several, `240MB -> 48MB`, the last of a cost, the first of others."""
        every = [*_FIGURE.finditer(cell)] if self.quantity else []
        return every[0 if self.quantity in ACCURACIES else -1] if every else None

    def figure(self, cell: str, meant: str = "") -> str:
        """Return the figure of a cell, its unit behind it: 569M of 569 in millions; nothing where there is none.

        meant: the unit that the cell's stands for, where it isn't what is written: Mi of 4.8MB.
        """
        one = self.found(cell)
        if one is None:
            return ""
        unit = meant or one["unit"].replace("k", "K") or ("%" if one["thing"] == "%" else "")
        billions = (one["thing"] or "").startswith("B") and self.quantity not in ("bytes", "compressed_bytes")
        return one["number"].replace(",", "") + (unit or ("B" if billions else self.unit))


class PrintedRow:
    """A row: its cells as they are printed, the network that it is of, and what holds for one of its figures only."""

    __slots__ = ("cells", "exceptions", "knobs", "mark", "marks", "network", "of")

    def __init__(self, cells: list[str], mark: Mark, marks: list[Mark]) -> None:
        self.cells = cells  # one alone: a line between rows, `Ablation experiments follow:`
        self.mark = mark
        self.marks = marks  # where the cells stand
        self.network = ""
        self.knobs: Data = {}
        self.of: Datum = ""
        self.exceptions: dict[str, Data] = {}  # by heading


class PrintedTable:
    """A table of a paper: its source and place, columns and rows in their order."""

    def __init__(self, where_from: str, top: Section) -> None:
        self.file = where_from
        self.source = top.text("source")
        self.where = top.text("where")
        self.title = top.text("title")
        self.notes = top.texts("notes")
        self.columns = [
            _column(heading, node, top.problems)
            for heading, _, node in mapping(top.get("columns"), "columns", top.problems).entries()
        ]
        self.rows = [row for node in top.items("rows") if (row := _row(node, self.columns, top.problems))]
        for key in ("source", "where", "columns", "rows"):
            if not top.problems and not getattr(self, key):
                top.problems.note(f"a printed table needs '{key}'", top.node.mark, f"write {_HINTS[key]}")
        if top.problems:
            raise top.problems.error()

    def statements(self, row: PrintedRow) -> list[tuple[str, Data, dict[str, Mark]]]:
        """Return what a row prints of its network, as rows of `published`, with their headings and places.

        A statement a figure of cost; the accuracies stand in the first, that of the operations if there is one.
        """
        about = {"source": self.source, "where": self.where, "variant": row.network, "knobs": row.knobs, "of": row.of}
        about = {key: value for key, value in about.items() if value}
        costs: list[tuple[str, Data, dict[str, Mark]]] = []
        accuracies: Data = {}
        for column, cell, mark in zip(self.columns, row.cells, row.marks, strict=False):
            own = dict(row.exceptions.get(column.heading, {}))
            text = column.figure(cell, own.pop("in", ""))
            if column.quantity in ACCURACIES and text:
                accuracies[ACCURACIES[column.quantity]] = _accuracy(text, error=column.quantity.endswith("error"))
            elif text:
                quantity = own.pop("is", column.quantity)
                costs.append((column.heading, {**about, quantity: text, **column.said, **own}, {quantity: mark}))
        if accuracies and not costs:
            return [("", about | accuracies, {})]
        if accuracies:
            first = next((one for one in costs if "macs" in one[1]), costs[0])
            first[1].update(accuracies)
        return costs


_HINTS = {
    "source": "source: arXiv:1704.04861",
    "where": "where: Table 9",
    "columns": "columns: {Model: , Million Mult-Adds: {is: macs, in: M}}",
    "rows": "rows: [{cells: [1.0 MobileNet-224, 569], network: mobilenet_v1}]",
}


def _accuracy(text: str, *, error: bool) -> float:
    from decimal import Decimal

    number = Decimal(text.rstrip("%"))
    return float(100 - number if error else number)


def _column(heading: str, node: YamlNode, problems: Problems) -> PrintedColumn:
    """Return a column, of which nothing, a word or a mapping is said."""
    if node.value is None:
        return PrintedColumn(heading)
    short = node if node.is_map else YamlNode({"is": node}, node.mark, {"is": node.mark})
    said = _said(Section(short, SAID, "unknown key of a column: '{}'", problems), QUANTITIES)
    if heading in _ROW and said.get("is") in COSTS:
        problems.note(f"a row says '{heading}' of itself", node.mark, f"call the column {heading.capitalize()}")
    return PrintedColumn(heading, said.pop("is", ""), said.pop("in", ""), said)


def _said(section: Section, quantities: tuple[str, ...] = COSTS) -> Data:
    """Return what is said of figures, checked."""
    if section.get("is"):
        section.choice("is", quantities, "")
    unit = section.text("in")
    if unit and cut(f"1{unit}") is None:
        hint = "write K, M, G, B, T, Ki, Mi, Gi, Ti or %"
        section.problems.note(f"'{unit:.20}' is no unit", section.values["in"].mark, hint)
    check_claims(section)
    return section.plain()


def _row(node: YamlNode, columns: list[PrintedColumn], problems: Problems) -> PrintedRow | None:
    """Return a row: a mapping, or its cells alone where the zoo has no network of it."""
    if not (node.is_map or node.is_list):
        problems.note("a row is its cells, or a mapping", node.mark, _HINTS["rows"])
        return None
    whole = node if node.is_map else YamlNode({"cells": node}, node.mark, {"cells": node.mark})
    headings = [column.heading for column in columns if column.quantity in COSTS]
    section = Section(whole, (*_ROW, *headings), "unknown key of a row: '{}'", problems)
    cells = section.items("cells")
    if len(cells) not in (1, len(columns)):
        said = f"the row has {len(cells)} cells, the table {len(columns)} columns"
        problems.note(said, node.mark, "write '' for an empty cell; a line between rows has one")
        return None
    row = PrintedRow(["" if one.value is None else one.written for one in cells], node.mark, [c.mark for c in cells])
    check_claims(section)
    row.network, row.of = section.text("network"), section.plain().get("of", "")
    row.knobs = mapping(section.get("knobs"), "knobs", problems).plain()
    for heading in headings:
        if stated := section.get(heading):
            one = Section(mapping(stated, heading, problems), SAID, "unknown key of a figure: '{}'", problems)
            row.exceptions[heading] = _said(one)
    if (row.knobs or row.of or row.exceptions) and not row.network:
        problems.note(
            "a row of which more is said than its cells names its network", node.mark, "network: mobilenet_v1"
        )
    return row


# ---- those that there are --------------------------------------------------------------------------


def folder() -> str:
    """Return the folder of the tables that costcalc brings."""
    return shipped("tables")


def paths() -> list[str]:
    """Return the paths of the tables that costcalc brings, by name."""
    return [os.path.join(folder(), file) for file in sorted(os.listdir(folder())) if file.endswith(".yaml")]


def load(path: str) -> PrintedTable:
    """Return the printed table in a file; raise SpecError with every mistake in it."""
    return _read(path, read(path, hint="name the file of a printed table"))


@lru_cache(maxsize=128)
def _read(path: str, text: str) -> PrintedTable:
    shown = os.path.basename(path) if path.startswith(folder()) else path
    root, problems = parse(text, shown)
    if problems or root is None:
        raise problems.error() if problems else stop(f"{shown} is empty")
    if not root.is_map or VERSION not in root.value or root.value[VERSION].value != 1:
        raise stop(f"{shown} is no printed table", hint=f"its first line is '{VERSION}: 1'")
    return PrintedTable(shown, Section(root, _TOP, "unknown key '{}' in a printed table", problems))


def tables() -> list[PrintedTable]:
    """Return all tables that costcalc brings."""
    return [load(path) for path in paths()]


def printed_of(spec: Spec) -> list[tuple[Data, dict[str, Mark]]]:
    """Return what tables print of a network of the zoo and its variants, as rows of `published` with their places.

    The tables of its own paper stand first. A spec of the user's is in no table.
    """
    from costcalc.language.zoo import is_own, stem

    if not is_own(spec):
        return []
    name = stem(spec.where)
    known = re.compile(rf"network: *({'|'.join(map(re.escape, (name, *spec.variants)))})[,}}\s]")
    found = [load(path) for path in paths() if known.search(read(path))]
    found.sort(key=lambda table: table.source not in str(spec.meta.get("source", "")))
    return [
        ({key: value for key, value in said.items() if (key, value) != ("variant", name)}, marks)
        for table in found
        for row in table.rows
        if row.network in (name, *spec.variants)
        for _, said, marks in table.statements(row)
    ]
