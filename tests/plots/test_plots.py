"""Pictures: what is drawn is what was counted, no text covers another, nothing needs colour."""

from __future__ import annotations

import itertools
import os
import random
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import costcalc
from costcalc import SpecError
from costcalc.cli import plot as command
from costcalc.language import zoo

pytest.importorskip("matplotlib")

from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from costcalc import plots
from costcalc.plots import bars, curves, labels, points, sizes, style
from costcalc.published.figures import published
from costcalc.reports.colours import COLOURS

NETWORKS = ["resnet50", "densenet121", "googlenet", "mobilenet_v1", "vgg16", "nasnet_a_mobile"]
WIDTHS = [0.25, 0.5, 0.75, 1.0]
SIZES = [128, 160, 192, 224]


@lru_cache
def swept(*networks: str, two: bool = False) -> Any:
    return costcalc.sweep(*networks, width=WIDTHS, **({"resolution": SIZES} if two else {}))


UNKNOWN = {
    "costcalc": 1,
    "input": [3, 32, 32],
    "layers": [
        {"conv": {"out": 8, "kernel": 3}},
        {"opaque": {"shape": [8, 30, 30]}},
        {"conv": {"out": 9, "kernel": 1}},
    ],
}
INPUTS = {
    "costcalc": 1,
    "input": {"left": [3, 32, 48], "right": [1, 32, 48]},
    "layers": [
        {"concat": ["left", "right"]},
        {"conv": {"out": 16, "kernel": [3, 5], "stride": 2, "act": "relu"}, "name": "stem"},
        {"add": ["stem", [{"dwconv": {"kernel": 3, "padding": 1}}]]},
        {"conv": {"out": 8, "kernel": 1}},
    ],
}
PATCHES = {"bits": 8, "mode": "mcu", "patches": 3}

# Howard et al. 2017, arXiv:1704.04861, Tables 6 and 7: top-1 by width at 224 pixels, by pixels at width 1.
TOP1 = {(1.0, 224): 70.6, (0.75, 224): 68.4, (0.5, 224): 63.7, (0.25, 224): 50.6}
TOP1 |= {(1.0, 192): 69.1, (1.0, 160): 67.2, (1.0, 128): 64.4}


def measured() -> Any:
    table = swept("mobilenet_v1", two=True)
    return table.assign(top1=[TOP1.get(pair) for pair in zip(table["width"], table["resolution"], strict=True)])


PICTURES: dict[str, Any] = {
    **{f"layers {name}": lambda name=name: plots.layers(name) for name in NETWORKS},
    **{f"shapes {name}": lambda name=name: plots.shapes(name) for name in [*NETWORKS, "unet", "inception_v3"]},
    "layers, all": lambda: plots.layers("densenet121", fold=9),
    "layers, small": lambda: plots.layers("densenet121", fold=9, size=(5, 4)),
    "types": lambda: plots.types(*NETWORKS),
    "roofline": lambda: plots.roofline("mobilenet_v2", "pixel3_4_threads"),
    "roofline, card": lambda: plots.roofline("resnet50", "nvidia_rtx4090", batch=64),
    "roofline, sheet": lambda: plots.roofline("shufflenet_v1", "raspberry_pi4", size=(5, 4)),
    "types, one": lambda: plots.types("mobilenet_v1@width=0.5"),
    "accuracy": plots.accuracy,
    "accuracy, mobile": lambda: plots.accuracy(limits={"macs": 1e9}),
    "accuracy, flops": lambda: plots.accuracy("torchvision", convention="flops"),
    "accuracy, cifar": lambda: plots.accuracy(classes=10),
    "accuracy, few decades": lambda: plots.accuracy("mobilenet", limits={"macs": "700M"}),
    "accuracy, one": lambda: plots.accuracy("googlenet_caffe"),
    "curves": lambda: plots.sweep(swept("mobilenet_v1", "mobilenet_v2", "resnet18")),
    "curves, words": lambda: plots.sweep(
        costcalc.sweep("resnet50", depths=[[2, 2, 2, 2], [3, 4, 23, 3], [3, 8, 36, 3]])
    ),
    "map": lambda: plots.sweep(swept("mobilenet_v1", two=True), name="MobileNetV1"),
    "map, params": lambda: plots.sweep(swept("mobilenet_v2", two=True), of="params"),
    "layers, column": lambda: plots.layers("nasnet_a_mobile", size="column"),
    "layers, slide": lambda: plots.layers("efficientnet_b7", of="params,macs,activations", size="slide"),
    "layers, top": lambda: plots.layers("efficientnet_b0", top=9, size="column"),
    "layers, memory": lambda: plots.layers("unet", of="bytes,peak_memory,receptive_field", options={"bits": 8}),
    "layers, unknown": lambda: plots.layers(UNKNOWN, of="macs,params", size="column"),
    "types, column": lambda: plots.types("mobilenet_v1@width=0.5", "vgg16", of="bytes,activations", size="column"),
    "types, slide": lambda: plots.types("mobilenet_v1", "yolo_v3", "unet", size="slide"),
    "roofline, column": lambda: plots.roofline("resnet50", "nvidia_v100", size="column"),
    "accuracy, column": lambda: plots.accuracy("mobilenet", size="column"),
    "shapes, inputs": lambda: plots.shapes(INPUTS, size="column"),
    "curves, column": lambda: plots.sweep(swept("mobilenet_v1", "mobilenet_v2", "resnet18"), size="column"),
    "memory": lambda: plots.memory("mobilenet_v2", options=PATCHES, limits={"peak_memory": "512KiB"}),
    "memory, column": lambda: plots.memory("nasnet_a_mobile", size="column"),
    "memory, slide": lambda: plots.memory("unet", size="slide"),
    "memory, inputs": lambda: plots.memory(INPUTS, options={"order": "best"}),
    "field": lambda: plots.field("resnet50"),
    "field, column": lambda: plots.field("efficientnet_b7", options={"ignore_se": True}, size="column"),
    "field, slide": lambda: plots.field("unet", size="slide"),
    "field, inputs": lambda: plots.field(INPUTS),
    "graph": lambda: plots.graph("resnet50"),
    "graph, page": lambda: plots.graph("nasnet_a_mobile", of="bytes", options={"bits": 8}, size="page"),
    "graph, column": lambda: plots.graph("unet", size="column"),
    "graph, slide": lambda: plots.graph("mobilenet_v1", size="slide"),
    "graph, inputs": lambda: plots.graph(INPUTS, of="params"),
    "pareto": lambda: plots.pareto(measured(), "macs,-top1", name="MobileNetV1"),
    "pareto, column": lambda: plots.pareto(
        swept("mobilenet_v1", "mobilenet_v2", two=True), "params,-macs", size="column"
    ),
    "diff": lambda: plots.diff("resnet50", "resnext50_32x4d"),
    "diff, column": lambda: plots.diff("mobilenet_v1", "mobilenet_v2", size="column"),
    "diff, slide": lambda: plots.diff("densenet121", "densenet169", size="slide"),
    "whatif": lambda: plots.whatif("vgg16", ("depthwise-separable", "conv 3x3"), top=5),
    "map, words": lambda: plots.sweep(costcalc.sweep("resnet50", block=["basic", "bottleneck"], width=WIDTHS)),
}


@lru_cache
def picture(name: str) -> Figure:
    made: Figure = PICTURES[name]()
    made.draw_without_rendering()
    return made


def texts(made: Figure) -> Iterator[Text]:
    """Yield the texts that are seen: an axis keeps ticks beyond its ends, which are not."""
    hidden = set()
    for axis in made.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        off = [t for t in ticks if not (axis.get_visible() and low <= t.get_loc() <= high)]
        hidden |= {label for tick in off for label in (tick.label1, tick.label2)}
    for text in made.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            yield text


def boxes(made: Figure) -> list[tuple[str, Any]]:
    renderer = made.canvas.get_renderer()  # type: ignore[attr-defined]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in texts(made)]


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_covers_another_or_leaves_the_picture(name: str) -> None:
    made = picture(name)
    found = boxes(made)
    assert len(found) > 8
    for (one, a), (other, b) in itertools.combinations(found, 2):
        apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
        assert apart, f"{one!r} lies on {other!r}"
    wide, high = made.canvas.get_width_height()
    for text, box in found:
        assert min(box.x0, box.y0, wide - box.x1, high - box.y1) >= -0.5, text


NO_COUNTS = ("shapes", "roofline", "memory", "field")  # which no convention changes


@pytest.mark.parametrize("name", PICTURES)
def test_letters_can_be_read_on_a_page_and_the_convention_is_named(name: str) -> None:
    found = list(texts(picture(name)))
    assert min(text.get_fontsize() for text in found) >= 7
    said = "(flops " if "flops" in name else "(costcalc "
    assert name.startswith(NO_COUNTS) or any(said in " ".join(text.get_text().split()) for text in found)


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_needs_colour(name: str) -> None:
    """What a legend tells apart differs in hatch, marker or dashes, and a map's colours in lightness."""
    made = picture(name)
    for legend in made.legends:
        looks = [look(handle) for handle in legend.legend_handles]
        assert len(set(looks)) == len(looks)
    for mesh in made.axes[0].collections if name.startswith("map") else ():
        if type(mesh).__name__ == "QuadMesh":
            light = mesh.cmap(np.linspace(0, 1, 20))[:, :3] @ [0.2126, 0.7152, 0.0722]
            assert (np.diff(light) > 0).all()


def look(handle: Any) -> str:
    """Return how a legend's handle looks in black and white."""
    if hasattr(handle, "get_hatch") and hasattr(handle, "get_height"):
        light = sum(handle.get_facecolor()[:3]) > 2.6
        return f"hatch {handle.get_hatch()} {light}"
    if hasattr(handle, "get_paths"):
        return f"marker {handle.get_paths()[0].vertices.round(3).tolist()}"
    return f"line {handle.get_marker()} {handle.get_linestyle()} {handle._dash_pattern}"


# ---- what is drawn ---------------------------------------------------------------------------------------


def drawn_bars(axes: Any) -> dict[int, list[tuple[float, float]]]:
    """Return where the parts of each bar begin and end."""
    found: dict[int, list[tuple[float, float]]] = {}
    for bar in axes.patches:
        if bar.get_width():
            found.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append((bar.get_x(), bar.get_width()))
    return found


BARS = [*(name for name in NETWORKS), "densenet121, all", "nasnet_a_mobile, column", "efficientnet_b0, top"]


@pytest.mark.parametrize("case", BARS)
def test_each_bar_is_what_its_layers_cost(case: str) -> None:
    """Worked out from the paths alone: a bar named a/b holds the rows at or below a/b, the last what is in no other."""
    network, _, which = case.partition(", ")
    rows = costcalc.count(network).to_dict()["rows"]
    made = picture(f"layers, {which}" if which else f"layers {network}")
    result = costcalc.count(network)
    fold, top = (9, None) if which == "all" else (None, 9 if which == "top" else None)
    names = [bar.name for bar in bars.bars(result, result.metrics(), fold, top)[0]]
    left = {row["name"] for row in rows}
    for place, name in enumerate(names):
        mine = {row for row in left if f"{row}/".startswith(f"{name}/")}
        mine = mine or {row for row in left if not name.endswith("others") and row.startswith(name)} or {*left}
        left -= mine
        for axes, quantity in zip(made.axes, ("params", "operations"), strict=True):
            parts = sorted(drawn_bars(axes).get(place, []))
            cost = sum(row[quantity] for row in rows if row["name"] in mine)
            assert sum(width for _, width in parts) == pytest.approx(cost), name
            ends = itertools.accumulate((width for _, width in parts), initial=0)
            assert [start for start, _ in parts] == pytest.approx(list(ends)[:-1], abs=1e-3)
    assert not any(row["params"] or row["operations"] for row in rows if row["name"] in left)


def test_bars_bear_the_names_of_blocks_and_shares_of_the_whole() -> None:
    axes = picture("layers resnet50").axes[1]
    names = [label.get_text() for label in picture("layers resnet50").axes[0].get_yticklabels()]
    assert (names[0], names[-1], len(names)) == ("conv", "fc", 18)
    shares = {round(text.xy[1]): text.get_text() for text in axes.texts}  # type: ignore[attr-defined]
    assert shares[0] == f"{100 * 118_013_952 / 4_089_184_256:.1f} %"  # 112^2 * 7^2 * 3 * 64 of all MACs
    assert "4.089 G" in axes.get_xlabel()


def test_what_is_unknown_is_a_question_mark_and_what_is_global_a_word() -> None:
    said = [text.get_text() for text in picture("layers, unknown").axes[0].texts]
    assert said == ["194.4 K", "?", "64.80 K"]  # 30^2 * 27 * 8, 30^2 * 8 * 9
    vgg = plots.layers("mobilenet_v3_small", of="receptive_field")
    assert "global" in {text.get_text() for text in vgg.axes[0].texts}


# Howard et al. 2017, arXiv:1704.04861, Table 2: share of mult-adds and parameters in per cent.
MOBILENET = {
    "convolution": (0.02, 1.91), "pointwise": (74.59, 94.86), "depthwise": (1.06, 3.06),
    "fully connected": (24.33, 0.18),
}  # fmt: skip


def test_types_are_the_shares_of_the_mobilenet_paper() -> None:
    made = plots.types("mobilenet_v1", convention="weights")
    assert [text.get_text() for text in made.legends[0].get_texts()] == [*MOBILENET]
    for number, axes in enumerate(made.axes):
        for container in axes.containers:
            share = MOBILENET[container.get_label()][number]
            assert container[0].get_width() == pytest.approx(share, abs=0.06)  # 94.86 is misprinted
        assert sum(c[0].get_width() for c in axes.containers) == pytest.approx(100)


def test_what_cannot_be_seen_has_no_entry_in_a_legend_and_nothing_is_lost() -> None:
    made = plots.types("mobilenet_v3_large", "nasnet_a_mobile", "shufflenet_v1_g3", "alexnet", "vgg16")
    for axes in made.axes:
        for parts in drawn_bars(axes).values():
            assert sum(width for _, width in parts) == pytest.approx(100)
    (legend,) = made.legends
    for text in legend.get_texts():
        shares = [c for axes in made.axes for c in axes.containers if c.get_label() == text.get_text()]
        assert max(bar.get_width() for container in shares for bar in container) > 0.2


def test_one_colour_a_layer_type_in_every_picture() -> None:
    seen: dict[str, set[str]] = {}
    for name in ("layers mobilenet_v1", "types", "memory", "diff", "roofline, card"):
        for text, handle in zip(*_legend(picture(name)), strict=True):
            if text.get_text() in COLOURS:
                colour = to_hex(
                    handle.get_facecolor()[0] if len(handle.get_facecolor()) == 1 else handle.get_facecolor()
                )
                seen.setdefault(text.get_text(), set()).add(colour)
    assert len(seen) >= 5
    assert seen == {name: {COLOURS[name][0]} for name in seen}


def _legend(made: Figure) -> tuple[Any, Any]:
    (legend,) = made.legends
    return legend.get_texts(), legend.legend_handles


# ---- memory over time, fields, fronts, waterfalls -----------------------------------------------------


def test_bands_are_what_is_alive_and_their_sum_what_memory_says() -> None:
    made = picture("memory, slide")
    heights: dict[int, float] = {}
    for bar in made.axes[0].patches:
        heights[int(bar.get_x())] = heights.get(int(bar.get_x()), 0) + bar.get_height()  # type: ignore[attr-defined]
    rows = costcalc.count("unet").metric("peak_memory").rows
    assert [heights[k] for k in range(len(rows))] == pytest.approx(rows)
    assert "decode4/concat" in [text.get_text() for text in made.axes[0].texts]


def test_the_budget_and_patches_are_lines() -> None:
    axes = picture("memory").axes[0]
    (patches,) = [one for one in axes.patches if type(one).__name__ == "StepPatch"]
    found = costcalc.count("mobilenet_v2").metric("peak_memory", **PATCHES)
    assert list(patches.get_data().values) == found.rows  # type: ignore[attr-defined]
    assert 512 * 1024 in [line.get_ydata()[0] for line in axes.lines]  # type: ignore[index]


def test_the_field_is_the_receptive_field() -> None:
    """Araujo et al. 2019, Table: of ResNet-50 483 pixels with stride in the 3x3, 427 as PyTorch's before its last."""
    line = picture("field").axes[0].lines[0]
    assert list(line.get_ydata())[-1] == costcalc.count("resnet50").metric("receptive_field").total  # type: ignore[arg-type]
    width, height = picture("field").axes[1].patches[0].get_width(), picture("field").axes[1].patches[0].get_height()  # type: ignore[attr-defined]
    assert (width, height) == (224, 224)


def test_a_front_is_what_no_other_beats() -> None:
    made = plots.pareto(measured(), "macs,-top1")
    (points_,) = [part for part in made.axes[0].collections if len(part.get_offsets())]  # type: ignore[arg-type]
    assert len(points_.get_offsets()) == len(TOP1)  # type: ignore[arg-type]
    assert {text.get_text() for text in made.axes[0].texts} >= {
        "width 0.5, resolution 224",
        "width 1.0, resolution 160",
    }
    worse = measured().assign(top1=50.0)
    left = plots.pareto(worse, "macs,-top1")
    assert [text.get_text().replace("\n", ", ") for text in left.axes[0].texts] == ["width 0.25, resolution 128"]


def test_a_csv_of_accuracies_stands_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("width,top1\n0.5,63.7\n1,70.6\n", encoding="utf-8")
    table = plots.joined(swept("mobilenet_v1"), str(tmp_path / "a.csv"))
    assert table["top1"].fillna(0).tolist() == [0, 63.7, 0, 70.6]
    for text, said in [
        ("width\n1\n", "needs a column of a knob and one that is new"),
        ("width,top1\n1,2\n1,3\n", "has the setting width 1 twice"),
        ("", "cannot be read as a CSV"),
    ]:
        (tmp_path / "b.csv").write_text(text, encoding="utf-8")
        with pytest.raises(SpecError, match=said):
            plots.joined(swept("mobilenet_v1"), str(tmp_path / "b.csv"))


@pytest.mark.parametrize("name", ["diff", "whatif", "diff, slide"])
def test_a_waterfall_ends_where_the_other_network_begins(name: str) -> None:
    """Each bar begins where the one before ended, and all together lead from the first total to the last."""
    for axes in picture(name).axes:
        found = sorted(
            (round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width())  # type: ignore[attr-defined]
            for bar in axes.patches
        )
        (_, _, level), *steps, (_, _, last) = found
        for _, start, length in steps:
            level = (
                start if level == pytest.approx(start + length) and level != pytest.approx(start) else start + length
            )
        assert level == pytest.approx(last)


# Top-1 as printed, and the million MACs and parameters printed beside it: MobileNet Table 6, MobileNetV2 Table 4,
# ShuffleNet Table 5, EfficientNet Table 2. Where ours is another the point stands at the printed one: ours are
# 582.2 and 6.1 of MobileNetV2 at width 1.4, and 21.6 of a ShuffleNet of half the units whose widths are not known.
PRINTED = [
    ("mobilenet_v1 width 0.5", 63.7, 149, 1.3),
    ("mobilenet_v1", 70.6, 569, 4.2),
    ("mobilenet_v2", 72.0, 301, 3.5),
    ("mobilenet_v2 width 1.4", 74.7, 585, 6.9),
    ("shufflenet_v1_g3_shallow width 0.5", 57.2, 40, None),
    ("darts_v1", 73.1, 595, 4.9),
    ("shufflenet_v1_g3 width 1.5", 71.5, 292, None),
    ("efficientnet_b0", 77.1, 386, 5.3),
]


@pytest.mark.parametrize(("network", "top1", "macs", "params"), PRINTED)
def test_points_are_the_published_ones(network: str, top1: float, macs: int, params: float | None) -> None:
    (point,) = [p for p in points.published() if p.network == network]
    assert (point.top1, round(point.operations / 1e6)) == (top1, macs)
    assert params is None or round(point.params / 1e6, 1) == params
    for axes, cost in zip(picture("accuracy").axes, (point.operations, point.params), strict=True):
        drawn = [tuple(at) for part in axes.collections for at in part.get_offsets()]
        assert ((cost, top1) in drawn) is (cost is not None)


def test_every_network_with_a_published_accuracy_is_a_point() -> None:
    rows = {
        (spec.where, row.get("variant"), repr(row.get("knobs")))
        for spec in zoo.specs()
        for row, _ in published(spec)
        if "top1" in row
        and {**spec.knobs, **spec.variants.get(row.get("variant"), {}), **(row.get("knobs") or {})}["classes"] == 1000
    }
    found = points.published()
    assert len(found) == len(rows)
    for axes, cost in zip(picture("accuracy").axes, points.COSTS, strict=True):
        drawn = [tuple(at) for part in axes.collections for at in part.get_offsets()]
        placed = [point for point in found if getattr(point, cost) is not None]
        marked = [point for point in placed if point.marks[cost]]
        assert len(drawn) == len(placed) + len(marked)  # a mark lies on its point
        assert {drawn.count((float(getattr(p, cost)), p.top1)) >= 2 for p in marked} == {True}
    # What is printed of IGCV3's MACs counts ReLUs too; of the others no params are printed, but MACs that are not ours.
    assert [p.network for p in found if p.operations is None] == ["igcv3_d width 1.4"]
    assert [p.network for p in found if p.params is None] == ["inception_v3", *SHALLOW]


SHALLOW = ["shufflenet_v1_g3_shallow width 0.5"]


@pytest.mark.parametrize("cost", points.COSTS)
def test_what_is_not_reproduced_leads_no_picture(cost: str) -> None:
    """At our 21.6 M it would be on the front, and at our 505.9 M DARTS on that of FE-Net's table."""
    names = [point.network for point in points.front(points.published(), cost)]
    assert not {*SHALLOW, "darts_v1", "darts_v2", "inception_v2", "googlenet_caffe"} & {*names}
    darts = points.front(points.published(["1903.05285"]), cost)
    assert "darts_v1" not in [point.network for point in darts]


@pytest.mark.parametrize("cost", points.COSTS)
def test_the_front_is_what_nothing_beats(cost: str) -> None:
    found = points.published()
    best = points.front(found, cost)
    found = [p for p in found if getattr(p, cost) is not None]

    def beaten(p: points.Point) -> bool:
        mine = getattr(p, cost), -p.top1
        theirs = [(getattr(q, cost), -q.top1) for q in found]
        return any(a <= mine[0] and b <= mine[1] and (a, b) != mine for a, b in theirs)

    # Two networks may be equal in both; one of them is enough.
    assert {(getattr(p, cost), p.top1) for p in best} == {(getattr(p, cost), p.top1) for p in found if not beaten(p)}


@pytest.mark.parametrize("name", ["accuracy", "accuracy, mobile"])
def test_names_hide_no_point(name: str) -> None:
    made = picture(name)
    for axes in made.axes:
        names = [(t.get_text(), t.get_window_extent()) for t in axes.texts]
        assert len(names) >= 12
        for part in axes.collections:
            for at in axes.transData.transform(part.get_offsets()):
                for text, box in names:
                    assert not (box.x0 <= at[0] <= box.x1 and box.y0 <= at[1] <= box.y1), text


@pytest.mark.parametrize("seed", range(5))
def test_names_are_placed_apart_wherever_the_points_are(seed: int) -> None:
    rng = random.Random(seed)
    made = style.figure((4, 3), 0)
    axes = made.subplots()
    places = [(rng.random(), rng.random() ** 2) for _ in range(40)]
    axes.scatter(*zip(*places, strict=True), s=20)
    made.draw_without_rendering()
    made.set_layout_engine("none")
    sheet = labels.Sheet(axes, places)
    written = sum(sheet.write("name" * rng.randint(1, 4), place) for place in places)
    assert 5 <= written == len(axes.texts)
    found = [text.get_window_extent() for text in axes.texts]
    for a, b in itertools.combinations(found, 2):
        assert a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0


def test_curves_are_the_counts() -> None:
    for axes, total in zip(picture("curves").axes, ("params", "macs"), strict=True):
        for line, name in zip(axes.lines, ("mobilenet_v1", "mobilenet_v2", "resnet18"), strict=True):
            assert list(line.get_xdata()) == WIDTHS
            assert list(line.get_ydata()) == [getattr(costcalc.count(name, width=w), total) for w in WIDTHS]


def test_a_map_is_the_counts_and_its_lines_are_of_equal_cost() -> None:
    axes, bar = picture("map").axes
    mesh, lines_ = axes.collections
    drawn = mesh.get_array()
    for (i, size), (j, width) in itertools.product(enumerate(SIZES), enumerate(WIDTHS)):
        assert drawn[i, j] == costcalc.count("mobilenet_v1", width=width, resolution=size).macs
    assert list(lines_.levels) == [2e7, 5e7, 1e8, 2e8, 5e8]
    assert list(bar.get_yticks()) == list(lines_.levels)
    for level, path in zip(lines_.levels, lines_.get_paths(), strict=True):
        # Where a line crosses the grid it is exact; the ends of its label's gap lie between.
        crossings = [(x, y) for x, y in path.vertices if x in WIDTHS or y in SIZES]
        assert crossings
        for x, y in crossings:
            assert between(drawn, x, y) == pytest.approx(level, rel=1e-6)


def between(values: Any, x: float, y: float) -> float:
    """Return the bilinear value of the grid at a place."""
    j, i = min(int(np.searchsorted(WIDTHS, x)), 3) or 1, min(int(np.searchsorted(SIZES, y)), 3) or 1
    u, v = (x - WIDTHS[j - 1]) / (WIDTHS[j] - WIDTHS[j - 1]), (y - SIZES[i - 1]) / (SIZES[i] - SIZES[i - 1])
    upper = values[i, j - 1] * (1 - u) + values[i, j] * u
    lower = values[i - 1, j - 1] * (1 - u) + values[i - 1, j] * u
    return float(lower * (1 - v) + upper * v)


LEVELS = [
    (1e6, 1e8, [2e6, 5e6, 1e7, 2e7, 5e7]),
    (1.3e7, 5.7e8, [2e7, 5e7, 1e8, 2e8, 5e8]),
    (4e6, 8e6, [4.5e6, 5e6, 6e6, 7e6]),
    (1000, 1010, [1002, 1004, 1006, 1008]),
]


@pytest.mark.parametrize(("low", "high", "expected"), LEVELS)
def test_lines_of_a_map_are_at_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert curves.levels(low, high) == pytest.approx(expected)


# Ronneberger et al. 2015, arXiv:1505.04597, Figure 1: the tiles' sizes and channels on the way down and up.
UNET = [
    (1, 572), (64, 570), (64, 568), (64, 284), (128, 282), (128, 280), (128, 140), (256, 138), (256, 136), (256, 68),
    (512, 66), (512, 64), (512, 32), (1024, 30), (1024, 28), (512, 56), (1024, 56), (512, 54), (512, 52), (256, 104),
    (512, 104), (256, 102), (256, 100), (128, 200), (256, 200), (128, 198), (128, 196), (64, 392), (128, 392),
    (64, 390), (64, 388), (2, 388),
]  # fmt: skip


def test_the_line_of_shapes_is_the_way_of_the_u_net_paper() -> None:
    upper, lower = picture("shapes unet").axes
    drawn = list(zip(lower.lines[0].get_ydata(), upper.lines[0].get_ydata(), strict=True))
    assert [pair for pair, _ in itertools.groupby(drawn)] == UNET


def test_branches_are_dots_beside_the_line() -> None:
    found = sizes.stops(costcalc.count("googlenet"))
    # Szegedy et al. 2014, Table 1: inception 3a has 64, 96 to 128, 16 to 32, and 32 channels, 256 together.
    branch = {stop.channels for stop in found if not stop.on_path and 5 < stop.depth < 9}
    assert {64, 32, 16} <= branch | {stop.channels for stop in found if stop.on_path}
    assert max(stop.depth for stop in found) == max(stop.depth for stop in found if stop.on_path)
    depths = [stop.depth for stop in found if stop.on_path]
    assert depths == list(range(len(depths)))


def test_axes_that_differ_have_a_line_each() -> None:
    made = plots.shapes(
        {"costcalc": 1, "input": [3, 32, 64], "layers": [{"conv": {"out": 8, "kernel": 3, "stride": 2}}]}
    )
    height, width = (list(line.get_ydata()) for line in made.axes[0].lines)
    assert (height, width) == ([32, 15], [64, 31])
    assert [tick.get_text() for tick in made.axes[0].get_yticklabels()] == ["64", "32", "15"]  # 31 would touch 32


# ---- files, and the command line -------------------------------------------------------------------------


def valid(path: Path) -> bool:
    """Say whether a file is what its suffix says."""
    if path.suffix == ".png":
        image = imread(path)
        return image.shape[0] > 100 and image.shape[1] > 100 and bool(image.min() < 0.2 and image.max() == 1)
    if path.suffix == ".svg":
        return ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    data = path.read_bytes()
    return data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")


COMMANDS = [
    ["accuracy", "shufflenet", "--max-macs", "1G"],
    ["layers", "mobilenet_v1", "--width", "0.5", "--fold", "1"],
    ["types", "mobilenet_v1@width=0.5", "vgg16", "--convention", "lecture"],
    ["sweep", "mobilenet_v1", "--width", "0.25:1:0.25"],
    ["sweep", "mobilenet_v1", "--width", "0.25:1:0.25", "--resolution", "128:224:32", "--of", "params"],
    ["shapes", "alexnet", "--input", "3x256x256", "--figure", "6x3.5"],
    ["layers", "alexnet", "--of", "bytes,peak_memory", "--bits", "8", "--top", "3", "--figure", "column"],
    ["memory", "alexnet", "--bits", "8", "--max-peak-memory", "1MiB", "--figure", "slide"],
    ["field", "alexnet", "--figure", "page"],
    ["pareto", "mobilenet_v1", "--width", "0.25:1:0.25", "--of", "peak_memory,-macs", "--bits", "8"],
    ["diff", "alexnet", "alexnet_grouped", "--top", "3"],
    ["whatif", "alexnet", "--depthwise-separable", "conv 3x3"],
]


@pytest.mark.parametrize("suffix", style.SUFFIXES)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_files_are_valid_and_the_same_each_time(words: list[str], suffix: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.{suffix}" for name in ("one", "two")]
    for path in paths:
        found = CliRunner().invoke(command.command, [*words, "-o", str(path)], catch_exceptions=False)
        assert (found.exit_code, found.output) == (0, "")
        assert valid(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


REFUSED = [
    (["layers", "alexnet", "-o", "a.gif"], "a.gif: a picture is .png, .svg, .pdf"),
    (["layers", "alexnet", "-o", "a"], "a: a picture is"),
    (["layers", "alexnet", "-o", "no/folder/a.png"], "no/folder/a.png cannot be written"),
    (["layers", "alexnet", "--figure", "6", "-o", "a.png"], "'6' is no size of a picture"),
    (["layers", "alexnet", "--figure", "600x600", "-o", "a.png"], "is no size of a picture"),
    (["layers", "alexnet", "--figure", "60x60", "--dpi", "1200", "-o", "a.png"], "more than 20,000 pixels a side"),
    (["layers", "alexnet", "--widht", "2", "-o", "a.png"], "has no knob 'widht'"),
    (["types", "alexnet", "--convention", "flop", "-o", "a.png"], "did you mean 'flops'?"),
    (["accuracy", "nothing", "-o", "a.png"], "no network of the zoo with a published accuracy is left"),
    (["accuracy", "--max-macs", "0", "-o", "a.png"], "no network of the zoo with a published accuracy is left"),
    (["accuracy", "--max-macs", "few", "-o", "a.png"], "'few' is no budget of macs"),
    (["sweep", "mobilenet_v1", "-o", "a.png"], "there is nothing to sweep over"),
    (["sweep", "mobilenet_v1", "--width", "1", "-o", "a.png"], "no knob has several values"),
    (["sweep", "alexnet", "resnet18", "--width", "0.5,1", "--resolution", "160,224", "-o", "a.png"], "of several"),
    (["layers", "alexnet", "--figure", "poster", "-o", "a.png"], "column, slide, or inches"),
    (["layers", "alexnet", "--of", "macks", "-o", "a.png"], "there is no metric 'macks'"),
    (["layers", "alexnet", "--of", "params,macs,bytes,traffic,activations", "-o", "a.png"], "at most 4 metrics, not 5"),
    (["layers", "alexnet", "--bits", "8", "-o", "a.png"], "is about metrics"),
    (["types", "alexnet", "--of", "peak_memory", "-o", "a.png"], "is no sum over layers"),
    (["memory", "alexnet", "--mode", "eager", "--order", "best", "-o", "a.png"], "the order of its code"),
    (["pareto", "mobilenet_v1", "--width", "0.5,1", "--of", "macs", "-o", "a.png"], "of two columns, not 1"),
    (["pareto", "mobilenet_v1", "--width", "0.5,1", "--of", "macs,-top1", "-o", "a.png"], "has no column 'top1'"),
    (["diff", "alexnet", "alexnet", "-o", "a.png"], "have the same layers"),
    (["sweep", "resnet18", "--width", "0.5:9:0.001", "--resolution", "32:224:1", "-o", "a.png"], "more than a picture"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_mistakes_are_told(words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(command.command, words)
    assert isinstance(found.exception, SpecError)
    assert message in str(found.exception)
    assert not os.listdir(tmp_path)


def test_a_png_has_the_size_and_dots_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    words = ["layers", "alexnet", "--figure", "5x4", "--dpi", "60", "-o", str(path)]
    CliRunner().invoke(command.command, words, catch_exceptions=False)
    assert imread(path).shape[:2] == (240, 300)


def test_a_notebook_shows_a_figure_at_a_hundred_dots_an_inch() -> None:
    shown = plots.layers("alexnet", size=(5, 4))._repr_png_()
    assert imread(BytesIO(shown)).shape[:2] == (400, 500)


def test_settings_that_make_no_grid_and_other_tables_are_refused() -> None:
    zipped = costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], resolution=[160, 224], zip=True)
    with pytest.raises(SpecError, match="make no grid"):
        plots.sweep(zipped)
    with pytest.raises(SpecError, match="no table of a sweep"):
        plots.sweep(costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], per="type"))
    with pytest.raises(SpecError, match="shows no 'bytes'"):
        plots.sweep(swept("mobilenet_v1"), of="bytes")
    with pytest.raises(SpecError, match="nothing to draw"):
        plots.layers({"costcalc": 1, "input": [3, 8, 8], "layers": ["relu"]})
    with pytest.raises(SpecError, match="unknown macs, and shares would hide them"):
        plots.types(UNKNOWN)
    with pytest.raises(SpecError, match="no network to draw"):
        plots.types()


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SpecError, match=r"pip install 'costcalc\[plot\]'"):
        plots.layers("alexnet")


def test_a_picture_leaves_the_users_settings_alone_and_they_leave_it() -> None:
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 20, "hatch.linewidth": 3, "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        made = plots.layers("alexnet")
        assert dict(mpl.rcParams) == before
    assert made.axes[0].xaxis.label.get_fontsize() == style.FONT
    assert made.axes[0].get_facecolor() == (1, 1, 1, 1)


@pytest.mark.parametrize("kind", ["layers", "shapes", "types"])
def test_a_dollar_in_a_name_is_a_dollar(kind: str, tmp_path: Path, run: Any) -> None:
    """matplotlib takes text between two of them as mathematics, and raises where it is none."""
    pytest.importorskip("matplotlib")
    head = "costcalc: 1\nname: 'a $\\frac{1$ b'\ninput: [3, 8, 8]\n"
    layers = "layers:\n  - {conv: {out: 4, kernel: 1}, name: 'l$\\foo$'}\n"
    (tmp_path / "a.yaml").write_text(head + layers, encoding="utf-8")
    done = run("plot", kind, str(tmp_path / "a.yaml"), "-o", str(tmp_path / "a.svg"))
    assert (done.code, done.err) == (0, "")


def test_a_network_whose_name_is_too_long_is_called_by_its_variant() -> None:
    pytest.importorskip("matplotlib")
    made = costcalc.plots.types("mobilenet_v1", "shufflenet_v1_g3@width=2")
    assert [label.get_text() for label in made.axes[0].get_yticklabels()] == [
        "MobileNetV1",
        "ShuffleNet v1 (shufflenet_v1_g3)\nwidth=2",
    ]


def test_a_long_name_has_a_third_of_the_picture_and_letters_of_no_font_are_told_in_a_line(
    tmp_path: Path, run: Any
) -> None:
    pytest.importorskip("matplotlib")
    long = "卷积层" * 30
    text = f"costcalc: 1\nname: letters\ninput: [3, 8, 8]\nlayers:\n  - conv: {{out: 8, kernel: 3}}\n    name: {long}\n"
    (tmp_path / "letters.yaml").write_text(text, encoding="utf-8")
    done = run("plot", "layers", "letters.yaml", "-o", "letters.png", folder=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert done.err in ("", "note: no font here has some letters of the names: boxes are drawn for them\n")
    with warnings.catch_warnings(action="ignore"):  # as matplotlib says it, of every letter
        made = costcalc.plots.layers(str(tmp_path / "letters.yaml"))
    (name,) = [label.get_text() for label in made.axes[0].get_yticklabels()]
    assert name.startswith("…")
    assert name.endswith("卷积层")
    assert 2 * len(name) <= made.get_figwidth() * 72 / 7 / 0.56 / 3 + 2


# ---- search spaces ----------------------------------------------------------------------------------


def test_a_space_is_drawn_as_it_is_counted() -> None:
    """Of NAS-Bench-201's 15,625 networks 7,984 have at most 50 M MACs, as many as brute force finds."""
    made = plots.space(costcalc.space("nas_bench_201"), costcalc.space("spos"), budgets=[50e6])
    shares, running = made.axes
    (line, other), (steps, *_) = running.lines[:2], [p for p in shares.patches if hasattr(p, "get_data")]
    assert line.get_label() == "NAS-Bench-201: 51.1 % ≤ 50 M"
    assert other.get_label() == "Single Path One-Shot: 0 % ≤ 50 M"
    assert line.get_ydata()[-1] == pytest.approx(100)
    assert steps.get_data().values.sum() == pytest.approx(100)


def test_a_space_that_is_not_asked_for_what_is_drawn() -> None:
    with pytest.raises(SpecError, match="was not asked for 'bytes'"):
        plots.space(costcalc.space("nas_bench_201"), of="bytes")
