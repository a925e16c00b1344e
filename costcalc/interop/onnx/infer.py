"""What ONNX's own shape inference says of a model, for an input of known shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.interop.tensors.values import MOST_VALUES, Dims
from costcalc.numbers.num import prod

Inferred = dict[str, tuple[int | None, ...]]


def inferred(model: Any, name: str, shape: Dims, rounded: Mapping[str, list[int]]) -> Inferred:
    """Return the shapes of the model's values where they can be inferred; None stands for what stays open.

    rounded: pools that round up, by what they give, with the pads with which they need not. ONNX's inference counts a
    window that begins in the border behind, which no runtime does.

    The model has lost its long tensors already: these become inputs of the same shape. It is a copy that is
    changed. Raises SpecError where the inference itself finds a contradiction.
    """
    onnx = need("onnx", "onnx")
    refusal = need("onnx.shape_inference", "onnx").InferenceError
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    graph = bare.graph
    del graph.value_info[:]
    del bare.functions[:]  # one that calls itself has no end
    _fix(graph, name, shape)
    for node in graph.node:
        if node.output and node.output[0] in rounded:
            kept = [
                attribute for attribute in node.attribute if attribute.name not in ("pads", "ceil_mode", "auto_pad")
            ]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx.helper.make_attribute("pads", rounded[node.output[0]])])
    short = [tensor for tensor in graph.initializer if _is_whole(onnx, tensor)]
    long = [tensor for tensor in graph.initializer if not _is_whole(onnx, tensor)]
    known = {value.name for value in graph.input}
    for tensor in long:
        if tensor.name not in known:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in short]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    try:
        found = onnx.shape_inference.infer_shapes(bare, strict_mode=False, data_prop=True)
    except (refusal, RuntimeError, ValueError, TypeError) as error:
        said = re.sub(r"\[\w+\] *", "", str(error))  # the names of its errors
        raise stop(f"ONNX's shape inference refuses the model: {said[:300]}") from None
    return {value.name: _shape(value) for value in (*found.graph.value_info, *found.graph.output) if _has_shape(value)}


def _fix(graph: Any, name: str, shape: Dims) -> None:
    """Give the input its shape, and leave those of the outputs to the inference."""
    for value in graph.input:
        if value.name == name:
            for dim, n in zip(value.type.tensor_type.shape.dim, shape, strict=True):
                dim.dim_value = n
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")


def _is_whole(onnx: Any, tensor: Any) -> bool:
    """Say whether a tensor still has its data."""
    return bool(tensor.data_location != onnx.TensorProto.EXTERNAL and prod(tensor.dims) <= MOST_VALUES)


def _has_shape(value: Datum) -> bool:
    return bool(value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"))


def _shape(value: Datum) -> tuple[int | None, ...]:
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
