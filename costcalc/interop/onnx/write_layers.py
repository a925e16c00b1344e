"""Layers -> ONNX's nodes: convolutions, pools, products, norms. A rule takes the writer, the row, its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from costcalc.base import Data, Datum
from costcalc.graph.graph import Node

if TYPE_CHECKING:
    from costcalc.interop.onnx.write import Writer

Rule = Callable[["Writer", Node, list[str]], Any]


def window(node: Node) -> dict[str, Datum]:
    """Return the attributes of a window that slides."""
    op, x = node.op, node.x[0] if isinstance(node.x, tuple) else node.x
    values = vars(op)
    found: dict[str, Datum] = {"kernel_shape": list(values["kernel"]), "strides": list(values["stride"])}
    if set(values["dilation"]) != {1}:
        found["dilations"] = list(values["dilation"])
    if values["padding"] == "same":
        return found | {"auto_pad": "SAME_UPPER"}
    pairs = values["padding"] if "output_padding" in values else op.pads(x)  # type: ignore[attr-defined]
    return found | {"pads": [before for before, _ in pairs] + [after for _, after in pairs]}


def conv(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a convolution, plain, grouped or depthwise."""
    values, x, y = vars(node.op), node.x, node.y
    groups = values.get("groups", x.c)
    weights = [w.weight("weight", [y.c, x.c // groups, *values["kernel"]])]
    if values["bias"]:
        weights.append(w.weight("bias", [y.c]))
    return w.node("Conv", [*inputs, *weights], **window(node), group=groups)


def conv_transpose(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a transposed convolution."""
    values, x, y = vars(node.op), node.x, node.y
    weights = [w.weight("weight", [x.c, y.c // values["groups"], *values["kernel"]])]
    if values["bias"]:
        weights.append(w.weight("bias", [y.c]))
    extra: Data = {"output_padding": list(values["output_padding"])} if any(values["output_padding"]) else {}
    return w.node("ConvTranspose", [*inputs, *weights], **window(node), **extra, group=values["groups"])


def dynamic_conv(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a convolution whose second input is the kernel."""
    kernel = w.node("Reshape", [inputs[1], w.ints(node.x[1].dims)])
    return w.node("Conv", [inputs[0], kernel], **window(node), group=vars(node.op)["groups"])


def max_pool(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a maximum over windows."""
    return w.node("MaxPool", inputs, **window(node), ceil_mode=int(vars(node.op)["ceil_mode"]))


def avg_pool(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write an average over windows."""
    values = vars(node.op)
    counted = values["count_include_pad"] and values["padding"] != "same"
    more: Data = {"ceil_mode": int(values["ceil_mode"]), "count_include_pad": int(counted)}
    return w.node("AveragePool", inputs, **window(node), **more)


def _global(name: str) -> Rule:
    def rule(w: Writer, node: Node, inputs: list[str]) -> Any:
        return w.node("Flatten", [w.node(name, inputs)], axis=1)

    return rule


def _adaptive(one: str, window: str) -> Rule:
    """Return the rule of a pool to a size: ONNX has it where the size divides the input's."""

    def rule(w: Writer, node: Node, inputs: list[str]) -> Any:
        size, space = vars(node.op)["size"], node.x.space
        if set(size) == {1}:
            return w.node(one, inputs)
        if any(n % k for n, k in zip(space, size, strict=True)):
            return None
        each = [n // k for n, k in zip(space, size, strict=True)]
        return w.node(window, inputs, kernel_shape=each, strides=each)

    return rule


def fc(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a fully connected layer: at each position as a product with the channels last."""
    x, out, bias = node.x, node.y.c, vars(node.op)["bias"]
    if not x.space:
        weights = [w.weight("weight", [out, x.c])] + ([w.weight("bias", [out])] if bias else [])
        return w.node("Gemm", [*inputs, *weights], transB=1)
    axes = len(x.dims)
    value = w.transpose(inputs[0], [*range(1, axes), 0])
    value = w.node("MatMul", [value, w.weight("weight", [x.c, out])])
    if bias:
        value = w.node("Add", [value, w.weight("bias", [out])])
    return w.transpose(value, [axes - 1, *range(axes - 1)])


def matmul(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the product of two tensors."""
    return w.node("MatMul", inputs)


def attention(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write scaled dot-product attention as its four steps."""
    q, k, v = inputs
    axes = len(node.y.dims)
    scores = w.node("MatMul", [q, w.transpose(k, [*range(axes - 2), axes - 1, axes - 2])])
    scaled = w.node("Mul", [scores, w.number(float(node.x[0].dims[-1]) ** -0.5)])
    return w.node("MatMul", [w.node("Softmax", [scaled], axis=-1), v])


def _affine(w: Writer, node: Node) -> list[str]:
    """Return scale and bias, a number a channel; where nothing is learned, as constants."""
    values = vars(node.op)
    learned = [values["affine"] and values.get(word, True) for word in ("scale", "bias")]
    named = zip(learned, (("weight", 1.0), ("bias", 0.0)), strict=True)
    return [(w.weight if own else w.filled)(name, [node.x.c], number) for own, (name, number) in named]


def batch_norm(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write batch normalization."""
    learned = _affine(w, node)
    stored = [w.held("running_mean", [node.x.c]), w.held("running_var", [node.x.c], 1.0)]
    return w.node("BatchNormalization", [*inputs, *learned, *stored], epsilon=float(vars(node.op)["eps"]))


def instance_norm(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write instance normalization; with stored statistics ONNX has none."""
    values = vars(node.op)
    if values["track_running_stats"]:
        return None
    return w.node("InstanceNormalization", [*inputs, *_affine(w, node)], epsilon=float(values["eps"]))


def group_norm(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write group normalization."""
    values = vars(node.op)
    if not node.x.space:
        return None
    more = {"num_groups": values["groups"], "epsilon": float(values["eps"])}
    return w.node("GroupNormalization", [*inputs, *_affine(w, node)], **more)


def layer_norm(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write layer normalization: over all, or with the channels last."""
    x, values = node.x, vars(node.op)
    whole = values["over"] == "all" or not x.space
    dims = x.dims if whole else [x.c]
    gamma, beta = node.op.trains  # type: ignore[attr-defined]
    weights = [(w.weight if gamma else w.filled)("weight", dims, 1.0)]
    if beta:
        weights.append(w.weight("bias", dims))
    more: Data = {"axis": 1 if whole else -1, "epsilon": float(values["eps"])}
    if whole:
        return w.node("LayerNormalization", [*inputs, *weights], **more)
    axes = len(x.dims)
    last = w.transpose(inputs[0], [*range(1, axes), 0])
    return w.transpose(w.node("LayerNormalization", [last, *weights], **more), [axes - 1, *range(axes - 1)])


def lrn(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write local response normalization; within a channel ONNX has none."""
    if vars(node.op)["over"] != "channels":
        return None
    return w.node("LRN", inputs, size=vars(node.op)["size"])


def scale(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a factor, and where there is one an addend, for each channel."""
    dims = [node.x.c, *(1,) * len(node.x.space)]
    value = w.node("Mul", [*inputs, w.weight("weight", dims, 1.0)])
    return w.node("Add", [value, w.weight("bias", dims)]) if vars(node.op)["shift"] else value


def prelu(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a rectifier with learned slopes."""
    dims = [node.x.c, *(1,) * len(node.x.space)] if vars(node.op)["per_channel"] else [1]
    return w.node("PRelu", [*inputs, w.weight("weight", dims, 0.25)])


def parameter(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a tensor that is learned, stored or made."""
    make = {"parameter": w.weight, "buffer": w.held}.get(vars(node.op)["store"])
    dims = [1, *node.y.dims]
    return w.filled("values", dims, 0.0) if make is None else make("values", dims)


RULES: dict[str, Rule] = {
    "conv": conv,
    "dwconv": conv,
    "conv_transpose": conv_transpose,
    "dynamic_conv": dynamic_conv,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": _global("GlobalAveragePool"),
    "global_max_pool": _global("GlobalMaxPool"),
    "adaptive_avg_pool": _adaptive("GlobalAveragePool", "AveragePool"),
    "adaptive_max_pool": _adaptive("GlobalMaxPool", "MaxPool"),
    "fc": fc,
    "matmul": matmul,
    "attention": attention,
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "lrn": lrn,
    "scale": scale,
    "prelu": prelu,
    "parameter": parameter,
}
