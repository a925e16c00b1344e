"""A table before any format: cells under columns. What is shown makes them, the writers in `render/` lay them out."""

from __future__ import annotations

from costcalc.base import Datum


class Column:
    """A column: its title and what its cells are: text, count (with a unit), share, or a share as a bar."""

    __slots__ = ("joined", "kind", "title")

    def __init__(self, title: str, kind: str = "text", *, joined: bool = False) -> None:
        self.title = title
        self.kind = kind
        self.joined = joined  # whether it stays beside the column before it where a table is too wide


class Table:
    """Cells under columns, with a line of totals; counts are exact ints until a writer rounds them."""

    __slots__ = ("cells", "columns", "decimals", "paths", "prose", "summary", "totals")

    def __init__(
        self,
        columns: list[Column],
        cells: list[list[Datum]],
        totals: list[Datum],
        *,
        paths: bool = False,
        prose: bool = False,
        summary: str = "",
        decimals: int | None = None,
    ) -> None:
        self.columns = columns
        self.cells = cells
        self.totals = totals  # none where there is nothing to sum up
        self.paths = paths  # whether the first column holds paths, which a writer may put under headings
        self.prose = prose  # whether words are broken at their blanks where it is too wide
        self.summary = summary  # what a notebook shows in its place until it is unfolded; shown at once where empty
        self.decimals = decimals  # of every count and share, in one unit a column; those that suit it unless told

    def but(self, columns: list[Column], cells: list[list[Datum]], totals: list[Datum]) -> Table:
        """Return a table that is written like this one, of other columns or lines."""
        return Table(columns, cells, totals, paths=self.paths, prose=self.prose, decimals=self.decimals)


def barred(table: Table) -> Table:
    """Return a table of a result with each line's share of the operations as a bar, in place of its input."""
    kept = [index for index, column in enumerate(table.columns) if column.title != "input"]
    columns = [*(table.columns[index] for index in kept), Column("", "bar")]
    cells = [[*(row[index] for index in kept), row[-1]] for row in table.cells]
    return table.but(columns, cells, [*(table.totals[index] for index in kept), ""])
