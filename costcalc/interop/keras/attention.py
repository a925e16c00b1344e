"""Keras' attention layers -> products of queries, keys and values, with the layers that make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.base.errors import Fault
from costcalc.interop.keras.config import said, whole
from costcalc.interop.keras.layers import dense_over
from costcalc.interop.keras.net import KerasNet, KerasTensor, LayerCall, rule
from costcalc.numbers.num import prod

_NAMES = ("query", "value", "key")


def _given(call: LayerCall) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """Return query, value and key: by place, in a list, or by name; the key is the value where it is not given."""
    args = call.args[0] if len(call.args) == 1 and isinstance(call.args[0], list) else call.args
    by_name = [call.kwargs.get(name) for name in _NAMES]
    held = [one if isinstance(one, KerasTensor) else None for one in [*args, None, None, None][:3]]
    query, value, key = (one if one is not None else other for one, other in zip(held, by_name, strict=True))
    if not isinstance(query, KerasTensor) or not isinstance(value, KerasTensor):
        raise Fault("takes a query and a value")
    return query, value, key if isinstance(key, KerasTensor) else value


class Heads:
    """Numbers of heads, cut out of a tensor's last axis: [free axes, heads, positions, numbers]."""

    def __init__(self, net: KerasNet, name: str, along: Sequence[int], rank: int) -> None:
        """Take heads along these axes of Keras' tensors of so many; the others are free."""
        self.net = net
        self.name = name
        self.along = list(along)
        self.free = [k for k in range(rank - 1) if k not in along]

    def cut(self, x: KerasTensor, heads: int) -> str:
        """Return a value [free axes, heads, positions, numbers] of a tensor whose last axis holds all heads."""
        net, dims = self.net, self.net.dims(x)
        width = dims[-1] // heads
        last = len(dims) - 1
        split = net.shaped(
            net.arranged(x, [last, *range(last)], self.name), [heads, width, *dims[:-1]], f"{self.name}.heads"
        )
        order = [*(k + 2 for k in self.free), 0, *(k + 2 for k in self.along), 1]
        made = net.arranged(KerasTensor(split, tuple(range(len(order)))), order, self.name)
        sizes = [dims[k] for k in self.free]
        return net.shaped(made, [*sizes, heads, prod(dims[k] for k in self.along), width], self.name)

    def joined(self, value: str, dims: Sequence[int], heads: int, width: int) -> KerasTensor:
        """Return the tensor of Keras, with the query's axes (dims) and the heads' numbers on the last."""
        net, free = self.net, len(self.free)
        apart = [*(dims[k] for k in self.free), heads, *(dims[k] for k in self.along), width]
        value = net.shaped(value, apart, self.name)
        whole_ = KerasTensor(value, tuple(range(len(apart))))
        sequence = [free, len(apart) - 1, *(self._place(k, free) for k in range(len(dims)))]
        value = net.arranged(whole_, sequence, self.name)
        return net.placed(net.shaped(value, [heads * width, *dims], self.name), [len(dims), *range(len(dims))])

    def _place(self, axis: int, free: int) -> int:
        """Return where an axis of Keras stands among free axes, heads, positions and numbers."""
        return self.free.index(axis) if axis in self.free else free + 1 + self.along.index(axis)


def attended(
    net: KerasNet, q: str, k: str, v: str, name: str, *, mask: str | None, causal: bool, scores: bool
) -> tuple[str, str | None]:
    """Return what attention gives, and its scores if they are asked for; a mask is added to these."""
    if mask is None and not causal and not scores:
        return net.add("attention", [q, k, v], f"{name}.attention"), None
    dims = net.flat.shapes[k].dims
    swapped = [*range(len(dims) - 2), len(dims) - 1, len(dims) - 2]
    turned = net.add("permute", [k], f"{name}.keys", axes=swapped)
    width = net.flat.shapes[q].dims[-1]
    scaled = net.add("arithmetic", [q], f"{name}.scale", op="multiply", by=float(f"{width**-0.5:.7g}"))
    made = net.add("matmul", [scaled, turned], f"{name}.scores")
    if causal:
        shape = list(net.flat.shapes[made].dims[-2:])
        own = net.add("parameter", [], f"{name}.causal", shape=[1] * (len(dims) - 2) + shape, store="none")
        made = net.add("add", [made, own], f"{name}.masked")
    if mask is not None:
        made = net.add("add", [made, mask], f"{name}.masked")
    shares = net.add("softmax", [made], f"{name}.softmax", axis=len(dims) - 1)
    return net.add("matmul", [shares, v], f"{name}.product"), shares


def _masked(net: KerasNet, mask: Any, like: int, name: str) -> str | None:
    """Return a mask [positions, positions] with axes of length 1 for heads and free axes."""
    if not isinstance(mask, KerasTensor):
        return None
    value = net.arranged(mask, range(len(mask.order)), name)
    dims = net.dims(mask)
    if len(dims) < 2:
        dims = [1, *dims]
    return net.shaped(value, [*[1] * (like - len(dims)), *dims], name)


def _width(given: Any) -> int | None:
    """Return the channels of an `output_shape`, of one axis; None for the query's."""
    if given is None:
        return None
    shape = given if isinstance(given, list) else [given]
    if len(shape) != 1:
        raise Fault(f"output_shape {said(given)} has several axes, which costcalc has no words for")
    return whole(shape[0], "output_shape")


@rule("MultiHeadAttention")
def multi_head(net: KerasNet, call: LayerCall) -> Any:
    """Attention of several heads over learned queries, keys and values."""
    c, name = call.config, call.name
    call.named("value", "key", "query", "attention_mask", "use_causal_mask", "return_attention_scores", "query_mask",
               "value_mask", "key_mask")  # fmt: skip
    query, value, key = _given(call)
    heads, width = c.whole("num_heads"), c.whole("key_dim")
    depth, bias = c.whole("value_dim", width), c.flag("use_bias", default=True)
    for word in ("query_shape", "key_shape", "value_shape", "softmax_robust_masking"):
        c.get(word)
    rank = len(query.order)
    if any(len(one.order) != rank for one in (key, value)) or rank < 2:
        raise Fault("takes queries, keys and values of as many axes, positions and channels")
    axes = c.get("attention_axes")
    given = axes if isinstance(axes, list) else [axes]
    along = list(range(rank - 1)) if axes is None else sorted({net.axis(axis, rank) for axis in given})
    if rank - 1 in along:
        raise Fault("attends along its channels")
    way = Heads(net, name, along, rank)
    projected = [
        dense_over(net, x, heads * n, f"{name}.{word}", bias=bias)
        for x, n, word in ((query, width, "query"), (key, width, "key"), (value, depth, "value"))
    ]
    q, k, v = (way.cut(x, heads) for x in projected)
    out = _width(c.get("output_shape")) or net.dims(query)[-1]
    return _ended(net, call, way, (q, k, v), query, (heads, depth, out))


@rule("GroupedQueryAttention", "GroupQueryAttention")
def grouped_query(net: KerasNet, call: LayerCall) -> Any:
    """Attention whose heads share keys and values in groups."""
    c, name = call.config, call.name
    call.named("value", "key", "query", "attention_mask", "use_causal_mask", "return_attention_scores", "query_mask",
               "value_mask", "key_mask")  # fmt: skip
    query, value, key = _given(call)
    width, heads = c.whole("head_dim"), c.whole("num_query_heads")
    pairs, bias = c.whole("num_key_value_heads"), c.flag("use_bias", default=True)
    if heads % pairs or any(len(x.order) != 2 for x in (query, key, value)):
        raise Fault("takes positions and channels, and query heads that are a multiple of the others")
    way = Heads(net, name, [0], 2)
    q = way.cut(dense_over(net, query, heads * width, f"{name}.query", bias=bias), heads)
    held = [
        way.cut(dense_over(net, x, pairs * width, f"{name}.{word}", bias=bias), pairs)
        for x, word in ((key, "key"), (value, "value"))
    ]
    k, v = (_repeated(net, one, heads // pairs, name) for one in held)
    return _ended(net, call, way, (q, k, v), query, (heads, width, net.dims(query)[-1]))


def _ended(
    net: KerasNet, call: LayerCall, way: Heads, qkv: tuple[str, ...], query: KerasTensor, sizes: tuple[int, int, int]
) -> Any:
    """Return what attention of several heads gives: attended, joined, gated where it says so, and projected.

    sizes: how many heads there are, how many numbers a value has, and how many channels leave.
    """
    c, name, (q, k, v), (heads, depth, out) = call.config, call.name, qkv, sizes
    bias = c.flag("use_bias", default=True)
    mask = _masked(net, call.kwargs.get("attention_mask"), len(net.flat.shapes[q].dims), name)
    scores = bool(call.kwargs.get("return_attention_scores"))
    causal = bool(call.kwargs.get("use_causal_mask"))
    made, shares = attended(net, q, k, v, name, mask=mask, causal=causal, scores=scores)
    dims = net.dims(query)
    together = way.joined(made, dims[:-1], heads, depth)
    if c.flag("use_gate"):
        gate = dense_over(net, query, heads * depth, f"{name}.gate", bias=bias)
        together = net.join("multiply", [together, net.each(gate, "sigmoid", f"{name}.sigmoid")], f"{name}.gated")
    given = dense_over(net, together, out, f"{name}.output", bias=bias)
    if scores and shares is not None:
        return [given, KerasTensor(shares, tuple(range(len(net.flat.shapes[shares].dims))))]
    return given


def _repeated(net: KerasNet, value: str, times: int, name: str) -> str:
    """Return each head of [heads, positions, numbers] so many times."""
    if times == 1:
        return value
    heads, positions, width = net.flat.shapes[value].dims
    apart = net.shaped(value, [heads, 1, positions, width], name)
    wide = net.add("broadcast_to", [apart], f"{name}.repeat", shape=[heads, times, positions, width])
    return net.shaped(wide, [heads * times, positions, width], name)


@rule("Attention", "AdditiveAttention")
def luong(net: KerasNet, call: LayerCall) -> Any:
    """Attention without heads: of products of queries and keys (Luong), or of their sums (Bahdanau)."""
    c, name = call.config, call.name
    call.named("value", "key", "query", "return_attention_scores", "use_causal_mask")
    query, value, key = _given(call)
    if any(len(x.order) != 2 for x in (query, key, value)):
        raise Fault("takes positions and channels")
    additive = call.kind == "AdditiveAttention" or c.word("score_mode", "dot", ("dot", "concat")) == "concat"
    scale = c.flag("use_scale", default=call.kind == "AdditiveAttention")
    (steps, width), (places, _) = net.dims(query), net.dims(value)
    q, v = (net.arranged(x, [0, 1], name) for x in (query, value))
    if additive:
        k = net.arranged(key, [0, 1], name)
        one, two = net.shaped(q, [steps, 1, width], name), net.shaped(k, [1, places, width], name)
        total = net.add("tanh", [net.add("add", [one, two], f"{name}.sum")], f"{name}.tanh")
        if call.kind == "AdditiveAttention" and scale:
            own = net.add("parameter", [], f"{name}.scale", shape=[1, 1, width])
            total = net.add("multiply", [total, own], f"{name}.scaled")
        made = net.add("reduce_axes", [total], f"{name}.scores", op="sum", axes=[2])
        if call.kind == "Attention":
            own = net.add("parameter", [], f"{name}.concat_score_weight", shape=[1, 1])
            made = net.add("multiply", [made, own], f"{name}.weighted")
    else:
        made = net.add("matmul", [q, net.arranged(key, [1, 0], name)], f"{name}.scores")
    if scale and call.kind == "Attention":
        own = net.add("parameter", [], f"{name}.scale", shape=[1, 1])
        made = net.add("multiply", [made, own], f"{name}.scaled")
    if call.kwargs.get("use_causal_mask"):
        own = net.add("parameter", [], f"{name}.causal", shape=[steps, places], store="none")
        made = net.add("add", [made, own], f"{name}.masked")
    shares = net.add("softmax", [made], f"{name}.softmax", axis=1)
    out = KerasTensor(net.add("matmul", [shares, v], name), (0, 1))
    return [out, KerasTensor(shares, (0, 1))] if call.kwargs.get("return_attention_scores") else out
