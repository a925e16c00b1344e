"""A table as HTML, for a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table


def render(table: Table, *, exact: bool = False) -> str:
    """Return the table as an HTML table; numbers to the right."""
    heads, texts = cells(table, exact=exact)
    sides = ["left" if column.kind == "text" else "right" for column in table.columns]

    def row(tag: str, values: list[str]) -> str:
        made = (f'<{tag} style="text-align:{s}">{escape(v)}</{tag}>' for v, s in zip(values, sides, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    titles = [f"{title} ({unit})" if unit else title for title, unit in heads]
    body = "".join(row("td", values) for values in texts[:-1])
    return (
        f"<table><thead>{row('th', titles)}</thead><tbody>{body}</tbody><tfoot>{row('th', texts[-1])}</tfoot></table>"
    )


def page(title: str, lines: Iterable[str], body: str, notes: Iterable[str]) -> str:
    """Return what a notebook shows: a title, lines of text, tables as HTML, and the small print."""
    said = "".join(f"<div>{escape(line)}</div>" for line in lines)
    small = "".join(f"<div><small>{escape(note)}</small></div>" for note in notes)
    return f"<div><b>{escape(title)}</b></div>{said}{body}{small}"
