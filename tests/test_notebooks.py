"""The notebooks: their saved outputs are what their cells give now, and they are valid, small and self-contained."""

from __future__ import annotations

import base64
import json
import re

import pytest

import notebooks

PATHS = notebooks.NOTEBOOKS
IDS = [path.stem for path in PATHS]
LARGEST = 100_000  # bytes of a file, but for its pictures
LARGEST_PICTURE = 100_000  # as base64


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def given(cell):
    """Return all text that a code cell gives."""
    found = []
    for output in cell.get("outputs", ()):
        found += output["text"] if "text" in output else output["data"]["text/plain"]
    return "".join(found)


def pictures(made):
    """Return the pictures of a notebook, as base64."""
    outputs = [output for cell in made["cells"] for output in cell.get("outputs", ())]
    return [output["data"][notebooks.PNG] for output in outputs if notebooks.PNG in output.get("data", ())]


# ---- the notebooks of the repository -------------------------------------------------------------


def test_there_are_seven() -> None:
    assert [path.name[0] for path in PATHS] == list("1234567")
    named = (PATHS[0].parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d\S+\.ipynb)\)", named) == [path.name for path in PATHS]


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_saved_outputs_are_what_the_cells_give(path) -> None:
    pytest.importorskip("matplotlib")
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
    written, shown = path.read_text(encoding="utf-8"), pictures(read(path))
    for picture in shown:
        written = written.replace(picture, "")
    assert len(written.encode()) < LARGEST
    assert max(map(len, shown), default=0) < LARGEST_PICTURE
    assert not re.search(r"0x[0-9a-f]{6,}|/home/|/tmp/|site-packages|Traceback", written)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_a_notebook_has_two_pictures_or_three(path) -> None:
    assert len(pictures(read(path))) in (2, 3)


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
    counted = re.sub(r"(?<=\d),(?=\d)", "", "\n".join(given(cell) for cell in cells))
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    said = {number.replace(",", "") for number in re.findall(r"\b\d{1,3}(?:,\d{3})+\b", prose)}
    assert said <= set(re.findall(r"\d+", counted))


# What cells must give: worked out by hand, or printed in the paper that is named.
FACTS = [
    ("1", "alexnet-abstract", "650,080 or 659,272"),  # 290,400 + 186,624 + 2 * 64,896 + 43,264, and 9,192
    ("1", "dense", "31,030,658 params, 150,428,424,448 MACs"),  # counted by hand from arXiv:1505.04597, Figure 1
    ("1", "pyramid-image", "1.31 times"),  # 1 + 1/4 + 1/16
    ("1", "pyramid-image", "199,974"),  # "200k" in arXiv:1612.03144, Table 1
    ("1", "answer-1", "15,227,688 params"),  # VGG-16's 14,714,688 of convolutions, and 513,000
    ("1", "answer-3", "MobileNetV1: 568.7 M MACs"),  # arXiv:1704.04861, Table 8: 569
    ("2", "inception", "163,328 weights 128,049,152"),  # "159K" (of 1024) and "128M" in arXiv:1409.4842, Table 1
    ("2", "inception", "393,216"),  # 192 * (64 + 9 * 128 + 25 * 32 + 32)
    ("2", "factorized", "0.2857, which is 2/7 = 0.2857"),
    ("2", "bottleneck", "73,728 weights"),  # 2 * 9 * 64^2
    ("2", "bottleneck", "69,632 weights"),  # 2 * 256 * 64 + 9 * 64^2
    ("2", "active", "702,464 operations"),  # 4 products and 3 sums for each of 128 * 28^2
    ("2", "hswish", "7556320"),  # 5 * 1,511,264
    ("3", "pareto", "DARTS 595 4.9 73.1 MAdds, Params"),  # as arXiv:1903.05285 prints it; our 506 M are other cells
    ("5", "save", "48.8 times"),  # 4 * 60,965,224 bytes by 4 * 1,248,424; "50x" in arXiv:1602.07360, Table 2
    ("5", "strategies", "589824"),  # 256 * 256 * 9
    ("5", "strategies", "327680"),  # 128 * 256 * 9 + 128 * 256
    ("5", "strategies", "49152"),  # fire5 of arXiv:1602.07360, Table 1: 49,440 less its 288 biases
    ("5", "rule", "1,248,424 params by the rule, 1,248,424 in the zoo"),  # Table 1
    ("5", "ratio", "19.37"),  # "a 19MB model" in Section 5.2.2, and 4.8 (MiB) at 0.125
    ("5", "rank", "48 MB, 5.1 times"),  # "48MB" and "5x" in arXiv:1602.07360, Table 2
    ("5", "pruning", "9.0 times fewer"),  # "9x" in arXiv:1506.02626, Table 1
    ("5", "bits", "30.4 times"),  # without fillers; with all of them 25: 27 in arXiv:1510.00149 lies between
    ("5", "squeezed", "0.4698"),  # "0.47MB" in arXiv:1602.07360, Table 2, which are MiB
    ("5", "squeezed-by-hand", "102,688 weights"),  # Table 1: conv1, and all layers that keep 100 %
    ("5", "squeezed-by-hand", "314,434 of"),  # 421,098 of Table 1, less the 102,688 and the 3,976 biases
    ("5", "cluster", "271.3"),  # 66.17 G MACs by 243.9 MB
    ("5", "speedup", "0.77 of the time"),  # 256 / 145 - 1
    ("5", "answer-1", "197,184"),  # arXiv:1602.07360, Table 1
    ("5", "answer-2", "2836"),  # 9216 * 4096 / 13312 = 2835.7
    ("6", "memory", "folds norms and sums 978.4 978.4 312 312"),  # 144 + 24 + 144 alive, 24 + 144 + 144
    ("6", "memory", "its own input 978.4 602.1 312 192"),  # 144 + 24 + 144, 24 + 144 + 24
    ("6", "memory-table3", "1,605,632 bytes"),  # "1600K" in arXiv:1801.04381, Table 3
    ("6", "memory-table3", "401,408 bytes"),  # "400K" there
    ("6", "memory-networks", "1,405"),  # 1372 KiB in MCUNetV2, arXiv:2110.15352
    ("6", "field", "three 3x3 7"),  # arXiv:1409.1556, Section 2.3
    ("6", "field-networks", "483"),  # Araujo et al., Distill 2019: ResNet-50; MobileNetV1 315, Inception-v3 1311
    ("6", "field-networks", "315"),
    ("6", "field-networks", "1311"),
    ("6", "field-networks", "715"),  # 27 + 2 * 32, 16 more, 5 * 64, 32 more, 2 * 128: nine modules with 5x5
    ("6", "winograd", "2.228"),  # 15.47 G by 15.35 G / 2.25 + 0.124 G
    ("6", "intensity", "1.123"),  # 9 * 56^2 / (8 * 56^2 + 36) = 1.1234
    ("6", "equal", "0 128 128 1 51.38 0.8192"),  # 3,136 * 256 + 128^2 = 819,200
    ("6", "equal", "6 360 360 8 50.8 2.274"),  # 3,136 * 720 + 360^2 / 8 = 2,274,120
    ("6", "real-time", "20.8 G MACs"),  # 1250 / 2 / 30
    ("6", "netadapt-table", "124.2 ms by the table, 124.2 ms at once"),
    ("6", "answer-1", "[407680, 250880]"),  # 784 * 520, 784 * 320
    ("6", "answer-3", "1.72 times"),  # 441 / 256
    ("6", "answer-5", "w = -0.057"),  # ln(72.0 / 74.7) / ln(143 / 75)
    ("6", "answer-6", "217,088 instead of 267,264"),  # 784 * 256 + 16,384, 784 * 320 + 16,384
    ("7", "small", "15,625 networks"),  # 5^6, arXiv:2001.00326
    ("7", "large", "21,758,655,492,572,485,851 networks"),  # (9^2 + 9^3 + 9^4)^5, arXiv:1908.09791: over 10^19
    ("7", "budget", "856,295,841,105,991,212 networks, 3.94% of all"),  # by dynamic programming over stages' tables
    ("7", "answer-1", "3,486,784,401"),  # 9^10
    ("7", "answer-2", "26.2%"),  # (4 / 5)^6
]


@pytest.mark.parametrize(("number", "cell", "fact"), FACTS, ids=[f"{one[0]}-{one[1]}-{one[2]}" for one in FACTS])
def test_what_cells_give_is_what_is_known(number, cell, fact) -> None:
    (found,) = [one for one in read(PATHS[int(number) - 1])["cells"] if one["id"] == cell]
    assert fact in " ".join(given(found).split())


# ---- what executes them --------------------------------------------------------------------------


class Shown:
    def __repr__(self) -> str:
        return "plain"

    def _repr_html_(self) -> str:
        return "<b>\nhtml</b>"


class Picture:
    """A picture of a word, whose dots come from a version of something."""

    def __init__(self, word, version) -> None:
        self.axes, self.word, self.version = [], word, version

    def __repr__(self) -> str:
        return "<Picture>"

    def get_supxlabel(self):
        return self.word

    def _repr_png_(self):
        return self.version.encode()


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


def test_a_saved_picture_stays_while_it_shows_the_same() -> None:
    pytest.importorskip("matplotlib")

    def run(word, version, saved=()):
        cell = {"cell_type": "code", "id": "a", "outputs": list(saved), "source": [f"show({word!r}, {version!r})"]}
        made = notebooks.executed({"cells": [cell]}, show=Picture)
        return made["cells"][0]["outputs"]

    first = run("cost", "3.8")
    assert base64.b64decode(first[0]["data"][notebooks.PNG]) == b"3.8"
    assert run("cost", "3.11", first) == first
    assert base64.b64decode(run("time", "3.11", first)[0]["data"][notebooks.PNG]) == b"3.11"
    assert run("cost", "3.11", [stream("left over\n")]) == run("cost", "3.11")


def test_a_digest_is_of_what_is_drawn() -> None:
    pytest.importorskip("matplotlib")
    from costcalc import plots, sweep

    def drawn(**widths):
        return notebooks.digest(plots.sweep(sweep("mobilenet_v1", **widths)))

    assert drawn(width=[0.5, 1.0]) == drawn(width=[0.5, 1.0]) != drawn(width=[0.5, 0.75])
    assert notebooks.digest(plots.types("alexnet")) != notebooks.digest(plots.types("alexnet_grouped"))
    named = [
        {"costcalc": 1, "name": name, "input": [3, 8, 8], "layers": ["flatten", {"fc": {"out": 2}}]} for name in "ab"
    ]
    assert notebooks.digest(plots.types(named[0], "alexnet")) != notebooks.digest(plots.types(named[1], "alexnet"))
    assert notebooks.digest(plots.layers("alexnet")) != notebooks.digest(plots.layers("alexnet", convention="flops"))


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
