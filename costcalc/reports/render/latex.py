"""A table as LaTeX, for a paper: booktabs rules, escaped text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.base.text import clean
from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table

if TYPE_CHECKING:
    from costcalc.reports.page import Page


def page(page: Page, *, exact: bool, **_: object) -> str:
    """Return the page's tables; its lines stand as comments above the first."""
    said = [*page.heading, *page.notes]
    return "\n\n".join(render(table, [] if n else said, exact=exact) for n, table in enumerate(page.tables()))


def render(table: Table, notes: list[str], *, exact: bool = False) -> str:
    r"""Return the table as a tabular that needs \usepackage{booktabs}; the notes stand as comments."""
    heads, texts = cells(table, exact=exact, format_="latex")
    titles = [f"{title} [{unit}]" if unit else title for title, unit in heads]
    spec = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    rows = [" & ".join(row) + r" \\" for row in texts]
    return "\n".join(
        [
            *(f"% {clean(note)}" for note in notes),
            rf"\begin{{tabular}}{{{spec}}}",
            r"\toprule",
            " & ".join(titles) + r" \\",
            r"\midrule",
            *rows[:-1],
            *([r"\midrule", rows[-1]] if table.totals else []),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )
