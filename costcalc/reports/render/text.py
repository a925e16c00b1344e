"""A table as aligned text for a terminal: plain ANSI styles, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING

from costcalc.base.text import lines, plural, printable
from costcalc.reports.render.figures import cells
from costcalc.reports.table import Column, Table

if TYPE_CHECKING:
    from costcalc.reports.page import Page

BOLD, DIM, RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LEAST_NAME = 8
_LEAST_TEXT = 16  # of a column of words that is broken
_LEAST_LINES = 5  # of a table that is shortened
_NAMES = 3  # on a terminal names have this part of its columns at most


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; names may hold any script."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def page(page: Page, *, exact: bool = False, columns: int = 80, height: float = 0, color: bool = False) -> str:
    """Return the page for a terminal of so many columns: the heading is broken where it is long, its title bold.

    height: lines of the terminal, to which the page is shortened, names too; infinite on one for every line, 0 where
    what is written goes elsewhere: there no table is laid out otherwise because it is wide.
    """
    title, *rest = [wrapped(line, columns) for line in page.heading] or [""]
    heading = "\n".join([f"{BOLD}{title}{RESET}" if color and title else title, *rest])
    short = 0 < height < inf

    def made(shown: Sequence[Table], notes: Sequence[str]) -> str:
        parts = [part for table in shown for part in (beside(table, columns, exact=exact) if height else [table])]
        tables = [
            render(table, columns=columns, exact=exact, color=color, short=short, broken=height > 0) for table in parts
        ]
        said = "\n".join(wrapped(line, columns) for line in notes) if page.prose or height else lines(notes)
        return "\n\n".join(filter(None, [heading, *tables, said]))

    tables = page.tables()
    whole = made(tables, page.notes)
    shorter = page.shorter() if page.shorter else _fewer(tables, height)
    for shown, note in shorter if short else ():
        if _taken(whole, columns) < height:  # a line is left for what is typed next
            break
        whole = made(shown, [*page.notes, note])
    return whole


def _fewer(tables: Sequence[Table], height: float) -> Iterator[tuple[list[Table], str]]:
    """Yield the tables with ever fewer lines, if it is one, each time with a note that says so."""
    for table in tables if len(tables) == 1 else ():
        number = len(table.cells)
        for kept in range(min(number - 1, int(height)), _LEAST_LINES - 1, -1):
            shown = table.but(table.columns, table.cells[:kept], table.totals)
            yield [shown], f"the first {kept} of {plural(number, 'line')}: --all shows all"


def beside(table: Table, columns: int, keys: int = 0, *, exact: bool = False) -> list[Table]:
    """Return a table that is too wide as several below each other, each of the first columns and some others.

    keys: how many columns are said again; the first, and the words beside it that leave room, unless told.
    """
    heads, texts = _texts(table, exact=exact)
    if table.prose and _narrowed(heads, texts, table.columns, columns):
        return [table]
    wide = _widths([[max(head, key=width) for head in heads], *texts])
    if table.prose:
        wide = _widths([*_stacked([title for title, _ in heads], texts, columns), *texts])
    words = [column.kind == "text" and not table.paths for column in table.columns]
    # Names may stand under headings or on lines of their own, and words be broken.
    most = [columns // _NAMES // 2, *(_LEAST_TEXT if word else w for w, word in zip(wide[1:], words[1:], strict=True))]
    wide = list(map(min, wide, most))
    if sum(wide) + len(wide) - 1 <= columns:
        return [table]
    keys = keys or max(
        k for k in range(1, len(wide)) if k == 1 or (all(words[:k]) and sum(wide[:k]) + k <= columns // 2)
    )
    groups: list[list[int]] = [[*range(keys)]]
    k = keys
    while k < len(wide):
        end = next((j for j in range(k + 1, len(wide)) if not table.columns[j].joined), len(wide))
        if len(groups[-1]) > keys and sum(wide[j] + 1 for j in [*groups[-1], *range(k, end)]) - 1 > columns:
            groups.append([*range(keys)])
        groups[-1] += range(k, end)
        k = end
    return [_chosen(table, group) for group in groups]


def _chosen(table: Table, places: list[int]) -> Table:
    """Return some columns of a table."""
    cells = [[line[k] for k in places] for line in table.cells]
    return table.but([table.columns[k] for k in places], cells, [table.totals[k] for k in places if table.totals])


def render(
    table: Table,
    *,
    columns: int = 80,
    exact: bool = False,
    color: bool = False,
    short: bool = False,
    broken: bool = False,
) -> str:
    """Return the table in so many columns where it can be.

    Paths that do not fit stand under headings, a heading a group; nothing is cut, unless short: paths of more than a
    third of the line stand under headings too, and of what is still as long there the end is shown. broken: the
    longest column of words is broken where it makes the table too wide.
    """
    heads, texts = _texts(table, exact=exact)
    if table.prose:
        texts = _narrowed(heads, texts, table.columns, columns) or texts
    elif broken and not table.paths:
        texts = _broken(heads, texts, [column.kind == "text" for column in table.columns], columns)
    titles = [[title for title, _ in heads]]
    titles = _stacked(titles[0], texts, columns) if table.prose else titles
    if any(unit for _, unit in heads):
        titles.append([unit for _, unit in heads])
    left = [column.kind in ("text", "bar") for column in table.columns]
    others = _widths(titles + texts)[1:]
    body: list[list[str]] = texts[:-1]
    room = columns - sum(others) - len(others)
    short = short and table.paths
    longest = columns // _NAMES if short else room
    if min(room, longest) < max(width(row[0]) for row in texts) and not table.prose:
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
    lines += [(ruler, DIM), (_line(texts[-1], widths, left, gap), BOLD)] if table.totals else []
    return "\n".join(f"{style}{line}{RESET}" if color and style else line for line, style in lines)


def _texts(table: Table, *, exact: bool) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return heads and lines as text; a line between the rows of a table of words, which has one cell, as that cell."""
    heads, texts = cells(table, exact=exact)
    if table.prose:
        alone = [all(value is None for value in line[1:]) for line in table.cells]
        texts = [row[:1] if one else row for one, row in zip(alone, texts, strict=False)] + texts[-1:]
    return heads, texts


def _narrowed(
    heads: list[tuple[str, str]], texts: list[list[str]], columns: list[Column], room: int
) -> list[list[str]]:
    """Return the lines with the words of the widest columns broken until the table has room; none where it has not."""
    words = [column.kind == "text" for column in columns]
    titles, *longest = [
        [max(_filled(cell, 1), key=width) for cell in row] for row in [[t for t, _ in heads], *texts[:-1]]
    ]
    longest += texts[-1:]
    wide = _widths([titles, *texts])
    least = [s if word else w for s, w, word in zip(_widths([titles, *longest]), wide, words, strict=True)]
    if sum(least) + len(least) - 1 > room:
        return []
    while sum(wide) + len(wide) - 1 > room:
        spare = [now - end for now, end in zip(wide, least, strict=True)]
        place = max((k for k in range(len(wide)) if spare[k]), key=wide.__getitem__)
        wide[place] -= 1
    made = []
    for row in texts[:-1]:
        if len(row) == 1:
            made.append(row)
            continue
        stacks = [_filled(cell, w) if word else [cell] for cell, w, word in zip(row, wide, words, strict=True)]
        height = max(map(len, stacks))
        made += [list(line) for line in zip(*(stack + [""] * (height - len(stack)) for stack in stacks), strict=True)]
    return [*made, texts[-1]]


def _stacked(titles: list[str], texts: list[list[str]], columns: int) -> list[list[str]]:
    """Return the lines of the titles: one, or several of their words where the table is too wide otherwise."""
    wide = _widths([titles, *texts])
    if sum(wide) + len(wide) - 1 <= columns:
        return [titles]
    for hyphens in (False, True):  # Mult-Adds stays whole where there is room
        stacks = [_filled(title, room, hyphens=hyphens) for title, room in zip(titles, _widths(texts), strict=True)]
        wide = _widths([[max(stack, key=width) for stack in stacks], *texts])
        if sum(wide) + len(wide) - 1 <= columns:
            break
    height = max(map(len, stacks))
    return [list(line) for line in zip(*([""] * (height - len(stack)) + stack for stack in stacks), strict=True)]


def _filled(text: str, room: int, *, hyphens: bool = True) -> list[str]:
    """Return a text in lines of so many columns, a longer word on a line of its own; broken behind hyphens too."""
    import textwrap

    return textwrap.wrap(text, max(room, 1), break_long_words=False, break_on_hyphens=hyphens) or [""]


def _broken(heads: list[tuple[str, str]], texts: list[list[str]], words: list[bool], columns: int) -> list[list[str]]:
    """Return the lines with the longest column of words broken, where the table is too wide otherwise."""
    import textwrap

    wide = _widths([[max(head, key=width) for head in heads], *texts])
    over = sum(wide) + len(wide) - 1 - columns
    place = max((k for k in range(1, len(wide)) if words[k]), key=wide.__getitem__, default=0)
    if over <= 0 or not place or wide[place] <= _LEAST_TEXT:
        return texts
    room = max(wide[place] - over, _LEAST_TEXT)
    made = []
    for row in texts:
        first, *more = textwrap.wrap(row[place], room) or [""]
        made.append([*row[:place], first, *row[place + 1 :]])
        made += [["" if k != place else piece for k in range(len(row))] for piece in more]
    return made


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
    """Return the width of each column; a line between rows, which has one cell, has no part in it."""
    whole = max(map(len, rows))
    columns = zip(*(row for row in rows if len(row) == whole), strict=True)
    return [max(map(len if "".join(column).isascii() else width, column)) for column in columns]


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
