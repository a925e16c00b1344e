"""An ONNX file -> its ModelProto without the weights: what is long in a tensor is never read.

The file is walked as protobuf wire format: each message is a list of (field, content), and a long content
is skipped where it is a tensor's data. So a file of 2 GB costs what its graph costs, a claim of a length
that is not there is seen before anything is allocated; external data is looked for where a shape depends on it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any

from costcalc.base.errors import stop
from costcalc.base.files import refuse_output
from costcalc.base.optional import need

LARGEST_FILE = 2**31  # bytes: the most that protobuf allows one message
LARGEST_GRAPH = 2**27  # bytes of what is left without the weights
LONGEST_DATA = 2**17  # bytes of a tensor that are read; longer ones are weights
MOST_FIELDS = 4_000_000
MOST_NODES = 50_000

# Fields of ONNX's messages, by number (onnx.proto): those that lead to tensors, and a tensor's data.
_Plan = dict[int, Any]
_TENSOR: _Plan = {}
_ATTRIBUTE: _Plan = {5: _TENSOR, 10: _TENSOR}
_NODE: _Plan = {5: _ATTRIBUTE}
_SPARSE: _Plan = {1: _TENSOR, 2: _TENSOR}
_GRAPH: _Plan = {1: _NODE, 5: _TENSOR, 15: _SPARSE}
_MODEL: _Plan = {7: _GRAPH, 25: {7: _NODE}}
_DATA = frozenset((4, 5, 6, 7, 9, 10, 11))


_TOO_LARGE = f"its graph has more than {LARGEST_GRAPH:,} bytes without the weights"


class _Broken(ValueError):
    """The bytes are no protobuf message."""


def load(path: str) -> Any:
    """Return the model in a file, long tensors with their dimensions and names only.

    Raises SpecError for what is no regular file, too large, truncated or no ONNX model.
    """
    onnx = need("onnx", "onnx")
    decode_error = need("google.protobuf.message", "onnx").DecodeError
    data = _read(path)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (decode_error, RecursionError, ValueError):
        raise stop(f"{path} is no ONNX model, or a part of one: its messages cannot be read") from None
    if not model.graph.node:
        raise stop(f"{path} is no ONNX model: it holds no graph with nodes")
    graph = model.graph
    names = [one.name for part in (graph.initializer, graph.input, graph.output, graph.value_info) for one in part]
    if any(isinstance(name, bytes) for name in (*names, model.producer_name, model.producer_version)):
        raise stop(f"{path} holds a name that is no UTF-8")
    if len(model.graph.node) > MOST_NODES:
        raise stop(f"{path} has {len(model.graph.node):,} nodes: at most {MOST_NODES:,} are read")
    return model


def _read(path: str) -> bytes:
    """Return a file's bytes without the long data of its tensors."""
    import mmap

    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise stop(f"{path} is no regular file", hint="give the path of an .onnx file")
        if not 0 < status.st_size <= LARGEST_FILE:
            raise stop(f"{path} has {status.st_size:,} bytes: an ONNX file has 1 to {LARGEST_FILE:,}")
        refuse_output(path, path)
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Walk(content).without_data(0, len(content), _MODEL)
    except OSError as error:
        raise stop(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except _Broken as error:
        raise stop(f"{path} is no ONNX model, or a part of one: {error}") from None


class _Walk:
    """One walk through a file's fields, counted so that it ends."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.count = 0

    def without_data(self, start: int, end: int, plan: _Plan) -> bytes:
        """Return the message between two positions without the long data of the tensors in it."""
        kept: list[bytes] = []
        size = 0
        run = start  # where the fields begin that are kept as they are
        for field, first, begin, last in self.fields(start, end):
            inner = plan.get(field) if begin is not None else None
            long = plan is _TENSOR and field in _DATA and last - first > LONGEST_DATA
            if inner is None and not long:
                continue
            kept.append(self.kept(run, first))
            if inner is not None and begin is not None:
                message = self.without_data(begin, last, inner)
                kept += [_varint_bytes(field << 3 | 2), _varint_bytes(len(message)), message]
                size += len(message)
            run = last
            if size > LARGEST_GRAPH:
                raise _Broken(_TOO_LARGE)
        kept.append(self.kept(run, end))
        return b"".join(kept)

    def kept(self, first: int, last: int) -> bytes:
        """Return the bytes between two positions, if they are few enough for a graph."""
        if last - first > LARGEST_GRAPH:
            raise _Broken(_TOO_LARGE)
        part: bytes = self.data[first:last]
        return part

    def fields(self, at: int, end: int) -> Iterator[tuple[int, int, int | None, int]]:
        """Yield each field: its number, where it starts, where its content starts if it has a length, where it ends."""
        data = self.data
        while at < end:
            first = at
            key, at = _varint(data, at, end)
            begin = None
            if key & 7 == 0:
                _, at = _varint(data, at, end)
            elif key & 7 == 2:
                length, begin = _varint(data, at, end)
                at = begin + length
            else:
                at += {1: 8, 5: 4}.get(key & 7, end)
            self.count += 1
            if key < 8 or key & 7 in (3, 4, 6, 7):
                raise _Broken(f"byte {first:,} begins no field")
            if at > end:
                raise _Broken(f"the field at byte {first:,} goes on behind the end")
            if self.count > MOST_FIELDS:
                raise _Broken(f"it has more than {MOST_FIELDS:,} fields")
            yield key >> 3, first, begin, at


def _varint(data: Any, at: int, end: int) -> tuple[int, int]:
    """Return a number of variable length and the position behind it."""
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise _Broken(f"the number at byte {at:,} has no end")


def _varint_bytes(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
