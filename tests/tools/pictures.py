"""The pictures of docs/pictures.md, drawn by its own commands: `python tests/tools/pictures.py` writes them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "pictures.md"
FOLDER = ROOT / "docs" / "pictures"


def commands() -> dict[str, list[str]]:
    """Return the commands of the page that draw, by the files that they write."""
    found = [
        shlex.split(line) for line in re.findall(r"^\$ costcalc (plot .*\.svg)$", PAGE.read_text("utf-8"), re.MULTILINE)
    ]
    return {words[-1]: words for words in found}


def drawn(words: list[str], folder: Path) -> Path:
    """Carry a command out, and return the file."""
    from costcalc.cli import group

    path = folder / words[-1]
    CliRunner().invoke(group, [*words[:-1], str(path)], catch_exceptions=False)
    return path


def structure(path: Path) -> tuple[list[str], dict[str, int]]:
    """Return what an SVG of matplotlib says: its texts, and how many bars, lines and clouds of points it has."""
    text = path.read_text("utf-8")
    kinds = ("patch", "line2d", "PathCollection", "QuadMesh")
    return re.findall(r"<!-- (.*?) -->", text), {kind: text.count(f'<g id="{kind}_') for kind in kinds}


if __name__ == "__main__":
    for name, words in commands().items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            print(drawn(words, FOLDER))
