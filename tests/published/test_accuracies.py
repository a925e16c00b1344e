"""Accuracies: none stands beside a cost that its source doesn't print for that network, without a mark."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import costcalc
from costcalc.cli import list as listing
from costcalc.comparisons import comparing
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.published import accuracies
from costcalc.published.figures import Claim, check, published

# What is printed beside an accuracy: of inception-v2 arXiv:1512.00567, Table 3; of ShuffleNet its Table 5; of DARTS
# arXiv:1806.09055v1; of MobileNet its Tables 6 and 8; of MobileNetV2 its Table 4; of MobileNetV3 its Table 3. The
# pre-activation paper prints parameters of CIFAR's networks (Table 4), of ImageNet's no cost at all (Table 5).
PRINTED = [
    ("inception_v2", "76.6", "≠", "3.8G MACs"),
    ("shufflenet_v1_g3_shallow@width=0.5", "57.2", "≠", "40M MACs"),
    ("darts_v1", "73.1", "≠", "595M MACs, 4.9M params"),
    ("mobilenet_v2@width=1.4", "74.7", "≠", "585M MACs, 6.9M params"),
    ("mobilenet_v3_large", "75.2", "≠", "219M MACs"),
    ("googlenet_caffe", "69.8", "≠", "1550M MACs, 6.8M params"),
    ("mobilenet_v1", "70.6", "", ""),  # 575M in one paper, but 569M in those that print this accuracy too
    ("mobilenet_v1@width=0.5", "63.7", "", ""),
    ("vgg16", "71.5", "", ""),  # 15300M of convolutions only, 138M: both are ours as they count
    ("alexnet_grouped", "57.2", "", ""),
    ("resnet110_cifar", "93.57", "°", "no MACs"),
    ("preresnet200@resolution=320", "79.3", "°", "no cost"),
    ("bn_inception", "74.8", "°", "no params"),
    ("alexnet_single", "", "", ""),
]


@pytest.mark.parametrize(("word", "top1", "mark", "cost"), PRINTED)
def test_an_accuracy_says_what_its_source_prints_of_the_cost(word: str, top1: str, mark: str, cost: str) -> None:
    (line,) = costcalc.compare(word).to_dict("records")
    assert (line["top1"], line["top1_mark"], line["top1_cost"]) == (float(top1) if top1 else None, mark, cost)


@pytest.mark.parametrize("option", [{"bits": 8}, {"weight_bits": 4}, {"density": "0.5"}])
def test_a_network_of_other_numbers_has_no_printed_accuracy(option: Any) -> None:
    (line,) = costcalc.compare("alexnet_grouped", columns="compressed_bytes", options=option).to_dict("records")
    assert (line["top1"], line["top1_mark"], line["top1_cost"]) == (None, "", "")


# ---- the whole zoo ---------------------------------------------------------------------------------------


@cache
def figures(file: str) -> list[Claim]:
    return check(zoo.load(file))


def printed(spec: Spec, row: Any) -> dict[str, list[Claim]]:
    """Return the figures of a network's cost in the sources that print an accuracy of it, by quantity."""

    def network(one: Any) -> Any:
        own = spec.variants.get(one.get("variant"), {})
        return one.get("variant"), {**spec.knobs, **own, **(one.get("knobs") or {})}

    same = [one for one, _ in published(spec) if network(one) == network(row) and "of" not in one]
    sources = [one["source"] for one in same if one.get("top1") == row["top1"]]
    found = [one for one in figures(zoo.stem(spec.where)) if one.row in same and one.row["source"] in sources]
    found = [one for one in found if one.row.get("convention") not in ("bytes", "activations")]
    return {quantity: [one for one in found if one.quantity == quantity] for quantity in ("macs", "params")}


ROWS = [(spec, row) for spec in zoo.specs() for row, _ in published(spec) if "top1" in row]


@pytest.mark.parametrize(("spec", "row"), ROWS, ids=lambda one: "")
def test_none_stands_beside_another_cost_without_a_mark(spec: Spec, row: Any) -> None:
    found = accuracies.of_row(spec, row)
    for quantity, claims in printed(spec, row).items():
        wanted = "°" if not claims else "" if any(claim.holds for claim in claims) else "≠"
        assert found.mark_of(quantity) == wanted
        assert wanted != "≠" or any(claim.printed in found.cost for claim in claims)
    assert (found.mark == "") == (found.cost == "")


def test_the_list_and_a_comparison_tell_it_alike() -> None:
    for line in listing.counted():
        found = accuracies.record(costcalc.count(line["network"]).graph)
        assert {name: line[name] for name in found} == found
        (other,) = comparing.records(asked(line["network"]))
        assert {name: other[name] for name in found} == found


def asked(word: str) -> Any:
    from costcalc.comparisons import networks

    return [networks.counted(networks.cut(word), zoo.load(word), "costcalc")]


def test_a_table_shows_the_mark_and_the_printed_cost(run: Any) -> None:
    out = run("list", "inception").out
    line = next(line for line in out.splitlines() if line.startswith("inception_v2"))
    assert line.split()[-2:] == ["76.6", "≠"]
    said = " ".join(out.split())
    assert "≠ the accuracy's source prints another cost than ours: googlenet_caffe 1550M MACs, 6.8M params;" in said
    assert "° the accuracy's source prints no such cost" in said
    out = run("compare", "vgg16", "shufflenet_v1_g3_shallow@width=0.5").out
    assert "57.2 ≠" in out
    assert "than ours: shufflenet_v1_g3_shallow@width=0.5 40M MACs\n" in out
    out = run("list", "squeezenet1_1").out  # none of them is marked
    assert "source prints" not in out
