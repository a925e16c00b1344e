"""Training: what autograd keeps, operator by operator and for the zoo; work, freezing, checkpoints, batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.language import zoo
from costcalc.measures.metric import Setup
from costcalc.measures.training import _cut, demand, largest_batch, learning
from costcalc.operators.op import operators

# Megabytes that PyTorch's autograd kept at 224x224 in 32 bits, an image, measured with torch's own hooks on
# torchvision's networks; the log-softmax of the loss, 1000 numbers, is in them.
GOLDEN = {
    "resnet18": "22.222", "resnet50": "86.126", "vgg16": "73.359", "densenet121": "130.700", "mobilenet_v2": "78.350",
    "mobilenet_v3_large": "44.216", "shufflenet_v2_x1_0": "20.454", "mnasnet1_0": "44.421", "alexnet": "3.745",
    "squeezenet1_0": "35.771", "efficientnet_b0": "88.366",
}  # fmt: skip
LOSS = 4 * 1000


@pytest.mark.parametrize(("network", "wanted"), GOLDEN.items())
def test_torchvisions_networks_keep_what_was_measured(network: str, wanted: str) -> None:
    assert f"{(costcalc.count(network).metric('saved').total + LOSS) / 1e6:.3f}" == wanted


# ---- against autograd ------------------------------------------------------------------------------------


def autograd(result: costcalc.Result, freeze: str = "") -> int:
    """Return the bytes of the storages that autograd keeps of the network's twin, parameters and buffers left out."""
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.build import build

    (shape,) = result.graph.input_shapes.values()
    kept: dict[int, int] = {}
    held = []  # a storage that is gone could lend its number to another
    with torch.device("meta"):
        network = build(result.graph).train()
        for module, learns in zip(network.nodes, learning(result.graph, freeze).learns, strict=True):
            module.requires_grad_(learns)
        image = torch.empty(result.batch, *shape.dims)
        own = {tensor.untyped_storage()._cdata for tensor in [*network.parameters(), *network.buffers()]}

        def pack(tensor: Any) -> Any:
            storage = tensor.untyped_storage()
            if storage._cdata not in own:
                kept[storage._cdata] = storage.nbytes()
                held.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(image)
    return sum(kept.values())


ITEMS: list[Any] = [
    *(name for name, op in sorted(operators().items()) if op.is_act and op.kind == name and name != "glu"),
    "glu", "batch_norm", "layer_norm", {"layer_norm": {"over": "all"}}, "rms_norm", {"group_norm": {"groups": 2}},
    "instance_norm", "lrn", "scale", "shift", {"active_shift": {}}, "global_avg_pool", "global_max_pool", "transpose",
    {"max_pool": {"kernel": 2}}, {"max_pool": {"kernel": 3, "padding": "same", "stride": 2}},
    {"avg_pool": {"kernel": 2}}, {"avg_pool": {"kernel": 3, "padding": "same", "stride": 2}},
    {"adaptive_avg_pool": {"size": 3}}, {"adaptive_avg_pool": {"size": 1}}, {"adaptive_max_pool": {"size": 3}},
    {"upsample": {"scale": 2}}, {"upsample": {"scale": 2, "mode": "bilinear"}}, {"pad": {"padding": 1}},
    {"crop": {"border": 1}}, {"subsample": {"stride": 2}}, {"pixel_shuffle": {"scale": 2}},
    {"space_to_depth": {"scale": 3}}, {"dropout": {}}, {"channel_shuffle": {"groups": 2}},
    {"conv_transpose": {"out": 3, "kernel": 2, "stride": 2}}, {"dwconv": {"kernel": 3, "padding": 1}},
    {"conv": {"out": 3, "kernel": 3, "padding": "same", "stride": 2}}, {"fc": {"out": 5, "per_position": True}},
    {"multiply": [[], ["global_avg_pool", "sigmoid"]]}, {"subtract": [[], ["relu"]]}, {"divide": [[], ["sigmoid"]]},
    {"maximum": [[], ["sigmoid"]]}, {"add": [[], ["relu"]]}, {"concat": [[], ["relu6"]]}, {"arithmetic": {"by": 2.0}},
    *({"arithmetic": {"op": op}} for op in ("sqrt", "exp", "square", "reciprocal", "log", "absolute", "sign")),
    *({"arithmetic": {"op": op, "by": 3.0}} for op in ("power", "divide_into", "maximum", "subtract_from")),
    *({"reduce_axes": {"axes": [1], "op": op}} for op in ("mean", "sum", "maximum", "variance", "norm")),
    {"zero_pad_channels": {"out": 8}}, {"permute": {"axes": [1, 2, 0]}}, {"roll": {"by": [1], "axes": [1]}},
    {"flip": {"axes": [1]}}, {"unfold": {"kernel": 3}}, {"reshape": {"shape": [4, 81]}}, "identity", "flatten",
    {"slice": {"stop": 2}}, "zeros",
]  # fmt: skip
LEARNED = 64  # bytes of small tensors of a learned shift (its angles), which are not counted


@pytest.mark.parametrize("item", ITEMS, ids=str)
@pytest.mark.parametrize("tail", [[], [{"conv": {"out": 2, "kernel": 1}}]], ids=["last", "then conv"])
def test_each_operator_keeps_what_autograd_keeps(item: Any, tail: list[Any]) -> None:
    layers = [{"conv": {"out": 4, "kernel": 1}}, item, *tail]
    try:
        result = costcalc.count({"costcalc": 1, "input": [4, 9, 9], "layers": layers}, batch=2)
    except costcalc.SpecError:
        pytest.skip("no convolution takes what it gives")
    theirs = autograd(result)
    slack = LEARNED if "active_shift" in str(item) else 0
    assert 0 <= theirs - result.metric("saved").total <= slack


# PyTorch's modules: what each is called in a spec, with and without `inplace`.
MODULES: list[tuple[str, str, bool]] = [
    *((kind, name, over) for kind, name in (
        ("relu", "ReLU"), ("relu6", "ReLU6"), ("leaky_relu", "LeakyReLU"), ("elu", "ELU"), ("selu", "SELU"),
        ("celu", "CELU"), ("hard_swish", "Hardswish"), ("swish", "SiLU"), ("hard_sigmoid", "Hardsigmoid"),
        ("hard_tanh", "Hardtanh"), ("mish", "Mish"),
    ) for over in (True, False)),
    *((kind, name, False) for kind, name in (
        ("prelu", "PReLU"), ("gelu", "GELU"), ("softplus", "Softplus"), ("sigmoid", "Sigmoid"), ("tanh", "Tanh"),
        ("softsign", "Softsign"), ("log_sigmoid", "LogSigmoid"), ("dropout", "Dropout"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "module", "over"), MODULES)
def test_an_activation_keeps_what_pytorchs_module_keeps(kind: str, module: str, over: bool) -> None:
    """A network of PyTorch's own modules, none of them made by costcalc; and what the importer makes of it."""
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.importer import from_torch

    nn = torch.nn
    act = getattr(nn, module)(inplace=True) if over else getattr(nn, module)()
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), act, nn.Conv2d(4, 2, 1)).train()
    kept: dict[int, Any] = {}
    own = {tensor.untyped_storage().data_ptr() for tensor in [*network.parameters(), *network.buffers()]}

    def pack(tensor: Any) -> Any:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = network(torch.rand(2, 3, 9, 9))
    theirs = sum(storage.nbytes() for storage in kept.values())
    del result
    fields = {} if over or "inplace" not in operators()[kind].fields else {"inplace": False}
    layers = [{"conv": {"out": 4, "kernel": 3}}, "batch_norm", {kind: fields}, {"conv": {"out": 2, "kernel": 1}}]
    ours = costcalc.count({"costcalc": 1, "input": [3, 9, 9], "layers": layers}, batch=2)
    assert ours.metric("saved").total == theirs
    if kind != "dropout":  # at inference it is no row that keeps anything
        assert costcalc.count(from_torch(network, (3, 9, 9)).data(), batch=2).metric("saved").total == theirs


def test_the_largest_batch_of_an_unknown_network_is_unknown() -> None:
    layers = [{"conv": {"out": 4, "kernel": 3}}, {"custom": {"params": 5}}]
    graph = costcalc.count({"costcalc": 1, "input": [3, 9, 9], "layers": layers}).graph
    assert str(largest_batch(graph, Setup(), 10**9)) == "unknown"
    assert str(demand(graph, Setup(checkpoint=2)).saved) == "unknown"
    frozen = demand(graph, Setup(freeze="*"))  # where nothing learns nothing is kept
    assert frozen.saved == 0


FILES = [zoo.stem(spec.where) for spec in zoo.specs() if spec.meta.get("task") == "classification"]


@pytest.mark.parametrize("network", FILES)
def test_the_zoo_keeps_what_autograd_keeps(network: str) -> None:
    """The rule holds at any size, so a small one is asked."""
    spec = costcalc.load(network)
    try:
        result = costcalc.count(spec, batch=2, **({"resolution": 64} if spec.knobs.get("resolution", 0) > 64 else {}))
    except costcalc.SpecError:
        result = costcalc.count(spec, batch=2)
    ours, theirs = result.metric("saved").total, autograd(result)
    assert abs(ours - theirs) <= 0.001 * theirs


@pytest.mark.parametrize(
    ("network", "freeze"),
    [("resnet18", "stage1"), ("resnet18", "conv,stage1,stage2,stage3"), ("vgg16", "fc*"), ("vgg16", "fc2"),
     ("convnext_tiny", "stage3*"), ("shufflenet_v2_x1_0", "stage2"), ("densenet121", "block1")],
)  # fmt: skip
def test_frozen_networks_keep_what_autograd_keeps(network: str, freeze: str) -> None:
    result = costcalc.count(network, batch=2, resolution=64)
    assert result.metric("saved", freeze=freeze).total == autograd(result, freeze)


# ---- by hand ---------------------------------------------------------------------------------------------

# 4 x 4 pixels. conv1: 2 * 3 * 9 = 54 weights, 864 MACs; conv2 the same on 2 channels: 36, 576; fc 2 * 5 + 5, 10.
SPEC = {
    "costcalc": 1,
    "input": [3, 4, 4],
    "defaults": {"conv": {"bias": False, "padding": 1}},
    "layers": [
        {"conv": {"out": 2, "kernel": 3, "act": "relu"}},
        {"conv": {"out": 2, "kernel": 3, "act": "relu6"}},
        "global_avg_pool",
        {"fc": {"out": 5}},
    ],
}
# what is frozen -> backward MACs, numbers that learn, bytes kept of one image. All: conv1 has no gradient of its
# input. The image is 48 numbers, each map 32, what fc takes 2: conv1 keeps the image, relu and conv2 one map, relu6
# the map before it.
FROZEN = [
    ("", 864 + 2 * 576 + 2 * 10, 54 + 36 + 15, 4 * (48 + 32 + 32 + 2)),
    ("conv1", 576 + 2 * 10, 36 + 15, 4 * (32 + 32 + 2)),
    ("conv1,conv2", 10, 15, 4 * 2),
    ("conv*", 10, 15, 4 * 2),
    ("*", 0, 0, 0),
]


@pytest.mark.parametrize(("freeze", "backward", "learned", "kept"), FROZEN)
def test_what_is_frozen(freeze: str, backward: int, learned: int, kept: int) -> None:
    result = costcalc.count(SPEC, batch=3)
    assert result.metric("backward_macs", freeze=freeze).total == 3 * backward
    assert result.metric("training_macs", freeze=freeze).total == 3 * (backward + 864 + 576 + 10)
    assert result.metric("saved", freeze=freeze).total == 3 * kept
    for optimizer, numbers in (("sgd", 0), ("momentum", 1), ("adam", 2)):
        needed = demand(result.graph, result.setup(freeze=freeze, optimizer=optimizer))
        assert needed[:4] == (4 * 105, 4 * learned, 4 * numbers * learned, 3 * kept)


@pytest.mark.parametrize("freeze", ["net", "net.a", "net.a*"])
def test_a_group_of_an_imported_network_is_frozen(freeze: str) -> None:
    fc = {"fc": {"out": 3, "bias": False}}  # 9 weights, the names as imports give them
    layers = [{**fc, "name": "net.a.one"}, {**fc, "name": "net.b"}]
    graph = costcalc.count({"costcalc": 1, "input": [3], "layers": layers}).graph
    assert demand(graph, Setup(freeze=freeze)).gradients == (0 if freeze == "net" else 4 * 9)


def test_mixed_precision_halves_activations_not_statistics() -> None:
    layers = [{"conv": {"out": 2, "kernel": 1, "norm": "batch"}}, {"max_pool": {"kernel": 2}}]
    result = costcalc.count({"costcalc": 1, "input": [2, 4, 4], "layers": layers}, batch=2)
    full = 2 * 4 * (32 + 32 + 32) + 8 * 2 + 2 * 8 * 8  # three maps, a mean and a deviation a channel, places of maxima
    assert result.metric("saved").total == full
    assert result.metric("saved", amp=True).total == full - 2 * 2 * 96


def test_a_step_is_three_forward_passes_less_the_first_gradient() -> None:
    result = costcalc.count("vgg16")
    assert result.metric("training_macs").total == 3 * result.macs - result.rows[0].macs
    assert result.metric("training_macs", checkpoint=4).total == 4 * result.macs - result.rows[0].macs


def test_checkpoints_trade_memory_for_work() -> None:
    graph = costcalc.count("resnet50").graph
    kept = [demand(graph, Setup(checkpoint=k)).saved for k in (None, 1, 2, 4, 8)]
    assert kept[1] >= kept[0]  # one segment saves nothing, and keeps its input beside
    assert kept[0] > kept[2] > kept[3] > kept[4]
    assert _cut([5, 1, 1, 1, 4, 4], 3) == [(0, 2), (2, 5), (5, 6)]


@pytest.mark.parametrize("options", [{}, {"optimizer": "adam"}, {"amp": True}, {"checkpoint": 4}, {"freeze": "stage1"}])
@pytest.mark.parametrize("memory", [10**6, 8 * 10**9, 24 << 30])
def test_the_largest_batch_fits_and_one_more_does_not(options: dict[str, Any], memory: int) -> None:
    graph = costcalc.count("resnet50").graph
    batch = largest_batch(graph, Setup(**options), memory)
    assert batch == 0 or demand(graph, Setup(batch=batch, **options)).total <= memory
    assert demand(graph, Setup(batch=batch + 1, **options)).total > memory


# ---- the command -----------------------------------------------------------------------------------------


def test_the_command_tells_all(run: Run) -> None:
    words = "training resnet50 --batch 32 --optimizer adam --memory 24G"
    code, out, _ = run(*words.split())
    batch = largest_batch(costcalc.count("resnet50").graph, Setup(optimizer="adam"), 24 * 10**9)
    assert (code, f"largest batch in 24G: {batch}" in out) == (0, True)
    data = json.loads(run(*words.split(), "--format", "json").out)
    assert data["largest_batch"] == batch
    assert next(one for one in data["metrics"] if one["name"] == "saved")["total"] == data["metrics"][-1]["saved"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("training resnet18 --freeze nothing", "freeze: nothing names no row or group"),
        ("report resnet18 --columns saved --freeze conv,nothing", "freeze: nothing names no row or group"),
        (
            "compare resnet18 resnet34 --columns training_macs --freeze nothing",
            "freeze: nothing names no row or group",
        ),
        ("check resnet18 --max training_memory=1G --freeze nothing", "freeze: nothing names no row or group"),
        ("sweep resnet18 --width 1 --columns backward_macs --freeze nothing", "freeze: nothing names no row or group"),
        ("training resnet18 --memory much", "is no number of bytes"),
        ("training resnet18 --memory -5G", "is no number of bytes"),
    ],
)
def test_nonsense_is_refused(words: str, said: str, run: Run) -> None:
    code, _, err = run(*words.split())
    assert (code, said in err) == (2, True)


def test_whose_gradients_nobody_knows_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    layers = "{conv: {out: 3, kernel: 1}}, {custom: {macs: 9}, name: mine}, {custom: {macs: 9}, name: other}"
    path.write_text(f"costcalc: 1\ninput: [3, 8, 8]\nlayers: [{layers}]\n", encoding="utf-8")
    said = "nobody knows what gradients of mine and 1 other row take: the forward pass is stated, not derived"
    assert said in run("training", str(path)).out
