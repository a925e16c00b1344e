"""Random modules of PyTorch: each is read as PyTorch counts it, or refused in words.

    python tests/tools/fuzz_torch.py 5000 [SEED]

A module is a few calls of functions and layers, odd ones and with odd arguments, each on what earlier ones gave. Where
it is read, its parameters are those that PyTorch's dispatcher sees used, and its MACs those that PyTorch's own counter
of operations sees. Anything else than that or a SpecError ends the run, with the module's seed: `fuzz_torch.py 1 SEED`
makes it again. The test suite does the same for some dozens.
"""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from import_models import Direct
from torch import nn

import costcalc
from costcalc.base.errors import SpecError
from costcalc.interop.guard import REPORT
from costcalc.interop.torch.importer import from_torch

F = nn.functional

MOST_CALLS = 6
LONGEST = 2.0  # seconds of CPU that a module may take to be read
LARGEST = 4000  # elements of a tensor

Draw = random.Random
Call = Callable[..., Any]


class Program(nn.Module):
    """Calls in their order, each with the places of the tensors that it takes; what no call takes is a result."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Call, tuple[int, ...]]] = []
        self.said: list[str] = []

    def put(self, said: str, call: Call, places: tuple[int, ...]) -> None:
        """Add a call; a layer's parameters become the program's."""
        if isinstance(call, nn.Module):
            self.add_module(f"layer{len(self.calls)}", call)
        self.calls.append((call, places))
        self.said.append(f"{said}{list(places)}")

    def drop(self) -> None:
        """Take the last call back."""
        call, _ = self.calls.pop()
        self.said.pop()
        if isinstance(call, nn.Module):
            delattr(self, f"layer{len(self.calls)}")

    def forward(self, x: Any) -> Any:
        values = [x]
        for call, places in self.calls:
            found = call(*(values[place] for place in places))
            values += [one for one in (found if isinstance(found, tuple | list) else [found]) if torch.is_tensor(one)]
        taken = {place for _, places in self.calls for place in places}
        left = [value for place, value in enumerate(values) if place not in taken]
        return tuple(left) if left else values[-1]

    def widths(self, x: Any) -> list[Any]:
        """Return the tensors that the calls give, the image first."""
        values = [x]
        for call, places in self.calls:
            found = call(*(values[place] for place in places))
            values += [one for one in (found if isinstance(found, tuple | list) else [found]) if torch.is_tensor(one)]
        return values


class With(nn.Module):
    """A function with parameters of its own."""

    def __init__(self, run: Callable[..., Any], **held: Any) -> None:
        super().__init__()
        for name, one in held.items():
            setattr(self, name, one)
        self.run = run

    def forward(self, *tensors: Any) -> Any:
        return self.run(self, *tensors)


def learned(*shape: int) -> Any:
    return nn.Parameter(torch.rand(shape))


# ---- words: each makes a call for the tensors that are at hand, out of random arguments ----------------


UNARY = """
abs neg exp log sqrt rsqrt square reciprocal erf sin cos tan floor ceil round trunc frac sign sigmoid tanh relu acos
asin atan sinh cosh asinh expm1 log1p log2 log10 exp2 logit sinc sgn erfc digamma lgamma isnan isinf isfinite nan_to_num
logical_not positive deg2rad relu_ sigmoid_ tanh_ abs_ neg_ exp_ sqrt_ floor_ t_ clone contiguous detach ravel flatten
nonzero count_nonzero argmax argmin sum mean std var max min prod norm
cumsum median mode sort argsort any all unique squeeze adjoint numel
""".split()
ACTIVATIONS = """
relu relu6 elu selu celu leaky_relu gelu silu mish softplus softsign hardswish hardsigmoid hardtanh hardshrink
softshrink tanhshrink logsigmoid rrelu normalize softmin softmax log_softmax gumbel_softmax glu local_response_norm
""".split()
BINARY = """
add sub mul div maximum minimum pow fmod remainder atan2 hypot logaddexp copysign xlogy eq ne gt ge lt le logical_and
logical_or floor_divide fmax fmin heaviside matmul bmm mm inner dot mv outer kron tensordot cdist cross lerp where
isclose true_divide subtract multiply ger vdot
""".split()
REDUCTIONS = """
sum mean amax amin max min std var prod any all argmax argmin logsumexp median mode cumsum cumprod cummax cummin norm
softmax log_softmax sort argsort std_mean var_mean nansum count_nonzero unbind logcumsumexp aminmax kthvalue quantile
""".split()
LAYERS = """
Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d
""".split()


def unary(draw: Draw, _: Any) -> tuple[str, Call]:
    word = draw.choice(UNARY)
    return word, getattr(torch, word, None) or getattr(torch.Tensor, word)


def activation(draw: Draw, x: Any) -> tuple[str, Call]:
    word = draw.choice(ACTIVATIONS)
    options: dict[str, Any] = {}
    if word in ("softmax", "log_softmax", "gumbel_softmax", "softmin", "glu"):
        options["dim"] = draw.randrange(-x.dim(), x.dim()) if x.dim() else 0
    if word == "local_response_norm":
        options["size"] = draw.randint(1, 4)
    if word in ("relu", "elu", "silu", "leaky_relu", "mish", "hardtanh") and draw.random() < 0.3:
        options["inplace"] = True
    return f"F.{word}({options})", lambda t: getattr(F, word)(t, **options)


def binary(draw: Draw, _: Any) -> tuple[str, Call]:
    word = draw.choice(BINARY)
    if word == "where":
        return word, lambda s, t: torch.where(s > 0, s, t)
    if word == "lerp":
        return word, lambda s, t: torch.lerp(s, t, 0.3)
    if draw.random() < 0.2:
        number = draw.choice([0, 1, 2, -1.5, 0.5])
        return f"{word}({number})", lambda t: getattr(torch, word)(t, number)
    return word, lambda s, t: getattr(torch, word)(s, t)  # noqa: PLW0108 - so that it is seen to take two


def reduction(draw: Draw, x: Any) -> tuple[str, Call]:
    word = draw.choice(REDUCTIONS)
    dim = draw.randrange(-x.dim(), x.dim()) if x.dim() else 0
    options: dict[str, Any] = {"dim": dim}
    if word in ("sum", "mean", "amax", "amin", "std", "var", "norm", "max") and draw.random() < 0.5:
        options["keepdim"] = True
    if word in ("sum", "mean", "amax", "var", "std") and x.dim() > 2 and draw.random() < 0.3:
        options["dim"] = tuple(draw.sample(range(x.dim()), 2))
    if word == "norm":
        options["p"] = draw.choice([1, 2, 3, float("inf")])
    if word == "kthvalue":
        options["k"] = 1
    if word == "quantile":
        options["q"] = 0.5
    return f"{word}({options})", lambda t: getattr(torch, word)(t, **options)


def reshaping(draw: Draw, x: Any) -> tuple[str, Call]:
    n = x.dim()
    if not n:
        return "reshape(1)", lambda t: t.reshape(1)
    a, b = draw.randrange(-n, n), draw.randrange(-n, n)
    order, size = draw.sample(range(n), n), x.shape[a]
    cut, last, step = [*sorted(draw.sample(range(size + 1), 2)), draw.randint(1, 3)] if size > 1 else [0, 1, 1]
    places = [draw.randrange(size) for _ in range(draw.randint(1, 3))]
    times = [draw.choice([1, 1, 2]) for _ in range(n)]
    return draw.choice([
        (f"permute({order})", lambda t: t.permute(order)),
        (f"transpose({a}, {b})", lambda t: t.transpose(a, b)),
        (f"flatten({a}, {b})", lambda t: t.flatten(a, b)),
        ("reshape(-1)", lambda t: t.reshape(-1)),
        (f"reshape(1, -1, {size})", lambda t: t.reshape(1, -1, size)),
        (f"unsqueeze({a})", lambda t: t.unsqueeze(a)),
        (f"movedim({a}, {b})", lambda t: t.movedim(a, b)),
        (f"select({a}, {cut})", lambda t: t.select(a, cut)),
        (f"narrow({a}, {cut}, {last - cut})", lambda t: t.narrow(a, cut, last - cut)),
        (f"slice({cut}::{step})", lambda t: t.transpose(0, a)[cut::step].transpose(0, a)),
        (f"chunk(2, {a})", lambda t: t.chunk(2, a)),
        (f"split({step}, {a})", lambda t: t.split(step, a)[-1]),
        (f"tensor_split({[cut, last]}, {a})", lambda t: t.tensor_split([cut, last], a)[1]),
        (f"flip({a})", lambda t: t.flip(a)),
        (f"roll(1, {a})", lambda t: t.roll(1, a)),
        (f"repeat({times})", lambda t: t.repeat(times)),
        (f"repeat_interleave(2, {a})", lambda t: t.repeat_interleave(2, a)),
        ("expand(2, ...)", lambda t: t.expand(2, *t.shape[1:])),
        (f"unfold({a})", lambda t: t.unfold(a, min(2, size), 1)),
        (f"index_select({a}, {places})", lambda t: t.index_select(a, torch.tensor(places, device=t.device))),
        (f"[:, {places}]", lambda t: t.transpose(0, a)[torch.tensor(places, device=t.device)]),
        (f"topk(1, {a})", lambda t: t.topk(1, a)),
        (f"gather({a})", lambda t: t.gather(a, t.argsort(a))),
        (f"diagonal({a}, {b})", lambda t: t.diagonal(0, a, b)),
        ("tril", lambda t: t.tril()),
        ("diag_embed", torch.diag_embed),
        (f"stack({a})", lambda t: torch.stack([t, t * 2], a)),
        (f"cat({a})", lambda t: torch.cat([t, t.new_zeros(t.shape), t], a)),
        ("pad", lambda t: F.pad(t, [1, 0], value=0.5)),
        ("pad below zero", lambda t: F.pad(t, [-1, 2])),
        ("rot90", lambda t: t.rot90(1, (a, b))),
        ("mT", lambda t: t.mT),
        ("atleast_3d", torch.atleast_3d),
        ("as_strided", lambda t: t.as_strided((2, 2), (1, 1))),
        ("type_as", lambda t: torch.arange(size, device=t.device).type_as(t) + t.transpose(-1, a)),
        ("meshgrid", lambda t: torch.meshgrid(t.new_ones(3).long().type_as(t), t.reshape(-1), indexing="ij")),
        ("ones_like", lambda t: t + torch.ones_like(t)),
        ("rand_like", lambda t: t * torch.rand_like(t)),
        ("half", lambda t: t.to(torch.float64).to(torch.float32)),
        ("long", lambda t: t.long()),
        ("bool", lambda t: t > 0),
        ("clamp", lambda t: t.clamp(min=t * 0.5, max=t.new_ones(1))),
        ("masked_fill", lambda t: t.masked_fill(t > 0, 0.0)),
        ("one_hot", lambda t: F.one_hot(t.argmax(a), size)),
        ("bucketize", lambda t: torch.bucketize(t, torch.arange(3.0, device=t.device))),
        ("cosine", lambda t: F.cosine_similarity(t, t * 2, dim=a)),
        ("fft", lambda t: torch.fft.fft(t).abs()),
        ("inv", torch.linalg.inv),
        ("threshold", lambda t: F.threshold(t, 0.1, 2.0)),
        ("interpolate", lambda t: F.interpolate(t, scale_factor=2.0)),
        ("cov", torch.cov),
        ("histc", torch.histc),
        ("item", lambda t: t * t.sum().item()),
        ("masked_select", lambda t: t[t > 0]),
        ("batch_norm", lambda t: F.batch_norm(t, None, None, training=True)),
        ("layer_norm", lambda t: F.layer_norm(t, t.shape[-1:])),
        ("instance_norm", F.instance_norm),
    ])  # fmt: skip


def writing(draw: Draw, x: Any) -> tuple[str, Call]:
    """Change a tensor in place, in part or whole, and go on with it or with another name of it."""
    n = x.dim()
    if not n:
        return "add_", lambda t: (t * 1).add_(1)
    a, first = draw.randrange(n), draw.randrange(x.shape[0]) if x.shape[0] else 0
    size = x.shape[a]
    cut, step = draw.randrange(size) if size else 0, draw.randint(1, 3)
    parts: list[tuple[str, Call]] = [
        (f"select({a}, {cut})", lambda t: t.select(a, cut)),
        (f"narrow({a}, {cut})", lambda t: t.narrow(a, cut, size - cut)),
        (f"slice({a}, {cut}::{step})", lambda t: t.transpose(0, a)[cut::step]),
        (f"chunk({a})", lambda t: t.chunk(2, a)[-1]),
        ("view(-1)", lambda t: t.view(-1)),
        (f"unbind({a})", lambda t: t.unbind(a)[cut]),
        ("diagonal", lambda t: t.diagonal()),
        ("itself", lambda t: t),
        (f"unsqueeze, [{first}]", lambda t: t.unsqueeze(0)[0, first]),
        ("two slices", lambda t: t[..., cut % t.shape[-1] :][first:]),
    ]
    changes: list[tuple[str, Call]] = [
        ("relu_", lambda t: t.relu_()),
        ("mul_", lambda t: t.mul_(2)),
        ("fill_", lambda t: t.fill_(0.5)),
        ("zero_", lambda t: t.zero_()),
        ("copy_", lambda t: t.copy_(t.flip(0) if t.dim() else t * 2)),
        ("add_", lambda t: t.add_(t.detach() * 2)),
        ("clamp_", lambda t: t.clamp_(0, 1)),
        ("masked_fill_", lambda t: t.masked_fill_(t > 0, 1.0)),
        ("sigmoid_", lambda t: t.sigmoid_()),
        ("exponential_", lambda t: t.exponential_()),
        ("cumsum_", lambda t: t.cumsum_(0)),
        ("tril_", lambda t: t.tril_()),
        ("[0] =", lambda t: t.__setitem__(0, t[-1])),
        ("[[0]] =", lambda t: t.__setitem__(torch.tensor([0], device=t.device), 1.5)),
    ]
    (part, take), (change, write) = draw.choice(parts), draw.choice(changes)
    fresh, late = draw.random() < 0.5, draw.random() < 0.5

    def call(t: Any) -> Any:
        whole = t * 1.5 if fresh else t.new_zeros(t.shape).add(t)
        early = whole.reshape(-1)
        write(take(whole))
        return early if late else whole, t * 2  # so that what is overwritten has another use

    return f"{change} of {part}{', early' if late else ''}", call


def convolution(draw: Draw, x: Any) -> tuple[str, Call]:
    word = draw.choice(LAYERS)
    space, channels = int(word[-2]), x.shape[-int(word[-2]) - 1] if x.dim() > int(word[-2]) else 1
    groups = draw.choice([g for g in (1, 1, 2, 3, channels) if channels % g == 0])
    options: dict[str, Any] = {
        "kernel_size": tuple(draw.randint(1, 3) for _ in range(space)), "stride": draw.randint(1, 2), "groups": groups,
        "bias": draw.random() < 0.7, "padding": draw.choice([0, 0, 1, 2]), "dilation": draw.choice([1, 1, 2]),
    }  # fmt: skip
    if "Transpose" not in word:
        options["padding_mode"] = draw.choice(["zeros", "zeros", "reflect", "replicate", "circular"])
        if draw.random() < 0.2:
            options |= {"padding": "same", "stride": 1}
    out = groups * draw.randint(1, 3)
    return f"{word}({channels}, {out}, {options})", getattr(nn, word)(channels, out, **options)


def kernels(draw: Draw, x: Any) -> tuple[str, Call]:
    """A convolution or product with weights that are parts of a parameter, shared, computed, stored, or data."""
    channels = x.shape[1] if x.dim() > 1 else 1
    last = x.shape[-1] if x.dim() else 1
    w, v, m = learned(6, channels, 1, 1), learned(4, channels, 3, 3), learned(6, last)
    k = draw.randint(1, 5)
    return draw.choice([
        (f"w[:{k}]", With(lambda n, t: F.conv2d(t, n.w[:k]), w=w)),
        (f"w[:{k}], w[{k}:]", With(lambda n, t: (F.conv2d(t, n.w[:k]), F.conv2d(t, n.w[k:])), w=w)),
        (f"w[:{k}], w", With(lambda n, t: (F.conv2d(t, n.w[:k]), F.conv2d(t, n.w)), w=w)),
        ("w, w[2:]", With(lambda n, t: (F.conv2d(t, n.w), F.conv2d(t, n.w[2:])), w=w)),
        ("w.split", With(lambda n, t: [F.conv2d(t, one) for one in n.w.split([1, 2, 3])], w=w)),
        ("w twice", With(lambda n, t: (F.conv2d(t, n.w), F.conv2d(t * 2, n.w, padding=1)), w=w)),
        ("w.flip", With(lambda n, t: F.conv2d(t, n.w.flip(0)), w=w)),
        ("w + v", With(lambda n, t: F.conv2d(t, n.v + n.w[:4], padding=1), w=w, v=v)),
        ("stored", With(lambda n, t: F.conv2d(t, n.v, padding=1), v=nn.Buffer(torch.rand(4, channels, 3, 3)))),
        ("of the image", lambda t: F.conv2d(t, t[:, :, :1, :1])),
        ("conv_transpose", With(lambda n, t: F.conv_transpose2d(t, n.v), v=learned(channels, 4, 3, 3))),
        ("linear chunk", With(lambda n, t: [F.linear(t, one) for one in n.m.chunk(3)], m=m)),
        ("linear part", With(lambda n, t: F.linear(t, n.m[1:k + 1]), m=m)),
        ("linear columns", With(lambda n, t: F.linear(t[..., :1], n.m[:, :1]), m=m)),
        ("linear of rows", With(lambda n, t: F.linear(t, n.m[0]), m=m)),
        ("t @ m.T", With(lambda n, t: t @ n.m.T, m=m)),
        ("t @ m.T, shared", With(lambda n, t: t @ n.m.T + F.linear(t, n.m), m=m)),
        ("m @ t.mT", With(lambda n, t: n.m @ t.mT, m=m)),
        ("einsum", With(lambda n, t: torch.einsum("...k,ok->...o", t, n.m), m=m)),
        ("addmm", With(lambda n, t: torch.addmm(t.new_ones(6), t.reshape(-1, last), n.m.T, beta=0.5, alpha=2), m=m)),
        ("added", With(lambda n, t: t + n.m[1], m=m)),
        ("scaled", With(lambda n, t: t * n.w[0], w=w)),
        ("looked up", With(lambda n, t: F.embedding(t.long().clamp(0, 5), n.m), m=m)),
        ("looked up by a constant", With(lambda n, t: t.sum() + n.m[torch.tensor([0, 2], device=t.device)], m=m)),
        ("expanded", With(lambda n, t: t + n.m[:1, :1].expand(1, last), m=m)),
        ("bilinear", nn.Bilinear(last, last, 2)),
        ("gated", With(lambda n, t: t * torch.sigmoid(F.linear(t, n.m)).sum(-1, keepdim=True), m=m)),
        ("written", With(lambda n, t: (y := n.m.clone(), y[:1].mul_(2), F.linear(t, y))[-1], m=m)),
        ("normalized", With(lambda n, t: F.linear(t, F.normalize(n.m)), m=m)),
    ])  # fmt: skip


def products(draw: Draw, x: Any) -> tuple[str, Call]:
    n = x.dim()
    letters = "abcde"[:n]
    second = "".join(draw.sample(letters, n)) if n else ""
    out = "".join(draw.sample(letters, draw.randint(0, n))) if n else ""
    causal = draw.random() < 0.5
    return draw.choice([
        (f"einsum {letters},{letters}->{out}", lambda t: torch.einsum(f"{letters},{letters}->{out}", t, t)),
        (f"einsum {letters}->{out}", lambda t: torch.einsum(f"{letters}->{out}", t)),
        (f"einsum {letters},{second}", lambda t: torch.einsum(f"{letters},{second}->{letters}", t, t)),
        ("einsum of three", lambda t: torch.einsum("...ij,...jk,...kl->...il", t, t.mT, t)),
        ("t @ t.mT", lambda t: t @ t.mT),
        ("t @ vector", lambda t: t @ t.reshape(-1)[: t.shape[-1]]),
        ("attention", lambda t: F.scaled_dot_product_attention(t, t, t, is_causal=causal)),
        ("attention, mask", lambda t: F.scaled_dot_product_attention(t, t, t, attn_mask=(t @ t.mT) > 0)),
        ("attention, scale", lambda t: F.scaled_dot_product_attention(t, t * 2, t, scale=0.3)),
        ("multi_dot", lambda t: torch.linalg.multi_dot([t[0, 0], t[0, 0].mT, t[0, 0]])),
        ("baddbmm", lambda t: torch.baddbmm(t @ t.mT, t, t.mT, beta=0.5)),
        ("tensordot", lambda t: torch.tensordot(t, t, dims=1)),
        ("outer", lambda t: torch.outer(t.reshape(-1)[:3], t.reshape(-1)[:4])),
        ("cdist", lambda t: torch.cdist(t, t)),
        ("chain_matmul", lambda t: t.mT @ (t @ t.mT)),
    ])  # fmt: skip


def layer(draw: Draw, x: Any) -> tuple[str, Call]:
    """A layer of torch.nn that takes what is there."""
    c = x.shape[1] if x.dim() > 1 else 1
    last = x.shape[-1] if x.dim() else 1
    k, two = draw.randint(1, 3), draw.randint(1, 2)
    ceil = draw.random() < 0.3
    heads = draw.choice([h for h in (1, 2, 3) if last % h == 0])
    cross = draw.choice(["self", "cross", "three"])
    options = {"batch_first": draw.random() < 0.8, "bias": draw.random() < 0.8}
    if draw.random() < 0.15:
        options["add_bias_kv"] = True
    if draw.random() < 0.15:
        options["add_zero_attn"] = True
    weights = draw.random() < 0.5

    def attend(n: Any, t: Any) -> Any:
        q, key, value = {"self": (t, t, t), "cross": (t, y := t * 2, y), "three": (t, t * 2, t + 1)}[cross]
        return n.m(q, key, value, need_weights=weights)[0]

    made: list[tuple[str, Callable[[], Call]]] = [
        (f"MultiheadAttention({last}, {heads}, {options}) {cross}",
         lambda: With(attend, m=nn.MultiheadAttention(last, heads, **options))),
        ("kdim", lambda: With(lambda n, t: n.m(t, n.a(t), n.b(t))[0], a=nn.Linear(last, 3), b=nn.Linear(last, 5),
                              m=nn.MultiheadAttention(last, heads, kdim=3, vdim=5, batch_first=True))),
        ("encoder", lambda: nn.TransformerEncoderLayer(last, heads, 5, batch_first=True, norm_first=ceil)),
        ("decoder", lambda: With(lambda n, t: n.d(t, t * 2), d=nn.TransformerDecoderLayer(last, heads, 5,
                                                                                         batch_first=True))),
        ("Linear", lambda: nn.Linear(last, k, bias=ceil)),
        ("BatchNorm", lambda: (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[min(x.dim(), 5) - 2](
            c, affine=not ceil)),
        ("GroupNorm", lambda: nn.GroupNorm(1, c, affine=ceil)),
        ("LayerNorm", lambda: nn.LayerNorm(tuple(x.shape[-k:]), elementwise_affine=not ceil)),
        ("RMSNorm", lambda: nn.RMSNorm(last)),
        ("InstanceNorm2d", lambda: nn.InstanceNorm2d(c, affine=ceil)),
        ("LocalResponseNorm", lambda: nn.LocalResponseNorm(k)),
        ("PReLU", lambda: nn.PReLU(draw.choice([1, c]))),
        ("MaxPool2d", lambda: nn.MaxPool2d(k, two, k // 2, two, return_indices=weights, ceil_mode=ceil)),
        ("MaxPool1d", lambda: nn.MaxPool1d(k, ceil_mode=ceil)),
        ("MaxPool3d", lambda: nn.MaxPool3d(1)),
        ("AvgPool2d", lambda: nn.AvgPool2d(k, two, k // 2, ceil, weights, draw.choice([None, 3]))),
        ("LPPool2d", lambda: nn.LPPool2d(2, k)),
        ("FractionalMaxPool2d", lambda: nn.FractionalMaxPool2d(1, 1)),
        ("MaxUnpool2d", lambda: With(lambda n, t: n.u(*F.max_pool2d(t, 2, return_indices=True)), u=nn.MaxUnpool2d(2))),
        ("AdaptiveAvgPool2d", lambda: nn.AdaptiveAvgPool2d((draw.choice([None, 1, 2]), two))),
        ("AdaptiveMaxPool2d", lambda: nn.AdaptiveMaxPool2d(two, return_indices=weights)),
        ("AdaptiveAvgPool1d", lambda: nn.AdaptiveAvgPool1d(two)),
        ("Upsample", lambda: nn.Upsample(scale_factor=draw.choice([2, 1.5, (1, 3)]), mode=draw.choice(
            ["nearest", "bilinear", "bicubic", "nearest-exact", "area"]))),
        ("PixelShuffle", lambda: nn.PixelShuffle(two)),
        ("PixelUnshuffle", lambda: nn.PixelUnshuffle(two)),
        ("ChannelShuffle", lambda: nn.ChannelShuffle(two)),
        ("Unfold", lambda: nn.Unfold(k, two, k // 2)),
        ("Fold", lambda: With(lambda n, t: F.fold(F.unfold(t, k), t.shape[-2:], k))),
        ("pads", lambda: draw.choice([nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d, nn.ZeroPad2d])(1)),
        ("Embedding", lambda: With(lambda n, t: n.e(t.long().clamp(0, 3)), e=nn.Embedding(4, 3))),
        ("EmbeddingBag", lambda: With(lambda n, t: n.e(t.long().clamp(0, 3)), e=nn.EmbeddingBag(4, 3))),
        ("LSTM", lambda: With(lambda n, t: n.r(t)[0], r=nn.LSTM(last, 2, batch_first=True))),
        ("GRUCell", lambda: nn.GRUCell(last, 2)),
        ("Softmax2d", nn.Softmax2d),
        ("Dropout2d", nn.Dropout2d),
        ("CrossMapLRN2d", lambda: nn.CrossMapLRN2d(3)),
        ("weight_norm", lambda: nn.utils.parametrizations.weight_norm(nn.Linear(last, 3))),
        ("grid_sample", lambda: With(lambda n, t: F.grid_sample(t, t[:, :2].movedim(1, -1), align_corners=False))),
        ("affine_grid", lambda: With(lambda n, t: F.grid_sample(t, F.affine_grid(
            n.l(t.mean((2, 3))).view(-1, 2, 3), list(t.shape), align_corners=False), align_corners=False),
            l=nn.Linear(c, 6))),
        ("squeeze and excite", lambda: With(lambda n, t: t * n.l(t.mean((2, 3)))[:, :, None, None].sigmoid(),
                                            l=nn.Linear(c, c))),
    ]  # fmt: skip
    word, make = draw.choice(made)
    return word, make()


WORDS = (
    unary,
    activation,
    binary,
    reduction,
    reshaping,
    reshaping,
    writing,
    convolution,
    kernels,
    products,
    layer,
    layer,
)


# ---- modules, and what becomes of them -------------------------------------------------------------------


def program(seed: int) -> tuple[Program, tuple[int, ...]]:
    """Return a random module that PyTorch itself runs, and its input's shape without the batch."""
    draw = Draw(seed)
    shape = draw.choice([(6, 8, 8), (4, 6, 5), (3, 7, 8), (6, 8), (5, 4), (8,), (1, 4, 4), (2, 3, 4, 4)])
    image, made = torch.rand(1, *shape), Program().eval()
    wanted = draw.randint(1, MOST_CALLS)
    for _ in range(4 * wanted):
        values = made.widths(image)
        place = draw.choice([len(values) - 1, draw.randrange(len(values))])
        try:
            said, call = draw.choice(WORDS)(draw, values[place])
            other = draw.randrange(len(values))
            takes_two = getattr(getattr(call, "__code__", None), "co_argcount", 1) == 2
            made.put(said, call, (place, other) if takes_two else (place,))
        except Exception:  # noqa: BLE001 - a layer that nobody can make
            continue
        try:
            made.eval()
            fits = all(1 <= one.numel() <= LARGEST for one in made.widths(image)[len(values) :])
        except Exception:  # noqa: BLE001 - PyTorch refuses the call
            fits = False
        if not fits:
            made.drop()
        if len(made.calls) == wanted:
            break
    return made, shape


def outcome(seed: int) -> tuple[str, float]:
    """Return what becomes of a module, and the seconds it took; AssertionError where it is neither read nor refused."""
    made, shape = program(seed)
    started = time.process_time()
    try:
        flat = from_torch(made, shape)
        result = costcalc.count(flat.data())
    except SpecError as error:
        said = str(error)
        assert REPORT not in said, (seed, made.said, said)
        taken = time.process_time() - started
        return f"refused: {'PyTorch can not trace it' if 'torch.export' in said else 'in words'}", taken
    taken = time.process_time() - started
    try:
        direct = Direct(made, shape)
    except Exception:  # noqa: BLE001 - some functions do not run without numbers
        return "read, PyTorch does not count it", taken
    assert (result.params, result.macs) == (direct.params, direct.macs), (
        seed, made.said, (result.params, result.macs), (direct.params, direct.macs),
    )  # fmt: skip
    return "read, and counted the same", taken


def run(number: int, first: int) -> tuple[Counter[str], tuple[float, int]]:
    """Return how many modules came to what, and the slowest with its seed."""
    from_torch(With(lambda _, t: torch.einsum("abc->acb", t)), (2, 3))  # so that all is loaded
    said, slowest = Counter[str](), (0.0, first)
    for seed in range(first, first + number):
        what, taken = outcome(seed)
        said[what] += 1
        slowest = max(slowest, (taken, seed))
    assert slowest[0] < LONGEST, slowest
    return said, slowest


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for what, many in (done := run(asked, int(sys.argv[2]) if len(sys.argv) > 2 else 0))[0].most_common():
        print(f"{many:,} {what}")
    print(f"the slowest took {done[1][0]:.2f} s (seed {done[1][1]})")
