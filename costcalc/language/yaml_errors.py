"""What YAML's parser complains about, in words that say what to do; and what was meant."""

from __future__ import annotations

import re
from typing import NamedTuple

_CLOSERS = {"{": "}", "[": "]"}

# What the parser says, what that means, and what to do; no meaning: its own words will do.
_SAID = (
    ("block end|expected key|'-' indicator", "the line does not fit the indentation around it",
     "items of one list begin in one column"),
    ("could not find expected ':'", "a key without ': value'", "write 'key: value', with a space after the colon"),
    ("sequence entries are not allowed", "a list of - cannot begin on this line",
     "begin it on the next line, or write [a, b]"),
    ("escape", "", "between single quotes, or without quotes, a \\ is only a \\"),
    ("alphabetic or numeric", "", "an expression that begins with * or & needs quotes"),
    ("anchor|alias", "", "an expression that begins with * or & needs quotes"),
)  # fmt: skip


def explained(said: str, line: str, above: str, column: int) -> tuple[str, str]:
    """Return message and hint for what YAML's parser says."""
    if "start any token" in said or "tab character" in said:
        if line[column : column + 1] == "\t" or (line[:column].isspace() and "\t" in line[:column]):
            said = "stands before this value" if line[:column].strip() else "indents this line"
            return f"a tab {said}", "YAML takes spaces only"
        return f"a value cannot begin with {line[column : column + 1]!r}", "quote it"
    if said.startswith("mapping values are not allowed"):
        return _unexpected_colon(above)
    at = line[column : column + 1]
    if said.startswith("not closed") and "expected ':'" not in said:
        return f"this {at} is not closed", f"close it with {_CLOSERS.get(at, at)}"
    if "',' or '}'" in said or "',' or ']'" in said:
        return f"a , or {said[-2]} is expected here", "quote an expression that holds , [ or { inside braces"
    if "expected key" in said and line[:column].strip():
        wrong = f"this {at} closes nothing" if at and at in "}]" else "the value has ended before this"
        return wrong, "remove it, or quote the whole value"
    for pattern, message, hint in _SAID:
        if re.search(pattern, said):
            return message or f"this is no YAML: {said}", hint
    return f"this is no YAML: {said}", ""


def _unexpected_colon(above: str) -> tuple[str, str]:
    """Say what the line above a misplaced ':' shows to be the cause."""
    message = "a ':' is not expected here"
    if re.match(r"\s*- \w+\s*\Z", above):
        word = above.strip()[2:]
        return message, f"a bare word takes no modifier on the next line: write {{{word}, name: ...}}"
    return message, "the indentation is off, or text that holds ': ' needs quotes"


# ---- what was meant ------------------------------------------------------------------------------------------------


class Edit(NamedTuple):
    """Characters of a line that are replaced by others."""

    line: int
    column: int
    old: str
    new: str


class Mend(NamedTuple):
    """What makes a text YAML; and what is told on the first edit's line, where that is not the parser's own."""

    edits: tuple[Edit, ...]
    message: str = ""
    hint: str = ""
    column: int = 0  # where that is told


_TEXTS = "name|source|title|note|where|says|measured"  # keys whose value is any text


def mended(said: str, lines: list[str], line: int, column: int) -> Mend | None:
    """Return what was most likely meant where the parser complains; None where that is not plain to see."""
    text = lines[line] if line < len(lines) else ""
    if said.startswith("not closed") and "expected ':'" not in said:
        return _closed(lines, line, column)
    indented = text[: column + 1] if text[column : column + 1] == "\t" else text[:column]
    if indented.isspace() and "\t" in indented:
        indent = text[: len(text) - len(text.lstrip())]
        return Mend((Edit(line, 0, indent, " " * _indentation(lines, line)),))
    if "start any token" in said and text[column : column + 1] == "\t":
        return Mend((Edit(line, column, "\t", " "),))
    if text[column : column + 1] in ("}", "]") and "expected key" in said:
        return Mend((Edit(line, column, text[column], " "),))
    if re.search("',' or '[]}]'", said) and (before := re.search(r"[\w\"'] +(?=\w+ *\Z)", text[:column])):
        word = text[before.end() : column].strip()
        return Mend((Edit(line, before.end() - 1, " ", ","),), f"a , is missing before '{word}'", "", before.end())
    if "node content" in said and text[column : column + 1] == "," and text[:column].rstrip().endswith(","):
        return Mend(
            (Edit(line, column, ",", " "),), "there is nothing between two commas", "remove one of them", column
        )
    if "unexpected ':'" in said and (key := re.search(r"\w+\Z", text[:column])):
        return spaced(line, key.start(), text[key.start() : column + 2])
    if not re.search("block end|indicator|expected key|mapping values|expected ':'", said):
        return None
    return _spaced(lines, line) or _keyed(lines, line, column) or _aligned(lines, line)


def dashed(line: int, column: int, key: str) -> Mend:
    """Return the mend of an item whose - has no space after it: `-conv: {...}`."""
    edit = Edit(line, column + 1, "", " ")
    return Mend((edit,), f"'{key[:60]}' has no space after its -", f"write '- {key[1:60]}'", column)


def spaced(line: int, column: int, key: str) -> Mend:
    """Return the mend of a key whose colon has no space after it: `conv:{...}`."""
    edit = Edit(line, column + key.index(":") + 1, "", " ")
    return Mend(
        (edit,), f"'{key[:60]}' has no space after its colon", f"write '{key.replace(':', ': ', 1)[:60]}'", column
    )


def _closed(lines: list[str], line: int, column: int) -> Mend | None:
    """Return the text with a bracket closed at its line's end, or without a quote."""
    at = lines[line][column : column + 1]
    if at not in _CLOSERS:
        return Mend((Edit(line, column, at, " "),)) if at else None
    end = len(re.sub(r"\s*(\s#.*)?\Z", "", lines[line]))
    return Mend((Edit(line, end, "", _CLOSERS[at]),))


def _spaced(lines: list[str], line: int) -> Mend | None:
    """Return the text with the space that a - or a colon lacks, on this line or one before in its list."""
    for number in range(line, max(line - 3, -1), -1):
        if dash := re.match(r" *(-[A-Za-z_]\w*)", lines[number] if number < len(lines) else ""):
            return dashed(number, dash.start(1), dash[1])
        if colon := re.match(r" *(?:- )?([A-Za-z_]\w*:[^\s:]+)", lines[number] if number < len(lines) else ""):
            return spaced(number, colon.start(1), colon[1])
    return None


def _keyed(lines: list[str], line: int, column: int) -> Mend | None:
    """Return the text in which a word is a key or an item, and a text with a colon is quoted."""
    text, above = lines[line] if line < len(lines) else "", lines[line - 1] if line else ""
    bare = re.match(r" *- \w+(?= *\Z)", above)
    if bare and text[:column].strip() and _column(text) == _column(above):
        return Mend((Edit(line - 1, bare.end(), "", ":"),))
    if quoted := re.match(rf" *(?:{_TEXTS}): +(?=[^\s\"'{{\[|>&*].*: )", text):
        quote = "'" if '"' in text else '"'
        end = len(text.rstrip())
        return None if quote in text else Mend((Edit(line, quoted.end(), "", quote), Edit(line, end + 1, "", quote)))
    alone = re.match(r" *\w+(?= *\Z)", text)
    if alone and any(_dash(other) == _column(text) for other in lines[:line]):
        return Mend(
            (Edit(line, _column(text), "", "- "),),
            f"'{text.strip()}' has no - before it",
            f"write '- {text.strip()}'",
            _column(text),
        )
    below = lines[line + 1] if line + 1 < len(lines) else ""
    return Mend((Edit(line, alone.end(), "", ":"),)) if alone and _column(below) > _column(text) else None


def _aligned(lines: list[str], line: int) -> Mend | None:
    """Return the text in which a line begins where others of its kind do, a column or two away."""
    if line >= len(lines) or not lines[line].strip():
        return None
    indent, dash = len(lines[line]) - len(lines[line].lstrip()), _dash(lines[line]) >= 0
    known = []
    for above in reversed(lines[:line]):
        if re.match(r"\w", above):
            break
        known += [(_dash if dash else _column)(above)]
    near = [column for column in known if 0 <= column != indent and abs(column - indent) <= 2]
    if not near:
        return None
    best = min(near, key=lambda column: abs(column - indent))
    return Mend((Edit(line, 0, " " * indent, " " * best),))


def _column(text: str) -> int:
    """Return where a line's key begins, behind the - of an item; -1 where nothing does."""
    found = re.match(r"\s*(?:- +)*(?=[^\s#])", text)
    return found.end() if found else -1


def _dash(text: str) -> int:
    """Return where the - of a line's item stands; -1 where there is none."""
    found = re.match(r"\s*(?=-(\s|\Z))", text)
    return found.end() if found else -1


def _indentation(lines: list[str], line: int) -> int:
    """Return where a line begins that tabs indent: below a key, or beside what is like it."""
    above = next((text for text in reversed(lines[:line]) if text.strip() and not text.lstrip().startswith("#")), "")
    if above.rstrip().endswith(":"):
        return _column(above) + 2
    if lines[line].lstrip().startswith("- "):
        return next((_dash(text) for text in reversed(lines[:line]) if _dash(text) >= 0), 2)
    return max(_column(above), 0)
