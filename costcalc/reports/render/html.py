"""A table as HTML, for a notebook."""

from __future__ import annotations

from html import escape

from costcalc.reports.render.figures import cells, readable
from costcalc.reports.report import Table, heading, layer_table, notes, type_table
from costcalc.reports.result import Result


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


def page(result: Result) -> str:
    """Return what a notebook shows of a result: totals, by type, and the layers behind a fold."""
    title, *rest = heading(result)
    totals = f"{readable(result.params)} params, {readable(result.total)} {result.unit}"
    said = "".join(f"<div><small>{escape(note)}</small></div>" for note in (*rest, *notes(result)))
    layers = render(layer_table(result))
    return (
        f"<div><b>{escape(title)}</b></div><div>{escape(totals)}</div>{render(type_table(result))}"
        f"<details><summary>{len(result.layers)} rows, by layer</summary>{layers}</details>{said}"
    )
