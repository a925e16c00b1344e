"""What is done to each element, joins and reductions -> ONNX's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.base import Data
from costcalc.graph.graph import Node
from costcalc.interop import words
from costcalc.interop.onnx.write_layers import Rule
from costcalc.interop.words import ONNX

if TYPE_CHECKING:
    from costcalc.interop.onnx.write import Writer


def _activation(kind: str, name: str) -> Rule:
    """Return the rule of an activation that ONNX has, with the numbers that it takes."""
    fields = words.numbers(ONNX).get(kind, {})

    def rule(w: Writer, node: Node, inputs: list[str]) -> Any:
        numbers: Data = {word: float(vars(node.op)[field]) for field, word in fields.items()}
        return w.node(name, inputs, **numbers)

    return rule


def _clipped(w: Writer, value: str, least: float, most: float) -> Any:
    return w.node("Clip", [value, w.number(float(least)), w.number(float(most))])


def relu6(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write a rectifier with a ceiling."""
    return _clipped(w, inputs[0], 0.0, 6.0)


def hard_tanh(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write values kept between two bounds."""
    return _clipped(w, inputs[0], vars(node.op)["least"], vars(node.op)["most"])


def hard_sigmoid(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write the logistic function in straight lines, with PyTorch's slope."""
    return w.node("HardSigmoid", inputs, alpha=1 / 6, beta=0.5)


def swish(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write x * sigmoid(x)."""
    return w.node("Mul", [*inputs, w.node("Sigmoid", inputs)])


def log_sigmoid(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write -ln(1 + e^-x)."""
    return w.node("Neg", [w.node("Softplus", [w.node("Neg", inputs)])])


def glu(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write one half times the logistic function of the other."""
    axis = vars(node.op)["axis"] + 1
    value, gate = w.node("Split", inputs, outputs=2, axis=axis, num_outputs=2)
    return w.node("Mul", [value, w.node("Sigmoid", [gate])])


def _along(name: str) -> Rule:
    return lambda w, node, inputs: w.node(name, inputs, axis=vars(node.op)["axis"] + 1)


def _joined(name: str) -> Rule:
    """Return the rule of a join, of two branches at a time."""

    def rule(w: Writer, node: Node, inputs: list[str]) -> Any:
        first, *others = w.aligned(inputs, node.x, node.y)
        for other in others:
            first = w.node(name, [first, other])
        return first

    return rule


_WITH = words.JOINS.write(ONNX) | {"power": "Pow"}
_FIRST = {turned: _WITH[op] for op, turned in words.TURNED.items()}  # the number stands before the tensor


def arithmetic(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write one operation on each element, alone or with a number."""
    word, by = vars(node.op)["op"], vars(node.op)["by"]
    if word in _WITH:
        return w.node(_WITH[word], [*inputs, w.number(float(by))])
    if word in _FIRST:
        return w.node(_FIRST[word], [w.number(float(by)), *inputs])
    if word == "rsqrt":
        return w.node("Reciprocal", [w.node("Sqrt", inputs)])
    if word == "square":
        return w.node("Mul", [*inputs, *inputs])
    return w.node(words.ALONE.write(ONNX)[word], inputs)


def reduce(w: Writer, node: Node, inputs: list[str]) -> Any:
    """Write axes reduced to one number each; of a variance, the mean of squares around the mean."""
    values = vars(node.op)
    axes = w.ints([axis + 1 for axis in values["axes_"]])
    whole = not values["keep"] and len(values["axes_"]) == len(node.x.dims)
    keep = int(values["keep"] or whole)
    value = inputs[0]
    if values["op"] == "variance":
        around = w.node("Sub", [value, w.node("ReduceMean", [value, axes], keepdims=1)])
        value = w.node("Mul", [around, around])
    value = w.node(words.REDUCTIONS.write(ONNX).get(values["op"], "ReduceMean"), [value, axes], keepdims=keep)
    return w.reshape(value, [1]) if whole else value


RULES: dict[str, Rule] = {
    **{kind: _activation(kind, name) for kind, name in words.ACTIVATIONS.write(ONNX).items()},
    **{kind: _joined(name) for kind, name in words.JOINS.write(ONNX).items()},
    "relu6": relu6,
    "hard_tanh": hard_tanh,
    "hard_sigmoid": hard_sigmoid,
    "swish": swish,  # ONNX's own is younger than the version that is written
    "log_sigmoid": log_sigmoid,
    "glu": glu,
    "softmax": _along("Softmax"),
    "log_softmax": _along("LogSoftmax"),
    "arithmetic": arithmetic,
    "reduce_axes": reduce,
}
