"""The pictures of docs/pictures.md are what its commands draw: their words, and how many marks they have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pictures import FOLDER, PAGE, commands, drawn, structure

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("name", commands())
def test_a_picture_is_fresh(name: str, tmp_path: Path) -> None:
    assert structure(drawn(commands()[name], tmp_path)) == structure(FOLDER / name), (
        "python tests/tools/pictures.py draws it anew"
    )


def test_every_picture_is_on_the_page_and_is_drawn_by_a_command() -> None:
    shown = re.findall(r"\]\(pictures/(\S+)\)", PAGE.read_text("utf-8"))
    assert sorted(shown) == sorted(commands()) == sorted(path.name for path in FOLDER.glob("*.svg"))
