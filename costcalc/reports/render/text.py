"""A table as aligned text for a terminal: plain ANSI styles, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.base.text import lines, printable
from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table

if TYPE_CHECKING:
    from costcalc.reports.page import Page

BOLD, DIM, RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LEAST_NAME = 8


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; names may hold any script."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def page(page: Page, *, exact: bool = False, columns: int = 80, color: bool = False) -> str:
    """Return the page for a terminal of so many columns: the heading is broken where it is long, its title bold."""
    title, *rest = [wrapped(line, columns) for line in page.heading] or [""]
    title = f"{BOLD}{title}{RESET}" if color and title else title
    tables = [render(table, columns=columns, exact=exact, color=color) for table in page.tables()]
    notes = "\n".join(wrapped(line, columns) for line in page.notes) if page.prose else lines(page.notes)
    return "\n\n".join(filter(None, ["\n".join([title, *rest]), *tables, notes]))


def render(table: Table, *, columns: int = 80, exact: bool = False, color: bool = False) -> str:
    """Return the table in so many columns where it can be.

    Paths that do not fit stand under headings, a heading a group; nothing is ever cut.
    """
    heads, texts = cells(table, exact=exact)
    titles = [[title for title, _ in heads]]
    if any(unit for _, unit in heads):
        titles.append([unit for _, unit in heads])
    left = [column.kind in ("text", "bar") for column in table.columns]
    others = _widths([row[1:] for row in titles + texts])
    body: list[list[str]] = texts[:-1]
    room = columns - sum(others) - len(others)
    if room < max(width(row[0]) for row in texts):
        placed = _under_headings(body) if table.paths else body
        body = [line for row in placed for line in _on_own_line(row, max(room, _LEAST_NAME))]
    widths = [max(width(row[0]) for row in [*titles, *body, texts[-1]] if len(row) > 1), *others]
    gap = 2 if sum(widths) + 2 * len(others) <= columns else 1
    ruler = "─" * (sum(widths) + gap * len(others))
    lines = [(_line(row, widths, left, gap), BOLD) for row in titles]
    lines.append((ruler, DIM))
    lines += [(row[0], DIM) if len(row) == 1 else (_line(row, widths, left, gap), "") for row in body]
    lines += [(ruler, DIM), (_line(texts[-1], widths, left, gap), BOLD)]
    return "\n".join(f"{style}{line}{RESET}" if color and style else line for line, style in lines)


def wrapped(text: str, columns: int) -> str:
    """Return a text, made harmless, broken at spaces, its further lines indented by two more than its first."""
    text = printable(text)
    body = text.lstrip(" ")
    inset = text[: len(text) - len(body)]
    lines, line = [], ""
    for word in body.split(" "):
        if line and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line = f"{inset}  {word}"
        else:
            line = f"{line} {word}" if line else inset + word
    return "\n".join([*lines, line])


def _widths(rows: list[list[str]]) -> list[int]:
    return [max(width(text) for text in column) for column in zip(*rows, strict=True)]


def _under_headings(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows with what their paths add to a heading: a line of one cell, said once for its group.

    What lies deeper than a heading stays under it with the rest of its path.
    """
    made: list[list[str]] = []
    heading = ""
    for path, *rest in rows:
        group, _, name = path.rpartition("/")
        if heading and path.startswith(f"{heading}/"):
            name = path[len(heading) + 1 :]
        elif group != heading:
            heading = group
            made += [[group]] if group else []
        made.append([f"  {name}" if heading else name, *rest])
    return made


def _on_own_line(row: list[str], room: int) -> list[list[str]]:
    """Return a row as it is, or in two lines where its name has no room beside the numbers."""
    return [row] if len(row) == 1 or width(row[0]) <= room else [[row[0]], ["", *row[1:]]]


def _line(row: list[str], widths: list[int], left: list[bool], gap: int) -> str:
    parts = []
    for text, room, to_left in zip(row, widths, left, strict=True):
        space = " " * (room - width(text))
        parts.append(text + space if to_left else space + text)
    return (" " * gap).join(parts).rstrip()
