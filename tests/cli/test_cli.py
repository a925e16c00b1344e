"""The command line: every command, its options, its exit codes, and the mistakes of newcomers."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import termios
from importlib import import_module
from pathlib import Path

import click
import in_process
import pytest
import yaml

import costcalc
from costcalc.cli import COMMANDS, group
from costcalc.cli.common import KnobCommand
from costcalc.language import zoo
from costcalc.operators.fields import OPTIONS

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


def run(*arguments: str, text: str = "", **env: str) -> in_process.Done:
    return in_process.costcalc(*arguments, text=text, env=env)


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
    assert done.out.startswith("tiny: input 3x8x8, width 1.0, depths [1 2], kind relu, wide false\n")


def test_output_file(tiny: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    done = run("report", tiny, "--format", "csv", "-o", str(path))
    assert (done.code, done.out) == (0, "")
    assert path.read_text(encoding="utf-8") == run("report", tiny, "--format", "csv").out


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
    (["ops", "covn"], "there is no operator 'covn'"),
    (["show", "mobilenet_v9"], "did you mean"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_mistakes(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


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
    with subprocess.Popen([sys.executable, "-m", "costcalc", *arguments], stdout=side, env=os.environ | env) as process:
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
]


@pytest.mark.parametrize(("words", "lines", "note"), LINES)
def test_a_report_is_folded_on_a_terminal_only(words: list[str], lines: int, note: str) -> None:
    shown = on_terminal(*words, lines=lines, NO_COLOR="1").replace("\r\n", "\n")
    piped = run(*words, COLUMNS="120" if lines else "80").out
    assert note in shown
    assert "folded to" not in piped
    assert (shown == piped) is not bool(note)


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
    assert "\nlecture 320d90: " in done


@pytest.mark.parametrize("which", ["spec", "report"])
def test_schema_is_json(which: str) -> None:
    assert json.loads(run("schema", which).out)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    assert "_COSTCALC_COMPLETE" in run("completion", shell).out


def test_completion_of_networks() -> None:
    done = run(COMP_WORDS="costcalc report mobilenet_v", COMP_CWORD="2", _COSTCALC_COMPLETE="bash_complete")
    assert "plain,mobilenet_v1" in done.out.split()


def test_version_and_help() -> None:
    assert run("--version").out == f"costcalc {costcalc.__version__}\n"
    import_module("costcalc.cli.list")  # a module may be called as something of Python's
    told = run("--help").out
    assert all(
        re.search(rf"^  {name} ", told, re.MULTILINE) for name in ("report", "list", "show", "validate", "explain")
    )


def test_no_knob_can_be_called_as_an_option() -> None:
    """A knob is an option too: where a command has one of that name, a spec may not."""
    taken = set()
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        for part in (command, *getattr(command, "commands", {}).values()):
            if isinstance(part, KnobCommand):
                taken |= {option[2:] for param in part.params for option in param.opts if option.startswith("--")}
    assert {"width", "convention", "top"} & taken == {"convention", "top"}
    assert {option.replace("-", "_") for option in taken} <= OPTIONS


def test_an_onnx_graph_is_not_written_to_the_terminal() -> None:
    pytest.importorskip("onnx")
    done = run("export", "onnx", "alexnet", "-o", "-")
    assert done.code == 2
    assert "an ONNX graph is no text" in done.err
