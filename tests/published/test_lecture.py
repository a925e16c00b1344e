"""The lecture's index: each of its commands runs, and gives what the page says that it shows."""

from __future__ import annotations

import re
import shlex

import generate
import in_process
import pytest

PAGE = (generate.ROOT / "docs/lecture-index.md").read_text(encoding="utf-8")
TABLES = (generate.ROOT / "docs/lecture.md").read_text(encoding="utf-8")
ROWS = [tuple(cell.strip() for cell in line.split(" | ")) for line in re.findall(r"^\| (.+) \|$", PAGE, re.MULTILINE)]
LINES = [row for row in ROWS if row[0] not in ("the lecture", "---")]
WIDE = {"COLUMNS": "250"}  # so that no figure is cut over two lines


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def missing(command: str, shows: list[str]) -> list[str]:
    """Return what a command does not show, however its columns are spaced."""
    done = in_process.costcalc(*shlex.split(command)[1:], env=WIDE)
    assert done.code == 0, done.err
    written = " ".join(done.out.split())
    return [one for one in shows if one not in written]


@pytest.mark.parametrize("row", [row for row in LINES if code(row[1])], ids=lambda row: row[0][:60])
def test_a_command_shows_what_the_page_says(row: tuple[str, ...]) -> None:
    _, command, shows, _ = row
    assert command == f"`{code(command)[0]}`"
    assert code(shows)
    assert missing(code(command)[0], code(shows)) == []


def test_each_line_has_a_command_or_a_place_to_read() -> None:
    assert [row for row in LINES if len(row) != 4 or not (code(row[1]) or row[3])] == []
    assert len(LINES) > 90


def test_what_a_command_does_not_show_is_found() -> None:
    assert missing("costcalc report mobilenet_v1", ["568,740,352", "569,000,000"]) == ["569,000,000"]


def test_both_pages_have_the_same_tables() -> None:
    shown = re.findall(r"^\$ (costcalc table .+)$", TABLES, re.MULTILINE)
    listed = [code(row[1])[0] for row in LINES if row[1].startswith("`costcalc table ")]
    assert len(shown) > 18
    assert set(shown) == set(listed)
