"""The command line: every command, its options, its exit codes, and the mistakes of newcomers."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import termios
from importlib import import_module
from keyword import iskeyword
from pathlib import Path

import click
import in_process
import pytest
import yaml

import costcalc
from costcalc.cli import COMMANDS, GROUPS, group
from costcalc.cli.common import KnobCommand
from costcalc.language import zoo
from costcalc.operators.fields import RESERVED
from costcalc.operators.op import operators

DATA = Path(__file__).resolve().parent.parent / "data"
SPEC = """\
costcalc: 1
name: tiny
knobs: {width: 1.0, depths: [1, 2], kind: relu, wide: false}
input: [3, 8, 8]
layers:
  - conv: {out: int(8 * width), kernel: 3, padding: half}
  - table: {n: depths}
    do:
      - {kind, repeat: n}
  - {tanh, if: wide}
  - global_avg_pool
  - fc: {out: 10}
"""


def run(*arguments: str, text: str = "", folder: Path | None = None, **env: str) -> in_process.Done:
    return in_process.costcalc(*arguments, folder=folder, text=text, env=env)


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1.yaml", "resnet50.yaml", "alexnet_grouped"])
def test_report_finds_networks_of_the_zoo(name: str) -> None:
    done = run("report", name)
    assert (done.code, done.err) == (0, "")
    assert f"({costcalc.count(name.removesuffix('.yaml')).macs:,})" in done.out


# width 0.5: conv 3*4*9 + 4 = 112, fc 4*10 + 10 = 50; MACs 64*108 + 40.
KNOBS = [
    ([], 3 * 8 * 9 + 8 + 90, 64 * 216 + 80),
    (["--width", "0.5"], 162, 64 * 108 + 40),
    (["--width=0.5"], 162, 64 * 108 + 40),
    (["-k", "width=0.5"], 162, 64 * 108 + 40),
    (["--depths", "3,0"], 314, 64 * 216 + 80),
    (["--depths", "[3, 0]", "--kind", "sigmoid", "--wide", "true"], 314, 64 * 216 + 80),
    (["--input", "3x16x16"], 314, 256 * 216 + 80),
    (["--batch", "2"], 314, 2 * (64 * 216 + 80)),
]


@pytest.mark.parametrize(("arguments", "params", "macs"), KNOBS)
@pytest.mark.parametrize("before", [True, False])
def test_knobs(tiny: str, arguments: list[str], params: int, macs: int, before: bool) -> None:
    words = [*arguments, tiny] if before else [tiny, *arguments]
    totals = json.loads(run("report", *words, "--format", "json").out)["totals"]
    assert (totals["params"], totals["macs"]) == (params, macs)


def test_standard_input() -> None:
    done = run("report", "-", "--by", "type", text=SPEC)
    assert done.code == 0
    assert done.out.startswith("tiny: input 3x8x8, width 1.0, depths [1,2], kind relu, wide false\n")


def test_output_file(tiny: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    done = run("report", tiny, "--format", "csv", "-o", str(path))
    assert (done.code, done.out) == (0, "")
    assert path.read_text(encoding="utf-8") == run("report", tiny, "--format", "csv").out


OWN = """costcalc: 1
name: Own
knobs: {width: 8, depths: [1, 2]}
variants:
  small: {width: 4}
  large: {width: 16, depths: [2, 1]}
input: [3, 8, 8]
layers:
  - {conv: {out: width, kernel: 1, bias: false}, repeat: "depths[0]"}
  - {conv: {out: width, kernel: 1, bias: false}, repeat: "depths[1]"}
"""
# Weights by hand: 3 * 8 + 2 * 64 = 152; small 3 * 4 + 2 * 16 = 44; large 3 * 16 + 2 * 256 = 560; at width 2 6 + 2 * 4.
VARIANTS = [
    (["report", "own.yaml"], "152 params (152)"),
    (["report", "own.yaml@small"], "Own (small): input 3x8x8, width 4, depths [1,2]"),
    (["report", "own.yaml@small"], "44 params (44)"),
    (["report", "./own.yaml@small"], "44 params (44)"),
    (["report", "own.yaml", "--variant", "large"], "560 params (560)"),
    (["report", "own.yaml@large", "--width", "2"], "14 params (14)"),
    (["report", "resnet@resnet18"], "ResNet (resnet18)"),
    (["report", "resnet50", "--variant", "resnet50"], "ResNet (resnet50)"),
    (["compare", "own.yaml", "own.yaml@small", "own.yaml@large,width=2"], "own.yaml@large,width=2 14 "),
    (["compare", "own.yaml", "own.yaml@small", "--variant", "large"], "own.yaml@large 560 "),
    (["check", "own.yaml@small", "--max-params", "44"], "own.yaml@small: ok, 44 of 44 params"),
    (["check", "own.yaml", "--variant", "small", "--max-params", "44"], "own.yaml@small: ok, 44 of 44 params"),
    (["sweep", "own.yaml", "--width", "2,4", "--variant", "large"], "2 14 896"),
    (["explain", "own.yaml@large", "conv1"], "weights = C_o · (C_i // G) · K_h · K_w = 16 ·"),
    (["size", "own.yaml@small"], "fp32 176 "),
    (["show", "own.yaml@small"], "name: small knobs: {width: 4, depths: [1, 2]}"),
    (["diff", "own.yaml", "own.yaml@small"], "own.yaml → own.yaml@small"),
]


@pytest.mark.parametrize(("arguments", "said"), VARIANTS, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_variants_of_ones_own_file(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    done = run(*arguments, folder=tmp_path)
    assert (done.code, done.err) == (0, "") or arguments[0] == "diff"
    assert said in " ".join(done.out.split())


NO_VARIANTS = [
    (["report", "own.yaml@smal"], "Own has no variant 'smal'\n        did you mean 'small'?"),
    (["report", "own.yaml@tiny"], "its variants: small, large"),
    (["report", "own.yaml@width"], "a knob takes a value: width=8"),
    (["report", "own.yaml@small@large"], "'own.yaml@small@large' names two variants"),
    (["report", "own.yaml@small", "--variant", "large"], "says its own variant, and --variant large another"),
    (["report", "resnet50", "--variant", "resnet18"], "resnet50 is a variant already, and resnet18 another"),
    (["report", "resnet50@resnet18"], "resnet50 is a variant already, and resnet18 another"),
    (["compare", "resnet50", "resnet18", "--variant", "resnet34"], "resnet50 is a variant already"),
    (["report", "no/such.yaml@small"], "no/such.yaml: there is no such file"),
    (["compare", "own.yaml@small", "--variant", "large"], "--variant changes nothing: the network says its own"),
    (["compare", "own.yaml@width=2", "--width", "3"], "--width changes nothing: the network says its own"),
    (["compare", "own.yaml@width=2", "own.yaml@width=4", "--width", "3"], "each network says its own"),
    (["check", "own.yaml@width=2", "--max-macs", "1", "--width", "3"], "--width changes nothing"),
    (["diff", "own.yaml@input=3x4x4", "own.yaml@input=3x5x5", "--input", "3x9x9"], "--input changes nothing"),
    (["report", "own.yaml", "--format", "json", "--by", "type"], "row and layer type\n        --by and --fold are for"),
    (["report", "own.yaml", "--format", "json", "--fold", "1"], "row and layer type\n        --by and --fold are for"),
]


@pytest.mark.parametrize(("arguments", "said"), NO_VARIANTS, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_variants_that_there_are_not(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    done = run(*arguments, folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_variants_in_python(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    assert costcalc.count(path, variant="small").params == 44
    assert costcalc.count(f"{path}@small").params == 44
    assert costcalc.load(path, variant="large").knobs == {"width": 16, "depths": [2, 1]}
    assert costcalc.count(costcalc.load(path, variant="large"), variant="small", width=2).params == 14
    with pytest.raises(costcalc.SpecError, match="Own has no variant 'smal'"):
        costcalc.load(path, variant="smal")
    with pytest.raises(costcalc.SpecError, match="resnet50 is a variant already, and resnet18 another"):
        costcalc.count("resnet50", variant="resnet18")


# What a newcomer types wrong, and what must be said: exit code 2, the reason on stderr, nothing on stdout.
MISTAKES = [
    (["report"], "Missing argument 'SPEC'"),
    (["report", "mobilnet_v1"], "did you mean 'mobilenet_v1'?"),
    (["reprot", "mobilenet_v1"], "there is no command 'reprot'; did you mean 'report'?"),
    (["report", "mobilenet_v1", "--widht", "0.5"], "MobileNetV1 has no knob 'widht'\n        did you mean '--width'?"),
    (["report", "mobilenet_v1", "--fromat", "csv"], "did you mean '--format'?"),
    (["report", "mobilenet_v1", "--width"], "--width needs a value"),
    (["report", "mobilenet_v1", "--width", "wide"], "knob 'width' takes a number, not wide"),
    (["report", "mobilenet_v1", "--width", "0.001"], "out: must be at least 1, not 0"),
    (["report", "mobilenet_v1", "-k", "width"], "-k takes NAME=VALUE, not 'width'"),
    (["report", "mobilenet_v1", "--input", "224"], "the spec's input has 3 axes\n        write 3x224x224"),
    (["report", "mobilenet_v1", "--input", "224x224"], "the spec's input has 3 axes\n        write 3x224x224"),
    (["report", "mobilenet_v1", "--input", "1x3x192x224"], "the spec's input has 3 axes\n        write 3x192x224"),
    (["reconcile", "mobilenet_v1", "500M", "--input", "192x224"], "write 3x192x224"),
    (["export", "scale-sim", "alexnet", "--input", "224x224"], "write 3x224x224"),
    (["sweep", "mobilenet_v1", "--width", "0.5,1", "--input", "192x192"], "write 3x192x192"),
    (["compare", "mobilenet_v1", "mobilenet_v1@input=160x160"], "write 3x160x160"),
    (["report", "mobilenet_v1", "--input", "3xax8"], "'3xax8' is no input shape"),
    (["report", "mobilenet_v1", "--by", "colour"], "Invalid value for '--by'"),
    (["report", "mobilenet_v1", "--batch", "0"], "a batch is a whole number from 1, not 0"),
    (["report", "mobilenet_v1", "--convention", "macs"], "unknown convention 'macs'"),
    (["report", "mobilenet_v1", "-o", "no/such/folder/x"], "cannot be written"),
    (["report", "no/such.yaml"], "no/such.yaml: there is no such file"),
    (["explain", "mobilenet_v1"], "which layer?"),
    (["explain", "mobilenet_v1", "separable3"], "'separable3' is a group of 2 layers"),
    (["explain", "mobilenet_v1", "dwconv"], "13 layers end in 'dwconv'"),
    (
        ["report", "alexnet", "vgg16"],
        "takes one SPEC, and 'vgg16' is one more; costcalc compare alexnet vgg16 shows both",
    ),
    (["report", "alexnet", "width=0.5"], "'width=0.5' is no SPEC; a knob is given as --width 0.5"),
    (["compare", "alexnet", "width=0.5"], "a knob is given as --width 0.5, or for one network as NAME@width=0.5"),
    (["explain", "alexnet", "conv1", "conv2"], "explain takes fewer words: 'conv2' is one too many"),
    (
        ["report", "mobilenet_v1", "--width", "0.5,1"],
        "--width 0.5,1 are 2 values, and report takes one; costcalc sweep",
    ),
    (["report", "resnet18", "--block", "basic,bottleneck"], "are 2 values, and report takes one"),
    (["report", "resnet18", "--depths", "[1,1,1,1],[2,2,2,2]"], "are 2 values, and report takes one"),
    (["report", "resnet18", "--depths", "[2,2]"], "at depths [2,2]: the columns are not equally long"),
    (["report", "mobilenet_v1", "-width", "0.5"], "there is no option '-width'; did you mean '--width'?"),
    (["report", "mobilenet_v1", "--width", "-1"], "at width -1: out: must be at least 1, not -64"),
    (["report", "mobilenet_v1", "--width", "-1"], "did you mean width 1?"),
    (["report", "mobilenet_v1", "--alpha", "0.5"], "did you mean '--width'?"),
    (["report", "mobilenet_v1", "--image-size", "128"], "did you mean '--resolution'?"),
    (["report", "mobilenet_v1", "--num-classes", "10"], "did you mean '--classes'?"),
    (["report", "mobilenet_v1", "--batch-size", "8"], "did you mean '--batch'?"),
    (["report", "mobilenet_v1", "--flops"], "write --unit flops"),
    (["report", "mobilenet_v1", "--json"], "write --format json, csv, markdown or latex"),
    (["report", "mobilenet_v1", "--columns", "FLOPs"], "did you mean 'flops'?"),
    (["report", "mobilenet_v1", "--columns", "parameters"], "did you mean 'params'?"),
    (["report", "mobilenet_v1", "--input", "3x224x224x224"], "the spec's input has 3 axes\n        write 3x224x224"),
    (["report", "vit_b_16"], "a model of PyTorch is given as MODULE:NAME, torchvision.models:vit_b_16"),
    (["report", "torchvision.models.resnet50"], "did you mean 'resnet50'? a model of PyTorch is given as MODULE:NAME"),
    (["report", "nowhere_at_all:vit_tiny"], "pip install nowhere_at_all"),
    (["summary", "mobilenet_v1"], "there is no command 'summary'; did you mean 'report'?"),
    (["ops", "Dense"], "did you mean 'fc'?"),
    (["ops", "covn"], "there is no operator 'covn'"),
    (["show", "mobilenet_v9"], "did you mean"),
    (["report", "alexnet", "--input", "3x64"], "write 3x64x64"),
    (["report", "resnet18", "--filters", "3"], "its knobs: --width, --resolution"),
    (["reconcile", "alexnet", "abc"], "'abc' is no figure"),
    (["check", "alexnet", "--baseline", "/dev/null"], "/dev/null is no regular file\n        name a file"),
    (["energy", "alexnet", "--onchip", "abc"], "'abc' is no number of bytes\n        write it as 1M"),
    (["report", "alexnet", "--columns", "energy", "--onchip", "abc"], "'abc' is no number of bytes"),
    (["compare", "mobilenet_v1@width=0.5", "--width", "0.25"], "--width changes nothing: the network says its own"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_mistakes(arguments: list[str], said: str) -> None:
    if any(":" in word and "_at_all" in word for word in arguments):
        pytest.importorskip("torch")  # is asked for first
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


TURNED = SPEC.replace("3, 8, 8", "32, 32, 3")
# The file of ours that is named, what is done with it, and what is said on stderr.
FILES = [
    ("my.yaml", SPEC, ["report", "my.yml"], 2, "did you mean 'my.yaml'?"),
    ("my.yaml", SPEC, ["report", "./mi.yaml"], 2, "did you mean './my.yaml'?"),
    ("my.yaml", SPEC, ["report", "alexnet", "-o", "my.yaml"], 2, "my.yaml holds a spec"),
    (
        "my.yaml",
        SPEC,
        ["whatif", "my.yaml", "--scale-width", "0.5", "-o", "new.yaml"],
        0,
        "into it: width 1.0, depths [1,2]",
    ),
    ("base.json", '{"costcalc_baseline": 1}', ["list", "-o", "base.json"], 2, "base.json holds a spec, a baseline"),
    ("base.json", '{"costcalc_baseline": 1}', ["report", "base.json"], 2, "base.json is a baseline, no spec"),
    ("report.json", '{"costcalc_report": 1}', ["list", "-o", "report.json"], 0, ""),
    (
        "lab.yaml",
        "costcalc_device: 1",
        ["report", "lab.yaml"],
        2,
        "lab.yaml is a device, no spec\n        costcalc devices",
    ),
    (
        "turned.yaml",
        TURNED,
        ["report", "turned.yaml", "--format", "csv"],
        0,
        "come first",
    ),
    ("turned.yaml", TURNED, ["compare", "turned.yaml", "alexnet"], 0, "come first"),
    ("turned.yaml", TURNED, ["sweep", "turned.yaml", "--width", "1,2"], 0, "come first"),
    (
        "turned.yaml",
        TURNED,
        ["check", "turned.yaml", "--max-macs", "1G"],
        0,
        "come first",
    ),
    (
        "turned.yaml",
        TURNED,
        ["validate", "turned.yaml"],
        0,
        "they come first: [3, 32, 32]",
    ),
    (
        "my.yaml",
        SPEC,
        ["import", "my.yaml"],
        2,
        "my.yaml is a spec already\n        costcalc report my.yaml",
    ),
    ("my.yaml", SPEC, ["import", "caffe", "my.yaml"], 2, "my.yaml is a spec already"),
    ("my.txt", "nothing", ["import", "my.txt"], 2, "my.txt is of no format that is read\n        these are: a PyTorch"),
    ("my.yaml", SPEC, ["solve", "my.yaml", "--vary", "width=1,2", "--max-macs", "1G"], 0, ""),
    (
        "my.yaml",
        SPEC.replace("depths: [1, 2]", "depths: [1, 2], size: 8").replace("3, 8, 8", "3, size, size"),
        ["solve", "my.yaml", "--vary", "width", "--vary", "size", "--max-macs", "1G"],
        0,
        "width=first:last:step\nsize 32 is the largest that was tried: go on with --vary size=first:last:step\n",
    ),
    ("flat.yaml", SPEC.replace("3, 8, 8", "32, 32"), ["validate", "flat.yaml"], 0, "an image has three: [3, 32, 32]"),
]


@pytest.mark.parametrize(("name", "text", "words", "code", "said"), FILES)
def test_files_that_are_not_what_they_should_be(
    name: str, text: str, words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    done = run(*words, folder=tmp_path)
    assert (done.code, said in done.err) == (code, True), done.err
    assert code == 0 or (tmp_path / name).read_text(encoding="utf-8") == text


def test_a_baseline_of_a_network_that_is_gone(tiny: str, tmp_path: Path) -> None:
    run("check", "tiny.yaml", "alexnet", "--baseline", "base.json", "--update", folder=tmp_path)
    os.remove(tiny)
    done = run("check", "--baseline", "base.json", folder=tmp_path)
    assert done.code == 2
    assert done.err.startswith("base.json names 'tiny.yaml': ")
    assert "take it out of the file" in done.err


def test_a_shape_error_stands_under_the_rows_that_were_right() -> None:
    done = run(
        "report", "-", text=SPEC.replace("  - global_avg_pool\n", "  - max_pool: {kernel: 9}\n  - global_avg_pool\n")
    )
    rows, _, errors = done.err.partition("\n\n")
    assert (done.code, done.out) == (2, "")
    assert rows.splitlines()[0] == "conv   conv 3x3: 3x8x8 -> 8x8x8"
    assert "a window of 9 does not fit into 8" in errors


def test_a_reader_that_goes_away_is_no_mistake() -> None:
    command = f"{sys.executable} -m costcalc report resnet152 | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ResNet (resnet152)")


def on_terminal(*arguments: str, lines: int = 0, **env: str) -> str:
    """Return what costcalc writes to a terminal of 120 columns."""
    main, side = pty.openpty()
    if lines:
        termios.tcsetwinsize(side, (lines, 120))
    known = {name: value for name, value in os.environ.items() if name not in in_process.SETTINGS} | env
    with subprocess.Popen([sys.executable, "-m", "costcalc", *arguments], stdout=side, env=known) as process:
        os.close(side)
        chunks = []
        try:
            while chunk := os.read(main, 65536):
                chunks.append(chunk)
        except OSError:  # the process has closed its side
            pass
        process.wait()
    os.close(main)
    return b"".join(chunks).decode()


COLORS = [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]


@pytest.mark.parametrize(("env", "colored"), COLORS)
def test_color_on_a_terminal_only(env: dict[str, str], colored: bool) -> None:
    settings = {"TERM": "xterm-256color", "NO_COLOR": "", "COLUMNS": "80"} | env
    assert ("\x1b[1m" in on_terminal("report", "mobilenet_v1", **settings)) is colored
    assert "\x1b" not in run("report", "mobilenet_v1", **env).out


LINES = [
    (["report", "resnet50"], 40, "174 rows folded to 8 lines: --all shows all, --fold N so many levels"),
    (["report", "resnet50", "--all"], 40, ""),
    (["report", "resnet50"], 0, ""),
    (["report", "resnet50", "--format", "csv"], 40, ""),
    (["report", "resnet50", "--fold", "2", "--by", "row"], 20, "174 rows folded to 14 lines"),
    (["latency", "resnet50", "--device", "pixel1_big_core"], 40, "174 rows folded to 12 lines"),
    (["energy", "resnet50", "--by", "layer"], 24, "174 rows folded to 8 lines"),
    (["list"], 24, "the first 14 of "),
    (["list", "--all"], 24, ""),
    (["list", "vgg"], 24, ""),
    (["zoo", "resnet"], 24, " of 57 lines: --all shows all"),
    (["table"], 16, "the first "),
    (["compare", *["alexnet"] * 30], 24, "the first 16 of 30 lines: --all shows all"),
    (["diff", "resnet18", "resnet50"], 24, "changes: --all shows all, --top N so many"),
    (["diff", "resnet18", "resnet50", "--top", "30"], 24, ""),
    (["sweep", "mobilenet_v1", "--width", "0.1:1:0.02"], 24, "of 46 lines: --all shows all"),
    (["sweep", "mobilenet_v1", "--width", "0.1:1:0.02", "--all"], 24, ""),
    (["solve", "mobilenet_v1", "--vary", "width", "--vary", "resolution", "--max-macs", "100M"], 24, ""),
    (["report", "resnet50", "--by", "type"], 14, "the first 5 of 9 lines"),
    (["ops"], 30, "--all shows all of each, costcalc ops NAME all about one"),
    (["ops", "--all"], 30, ""),
    (["conventions"], 40, "--only NAME all of one"),
    (["metrics"], 40, "--all shows all of each"),
]


@pytest.mark.parametrize(("words", "lines", "note"), LINES)
def test_a_report_is_folded_on_a_terminal_only(words: list[str], lines: int, note: str) -> None:
    shown = on_terminal(*words, lines=lines, NO_COLOR="1").replace("\r\n", "\n")
    piped = run(*words, COLUMNS="120" if lines else "80").out
    assert note in shown
    assert "folded to" not in piped
    assert (shown == piped) is not bool(note)


# Tables that are wider than 80 columns.
WIDE = [
    ["zoo", "mobilenet", "--all"],
    ["compare", "resnet18", "alexnet", "--columns", "macs,params,bytes,peak_memory,activations,traffic,saved"],
    [
        "sweep",
        "resnet18",
        "--width",
        "0.5,1",
        "--columns",
        "params,peak_memory,activations,traffic,saved,energy,memory",
    ],
    ["report", "alexnet", "--all", "--columns", "macs,params,bytes,peak_memory,activations,traffic,saved"],
]


@pytest.mark.parametrize("words", WIDE, ids=" ".join)
def test_a_table_that_is_too_wide_for_a_terminal_stands_in_parts(words: list[str]) -> None:
    shown = on_terminal(*words, lines=40, NO_COLOR="1", COLUMNS="80").replace("\r\n", "\n")
    piped = run(*words).out
    assert max(map(len, shown.splitlines())) <= 80 < max(map(len, piped.splitlines()))
    assert set(re.findall(r"\d[\d.]*", piped)) <= set(re.findall(r"\d[\d.]*", shown)) or words[0] == "zoo"


def test_a_file_has_every_line(tmp_path: Path) -> None:
    assert on_terminal("report", "resnet50", "-o", str(tmp_path / "report.txt"), lines=40) == ""
    assert (tmp_path / "report.txt").read_text(encoding="utf-8") == run("report", "resnet50", COLUMNS="120").out


def test_show_gives_a_complete_spec(tmp_path: Path) -> None:
    for name in (
        "resnet50_v1",
        "resnext50_32x4d",
        "vgg16_bn",
        "alexnet",
        "squeezenet1_0_caffe",
        "densenet161",
        "mobilenet_v1",
    ):
        shown = run("show", name).out
        path = tmp_path / f"{name}.yaml"
        path.write_text(shown, encoding="utf-8")
        ours, theirs = costcalc.count(str(path)), costcalc.count(name)
        assert (ours.params, ours.macs) == (theirs.params, theirs.macs)
        assert "variants" not in yaml.safe_load(shown) or name in ("alexnet", "mobilenet_v1")


def test_list_and_its_words() -> None:
    done = run("list", "resnet5", "v1", "--exact")
    names = [line.split()[0] for line in done.out.splitlines()[2:-4]]
    assert names == ["resnet50_v1"]
    assert "25,557,032" in done.out


def test_validate(tiny: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        SPEC.replace("kernel: 3", "kernal: 3").replace("fc: {out: 10}", "fc: {out: 10, act: relo}"), encoding="utf-8"
    )
    done = run("validate", tiny, str(bad))
    assert (done.code, done.out) == (2, f"{tiny}: ok, 6 rows\n")
    assert "bad.yaml:6:33: conv has no field 'kernal'" in done.err
    assert "bad.yaml:12:24: act: " in done.err
    told = json.loads(run("validate", "--format", "json", str(bad)).out)
    assert {(p["line"], p["column"]) for p in told} >= {(6, 33), (12, 24)}
    assert run("validate", tiny).code == 0


def test_every_zoo_file_validates() -> None:
    done = run("validate", *zoo.files())
    assert (done.code, done.err) == (0, "")
    assert done.out.count(": ok, ") == len(zoo.files())


def test_explain_puts_the_numbers_in() -> None:
    done = run("explain", "mobilenet_v1", "conv")
    # 32 filters of 3x3x3 at 112 x 112 pixels, by hand.
    assert "weights = C_o · (C_i // G) · K_h · K_w = 32 · (3 // 1) · 3 · 3 = 864" in done.out
    assert "= 10,838,016" in done.out
    assert re.search(r"H_o = .*\(224 \+ 1 \+ 1 - .* = 112\n", done.out)


def test_ops_lists_all_operators() -> None:
    from costcalc.operators.op import operators

    listed = run("ops").out
    assert all(re.search(rf"^  {cls.kind} ", listed, re.MULTILINE) for cls in operators().values())
    assert run("ops", "conv").out.startswith("## `conv`")


def test_conventions() -> None:
    done = run("conventions").out
    assert done.startswith("costcalc 9c528e (the default): ")
    assert "\nlecture db6c4a: " in done


@pytest.mark.parametrize("which", ["spec", "report"])
def test_schema_is_json(which: str) -> None:
    assert json.loads(run("schema", which).out)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    assert "_COSTCALC_COMPLETE" in run("completion", shell).out


COMPLETED = [
    ("report mobilenet_v1 --wi", {"--width"}),
    ("report mobilenet_v1 --width 0.5 --res", {"--resolution"}),
    ("report mobilenet_v1 --width 0.5 --wi", set()),  # a knob is given once
    ("report mobilenet_v1 --width ", None),
    ("diff resnet50 resnet18 --de", {"--depths"}),
    ("report torchvision.models:resnet18 --wi", set()),  # code that would run
    ("explain mobilenet_v1 separable3/c", {"separable3/conv", "separable3/conv/batch_norm", "separable3/conv/relu"}),
    ("latency mobilenet_v1 --device pixel1", {"pixel1_big_core"}),
    ("report resnet50 --columns macs,peak", {"macs,peak_memory"}),
    ("check resnet50 --max peak", {"peak_memory="}),
    ("report alexnet --convention tho", {"thop"}),
    ("report alexnet --convention", {"--convention"}),
    ("report resnet.yaml --variant resnet10", {"resnet101", "resnet101_v1"}),
    ("solve mobilenet_v1 --vary res", {"resolution"}),
    ("export model-explorer resnet50 --of weight", None),
    ("export onnx mobilenet_v1 --wi", {"--width"}),
]


@pytest.mark.parametrize(("line", "words"), COMPLETED)
def test_completion_of_words(line: str, words: set[str] | None) -> None:
    """As bash asks: the words, and which is being typed; nothing is told where a line is not whole."""
    number = str(len(line.split(" ")))
    done = run(COMP_WORDS=f"costcalc {line}", COMP_CWORD=number, _COSTCALC_COMPLETE="bash_complete")
    assert (done.code, done.err) == (0, "")
    found = {word.removeprefix("plain,") for word in done.out.split()}
    assert words is None or found == words


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_completion_in_a_shell(tmp_path: Path) -> None:
    """The script is read by bash, and its function gives the words of a line."""
    (tmp_path / "script").write_text(run("completion", "bash").out, encoding="utf-8")
    start = "import sys; sys.argv[0] = 'costcalc'; from costcalc.cli import main; main()"
    (tmp_path / "costcalc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{start}" "$@"\n', encoding="utf-8")
    (tmp_path / "costcalc").chmod(0o755)
    ask = "source script; COMP_WORDS=(costcalc report mobilenet_v1 --wi); COMP_CWORD=3; "
    ask += "_costcalc_completion costcalc; echo ${COMPREPLY[@]}"
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(Path(costcalc.__file__).parent.parent)}
    done = subprocess.run(["bash", "-c", ask], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("--width\n", "")


def test_completion_of_networks() -> None:
    done = run(COMP_WORDS="costcalc report mobilenet_v", COMP_CWORD="2", _COSTCALC_COMPLETE="bash_complete")
    assert "plain,mobilenet_v1" in done.out.split()


def test_completion_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of every format that is read, in another folder too."""
    (tmp_path / "models").mkdir()
    for name in ("my.yaml", "my.onnx", "my.tflite", "my.txt", "models/my.KERAS"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for typed, found in (("my", "my.onnx my.tflite my.yaml"), ("models/m", "models/my.KERAS"), ("none/m", "")):
        done = run(COMP_WORDS=f"costcalc report {typed}", COMP_CWORD="2", _COSTCALC_COMPLETE="bash_complete")
        assert done.out.split() == [f"plain,{name}" for name in found.split()]


def test_version_and_help() -> None:
    assert run("--version").out == f"costcalc {costcalc.__version__}\n"
    import_module("costcalc.cli.list")  # a module may be called as something of Python's
    told = run("--help").out
    assert all(re.search(rf"^  {name} ", told, re.MULTILINE) for name in COMMANDS)
    assert [line[:-1] for line in told.splitlines() if line.endswith(":")] == ["Options", *GROUPS, "Examples"]


def every_command() -> list[str]:
    """Return every command and every command of a group: `plot`, `plot layers`."""
    found = ["", *COMMANDS]
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found += [f"{name} {part}" for part in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("name", every_command())
def test_a_help_has_a_line_an_option_and_examples_of_its_command(name: str) -> None:
    told = run(*name.split(), "--help").out
    head, *sections = re.split(r"^(?=[A-Z][a-z ]+:$)", told, flags=re.MULTILINE)
    assert head.startswith(f"Usage: costcalc {name}".rstrip())
    assert all(character.isprintable() or character == "\n" for character in told)
    assert "\\b" not in told
    *options, examples = sections
    for line in "".join(options).splitlines():
        assert re.match(r"  \S|$|[A-Z]", line), line
    assert max(map(len, told.splitlines())) <= 80
    assert examples.startswith("Examples:\n")
    assert all(line.startswith(f"  costcalc {name}") for line in examples.splitlines()[1:])


# The packages that an example needs which has this word.
NEEDS = {
    "torchvision.models": "torchvision", "model.onnx": "onnx", "onnx": "onnx", "verify": "torch", "plot": "matplotlib",
    "sweep": "pandas", "solve": "pandas",
}  # fmt: skip


@pytest.fixture(scope="module")
def files_of_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    (folder / "my.yaml").write_text(SPEC, encoding="utf-8")
    times = ["alexnet", "resnet18", "resnet50", "vgg16", "mobilenet_v1", "mobilenet_v2", "squeezenet1_0"]
    rows = [f"{name},{10 + 7 * place}" for place, name in enumerate(times)]
    (folder / "timed.csv").write_text("\n".join(["network,latency_ms", *rows]), encoding="utf-8")
    for path in (DATA / "darknet" / "yolov3-tiny.cfg", DATA / "caffe" / "squeezenet1_0_train_val.prototxt"):
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("name", every_command())
def test_the_examples_of_a_help_run(name: str, files_of_examples: Path) -> None:
    for line in run(*name.split(), "--help").out.partition("Examples:\n")[2].splitlines():
        for word in re.split("[ :]", line):
            if word in NEEDS:
                pytest.importorskip(NEEDS[word])
        if name == "import":
            run("export", "onnx", "alexnet", "-o", "model.onnx", folder=files_of_examples)
        words, _, file = line.partition(" > ")
        done = run(*shlex.split(words)[1:], folder=files_of_examples)
        assert done.code == 0, (line, done.err)
        if file:
            (files_of_examples / file).write_text(done.out, encoding="utf-8")


def options_of_commands() -> list[str]:
    """Return the names of all options that a command which takes knobs declares, as knobs may be called."""
    taken = set()
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        for part in (command, *getattr(command, "commands", {}).values()):
            if isinstance(part, KnobCommand):
                taken |= {option[2:] for param in part.params for option in param.opts if option.startswith("--")}
    found = {option.replace("-", "_") for option in taken} - RESERVED - operators().keys()
    return sorted(name for name in found if not iskeyword(name))


def test_a_knob_may_be_called_as_an_option(tmp_path: Path, run: in_process.Run) -> None:
    """A layer of as many weights as the knob says: -k reaches the knob, the option itself means what it always does."""
    names = options_of_commands()
    assert {"batch", "format", "top", "convention", "variant"} <= {*names}
    head = {"costcalc": 1, "input": [1], "layers": [{"fc": {"out": "KNOB", "bias": False}}]}
    for name in names:
        text = json.dumps({**head, "knobs": {name: 3}}).replace("KNOB", name)
        (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
        done = run("report", str(tmp_path / "net.yaml"), "-k", f"{name}=5", "--format", "json", "--batch", "2")
        assert (done.code, done.err) == (0, ""), name
        told = json.loads(done.out)
        assert (told["totals"]["params"], told["totals"]["macs"], told["batch"]) == (5, 10, 2), name
        assert costcalc.count(text + "\n", knobs={name: 5}, batch=2).macs == 10, name


BATCH = '{"costcalc": 1, "knobs": {"batch": 3}, "input": [1], "layers": [{"fc": {"out": "batch", "bias": false}}]}'
OPTION_WINS: list[tuple[tuple[str, ...], str]] = [
    (("report", "--batch", "2", "--format", "json"), '"macs": 6'),
    (("compare", "-k", "batch=5", "--batch", "2", "--format", "json"), '"macs": 10'),
    (("sweep", "-k", "batch=5,6", "--batch", "2", "--format", "csv"), "5,5,10,"),
    (("solve", "--vary", "batch", "--max-params", "7", "--format", "csv"), "7,7,7,"),
    (("solve", "--vary", "batch", "--max-params", "7", "--batch", "2", "--format", "csv"), "7,7,14,"),
    (("whatif", "--scale-width", "1", "-k", "batch=5", "--format", "json"), "5"),
    (("report", "-k", "bach=5"), "did you mean 'batch'?"),
    (("report", "-k", "other=5"), "its knobs: -k batch="),
    (("report", "--bach", "5"), "did you mean '--batch'?"),
    (("size", "-k", "batch=5", "--format", "csv"), "20"),
]


@pytest.mark.parametrize(("words", "said"), OPTION_WINS)
def test_an_option_wins_over_a_knob_of_its_name(
    words: tuple[str, ...], said: str, tmp_path: Path, run: in_process.Run
) -> None:
    (tmp_path / "net.yaml").write_text(BATCH, encoding="utf-8")
    done = run(words[0], str(tmp_path / "net.yaml"), *words[1:])
    assert said in done.out + done.err


@pytest.mark.parametrize("name", ["params", "macs", "setting", "convention", "network", "layer", "phi"])
def test_a_knob_that_is_called_as_a_column_is_not_swept(name: str) -> None:
    text = BATCH.replace("batch", name) + "\n"
    assert costcalc.count(text, knobs={name: 5}).params == 5
    calls = {
        "network": lambda: costcalc.sweep(text, text, knobs={name: [1, 2]}),
        "layer": lambda: costcalc.sweep(text, per="layer", knobs={name: [1, 2]}),
        "phi": lambda: costcalc.scale_compound(text, {name: 2}, limits={"params": 100}),
    }
    with pytest.raises(costcalc.SpecError, match=f"'{name}' is a knob, and a column"):
        calls.get(name, lambda: costcalc.sweep(text, knobs={name: [1, 2]}))()


def test_an_onnx_graph_is_not_written_to_the_terminal() -> None:
    pytest.importorskip("onnx")
    done = run("export", "onnx", "alexnet", "-o", "-")
    assert done.code == 2
    assert "an ONNX graph is no text" in done.err


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "koi8-r", "utf-8"])
def test_any_encoding_of_the_output_will_do(encoding: str) -> None:
    """What a console's encoding lacks is written otherwise: a table's lines, an arrow."""
    env = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    for words in (["report", "mobilenet_v1"], ["diff", "resnet18", "resnet34"]):
        done = subprocess.run([sys.executable, "-m", "costcalc", *words], capture_output=True, env=env, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert "MACs" in done.stdout.decode(encoding)


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_name_that_is_no_text_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "costcalc", "report", b"bad\xff.yaml"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is no UTF-8" in done.stderr


ENDINGS = [
    ("a.csv", [], "name,"),
    ("a.json", [], "{"),
    ("a.md", [], "MobileNetV1: input"),
    ("a.tex", [], "% MobileNetV1"),
    ("a.txt", [], "MobileNetV1: input"),
    ("a.csv", ["--format", "json"], "{"),  # what is told holds
]


# A file's ending that no format of the command goes by, and those that some do.
NO_ENDINGS = [
    (["report", "alexnet", "-o", "a.xlsx"], "a.xlsx: nothing here writes .xlsx", ".csv, .json, .md, .tex, .txt"),
    (["report", "alexnet", "-o", "a.html"], "a.html: nothing here writes .html", ".tex"),
    (["compare", "alexnet", "-o", "a.tex"], "a.tex: nothing here writes .tex", ".csv, .json, .md, .txt"),
    (["list", "alexnet", "-o", "a.xls"], "a.xls: nothing here writes .xls", ".csv, .json, .md, .txt"),
    (["zoo", "alexnet", "-o", "a.yaml"], "a.yaml: nothing here writes .yaml", "say which with --format"),
    (["sweep", "alexnet", "--width", "1,2", "-o", "a.xlsx"], "nothing here writes .xlsx", ".md, .parquet, .txt"),
]


@pytest.mark.parametrize(("arguments", "said", "known"), NO_ENDINGS, ids=lambda a: " ".join(a) * isinstance(a, list))
def test_an_ending_of_no_format_is_refused(arguments: list[str], said: str, known: str, tmp_path: Path) -> None:
    done = run(*arguments, folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert known in done.err
    assert not [*tmp_path.iterdir()]


def test_a_format_that_is_told_holds_for_any_ending(tmp_path: Path) -> None:
    assert run("report", "alexnet", "-o", "a.v2", "--format", "csv", folder=tmp_path).code == 0
    assert (tmp_path / "a.v2").read_text(encoding="utf-8").startswith("name,")


@pytest.mark.parametrize("name", ["export", "plot"])
def test_no_sentence_of_a_group_is_cut(name: str) -> None:
    assert "..." not in run(name, "--help").out.replace("[ARGS]...", "")


# What is asked for under --unit flops, and the counts that the lines below tell of.
COUNTS = [
    (["report", "alexnet", "--columns", "macs"], ["MACs: conv"]),
    (["report", "alexnet", "--columns", "flops"], ["FLOPs: two"]),
    (["report", "alexnet", "--columns", "macs,flops"], ["MACs: conv", "FLOPs: two"]),
    (["report", "alexnet", "--columns", "bytes"], ["FLOPs: two"]),
    (["compare", "alexnet", "--columns", "macs"], ["MACs: conv"]),
    (["sweep", "alexnet", "--width", "0.5,1", "--columns", "macs"], ["MACs: conv"]),
    (["check", "alexnet", "--max-macs", "1G"], ["MACs: conv"]),
    (["check", "alexnet", "--max", "flops=2G"], ["FLOPs: two"]),
]


@pytest.mark.parametrize(("arguments", "counts"), COUNTS, ids=lambda a: " ".join(a) if a[0][0].islower() else "")
def test_what_is_said_of_numbers_is_what_they_count(arguments: list[str], counts: list[str]) -> None:
    told = [line for line in run(*arguments, "--unit", "flops").out.splitlines() if line.startswith("counted:")]
    assert len(told) == len(counts)
    assert all(f"params: learnable; {count}" in line for line, count in zip(told, counts, strict=True))


@pytest.mark.parametrize("command", ["report", "compare"])
def test_no_two_columns_have_one_title(command: str) -> None:
    out = run(command, "alexnet", "--columns", "macs,flops,operations").out
    head = next(line for line in out.splitlines() if "FLOPs" in line and "MACs" in line)
    titles = [title for title in re.split("  +", head.replace("MACs (operations)", "  other  ")) if title]
    assert titles.count("MACs") == 1 or command == "compare"
    assert "MACs (operations)" in head


def test_numbers_of_records_are_numbers(run: in_process.Run) -> None:
    for words in (["list", "alexnet"], ["compare", "alexnet"]):
        first = json.loads(run(*words, "--format", "json").out)[0]
        assert first["top1"] == 56.522
    lines = [*csv.DictReader(io.StringIO(run("zoo", "alexnet", "--format", "csv").out))]
    assert not [line["where"] for line in lines if "[" in line["where"]]
    assert not re.search(r"(^|,)-0\.0(,|$)", run("diff", "vgg16", "vgg11", "--format", "csv").out, re.MULTILINE)


def test_validate_says_how_all_mistakes_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "costcalc: 1\nname: bad\ninput: [3, 8, 8]\nlayers:\n" + "".join(f"  - relo{k}\n" for k in range(30))
    )
    done = run("validate", "bad.yaml", folder=tmp_path)
    assert "... and 10 more: costcalc validate FILE --format json tells all" in done.err
    assert len(json.loads(run("validate", "bad.yaml", "--format", "json", folder=tmp_path).out)) == 30


@pytest.mark.parametrize(("name", "told", "begins"), ENDINGS)
def test_a_files_ending_says_its_format(name: str, told: list[str], begins: str, tmp_path: Path) -> None:
    done = run("report", "mobilenet_v1", "-o", str(tmp_path / name), *told)
    assert (done.code, done.out) == (0, "")
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert written.startswith(begins)
    assert ("| layer |" in written) is (name == "a.md")
