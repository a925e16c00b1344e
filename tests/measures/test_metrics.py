"""Metrics: columns, totals, budgets, sweeps and searches of any of them; products on real pixels by brute force."""

from __future__ import annotations

import csv
import io
import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.measures import metric
from costcalc.measures.metric import OPTIONS, Setup, find, metrics
from costcalc.numbers import num
from costcalc.sweeps import engine

# c1: 8·(3·9 + 1) = 224 params, 64·216 = 13,824 MACs; c2 depthwise, stride 2: 8·10 = 80, 16·72 = 1,152; fc: 8·10 + 10.
SPEC = """\
costcalc: 1
name: tiny
knobs: {width: 1, resolution: 8}
input: [3, resolution, resolution]
layers:
  - {conv: {out: 8 * width, kernel: 3, padding: 1}, bits: 4, density: 0.5}
  - relu
  - dwconv: {kernel: 3, stride: 2, padding: 1}
  - global_avg_pool
  - fc: {out: 10}
"""
# By hand, for one image at 32 bits. Real pixels of a 3x3 with padding 1: over 8 pixels 22 of 24 taps, with
# stride 2 at 4 outputs 11 of 12. c1's kernel: 216 · 4 bits, half of it, and 8 biases of 32 bits: 86 bytes.
TOTALS: dict[str, Any] = {
    "params": 224 + 80 + 90,
    "macs": 13824 + 1152 + 80,
    "real_macs": 8 * 3 * 22 * 22 + 8 * 11 * 11 + 80,
    "elementwise": (512) + 512 + (128) + (15 * 8 + 8) + (10),
    "activations": 512 + 128 + 10,
    "activation_bytes": 4 * (512 + 512 + 128 + 8 + 10),
    "bytes": (216 * 4 // 2 + 8 * 32 + 80 * 32 + 90 * 32) // 8,
    "traffic": 4 * (192 + 512 + 512 + 512 + 512 + 128 + 128 + 8 + 8 + 10) + 86 + 320 + 360,
}
TOTALS["intensity"] = Fraction(TOTALS["macs"], TOTALS["traffic"])
BYTES_8 = (216 * 4 // 2 + 8 * 32 + 72 * 8 + 8 * 32 + 80 * 8 + 10 * 32) // 8  # with 8 bits where none are stated


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Run:
    (tmp_path / "tiny.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture
def tiny() -> costcalc.Result:
    return costcalc.count(costcalc.load({**__import__("yaml").safe_load(SPEC)}))


# ---- what each counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_those_computed_by_hand(name: str, tiny: costcalc.Result) -> None:
    assert tiny.metric(name).total == TOTALS[name]


def test_options_change_what_they_are_about(tiny: costcalc.Result) -> None:
    assert tiny.metric("bytes", bits=8).total == BYTES_8
    assert tiny.metric("bytes", bits=16, weight_bits=8).total == BYTES_8
    assert tiny.metric("activation_bytes", bits=8).total == TOTALS["activation_bytes"] // 4
    assert tiny.metric("activation_bytes", bits=4, batch=3).total == 3 * TOTALS["activation_bytes"] // 8
    assert tiny.metric("macs", batch=2).total == 2 * TOTALS["macs"]
    assert tiny.metric("params", batch=2).total == TOTALS["params"]


@pytest.mark.parametrize("name", sorted(metrics()))
@pytest.mark.parametrize("network", ["mobilenet_v2", "squeezenet1_0"])
def test_every_metric_has_a_value_a_row_and_says_what_it_is(name: str, network: str) -> None:
    result = costcalc.count(network, resolution=64)
    one = result.metric(name, **metrics()[name].needs)
    assert len(one.rows) == len(result.rows)
    assert one.unit
    assert one.metric.doc.endswith(".")
    assert one.metric.title
    assert set(one.metric.uses) <= set(OPTIONS)
    json.dumps(one.to_dict())


# ---- products on real pixels ---------------------------------------------------------------------------


def taps(n: int, out: int, k: int, s: int, before: int, d: int) -> int:
    return sum(0 <= o * s + t * d - before < n for o in range(out) for t in range(k))


AXES = list(itertools.product((1, 2, 5, 7, 8), (1, 2, 3, 4, 7), (1, 2, 3), (0, 1, 2, 5), (1, 2, 3)))


def test_real_taps_are_those_counted_one_by_one() -> None:
    tried = 0
    for n, k, s, pad, d in AXES:
        out = num.out_len(n, d * (k - 1) + 1, s, pad, pad)
        if out > 0:
            tried += 1
            assert num.real_taps(n, out, k, s, pad, d) == taps(n, out, k, s, pad, d), (n, k, s, pad, d)
    assert tried > 500


def real(item: dict[str, Any], shape: list[int]) -> int:
    """Count by brute force in PyTorch: ones convolved with ones count the taps on real pixels."""
    torch = pytest.importorskip("torch")
    spec = {"costcalc": 1, "input": shape, "layers": [item]}
    node = costcalc.count(spec).graph.nodes[0]
    module = node.op.torch(torch, node.x, node.y)
    with torch.no_grad():
        for weight in module.parameters():
            weight.fill_(1.0)
        return int(module(torch.ones(1, *shape)).sum().item())


WINDOWS: list[tuple[dict[str, Any], list[int]]] = [
    ({"conv": {"out": 1, "kernel": 3, "padding": 1}}, [1, 7, 7]),
    ({"conv": {"out": 4, "kernel": [3, 5], "padding": [1, 2], "stride": [2, 1], "groups": 2}}, [6, 9, 7]),
    ({"conv": {"out": 2, "kernel": 3, "padding": "same", "stride": 2}}, [2, 8, 7]),
    ({"conv": {"out": 2, "kernel": 4, "padding": "same", "stride": 1}}, [2, 6, 5]),
    ({"conv": {"out": 2, "kernel": 3, "padding": [0, 3, 2, 1], "dilation": 2}}, [2, 9, 8]),
    ({"conv": {"out": 2, "kernel": 5, "padding": 2, "stride": 3}}, [3, 11]),
    ({"dwconv": {"kernel": 3, "padding": "half", "stride": 2, "multiplier": 2}}, [3, 7, 8]),
    ({"conv_transpose": {"out": 3, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1}}, [4, 5, 6]),
    ({"conv_transpose": {"out": 2, "kernel": 4, "stride": 2, "padding": [1, 0, 2, 1], "groups": 2}}, [4, 5, 6]),
]


@pytest.mark.parametrize(("item", "shape"), WINDOWS)
def test_real_macs_are_those_of_ones_convolved(item: dict[str, Any], shape: list[int]) -> None:
    (kind,) = item
    item = {kind: {**item[kind], "bias": False}}
    result = costcalc.count({"costcalc": 1, "input": shape, "layers": [item]})
    assert result.metric("real_macs").total == real(item, shape)


def test_a_3x3_kernel_at_7x7_does_361_of_441_products() -> None:
    result = costcalc.count(
        {"costcalc": 1, "input": [1, 7, 7], "layers": [{"conv": {"out": 1, "kernel": 3, "padding": 1}}]}
    )
    assert (result.macs, result.metric("real_macs").total) == (441, 361)


# ---- where they show -----------------------------------------------------------------------------------


def test_columns_in_every_format(run: Run) -> None:
    words = ("report", "tiny.yaml", "--columns", "macs,real_macs,bytes,intensity", "--format")
    code, out, _ = run(*words, "json")
    data = json.loads(out)
    assert (code, [one["total"] for one in data["metrics"][:3]]) == (
        0,
        [TOTALS[n] for n in ("macs", "real_macs", "bytes")],
    )
    assert sum(row["metrics"]["real_macs"] for row in data["rows"]) == TOTALS["real_macs"]
    rows = list(csv.DictReader(io.StringIO(run(*words, "csv")[1])))
    assert sum(int(row["real_macs"]) for row in rows) == TOTALS["real_macs"]
    assert f"{TOTALS['real_macs']:,} MACs" in run(*words, "table")[1]
    assert "real MACs" in run(*words, "markdown")[1]
    assert "real MACs" in run(*words, "latex")[1]


@pytest.mark.parametrize("by", ["layer", "row", "type", "block"])
def test_lines_of_several_rows_sum_or_as_the_metric_says(by: str, run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(
        "report", "tiny.yaml", "--columns", "real_macs,intensity", "--by", by, "--format", "csv")[1])))  # fmt: skip
    assert sum(int(row["real_macs"]) for row in rows) == TOTALS["real_macs"]
    assert all(float(row["intensity"]) >= 0 for row in rows)


def test_padding_aware_stands_beside_the_macs(run: Run) -> None:
    out = run("report", "tiny.yaml", "--padding-aware", "--exact")[1]
    assert f"{TOTALS['macs']:,}" in out
    assert f"{TOTALS['real_macs']:,}" in out


def test_a_data_frame_has_the_columns_exact(tiny: costcalc.Result) -> None:
    table = tiny.to_pandas(columns="macs,traffic", bits=8)
    assert table["macs"].sum() == TOTALS["macs"]
    assert table.attrs["totals"]["traffic"] == tiny.metric("traffic", bits=8).total


def test_the_list_names_every_metric_and_option(run: Run) -> None:
    out = run("metrics")[1]
    assert all(f"\n{name} (" in f"\n{out}" for name in metrics())
    assert all(f"--{name.replace('_', '-')}" in out for name in OPTIONS)
    assert [record["name"] for record in json.loads(run("metrics", "--format", "json")[1])] == list(metrics())


REFUSED = [
    (("report", "tiny.yaml", "--columns", "real_mac"), "did you mean 'real_macs'"),
    (("report", "tiny.yaml", "--columns", "a,b"), "there is no metric 'b'"),
    (("report", "tiny.yaml", "--bits", "8"), "--bits is about metrics"),
    (("report", "tiny.yaml", "--columns", "bytes", "--bits", "0"), "a whole number from 1 to 64"),
    (("report", "tiny.yaml", "--columns", "bytes", "--bars"), "use one of them"),
    (("check", "tiny.yaml", "--max", "bytes"), "write METRIC=N"),
    (("check", "tiny.yaml", "--max", "byte=5"), "did you mean 'bytes'"),
    (("check", "tiny.yaml", "--max", "bytes=x"), "is no budget of bytes"),
    (("sweep", "tiny.yaml", "--width", "1,2", "--columns", "intensity", "--per", "layer"), "no other metric"),
    (("check", "mobilenet_v3_large", "--max", "receptive_field=300"), "receptive_field is global"),
    (("sweep", "mobilenet_v3_large", "--width", "1", "--columns", "receptive_field"), "receptive_field is 'global'"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=lambda w: " ".join(w) if isinstance(w, tuple) else "")
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str, run: Run) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_setup_knows_its_options() -> None:
    with pytest.raises(costcalc.SpecError, match="did you mean 'bits'"):
        Setup(bit=8)
    with pytest.raises(AttributeError):
        Setup().bits = 8
    assert Setup(bits=8) == Setup(bits=8, batch=1) != Setup(bits=16)


# ---- sweeps, comparisons, budgets, searches ------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(name for name, one in metrics().items() if one.kind != "text"))
def test_a_sweep_gives_what_each_setting_gives(name: str) -> None:
    needs = metrics()[name].needs
    grid = {"width": [0.25, 0.5, 1.0], "resolution": [96, 128]}
    table = costcalc.sweep("mobilenet_v2", columns=[name], options=needs, **grid)
    assert list(table.columns) == ["width", "resolution", name]
    for row in table.itertuples():
        alone = costcalc.count("mobilenet_v2", width=row.width, resolution=row.resolution).metric(name, **needs)
        assert row[3] == metric.plain(alone.total)


def test_metrics_narrow_a_sweep(run: Run) -> None:
    out = run("sweep", "tiny.yaml", "--width", "1:8:1", "--columns", "bytes,macs", "--where", "bytes < 2K",
              "--format", "json")[1]  # fmt: skip
    rows = json.loads(out)
    assert rows
    assert all(row["bytes"] < 2000 for row in rows)
    best = costcalc.sweep(
        "mobilenet_v1", width=[0.25, 0.5, 1.0], columns="traffic,real_macs", pareto="traffic,-real_macs"
    )
    assert len(best) == 3


def test_settings_counted_one_by_one_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_SINGLY", 5)
    with pytest.raises(costcalc.SpecError, match="setting by setting, 5 at most, and these are 6"):
        costcalc.sweep("mobilenet_v1", width=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], columns="intensity")


def test_networks_side_by_side_in_any_metric(run: Run) -> None:
    words = ("compare", "tiny.yaml", "tiny.yaml@width=2", "--columns", "bytes,real_macs", "--bits", "8")
    first, second = json.loads(run(*words, "--format", "json")[1])
    assert (first["bytes"], first["bytes_ratio"]) == (BYTES_8, 1.0)
    assert second["real_macs_ratio"] == second["real_macs"] / first["real_macs"]
    assert "8 bits a number" in run(*words)[1]
    assert costcalc.compare("mobilenet_v1", columns="bytes", options={"bits": 8})["bytes"].tolist() == [
        4_209_088 + 4 * 22_888
    ]


def test_budgets_of_any_metric(run: Run) -> None:
    size = TOTALS["bytes"]
    assert run("check", "tiny.yaml", "--max", f"bytes={size}", "--max", "real_macs=20K")[0] == 0
    code, _, err = run("check", "tiny.yaml", "--max", f"real_macs={TOTALS['real_macs'] - 1}")
    assert code == 1
    assert f"{TOTALS['real_macs']:,} MACs of real_macs, over the budget of {TOTALS['real_macs'] - 1:,} by 1" in err
    assert costcalc.check("mobilenet_v1", limits={"bytes": "5MB"}, options={"bits": 8})
    assert not costcalc.check("mobilenet_v1", limits={"bytes": "5MB"})


def test_the_largest_setting_within_a_budget_of_any_metric(run: Run) -> None:
    found = costcalc.solve("mobilenet_v1", "width", limits={"bytes": "4MB"})
    width = found["width"][0]
    assert found["bytes"][0] <= 4_000_000 < costcalc.count("mobilenet_v1", width=width + 0.001).metric("bytes").total
    rows = json.loads(run("solve", "tiny.yaml", "--vary", "width=1:9:1", "--max", "traffic=20K", "--format", "json")[1])
    assert rows[0]["traffic"] <= 20_000
    _, _, err = run("solve", "tiny.yaml", "--vary", "width=1:9:1", "--max", "traffic=20")
    assert f"the least that was tried is {TOTALS['traffic']:,} bytes of traffic (32 bits a number)" in err


def test_what_is_no_number_has_no_ratio(run: Run) -> None:
    code, out, _ = run("compare", "mobilenet_v2", "mobilenet_v3_large", "--columns", "receptive_field,macs")
    assert (code, "global" in out) == (0, True)


OPAQUE = ["conv: {out: 4, kernel: 3}", "opaque: {shape: [4, 6, 6]}", "relu", "global_avg_pool", "fc: {out: 2}"]


# What rests on the work, on the pixels read, or on what is kept; sizes of tensors and parameters are stated.
UNKNOWN_OF_OPAQUE = {
    "macs", "real_macs", "effective_macs", "backward_macs", "training_macs", "elementwise", "activations", "winograd2",
    "winograd4", "intensity", "latency", "latency_most", "energy", "energy_compute", "saved", "training_memory",
    "receptive_field", "effective_stride", "effective_padding", "field_centre",
}  # fmt: skip
UNKNOWN_OF_CUSTOM = {
    "backward_macs", "training_macs", "real_macs", "saved",
    "training_memory", "receptive_field", "effective_stride", "effective_padding", "field_centre",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(metrics()))
def test_what_a_custom_layer_does_not_state_is_unknown(name: str) -> None:
    layers = [{"conv": {"out": 4, "kernel": 3}}, {"custom": {"macs": 5, "params": 3}}, "relu"]
    spec = {"costcalc": 1, "input": [3, 8, 8], "layers": layers}
    one = costcalc.count(spec).metric(name, **find(name).needs)
    assert (one.total is num.UNKNOWN) == (name in UNKNOWN_OF_CUSTOM)
    if name in UNKNOWN_OF_CUSTOM:
        assert not costcalc.check(spec, limits={name: "1G"})
        assert costcalc.count(spec).to_dict(columns=name)["metrics"][-1]["total"] is None
    assert str(costcalc.count(spec).metric("peak_memory", mode="eager").total) == "unknown"


@pytest.mark.parametrize("options", [{}, {"mode": "mcu", "patches": 2}, {"order": "best"}, {"checkpoint": 2}])
@pytest.mark.parametrize("name", sorted(metrics()))
def test_what_nobody_knows_stays_unknown(name: str, options: dict[str, Any]) -> None:
    text = "costcalc: 1\ninput: [3, 8, 8]\nlayers:\n" + "".join(f"  - {item}\n" for item in OPAQUE)
    result = costcalc.count(__import__("yaml").safe_load(text))
    given = {**find(name).needs, **options}
    known = {key: given[key] for key in given if key in find(name).uses}
    one = result.metric(name, **known)
    json.dumps(result.to_dict(columns=name, **known))
    if name in UNKNOWN_OF_OPAQUE:
        assert one.total is num.UNKNOWN
    if one.unit.startswith("MACs"):
        assert one.total is num.UNKNOWN
