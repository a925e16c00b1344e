"""Docstrings as Sphinx reads them: ours have `code` between single backticks, and asterisks that are no emphasis."""

from __future__ import annotations

import re
from itertools import groupby

CODE = re.compile(r"`([^`\n]+)`")
MARKS = re.compile(r"([*\\|_])")


def as_rst(lines: list[str]) -> None:
    """Turn the lines of a docstring into reStructuredText, in place."""
    paragraphs = [list(part) for filled, part in groupby(lines, key=bool) if filled]
    lines[:] = [line for part in paragraphs for line in (*paragraph(part), "")]


def paragraph(lines: list[str]) -> list[str]:
    """Return a paragraph as reStructuredText: examples and tables as they are, words without marks."""
    if lines[0].startswith(">>> "):
        return lines
    if lines[0].startswith(" ") or any("---" in line for line in lines):
        return ["::", "", *(f"    {line}" for line in lines)]
    return [sentence(line) for line in lines]


def sentence(line: str) -> str:
    """Return a line of words."""
    parts = CODE.split(line)
    return "".join(f"``{part}``" if number % 2 else MARKS.sub(r"\\\1", part) for number, part in enumerate(parts))
