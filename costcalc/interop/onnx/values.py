"""ONNX's tensors as constants; and what costcalc's own models say, written and read."""

from __future__ import annotations

from functools import partial
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.interop.tensors.origin import Root
from costcalc.interop.tensors.values import Const
from costcalc.interop.tensors.values import stored as held


def stored(tensor: Any, root: Root) -> Const:
    """Return a TensorProto as a constant whose only root is itself."""
    return held(tuple(tensor.dims), root, partial(_array, tensor), floating=is_floating(tensor.data_type))


def is_floating(data_type: int) -> bool:
    """Say whether an element type of ONNX is a floating point number."""
    types = need("onnx", "onnx").TensorProto
    whole = (types.INT8, types.INT16, types.INT32, types.INT64, types.UINT8, types.UINT16, types.UINT32)
    return data_type not in (*whole, types.UINT64, types.INT4, types.UINT4, types.BOOL, types.STRING)


def _array(tensor: Any) -> Any:
    """Return a stored tensor's value, or None where it lies in another file or is too long."""
    onnx = need("onnx", "onnx")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return None
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        said = "the tensor's data is broken: these are not as many numbers as its shape says"
        raise stop(f"{tensor.name[:80]}: {said}: {list(tensor.dims)[:8]}") from error


# ---- what costcalc's own models say, written and read --------------------------------------------

DOMAIN = "costcalc"  # of operators that ONNX has not got: the kind, with its fields as JSON
LEARNED = "costcalc: learned"  # what the node says that stands for a tensor of weights
STORED = "costcalc: stored"  # and for one that is not learned
FIXED = "costcalc: fixed"  # and for one that is not even stored


def fields_text(op: Any) -> str:
    """Return an operator's fields as JSON, as a spec writes them."""
    import json

    plain = {name: _plain(getattr(op, field.attr)) for name, field in op.fields.items() if name not in op.roles}
    return json.dumps({name: value for name, value in plain.items() if value is not None})


def _plain(value: Datum) -> Any:
    """Return a settled field as it is written: (before, after) of each axis in a row."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return [edge for pair in value for edge in pair]
    return list(value) if isinstance(value, tuple) else value
