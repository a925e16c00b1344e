"""The page's data, evaluated where sliders stand at random, against what is counted of the network by itself."""

from __future__ import annotations

import json
import random
import re
from html import unescape
from math import prod
from pathlib import Path

import pytest
from in_process import Run
from page_data import Stand

import costcalc
from costcalc.explanations import explain
from costcalc.explorer import pages
from costcalc.numbers.num import or_none
from costcalc.reports.result import Result

# networks, what they are given, the places that are drawn
NETWORKS = {
    "resnet50": {},
    "mobilenet_v3_large": {},
    "unet": {},
    "yolo_v3": {},
    "fpn_resnet50": {"width": [0.5, 0.75, 1.0], "height": [800, 608], "length": [1333, 801]},
    "shufflenet_v2_x1_0": {},
    "densenet121": {},
    "r3d_18": {},
    "efficientnet_b0": {"vary": "variant"},
    "mobilenet_v2": {"width": [0.5, 0.6, 0.77, 1.0, 1.3], "resolution": [96, 130, 224]},
    "googlenet": {"options": {"mode": "eager"}},
}
CONVENTIONS = ("costcalc", "costcalc:flops", "thop", "fvcore", "ptflops", "torchinfo", "mobilenet", "bytes")


def drawn(page: dict, draw: random.Random, network: int = 0) -> Stand:
    """A network with its sliders and lists at places of one of its forms."""
    one = page["networks"][network]
    form = draw.choice(one["forms"])
    return Stand(page, one, [draw.choice(where) for where in form["where"]], list(form["at"]))


def counted(name: str, stand: Stand, **more) -> Result:
    knobs = dict(stand.knobs)
    variant = knobs.pop("variant", "")
    return costcalc.count(f"{name.split('_b', maxsplit=1)[0]}@{variant}" if variant else name, knobs=knobs, **more)


def compare(stand: Stand, network: str, draw: random.Random, mode: str) -> None:
    batch = draw.choice([1, 1, 3, 8])
    for convention in CONVENTIONS:
        found = stand.costs(convention)
        result = counted(network, stand, convention=convention, batch=batch)
        assert found is not None
        params, operations = found
        assert params == [row.params for row in result.rows]
        assert [one * batch for one in operations] == [row.operations for row in result.rows]
    result = counted(network, stand, batch=batch)
    assert [row[0] for row in stand.form["rows"]] == [row.name for row in result.rows]
    for name in ("activations", "elementwise"):
        assert stand.metric(name, batch) == result.metric(name).total
    assert stand.alive(batch) == list(result.metric("peak_memory", mode=mode).rows)
    texts = stand.page["texts"]
    assert [texts[stand.form["kinds"][kind]["type"]] for kind in stand.kinds] == [row.type for row in result.rows]
    field = result.metric("receptive_field")
    assert stand.fields() == list(field.rows)
    assert stand.fields()[stand.form["field"]] == field.total
    for device in ("pixel1_big_core", "nvidia_t4", "jetson_nano"):
        dtype = next(one["dtype"] for one in stand.page["rates"] if one["device"] == device)
        least, most = stand.seconds(device, dtype, batch)
        assert 1e3 * least == pytest.approx(result.metric("latency", device=device, dtype=dtype).total, rel=1e-6)
        expected = result.metric("latency_most", device=device, dtype=dtype).total
        assert (most and 1e3 * most) == (expected if expected is None else pytest.approx(expected, rel=1e-6))


@pytest.mark.parametrize("network", NETWORKS)
def test_every_number_is_that_of_the_network_counted_by_itself(network: str) -> None:
    draw = random.Random(network)
    asked = NETWORKS[network]
    page = costcalc.explore(network, **asked).data
    mode = asked.get("options", {}).get("mode", "fused")
    for _ in range(3):
        compare(drawn(page, draw), network, draw, mode)


# ---- where boxes stand ----------------------------------------------------------------------------------


def boxes(box: dict) -> list[dict]:
    """A box and all boxes in it."""
    return [box, *(one for item in box["items"] if isinstance(item, dict) for one in boxes(item))]


@pytest.mark.parametrize("network", ["resnet50", "nasnet_a_mobile", "googlenet", "unet", "densenet121", "alexnet"])
def test_a_layout_is_a_grid_on_which_edges_run_down_between_the_items(network: str) -> None:
    form = costcalc.explore(network).data["networks"][0]["forms"][0]
    for box in boxes(form["graph"]):
        layout, items = box["layout"], box["items"]
        assert len({*map(tuple, layout["at"])}) == len(items) == len(layout["at"])
        taken = {*map(tuple, layout["at"])}
        assert all(0 <= rank < layout["ranks"] and 0 <= lane < layout["lanes"] for rank, lane in taken)
        for start, end, row, part, chain in layout["edges"]:
            first = layout["at"][start][0] + 1 if start >= 0 else 0
            last = layout["at"][end][0] if end >= 0 else layout["ranks"]
            assert first <= last
            passed = layout["chains"][chain][: last - first] if chain >= 0 else []
            assert len(passed) == last - first
            assert not taken & {(first + n, lane) for n, lane in enumerate(passed)}
            assert row < 0 or part < len(form["kinds"][form["rows"][row][1]]["writes"])


def test_equal_blocks_that_follow_each_other_are_one() -> None:
    """He et al. 2015, table 1: 3, 4, 6 and 3 blocks, the first of each with another shortcut or stride."""
    form = costcalc.explore("resnet50").data["networks"][0]["forms"][0]
    titles = [box["title"] for box in boxes(form["graph"]) if box["name"].count("/")]
    times = [box.get("times", 1) for box in boxes(form["graph"]) if box["name"].count("/")]
    assert times == [1, 2, 1, 3, 1, 5, 1, 2]
    assert titles[:4] == ["bottleneck1", "bottleneck2-3 ×2", "bottleneck1", "bottleneck2-4 ×3"]
    shown = sorted(line for box in boxes(form["graph"]) for line in box["items"] if isinstance(line, int))
    copies = [
        line + turn * (box["lines"][1] // box["times"])
        for box in boxes(form["graph"])
        if box.get("times")
        for line in shown
        if box["lines"][0] <= line < box["lines"][0] + box["lines"][1] // box["times"]
        for turn in range(1, box["times"])
    ]
    assert sorted(shown + copies) == [*range(len(form["lines"]))]
    for box in boxes(form["graph"]):
        size = box["lines"][1] // box.get("times", 1)
        first, *others = [
            [
                form["rows"][row][1]
                for line in form["lines"][start : start + size]
                for row in range(line[1], line[1] + line[2])
            ]
            for start in range(box["lines"][0], sum(box["lines"]), size)
        ]
        assert all(other == first for other in others)


# ---- what moves -----------------------------------------------------------------------------------------

TINY = """\
costcalc: 1
name: tiny
knobs: {c: 32, n: 2, k: 3, word: relu, size: 64, share: 1.0}
variants: {deep: {n: 4}, wide: {c: 64, word: relu6}}
input: [3, size, size]
layers:
  - conv: {out: int(c * share), kernel: k, padding: half, act: word}
  - {conv: {out: 8, kernel: 3, stride: 2}, repeat: n}
  - global_avg_pool
  - flatten
  - fc: {out: 10}
"""
# What is asked; the sliders and lists with their numbers of values and starts; forms; settings that are refused.
MOVES = [
    ({}, {"c": (15, 6), "size": (4, 1)}, {}, 1, 0),
    ({"c": 16}, {"c": (15, 6), "size": (4, 1)}, {}, 1, 0),
    ({"c": [8, 16]}, {"c": (2, 0)}, {}, 1, 0),
    ({"n": [1, 2, 3]}, {"c": (15, 6), "size": (4, 1)}, {"n": (3, 1)}, 3, 0),
    ({"k": [1, 3, 5]}, {"k": (3, 1)}, {}, 3, 0),
    ({"vary": "variant"}, {"size": (4, 1), "share": (36, 15)}, {"variant": (3, 0)}, 3, 0),
    ({"vary": "word"}, {"c": (15, 6), "size": (4, 1)}, {"word": (2, 0)}, 2, 0),
    ({"size": [3, 4, 64, 65], "share": [0.5, 1.0]}, {"size": (4, 2), "share": (2, 1)}, {}, 1, 4),
    ({"c": [0, 8]}, {"c": (2, 1)}, {}, 1, 1),
    ({"input": (3, 40, 44)}, {"c": (15, 6)}, {}, 1, 0),
    ({"variant": "wide"}, {"c": (15, 6), "size": (4, 1)}, {}, 1, 0),
]


@pytest.mark.parametrize(("asked", "sliders", "lists", "forms", "refused"), MOVES, ids=str)
def test_what_moves(asked: dict, sliders: dict, lists: dict, forms: int, refused: int) -> None:
    page = costcalc.explore(TINY, **asked).data
    network = page["networks"][0]
    for wanted, found in ((sliders, network["sliders"]), (lists, network["lists"])):
        assert {one["name"]: (len(one["values"]), one["start"]) for one in found} == wanted
    settings = prod(len(one["values"]) for one in network["sliders"] + network["lists"])
    held = sum(prod(map(len, form["where"])) for form in network["forms"])
    told = sum(prod(map(len, one["where"])) for one in network["refused"])
    assert (held + told, told) == (settings, refused)
    assert len({tuple(form["at"]) for form in network["forms"]}) <= forms
    draw = random.Random(str(asked))
    for _ in range(3):
        stand = drawn(page, draw)
        knobs = dict(stand.knobs)
        variant = knobs.pop("variant", asked.get("variant", ""))
        given = {name: asked[name] for name in ("c",) if isinstance(asked.get(name), int)}
        variant = "" if variant == "none" else variant
        result = costcalc.count(TINY, knobs=given | knobs, variant=variant, input=asked.get("input"))
        assert stand.costs("costcalc") == ([row.params for row in result], [row.macs for row in result])
        assert max(stand.alive(1)) == result.metric("peak_memory").total


REFUSED = [
    ({"c": 0}, "must be at least 1, not 0"),
    ({"nope": [1, 2]}, "tiny has no knob 'nope'"),
    ({"vary": "nope"}, "tiny has no knob 'nope'"),
    ({"vary": "size,c,word,variant"}, "the variants say what"),
    ({"n": [*range(1, 60)]}, "a page holds 24"),
    ({"c": [*range(1, 300)]}, "c has 299 values, and a page 200"),
    ({"options": {"order": "best"}}, "a page begins with no order"),
    ({"options": {"device": "coral_edgetpu"}}, "nothing predicts a time on it"),
    ({"options": {"device": "pixel3_4_threads", "dtype": "fp16"}}, "has no rates for fp16\n        it has: fp32, int8"),
    ({"options": {"dtype": "fp16"}}, "no device has no rates for fp16"),
    ({"convention": "thopp"}, "did you mean 'thop'?"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED, ids=str)
def test_what_is_refused_of_a_page(asked: dict, said: str) -> None:
    with pytest.raises(costcalc.SpecError) as caught:
        costcalc.explore(TINY, **asked)
    assert said in str(caught.value)


# ---- odd networks ---------------------------------------------------------------------------------------

TWO = """\
costcalc: 1
name: two
knobs: {c: 32}
input: {left: [1, 32, 32], right: [1, 16, 16]}
layers:
  - {conv: {out: c, kernel: 3, padding: half, stride: 2}, from: left, name: l}
  - {conv: {out: c, kernel: 3, padding: half}, from: right, name: r}
  - add: [l, r]
"""
LINE = "costcalc: 1\nname: line\nknobs: {c: 32, long: 160}\ninput: [1, long]\nlayers:\n"
LINE += "  - conv: {out: c, kernel: 9, padding: half}\n  - lstm: {hidden: 32}\n"


OPAQUE = TINY.replace("  - flatten\n", "  - opaque: {shape: [8, 4, 4], params: 5}\n  - flatten\n")
CUSTOM = TINY.replace("  - flatten\n", "  - custom: {macs: 1000 * c, params: 77}\n  - flatten\n")
ODD = {"two": TWO, "line": LINE, "opaque": OPAQUE, "custom": CUSTOM}


def test_what_is_told_of_fields_that_cannot_be_counted() -> None:
    said = "a receptive field is counted in pixels of the input, and the inputs differ in size"
    (note,) = costcalc.explore(TWO).data["networks"][0]["notes"]
    assert note.startswith(said)
    large = LINE.replace("lstm: {hidden: 32}", "upsample: {size: [150]}")
    page = costcalc.explore(large, long=[*range(60, 90)], c=[*range(8, 18)]).data
    stand = drawn(page, random.Random(1))
    assert stand.fields() == list(costcalc.count(large, knobs=stand.knobs).metric("receptive_field").rows)


@pytest.mark.parametrize("name", ODD)
def test_networks_of_other_axes_inputs_and_of_unknown_cost(name: str) -> None:
    page = costcalc.explore(ODD[name]).data
    draw = random.Random(name)
    for _ in range(3):
        stand = drawn(page, draw)
        result = costcalc.count(ODD[name], knobs=stand.knobs, batch=4)
        for convention in ("costcalc", "thop", "tf"):
            found = stand.costs(convention)
            if found is None:
                with pytest.raises(costcalc.SpecError, match="says nothing of"):
                    costcalc.count(ODD[name], knobs=stand.knobs, convention=convention)
                continue
            other = costcalc.count(ODD[name], knobs=stand.knobs, convention=convention)
            assert found == ([or_none(row.params) for row in other], [or_none(row.operations) for row in other])
        assert stand.alive(4) == list(result.metric("peak_memory").rows)


@pytest.mark.parametrize("network", ["resnet50", "mobilenet_v3_large", "shufflenet_v2_x1_0", "googlenet"])
def test_formulas_are_those_of_explain_with_the_numbers_put_in(network: str) -> None:
    page = costcalc.explore(network).data
    stand = drawn(page, random.Random(network))
    texts = page["texts"]
    for row, kind in zip(costcalc.count(network, knobs=stand.knobs).rows, stand.kinds, strict=True):
        one = stand.form["kinds"][kind]
        letters = {texts[letter]: str(stand.numbers[value]) for letter, value in one["letters"]}
        said = explain.formulas(row.node)
        for (_, text, _), formula in zip(one["formulas"], said, strict=True):
            filled = re.sub(r"[^\W\d]\w*", lambda at, letters=letters: letters.get(at[0], at[0]), texts[text])
            assert filled == formula.filled or not formula.text  # explain has no letters there
        values = [(texts[name], stand.numbers[value]) for name, _, value in one["formulas"]]
        assert values == [(formula.name, formula.value) for formula in said]


def test_networks_beside_each_other_are_aligned_line_by_line() -> None:
    """He et al. 2015, table 1: ResNet-34 has what 18 has, and 8 blocks of two layers with a sum more."""
    page = costcalc.explore("resnet18", "resnet34").data
    (pairs,) = page["aligned"]
    first, other = ([line[0] for line in one["forms"][0]["lines"]] for one in page["networks"])
    assert [i for i, _ in pairs if i >= 0] == [*range(len(first))]
    assert [j for _, j in pairs if j >= 0] == [*range(len(other))]
    assert {first[i]: other[j] for i, j in pairs if i >= 0 and j >= 0}["stage1/basic1/conv1"] == "stage1/basic1/conv1"
    assert sum(i < 0 for i, _ in pairs) == len(other) - len(first)


# ---- the file -------------------------------------------------------------------------------------------


def test_the_page_is_written_whole_and_its_names_stay_text(tmp_path: Path) -> None:
    name = "a</script><script>alert(1)</script>"
    page = costcalc.explore(TINY.replace("name: tiny", f'name: "{name}"'))
    page.save(str(tmp_path / "page.html"))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text == page.html
    assert "<script>alert" not in text
    assert "</script><script>" not in text.replace("</script>\n<script", "")
    (held,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert json.loads(held)["networks"][0]["title"] == name
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", text)
    with pytest.raises(costcalc.SpecError, match=r"no such file|not a directory|no/page\.html"):
        page.save(str(tmp_path / "no" / "page.html"))


def test_a_notebook_shows_the_page_in_a_frame() -> None:
    result = costcalc.count(TINY, c=16)
    page = result.explore(vary="word")
    assert repr(page) == "<explorer of tiny@c=16>"
    shown = page._repr_html_()
    assert shown.startswith("<iframe ")
    assert unescape(re.search(r'srcdoc="([^"]*)"', shown)[1]) == page.html


SIZES = {"resnet50": 600, "densenet201": 700, "efficientnet_b7": 2000}


@pytest.mark.parametrize("network", SIZES)
def test_pages_are_small(network: str) -> None:
    """By the design: ResNet-50's at most 600 KB, others at most 700 KB, EfficientNet-B7's 2 MB."""
    assert len(costcalc.explore(network).html.encode()) <= 1000 * SIZES[network]


def test_a_page_of_too_many_numbers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_BYTES", 10_000)
    with pytest.raises(costcalc.SpecError, match=r"page of tiny would hold 0\.0 MB of data, and may 0"):
        costcalc.explore(TINY)


def test_the_command_writes_a_page(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my net.yaml").write_text(TINY, encoding="utf-8")
    done = run("explore", "my net.yaml", "--vary", "word", "--c", "8:32:8", "--batch", "4", "--device", "jetson_nano")
    assert (done.code, done.out) == (0, "")
    assert done.err == "my_net.html: c (4 values), word (2 values)\n"
    data = re.search(r'id="data">(.*?)</script>', (tmp_path / "my_net.html").read_text(encoding="utf-8"), re.DOTALL)
    page = json.loads(data[1])
    assert page["start"] == {"convention": "costcalc", "batch": 4, "device": "jetson_nano", "dtype": "fp32"}
    assert [one["labels"] for one in page["networks"][0]["sliders"]] == [["8", "16", "24", "32"]]
    for words, said in (
        (("my net.yaml", "--c", "0"), "must be at least 1, not 0"),
        (("my net.yaml", "-o", "my net.yaml"), "would be written over"),
        (("my net.yaml", "--vary", "c,nope"), "has no knob 'nope'"),
        (("my net.yaml", "--cc", "8"), "has no knob 'cc'"),
    ):
        done = run("explore", *words)
        assert done.code == 2
        assert said in done.err
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["my net.yaml", "my_net.html"]


def test_a_file_of_another_format_has_a_page(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = str(tmp_path / "net.onnx")
    assert run("export", "onnx", "squeezenet1_1", "-o", path).code == 0
    page = costcalc.explore(path).data
    stand = drawn(page, random.Random(1))
    result = costcalc.count(path)
    assert stand.costs("costcalc") == ([row.params for row in result], [row.macs for row in result])
    assert stand.alive(1) == list(result.metric("peak_memory").rows)
