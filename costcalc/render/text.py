"""A table as aligned text for a terminal: plain ANSI styles, or none."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

from costcalc.render.figures import cells
from costcalc.report import Table

BOLD, DIM, RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LEAST_NAME = 12


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; names may hold any script."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def render(table: Table, *, columns: int = 80, exact: bool = False, color: bool = False) -> str:
    """Return the table in so many columns where it can be.

    Paths that do not fit stand under headings, a heading a group; numbers are never cut.
    """
    heads, texts = cells(table, exact=exact)
    titles = [[title for title, _ in heads]]
    if any(unit for _, unit in heads):
        titles.append([unit for _, unit in heads])
    left = [column.kind == "text" for column in table.columns]
    body: list[list[str] | str] = list(texts[:-1])
    if _room(titles + texts, 1) > columns:
        others = _room([row[1:] for row in titles + texts], 1) + 1
        body = _under_headings(texts[:-1], columns - others)
    rows = [*titles, *(row for row in body if isinstance(row, list)), texts[-1]]
    widths = [max(width(row[i]) for row in rows) for i in range(len(heads))]
    gap = 2 if _room(rows, 2) <= columns else 1
    widths[0] = max(widths[0] - max(_room(rows, gap) - columns, 0), min(widths[0], _LEAST_NAME))
    ruler = "─" * (sum(widths) + gap * (len(widths) - 1))
    lines = [(_line(row, widths, left, gap), BOLD) for row in titles]
    lines.append((ruler, DIM))
    lines += [(row, DIM) if isinstance(row, str) else (_line(row, widths, left, gap), "") for row in body]
    lines += [(ruler, DIM), (_line(texts[-1], widths, left, gap), BOLD)]
    return "\n".join(f"{style}{line}{RESET}" if color and style else line for line, style in lines)


def _room(rows: list[list[str]], gap: int) -> int:
    """Return how many columns the rows take."""
    return sum(max(width(text) for text in column) for column in zip(*rows, strict=True)) + gap * (len(rows[0]) - 1)


def _under_headings(rows: list[list[str]], room: int) -> list[list[str] | str]:
    """Return the rows with what their paths add to a heading, which says a group's path once above them.

    A path that goes deeper stays under its group's heading if the rest of it has room.
    """
    made: list[list[str] | str] = []
    heading = ""
    for path, *rest in rows:
        group, slash, name = path.rpartition("/")
        if heading and path.startswith(f"{heading}/") and width(path) - width(heading) < room:
            name = path[len(heading) + 1 :]
        elif group != heading:
            heading = group
            made += [group] if group else []
        made.append([f"  {name}" if slash else path, *rest])
    return made


def _line(row: list[str], widths: list[int], left: list[bool], gap: int) -> str:
    parts = []
    for text, room, to_left in zip(row, widths, left, strict=True):
        shown = _cut(text, room)
        space = " " * (room - width(shown))
        parts.append(shown + space if to_left else space + shown)
    return (" " * gap).join(parts).rstrip()


def _cut(text: str, room: int) -> str:
    """Return a text in so many columns: a path keeps its end, which tells its rows apart."""
    if width(text) <= room:
        return text
    while text and width(text) > room - 1:
        text = text[1:]
    return f"…{text}"
