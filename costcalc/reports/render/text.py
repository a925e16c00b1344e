"""A table as aligned text for a terminal: plain ANSI styles, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costcalc.base.text import lines, printable
from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table

if TYPE_CHECKING:
    from costcalc.reports.page import Page

BOLD, DIM, RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LEAST_NAME = 8
_NAMES = 3  # on a terminal names have this part of its columns at most


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; names may hold any script."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def page(page: Page, *, exact: bool = False, columns: int = 80, height: int = 0, color: bool = False) -> str:
    """Return the page for a terminal of so many columns: the heading is broken where it is long, its title bold.

    height: lines that it may take where the page can be shorter; names may be shortened then, too.
    """
    title, *rest = [wrapped(line, columns) for line in page.heading] or [""]
    heading = "\n".join([f"{BOLD}{title}{RESET}" if color and title else title, *rest])
    shorter = page.shorter if height else None

    def made(shown: Sequence[Table], notes: Sequence[str]) -> str:
        names = shorter is not None
        tables = [render(table, columns=columns, exact=exact, color=color, short=names) for table in shown]
        said = "\n".join(wrapped(line, columns) for line in notes) if page.prose else lines(notes)
        return "\n\n".join(filter(None, [heading, *tables, said]))

    whole = made(page.tables(), page.notes)
    for shown, note in shorter() if shorter else ():
        if _taken(whole, columns) < height:  # a line is left for what is typed next
            break
        whole = made(shown, [*page.notes, note])
    return whole


def render(table: Table, *, columns: int = 80, exact: bool = False, color: bool = False, short: bool = False) -> str:
    """Return the table in so many columns where it can be.

    Paths that do not fit stand under headings, a heading a group; nothing is cut, unless short: paths of more than a
    third of the line stand under headings too, and of what is still as long there the end is shown.
    """
    heads, texts = cells(table, exact=exact)
    titles = [[title for title, _ in heads]]
    if any(unit for _, unit in heads):
        titles.append([unit for _, unit in heads])
    left = [column.kind in ("text", "bar") for column in table.columns]
    others = _widths([row[1:] for row in titles + texts])
    body: list[list[str]] = texts[:-1]
    room = columns - sum(others) - len(others)
    short = short and table.paths
    longest = columns // _NAMES if short else room
    if min(room, longest) < max(width(row[0]) for row in texts):
        room = max(room, _LEAST_NAME)
        placed = _under_headings(body, "/." if short else "/") if table.paths else body
        placed = [_shortened(row, longest, room) for row in placed] if short else placed
        body = [line for row in placed for line in _on_own_line(row, room)]
    widths = [max(width(row[0]) for row in [*titles, *body, texts[-1]] if len(row) > 1), *others]
    gap = 2 if sum(widths) + 2 * len(others) <= columns else 1
    ruler = "─" * (sum(widths) + gap * len(others))
    lines = [(_line(row, widths, left, gap), BOLD) for row in titles]
    lines.append((ruler, DIM))
    lines += [(row[0], DIM) if len(row) == 1 else (_line(row, widths, left, gap), "") for row in body]
    lines += [(ruler, DIM), (_line(texts[-1], widths, left, gap), BOLD)]
    return "\n".join(f"{style}{line}{RESET}" if color and style else line for line, style in lines)


def _taken(text: str, columns: int) -> int:
    """Return how many lines of a terminal a page takes, where longer ones go on in the next."""
    for style in (BOLD, DIM, RESET):
        text = text.replace(style, "")
    return sum(max(0, width(line) - 1) // columns + 1 for line in text.split("\n"))


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


def _under_headings(rows: list[list[str]], ends: str) -> list[list[str]]:
    """Return the rows with what their paths add to a heading: a line of one cell, said once for its group.

    What lies deeper than a heading stays under it with the rest of its path. ends: what a level may end with.
    """
    made: list[list[str]] = []
    heading = ""
    for path, *rest in rows:
        end = max(path.rfind(sign) for sign in ends)
        group, name = path[: max(end, 0)], path[end + 1 :]
        if heading and path.startswith(tuple(heading + sign for sign in ends)):
            name = path[len(heading) + 1 :]
        elif group != heading:
            heading = group
            made += [[group]] if group else []
        made.append([f"  {name}" if heading else name, *rest])
    return made


def _on_own_line(row: list[str], room: int) -> list[list[str]]:
    """Return a row as it is, or in two lines where its name has no room beside the numbers."""
    return [row] if len(row) == 1 or width(row[0]) <= room else [[row[0]], ["", *row[1:]]]


def _shortened(row: list[str], longest: int, room: int) -> list[str]:
    """Return a row, of a name that is longer than names may be the end that has room: `…/fc1` of `se/gate/fc1`."""
    if len(row) == 1 or width(row[0]) <= longest:
        return row
    name = row[0].lstrip(" ")
    inset = row[0][: len(row[0]) - len(name)]
    while width(name) > min(longest, room) - len(inset) - 1:
        name = name[1:]
    return [f"{inset}…{name[next((k for k, sign in enumerate(name) if sign in '/.'), 0) :]}", *row[1:]]


def _line(row: list[str], widths: list[int], left: list[bool], gap: int) -> str:
    parts = []
    for text, room, to_left in zip(row, widths, left, strict=True):
        space = " " * (room - width(text))
        parts.append(text + space if to_left else space + text)
    return (" " * gap).join(parts).rstrip()
