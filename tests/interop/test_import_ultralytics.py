"""Ultralytics' model files: every module against what its package counts, and files that people got wrong."""

from __future__ import annotations

import csv
import importlib.util
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from in_process import Run

import costcalc
from costcalc import SpecError
from costcalc.interop.ultralytics import modules

DATA = Path(__file__).parent.parent / "data" / "ultralytics"


def measured(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8") as table:
        return list(csv.DictReader(table))


def held(path: Path, row: dict[str, str]) -> None:
    """A model file counts as the package's model does, as it is trained and as it is deployed."""
    network = f"{path}@scale={row['scale']}" if row["scale"] else str(path)
    whole = costcalc.count(network)
    assert (whole.params, whole.macs) == (int(row["params"]), int(row["macs"]))
    deployed = costcalc.count(network, fused=True)
    assert (deployed.params, deployed.macs) == (int(row["params_fused"]), int(row["macs_fused"]))
    frozen = sum(line.params for line in whole.rows if line.name.endswith("/frozen"))
    assert frozen == int(row["params"]) - int(row["params_requires_grad"])


@pytest.mark.parametrize("row", measured("own.csv"), ids=lambda row: f"{row['file']}-{row['scale']}-{row['head']}")
def test_every_module_counts_as_the_package_counts_it(row: dict[str, str], tmp_path: Path) -> None:
    text = (DATA / f"{row['file']}.yaml").read_text(encoding="utf-8").replace("HEAD", row["head"])
    path = tmp_path / f"{row['file']}.yaml"
    path.write_text(text + row["keys"].replace("; ", "\n") + "\n", encoding="utf-8")
    held(path, row)


# What ultralytics-thop 2.2.3 says of these, before and after fuse(); ultralytics 8.4 prints twice as many FLOPs.
THOP = [
    ("csp", "a", 1705980800, 1659747200),
    ("nine", "", 12101222400, 11874304000),
    ("attention", "n", 2045888000, 1960588800),
    ("transformer", "", 1425430800, 1364400400),
    ("classes", "", 2371154688, 2297754368),
    ("words", "n", 3369999360, 3347420160),
]


@pytest.mark.parametrize(("file", "scale", "whole", "deployed"), THOP)
def test_the_package_s_own_counter(file: str, scale: str, whole: int, deployed: int) -> None:
    network = str(DATA / f"{file}.yaml") + (f"@scale={scale}" if scale else "")
    assert costcalc.count(network, convention="ultralytics-thop").operations == whole
    assert costcalc.count(network, convention="ultralytics-thop", fused=True).operations == deployed
    assert costcalc.count(network, convention="ultralytics").operations == 2 * whole


def test_printed_gflops_are_explained(tmp_path: Path) -> None:
    """What the package prints: 2 * 2,045,888,000 at 640 pixels is 4.1 G, of fused layers 3.9 G."""
    path = tmp_path / "yolov8n.yaml"
    path.write_text((DATA / "attention.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for claim, steps in (("4.1G", ["as ultralytics"]), ("3.92G", ["fused true", "as ultralytics"])):
        first = costcalc.reconcile(str(path), claim).matches[0]
        assert [step.rpartition(" ")[0] if step.startswith("as ") else step for step in first.steps] == steps


def test_every_block_is_in_a_file_of_these() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in DATA.glob("*.yaml"))
    heads = "".join(row["head"] for row in measured("own.csv"))
    known = {*modules.SCALED, *modules.AS_GIVEN, *modules.DETECTING, *modules.OTHERS} - {"TorchVision"}
    assert not [name for name in known if f", {name}, " not in texts and not heads.count(f"{name}, ")]


@pytest.mark.parametrize("row", measured("package.csv"), ids=lambda row: f"{row['file']}-{row['scale']}")
def test_the_package_s_own_files(row: dict[str, str]) -> None:
    found = importlib.util.find_spec("ultralytics")
    if found is None or not found.origin:
        pytest.skip("needs the files of the package ultralytics")
    path = Path(found.origin).parent / "cfg" / "models" / row["file"]
    if not path.is_file():
        pytest.skip("another release of ultralytics")
    held(path, row)


ROWS = "nc: 4\nscales: {n: [0.5, 0.25, 64], m: [1, 1, 64]}\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead:\n"
LAST = "  - [[-1], 1, Detect, [nc]]\n"
WRONG = [
    ("  - [-1, 1, Cnov, [64]]\n", "6:13: unknown module 'Cnov'\n", "did you mean 'Conv'?"),
    ("  - [-1, 1, Conv, [64, 3, 2, 1, 1, 1, True, 8]]\n", "6:45: Conv takes 7 arguments, and this is one more", "c, k"),
    ("  - [-1, 1, Conv, [64, three]]\n", "6:24: Conv: k is a whole number from 0, not 'three'", ""),
    ("  - [-1, 1, Conv, []]\n", "6:19: Conv needs its number of channels", ""),
    ("  - [-1, 3, C2f, [64, 0.5]]\n", "6:23: C2f: shortcut is true or false, not '0.5'", ""),
    ("  - [7, 1, Conv, [64]]\n", "6:6: from: there is no row 7 before this one", "this is row 1, after 0 to 0"),
    ("  - [1, 1, Conv, [64]]\n", "6:6: from: there is no row 1 before this one", ""),
    ("  - [-3, 1, Conv, [64]]\n", "6:6: from: there is no row -3 before this one", ""),
    ("  - [up, 1, Conv, [64]]\n", "6:6: from: 'up' is no number of a row", "-1 is the row before"),
    ("  - [-1, 1000000000, Conv, [64]]\n", "6:10: repeats: a whole number from 1 to 10,000", ""),
    ("  - [-1, yes, Conv, [64]]\n", "6:10: repeats: a whole number from 1 to 10,000, not 'yes'", ""),
    ("  - [-1, 1, Conv]\n", "6:5: a row has four parts, and this has 3 parts", "write [from, repeats, module, args]"),
    ("  - Conv\n", "6:5: a row has four parts, and this has no list", ""),
    ("  - [-1, 1, Concat, [1]]\n", "6:6: Concat takes several rows", "write a list: [-1, 6]"),
    ("  - [[-1, 0], 1, Conv, [64]]\n", "6:6: Conv takes one row, and from names 2", ""),
    ("  - [-1, 1, nn.Upsample, []]\n", "6:26: nn.Upsample needs a size or a factor", ""),
    ("  - [-1, 1, nn.Conv2d, [8, 8]]\n", "6:13: unknown module 'nn.Conv2d'", ""),
    # shapes show it: the place is the file's own, and what was still right stands before it
    (
        "  - [-1, 1, Conv, [64, 3, 1, 1, 5]]\n",
        "6:5: 16 input channels can't be split into 5 groups",
        "in Conv: costcalc",
    ),
    ("  - [-1, 1, PSA, [32]]\n", "6:5: the sizes sum to 8, but the input has 16 channels", "in PSA: costcalc's blocks"),
]


@pytest.mark.parametrize(("line", "said", "hint"), WRONG)
def test_a_wrong_line_is_told_with_its_place(line: str, said: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(ROWS + line + LAST, encoding="utf-8")
    with pytest.raises(SpecError) as error:
        costcalc.count(str(path))
    assert f"my.yaml:{said}" in str(error.value)
    assert hint in str(error.value)


KEYS = [
    ("nc: 80", "nc: many", "my.yaml:1:5: nc is a whole number from 1, not 'many'"),
    ("nc: 80", "nc: 80\nscals: {}", "my.yaml:2:1: unknown key 'scals'"),
    ("nc: 80", "nc: 80\nreg_max: 0", "my.yaml:2:10: reg_max is a whole number from 1, not '0'"),
    ("nc: 80", "nc: 80\nend2end: maybe", "my.yaml:2:10: end2end is true or false, not 'maybe'"),
    ("nc: 80", "nc: 80\nactivation: nn.Wish()", "my.yaml:2:13: activation 'nn.Wish()' can't be expressed"),
    ("nc: 80", "nc: 80\nactivation: print(1)", "my.yaml:2:13: activation 'print(1)' can't be expressed"),
    ("nc: 80", "nc: 80\nscales: {n: [1, 2]}", "my.yaml:2:10: scale n is a list, [depth, width, max_channels]"),
    ("nc: 80", "nc: 80\nscales: {n: [1, -2, 8]}", "my.yaml:2:17: scale n: '-2' is no factor"),
    ("nc: 80", "nc: 80\nnc: 4", "my.yaml:2:1: 'nc' stands here twice"),
]


@pytest.mark.parametrize(("line", "instead", "said"), KEYS)
def test_a_wrong_key_is_told_with_its_place(line: str, instead: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    text = f"{line}\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead:\n  - [[-1], 1, Detect, [nc]]\n"
    path.write_text(text.replace(line, instead), encoding="utf-8")
    with pytest.raises(SpecError) as error:
        costcalc.count(str(path))
    assert said in str(error.value)


def test_a_file_s_name_says_the_scale(tmp_path: Path, run: Run) -> None:
    for name, scale in (("yolov8m", "m"), ("yolo8n-seg", "n"), ("mine", "n"), ("yoloe-8m", "m")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(ROWS + LAST, encoding="utf-8")
        assert costcalc.count(str(path)).params == costcalc.count(f"{path}@scale={scale}").params
    assert costcalc.count(f"{path}@scale=n").params < costcalc.count(f"{path}@scale=m").params
    (tmp_path / "yolov8x.yaml").write_text(ROWS + LAST, encoding="utf-8")
    with pytest.raises(SpecError, match=r"is called as scale x, which is none of the file's\n\s+its scales: n, m"):
        costcalc.count(str(tmp_path / "yolov8x.yaml"))
    with pytest.raises(SpecError, match="has no scale 'q'"):
        costcalc.count(f"{path}@scale=q")


def test_a_scale_that_has_no_file_of_its_own_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yolov8-seg.yaml").write_text(ROWS + LAST, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("yolov8n-seg.yaml", str(tmp_path / "yolov8n-seg.yaml")):
        with pytest.raises(SpecError, match=r"has all scales: give \S*yolov8-seg.yaml@scale=n"):
            costcalc.count(name)


def test_a_file_of_yolov5_s_own_repository(tmp_path: Path) -> None:
    """Its head has anchors: for each of them 5 numbers and a score a class, of 1x1 products with a bias."""
    path = tmp_path / "my.yaml"
    rows = f"{ROWS}  - [-1, 1, Conv, [64, 3, 2]]\n  - [[0, 1], 1, Detect, [nc, anchors]]\n"
    path.write_text(f"anchors: [[1, 2, 3, 4], [5, 6, 7, 8]]\n{rows}", encoding="utf-8")
    head = [row for row in costcalc.count(str(path)).rows if row.name.startswith("Detect_2/")]
    assert sum(row.params for row in head) == 2 * 2 * (4 + 5) * (16 + 1)
    path.write_text(f"anchors: 3\n{rows}", encoding="utf-8")
    head = [row for row in costcalc.count(str(path)).rows if row.name.startswith("Detect_2/")]
    assert sum(row.params for row in head) == 2 * 3 * (4 + 5) * (16 + 1)


def test_a_row_whose_result_nothing_takes_is_counted_as_it_is_run(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(ROWS + "  - [-1, 1, Conv, [64]]\n  - [0, 1, Conv, [64]]\n" + LAST, encoding="utf-8")
    assert "Conv_1/conv" in {row.name for row in costcalc.count(str(path)).rows}


def test_import_writes_blocks_knobs_and_variants(tmp_path: Path, run: Run) -> None:
    written = tmp_path / "written.yaml"
    for file, scales in (("csp", "am"), ("attention", "nl"), ("words", "nx"), ("nine", "")):
        path = tmp_path / f"{file}.yaml"
        path.write_text((DATA / f"{file}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        assert not run("import", str(path), "-o", str(written)).code
        for scale in scales or [""]:
            said, meant = (f"{written}@{scale}", f"{path}@scale={scale}") if scale else (str(written), str(path))
            names = [row.name for row in costcalc.count(said).rows]
            assert costcalc.count(said).macs == costcalc.count(meant).macs
            assert names == [row.name for row in costcalc.count(meant).rows]
    text = written.read_text(encoding="utf-8")
    assert "  RepConv(c, k=3, s=1, p=1, g=1):\n" in text
    assert "# RepVGG, arXiv:2101.03697" in text
    assert "C3TR" not in text  # blocks that the file has no use for
    assert costcalc.load(str(path)).text == text


def test_a_network_is_read_and_counted_in_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "attention.yaml"
    path.write_text((DATA / "attention.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    costcalc.count(str(path))
    begun = time.process_time()
    costcalc.count(f"{path}@scale=l")
    assert time.process_time() - begun < 1


def test_spoilt_files_are_refused_in_words(tmp_path: Path) -> None:
    """Random cuts, swaps and huge values: whatever a file holds, it is counted or refused as a SpecError."""
    texts = [path.read_text(encoding="utf-8").replace("HEAD", "Detect, [nc]") for path in sorted(DATA.glob("*.yaml"))]
    words = ["-1", "[]", "{}", "[[1]]", "1000000000", "None", "nc", "&a [*a]", "!!python/object:os.system", "0", "-2",
             "nn.SiLU()", "1e999", "Concat", "RTDETRDecoder", "'", "[", "x" * 999, "[[[[[[[[", "\u202e"]  # fmt: skip
    draw = random.Random(8)
    path = tmp_path / "spoilt.yaml"
    for _ in range(60):
        parts = draw.choice(texts).split("\n")
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(parts))
            pieces = parts[at].split(", ")
            pieces[draw.randrange(len(pieces))] = draw.choice(words)
            parts[at] = ", ".join(pieces)
        path.write_text("\n".join(parts)[: draw.choice([None, draw.randrange(2000)])], encoding="utf-8")
        begun = time.process_time()
        with suppress(SpecError):
            costcalc.count(str(path))
        assert time.process_time() - begun < 2
