"""ONNX's tensors as constants; and what costcalc's own models say, written and read."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import SpecError, stop
from costcalc.base.files import refuse_output
from costcalc.base.optional import need
from costcalc.interop.tensors.origin import Root
from costcalc.interop.tensors.values import Const
from costcalc.interop.tensors.values import stored as held
from costcalc.numbers.num import prod


def stored(tensor: Any, root: Root, folder: str = "") -> Const:
    """Return a TensorProto as a constant whose only root is itself; folder: where files of its numbers may lie."""
    return held(tuple(tensor.dims), root, partial(_array, tensor, folder), floating=is_floating(tensor.data_type))


def is_floating(data_type: int) -> bool:
    """Say whether an element type of ONNX is a floating point number."""
    types = need("onnx", "onnx").TensorProto
    whole = (types.INT8, types.INT16, types.INT32, types.INT64, types.UINT8, types.UINT16, types.UINT32)
    return data_type not in (*whole, types.UINT64, types.INT4, types.UINT4, types.BOOL, types.STRING)


def _array(tensor: Any, folder: str) -> Any:
    """Return a stored tensor's value, or None where it lies in a file that is not there, or is too long."""
    onnx = need("onnx", "onnx")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return _beside(tensor, folder) if folder else None
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise _broken(tensor, "these are not as many numbers as its shape says") from error


def _beside(tensor: Any, folder: str) -> Any:
    """Return the numbers of a tensor that lie in a file of the model's folder, or below; None where there is none.

    Absolute paths, `..` and links that lead out are not followed, and devices not opened.
    """
    np, helper = need("numpy", "onnx"), need("onnx.helper", "onnx")
    said = {entry.key: entry.value for entry in tensor.external_data}
    location, offset = said.get("location", "").replace("\0", ""), said.get("offset", "0")
    base = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(base, location))
    if os.path.commonpath([base, path]) != base or not os.path.isfile(path):
        return None
    refuse_output(path, location)
    try:
        kind = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        if kind.kind not in "biuf":
            return None
        size = prod(tensor.dims) * kind.itemsize
        with open(path, "rb") as file:
            file.seek(int(offset) if offset.isdigit() and len(offset) < 18 else 0)
            data = file.read(size)
    except (OSError, KeyError, TypeError):
        return None
    if len(data) < size:
        raise _broken(tensor, f"{location[:80]} ends before its numbers do")
    return np.frombuffer(data, kind.newbyteorder("<")).reshape(tensor.dims)


def _broken(tensor: Any, why: str) -> SpecError:
    return stop(f"{tensor.name[:80]}: the tensor's data is broken: {why}: {list(tensor.dims)[:8]}")


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
