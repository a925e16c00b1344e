"""`verify`: every network of the zoo by both roads, and rules broken on purpose, which it must see."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc import cli
from costcalc.graph.expand import expand
from costcalc.language import zoo
from costcalc.numbers.num import prod
from costcalc.numbers.shape import Shape
from costcalc.operators.op import operators

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.flop_counter")

from costcalc.interop.torch import verify as module  # noqa: E402 - these need torch
from costcalc.interop.torch.verify import measure, verify  # noqa: E402


@pytest.mark.parametrize("name", zoo.names())
def test_zoo(name: str) -> None:
    found = verify(expand(costcalc.load(name)))
    assert found.agrees
    assert {check.verdict for check in (*found.checks, found.whole)} <= {"agrees", "stated"}


# ---- rules broken on purpose ------------------------------------------------------------------------

NETWORK = """
costcalc: 1
name: sampler
input: [8, 9, 8]
layers:
  - {conv: {out: 8, kernel: 1}, share: twice, name: first}
  - {conv: {out: 8, kernel: 1}, share: twice, name: second}
  - {conv: {out: 8, kernel: 3, groups: 4, norm: batch, act: relu}, name: grouped}
  - {conv: {out: 12, kernel: 3, padding: same, stride: 2}, name: strided}
  - {dwconv: {kernel: 3, padding: half}, name: deep}
  - {conv_transpose: {out: 6, kernel: 2, stride: 2}, name: up}
  - {layer_norm, name: normed}
  - {max_pool: {kernel: 3, stride: 2, ceil_mode: true}, name: pooled}
  - {concat: [[], {slice: {stop: 2}}], name: joined}
  - {matmul: [[], [transpose]], name: product}
  - flatten
  - {fc: {out: 5}, name: head}
"""

# What is wrong: the rule (kind and method) and what stands in its place, the row that must be named, and
# the quantities that differ there.
SABOTAGES: dict[str, tuple[str, str, Callable[..., Any], str, list[str]]] = {
    "groups are ignored": (
        "conv", "weights", lambda o, x, _: o.out * x.c * prod(o.kernel), "grouped", ["params", "macs"],
    ),
    "padding is off by one": (
        "conv", "shape", lambda o, x: Shape(o.out, *(n + 1 for n in o.slid(x))), "first", ["output", "macs"],
    ),
    "depthwise MACs lose the kernel": ("dwconv", "macs", lambda _, __, y: y.size, "deep", ["macs"]),
    "a transposed convolution works on its output": (
        "conv_transpose", "macs", lambda o, x, y: y.pixels * o.weights(x, y), "up", ["macs"],
    ),
    "the counter of batches is forgotten": (
        "batch_norm", "buffers", lambda _, x, __: 2 * x.c, "grouped/batch_norm", ["buffers"],
    ),
    "beta is forgotten": ("layer_norm", "norm_params", lambda _, x, __: x.c, "normed", ["params"]),
    "a partial window is dropped": (
        "max_pool", "shape",
        lambda o, x: Shape(x.c, *((n - k) // s + 1 for n, k, s in zip(x.space, o.kernel, o.stride, strict=True))),
        "pooled", ["output"],
    ),
    "a concatenation forgets a branch": ("concat", "shape", lambda _, x: x[0], "joined", ["output"]),
    "a product of matrices forgets the inner size": ("matmul", "macs", lambda _, __, y: y.size, "product", ["macs"]),
    "a bias is forgotten": ("fc", "biases", lambda *_: 0, "head", ["params"]),
    "MACs are doubled": ("fc", "macs", lambda o, x, y: 2 * o.weights(x, y), "head", ["macs"]),
}  # fmt: skip


def sampler(path: Path) -> str:
    file = path / "sampler.yaml"
    file.write_text(NETWORK.lstrip(), encoding="utf-8")
    return str(file)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `costcalc verify` here, where rules can be broken; return its exit code."""
    monkeypatch.setitem(cli.COMMANDS, "verify", "")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "argv", ["costcalc", "verify", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_the_sampler_agrees() -> None:
    for device in module.DEVICES:
        assert verify(expand(zoo.load_text(NETWORK)), device).agrees


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_broken_rule_is_seen(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    kind, rule, broken, row, quantities = SABOTAGES[name]
    monkeypatch.setattr(operators()[kind], rule, broken)
    found = verify(expand(zoo.load_text(NETWORK)))
    assert not found.agrees
    assert (found.differing[0].name, found.differing[0].differing) == (row, quantities)
    assert run(monkeypatch, sampler(tmp_path)) == 1
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    for quantity in quantities:
        road = (found.differing[0].ours, found.differing[0].theirs)
        numbers = [f"{n:,}" if isinstance(n, int) else n for n in (side[quantity] for side in road)]
        assert [row, quantity.replace("macs", "MACs"), *numbers] in lines


def test_weights_that_are_not_shared_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costcalc.interop.torch.build._tie", lambda *_: None)
    found = verify(expand(zoo.load_text(NETWORK)))
    assert [(check.name, check.differing) for check in found.differing] == [
        ("second", ["params"]),
        ("total", ["params"]),
    ]
    assert found.checks[1].theirs["params"] == 8 * 8 + 8


def test_a_wrong_total_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work between the modules is in no row, but in PyTorch's total."""
    built = module.build

    def working(graph: Any) -> Any:
        network = built(graph)
        network.register_forward_pre_hook(lambda _, images: (images[0] + 0 * (images[0] @ images[0].mT)[..., :8],))
        return network

    monkeypatch.setattr(module, "build", working)
    found = verify(expand(zoo.load_text(NETWORK)))
    assert [(check.name, check.differing) for check in found.differing] == [("first", ["macs"]), ("total", ["macs"])]


# ---- the measuring side ------------------------------------------------------------------------------


def test_a_network_by_hand_is_measured() -> None:
    """It reads tensors only: no graph, no operator stands behind these modules. All numbers by hand."""
    nn = torch.nn
    network = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(72, 5, bias=False))
    network.nodes = list(network)
    found = measure(network.eval(), torch.rand(2, 4, 5, 6))
    seen = [(part.shapes, part.params, part.buffers, part.flops) for part in found.parts]
    assert seen == [
        ([(2, 6, 3, 4)], 6 * 2 * 9 + 6, 0, 2 * 2 * 6 * 2 * 9 * 12),
        ([(2, 6, 3, 4)], 12, 13, 0),
        ([(2, 72)], 0, 0, 0),
        ([(2, 5)], 360, 0, 2 * 2 * 360),
    ]
    assert found.whole is not None
    assert (found.whole.params, found.whole.buffers, found.whole.flops) == (114 + 12 + 360, 13, 4 * (1296 + 360))


def test_the_measuring_side_asks_no_operator() -> None:
    names = set(measure.__code__.co_names) | {
        n for c in measure.__code__.co_consts if hasattr(c, "co_names") for n in c.co_names
    }
    assert not names & {"op", "x", "y", "macs", "weights", "rows", "graph"}


# ---- what is not verified ----------------------------------------------------------------------------


def drawn(*layers: Any, shape: tuple[int, ...] = (4, 6, 6)) -> Any:
    return verify(expand(zoo.load({"costcalc": 1, "input": list(shape), "layers": list(layers)})))


def test_stated_rows_are_marked_not_verified() -> None:
    found = drawn({"custom": {"params": 7, "macs": 99, "shape": [4, 3, 3]}}, {"conv": {"out": 2, "kernel": 1}})
    assert [check.verdict for check in found.checks] == ["stated", "agrees"]
    assert found.agrees
    assert (found.whole.ours["params"], found.whole.ours["macs"]) == (10, 72)  # those of the convolution


def test_unknown_rows_are_verified_for_their_shape() -> None:
    layers = {"opaque": {"shape": [4, 3, 3], "params": 7}}, {"conv": {"out": 2, "kernel": 1}}
    found = drawn(*layers)
    assert [check.verdict for check in found.checks] == ["unknown", "agrees"]
    assert found.agrees
    assert found.checks[0].to_dict()["macs"] == "unknown"
    assert (found.whole.ours["params"], found.whole.ours["macs"]) == (10, 72)


def test_the_total_says_how_many_rows_it_leaves_out() -> None:
    custom, conv = {"custom": {"params": 7, "shape": [4, 3, 3]}}, {"conv": {"out": 2, "kernel": 1}}
    assert drawn(conv).whole.name == "total"
    assert drawn(custom, conv).whole.name == "total, 1 row left out"
    assert drawn(custom, custom, conv).whole.name == "total, 2 rows left out"


def test_where_pytorch_stops_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators()["instance_norm"], "checks", False)  # which refuses one pixel before PyTorch does
    found = drawn("relu", "instance_norm", "relu", shape=(3, 1, 1))
    assert [check.verdict for check in found.checks] == ["agrees", "refused", "not run"]
    assert [check.name for check in found.differing] == ["instance_norm"]
    assert "1 spatial element" in found.differing[0].refusal


def test_an_operator_without_a_twin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: Any, *_: Any) -> Any:
        raise NotImplementedError(f"{self.kind} has no PyTorch twin")

    monkeypatch.setattr(operators()["relu"], "torch", none)
    with pytest.raises(costcalc.SpecError, match="relu: relu has no PyTorch twin"):
        drawn("relu")


# ---- the command -------------------------------------------------------------------------------------


def test_a_line_a_network(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert run(monkeypatch, "mobilenet_v1", "alexnet", "--classes", "10") == 0
    lines = capsys.readouterr().out.splitlines()
    small, alex = (costcalc.count(name, classes=10) for name in ("mobilenet_v1", "alexnet"))
    assert lines[2].split() == ["mobilenet_v1", "84", f"{small.params:,}", "21,915", f"{small.macs:,}", "agrees"]
    assert lines[3].split() == ["alexnet", "22", f"{alex.params:,}", "0", f"{alex.macs:,}", "agrees"]
    assert lines[5].split() == ["2", "networks", "106", "all", "agree"]


def test_every_row(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert run(monkeypatch, "alexnet", "--rows", "--format", "json", "--input", "3x195x195") == 0
    records = json.loads(capsys.readouterr().out)
    assert [r["row"] for r in records] == [*(row.name for row in costcalc.count("alexnet").rows), "total"]
    assert {r["verdict"] for r in records} == {"agrees"}
    assert (records[0]["output"], records[0]["torch_output"]) == ("64x48x48", "64x48x48")
    assert records[0]["torch_params"] == 64 * 3 * 121 + 64
    assert run(monkeypatch, "alexnet", "--rows") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 1 + 23 + 1 + 1


@pytest.mark.parametrize("format_", ["json", "csv", "markdown"])
def test_formats_name_what_differs(format_: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setattr(operators()["fc"], "macs", lambda *_: 1)
    assert run(monkeypatch, sampler(tmp_path), "--format", format_) == 1
    shown = capsys.readouterr().out
    assert "head" in shown
    if format_ == "json":
        assert json.loads(shown)[0]["verdict"] == "differs"


def test_all_is_every_network_of_the_zoo(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    seen = []

    def quick(graph: Any, device: str) -> Any:
        seen.append((graph.spec.where, device))
        return module.Verification([], module.Check("total", "", dict.fromkeys(module.QUANTITIES, 0), {}))

    monkeypatch.setattr(module, "verify", quick)
    assert run(monkeypatch, "--all", "--device", "cpu") == 0
    assert len(seen) == len(zoo.networks())
    assert f"{len(seen)} networks" in capsys.readouterr().out


BAD = [
    (["no_such_network"], "no file and no network"),
    (["alexnet", "--no_such_knob", "1"], "no knob"),
    ([], "name a SPEC"),
    (["alexnet", "--input", "3x2x2"], "needs 63 at least"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD)
def test_a_bad_spec_is_exit_code_2(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err


def test_without_torch_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(monkeypatch, "alexnet") == 2
    assert capsys.readouterr().err == "this needs torch, which is not installed: pip install 'costcalc[torch]'\n"
