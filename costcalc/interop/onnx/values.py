"""The values of an ONNX graph: constants, of which small ones are known by value, and data that flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.interop.onnx.origin import Origin, Root
from costcalc.numbers.num import LARGEST, prod

MOST_VALUES = 2**14  # elements of a constant that is computed with; a longer one is a shape and a name

MOST_AXES = 32

Dims = tuple[int, ...]


class Const:
    """A tensor that does not depend on the input: stored, or computed from stored ones.

    `roots` are the tensors that it was made of, with their numbers of elements: those that are stored, or where none
    is, the one that a node makes. A layer that uses it as weight learns those.
    """

    __slots__ = ("floating", "proto", "roots", "shape", "value")

    def __init__(self, shape: Sequence[int], roots: dict[Root, int], *, floating: bool, value: Datum = None) -> None:
        if len(shape) > MOST_AXES:
            raise stop(f"a constant has {len(shape):,} axes; at most {MOST_AXES} are taken")
        self.shape: Dims = tuple(int(n) for n in shape)
        self.roots = roots
        self.floating = floating
        self.value = value
        self.proto: Any = None  # where the value can be read from

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(prod(self.shape))

    @property
    def count(self) -> int:
        """From how many numbers it was made."""
        return sum(self.roots.values())

    def array(self) -> Any:
        """Return the value as a numpy array; None where it is too long, or stored elsewhere."""
        if self.value is None and self.proto is not None and self.size <= MOST_VALUES:
            self.value = _array(self.proto)
        return self.value


class Data:
    """A tensor that flows: the value of the spec that holds it, and its shape in ONNX, batch included.

    `still`: it was computed of constants only. `image`: it is the image yet, that no layer has seen. `bare`: the layer
    without a bias that gives it, and the axis (of the spec's tensor) along which a bias would be added.
    """

    __slots__ = ("axis", "bare", "image", "name", "shape", "still")

    def __init__(
        self, name: str, shape: Dims, *, still: bool = False, image: bool = False, bare: Any = None, axis: int = 0
    ) -> None:
        self.name = name
        self.shape = shape
        self.still = still
        self.image = image
        self.bare = bare
        self.axis = axis


def stored(tensor: Any, root: Root) -> Const:
    """Return a TensorProto as a constant whose only root is itself."""
    dims = tuple(tensor.dims)
    if any(n < 0 for n in dims) or prod(dims) >= LARGEST:
        raise stop(f"{root[:80]}: a tensor of {dims[:8]} is none that can be counted")
    const = Const(dims, {root: int(prod(dims))}, floating=is_floating(tensor.data_type))
    const.proto = tensor
    return const


def computed(value: Datum, roots: dict[Root, int], name: str = "") -> Const:
    """Return a constant of known value, made of others; one of floating point numbers that has no roots is its own."""
    floating = value.dtype.kind not in "biuOSU"
    return Const(value.shape, roots or made(name, value.size, floating=floating), floating=floating, value=value)


def made(name: str, size: int, *, floating: bool = True) -> dict[Root, int]:
    """Return the root of a constant that a node makes: of floating point numbers, itself."""
    return {Root(name, Origin.MADE): int(size)} if floating and name else {}


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
