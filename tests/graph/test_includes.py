"""What an included spec gives: its knobs, its names, where it stops. Numbers are worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import costcalc

FILES = {
    "two.yaml": """
costcalc: 1
knobs: {a: 4, b: 4}
input: [3, 32, 32]
layers:
  - {conv: {out: a, kernel: 3}, name: c1}
  - {conv: {out: b, kernel: 1}, name: c2}
""",
    "resnet.yaml": """
costcalc: 1
input: [3, 64, 64]
blocks:
  bottleneck:
    - include: {spec: resnet50, until: stage1}
layers: [bottleneck]
""",
    "skips.yaml": """
costcalc: 1
knobs: {n: 0}
input: [3, 32, 32]
layers:
  - {conv: {out: 8, kernel: 1}, name: a}
  - {conv: {out: 8, kernel: 1}, name: b, if: n > 0}
  - {conv: {out: 8, kernel: 1}, name: c, from: input}
outputs: [b, c]
""",
    "skips_inside.yaml": """
costcalc: 1
input: [3, 32, 32]
layers: [include: {spec: skips.yaml, as: in}]
outputs: [in.b, in.c]
""",
}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return the path of a spec to be, with the specs beside it that it may include."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.lstrip(), encoding="utf-8")
    return tmp_path / "host.yaml"


def written(host: Path, layers: str) -> str:
    host.write_text(f"costcalc: 1\ninput: [3, 32, 32]\n{layers}", encoding="utf-8")
    return str(host)


@pytest.mark.parametrize(
    ("knobs", "params"),
    [
        ("{}", 4 * 28 + 4 * 5),  # 3x3 of 3 channels and a bias: 28 each; 1x1 of what flows and a bias
        ("{a: 16}", 16 * 28 + 4 * 17),
        ("{b: 8}", 4 * 28 + 8 * 5),
        ("{a: 16, b: 8}", 16 * 28 + 8 * 17),
        ("{b: 8, a: 16}", 16 * 28 + 8 * 17),
    ],
)
def test_every_knob_of_an_include_counts(host: Path, knobs: str, params: int) -> None:
    layers = f"layers:\n  - include: {{spec: two.yaml, knobs: {knobs}}}\n"
    assert costcalc.count(written(host, layers)).params == params


@pytest.mark.parametrize(
    ("network", "first"),
    [
        ("fcn_resnet50", "backbone/conv"),
        ("deeplabv3_resnet50", "backbone/backbone/conv"),
        ("fpn_resnet50", "backbone/conv"),
        ("fasterrcnn_resnet50_fpn", "fpn/backbone/conv"),
    ],
)
def test_the_width_of_a_network_reaches_its_backbone(network: str, first: str) -> None:
    params = {row.name: row.params for row in costcalc.count(network, width=0.5).rows}
    assert params[first] == 7 * 7 * 3 * 32  # ResNet's first convolution of half its 64 channels


def test_blocks_of_one_name_in_two_files_of_one_name(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(host.parent)
    names = [row.name for row in costcalc.count("resnet.yaml").rows]
    assert "bottleneck/resnet50/stage1/bottleneck3/conv3" in names


@pytest.mark.parametrize(
    ("spec", "outputs"), [("skips.yaml", "[bb.b, bb.c]"), ("skips_inside.yaml", "[bb.in.b, bb.in.c]")]
)
def test_a_layer_that_if_took_away_is_no_output_of_a_host_either(host: Path, spec: str, outputs: str) -> None:
    # b is skipped, and a, which flows there instead, is no result: nothing uses it
    layers = f"layers: [include: {{spec: {spec}, as: bb}}]\noutputs: {outputs}\n"
    with pytest.raises(costcalc.SpecError, match=r"nothing uses the result of .bb/.*a"):
        costcalc.count(written(host, layers))
    own = host.parent / spec
    with pytest.raises(costcalc.SpecError, match="nothing uses the result of"):
        costcalc.count(str(own))


def test_a_constant_of_an_included_spec_is_told_with_its_host(host: Path) -> None:
    wrong = "costcalc: 1\ninput: [3, 32, 32]\nknobs: {k: 0}\ndefine: {z: 3 / k}\nlayers: [{relu, if: z}]\n"
    (host.parent / "wrong.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(costcalc.SpecError) as caught:
        costcalc.count(written(host, "layers:\n  - include: wrong.yaml\n"))
    (problem,) = caught.value.problems
    assert problem.message == "3 is divided by zero"
    assert problem.trace == (f"{host.parent / 'wrong.yaml'}, included at {host}:4:14",)


@pytest.mark.parametrize(("files", "refused"), [(8, False), (9, True)])
def test_eight_specs_may_include_one_another(tmp_path: Path, files: int, refused: bool) -> None:
    for k in range(files):
        item = f"include: s{k + 1}.yaml" if k < files - 1 else "relu"
        (tmp_path / f"s{k}.yaml").write_text(f"costcalc: 1\ninput: [3, 8, 8]\nlayers: [{item}]\n", encoding="utf-8")
    if not refused:
        assert len(costcalc.count(str(tmp_path / "s0.yaml")).rows) == 1
        return
    with pytest.raises(costcalc.SpecError, match="more than 8 specs include one another"):
        costcalc.count(str(tmp_path / "s0.yaml"))


# Layers of an included spec, `until`, and the rows that are taken with their parameters: a 1x1 convolution of n to m
# channels has m * n + m. Three channels enter.
UNTIL = {
    "a layer": ("[{conv: {out: 8, kernel: 1}, name: a}, {conv: {out: 2, kernel: 1}, name: b}]", "a", {"a": 32}),
    "the last output of a repeat": (
        "[{conv: {out: 8, kernel: 1}, name: a, repeat: 3}, relu]",
        "a",
        {"a": 32, "a_2": 72, "a_3": 72},
    ),
    "a layer in the last turn of a repeat": (
        "[{do: [{conv: {out: 8, kernel: 1}, name: a}, {conv: {out: 2, kernel: 1}}], repeat: 2}, relu]",
        "a",
        {"a": 32, "conv": 18, "a_2": 24},
    ),
    "repeats in repeats": (
        "[{do: [{conv: {out: 2, kernel: 1}, name: a, repeat: 2}, relu], repeat: 2}, relu]",
        "a",
        {"a": 8, "a_2": 6, "relu": 0, "a_3": 6, "a_4": 6},
    ),
    "a repeat of nothing": ("[{conv: {out: 8, kernel: 1}}, {relu, name: a, repeat: 0}, relu]", "a", {"conv": 32}),
    "an index": (
        "[{table: {c: [2, 4, 8]}, do: [{conv: {out: c, kernel: 1}, name: p(row)}]}]",
        "p(2 - 1)",
        {"p0": 8, "p1": 12},
    ),
    "a row of a table": (
        "[{table: {c: [2, 4, 8]}, name: s(row), do: [{conv: {out: c, kernel: 1}}]}]",
        "s1",
        {"s0/conv": 8, "s1/conv": 12},
    ),
    "a layer of a spec that is included there": (
        "[{include: {spec: two.yaml, as: in}}, relu]",
        "in.c1",
        {"in/c1": 112},
    ),
    "a layer of the second turn of an include": (
        "[{include: {spec: two.yaml, as: in, knobs: {a: 3, b: 3}}, repeat: 2}, relu]",
        "in.c1",
        {"in/c1": 84, "in/c2": 12, "in_2/c1": 84},
    ),
    "the sooner of two": ("[{include: {spec: two.yaml, as: in, until: c1}, name: x}, relu]", "in.c1", {"in/c1": 112}),
    "the later of two": ("[{include: {spec: two.yaml, as: in, until: c1}, name: x}, relu]", "x", {"in/c1": 112}),
    "a group that shares": (
        "[{conv: {out: 3, kernel: 1}, share: w}, {do: [{conv: {out: 3, kernel: 1}, name: b}], share: w}]",
        "b",
        {"conv": 12, "b": 0},
    ),
    "a group that shares, in its middle": (
        "[{do: [&c {conv: {out: 3, kernel: 1}}, *c], share: w}, {do: [{do: [*c], name: b}, *c], share: w}]",
        "b",
        {"conv1": 12, "conv2": 12, "b/conv": 0},
    ),
}


@pytest.mark.parametrize("case", UNTIL)
def test_until(host: Path, case: str) -> None:
    layers, until, rows = UNTIL[case]
    (host.parent / "inner.yaml").write_text(f"costcalc: 1\ninput: [3, 32, 32]\nlayers: {layers}\n", encoding="utf-8")
    found = costcalc.count(written(host, f"layers:\n  - include: {{spec: inner.yaml, as: bb, until: {until}}}\n")).rows
    assert [(layer.name, layer.params) for layer in found] == [(f"bb/{name}", n) for name, n in rows.items()]


# What is wrong with the layers of a host: the message and hint of each mistake, those of the included spec among them.
REFUSED = {
    "until is no layer": (
        "include: {spec: two.yaml, until: c22}",
        [("two.yaml has no layer 'c22'", "did you mean 'c2'?")],
    ),
    "until is a layer with a mistake": (
        "include: {spec: two.yaml, until: c1, knobs: {a: 0}}",
        [("out: must be at least 1, not 0", "")],
    ),
    "until is a layer of some turns only": (
        "include: {spec: some.yaml, until: a}",
        [("'a' is run in some turns of a repeat, and not in the last", "name a layer that the last turn runs, too")],
    ),
    "two includes of one name": (
        "include: {spec: two.yaml, as: x}\n  - include: {spec: two.yaml, as: x}\n  - {relu, from: x.c3}",
        [("two includes are called 'x'", "write as: NAME inside the braces of include")],
    ),
    "two includes that are called as their spec": (
        "include: two.yaml\n  - include: two.yaml",
        [("two includes are called 'two'", "write as: NAME inside the braces of include")],
    ),
    "an include called as a layer": (
        "{relu, name: x}\n  - include: {spec: two.yaml, as: x}\n  - {relu, from: x.c2}",
        [("a layer and an include are called 'x'", "write as: NAME inside the braces of include")],
    ),
    "a layer called as an include": (
        "include: {spec: two.yaml, as: x}\n  - {relu, name: x}",
        [("a layer and an include are called 'x'", "write as: NAME inside the braces of include")],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_include_is_refused(host: Path, case: str) -> None:
    layers, told = REFUSED[case]
    some = "[{do: [{conv: {out: 3, kernel: 1}, name: a}], if: i == 0, repeat: 2}]"
    (host.parent / "some.yaml").write_text(f"costcalc: 1\ninput: [3, 32, 32]\nlayers: {some}\n", encoding="utf-8")
    with pytest.raises(costcalc.SpecError) as caught:
        costcalc.count(written(host, f"layers:\n  - {layers}\n"))
    assert [(problem.message, problem.hint) for problem in caught.value.problems] == told


@pytest.mark.parametrize(
    "layers",
    [
        "{include: {spec: two.yaml, as: x, knobs: {a: 3, b: 3}}, repeat: 2}",
        "{include: {spec: two.yaml, as: x, knobs: {a: 3, b: 3}}, name: x}\n  - add: [x, x.c2]",
        "{table: {n: [4, 5]}, do: [include: {spec: two.yaml, as: x, knobs: {a: n}}]}",
        "{include: {spec: two.yaml, as: x}, if: 1 > 2}\n  - {include: {spec: two.yaml, as: x}, if: 1 < 2}",
    ],
)
def test_one_include_may_be_run_again(host: Path, layers: str) -> None:
    assert costcalc.count(written(host, f"layers:\n  - {layers}\n")).params > 0
