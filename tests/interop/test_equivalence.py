"""Networks that are built from the zoo's specs against torchvision's, with the same weights, where it is installed."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from costcalc.language import zoo

pytest.importorskip("torch")
pytest.importorskip("torchvision")

import equivalence

TABLE = Path(__file__).parent.parent.parent / "docs" / "data" / "equivalence.csv"


@pytest.mark.parametrize("name", equivalence.names())
def test_the_outputs_and_counts_are_those_of_torchvision(name: str) -> None:
    proof = equivalence.prove(name)
    assert proof.equal, equivalence.line(proof)


def test_the_table_has_a_line_for_every_network() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    assert tuple(head) == equivalence.COLUMNS
    assert [(name, verdict) for name, *_, verdict in lines] == [(name, "equal") for name in equivalence.names()]


def test_names_are_all_that_both_have() -> None:
    known = {"alexnet", "densenet121", "googlenet", "regnet_y_128gf", "fcn_resnet50", "fasterrcnn_resnet50_fpn"}
    assert known < set(equivalence.names())
    assert set(equivalence.SPECIAL) <= set(zoo.names())


# ---- a difference is seen -------------------------------------------------------------------------

# What each changes leaves all shapes and parameters as they are: network, text of its spec, what is put there.
SABOTAGE = [
    ("mobilenet_v3_small", "eps: 0.001", "eps: 0.00099"),
    ("mobilenet_v3_small", "act: hard_sigmoid", "act: sigmoid"),
    ("mobilenet_v2", "dwconv: {padding: half", "dwconv: {padding: same"),
    ("mobilenet_v2", "act: relu6}\n\nblocks", "act: relu}\n\nblocks"),
    ("squeezenet1_1", "ceil_mode: true", "ceil_mode: false"),
    ("squeezenet1_1", "{fire: [16, 64], name: fire3}", "{fire: [16, 64], name: fire3}\n  - relu6\n  - tanh"),
    ("shufflenet_v2_x0_5", "shuffle: {groups: 2}", "shuffle: {groups: c_in // 2}"),
    ("resnet18", "max_pool: {kernel: 3, stride: 2, padding: half", "avg_pool: {kernel: 3, stride: 2, padding: half"),
    ("resnet50", "stride_at: 3\n", "stride_at: 1\n"),
    ("efficientnet_b0", "depth > 2", "depth > 0"),
    ("efficientnet_b0", "fc: {out: squeeze, act: silu}", "fc: {out: squeeze, act: hard_swish}"),
    ("fcn_resnet50", "dilation: first if i == 0 else rest", "dilation: rest"),
    ("fcn_resnet50", "mode: bilinear", "mode: bicubic"),
]  # fmt: skip


def changed(name: str, old: str, new: str) -> equivalence.Spec:
    """Return the network with another text in its spec."""
    text = zoo.load(name).text
    assert old in text
    spec = zoo.load_text(text.replace(old, new))
    return spec.chosen(name) if name in spec.variants else spec


@pytest.mark.parametrize(("name", "old", "new"), SABOTAGE)
def test_another_network_of_the_same_shapes_is_found_out(name: str, old: str, new: str) -> None:
    proof = equivalence.prove(name, changed(name, old, new))
    assert proof.params[0] == proof.params[1]
    assert proof.difference > equivalence.TOLERANCE
    assert not proof.equal
    assert equivalence.line(proof)[-1] == "different"


UNPAIRED = [
    ("a class more", "mobilenet_v2", "fc: {out: classes}", "fc: {out: classes + 1}", r"holds \[\(1001, 1280\)"),
    ("a norm less", "resnet18", "bias: caffe}", "norm: none, bias: caffe}", "40 modules hold tensors, and 41"),
    (
        "a layer more",
        "squeezenet1_1",
        "  - dropout\n",
        "  - batch_norm\n  - dropout\n",
        "27 modules hold tensors, and 26",
    ),
    ("another size", "fcn_resnet50", "size: [rows, columns]", "size: [columns, rows]", "the outputs are"),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"), [case[1:] for case in UNPAIRED], ids=[c[0] for c in UNPAIRED]
)
def test_tensors_that_do_not_pair_up_are_refused(name: str, old: str, new: str, message: str) -> None:
    with pytest.raises(equivalence.Unequal, match=message):
        equivalence.prove(name, changed(name, old, new))


def test_a_network_that_ignores_its_image_proves_nothing() -> None:
    torch = equivalence.torch
    same = torch.ones(2, 10, dtype=torch.float64)
    assert not equivalence._difference((same,), (same,)) <= equivalence.TOLERANCE


def test_the_script_prints_a_row_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert equivalence.main(["squeezenet1_1"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("torch ")
    assert re.fullmatch(r"\| squeezenet1_1 \| 3x96x129 \| 1,235,496 \| 0 \| [\d,]+ \| \S+ \| equal \|", rows[-1])
