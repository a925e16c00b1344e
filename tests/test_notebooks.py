"""The notebooks: their saved outputs are what their cells give now, and they are valid, small and self-contained."""

from __future__ import annotations

import json
import re

import pytest

import notebooks

PATHS = notebooks.NOTEBOOKS
IDS = [path.stem for path in PATHS]
LARGEST = 100_000  # bytes of a file


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def given(cell):
    """Return all text that a code cell gives."""
    found = []
    for output in cell.get("outputs", ()):
        found += output["text"] if "text" in output else output["data"]["text/plain"]
    return "".join(found)


# ---- the notebooks of the repository -------------------------------------------------------------


def test_there_are_four() -> None:
    assert len(PATHS) == 4


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_saved_outputs_are_what_the_cells_give(path) -> None:
    done = notebooks.alone(path, "--check")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_a_notebook_is_valid_for_jupyter(path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(read(path), relax_add_props=False)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_cells_have_readable_ids_that_no_other_has(path) -> None:
    made = read(path)
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in made["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{1,63}", name) for name in ids)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_a_notebook_is_small_and_tells_nothing_of_the_machine(path) -> None:
    written = path.read_text(encoding="utf-8")
    assert len(written.encode()) < LARGEST
    assert not re.search(r"image/png|0x[0-9a-f]{6,}|/home/|/tmp/|site-packages|Traceback", written)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_each_exercise_has_its_answer(path) -> None:
    cells = read(path)["cells"]
    (asked,) = ["".join(cell["source"]) for cell in cells if cell["id"] == "exercises"]
    answers = [cell for cell in cells if "answer" in cell["metadata"].get("tags", ())]
    assert [cell["id"] for cell in answers] == [f"answer-{n}" for n in re.findall(r"^(\d)\. ", asked, re.MULTILINE)]
    assert answers
    assert all(given(cell) for cell in answers)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_long_numbers_in_the_prose_are_ones_that_the_cells_give(path) -> None:
    cells = read(path)["cells"]
    counted = re.sub(r"(?<=\d),(?=\d)", "", "".join(given(cell) for cell in cells))
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    said = {number.replace(",", "") for number in re.findall(r"\b\d{1,3}(?:,\d{3})+\b", prose)}
    assert said <= set(re.findall(r"\d+", counted))


# ---- what executes them --------------------------------------------------------------------------


class Shown:
    def __repr__(self) -> str:
        return "plain"

    def _repr_html_(self) -> str:
        return "<b>\nhtml</b>"


def stream(*lines):
    return {"name": "stdout", "output_type": "stream", "text": list(lines)}


def value(**data):
    shown = {name.replace("_", "/"): lines for name, lines in data.items()}
    return {"data": shown, "execution_count": 1, "metadata": {}, "output_type": "execute_result"}


CELLS = [
    ("", []),
    ("# only a comment", []),
    ("x = 1", []),
    ("None", []),
    ("x = 1\nx + 1", [value(text_plain=["2"])]),
    ("'a'", [value(text_plain=["'a'"])]),
    ("print('a')\nprint('b')", [stream("a\n", "b\n")]),
    ("print('a')\n1", [stream("a\n"), value(text_plain=["1"])]),
    ("1\nprint('a', end='')", [stream("a")]),
    ("for n in range(2):\n    print(n)", [stream("0\n", "1\n")]),
    ("Shown()", [value(text_plain=["plain"], text_html=["<b>\n", "html</b>"])]),
]


@pytest.mark.parametrize(("code", "outputs"), CELLS, ids=[code or "nothing" for code, _ in CELLS])
def test_what_a_cell_gives(code, outputs) -> None:
    assert notebooks.outputs(code, {"Shown": Shown}) == outputs


def notebook(*codes):
    """Return a fresh notebook of code cells named a, b, ..., executed."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {},
            "outputs": [],
            "source": [code],
        }
        for name, code in zip("abc", codes, strict=False)
    ]
    return notebooks.executed({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def no_change(cells):
    pass


def another_code(cells):
    cells[0]["source"] = ["x = 3"]


def another_text(cells):
    cells[1]["outputs"][0]["text"] = ["2 \n"]


def another_value(cells):
    cells[2]["outputs"][0]["data"]["text/plain"] = ["5"]


def no_output(cells):
    cells[1]["outputs"] = []


def an_output_too_many(cells):
    cells[0]["outputs"] = [stream("left over\n")]


def run_out_of_order(cells):
    cells[0]["execution_count"] = 7


def a_cell_gone(cells):
    del cells[1]


STALE = [
    (no_change, []),
    (another_code, ["b", "c"]),
    (another_text, ["b"]),
    (another_value, ["c"]),
    (no_output, ["b"]),
    (an_output_too_many, ["a"]),
    (run_out_of_order, ["a"]),
    (a_cell_gone, ["c"]),
]


@pytest.mark.parametrize(("change", "cells"), STALE, ids=[change.__name__ for change, _ in STALE])
def test_a_stale_output_is_found_named_and_mended(change, cells, tmp_path, capsys) -> None:
    made = notebook("x = 2", "print(x)", "2 * x")
    change(made["cells"])
    path = tmp_path / "some.ipynb"
    path.write_text(notebooks.text(made), encoding="utf-8")
    assert notebooks.stale(made) == cells
    assert notebooks.settle(path, check=True) is (not cells)
    said = capsys.readouterr().out
    assert said == (
        f"some.ipynb is stale in {', '.join(cells)}: run python tests/tools/notebooks.py\n" if cells else ""
    )
    assert notebooks.settle(path, check=False)
    assert notebooks.settle(path, check=True)


def test_a_cell_that_fails_is_named(tmp_path) -> None:
    made = notebook("x = 2", "x + 1")
    made["cells"][1]["source"] = ["1 / 0"]
    path = tmp_path / "some.ipynb"
    path.write_text(notebooks.text(made), encoding="utf-8")
    for flags in ([], ["--check"]):
        done = notebooks.alone(path, *flags)
        assert (done.returncode, done.stdout) == (
            1,
            "some.ipynb: cell 'b' failed: ZeroDivisionError: division by zero\n",
        )


def test_cells_share_one_namespace_and_notebooks_none() -> None:
    assert notebook("x = 1", "x")["cells"][1]["outputs"][0]["data"] == {"text/plain": ["1"]}
    with pytest.raises(notebooks.CellError, match="cell 'a' failed: NameError"):
        notebook("x")
