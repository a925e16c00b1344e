"""Recurrent layers, and what looks up, compares, chooses, ranks and samples -> ONNX's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.graph.graph import Node
from costcalc.interop.onnx.write_layers import Rule, window
from costcalc.interop.tensors.recurrent import COMPARISONS, GATES

if TYPE_CHECKING:
    from costcalc.interop.onnx.write import Writer


def recurrent(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a recurrent layer, an ONNX node a layer; ONNX has none with a projection, or one bias a gate."""
    values, x = vars(node.op), node.x
    if values.get("projection") or values["one_bias"]:
        return None
    op, hidden, sides = node.op.kind.upper(), values["hidden"], 2 if values["bidirectional"] else 1
    flow, channels, states = w.node("Transpose", inputs, perm=[2, 0, 1]), x.c, []
    more: dict[str, Any] = {"linear_before_reset": 1} if op == "GRU" else {}
    if values.get("nonlinearity") == "relu":
        more["activations"] = ["Relu"] * sides
    for layer in range(values["layers"]):
        weights = [
            w.weight(f"weight_ih_l{layer}", [sides, GATES[op] * hidden, channels]),
            w.weight(f"weight_hh_l{layer}", [sides, GATES[op] * hidden, hidden]),
        ]
        weights += [w.weight(f"bias_l{layer}", [sides, 2 * GATES[op] * hidden])] if values["bias"] else []
        direction = "bidirectional" if sides == 2 else "forward"
        made = w.node(
            op, [flow, *weights], outputs=3 if op == "LSTM" else 2, hidden_size=hidden, direction=direction, **more
        )
        channels = sides * hidden
        flow = w.node("Reshape", [w.node("Transpose", [made[0]], perm=[0, 2, 1, 3]), w.ints([x.w, 1, channels])])
        states.append(made[1:])
    out = w.node("Transpose", [flow], perm=[1, 2, 0])
    joined = [w.node("Concat", list(each), axis=0) if len(each) > 1 else each[0] for each in zip(*states, strict=True)]
    return [out, *(w.node("Transpose", [state], perm=[1, 0, 2]) for state in joined)]


def embedding(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write learned vectors by their index."""
    index = w.node("Cast", inputs, to=w.types.INT64)
    table = w.weight("weight", [vars(node.op)["stated"], node.y.c])
    rank = len(node.y.dims)
    return w.transpose(w.node("Gather", [table, index], axis=0), [rank - 1, *range(rank - 1)])


def lookup(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write places of an axis by a tensor of indices."""
    index = w.node("Cast", inputs[1:], to=w.types.INT64)
    index = w.node("Reshape", [index, w.ints(node.x[1].dims)])
    return w.node("Gather", [inputs[0], index], axis=vars(node.op)["axis"] + 1)


def compare(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a comparison."""
    values = vars(node.op)
    words = {ours: theirs for theirs, ours in COMPARISONS.items()}
    if values["op"] not in words:
        return None
    if values["by"] is not None:
        return w.node(words[values["op"]], [*inputs, w.number(float(values["by"]))])
    return w.node(words[values["op"]], w.aligned(inputs, node.x, node.y))


def where(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a choice."""
    condition, *others = w.aligned(inputs, node.x, node.y)
    number = vars(node.op)["otherwise"]
    others += [w.number(float(number))] if number is not None else []
    return w.node("Where", [w.node("Cast", [condition], to=w.types.BOOL), *others])


def argmax(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the place of the largest, or the smallest."""
    values = vars(node.op)
    keep = int(len(node.x.dims) == 1)
    return w.node("ArgMin" if values["smallest"] else "ArgMax", inputs, axis=values["axis"] + 1, keepdims=keep)


def topk(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the largest, and their places."""
    values = vars(node.op)
    return w.node("TopK", [*inputs, w.ints([values["stated"]])], outputs=2, axis=values["axis"] + 1)


def cumsum(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a running sum."""
    axis = vars(node.op)["axis"] + 1
    return w.node("CumSum", [*inputs, w.constant(f"axis{axis}", w.types.INT64, [], [axis])])


def einsum(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a product by letters, with one for the batch; not sums of one tensor alone, which come back as no rows."""
    left, inner = node.op.summed()  # type: ignore[attr-defined]
    if not inner or left != vars(node.op)["letters"][:-1]:
        return None
    *given, out = vars(node.op)["letters"]
    batch = next(c for c in "zyxwvutsrqponmlkjihgfedcba" if c not in "".join((*given, out)))
    said = ",".join(batch + one for one in given)
    return w.node("Einsum", inputs, equation=f"{said}->{batch}{out}")


def grid_sample(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a map read at the places of a grid."""
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(vars(node.op)["mode"], "nearest")
    return w.node("GridSample", [inputs[0], w.transpose(inputs[1], [1, 2, 0])], mode=mode)


def deform_conv(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a deformable convolution."""
    values, x, y = vars(node.op), node.x, node.y
    weight = w.weight("weight", [y.c, x[0].c // values["groups"], *values["kernel"]])
    bias = w.weight("bias", [y.c]) if values["bias"] else ""
    taken = [inputs[0], weight, inputs[1], *([bias] if bias or len(inputs) > 2 else []), *inputs[2:]]
    return w.node("DeformConv", taken, **window(node), group=values["groups"], offset_group=values["offset_groups"])


def roi_align(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write regions of a map, all of the first image."""
    values, count = vars(node.op), node.y.dims[-1]
    boxes = w.node("Reshape", [w.transpose(inputs[1], [1, 0]), w.ints([count, 4])])
    images = w.constant(f"images{count}", w.types.INT64, [count], [0] * count)
    high, wide = values["size"]
    made = w.node(
        "RoiAlign", [inputs[0], boxes, images], output_height=high, output_width=wide, sampling_ratio=values["ratio"]
    )
    return w.reshape(w.node("Transpose", [made], perm=[1, 2, 3, 0]), node.y.dims)


RULES: dict[str, Rule] = {
    "lstm": recurrent,
    "gru": recurrent,
    "rnn": recurrent,
    "embedding": embedding,
    "lookup": lookup,
    "compare": compare,
    "where": where,
    "argmax": argmax,
    "topk": topk,
    "cumsum": cumsum,
    "einsum": einsum,
    "grid_sample": grid_sample,
    "deform_conv": deform_conv,
    "roi_align": roi_align,
}
