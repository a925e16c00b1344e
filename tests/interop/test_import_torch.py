"""Import from PyTorch: small modules with rows and counts by hand, what is refused, real networks where installed."""

from __future__ import annotations

import csv
import importlib.util
import warnings
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.base.errors import SpecError
from costcalc.graph.expand import expand
from costcalc.interop.torch.importer import from_torch
from costcalc.interop.torch.target import load_target
from costcalc.numbers import num

torch = pytest.importorskip("torch")

from fuzz_torch import outcome, run  # noqa: E402
from import_models import Direct, compared, difference  # noqa: E402

from costcalc.interop.torch.verify import verify  # noqa: E402

nn, F = torch.nn, torch.nn.functional


class Net(nn.Module):
    """A module made of parts and one function: what `forward` of a real network would say."""

    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = forward

    def forward(self, x: Any) -> Any:
        return self.run(self, x)


def parameter(*shape: int) -> Any:
    return nn.Parameter(torch.ones(shape))


class Standardized(nn.Conv2d):
    """Weights that pass through a norm on their way, with a learned gain."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gain = parameter(self.out_channels, 1, 1, 1)

    def forward(self, x: Any) -> Any:
        flat = self.weight.reshape(1, self.out_channels, -1)
        weight = F.batch_norm(flat, None, None, self.gain.view(-1), training=True).reshape_as(self.weight)
        return F.conv2d(x, weight, self.bias)


class Reparameterized(nn.Module):
    """RepVGG's two kernels, added before they are used."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = parameter(8, 4, 3, 3), parameter(8, 4, 1, 1)

    def forward(self, x: Any) -> Any:
        return F.conv2d(x, self.wide + F.pad(self.narrow, [1, 1, 1, 1]), padding=1)


class Window(nn.Module):
    """Swin's attention in windows of 4 x 4, with a table of positions; of 8 channels and two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj, self.table = nn.Linear(8, 24), nn.Linear(8, 8), parameter(49, 2)
        self.register_buffer("index", torch.zeros(256, dtype=torch.int64))

    def forward(self, x: Any) -> Any:
        b, c, h, w = x.shape
        x = x.permute(0, 2, 3, 1).view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = self.qkv(x).reshape(-1, 16, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index].view(16, 16, 2).permute(2, 0, 1)
        scores = (q * 0.5 @ k.transpose(-2, -1) + bias.unsqueeze(0)).softmax(-1)
        return self.proj((scores @ v).transpose(1, 2).reshape(-1, 16, c))


class Tokens(nn.Module):
    """ViT's input: patches, a class token, a position embedding, and one attention of PyTorch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.attention = nn.Conv2d(3, 8, 4, 4), nn.MultiheadAttention(8, 2, batch_first=True)
        self.token, self.positions = parameter(1, 1, 8), parameter(1, 5, 8)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.attention(x, x, x, need_weights=False)[0]


class Continuous(nn.Module):
    """Swin v2's positions: a small network runs on constants in each forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 4, bias=False))
        self.register_buffer("coordinates", torch.zeros(9, 2))

    def forward(self, x: Any) -> Any:
        return x + self.mlp(self.coordinates).t().reshape(1, 4, 3, 3)


def conditional(net: Any, x: Any) -> Any:
    """Kernels that are mixed from two experts by the image."""
    routing = torch.sigmoid(net.route(x.mean((2, 3))))
    weight = (routing @ net.experts).view(8, 4, 3, 3)
    return F.conv2d(x, weight, padding=1)


def gated(net: Any, x: Any) -> Any:
    return x * net.gate(F.relu(net.squeeze(x.mean((2, 3), keepdim=True)))).sigmoid()


def eca(net: Any, x: Any) -> Any:
    gate = net.conv(x.mean((2, 3)).view(1, 1, -1)).sigmoid()
    return x * gate.view(1, -1, 1, 1).expand_as(x)


def shuffled(_: Any, x: Any) -> Any:
    b, c, h, w = x.shape
    return x.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, c, h, w)


def fire(net: Any, x: Any) -> Any:
    y = F.relu(net.squeeze(x))
    return torch.cat([F.relu(net.one(y)), F.relu(net.three(y))], 1)


def convnext(net: Any, x: Any) -> Any:
    y = net.dw(x).permute(0, 2, 3, 1)
    y = net.down(F.gelu(net.up(net.norm(y)))).permute(0, 3, 1, 2)
    return x + net.gamma * y


TOKENS = """
conv reshape parameter concat parameter add fc reshape slice slice slice
reshape reshape reshape permute permute permute attention permute reshape fc permute
"""


def cases() -> dict[str, tuple[Any, tuple[int, ...], str, int, int]]:
    """Return by name: a module, its input, the kinds of its rows, and parameters and MACs by hand."""
    conv = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
    twice = nn.Conv2d(4, 4, 1)
    return {
        "conv, norm, relu": (
            nn.Sequential(conv, nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout(inplace=True), nn.Identity()),
            (3, 8, 8), "conv batch_norm relu", 8 * 27 + 16, 16 * 8 * 27,
        ),
        "residual": (Net(lambda n, x: x + n.c(x), c=nn.Conv2d(4, 4, 3, padding=1)), (4, 5, 5), "conv add", 148, 3600),
        "classifier": (
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(inplace=True), nn.Linear(4, 10)),
            (4, 5, 5), "global_avg_pool fc", 50, 40,
        ),
        "flattened classifier": (
            nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10)),
            (4, 6, 6), "adaptive_avg_pool flatten fc", 170, 160,
        ),
        "squeeze and excite": (
            Net(gated, squeeze=nn.Conv2d(8, 2, 1), gate=nn.Conv2d(2, 8, 1)),
            (8, 4, 4), "reduce_axes conv relu conv sigmoid multiply", 18 + 24, 32,
        ),
        "efficient channel attention": (
            Net(eca, conv=nn.Conv1d(1, 1, 3, padding=1, bias=False)),
            (8, 4, 4), "global_avg_pool reshape conv sigmoid flatten multiply", 3, 24,
        ),
        "ConvNeXt's block: no axes are moved": (
            Net(convnext, dw=nn.Conv2d(4, 4, 3, padding=1, groups=4), norm=nn.LayerNorm(4), up=nn.Linear(4, 8),
                down=nn.Linear(8, 4), gamma=parameter(4, 1, 1)),
            (4, 5, 5), "dwconv layer_norm fc gelu fc scale add", 40 + 8 + 40 + 36 + 4, 25 * (36 + 64),
        ),
        "SqueezeNet's fire2: 11,920 parameters in arXiv:1602.07360, Table 1": (
            Net(fire, squeeze=nn.Conv2d(96, 16, 1), one=nn.Conv2d(16, 64, 1), three=nn.Conv2d(16, 64, 3, padding=1)),
            (96, 5, 5), "conv relu conv relu conv relu concat", 11920, 25 * (96 * 16 + 16 * 64 + 9 * 16 * 64),
        ),
        "MobileNetV2's inverted residual, t = 6": (
            Net(
                lambda n, x: x + n.narrow(n.within(n.wide(x))),
                wide=nn.Sequential(nn.Conv2d(24, 144, 1, bias=False), nn.BatchNorm2d(144), nn.ReLU6(inplace=True)),
                within=nn.Sequential(
                    nn.Conv2d(144, 144, 3, padding=1, groups=144, bias=False), nn.BatchNorm2d(144),
                    nn.ReLU6(inplace=True),
                ),
                narrow=nn.Sequential(nn.Conv2d(144, 24, 1, bias=False), nn.BatchNorm2d(24)),
            ),
            (24, 4, 4), "conv batch_norm relu6 dwconv batch_norm relu6 conv batch_norm add",
            6 * 24 * (24 + 9 + 24) + 2 * (144 + 144 + 24), 16 * 6 * 24 * (24 + 9 + 24),
        ),
        "shuffle": (Net(shuffled), (8, 3, 3), "reshape permute reshape", 0, 0),
        "recurrent, both ways": (
            Net(
                lambda n, x: n.r(n.g(n.l(x.transpose(1, 2))[0].relu())[0])[0][:, -1],
                l=nn.LSTM(6, 4, 2, batch_first=True, bidirectional=True), g=nn.GRU(8, 5, batch_first=True),
                r=nn.RNN(5, 3, nonlinearity="relu", batch_first=True, bias=False),
            ),
            (6, 7), "lstm relu gru rnn slice flatten",
            2 * 4 * 4 * (10 + 12) + 4 * 32 + 3 * 5 * 13 + 30 + 24, 7 * (2 * 4 * 4 * (10 + 12) + 3 * 5 * 13 + 24),
        ),
        "the last state of a projected one": (
            Net(lambda n, x: n.l(x.permute(2, 0, 1))[1][0].sum(0), l=nn.LSTM(6, 4, proj_size=2)),
            (6, 7), "lstm reduce_axes", 4 * 4 * 8 + 32 + 8, 7 * (4 * 4 * 8 + 8),
        ),
        "tokens": (
            Tokens(), (3, 8, 8),
            TOKENS,
            8 * 48 + 8 + 8 + 40 + 216 + 72, 4 * 8 * 48 + 5 * 192 + 2 * 25 * 8 + 5 * 64,
        ),
        "windows": (
            Window(), (8, 8, 8), "", 216 + 72 + 98, 64 * (192 + 64) + 4 * 2 * 2 * 16 * 16 * 4,
        ),
        "positions that are computed": (
            Continuous(), (4, 3, 3), "parameter fc relu fc reshape add", 18 + 24, 9 * (12 + 24),
        ),
        "weights that are standardized": (
            Standardized(3, 8, 3), (3, 6, 6), "weight_params conv", 224 + 8, 16 * 216,
        ),
        "kernels that are added": (Reparameterized(), (4, 5, 5), "weight_params conv", 8 * 36 + 8 * 4, 25 * 8 * 36),
        "kernels that are mixed": (
            Net(conditional, route=nn.Linear(4, 2), experts=parameter(2, 8 * 4 * 9)),
            (4, 5, 5), "global_avg_pool fc sigmoid fc reshape dynamic_conv", 10 + 576, 8 + 576 + 25 * 288,
        ),
        "kernels that are stored": (
            Net(lambda n, x: F.conv2d(x, n.blur, stride=2, groups=4), blur=nn.Buffer(torch.ones(4, 1, 3, 3))),
            (4, 7, 7), "parameter dynamic_conv", 0, 9 * 36,
        ),
        "one layer, two calls": (nn.Sequential(twice, nn.ReLU(), twice), (4, 3, 3), "conv relu conv", 20, 2 * 144),
        "SAME padding": (
            nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 4, 3, 2)),
            (3, 8, 8), "conv", 112, 16 * 108,
        ),
        "stored statistics over one pixel": (
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.InstanceNorm2d(4, affine=True, track_running_stats=True)),
            (4, 5, 5), "global_avg_pool reshape instance_norm reshape", 8, 0,
        ),
        "a border that wins no maximum": (
            Net(lambda _, x: F.max_pool2d(F.pad(x, [0, 1, 0, 1], value=-torch.inf), 3, 2)),
            (3, 8, 8), "max_pool", 0, 0,
        ),
        "a border that is mirrored": (
            nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(3, 4, 3)),
            (3, 8, 8), "pad conv", 112, 64 * 108,
        ),
        "parts": (
            Net(lambda _, x: torch.cat([a.relu() if k else a for k, a in enumerate(x.chunk(2, 1))], 1)[:, ::2]),
            (8, 4, 4), "split relu concat slice", 0, 0,
        ),
        "sizes of its own": (
            Net(lambda _, x: torch.cat([a.tanh() for a in x.split([2, 6], 2)], 3 - 1)),
            (4, 8, 8), "split tanh tanh concat", 0, 0,
        ),
        "einsum": (
            Net(lambda _, x: torch.einsum("bchw,bdhw->bcd", x, x)), (4, 3, 3),
            "reshape permute reshape matmul", 0, 4 * 9 * 4,
        ),
        "a learned matrix": (Net(lambda n, x: x @ n.w, w=parameter(6, 5)), (4, 6), "permute fc permute", 30, 4 * 30),
        "norm of several axes": (
            nn.LayerNorm([4, 3, 3]), (4, 3, 3), "flatten layer_norm reshape", 72, 0,
        ),
        "norm without an addend": (
            Net(lambda n, x: n.n(x.movedim(1, -1)).movedim(-1, 1), n=nn.LayerNorm(4, bias=False)),
            (4, 3, 3), "layer_norm", 4, 0,
        ),
        "one convolution over windows": (
            Net(lambda n, x: n.c(x.view(4, 2, 4, 4)).view(1, 8, 4, 4), c=nn.Conv2d(2, 2, 3, padding=1)),
            (8, 4, 4), "", 38, 4 * 16 * 36,
        ),
        "activations": (
            nn.Sequential(nn.ReLU6(), nn.Hardswish(), nn.SiLU(), nn.LeakyReLU(0.1), nn.PReLU(4), nn.ELU(), nn.Mish()),
            (4, 3, 3), "relu6 hard_swish swish leaky_relu prelu elu mish", 4, 0,
        ),
        "a softmax along any axis": (Net(lambda _, x: x.softmax(-1)), (4, 3, 5), "softmax", 0, 0),
        "a border of a volume": (
            nn.Sequential(nn.ConstantPad3d((0, 1, 1, 0, 2, 0), 0), nn.Conv3d(3, 4, (3, 2, 2))),
            (3, 4, 6, 6), "conv", 4 * 36 + 4, 4 * 6 * 6 * 4 * 36,
        ),
        "squeeze and excite over a volume": (
            Net(lambda n, x: x * n.b(F.relu(n.a(x.mean((2, 3, 4), keepdim=True)))).sigmoid(),
                a=nn.Conv3d(8, 2, 1), b=nn.Conv3d(2, 8, 1)),
            (8, 2, 4, 4), "reduce_axes conv relu conv sigmoid multiply", 18 + 24, 32,
        ),
        "maxima of a volume and their places": (
            Net(lambda _, x: F.max_pool3d(x, 2, return_indices=True)[0]), (3, 4, 6, 6), "max_pool", 0, 0,
        ),
        "up and down": (
            nn.Sequential(nn.ConvTranspose2d(4, 2, 2, 2), nn.Upsample(scale_factor=2), nn.PixelUnshuffle(2)),
            (4, 3, 3), "conv_transpose upsample space_to_depth", 34, 9 * 4 * 2 * 4,
        ),
    }  # fmt: skip


def attention(**options: Any) -> Any:
    return nn.MultiheadAttention(64, 4, batch_first=True, **options)


def cross_attention(net: Any, x: Any, **options: Any) -> Any:
    return net.m(x, 2 * x, 2 * x, **options)[0]


class Queries(nn.Module):
    """DETR's head: learned queries read the image's positions, and become classes and boxes."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerDecoderLayer(64, 4, 128, batch_first=True)
        self.decoder, self.queries = nn.TransformerDecoder(layer, 2), nn.Embedding(10, 64)
        self.classes, self.boxes = nn.Linear(64, 5), nn.Linear(64, 4)

    def forward(self, x: Any) -> Any:
        y = self.decoder(self.queries.weight.unsqueeze(0), x)
        return self.classes(y), self.boxes(y).sigmoid()


class Anchors(nn.Module):
    """The head of a YOLO that was just built: anchors made on the way, distances as a distribution of four bins."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 20, 3, 2, 1), nn.Conv2d(20, 20, 3, 2, 1)
        self.dfl = nn.Conv2d(4, 1, 1, bias=False)

    def forward(self, x: Any) -> Any:
        maps = [self.a(x)]
        maps.append(self.b(maps[0]))
        points, strides = [], []
        for one, stride in zip(maps, (2, 4), strict=True):
            high, wide = one.shape[2:]
            across = torch.arange(wide, device=one.device, dtype=one.dtype) + 0.5
            down = torch.arange(high, device=one.device).type_as(one) + 0.5
            down, across = torch.meshgrid(down, across, indexing="ij")
            points.append(torch.stack((across, down), -1).view(-1, 2))
            strides.append(torch.full((high * wide, 1), stride, dtype=one.dtype, device=one.device))
        anchors, sizes = torch.cat(points).transpose(0, 1), torch.cat(strides).transpose(0, 1)
        box, kind = torch.cat([one.view(1, 20, -1) for one in maps], 2).split((16, 4), 1)
        box = self.dfl(box.view(1, 4, 4, -1).transpose(2, 1).softmax(1)).view(1, 4, -1)
        before, after = box.chunk(2, 1)
        first, last = anchors.unsqueeze(0) - before, anchors.unsqueeze(0) + after
        return torch.cat((torch.cat(((first + last) / 2, last - first), 1) * sizes, kind.sigmoid()), 1)


def written(change: Callable[[Any, Any], Any]) -> Any:
    """A module that changes a tensor in place before it returns it."""

    def forward(_: Any, x: Any) -> Any:
        y = x * 1.5
        change(y, x)
        return y

    return Net(forward)


def part_of_kernel(*parts: slice) -> Any:
    """Convolutions with parts of one kernel of 4 filters; without a part, with all of it."""
    conv = nn.Conv2d(6, 4, 3, bias=False)
    return Net(lambda n, x: torch.cat([F.conv2d(x, n.conv.weight[part]) for part in parts], 1), conv=conv)


def put(y: Any, x: Any, *index: Any) -> None:
    y[index] = x[index] * 2


MHA = 4 * 64 * 64 + 4 * 64
MHA_MACS = 4 * 30 * 64 * 64 + 2 * 30 * 30 * 64
DECODER = 2 * MHA + 64 * 128 + 128 + 128 * 64 + 64 + 3 * 128
NAMES = Net(lambda _, x: (y := x * 2, z := y.flatten(2), y.relu_(), z)[-1])
EARLIER = Net(lambda _, x: (y := x.relu(), z := y[:, :2], y.mul_(2), z)[-1])


def odd() -> dict[str, tuple[Any, tuple[int, ...], str, int, int]]:
    """Return modules as `cases` does: attention as PyTorch says it, parts of parameters, what is changed in place."""
    image, tokens = (6, 8, 8), (30, 64)
    causal = torch.ones(30, 30).triu(1).bool()
    return {
        "the second of four parts of a kernel": (
            Net(lambda n, x: F.conv2d(x, n.w.split(4)[1]), w=parameter(16, 6, 3, 3)),
            image, "conv weight_params", 16 * 54, 36 * 4 * 54,
        ),
        "two parts that are the whole": (part_of_kernel(slice(2), slice(2, 4)), image, "conv conv concat", 216, 7776),
        "parts that overlap": (
            part_of_kernel(slice(3), slice(2, 4)), image, "", 216, 36 * 5 * 54,
        ),
        "a part, and the whole": (part_of_kernel(slice(2), slice(4)), image, "", 216, 36 * 6 * 54),
        "the whole, and a part": (part_of_kernel(slice(4), slice(2)), image, "", 216, 36 * 6 * 54),
        "one part twice": (part_of_kernel(slice(2), slice(2)), image, "conv weight_params conv concat", 216, 7776),
        "attention of three tensors": (Net(lambda n, x: n.m(x, 2 * x, 3 * x)[0], m=attention()), tokens,
            "", MHA, MHA_MACS),
        "attention of a tensor to another": (Net(lambda n, x: n.m(x, 2 * x, 2 * x), m=attention()), tokens,
            "", MHA, MHA_MACS),
        "attention of other widths": (
            Net(lambda n, x: n.m(x, x[..., :32], x[..., :16])[0], m=attention(kdim=32, vdim=16)), tokens,
            "", MHA - 64 * (32 + 48), MHA_MACS - 30 * 64 * (32 + 48),
        ),
        "attention with learned keys": (
            Net(cross_attention, m=attention(add_bias_kv=True, add_zero_attn=True)), tokens,
            "", MHA + 128, MHA_MACS + 2 * 30 * 2 * 64,
        ),
        "causal attention": (
            Net(lambda n, x: cross_attention(n, x, need_weights=False, is_causal=True, attn_mask=n.mask),
                m=attention(), mask=nn.Buffer(causal)),
            tokens, "", MHA, MHA_MACS,
        ),
        "attention with a mask": (
            Net(lambda n, x: cross_attention(n, x, attn_mask=n.mask), m=attention(), mask=nn.Buffer(causal)),
            tokens, "", MHA, MHA_MACS,
        ),
        "attention with padded keys": (
            Net(lambda n, x: cross_attention(n, x, key_padding_mask=n.mask), m=attention(),
                mask=nn.Buffer(causal[:1])),
            tokens, "", MHA, MHA_MACS,
        ),
        "attention that is causal by a word": (
            Net(lambda _, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)), (4, 10, 8),
            "permute matmul arithmetic parameter add softmax matmul", 0, 2 * 4 * 100 * 8,
        ),
        "a mask that the image decides": (
            Net(lambda _, x: F.scaled_dot_product_attention(x, x, x, attn_mask=(x @ x.mT) > 0)), (4, 10, 8),
            "", 0, 3 * 4 * 100 * 8,
        ),
        "two heads' keys for four": (
            Net(lambda _, x: F.scaled_dot_product_attention(x, x[:, :2], x[:, :2], enable_gqa=True)), (4, 10, 8),
            "", 0, 2 * 4 * 100 * 8,
        ),
        "a decoder's layer": (
            Net(lambda n, x: n.d(x, 2 * x), d=nn.TransformerDecoderLayer(64, 4, 128, batch_first=True)), tokens,
            "", 50_240, 1_704_960,
        ),
        "queries that are learned": (
            Queries(), tokens, "", 2 * DECODER + 640 + 9 * 65,
            2 * (20 * 64 * 64 * 3 + 2 * 100 * 64 + 60 * 64 * 64 + 2 * 300 * 64 + 2 * 10 * 64 * 128) + 10 * 64 * 9,
        ),
        "anchors that are made on the way": (
            Anchors(), (3, 16, 16), "", 560 + 3620 + 4, 64 * 540 + 16 * 3600 + 4 * 80 * 4,
        ),
        "one axis, turned in place": (Net(lambda _, x: x.sum((0, 2, 3)).t_()), image, "reduce_axes", 0, 0),
        "turned in place": (
            Net(lambda _, x: (y := x * 2, y.transpose_(1, 2), y.softmax(1))[-1]),
            image, "arithmetic softmax permute", 0, 0,
        ),
        "a grid of the image's type": (
            Net(lambda _, x: sum(torch.meshgrid([torch.arange(8, device=x.device).type_as(x)] * 2, indexing="ij")) + x),
            image, "parameter add", 0, 0,
        ),
        "a part is overwritten": (written(lambda y, x: y[:, :2].copy_(x[:, 2:4])), image,
            "arithmetic slice slice concat", 0, 0),
        "a block in the middle": (written(lambda y, x: put(y, x, slice(None), 1, slice(1, 3), slice(2, 5))), image,
            "", 0, 0),
        "every third place": (written(lambda y, x: put(y, x, slice(None), slice(2, None, 3))), image, "", 0, 0),
        "a number into a part": (written(lambda y, _: y[:, 0].fill_(0.0)), image, "", 0, 0),
        "one place is doubled": (written(lambda y, _: y[:, 1, 2].mul_(2)), image, "", 0, 0),
        "a part of a chunk": (written(lambda y, _: y.chunk(2, 1)[1].relu_()), image, "", 0, 0),
        "through another shape": (
            written(lambda y, _: y.flatten(2).transpose(1, 2)[:, :3].add_(1)), image, "", 0, 0,
        ),
        "places that a constant names": (
            written(lambda y, x: y.index_put_((torch.tensor([0]),), x)), image,
            "arithmetic flatten flatten concat custom", 0, 0,
        ),
        "into zeros": (
            Net(lambda n, x: (y := x.new_zeros(1, 10, 8, 8), y[:, 2:8].copy_(n.c(x)), y)[-1], c=nn.Conv2d(6, 6, 1)),
            image, "conv parameter slice slice concat", 42, 64 * 36,
        ),
        "one memory, two names": (NAMES, image, "arithmetic relu reshape", 0, 0),
        "a name from before": (EARLIER, image, "relu arithmetic slice", 0, 0),
        "bounds that are tensors": (Net(lambda _, x: x.clamp(x * 0.5, x * 2)), image,
            "arithmetic arithmetic maximum minimum", 0, 0),
        "a comparison, and a choice by it": (
            Net(lambda n, x: torch.where(n.a(x) > n.b(x), x, 0.0), a=nn.Conv2d(6, 6, 1), b=nn.Conv2d(6, 6, 1)),
            image, "conv conv compare where", 84, 2 * 64 * 36,
        ),
        "the place of the largest": (Net(lambda n, x: n.c(x).argmax(1), c=nn.Conv2d(6, 3, 1)), image,
            "conv argmax", 21, 64 * 18),
        "the place of the smallest of all": (Net(lambda _, x: x.argmin()), image, "flatten argmax", 0, 0),
        "the largest, and their places": (Net(lambda _, x: x.topk(2, 1)), image, "topk", 0, 0),
        "a running sum": (Net(lambda _, x: x.cumsum(1)), image, "cumsum", 0, 0),
        "a mask of a triangle": (
            Net(lambda _, x: (x @ x.mT).masked_fill(x.new_ones(8, 8).triu(1).bool(), -1e9)),
            image, "permute matmul parameter where", 0, 6 * 512,
        ),
        "one of several parts": (Net(lambda _, x: x.chunk(3, 1)[1] + x.unbind(1)[5]), image, "", 0, 0),
        "nothing before the rest": (Net(lambda _, x: torch.cat([x[:, :0] * 2, x], 1).relu()), image, "relu", 0, 0),
        "a threshold": (Net(lambda _, x: (x > 0.5).float() * x), image, "compare multiply", 0, 0),
        "a deviation": (Net(lambda _, x: x.std(1)), image, "reduce_axes arithmetic", 0, 0),
        "thresholds": (nn.Sequential(nn.Threshold(0.1, 2.0), nn.Hardshrink(), nn.Softshrink(), nn.Tanhshrink()), image,
            "custom custom custom tanh subtract", 0, 0),
        "neighbours' responses": (nn.LocalResponseNorm(3), image, "lrn", 0, 0),
        "a pool's own divisor": (nn.AvgPool2d(2, divisor_override=3), image, "avg_pool arithmetic", 0, 0),
        "pooled, and back": (
            Net(lambda _, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)), image,
            "max_pool custom", 0, 0,
        ),
        "sampled where the image says": (
            Net(lambda n, x: F.grid_sample(x, n.c(x).permute(0, 2, 3, 1), align_corners=False), c=nn.Conv2d(6, 2, 1)),
            image, "conv grid_sample", 14, 64 * 12,
        ),
        "a product of three": (
            Net(lambda _, x: torch.einsum("bchw,bdhw,bdk->bck", x, x, x[:, :, 0])), image, "",
            0, 6 * 6 * 64 + 6 * 6 * 8,
        ),
        "rows of a table": (
            Net(lambda n, x: n.e(x[:, 0].long()), e=nn.Embedding(10, 4)), image,
            "slice reshape embedding permute", 40, 0,
        ),
        "places by a constant": (Net(lambda _, x: x[:, :, torch.tensor([[0, 2, 4], [1, 1, 1]])]), image,
            "parameter lookup", 0, 0),
        "rows of a table by stored places": (
            Net(lambda n, x: x + n.t[n.i].reshape(8, 8), t=parameter(5, 1), i=torch.zeros(64, dtype=torch.long)),
            image, "parameter weight_params add", 5, 0,
        ),
        "one step": (
            Net(lambda n, x: n.g(n.l(x[:, :, 0, 0])[1], x[:, :4, 1, 1]), l=nn.LSTMCell(6, 4), g=nn.GRUCell(4, 4)),
            image, "", 4 * 4 * 10 + 32 + 3 * 4 * 8 + 24, 4 * 4 * 10 + 3 * 4 * 8,
        ),
        "one step of a plain recurrence": (
            Net(lambda n, x: n.r(x[:, :, 0, 0]), r=nn.RNNCell(6, 4)), image, "", 4 * 10 + 8, 4 * 10,
        ),
        "recurrent, of rows, from a state that is learned": (
            Net(lambda n, x: n.r(x[0], n.h.expand(1, 6, 3))[0], r=nn.GRU(8, 3, batch_first=True), h=parameter(1, 1, 3)),
            image, "", 9 * 11 + 18 + 3, 6 * 8 * 9 * 11,
        ),
        "steps of rows": (
            Net(lambda n, x: n.l(x[0, :, 0])[0], l=nn.LSTMCell(8, 2)), image, "", 8 * 10 + 16, 6 * 8 * 10,
        ),
        "norms of windows": (
            Net(lambda n, x: n.g(x.view(3, 2, 8, 8)), g=nn.GroupNorm(1, 2)), image, "", 4, 0,
        ),
        "back to larger windows": (
            Net(lambda n, x: n.t(x.view(3, 2, 8, 8)), t=nn.ConvTranspose2d(2, 5, 3, 2, 1, 1)),
            image, "reshape permute conv_transpose permute", 95, 3 * 64 * 90,
        ),
        "windows of a volume": (
            Net(lambda n, x: n.c(x.view(3, 2, 4, 4, 4)), c=nn.Conv3d(2, 4, 3, padding=1, groups=2)),
            image, "", 4 * 27 + 4, 3 * 64 * 4 * 27,
        ),
        "recurrent, of words": (
            Net(lambda n, x: n.l(n.e(x[:, 0, 0].long()))[0], e=nn.Embedding(9, 5), l=nn.LSTM(5, 3, batch_first=True)),
            image, "", 45 + 4 * 3 * 8 + 24, 8 * 4 * 3 * 8,
        ),
    }  # fmt: skip


CASES = cases()
ODD = odd()


@pytest.mark.parametrize("name", [*CASES, *ODD])
def test_a_module_becomes_rows(name: str) -> None:
    module, shape, kinds, params, macs = (CASES | ODD)[name]
    flat = from_torch(module, shape)
    result = costcalc.count(flat.data())
    assert not kinds or [step.kind for step in flat.steps] == kinds.split()
    assert (result.params, result.macs) == (params, macs)
    direct = Direct(module, shape)
    assert (direct.params, direct.macs) == (params, macs)
    assert verify(expand(costcalc.load(flat.data()))).agrees


# Where a row holds every weight as it is, the spec can be run with the module's own weights.
SAME = [name for name in CASES if name not in (
    "windows", "positions that are computed", "weights that are standardized", "kernels that are added",
    "kernels that are mixed", "a learned matrix", "one convolution over windows", "norm of several axes", "einsum",
    "efficient channel attention",  # this module itself takes one image alone
)]  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_the_rows_compute_what_the_module_does(name: str) -> None:
    module, shape, *_ = CASES[name]
    assert difference(module, from_torch(module, shape), shape) < 1e-12


# What is changed in place, in rows that compute.
WRITTEN = (
    "a part is overwritten", "a block in the middle", "a number into a part", "one place is doubled",
    "a part of a chunk", "through another shape", "one memory, two names", "a name from before",
)  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_changed_in_place_is_seen_under_every_name(name: str) -> None:
    module, shape, *_ = ODD[name]
    assert difference(module, from_torch(module, shape), shape) < 1e-12


def test_a_wrong_row_is_seen_in_the_numbers() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, eps=1e-3), nn.ReLU())
    flat = from_torch(module, (3, 6, 6))
    assert difference(module, flat, (3, 6, 6)) < 1e-12
    del flat.steps[1].fields["eps"]
    assert difference(module, flat, (3, 6, 6)) > 1e-6


def test_a_part_under_a_mode_of_its_own_is_seen() -> None:
    def forward(net: Any, x: Any) -> Any:
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            y = net.conv(x)
        return y.relu()

    flat = from_torch(Net(forward, conv=nn.Conv2d(4, 4, 1)), (4, 3, 3))
    assert [step.kind for step in flat.steps] == ["conv", "relu"]


def test_the_module_stays_in_its_mode() -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4).eval()).train()
    module[1].eval()
    from_torch(module, (4, 3, 3))
    assert (module.training, module[0].training, module[1].training) == (True, True, False)


def test_classes_of_modules_are_kept() -> None:
    flat = from_torch(nn.Sequential(nn.Sequential(nn.ReLU())), (4, 3, 3))
    assert flat.classes == {"0": "Sequential", "0.0": "ReLU"}


def test_names_are_the_modules_paths() -> None:
    block = Net(lambda n, x: F.relu(n.norm(n.conv(x)) + x), conv=nn.Conv2d(4, 4, 1), norm=nn.BatchNorm2d(4))
    flat = from_torch(nn.Sequential(block, nn.Sequential(block.conv, nn.ReLU())), (4, 3, 3))
    assert [step.name for step in flat.steps] == ["0.conv", "0.norm", "0.add", "0.relu", "0.conv_2", "1.1"]
    assert flat.steps[0].share == flat.steps[4].share == "0.conv"


def unavailable(*_: Any) -> Any:
    raise RuntimeError("not on this road")


@pytest.mark.parametrize("name", ODD)
def test_what_is_recorded_is_what_torch_export_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, shape, *_ = ODD[name]
    found = []
    for other in ("_exported", "_recorded"):
        with monkeypatch.context() as patch:
            patch.setattr(f"costcalc.interop.torch.tracing.{other}", unavailable)
            flat = from_torch(module, shape)
            found.append((flat.text(), flat.classes))
    assert found[0] == found[1]


class Keeping(nn.Module):
    """A module that keeps what it has made, as heads of detectors keep their anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.made = nn.LSTM(4, 2, batch_first=True), torch.empty(0)

    def forward(self, x: Any) -> Any:
        self.made, self.shape = x * 2, x.shape
        return self.lstm(self.made)[0]


def test_a_module_keeps_nothing_of_the_trace() -> None:
    module = Keeping()
    from_torch(module, (3, 4))
    assert (module.made.shape, hasattr(module, "shape")) == ((0,), False)
    assert {type(one) for one in (module.made, *module.lstm.parameters(), *module.lstm._flat_weights)} == {
        torch.Tensor,
        nn.Parameter,
    }
    assert module(torch.rand(2, 3, 4)).shape == (2, 3, 2)


def test_a_module_that_returns_nothing_is_told() -> None:
    with pytest.raises(SpecError, match="returns no tensor"):
        from_torch(Net(lambda n, x: None, conv=nn.Conv2d(4, 2, 1)), (4, 3, 3))


UNUSED = """
from torch import nn

class Aux(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.aux = nn.Conv2d(3, 2, 1), nn.Linear(4, 5)

    def forward(self, x):
        return self.conv(x)
"""


def test_parameters_that_are_left_out_are_told(tmp_path: Path, run: Run) -> None:
    (tmp_path / "aux_heads.py").write_text(UNUSED)
    done = run("import", "torch", "aux_heads:Aux", "--input", "3,8,8", folder=tmp_path)
    assert "note: 25 parameters that inference does not use are left out" in done.err


def test_several_outputs_and_unused_parameters() -> None:
    heads = {"a": nn.Conv2d(4, 2, 1), "b": nn.Conv2d(4, 3, 1), "training_only": nn.Linear(4, 5)}
    module = Net(lambda n, x: {"a": n.a(x), "b": n.b(x)}, **heads)
    flat = from_torch(module, (4, 3, 3))
    assert costcalc.count(flat.data()).params == 10 + 15
    assert len(flat.outputs) == 2
    assert "25 parameters that inference does not use" in flat.source
    assert flat.unused == 25


def unnormalized(net: Any, x: Any) -> Any:
    return F.batch_norm(x, None, None, net.weight, net.bias, training=True)


DATA = Path(__file__).parent.parent / "data"
VIDEO = list(csv.DictReader((DATA / "video.csv").read_text().splitlines()))
# Each direction and layer of PyTorch's recurrent layers by hand: steps * gates * H * (what enters + H).
RECURRENT = [
    case for case in csv.DictReader((DATA / "recurrent.csv").read_text().splitlines()) if case["code"].startswith("nn.")
]


@pytest.mark.parametrize("case", RECURRENT, ids=[case["name"] for case in RECURRENT])
def test_recurrent_layers_count_as_by_hand(case: dict[str, str]) -> None:
    """The batch stands where the layer says, or is written as the axis of length 1 that it is."""
    module = eval(case["code"], {"nn": nn})
    whole = [int(n) for n in case["input"].split("x")]
    batch = 0 if len(whole) == 2 or module.batch_first else 1
    bare = [n for k, n in enumerate(whole) if k != batch]
    for shape in (whole, bare):
        flat = from_torch(module, shape)
        result = costcalc.count(flat.data())
        assert (result.params, result.macs) == (int(case["params"]), int(case["macs"]))
    first = flat.shapes[flat.outputs[0]].size
    assert first == prod(int(n) for n in case["output"].split("x"))


class Steps(nn.Module):
    """A convolutional recurrence (arXiv:1506.04214 without peepholes): gates of what enters and of the state."""

    def __init__(self, wide: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.hidden, self.gates = hidden, nn.Conv2d(wide + hidden, 4 * hidden, kernel, padding=kernel // 2)

    def forward(self, x: Any) -> Any:
        h = c = x.new_zeros(x.size(0), self.hidden, *x.shape[3:])
        for one in x.unbind(1):
            i, f, o, g = self.gates(torch.cat([one, h], 1)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h


def test_a_convolutional_recurrence_counts_each_step_and_its_weights_once() -> None:
    result = costcalc.count(from_torch(Steps(3, 64, 5), (5, 3, 16, 24)).data())
    assert (result.params, result.macs) == (429_056, 823_296_000)


class Pair(nn.Module):
    """Text beside an image: indices, and pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.patches = nn.Embedding(100, 16), nn.Conv2d(3, 16, 4, 4)

    def forward(self, image: Any, text: Any) -> Any:
        return self.words(text) @ self.patches(image).flatten(2)


@pytest.mark.parametrize(
    "shapes",
    [{"image": (3, 16, 16), "text": (7,)}, {"text": (7,), "image": (3, 16, 16)}, {"a": (3, 16, 16), "b": (7,)}],
    ids=["by name", "by name, in another order", "by place"],
)
def test_inputs_are_given_by_name_or_in_order(shapes: dict[str, tuple[int, ...]]) -> None:
    flat = from_torch(Pair(), shapes)
    result = costcalc.count(flat.data())
    assert (result.params, result.macs) == (1600 + 784, 16 * 768 + 7 * 16 * 16)
    assert {*flat.data()["input"]} == {*shapes}
    assert costcalc.count(Pair(), input=shapes).macs == result.macs


def test_layers_whose_batch_comes_second_are_read_so() -> None:
    flat = from_torch(nn.TransformerDecoderLayer(32, 4, 64), {"tgt": (7, 32), "memory": (10, 32)})
    projections, products = 7 * 6 * 1024 + 10 * 2 * 1024, 2 * (7 * 7 + 7 * 10) * 32
    assert costcalc.count(flat.data()).macs == projections + products + 7 * 2 * 32 * 64


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ((3, 16, 16), "its forward takes image, text: say each input={"),
        ({"image": (3, 16, 16), "txt": (7,)}, "takes no 'txt'"),
    ],
)
def test_inputs_that_are_missing_or_called_otherwise_are_told(shapes: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_torch(Pair(), shapes)
    assert said in str(caught.value)


def test_regions_of_what_has_none_are_refused() -> None:
    with pytest.raises(SpecError, match="looks at no regions"):
        from_torch(nn.Conv2d(3, 4, 1), (3, 8, 8), regions=100)


# torchvision's own figures, in GMACs at 224 x 224, which its detectors make 800 x 800 (SSD 300, SSDlite 320): its
# weights' meta data. Of Mask R-CNN it has found no masks; ours has 100.
DETECTORS = [
    ("fasterrcnn_resnet50_fpn", 41_808_406, "134.380"), ("fasterrcnn_resnet50_fpn_v2", 43_712_278, "280.371"),
    ("fcos_resnet50_fpn", 32_322_720, "128.207"), ("retinanet_resnet50_fpn", 34_068_119, "151.540"),
    ("retinanet_resnet50_fpn_v2", 38_198_935, "152.238"), ("ssd300_vgg16", 35_641_826, "34.858"),
    ("ssdlite320_mobilenet_v3_large", 3_440_060, "0.583"), ("maskrcnn_resnet50_fpn_v2", 46_359_409, "333.577"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "giga"), DETECTORS, ids=[case[0] for case in DETECTORS])
def test_detectors_are_counted_up_to_their_heads(name: str, params: int, giga: str) -> None:
    pytest.importorskip("torchvision")
    network = load_target(f"torchvision.models.detection:{name}")
    result = costcalc.count(from_torch(network, (3, 224, 224)).data())
    assert (result.params, f"{result.macs / 1e9:.3f}") == (params, giga)


# A detector, and how many masks or keypoints it finds at most; regions beside, below and above these.
REGIONS = [("maskrcnn_resnet50_fpn", 1000), ("fasterrcnn_mobilenet_v3_large_320_fpn", 150)]


@pytest.mark.parametrize(("name", "most"), REGIONS, ids=[case[0] for case in REGIONS])
def test_regions_are_a_knob_of_the_spec(name: str, most: int) -> None:
    pytest.importorskip("torchvision")
    network = load_target(f"torchvision.models.detection:{name}")
    flat = from_torch(network, (3, 224, 224))
    assert (flat.knobs, "regions" in flat.source) == ({"regions": most}, False)
    spec = costcalc.load(flat.data())
    for regions in (2, 99, 101):  # a detector finds at most 100
        told = from_torch(network, (3, 224, 224), regions=regions)
        one, other = costcalc.count(spec, regions=regions), costcalc.count(told.fixed())
        assert [(r.name, r.type, str(r.node.y), r.macs, r.learnable) for r in one.rows] == [
            (r.name, r.type, str(r.node.y), r.macs, r.learnable) for r in other.rows
        ]
        assert told.knobs == {"regions": regions}


def test_fewer_regions_cost_less(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    target, file = "torchvision.models.detection:fasterrcnn_resnet50_fpn", str(tmp_path / "net.yaml")
    assert run("import", target, "--regions", "999", "--blocks", "-o", file)[0] == 0
    found = [costcalc.count(file, regions=regions).macs for regions in (1000, 999)]
    assert found[0] - found[1] == 256 * 49 * 1024 + 1024 * 1024 + 1024 * 5 * 91
    assert costcalc.count(file).macs == found[1]
    code, out, _ = run("report", f"{target}@regions=999")
    assert (code, f"{found[1]:,}" in out) == (0, True)
    with pytest.raises(SpecError, match="more than the 159882 there are"):
        costcalc.count(file, regions=10**6)


@pytest.mark.parametrize("case", VIDEO, ids=[case["name"] for case in VIDEO])
def test_modules_over_three_axes_count_as_pytorch_counts_them(case: dict[str, str]) -> None:
    module = eval(case["module"], {"nn": nn}).eval()
    result = costcalc.count(from_torch(module, [int(n) for n in case["input"].split("x")]).data())
    found = (result.params, result.macs, str(result.graph.outputs[0].shape))
    assert found == (int(case["params"]), int(case["macs"]), case["output"])


REFUSED = [
    ("not known", Net(lambda _, x: torch.polar(x, x).real), "the network itself: polar.default is not known"),
    ("in a module", nn.Sequential(nn.ReLU(), Net(lambda _, x: torch.cdist(x, x))), "1: cdist.default: distances of"),
    ("statistics of the image", Net(unnormalized, weight=parameter(4), bias=parameter(4)), "statistics at inference"),
    ("as many as the image says", Net(lambda _, x: x[x > 0]), "index.Tensor: how much it gives depends"),
    (
        "recurrent, of many rows",
        Net(lambda n, x: n.r(x.repeat(1, 75, 1, 1)[0])[0], r=nn.LSTM(3, 2, batch_first=True)),
        "a recurrent layer over 300 sequences of one image",
    ),
    ("Fourier", Net(lambda _, x: torch.fft.fft2(x).abs()), "a Fourier transform has no operator here"),
    ("an inverse", Net(lambda _, x: torch.linalg.inv(x[:, :3])), "linear algebra beyond products and norms"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_expressed_is_refused_by_name(module: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_torch(module, (4, 3, 3))
    assert said in str(caught.value)
    assert not caught.value.problems[0].message.startswith("opaque")


def test_an_unknown_operation_becomes_an_opaque_row() -> None:
    module = Net(lambda n, x: n.c(torch.cdist(x, x)), c=nn.Conv2d(4, 2, 1))
    flat = from_torch(module, (4, 3, 3), opaque=True)
    assert [step.kind for step in flat.steps] == ["opaque", "conv"]
    result = costcalc.count(flat.data())
    assert result.params == 10
    assert result.macs is num.UNKNOWN


def test_an_unknown_operation_of_two_tensors_is_a_row_for_each_that_is_used() -> None:
    module = Net(lambda _, x: torch.linalg.qr(x)[0].flatten(1))
    flat = from_torch(module, (4, 5, 5), opaque=True)
    assert [(step.kind, str(step.y)) for step in flat.steps] == [("opaque", "4x5x5"), ("flatten", "100")]


def test_an_operation_that_is_known_but_not_so_becomes_opaque_too() -> None:
    module = nn.Sequential(Net(unnormalized, weight=parameter(4), bias=parameter(4)), nn.Flatten())
    flat = from_torch(module, (4, 3, 3), opaque=True)
    assert [step.kind for step in flat.steps if step.kind == "opaque"] == ["opaque"]
    assert costcalc.count(flat.data()).params == 8


def partly(net: Any, x: Any) -> Any:
    y = net.a(x)
    y[:, :2] = torch.linalg.inv(x[:, 2:])
    return net.b(y)


def drawn(net: Any, x: Any) -> Any:
    y = net.a(x)
    z = y.flatten(2)
    y[:, :2].exponential_()
    return net.b(y), z


def one_by_one(*channels: int) -> Any:
    return nn.Conv2d(*channels, 1)


# What costcalc can't read becomes rows of unknown cost, whatever stands in the way: parameters stay counted.
OPAQUE: list[tuple[str, Any, str, int]] = [
    ("an axis of length 1", Net(lambda n, x: torch.cdist(y := n.a(x.mean(2, keepdim=True)), y), a=one_by_one(4, 4)),
     "reduce_axes reshape conv opaque reshape", 20),
    ("what is written into a part", Net(partly, a=one_by_one(4, 4), b=one_by_one(4, 2)),
     "conv slice opaque slice concat conv", 30),
    ("a tensor that is changed in part, and another name", Net(drawn, a=one_by_one(4, 4), b=one_by_one(4, 2)),
     "conv reshape slice opaque opaque opaque conv", 30),
    ("a layer that refuses its input", Net(lambda n, x: n.a(x.view(2, 2, 4, 4).repeat(150, 1, 1, 1)),
     a=nn.GroupNorm(1, 2)), "reshape concat opaque", 4),
]  # fmt: skip


@pytest.mark.parametrize(("module", "kinds", "params"), [case[1:] for case in OPAQUE], ids=[case[0] for case in OPAQUE])
def test_what_cannot_be_read_becomes_opaque(module: Any, kinds: str, params: int) -> None:
    with pytest.raises(SpecError):
        from_torch(module, (4, 4, 4))
    flat = from_torch(module, (4, 4, 4), opaque=True)
    assert [step.kind for step in flat.steps] == kinds.split()
    result = costcalc.count(flat.data())
    assert (result.params, result.macs) == (params, num.UNKNOWN)


@pytest.mark.parametrize("network", [lambda _, x: x.nonzero(), lambda _, x: x * x.sum().item()])
def test_what_has_no_shape_is_refused_as_opaque_too(network: Any) -> None:
    with pytest.raises(SpecError, match="has no shape that is known before"):
        from_torch(Net(network), (4, 4, 4), opaque=True)


def test_random_modules_are_counted_as_pytorch_does_or_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said, _ = run(40, 0)
    assert said["read, and counted the same"] >= 20
    assert said["refused: in words"] >= 4


def test_a_module_that_is_counted_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz_torch.program", lambda _: (OneMore(), (4, 3, 3)))
    with pytest.raises(AssertionError):
        outcome(0)


class OneMore(nn.Module):
    """A module that does more whenever it is not being exported."""

    said = ()

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)

    def forward(self, x: Any) -> Any:
        return self.conv(x) if torch.compiler.is_exporting() else self.conv(self.conv(x))


TAIL = Net(lambda n, x: (y := n.a(x), torch.relu(y)), a=nn.Conv2d(4, 2, 1))
LONG = nn.Sequential(OrderedDict({"c" * 150: nn.Conv2d(4, 4, 1), "c" * 151: nn.ReLU()}))
LOADED: list[tuple[str, Any, list[str]]] = [
    ("the last of two results, called as its operator", TAIL, ["a", "relu_"]),
    ("one result twice", Net(lambda _, x: (x.relu(),) * 2), ["relu_", "relu_"]),
    ("a number among the results", Net(lambda n, x: (n.a(x), 3, None), a=nn.Conv2d(4, 2, 1)), ["a"]),
    ("nothing but the image", Net(lambda _, x: x), ["input"]),
    ("long names that begin alike", LONG, ["c" * 98 + "_2"]),
]


@pytest.mark.parametrize(("module", "outputs"), [case[1:] for case in LOADED], ids=[case[0] for case in LOADED])
def test_every_network_becomes_a_spec_that_loads(module: Any, outputs: list[str]) -> None:
    flat = from_torch(module, (4, 3, 3))
    assert costcalc.count(flat.text()).rows
    assert flat.data().get("outputs", flat.outputs) == outputs


def test_names_stay_the_modules_own() -> None:
    parts = {"relu": nn.ReLU(), "conv": nn.Conv2d(4, 4, 1), "relu_": nn.ReLU(), "conv_": nn.Conv2d(4, 4, 1)}
    flat = from_torch(nn.Sequential(OrderedDict(parts)), (4, 3, 3))
    assert [row.name for row in costcalc.count(flat.text()).rows] == list(parts)


@pytest.mark.parametrize("network", [lambda _, x: F.max_pool2d(x, 2, return_indices=True), lambda _, x: x.max(1)])
def test_places_of_the_largest_are_found_with_them(network: Any) -> None:
    flat = from_torch(Net(network), (4, 4, 4))
    assert len(flat.steps) == 1
    assert flat.outputs == [flat.steps[0].name] * 2


VISION = {
    "deform_conv2d": "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, "
    "int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, "
    "bool use_mask) -> Tensor",
    "roi_align": "Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, "
    "int sampling_ratio, bool aligned) -> Tensor",
}


def test_operators_of_torchvision_become_rows() -> None:
    """Where it is not installed, operators of the same signatures stand in for its own: only shapes are asked for."""
    if importlib.util.find_spec("torchvision"):
        importlib.import_module("torchvision")
    else:
        for name, signature in VISION.items():
            torch.library.define(f"torchvision::{name}", f"({signature}")
        torch.library.register_fake("torchvision::deform_conv2d")(
            lambda x, weight, offset, *_: x.new_empty(len(x), len(weight), *offset.shape[2:])
        )
        torch.library.register_fake("torchvision::roi_align")(
            lambda x, rois, _, high, wide, *__: x.new_empty(len(rois), x.shape[1], high, wide)
        )

    def forward(net: Any, x: Any) -> Any:
        y = torch.ops.torchvision.deform_conv2d(
            x, net.kernel, net.offsets(x), x.new_ones(1, 9, 8, 8), net.bias, 1, 1, 1, 1, 1, 1, 1, 1, True
        )
        boxes = torch.cat([y.new_zeros(5, 1), y[0, 0, :5, :4]], 1)
        return torch.ops.torchvision.roi_align(y, boxes, 1.0, 7, 7, 2, False)

    net = Net(forward, offsets=nn.Conv2d(6, 18, 3, padding=1), kernel=parameter(4, 6, 3, 3), bias=parameter(4))
    flat = from_torch(net, (6, 8, 8))
    assert [step.kind for step in flat.steps if step.kind in ("conv", "deform_conv", "roi_align", "custom")] == [
        "conv", "deform_conv", "roi_align",
    ]  # fmt: skip
    result = costcalc.count(flat.data())
    assert result.params == 6 * 18 * 9 + 18 + 4 * 54 + 4
    assert result.macs == 64 * (6 * 18 * 9 + 4 * 54)
    assert str(flat.shapes[flat.outputs[0]]) == "5x4x7x7"


def test_an_export_that_fails_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecError, match=r"torch\.export could not trace"):
        from_torch(Net(lambda _, x: x if x.sum() > 0 else -x), (3, 4, 4))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("torch.nn:NoSuchThing", "no network is called so"),
        ("no.such.module:thing", "No module named"),
        ("torch.nn", "no network is called so"),
        ("torch.nn:Conv2d", "missing"),
        ("math:pi", "not a network"),
        ("math:gamma", "argument"),
        ("builtins:dict", "gives a dict"),
    ],
)
def test_targets_that_are_no_networks(target: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_target(target)
    assert said in str(caught.value)


def test_a_target_is_made_without_memory() -> None:
    network = load_target("torch.nn:ReLU")
    assert isinstance(network, nn.ReLU)
    assert not network.training


# ---- real networks -------------------------------------------------------------------------------

TORCHVISION = """
resnet18 alexnet googlenet shufflenet_v2_x0_5 mobilenet_v3_small squeezenet1_0 convnext_tiny swin_t swin_v2_t vit_b_32
""".split()
TIMM = """
mixnet_s resnest14d ecaresnet26t tf_efficientnet_b0 nf_resnet26 resnetv2_18 repvgg_a0 cspresnet50
resnetblur18 tf_efficientnet_cc_b0_4e skresnet18 halonet26t lambda_resnet26t bat_resnext26ts efficientvit_m0
""".split()


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision(name: str) -> None:
    pytest.importorskip("torchvision")
    assert compared(f"torchvision.models:{name}", (3, 224, 224))[-2] == "exact"


@pytest.mark.parametrize("name", TIMM)
def test_timm(name: str) -> None:
    pytest.importorskip("timm")
    assert compared(f"timm:{name}")[-2] == "exact"


@pytest.mark.parametrize("target", ["torchvision.models:shufflenet_v2_x0_5", "timm:mobilenetv3_small_050"])
def test_a_real_network_computes_the_same(target: str) -> None:
    pytest.importorskip(target.partition(":")[0].partition(".")[0])
    network = load_target(target).to_empty(device="cpu")
    assert difference(network, from_torch(network, (3, 64, 64)), (3, 64, 64)) < 1e-9
