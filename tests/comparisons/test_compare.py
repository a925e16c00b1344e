"""Comparison, difference, budgets: tables computed by hand or printed in papers, and what must be refused."""

from __future__ import annotations

import itertools
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc import asked
from costcalc.comparisons import aligning, baselines, comparing, diffing, networks
from costcalc.comparisons.aligning import Key, align
from costcalc.comparisons.baselines import Baseline
from costcalc.comparisons.diffing import Diff
from costcalc.costs import conventions
from costcalc.costs.conventions import get
from costcalc.language import zoo
from costcalc.numbers.num import UNKNOWN
from costcalc.published.figures import holds

# c1: 8·(3·9 + 1) = 224, 64·8·27 = 13,824; c2: 8·(8·9 + 1) = 584, 64·8·72 = 36,864; c3: 8·9 = 72, 64·64 = 4,096;
# fc: 10·9 = 90, 80. In all 970 parameters and 54,864 MACs; 3·512 + 10 = 1,546 outputs; 4·970 = 3,880 bytes.
SPEC = """\
costcalc: 1
name: tiny
knobs: {kernel: 1, out: 8, depths: [1, 1], resolution: 8}
input: [3, resolution, resolution]
layers:
  - {conv: {out: 8, kernel: 3, padding: half}, name: c1}
  - {conv: {out: 8, kernel: 3, padding: half}, name: c2}
  - {conv: {out: out, kernel: kernel, padding: half}, name: c3}
  - {add: [[], c1], name: sum, if: out == 8}
  - {relu, repeat: "depths[1]"}
  - global_avg_pool
  - fc: {out: 10}
"""
OPAQUE = SPEC.replace("  - {add:", "  - {opaque: {shape: [8, 8, 8], params: 5}, name: odd}\n  - {add:")
MADE = {"tiny.yaml": SPEC, "odd.yaml": OPAQUE, "moved.yaml": SPEC.replace("[[], c1]", "[[], c2]")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in MADE.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here: Path, run: Run) -> Run:
    return run


def one(word: Any, convention: str = "costcalc") -> networks.Network:
    return asked.asked(word, {}, convention=convention).network


def diff(before: Any, after: Any, convention: str = "costcalc") -> Diff:
    return Diff(one(before, convention), one(after, convention))


# ---- a network as a word ---------------------------------------------------------------------------

WORDS = [
    ("tiny.yaml", {}, "tiny.yaml"),
    ("./tiny.yaml", {}, "tiny.yaml"),
    ("tiny.yaml@kernel=3", {"kernel": 3}, "tiny.yaml@kernel=3"),
    ("tiny.yaml@out=16,kernel=3", {"out": 16, "kernel": 3}, "tiny.yaml@kernel=3,out=16"),
    (
        "tiny.yaml@ kernel = 3 , depths = [2, 3]",
        {"kernel": 3, "depths": [2, 3]},
        "tiny.yaml@depths=[2,3],kernel=3",
    ),
    ("resnet18@depths=[1,1,1,1]", {"depths": [1, 1, 1, 1]}, "resnet18@depths=[1,1,1,1]"),
    ("tiny.yaml@input=3x16x8", {}, "tiny.yaml@input=3x16x8"),
]


@pytest.mark.parametrize(("word", "knobs", "label"), WORDS)
def test_a_word_is_a_network_with_its_knobs(here: Path, word: str, knobs: dict[str, Any], label: str) -> None:
    network = one(word)
    assert {name: network.result.graph.knobs[name] for name in knobs} == knobs
    assert network.label == label
    assert one(network.label).label == label  # the label is a word for the same network


def test_an_at_sign_may_stand_in_a_files_name(here: Path) -> None:
    (here / "a@b.yaml").write_text(SPEC, encoding="utf-8")
    assert (one("a@b.yaml").result.params, one("a@b.yaml@kernel=3").result.params) == (970, 970 + 512)


BAD_WORDS = [
    ("tiny.yaml@kernel", "tiny has no variant 'kernel'"),
    ("tiny.yaml@", "'' is no knob=value"),
    ("tiny.yaml@kernel=", "'kernel=' is no knob=value"),
    ("@kernel=3", "is no knob=value of a network"),
    ("tiny.yaml@depths=1,2", "a list stands in brackets"),
    ("tiny.yaml@kernel=3,kernel=5", "gives 'kernel' twice"),
    ("tiny.yaml@kernal=3", "did you mean 'kernel'?"),
    ("tiny.yaml@kernel=wide", "knob 'kernel' takes a number, not wide"),
    ("tiny.yaml@input=8", "the spec's input has 3 axes\n        write 3x8x8"),
    ("tiny.yaml@input=3x0x8", "'3x0x8' is no input shape"),
    ("mobilenet_v9@width=1", "did you mean"),
]


@pytest.mark.parametrize(("word", "said"), BAD_WORDS)
def test_what_is_no_network_is_told(here: Path, word: str, said: str) -> None:
    with pytest.raises(costcalc.SpecError, match=re.escape(said)):
        one(word)


# ---- compare ---------------------------------------------------------------------------------------

# Printed figures, each of which ours must round to; top-1 as printed beside them.
PRINTED = [
    ("mobilenet_v1", "costcalc", "569M", "4.2M", "70.6"),  # arXiv:1704.04861, Table 8
    ("vgg16", "vgg", "15300M", "138M", "71.5"),  # the same; three digits count of its 15300
    ("mobilenet_v1@width=0.75", "costcalc", "325M", "2.6M", "68.4"),  # Table 6
    ("mobilenet_v1@width=0.5", "costcalc", "149M", "1.3M", "63.7"),
    ("mobilenet_v1@resolution=128", "costcalc", "186M", "4.2M", "64.4"),  # Table 7
    ("squeezenet1_1", "costcalc", "0.349G", "1235496", "58.178"),  # torchvision's
    ("mobilenet_v2", "costcalc", "301M", "3.50M", "72.0"),
]


@pytest.mark.parametrize(("word", "convention", "macs", "params", "top1"), PRINTED)
def test_compare_gives_what_is_printed(word: str, convention: str, macs: str, params: str, top1: str) -> None:
    record = comparing.records([one(word, convention)])[0]
    assert holds(record["macs"], macs, 3 if macs == "15300M" else None)
    assert holds(record["params"], params)
    assert record["top1"] == float(top1)
    assert record["convention"] == convention


@pytest.mark.parametrize("word", ["mobilenet_v1@width=0.3", "mobilenet_v1@input=3x224x224", "resnet50@resolution=200"])
def test_other_knobs_have_no_printed_accuracy(word: str) -> None:
    assert comparing.records([one(word)])[0]["top1"] is None


def test_ratios_are_to_the_first() -> None:
    # "32 times smaller and 27 times less compute intensive" than VGG16 (arXiv:1704.04861, 4.3); "50x fewer
    # parameters" than AlexNet (arXiv:1602.07360).
    first, vgg = comparing.records([one(name, "vgg") for name in ("mobilenet_v1", "vgg16")])
    assert (first["params_ratio"], first["macs_ratio"]) == (1, 1)
    assert (int(vgg["params_ratio"]), round(vgg["macs_ratio"])) == (32, 27)
    _, alexnet = comparing.records([one("squeezenet1_0"), one("alexnet_grouped")])
    assert round(alexnet["params_ratio"], -1) == 50


# By hand; of the pruned SqueezeNet its paper prints 421,098 numbers that are left (Table 1), of which 3,976 are biases:
# the others have 6 bits. 80 weights of 4 bits, a half of them left, and 10 biases of 32: 480 bits; of 1 bit, a third
# left: ceil(26.4) + 320 = 347 bits, 44 bytes.
SIZES = [
    ({"fc": {"out": 10}}, 8, 360),
    ({"fc": {"out": 10}, "bits": 4, "density": 0.5}, 8, 60),
    ({"fc": {"out": 10}, "bits": 1, "density": 0.33}, 8, 44),
    ({"fc": {"out": 10, "bias": False}, "bits": 8}, 8, 80),
    ("squeezenet1_0_pruned", 0, (421_098 - 3_976) * 6 / 8 + 3_976 * 4 + 0.5),
]


@pytest.mark.parametrize(("layer", "channels", "size"), SIZES)
def test_size_is_what_bits_and_density_leave(layer: Any, channels: int, size: float) -> None:
    spec = layer if isinstance(layer, str) else {"costcalc": 1, "input": [channels], "layers": [layer]}
    assert comparing.measures(one(spec).result)["bytes"] == size


def test_a_batch_multiplies_work_and_no_parameters(run: Run) -> None:
    record = json.loads(run("compare", "tiny.yaml", "--batch", "3", "--format", "json")[1])[0]
    assert [record[name] for name in comparing.usual(conventions.get("costcalc"))] == [
        970,
        3 * 54_864,
        3 * 1_546,
        3_880,
    ]


def test_compare_as_tables(run: Run) -> None:
    code, out, err = run("compare", "tiny.yaml", "tiny.yaml@kernel=3", "odd.yaml", "--exact")
    lines = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[0] == "network params MACs activations bytes top-1 params × MACs ×".split()
    assert lines[2] == ["tiny.yaml", "970", "54,864", "1,546", "3,880", "1.000", "1.000"]
    # 1,482 / 970 and 87,632 / 54,864
    assert lines[3] == ["tiny.yaml@kernel=3", "1,482", "87,632", "1,546", "5,928", "1.528", "1.597"]
    assert lines[4] == ["odd.yaml", "975", "unknown", "unknown", "3,900", "1.005"]
    assert out.endswith("counted: params: learnable; MACs: conv + fc + matmul, no bias (costcalc 9c528e)\n")
    assert run("compare", "tiny.yaml", "--format", "markdown")[1].startswith("| network | params | MACs |")
    run("compare", "tiny.yaml", "odd.yaml", "--format", "csv", "-o", "out.csv")
    assert Path("out.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "tiny.yaml,970,54864,1546,3880,,,,1.0,1.0,1,costcalc,9c528e",
        f"odd.yaml,975,,,3900,,,,{975 / 970},,1,costcalc,9c528e",
    ]


def test_knobs_as_options_are_for_all_networks(run: Run) -> None:
    out = run("compare", "tiny.yaml", "tiny.yaml@kernel=5", "--kernel", "3", "--out=8", "--format", "json")[1]
    assert [record["network"] for record in json.loads(out)] == [
        "tiny.yaml@kernel=3,out=8",
        "tiny.yaml@kernel=5,out=8",
    ]
    assert [record["params"] for record in json.loads(out)] == [1_482, 970 - 72 + 8 * (8 * 25 + 1)]
    out = run("compare", "tiny.yaml", "tiny.yaml@input=3x4x4", "--input", "3x16x16", "--format", "json")[1]
    assert [record["macs"] for record in json.loads(out)] == [4 * (54_864 - 80) + 80, (54_864 - 80) // 4 + 80]


def test_compare_in_python(here: Path) -> None:
    table = costcalc.compare(
        "tiny.yaml", costcalc.count("odd.yaml", out=8), {"costcalc": 1, "input": [8], "layers": ["relu"]}
    )
    assert table["network"].tolist() == ["tiny.yaml", "tiny", "unnamed"]
    assert table["params"].tolist() == [970, 975, 0]
    assert table["macs"].isna().tolist() == [False, True, False]
    assert str(table["macs"].dtype) == "Int64"
    assert table.attrs["convention"] == "costcalc"
    assert (
        costcalc.compare(costcalc.count("tiny.yaml", convention="flops"), "tiny.yaml")["flops"].tolist()
        == [109_728] * 2
    )
    assert costcalc.compare(costcalc.count("tiny.yaml", kernel=3))["network"].tolist() == ["tiny@kernel=3"]


# ---- what cannot be compared -------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["compare", "diff"])
def test_results_under_different_conventions_are_not_compared(here: Path, function: str) -> None:
    ours, theirs = costcalc.count("tiny.yaml"), costcalc.count("tiny.yaml", convention="flops")
    compared = getattr(costcalc, function)
    with pytest.raises(costcalc.SpecError, match="under the convention 'flops 93abcf', not 'costcalc 9c528e'"):
        compared(ours, theirs)
    with pytest.raises(costcalc.SpecError, match="for a batch of 2, not 1"):
        compared(ours, costcalc.count("tiny.yaml", batch=2))
    with pytest.raises(costcalc.SpecError, match="unknown convention"):
        compared(ours, "tiny.yaml", convention="flop")


def test_results_are_counted_as_they_were_unless_told(here: Path) -> None:
    """Two FLOPs a MAC: 54,864 MACs, for two images twice as many."""
    ours, theirs = costcalc.count("tiny.yaml"), costcalc.count("tiny.yaml", convention="flops", batch=2)
    for given, wanted in (({}, 219_456), ({"convention": "costcalc"}, 109_728), ({"batch": 1}, 109_728)):
        assert costcalc.check(theirs, limits={"operations": 1}, **given).breaches[0].value == wanted
    told = costcalc.compare(ours, theirs, "tiny.yaml", convention="costcalc", batch=1)
    assert told["macs"].tolist() == [54_864] * 3


# ---- align -------------------------------------------------------------------------------------------


def key(name: str, content: int = 0, type_: str = "conv") -> Key:
    return Key(name, content, type_, content % 2, content % 3)


def weight(one_: Key, other: Key) -> float:
    """Return what speaks for two layers being one, as the module's own words say it."""
    if one_.content == other.content:
        return 8 + 2 * (one_.name == other.name)
    leaf = one_.name.split("/")[-1] == other.name.split("/")[-1]
    alike = (one_.type == other.type) + 0.5 * ((one_.input == other.input) + (one_.output == other.output) + leaf)
    if one_.name == other.name:
        return 3 + alike
    return alike if one_.type == other.type else -1


def best(left: list[Key], right: list[Key]) -> float:
    """Return the greatest sum of weights that any alignment has, by trying all."""
    if not left or not right:
        return 0
    return max(weight(left[0], right[0]) + best(left[1:], right[1:]), best(left[1:], right), best(left, right[1:]))


def drawn(rng: random.Random) -> list[Key]:
    names = rng.sample([f"{group}/{leaf}" for group in "ab" for leaf in "xyz"], rng.randint(0, 5))
    return [key(name, rng.randint(0, 6), rng.choice(["conv", "fc"])) for name in names]


@pytest.mark.parametrize("seed", range(150))
def test_no_alignment_is_better(seed: int) -> None:
    rng = random.Random(seed)
    left, right = drawn(rng), drawn(rng)
    pairs = align(left, right)
    assert [i for i, _ in pairs if i is not None] == list(range(len(left)))
    assert [j for _, j in pairs if j is not None] == list(range(len(right)))
    matched = [weight(left[i], right[j]) for i, j in pairs if i is not None and j is not None]
    assert sum(matched) == best(left, right)
    assert all(number >= 0 for number in matched)


def test_networks_too_long_to_weigh_are_matched_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligning, "MOST_PAIRS", 0)
    left, right = [[key(name, n) for name in names] for n, names in enumerate(("abcde", "axcyze"))]
    made = [(0, 0), (1, None), (None, 1), (2, 2), (3, None), (None, 3), (None, 4), (4, 5)]
    assert align(left, right) == made


# ---- diff --------------------------------------------------------------------------------------------

# before, after, then each change: its sign and layer, what changed, parameters, MACs. By hand.
DIFFS = [
    ("tiny.yaml", "tiny.yaml@kernel=3", [("~ c3", "kernel 1 → 3, padding 0 → 1", 512, 32_768)]),
    ("tiny.yaml@kernel=3", "tiny.yaml", [("~ c3", "kernel 3 → 1, padding 1 → 0", -512, -32_768)]),
    (
        "tiny.yaml@out=9",
        "tiny.yaml@out=16",
        # c3: 7·9 and 64·8·7; fc: 10·7
        [
            ("~ c3", "out 9 → 16", 63, 3_584),
            ("~ relu", "input 9x8x8 → 16x8x8", 0, 0),
            ("~ global_avg_pool", "input 9x8x8 → 16x8x8", 0, 0),
            ("~ fc", "input 9 → 16", 70, 70),
        ],
    ),
    ("tiny.yaml", "tiny.yaml@depths=[1,3]", [("+ relu2", "", 0, 0), ("+ relu3", "", 0, 0)]),
    ("tiny.yaml@depths=[1,2]", "tiny.yaml@depths=[1,0]", [("- relu1", "", 0, 0), ("- relu2", "", 0, 0)]),
    ("tiny.yaml", "moved.yaml", [("~ sum", "from c3 + c1 → c3 + c2", 0, 0)]),
    ("tiny.yaml", "odd.yaml", [("+ odd", "", 5, UNKNOWN)]),
    ("odd.yaml", "odd.yaml@kernel=3", [("~ c3", "kernel 1 → 3, padding 0 → 1", 512, 32_768)]),
]


def shown(found: Diff) -> list[tuple[str, str, Any, Any]]:
    records = zip(found.changes, found.records(), strict=True)
    return [(f"{diffing.SIGNS[c.kind]} {c.name}", r["fields"], c.params, c.operations) for c, r in records]


@pytest.mark.parametrize(("before", "after", "changes"), DIFFS)
def test_diff_tells_what_changed(here: Path, before: str, after: str, changes: list[tuple[str, str, Any, Any]]) -> None:
    found = diff(before, after)
    assert shown(found) == changes
    assert (found.params, found.operations) == tuple(sum(change[part] for change in changes) for part in (2, 3))
    assert bool(found) is True


def test_a_block_that_is_put_in_is_the_whole_difference() -> None:
    # Two 3x3 convolutions of 128 channels at 28x28, each with a batch norm; an add and its activation.
    found = diff("resnet18", "resnet18@depths=[2,3,2,2]")
    assert {change.kind for change in found.changes} == {"added"}
    assert {change.name.rpartition("/")[0] for change in found.changes} == {"stage2/basic3"}
    assert (found.params, found.operations) == (2 * (128 * 128 * 9 + 256), 2 * 128 * 128 * 9 * 28 * 28)
    # The same in front of layers that a number is told of: those behind it move up.
    one_more = zoo.load("mobilenet_v1").text.replace("[512,  1, 5]", "[512,  1, 6]")
    more = diff("mobilenet_v1", one_more)
    assert {change.kind for change in more.changes} == {"added"}
    assert (more.params, more.operations) == (512 * 9 + 512 * 512 + 2048, 14 * 14 * 512 * (9 + 512))


PAIRS = list(itertools.permutations(["mobilenet_v1", "mobilenet_v2@width=0.5", "resnet18", "shufflenet_v2_x1_0"], 2))


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_changes_sum_to_the_difference(before: str, after: str) -> None:
    first, second = one(before), one(after)
    found = Diff(first, second)
    assert found.params == second.result.params - first.result.params
    assert found.operations == second.result.macs - first.result.macs
    for quantity in ("params", "macs"):
        shares = [record[f"{quantity}_share"] for record in found.records()]
        assert sum(shares) == pytest.approx(100)
    both = [(c.before is not None) + (c.after is not None) for c in found.changes]
    lines = [network.result.lines("layer") for network in (first, second)]
    assert sum(both) + 2 * found.unchanged == len(lines[0]) + len(lines[1])
    # In the other direction it is the same difference with the other sign.
    assert Diff(second, first).operations == -found.operations


def test_networks_that_are_the_same_say_so(run: Run) -> None:
    code, out, _ = run("diff", "tiny.yaml", "tiny.yaml@kernel=1", "--exit-code")
    assert code == 0
    assert out.splitlines()[0] == "tiny.yaml and tiny.yaml@kernel=1 are the same: 7 layers, 970 params, 54.86 K MACs"
    assert not diff("resnet50", "resnet50.yaml@block=bottleneck,depths=[3,4,6,3]")
    renamed = SPEC.replace("name: c2", "name: other")
    assert diff(SPEC, renamed).same


@pytest.mark.parametrize("name", [name for name in zoo.names() if name.startswith(("resnet", "hrnet", "nasnet"))])
def test_every_network_is_the_same_as_itself(name: str) -> None:
    assert diff(name, name).said.endswith("the same")
    assert not diff(name, name)


def test_the_biggest_changes_come_first_and_the_rest_in_one_line(run: Run) -> None:
    out = run("diff", "tiny.yaml@out=9", "tiny.yaml@out=16", "--top", "1")[1]
    # Of 133 parameters and 3,654 MACs c3 has 47 % and 98 %, fc 53 % and 2 %.
    assert [line.split() for line in out.splitlines()[3:]] == [
        ["layers:", "4", "changed,", "2", "the", "same"],
        [],
        ["layer,", "change", "params", "%", "MACs", "%"],
        ["─" * len(out.splitlines()[6])],
        ["~", "c3:", "out", "9", "→", "16", "+63", "47.4", "+3.584", "K", "98.1"],
        ["3", "more", "+70", "52.6", "+70", "1.9"],
        ["─" * len(out.splitlines()[6])],
        ["total", "+133", "100.0", "+3.654", "K", "100.0"],
        [],
        "counted: params: learnable; MACs: conv + fc + matmul, no bias (costcalc 9c528e)".split(),
    ]


def test_a_part_against_the_difference_is_below_zero(here: Path) -> None:
    # c1 gets 8·(27·4 - 27)... a kernel 3 → 1 of c2 takes 512 parameters away, one 1 → 5 of c3 gives 8·8·24 = 1,536.
    other = SPEC.replace("kernel: 1,", "kernel: 5,").replace(
        "kernel: 3, padding: half}, name: c2", "kernel: 1}, name: c2"
    )
    found = diff(SPEC, other)
    assert [found.share(change.params, "params") for change in found.changes] == [-50, 150]
    assert found.params == 1_024


def test_diff_in_markdown_fits_a_pull_request(run: Run) -> None:
    code, out, _ = run("diff", "tiny.yaml", "tiny.yaml@kernel=3", "--format", "markdown")
    assert code == 0
    assert out == (
        "**tiny.yaml → tiny.yaml@kernel=3**\n\n"
        "params: 970 → 1.482 K (+512, +52.8 %)  \n"
        "MACs: 54.86 K → 87.63 K (+32.77 K, +59.7 %)  \n"
        "layers: 1 changed, 6 the same\n\n"
        "|  | layer | change | params | % | MACs | % |\n"
        "| --- | --- | --- | ---: | ---: | ---: | ---: |\n"
        "| ~ | c3 | kernel 1 → 3, padding 0 → 1 | +512 | 100.0 | +32.77 K | 100.0 |\n"
        "|  | **total** |  | **+512** | **100.0** | **+32.77 K** | **100.0** |\n\n"
        "counted: params: learnable; MACs: conv + fc + matmul, no bias (costcalc 9c528e)\n"
    )


def test_diff_in_markdown_folds_what_is_not_shown(run: Run) -> None:
    """The table has the biggest and one line of all others, which stand folded below it, each with its part."""
    shown = run("diff", "tiny.yaml", "tiny.yaml@kernel=3,out=4", "--format", "markdown", "--all")[1]
    folded = run("diff", "tiny.yaml", "tiny.yaml@kernel=3,out=4", "--format", "markdown", "--top", "1")[1]
    assert "<details>" not in shown
    above, below = folded.split("<details><summary>")
    assert below.startswith(f"{above.split('|  | ')[2].split(' more')[0]} more change")
    found, whole = (re.findall(r"^\| [~+-] \|.*$", page, re.MULTILINE) for page in (folded, shown))
    assert found == whole
    assert len(whole) > 2
    assert below.endswith(
        "</details>\n\ncounted: params: learnable; MACs: conv + fc + matmul, no bias (costcalc 9c528e)\n"
    )


def test_diff_as_data(run: Run) -> None:
    told = json.loads(run("diff", "tiny.yaml", "odd.yaml@kernel=3", "--format", "json")[1])
    assert told["before"] == {"network": "tiny.yaml", "params": 970, "operations": 54_864}
    assert told["after"] == {"network": "odd.yaml@kernel=3", "params": 970 + 517, "operations": None}
    assert told["difference"] == {"params": 517, "operations": None}
    assert [change["operations"] for change in told["changes"]] == [32_768, None]
    assert [change["operations_share"] for change in told["changes"]] == [None, None]
    assert told["changes"][0]["fields"] == {"kernel": ["1", "3"], "padding": ["0", "1"]}
    rows = run("diff", "tiny.yaml", "tiny.yaml@kernel=3", "--format", "csv")[1].splitlines()
    assert rows[1] == 'changed,c3,c3,conv 3x3,"kernel 1 → 3, padding 0 → 1",512,100.0,32768,100.0,costcalc,9c528e'
    assert "+512" in diff("tiny.yaml", "tiny.yaml@kernel=3")._repr_html_()


def test_diffs_exit_code(run: Run) -> None:
    assert run("diff", "tiny.yaml", "odd.yaml")[0] == 0
    assert run("diff", "tiny.yaml", "odd.yaml", "--exit-code")[0] == 1


def test_unknown_costs_in_a_difference_are_shown(run: Run) -> None:
    out = run("diff", "tiny.yaml", "odd.yaml")[1]
    assert "MACs: 54.86 K → unknown (unknown)" in out
    assert "+ odd: opaque      +5  100.0  unknown" in out
    # What both have alike adds nothing, known or not.
    assert "MACs: unknown → unknown (+32.77 K)" in run("diff", "odd.yaml", "odd.yaml@kernel=3")[1]


def test_diff_in_python(here: Path) -> None:
    found = costcalc.diff("tiny.yaml", costcalc.count("tiny.yaml", kernel=3))
    assert repr(found) == "<tiny.yaml → tiny@kernel=3: layers: 1 changed, 6 the same>"
    assert (found.changes[0].params, found.share(found.changes[0].operations, "operations")) == (512, 100)


def test_other_results_are_a_difference() -> None:
    def spec(outputs: str) -> str:
        names = "".join(f"  - {{conv: {{out: 3, kernel: 1}}, name: {name}}}\n" for name in "abc")
        return f"costcalc: 1\ninput: [3, 8, 8]\nlayers:\n{names}outputs: [{outputs}]\n"

    found = diff(spec("a, c"), spec("b, c"))
    assert (found.changes, found.same, found.outputs) == ([], False, True)
    assert "the outputs are those of other layers" in diffing.page(found, 5).written()


# ---- check -------------------------------------------------------------------------------------------

# 970 parameters, 54,864 MACs, 1,546 activations, 3,880 bytes: the budget, and what is over it.
BUDGETS = [
    (["--max-params", "970"], []),
    (["--max-params", "969"], ["970 params, over the budget of 969 by 1 (0.1 %)"]),
    (["--max-params", "0.97K", "--max-macs", "54.864K"], []),
    (["--max-macs", "50K"], ["54,864 MACs, over the budget of 50,000 by 4,864 (9.7 %)"]),
    (["--max-activations", "1545"], ["1,546 activations, over the budget of 1,545 by 1 (0.1 %)"]),
    (["--max-size", "3.88KB"], []),
    (["--max-size", "3879B"], ["3,880 bytes, over the budget of 3,879 by 1 (0.0 %)"]),
    (["--max-macs", "0"], ["54,864 MACs, over the budget of 0 by 54,864"]),
    (["--max-macs", "54.8635K"], ["54,864 MACs, over the budget of 54,863.5 by 0.5 (0.0 %)"]),
    (["--max-macs", "54.8645K"], []),
    (["--max", "effective_stride=1.5"], []),
    (
        ["--max", "effective_stride=0.5"],
        ["1 pixels of effective_stride (of the last row with pixels), over the budget of 0.5 by 0.5 (100.0 %)"],
    ),
    (["--max", "flops=100K"], ["109,728 FLOPs, over the budget of 100,000 by 9,728 (9.7 %)"]),
    (["--max", "flops=100K", "--unit", "flops"], ["109,728 FLOPs, over the budget of 100,000 by 9,728 (9.7 %)"]),
    (["--max-macs", "100K", "--convention", "flops"], []),  # which counts MACs, too
    (
        ["--max-params", "1K", "--max-macs", "60K", "--kernel", "3"],
        [
            "1,482 params, over the budget of 1,000 by 482 (48.2 %)",
            "87,632 MACs, over the budget of 60,000 by 27,632 (46.1 %)",
        ],
    ),
]


@pytest.mark.parametrize(("arguments", "reasons"), BUDGETS)
def test_budgets(run: Run, arguments: list[str], reasons: list[str]) -> None:
    code, out, err = run("check", "tiny.yaml", *arguments)
    label = "tiny.yaml@kernel=3" if "--kernel" in arguments else "tiny.yaml"
    assert code == (1 if reasons else 0)
    assert [line for line in err.splitlines() if not line.startswith("  ")] == [f"{label}: {r}" for r in reasons]
    assert out.startswith(f"{label}: ok, ") is not bool(reasons)


def test_a_reason_names_the_layers_that_cost_most(run: Run) -> None:
    # 36,864, 13,824 and 4,096 of 54,864 MACs; of the parameters 584, 224 and 90 of 970.
    err = run("check", "tiny.yaml", "--max-macs", "1", "--max-params", "1", "--max-activations", "1")[2].splitlines()
    assert err[1::2] == [
        "  costs most: c2 584 (60.2 %), c1 224 (23.1 %), fc 90 (9.3 %)",
        "  costs most: c2 36.86 K (67.2 %), c1 13.82 K (25.2 %), c3 4.096 K (7.5 %)",
        "  costs most: c1 512 (33.1 %), c2 512 (33.1 %), c3 512 (33.1 %)",
    ]


def test_a_budget_on_an_unknown_total_is_not_met(run: Run) -> None:
    code, _, err = run("check", "odd.yaml", "--max-macs", "1G", "--max-params", "1K")
    assert (code, err.splitlines()) == (
        1,
        ["odd.yaml: unknown MACs, so that the budget of 1,000,000,000 can't be held", "  unknown: odd"],
    )
    told = json.loads(run("check", "odd.yaml", "--max-macs", "1G", "--format", "json")[1])
    assert told["ok"] is False
    assert (told["breaches"][0]["value"], told["breaches"][0]["parts"]) == (None, [{"name": "odd", "value": None}])


def test_one_network_over_its_budget_is_enough(run: Run) -> None:
    code, out, err = run("check", "tiny.yaml", "tiny.yaml@kernel=3", "--max-params", "1K")
    assert (code, out.split()[0], err.split()[0]) == (1, "tiny.yaml:", "tiny.yaml@kernel=3:")


FILE = """\
{
  "costcalc_baseline": 1,
  "convention": "costcalc",
  "hash": "9c528e",
  "networks": {
    "odd.yaml": {
      "params": 975,
      "macs": null,
      "activations": null,
      "bytes": 3900,
      "blocks": {
        "c1": {"params": 224, "macs": 13824},
        "c2": {"params": 584, "macs": 36864},
        "c3": {"params": 72, "macs": 4096},
        "odd": {"params": 5, "macs": null},
        "fc": {"params": 90, "macs": 80}
      }
    },
    "tiny.yaml": {
      "params": 970,
      "macs": 54864,
      "activations": 1546,
      "bytes": 3880,
      "blocks": {
        "c1": {"params": 224, "macs": 13824},
        "c2": {"params": 584, "macs": 36864},
        "c3": {"params": 72, "macs": 4096},
        "fc": {"params": 90, "macs": 80}
      }
    }
  }
}
"""


def test_a_baseline_is_stable_and_can_be_read(run: Run) -> None:
    assert run("check", "tiny.yaml", "odd.yaml", "--baseline", "costs.json", "--update")[2] == "costs.json: written\n"
    assert Path("costs.json").read_text(encoding="utf-8") == FILE
    assert run("check", "odd.yaml", "--baseline", "costs.json", "--update")[2] == "costs.json: as it was\n"
    assert Path("costs.json").read_text(encoding="utf-8") == FILE
    code, out, err = run("check", "--baseline", "costs.json")
    assert (code, err, [line.split(":")[0] for line in out.splitlines()]) == (
        0,
        "",
        ["odd.yaml", "tiny.yaml", "counted"],
    )
    assert "unknown MACs: not checked" in out
    assert (
        Baseline("x", conventions.get("costcalc"), {}).text()
        == '{\n  "costcalc_baseline": 1,\n  "convention": "costcalc",\n  "hash": "9c528e",\n  "networks": {}\n}\n'
    )


def test_growth_over_the_baseline_is_told_with_the_blocks(run: Run) -> None:
    Path("costs.json").write_text(FILE, encoding="utf-8")
    Path("tiny.yaml").write_text(SPEC.replace("kernel: 1,", "kernel: 3,"), encoding="utf-8")
    code, _, err = run("check", "--baseline", "costs.json")
    assert code == 1
    assert err.splitlines() == [
        "tiny.yaml: 1,482 params, over the baseline's 970 by 512 (52.8 %)",
        "  grown most: c3 +512",
        "tiny.yaml: 87,632 MACs, over the baseline's 54,864 by 32,768 (59.7 %)",
        "  grown most: c3 +32.77 K",
        "tiny.yaml: 5,928 bytes, over the baseline's 3,880 by 2,048 (52.8 %)",
    ]
    # 59.7 % of the MACs are 32,754 or so: what is tolerated must be more.
    assert run("check", "--baseline", "costs.json", "--tolerance", "59%")[0] == 1
    assert run("check", "--baseline", "costs.json", "--tolerance", "60%")[0] == 0
    assert run("check", "--baseline", "costs.json", "--update")[0] == 0
    assert '"c3": {"params": 584, "macs": 36864}' in Path("costs.json").read_text(encoding="utf-8")
    assert run("check", "--baseline", "costs.json")[0] == 0


def test_less_than_the_baseline_is_within_it_and_unknown_is_not(run: Run) -> None:
    Path("costs.json").write_text(FILE, encoding="utf-8")
    Path("odd.yaml").write_text(SPEC, encoding="utf-8")
    assert run("check", "odd.yaml", "--baseline", "costs.json")[0] == 0
    Path("tiny.yaml").write_text(OPAQUE, encoding="utf-8")
    code, _, err = run("check", "tiny.yaml", "--baseline", "costs.json", "--tolerance", "100%")
    assert code == 1
    assert "unknown MACs, so that the baseline's 54,864 can't be held\n  unknown: odd" in err


def test_knobs_are_part_of_a_networks_word_in_the_baseline(run: Run) -> None:
    run("check", "tiny.yaml", "--out", "16", "--baseline", "costs.json", "--update")
    assert list(json.loads(Path("costs.json").read_text(encoding="utf-8"))["networks"]) == ["tiny.yaml@out=16"]
    assert run("check", "tiny.yaml@out=16", "--baseline", "costs.json")[0] == 0
    assert run("check", "--baseline", "costs.json")[0] == 0


def test_tolerance_is_exact() -> None:
    entry: dict[str, Any] = {"params": 1000, "macs": None, "activations": None, "bytes": None, "blocks": {}}
    spec = {"costcalc": 1, "input": [10], "layers": [{"fc": {"out": 101, "bias": False}}]}  # 1,010 parameters
    held = Baseline("x", conventions.get("costcalc"), {"unnamed": entry})
    assert baselines.check([one(spec)], {}, held, baselines.tolerance_of("1%"))
    assert not baselines.check([one(spec)], {}, held, baselines.tolerance_of("0.999999%"))


def test_check_in_python(here: Path) -> None:
    found = costcalc.check("tiny.yaml", "odd.yaml", limits={"params": 970, "bytes": "4KB"})
    assert (bool(found), [(b.network, b.quantity, b.value, b.limit) for b in found.breaches]) == (
        False,
        [("odd.yaml", "params", 975, 970)],
    )
    assert "odd.yaml: 975 params, over the budget of 970 by 5 (0.5 %)" in str(found)
    assert costcalc.check("tiny.yaml", baseline="costs.json", update=True)
    assert costcalc.check(baseline="costs.json", tolerance="1%")
    assert not costcalc.check("tiny.yaml", limits={"macs": 1e4})


def broken(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


FILES = [
    ("", "is no baseline: it is no JSON from line 1, column 1 on"),
    ("[" * 100_000, "is no baseline: it is no JSON"),
    ("[]", 'it has no "costcalc_baseline": 1'),
    ("{}", 'it has no "costcalc_baseline": 1'),
    (broken(FILE, '"costcalc_baseline": 1', '"costcalc_baseline": 2'), 'it has no "costcalc_baseline": 1'),
    (broken(FILE, '"convention": "costcalc"', '"convention": 3'), "it has no convention"),
    (
        broken(FILE, '"convention": "costcalc"', '"convention": "flops"'),
        "under the convention 'flops 9c528e', not 'costcalc 9c528e'",
    ),
    (broken(FILE, '"9c528e"', '"000000"'), "under the convention 'costcalc 000000', not 'costcalc 9c528e'"),
    (broken(FILE, '"params": 970', '"params": 970.0'), "'tiny.yaml': params is no whole number"),
    (broken(FILE, '"params": 970', '"params": true'), "'tiny.yaml': params is no whole number"),
    (broken(FILE, '"macs": 54864', '"macs": -1'), "'tiny.yaml': macs is no whole number"),
    (broken(FILE, '"macs": 54864', '"macs": NaN'), "'tiny.yaml': macs is no whole number"),
    (broken(FILE, '"macs": 54864', '"mac": 54864'), "'tiny.yaml' has other keys"),
    (broken(FILE, '{"params": 90, "macs": 80}', "5"), "fc' has other keys"),
    (broken(FILE, '"macs": 80', '"macs": "80"'), "fc': macs is no whole number"),
    ('{"costcalc_baseline": 1, "convention": "costcalc", "networks": {"a": 1}}', "'a' has other keys"),
    (broken(FILE, '"tiny.yaml"', '"torch.nn:Identity"'), "no network of the zoo and no file below"),
    (broken(FILE, '"tiny.yaml"', '"../tiny.yaml"'), "no network of the zoo and no file below"),
    (broken(FILE, '"tiny.yaml"', '"-"'), "no network of the zoo and no file below"),
]


@pytest.mark.parametrize(("text", "said"), FILES, ids=range(len(FILES)))
def test_a_file_that_is_no_baseline(run: Run, text: str, said: str) -> None:
    Path("costs.json").write_text(text, encoding="utf-8")
    code, out, err = run("check", "--baseline", "costs.json")
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_an_absolute_path_in_a_baseline_is_not_opened(run: Run, here: Path) -> None:
    Path("costs.json").write_text(broken(FILE, '"tiny.yaml"', f'"{here}/tiny.yaml"'), encoding="utf-8")
    assert run("check", "--baseline", "costs.json")[0] == 2
    with pytest.raises(costcalc.SpecError, match="no file below"):
        baselines.words(baselines.read("costs.json", get("costcalc")))


MISTAKES = [
    (["compare"], "Missing argument 'SPEC"),
    (["compare", "tiny.yaml", "nothing.yaml"], "nothing.yaml: no file and no network"),
    (["compare", "tiny.yaml", "mobilenet_v1", "--kernel", "3"], "MobileNetV1 has no knob 'kernel'"),
    (["compare", "tiny.yaml", "--fromat", "csv"], "did you mean '--format'?"),
    (["compare", "tiny.yaml", "-k", "kernel"], "-k takes NAME=VALUE, not 'kernel'"),
    (["compare", "tiny.yaml", "--convention", "flop"], "did you mean 'flops'?"),
    (["diff", "tiny.yaml"], "Missing argument 'AFTER'"),
    (["diff", "tiny.yaml", "tiny.yaml@kernel"], "a knob takes a value: kernel=1"),
    (["diff", "tiny.yaml", "tiny.yaml", "--batch", "0"], "Invalid value for '--batch'"),
    (["check"], "there is no network to check"),
    (["check", "tiny.yaml"], "there is no budget to check"),
    (["check", "tiny.yaml", "--max-params", "5Q"], "'5Q' is no budget of params"),
    (["check", "tiny.yaml", "--max-params", "5%"], "'5%' is no budget of params"),
    (["check", "tiny.yaml", "--max-params", "-5"], "'-5' is no budget of params"),
    (["check", "tiny.yaml", "--max-parms", "5M"], "did you mean '--max-params'?"),
    (["check", "tiny.yaml", "--max-macs", "1M", "--tolerance", "1"], "'1' is no tolerance"),
    (["check", "tiny.yaml", "--update"], "there is no baseline to update"),
    (["check", "tiny.yaml", "--baseline", "none.json"], "none.json: there is no such file\n        add --update"),
    (["check", "tiny.yaml", "--baseline", "."], ". is a directory"),
    (["check", "tiny.yaml", "--baseline", "no/such/x.json", "--update"], "cannot be written"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_mistakes(run: Run, arguments: list[str], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_network_that_the_baseline_lacks_is_a_mistake(run: Run) -> None:
    Path("costs.json").write_text(FILE, encoding="utf-8")
    code, _, err = run("check", "tiny.yaml@kernel=3", "--baseline", "costs.json")
    assert (code, err) == (2, "costs.json has no 'tiny.yaml@kernel=3'\n        add --update to put it in\n")


def test_standard_input_is_a_network(run: Run) -> None:
    code, out, _ = run("diff", "-", "tiny.yaml@kernel=3", "--exit-code", text=SPEC)
    assert code == 1
    assert out.startswith("- → tiny.yaml@kernel=3\nparams: 970 → 1.482 K (+512, +52.8 %)\n")
