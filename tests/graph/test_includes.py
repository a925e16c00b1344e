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
    params = {layer.name: layer.params for layer in costcalc.count(network, width=0.5).layers}
    assert params[first] == 7 * 7 * 3 * 32  # ResNet's first convolution of half its 64 channels


def test_blocks_of_one_name_in_two_files_of_one_name(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(host.parent)
    names = [layer.name for layer in costcalc.count("resnet.yaml").layers]
    assert "bottleneck/resnet50/stage1/bottleneck3/conv3" in names


@pytest.mark.parametrize(
    ("spec", "outputs"), [("skips.yaml", "[bb.b, bb.c]"), ("skips_inside.yaml", "[bb.in.b, bb.in.c]")]
)
def test_a_layer_that_if_took_away_is_no_output_of_a_host_either(host: Path, spec: str, outputs: str) -> None:
    # b is skipped, and a, which flows there instead, is no result: nothing uses it
    layers = f"layers: [include: {{spec: {spec}, as: bb}}]\noutputs: {outputs}\n"
    with pytest.raises(costcalc.SpecError, match="nothing uses the result of 'bb/.*a'"):
        costcalc.count(written(host, layers))
    own = host.parent / spec
    with pytest.raises(costcalc.SpecError, match="nothing uses the result of"):
        costcalc.count(str(own))
