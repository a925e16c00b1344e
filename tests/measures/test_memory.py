"""Peak memory: torchvision's networks to the byte, MCUNetV2's figure, orders against all of them."""

from __future__ import annotations

import csv
import itertools
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.cli import main
from costcalc.measures import _order
from costcalc.measures._storage import Storages, moments
from costcalc.measures.memory import scheduled
from costcalc.measures.metric import Setup

DATA = Path(__file__).parent.parent / "data" / "peak_memory.csv"
REFERENCE = list(csv.DictReader(DATA.read_text(encoding="utf-8").splitlines()))


def peak(network: Any, knobs: dict[str, Any] | None = None, **options: Any) -> int:
    found: int = costcalc.count(network, **(knobs or {})).metric("peak_memory", **options).total
    return found


# ---- torchvision --------------------------------------------------------------------------------------

COLUMNS = {"fused": "fx_fused_peak_bytes", "inplace": "fx_declared_peak_bytes", "eager": "eager_peak_bytes"}


@pytest.mark.parametrize("mode", COLUMNS)
@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: row["model"])
def test_torchvision_to_the_byte(row: dict[str, str], mode: str) -> None:
    side = int(row["res"])
    ours = costcalc.count(row["model"], input=(3, side, side)).metric("peak_memory", mode=mode).total
    theirs = int(row[COLUMNS[mode]])
    assert ours == theirs


# ---- MCUNetV2 and TinyEngine: int8, elements are bytes --------------------------------------------------

# network, knobs -> folded (sums allocate), fused (they do not), mcu (depthwise in place), the largest tensor
GOLDEN: list[tuple[str, dict[str, Any], tuple[int, int, int | None, int]]] = [
    ("mobilenet_v2", {}, (1_505_280, 1_505_280, 1_404_928, 1_204_224)),  # MCUNetV2 prints 1372 kB: 1,404,928 / 1024
    ("mobilenet_v2", {"width": 0.35, "resolution": 144}, (311_040, 311_040, 290_304, 248_832)),
    ("mobilenet_v1", {}, (1_204_224, 1_204_224, 1_204_224, 802_816)),
    ("efficientnet_b0", {}, (1_505_280, 1_505_280, 1_404_928, 1_204_224)),
    ("resnet18", {}, (1_003_520, 1_003_520, None, 802_816)),
    ("resnet50", {}, (2_408_448, 1_806_336, None, 802_816)),
    ("squeezenet1_0", {}, (1_492_992, 1_492_992, None, 1_140_576)),
    ("googlenet", {}, (1_003_520, 1_003_520, None, 802_816)),
    ("inception_v3", {"resolution": 299}, (2_074_464, 2_074_464, None, 1_382_976)),
    ("densenet121", {}, (1_806_336, 1_806_336, None, 802_816)),
    ("vgg16", {}, (6_422_528, 6_422_528, None, 3_211_264)),
    ("shufflenet_v2_x1_0", {}, (451_584, 451_584, None, 0)),
    ("mobilenet_v3_large", {}, (1_003_520, 1_003_520, None, 0)),
]


@pytest.mark.parametrize(("network", "knobs", "wanted"), GOLDEN)
def test_golden_peaks(network: str, knobs: dict[str, Any], wanted: tuple[int, int, int | None, int]) -> None:
    folded, fused, mcu, largest = wanted
    assert peak(network, knobs, mode="folded", bits=8) == folded
    assert peak(network, knobs, mode="fused", bits=8) == fused
    assert mcu is None or peak(network, knobs, mode="mcu") == mcu
    result = costcalc.count(network, **knobs)
    assert largest in (0, max(result.metric("activation_bytes", bits=8).rows))
    assert peak(network, knobs, mode="fused", bits=8, order="best") == fused  # the listed order is the best already


def test_the_peak_is_explained(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["costcalc", *"report mobilenet_v2 --memory --mode mcu --format json".split()])
    with pytest.raises(SystemExit):
        main()
    found = next(one for one in json.loads(capsys.readouterr().out)["metrics"] if one["name"] == "peak_memory")
    assert found["at"] == "stage2/inverted_residual1/conv1"
    assert sum(one["bytes"] for one in found["alive"]) + found["beside"] == found["total"] == 1372 * 1024


# ---- by hand --------------------------------------------------------------------------------------------

CONV = {"conv": {"out": 4, "kernel": 3, "padding": 1, "bias": False}}  # keeps [4, 8, 8]: 256 elements
HAND: list[tuple[str, list[Any], dict[str, int]]] = [
    ("in and out", [CONV], {"fused": 512, "eager": 512}),
    ("an activation in place", [CONV, "relu"], {"fused": 512, "inplace": 512, "eager": 512}),
    # eager: the input is held, in and out of the norm, and 2 * 4 floats of 4 bytes
    ("a norm allocates where nothing folds it", [CONV, "batch_norm"], {"fused": 512, "inplace": 512, "eager": 800}),
    ("GELU too", [CONV, "gelu"], {"fused": 512, "inplace": 512, "eager": 768}),
    ("a sum over what is dead", [{"add": [[CONV], [CONV]]}], {"folded": 768, "fused": 768, "inplace": 768}),
    ("a sum keeps what is used again", [CONV, {"add": [[CONV, CONV], []]}], {"folded": 768, "fused": 768}),
    ("a gate allocates in PyTorch", [CONV, {"multiply": [[], ["global_avg_pool", "sigmoid"]]}],
     {"fused": 512, "inplace": 516, "eager": 772}),
    ("a view costs nothing", [CONV, "flatten", {"fc": {"out": 10}}], {"fused": 512}),
    ("indices of a pool", [{"max_pool": {"kernel": 2}}], {"fused": 320, "eager": 320 + 8 * 64}),
    ("a depthwise convolution plane by plane", [{"dwconv": {"kernel": 3, "padding": 1}}], {"fused": 512, "mcu": 320}),
    ("not over what is used again", [CONV, {"add": [[], [{"dwconv": {"kernel": 3, "padding": 1}}]]}], {"mcu": 512}),
    ("nothing at all", ["identity"], {"fused": 256, "eager": 256}),
]  # fmt: skip


@pytest.mark.parametrize(("why", "layers", "wanted"), HAND, ids=lambda v: v if isinstance(v, str) else "")
def test_peaks_by_hand(why: str, layers: list[Any], wanted: dict[str, int]) -> None:
    spec = {"costcalc": 1, "input": [4, 8, 8], "layers": layers}
    assert {mode: peak(spec, mode=mode, bits=8) for mode in wanted} == wanted


# Bytes of 26 indices, of vectors of 16, of an lstm's 8 numbers a step and its two states of 8, at 32 and at 8 bits.
WORDS: list[tuple[str, list[Any], int, int]] = [
    ("the lstm's input and outputs", [{"embedding": {"count": 9, "out": 16}}, {"lstm": {"hidden": 8}}],
     4 * (416 + 224), 416 + 224),
    ("an index has 8 bytes at any bits", [{"embedding": {"count": 9, "out": 4}}], 208 + 4 * 104, 208 + 104),
    ("a moved index too", [{"flip": {"axes": [0]}}, {"embedding": {"count": 9, "out": 2}}], 2 * 208, 2 * 208),
]  # fmt: skip


@pytest.mark.parametrize(("why", "layers", "wide", "narrow"), WORDS, ids=lambda v: v if isinstance(v, str) else "")
def test_peaks_with_indices_by_hand(why: str, layers: list[Any], wide: int, narrow: int) -> None:
    spec = {"costcalc": 1, "input": [26], "layers": layers}
    assert (peak(spec), peak(spec, bits=8)) == (wide, narrow)


def test_bytes_of_indices_by_hand() -> None:
    result = costcalc.count({"costcalc": 1, "input": [26], "layers": [{"embedding": {"count": 9, "out": 4}}]})
    assert result.metric("traffic").total == 26 * 8 + 26 * 4 * 4 + 9 * 4 * 4
    assert result.metric("saved").total == 26 * 8  # nn.Embedding's backward pass reads the indices


def test_a_batch_and_bits_scale_it() -> None:
    assert peak("mobilenet_v2", batch=4, bits=16) == 8 * peak("mobilenet_v2", bits=8)


def test_a_sweep_of_peaks_is_counted_on_arrays() -> None:
    widths = [k / 100 for k in range(25, 125)]
    found = costcalc.sweep("mobilenet_v2", width=widths, columns="peak_memory", options={"mode": "mcu"})
    assert len(found) == 100
    for width in (0.25, 0.6, 1.24):
        assert found[found["width"] == width]["peak_memory"].item() == peak(
            "mobilenet_v2", {"width": width}, mode="mcu"
        )


def test_the_widest_network_for_320_kb() -> None:
    found = costcalc.solve(
        "mobilenet_v2", "width", limits={"peak_memory": "320KiB"}, options={"mode": "mcu"}, resolution=144
    )
    width = found["width"][0]
    assert peak("mobilenet_v2", {"width": width, "resolution": 144}, mode="mcu") <= 320 * 1024
    assert peak("mobilenet_v2", {"width": round(width + 0.001, 3), "resolution": 144}, mode="mcu") > 320 * 1024


# ---- imported networks, as PyTorch runs them --------------------------------------------------------------


class _Live:
    """Bytes of the storages that are alive, and the most: each from what makes it until Python drops it."""

    def __init__(self, own: set[int]) -> None:
        self.own, self.sizes, self.most = own, {}, 0  # type: ignore[var-annotated]

    def add(self, tensor: Any) -> None:
        import weakref

        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self.own and key not in self.sizes:
            self.sizes[key] = storage.nbytes()
            self.most = max(self.most, sum(self.sizes.values()))
            weakref.finalize(storage, self.sizes.pop, key, None)


def as_it_runs(network: Any, shape: tuple[int, ...]) -> int:
    """Return the most bytes of activations that PyTorch has alive in a network's forward pass, measured."""
    torch = pytest.importorskip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_iter

    network = network.to("meta").eval()
    live = _Live({tensor.untyped_storage()._cdata for tensor in [*network.parameters(), *network.buffers()]})

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for one in tree_iter(result):
                if isinstance(one, torch.Tensor):
                    live.add(one)
            return result

    image = torch.empty(1, *shape, device="meta")
    live.add(image)
    with torch.no_grad(), Mode():
        network(image)
    return live.most


def modules() -> dict[str, Any]:
    """Return small networks of PyTorch, written as torchvision and timm write theirs."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class NormAct(nn.BatchNorm2d):  # timm's: an activation inside a norm
        def __init__(self, c: int, act: Any) -> None:
            super().__init__(c)
            self.act = act

        def forward(self, x: Any) -> Any:
            x = nn.functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)
            return self.act(x)

    class Separable(nn.Module):
        def __init__(self, c: int, out: int, act: Any) -> None:
            super().__init__()
            self.conv_dw = nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False)
            self.bn1, self.conv_pw, self.bn2 = NormAct(c, act()), nn.Conv2d(c, out, 1, bias=False), NormAct(out, act())

        def forward(self, x: Any) -> Any:
            x = self.conv_dw(x)
            x = self.bn1(x)
            x = self.conv_pw(x)
            return self.bn2(x)

    class Residual(nn.Module):
        def __init__(self, c: int, act: Any) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
            self.conv2, self.bn2 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
            self.relu = act()

        def forward(self, x: Any) -> Any:
            identity = x
            out = self.conv1(x)
            out = self.bn1(out)
            out = self.relu(out)
            out = self.conv2(out)
            out = self.bn2(out)
            out += identity
            return self.relu(out)

    def triple(c: int, out: int, act: Any) -> Any:
        return nn.Sequential(nn.Conv2d(c, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), act())

    acts: dict[str, Any] = {"": lambda: nn.ReLU(inplace=True), " apart": nn.ReLU, " gelu": nn.GELU}
    acts |= {" leaky": lambda: nn.LeakyReLU(0.1, inplace=True), " silu": nn.SiLU}
    made = {}
    for word, act in acts.items():
        made[f"chain{word}"] = nn.Sequential(triple(4, 32, act), triple(32, 16, act), triple(16, 8, act))
        made[f"norm and act{word}"] = nn.Sequential(Separable(4, 16, act), Separable(16, 16, act))
        made[f"residual{word}"] = nn.Sequential(triple(4, 8, act), Residual(8, act), Residual(8, act))
    return made


KINDS = [f"{kind}{act}" for kind in ("chain", "norm and act", "residual") for act in ("", " apart", " gelu", " leaky",
         " silu")]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_imported_network_is_alive_as_pytorch_runs_it(kind: str) -> None:
    pytest.importorskip("torch")
    from costcalc.interop.torch.importer import from_torch

    network = modules()[kind]
    ours = costcalc.count(from_torch(network.eval(), (4, 16, 16)).data())
    assert ours.metric("peak_memory", mode="eager").total == as_it_runs(network, (4, 16, 16))


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "squeezenet1_0", "vgg16"])
def test_an_imported_network_has_the_zoos_peak(name: str) -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.importer import from_torch

    with torch.device("meta"):
        network = costcalc.torch.build(name)
    theirs = int(next(row for row in REFERENCE if row["model"] == name)["eager_peak_bytes"])
    ours = costcalc.count(from_torch(network, (3, 224, 224)).data())
    assert ours.metric("peak_memory", mode="eager").total == theirs


# ---- orders ---------------------------------------------------------------------------------------------


def drawn(seed: int) -> dict[str, Any]:
    """Return a random network of some branches; each layer takes one or two earlier ones."""
    rng = random.Random(seed)
    names, unused, layers = ["x0"], set(), [{"conv": {"out": 2, "kernel": 1}, "name": "x0"}]
    for k in range(1, rng.randint(4, 7)):
        kind, one = rng.choice(["conv", "concat", "relu", "pool", "depthwise"]), rng.choice(names)
        item: dict[str, Any] = {"conv": {"out": rng.randint(1, 9), "kernel": 1}, "from": one}
        used = {one}
        if kind == "concat" and len(names) > 1:
            used = set(rng.sample(names, 2))
            item = {"concat": sorted(used)}
        elif kind == "relu":
            item = {"relu": None, "from": one}
        elif kind == "depthwise":
            item = {"dwconv": {"kernel": 3, "padding": 1}, "from": one}
        elif kind == "pool":
            item = {"avg_pool": {"kernel": 3, "stride": 1, "padding": 1}, "from": one}
        unused -= used
        layers.append({**item, "name": f"x{k}"})
        names.append(f"x{k}")
        unused.add(f"x{k}")
    outputs = sorted(unused | ({"x0"} if not any("x0" in json.dumps(item) for item in layers[1:]) else set()))
    return {"costcalc": 1, "input": [3, 4, 4], "layers": layers, "outputs": outputs}


def orders(found: Storages) -> list[tuple[int, ...]]:
    """Return every order in which each row has its operands."""
    needs = [found.makers_of(index) for index in range(len(found.steps))]
    return [
        order
        for order in itertools.permutations(range(len(needs)))
        if all(needs[index] <= set(order[:place]) for place, index in enumerate(order))
    ]


@pytest.mark.parametrize("mode", ["fused", "folded", "mcu", "inplace"])
@pytest.mark.parametrize("beam", [False, True])
def test_the_best_order_is_the_best_of_all(mode: str, beam: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if beam:
        monkeypatch.setattr(_order, "MOST_STATES", 0)
    better = 0
    for seed in range(60):
        graph = costcalc.count(drawn(seed)).graph
        found = Storages(graph, Setup(mode=mode))
        peaks = [max(m.total(found.sizes) for m in moments(found, order)) for order in orders(found)]
        made = scheduled(graph, Setup(mode=mode, order="best"))
        assert max(made.bytes) == min(peaks), drawn(seed)
        better += min(peaks) < peaks[0]
    assert better > 3  # the orders do differ


def test_a_cell_search_network_gains_from_order() -> None:
    listed = peak("pnasnet5_mobile", bits=8)
    found = costcalc.count("pnasnet5_mobile").metric("peak_memory", bits=8, order="best")
    assert found.total < 0.8 * listed
    assert found.to_dict()["exact"]


def test_pytorch_runs_in_the_order_of_its_code() -> None:
    with pytest.raises(costcalc.SpecError, match="in the order of its code"):
        peak("resnet18", mode="eager", order="best")


# ---- patches ---------------------------------------------------------------------------------------------

# [1, 8, 8] in 2x2 patches, elements as bytes. Cut at the end: a patch of 4x4 needs 4x4 of conv2 (2 channels: 32),
# 5x5 of conv1 (4 channels: 100) and 6x6 of the image (36). With the result's 64: 36 + 100, 100 + 32, 32 beside it.
# conv1 does 25 instead of 16 pixels a patch, of 36 MACs: 4 * 9 * 36 more, of 2,304 + 4,608 + 128.
CHAIN = {
    "costcalc": 1,
    "input": [1, 8, 8],
    "defaults": {"conv": {"bias": False}},
    "layers": [
        {"conv": {"out": 4, "kernel": 3, "padding": 1}},
        {"conv": {"out": 2, "kernel": 3, "padding": 1}},
        {"conv": {"out": 1, "kernel": 1}},
    ],
}


def test_patches_by_hand() -> None:
    one = costcalc.count(CHAIN).metric("peak_memory", patches=2, bits=8)
    assert (one.rows, one.total) == ([200, 196, 96], 200)
    found = one.to_dict()
    assert found["in_patches"] == ["conv1", "conv2", "conv3"]
    assert found["more_macs"] == pytest.approx(4 * 9 * 36 / 7040)
    assert peak(CHAIN, bits=8) == 384


@pytest.mark.parametrize(("patches", "wanted"), [(2, 441_840), (3, 251_888), (4, 200_704)])
def test_patches_of_mobilenet_v2(patches: int, wanted: int) -> None:
    assert peak("mobilenet_v2", mode="mcu", patches=patches) == wanted  # as this model gives; MCUNetV2 says 172 kB


def test_more_patches_never_need_more_in_a_chain() -> None:
    peaks = [peak("mobilenet_v1", mode="mcu", patches=n) for n in (2, 3, 4, 6)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] < peak("mobilenet_v1", mode="mcu")


@pytest.mark.parametrize("options", [{"order": "best"}, {"mode": "eager"}])
def test_patches_do_not_go_with(options: dict[str, Any]) -> None:
    with pytest.raises(costcalc.SpecError, match="patches are for the listed order"):
        peak("resnet18", patches=2, **options)


def test_what_reads_all_of_the_image_runs_in_no_patches() -> None:
    spec = {"costcalc": 1, "input": [4, 8, 8], "layers": [{"multiply": [[], ["global_avg_pool"]]}, CONV]}
    assert peak(spec, patches=2, bits=8) == peak(spec, bits=8)
