"""The networks that cost tools are run on: how PyTorch gets each, and how costcalc does.

Nothing here needs PyTorch before a network is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

RESOLUTION = 160  # that no published table has
OPTIONS: dict[str, dict[str, Any]] = {  # of torchvision's functions
    "googlenet": {"init_weights": False, "aux_logits": False},
    "inception_v3": {"init_weights": False, "aux_logits": False},
    "fcn_resnet50": {"weights_backbone": None},
    "deeplabv3_resnet50": {"weights_backbone": None},
}
TORCHVISION = (
    "alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_b3 efficientnet_v2_s googlenet inception_v3 "
    "mnasnet0_5 mnasnet1_0 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_y_400mf resnet18 resnet50 "
    "resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 squeezenet1_0 squeezenet1_1 vgg11 vgg16_bn wide_resnet50_2 "
    "fcn_resnet50 deeplabv3_resnet50 mobilenet_v2@0.5 mobilenet_v2@1.4"
).split()  # a width after the @
# Specs and their resolutions: 163 and 348 leave a size to the pools and crops that need one.
SPECS = dict.fromkeys(
    (
        "mobilenet_v1 shufflenet_v1 nasnet_a_mobile resnet50 ghostnet condensenet hrnet_w18_small bn_inception "
        "efficientnet_b0 googlenet_caffe darts mobilenet_v4_conv_small yolo_v3 mobilenet_v1@0.5 resnet50@0.25"
    ).split(),
    RESOLUTION,
) | {"squeezenet1_0_caffe": 163, "alexnet_grouped": 163, "unet": 348}

IMAGE = (16, 8, 8)  # of the networks of one operator
VIDEO = (16, 4, 8, 6)
BASE = {"conv": {"out": 16, "kernel": 1, "bias": False}, "name": "base"}  # before it, so that all tools find weights


class Operator(NamedTuple):
    """One operator: as layers of a spec, and as a module that PyTorch's own classes make."""

    layers: list[Any]
    module: Callable[[Any], Any]
    reference: dict[str, list[str]] = {}


def _conv(out: int, kernel: int, **options: Any) -> Callable[[Any], Any]:
    return lambda torch: torch.nn.Conv2d(16, out, kernel, **{"bias": False} | options)


def _written(torch: Any, forward: Callable[[Any, Any], Any], **parts: Any) -> Any:
    """Return a module that runs a function of itself and the tensor."""
    module = type("Written", (torch.nn.Module,), {"forward": forward})()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


def _functional(torch: Any) -> Any:
    kernels = torch.nn.Parameter(torch.ones(8, 16, 3, 3))
    return _written(torch, lambda m, t: torch.nn.functional.conv2d(t, m.kernels, padding=1), kernels=kernels)


def _twice(torch: Any) -> Any:
    conv = torch.nn.Conv2d(16, 16, 3, padding=1, bias=False)
    return torch.nn.Sequential(conv, conv)


def _squeeze(torch: Any) -> Any:
    nn = torch.nn
    steps = (nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1), nn.Sigmoid())
    return _written(torch, lambda m, t: t * m.gate(t), gate=nn.Sequential(*steps))


def _recurrent(cls: Any, options: dict[str, Any]) -> Any:
    """Return a recurrent layer over an image's pixels, as PyTorch's users write it."""
    import torch

    layer = cls(16, 8, batch_first=True, **options)
    return _written(torch, lambda m, t: m.layer(t.flatten(2).transpose(1, 2))[0], layer=layer)


SQUEEZE = [
    "global_avg_pool",
    {"fc": {"out": 4, "act": "relu"}, "name": "fc1"},
    {"fc": {"out": 16, "act": "sigmoid"}, "name": "fc2"},
    {"multiply": ["base", []]},
]
PLAIN: dict[str, Any] = {"kernel": 3, "padding": 1, "bias": False}
TRANSPOSED: dict[str, Any] = {"stride": 2, "padding": 1, "bias": False}
OPERATORS = {
    "conv3x3 16->8 +bias": Operator([{"conv": PLAIN | {"out": 8, "bias": True}}], _conv(8, 3, padding=1, bias=True)),
    "conv3x3 16->8": Operator([{"conv": PLAIN | {"out": 8}}], _conv(8, 3, padding=1)),
    "dwconv3x3": Operator([{"dwconv": PLAIN}], _conv(16, 3, padding=1, groups=16)),
    "conv3x3 d2": Operator(
        [{"conv": PLAIN | {"out": 8, "padding": 2, "dilation": 2}}], _conv(8, 3, padding=2, dilation=2)
    ),
    "conv3x3 padding='same'": Operator([{"conv": PLAIN | {"out": 8, "padding": "same"}}], _conv(8, 3, padding="same")),
    "conv4x4 padding='same'": Operator(
        [{"conv": PLAIN | {"out": 8, "kernel": 4, "padding": "same"}}], _conv(8, 4, padding="same")
    ),
    "F.conv2d 3x3 16->8": Operator([{"conv": PLAIN | {"out": 8}, "name": "op"}], _functional, {"functional": ["op"]}),
    "same module called 2x (16->16 k3)": Operator([{"conv": PLAIN | {"out": 16}, "share": "it"}] * 2, _twice),
    "convT4x4 s2 16->8": Operator(
        [{"conv_transpose": TRANSPOSED | {"out": 8, "kernel": 4}}],
        lambda torch: torch.nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False),
    ),
    "convT3x3 s2 g16": Operator(
        [{"conv_transpose": TRANSPOSED | {"out": 16, "kernel": 3, "groups": 16, "output_padding": 1}}],
        lambda torch: torch.nn.ConvTranspose2d(16, 16, 3, 2, 1, 1, groups=16, bias=False),
    ),
    "BatchNorm2d": Operator(["batch_norm"], lambda torch: torch.nn.BatchNorm2d(16)),
    "GroupNorm": Operator([{"group_norm": {"groups": 4}}], lambda torch: torch.nn.GroupNorm(4, 16)),
    "ReLU": Operator(["relu"], lambda torch: torch.nn.ReLU()),
    "SiLU": Operator(["silu"], lambda torch: torch.nn.SiLU()),
    "Sigmoid": Operator(["sigmoid"], lambda torch: torch.nn.Sigmoid()),
    "Hardswish": Operator(["hard_swish"], lambda torch: torch.nn.Hardswish()),
    "MaxPool 3x3 s2": Operator(
        [{"max_pool": {"kernel": 3, "stride": 2, "padding": 1}}], lambda torch: torch.nn.MaxPool2d(3, 2, 1)
    ),
    "AvgPool 2x2 s2": Operator([{"avg_pool": {"kernel": 2}}], lambda torch: torch.nn.AvgPool2d(2)),
    "GlobalAvgPool": Operator(["global_avg_pool"], lambda torch: torch.nn.AdaptiveAvgPool2d(1)),
    "Upsample nearest x2": Operator([{"upsample": {"scale": 2}}], lambda torch: torch.nn.Upsample(scale_factor=2)),
    "Upsample bilinear x2": Operator(
        [{"upsample": {"scale": 2, "mode": "bilinear"}}],
        lambda torch: torch.nn.Upsample(scale_factor=2, mode="bilinear"),
    ),
    "Softmax(dim=1)": Operator(["softmax"], lambda torch: torch.nn.Softmax(1)),
    "LRN(5)": Operator(["lrn"], lambda torch: torch.nn.LocalResponseNorm(5)),
    "add": Operator([{"add": [[], []]}], lambda torch: _written(torch, lambda _, t: t + t)),
    "concat": Operator([{"concat": [[], []]}], lambda torch: _written(torch, lambda _, t: torch.cat([t, t], 1))),
    "SE r=4": Operator(SQUEEZE, _squeeze, {"convolution": ["fc1", "fc2"]}),
    "Linear 1024->10 +bias": Operator(
        ["flatten", {"fc": {"out": 10}}],
        lambda torch: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 10)),
    ),
    "Dropout": Operator(["dropout"], lambda torch: torch.nn.Dropout()),
    **{
        f"{kind.upper()}{said}": Operator(
            [{"flatten": {"start": 1}}, {kind: fields}],
            lambda torch, kind=kind, options=options: _recurrent(getattr(torch.nn, kind.upper()), options),
        )
        for kind in ("lstm", "gru", "rnn")
        for said, fields, options in (
            ("", {"hidden": 8}, {}),
            (" of two layers, both ways, no bias",
             {"hidden": 8, "layers": 2, "bidirectional": True, "bias": False},
             {"num_layers": 2, "bidirectional": True, "bias": False}),
            *([(" with a projection", {"hidden": 8, "projection": 4}, {"proj_size": 4})] if kind == "lstm" else []),
        )
    },
    "LSTMCell": Operator(
        [{"global_avg_pool": None, "name": "x"}, {"lstm_cell": {"hidden": 16}, "from": ["x"] * 3}],
        lambda torch: _written(torch, lambda m, t: m.c(x := t.mean((2, 3)), (x, x))[0], c=torch.nn.LSTMCell(16, 16)),
        {"mean": ["x"]},
    ),
    "GRUCell": Operator(
        [{"global_avg_pool": None, "name": "x"}, {"gru_cell": {"hidden": 16}, "from": ["x"] * 2}],
        lambda torch: _written(torch, lambda m, t: m.c(x := t.mean((2, 3)), x), c=torch.nn.GRUCell(16, 16)),
        {"mean": ["x"]},
    ),
    "Embedding": Operator(
        ["sigmoid", {"embedding": {"count": 9, "out": 8}}],
        lambda torch: _written(torch, lambda m, t: m.e(t.sigmoid().long()), e=torch.nn.Embedding(9, 8)),
        {"functional": ["sigmoid"]},
    ),
}  # fmt: skip


# Further operators, as costcalc's own networks have them: an input, and the layers after the first convolution.
FURTHER: dict[str, tuple[tuple[int, ...], list[Any]]] = {
    "conv over one axis": ((16, 30), [{"conv": {"out": 8, "kernel": 5, "stride": 2, "groups": 2}}]),
    "conv 3x5, uneven stride": (IMAGE, [{"conv": {"out": 8, "kernel": [3, 5], "stride": [2, 1], "padding": [1, 0]}}]),
    "conv, bias, norm and relu": (IMAGE, [{"conv": PLAIN | {"out": 8, "bias": True, "norm": "batch", "act": "relu"}}]),
    "dwconv, multiplier, bias": (IMAGE, [{"dwconv": {"kernel": 3, "multiplier": 2}}]),
    "convT, bias": (IMAGE, [{"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}]),
    "convT, groups, bias": (IMAGE, [{"conv_transpose": {"out": 16, "kernel": 3, "groups": 4, "padding": 1}}]),
    "convT over one axis": ((16, 30), [{"conv_transpose": {"out": 8, "kernel": 3, "stride": 2}}]),
    "fc without bias": ((16, 8, 8), ["flatten", {"fc": {"out": 10, "bias": False}}]),
    "batch norm without gamma": (IMAGE, [{"batch_norm": {"affine": False}}]),
    "batch norm over one axis": ((16, 30), ["batch_norm"]),
    "batch norm after relu": (IMAGE, ["relu", "batch_norm"]),
    "group norm without gamma": (IMAGE, [{"group_norm": {"groups": 4, "affine": False}}]),
    "instance norm": (IMAGE, ["instance_norm"]),
    "instance norm with gamma": (IMAGE, [{"instance_norm": {"affine": True}}]),
    "layer norm over all": (IMAGE, [{"layer_norm": {"over": "all"}}]),
    "layer norm": (IMAGE, ["layer_norm"]),
    "layer norm without beta": (IMAGE, [{"layer_norm": {"bias": False}}]),
    "layer norm without gamma": (IMAGE, [{"layer_norm": {"affine": False}}]),
    "rms norm": (IMAGE, ["rms_norm"]),
    "lrn": (IMAGE, [{"lrn": {"size": 3}}]),
    **{
        act: (IMAGE, [act])
        for act in (
            "relu6 leaky_relu prelu elu selu celu gelu tanh hard_sigmoid hard_tanh mish softplus softsign log_sigmoid"
        ).split()
    },
    "softmax over columns": (IMAGE, [{"softmax": {"axis": 2}}]),
    "log softmax": (IMAGE, ["log_softmax"]),
    "glu": (IMAGE, ["glu"]),
    "max pool 2x3": (IMAGE, [{"max_pool": {"kernel": [2, 3]}}]),
    "max pool over one axis": ((16, 30), [{"max_pool": {"kernel": 3, "stride": 2}}]),
    "avg pool over one axis": ((16, 30), [{"avg_pool": {"kernel": 3, "stride": 2}}]),
    "avg pool 3x3, padded": (IMAGE, [{"avg_pool": {"kernel": 3, "stride": 1, "padding": "same"}}]),
    "global avg pool over one axis": ((16, 30), ["global_avg_pool"]),
    "global max pool": (IMAGE, ["global_max_pool"]),
    "adaptive avg pool 4": (IMAGE, [{"adaptive_avg_pool": {"size": 4}}]),
    "adaptive avg pool 3x5": (IMAGE, [{"adaptive_avg_pool": {"size": [3, 5]}}]),
    "adaptive max pool 3": (IMAGE, [{"adaptive_max_pool": {"size": 3}}]),
    "upsample to a size": (IMAGE, [{"upsample": {"size": [12, 20], "mode": "bilinear"}}]),
    "upsample bicubic": (IMAGE, [{"upsample": {"scale": 2, "mode": "bicubic"}}]),
    "upsample linear": ((16, 30), [{"upsample": {"scale": 2, "mode": "linear"}}]),
    "upsample 1x2": (IMAGE, [{"upsample": {"scale": [1, 2]}}]),
    "pixel shuffle": (IMAGE, [{"pixel_shuffle": {"scale": 2}}]),
    "channel shuffle": (IMAGE, [{"shuffle": {"groups": 4}}]),
    "sum of three": (IMAGE, [{"add": [[], [], []]}]),
    "product": (IMAGE, [{"multiply": [[], []]}]),
    "matmul": (IMAGE, [{"matmul": [[], []]}]),
    "scale": (IMAGE, ["scale"]),
    "einsum": ((16, 30), [{"einsum": {"equation": "cl,kl->ck"}, "from": ["base", "base"]}]),
    "cumsum": ((16, 30), ["cumsum"]),
    "argmax": ((16, 30), ["argmax"]),
    "topk": ((16, 30), [{"topk": {"count": 3}}]),
    "where": ((16, 30), [{"compare": {"by": 0}, "name": "m"}, {"where": {"otherwise": 0}, "from": ["m", "base"]}]),
    "conv over three axes": (
        VIDEO, [{"conv": {"out": 8, "kernel": [3, 5, 3], "stride": [1, 2, 2], "padding": "half"}}],
    ),
    "conv over three axes, same": (VIDEO, [{"conv": {"out": 8, "kernel": 3, "padding": "same"}}]),
    "conv over three axes, norm and relu": (VIDEO, [{"conv": PLAIN | {"out": 8, "norm": "batch", "act": "relu"}}]),
    "dwconv over three axes": (VIDEO, [{"dwconv": {"kernel": [3, 1, 1], "padding": "half", "bias": False}}]),
    "convT over three axes": (VIDEO, [{"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}]),
    "convT over three axes, groups": (VIDEO, [{"conv_transpose": TRANSPOSED | {"out": 16, "kernel": 3, "groups": 4}}]),
    "batch norm over three axes": (VIDEO, ["batch_norm"]),
    "group norm over three axes": (VIDEO, [{"group_norm": {"groups": 4}}]),
    "instance norm over three axes": (VIDEO, [{"instance_norm": {"affine": True}}]),
    "layer norm over three axes": (VIDEO, ["layer_norm"]),
    "lrn over three axes": (VIDEO, ["lrn"]),
    "relu over three axes": (VIDEO, ["relu"]),
    "silu over three axes": (VIDEO, ["silu"]),
    "prelu over three axes": (VIDEO, ["prelu"]),
    "softmax over three axes": (VIDEO, ["softmax"]),
    "max pool over three axes": (VIDEO, [{"max_pool": {"kernel": [1, 3, 2], "stride": [1, 2, 2]}}]),
    "max pool 3x3x3": (VIDEO, [{"max_pool": {"kernel": 3, "stride": 2, "padding": 1}}]),
    "avg pool over three axes": (VIDEO, [{"avg_pool": {"kernel": [2, 3, 2], "stride": 2}}]),
    "avg pool 2x2x2": (VIDEO, [{"avg_pool": {"kernel": 2}}]),
    "global avg pool over three axes": (VIDEO, ["global_avg_pool"]),
    "global max pool over three axes": (VIDEO, ["global_max_pool"]),
    "adaptive avg pool over three axes": (VIDEO, [{"adaptive_avg_pool": {"size": [2, 4, 3]}}]),
    "adaptive avg pool 3x3x2": (VIDEO, [{"adaptive_avg_pool": {"size": [3, 3, 2]}}]),
    "adaptive max pool over three axes": (VIDEO, [{"adaptive_max_pool": {"size": [2, 3, 3]}}]),
    "upsample over three axes": (VIDEO, [{"upsample": {"scale": 2}}]),
    "upsample 1x2x2": (VIDEO, [{"upsample": {"scale": [1, 2, 2]}}]),
    "upsample trilinear": (VIDEO, [{"upsample": {"scale": 2, "mode": "trilinear"}}]),
    "upsample trilinear to a size": (VIDEO, [{"upsample": {"size": [6, 10, 12], "mode": "trilinear"}}]),
    "add over three axes": (VIDEO, [{"add": [[], []]}]),
}  # fmt: skip


def operator_spec(name: str = "") -> dict[str, Any]:
    """Return the spec of an operator's network; without a name, of the convolution before it alone."""
    operator = OPERATORS.get(name) or Operator([], lambda _: None)
    spec = {"costcalc": 1, "input": list(IMAGE), "layers": [BASE, *operator.layers]}
    if name in FURTHER:
        spec = {"costcalc": 1, "input": list(FURTHER[name][0]), "layers": [BASE, *FURTHER[name][1]]}
    return spec | ({"reference": {"from": "PyTorch", **operator.reference}} if operator.reference else {})


def known(name: str) -> tuple[Any, dict[str, Any]]:
    """Return costcalc's spec of a network, and the knobs: a width stands after an @."""
    if name in OPERATORS or name in FURTHER or not name:
        return operator_spec(name), {}
    network, _, width = name.partition("@")
    return network, {"resolution": SPECS.get(name, RESOLUTION)} | ({"width": float(width)} if width else {})


def _torchvision(name: str) -> tuple[Any, tuple[int, ...]]:
    from torchvision.models import get_model

    name, _, width = name.partition("@")
    options = OPTIONS.get(name, {}) | ({"width_mult": float(width)} if width else {})
    return get_model(name, weights=None, **options), (3, RESOLUTION, RESOLUTION)


def _built(name: str) -> tuple[Any, tuple[int, ...]]:
    """Return a network that costcalc builds; its modules are numbered, as some tools refuse the names of rows."""
    import torch

    import costcalc
    from costcalc import torch as builder

    spec, knobs = known(name)
    network = builder.build(spec, **knobs)
    forward = type(network).forward
    numbered = _written(torch, forward, nodes=torch.nn.ModuleList(network.nodes))
    return numbered, costcalc.count(spec, **knobs).graph.input_shapes["input"].dims


def _one_operator(name: str) -> tuple[Any, tuple[int, ...]]:
    import torch

    base = torch.nn.Conv2d(16, 16, 1, bias=False)
    return torch.nn.Sequential(base, *([OPERATORS[name].module(torch)] if name else [])), IMAGE


GROUPS: dict[str, tuple[Callable[[str], tuple[Any, tuple[int, ...]]], Iterable[str]]] = {
    "torchvision": (_torchvision, TORCHVISION),
    "specs": (_built, SPECS),
    "operators": (_one_operator, ("", *OPERATORS)),
    "further": (_built, FURTHER),
}
