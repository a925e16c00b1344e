"""A page: what a command or a result has to tell, before any format. It writes itself in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from costcalc.base import Data, Datum
from costcalc.reports.table import Table

FORMATS = ("table", "markdown", "csv", "json", "latex", "html")
WRITERS = {"table": "text"}  # the formats that are no writer's name


class Page:
    """Lines above, tables, lines below; the same as flat records and as plain data.

    Tables, records and data are functions: a format asks for what it writes, and the rest is never made. data: the
    records unless told. shorter: the tables again with ever fewer lines, each time with a note that says so, for a
    terminal of too few lines. folded: tables with a line each that names them, which Markdown opens on a click.
    """

    def __init__(
        self,
        tables: Callable[[], Sequence[Table]] = list,
        records: Callable[[], list[Data]] = list,
        data: Callable[[], Datum] | None = None,
        *,
        heading: Sequence[str] = (),
        notes: Sequence[str] = (),
        shorter: Callable[[], Iterable[tuple[Sequence[Table], str]]] | None = None,
        folded: Callable[[], Iterable[tuple[str, Table]]] = list,
        titled: bool = False,
        prose: bool = False,
    ) -> None:
        self.tables = tables
        self.records = records
        self.data = data or records
        self.heading = heading
        self.notes = notes
        self.shorter = shorter
        self.folded = folded
        self.prose = prose  # whether long notes are broken on a terminal; others stay lines, for tail and grep
        self.titled = titled  # whether the first line of the heading stands apart in Markdown

    def written(
        self, format_: str = "table", *, exact: bool = False, columns: int = 80, height: float = 0, color: bool = False
    ) -> str:
        """Return the page in one of `FORMATS`; columns, height and color are a terminal's.

        height: lines that there are, to which tables are shortened; infinite on a terminal for every line, 0 elsewhere.
        """
        writer = import_module(f"costcalc.reports.render.{WRITERS.get(format_, format_)}")
        made: str = writer.page(self, exact=exact, columns=columns, height=height, color=color)
        return made

    def _repr_html_(self) -> str:
        return self.written("html")
