"""Files of weights -> the names, shapes and element types of their tensors; no number is looked at."""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from costcalc.base import Datum, arguments, json_text, zip_file
from costcalc.base.errors import stop
from costcalc.base.files import decode, refuse_output
from costcalc.base.optional import need
from costcalc.numbers.num import LARGEST, prod

MOST_TENSORS = 100_000
MOST_AXES = 16
MOST_FILES = 1_000  # of one index
LARGEST_HEADER = json_text.LARGEST  # bytes
LARGEST_PICKLE = 2**25  # bytes of the names and shapes in a file of PyTorch
BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "I64": 64,
    "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "C64": 64,
}  # fmt: skip
_KEYS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "params",
    "weights",
)  # under which a state dict may lie


class Stored(NamedTuple):
    """A tensor of a file: its name, shape, element type in a word, and bits of each number."""

    name: str
    shape: tuple[int, ...]
    kind: str
    bits: int

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(prod(self.shape))

    @property
    def floating(self) -> bool:
        """Whether its numbers are floating point."""
        return self.kind.lower().startswith(("f", "bf", "c"))


def read(path: str) -> list[Stored]:
    """Return the tensors of a file: safetensors or the index of several, a state dict of PyTorch, an archive of numpy.

    Raises SpecError for what is none of these, broken, too large, or holds code.
    """
    refuse_output(path, path)
    try:
        if not os.path.isfile(path):
            raise stop(
                f"{path} is no regular file", hint="give a .safetensors, an index of such, a .pt, .pth, .bin or .npz"
            )
        with open(path, "rb") as file:
            head = file.read(16)
    except (OSError, ValueError) as error:
        raise stop(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if head[8:9] == b"{":
        found = _safetensors(path)
    elif head.lstrip()[:1] == b"{":
        found = _index(path)
    elif head.startswith(b"PK\3\4"):
        names = zip_file.names(path)
        found = _numpy(path, names) if any(name.endswith(".npy") for name in names) else _torch(path)
    elif head[:1] == b"\x80":
        found = _torch(path)
    else:
        raise stop(
            f"{path} is no file of weights that is read", hint="safetensors, a state dict of PyTorch, or .npz are"
        )
    if len({one.name for one in found}) < len(found):
        raise stop(f"{path}: two tensors have one name")
    return found


def of(tensors: Any) -> list[Stored]:
    """Return tensors that are at hand, by their names; SpecError for what is none."""
    if not isinstance(tensors, Mapping) or not tensors:
        hint = 'give a file, "net.safetensors", or module.state_dict()'
        raise stop(f"weights are a file, or tensors by their names, not {arguments.said(tensors)}", hint=hint)
    found = []
    for name, one in tensors.items():
        kind, size = getattr(one, "dtype", None), getattr(one, "itemsize", None)
        if kind is None or size is None or not hasattr(one, "shape"):
            raise stop(f"'{name!s:.80}' is no tensor, but {arguments.said(one)}")
        found.append(_tensor("weights", str(name), list(one.shape), str(kind).removeprefix("torch."), 8 * size))
    return found


def _tensor(path: str, name: str, shape: Datum, kind: str, bits: int) -> Stored:
    """Return a tensor; raise SpecError for a shape that is none."""
    fine = isinstance(shape, list | tuple) and len(shape) <= MOST_AXES and all(type(n) is int and n >= 0 for n in shape)
    if not fine or prod(shape) >= LARGEST:
        raise stop(f"{path}: '{name[:80]}' has a shape that is none: {str(shape)[:80]}")
    return Stored(name, tuple(shape), kind, bits)


# ---- safetensors: a length, JSON, and numbers ----------------------------------------------------


def _safetensors(path: str) -> list[Stored]:
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise stop(f"{path}: its header would have {length:,} bytes: the file is cut, or no safetensors")
        header = json_text.parse(decode(file.read(length), path, largest=None).rstrip(), path)
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise stop(f"{path}: its header is no mapping of tensors, or one of more than {MOST_TENSORS:,}")
    return [_entry(path, name, said, size - 8 - length) for name, said in header.items() if name != "__metadata__"]


def _entry(path: str, name: str, said: Datum, room: int) -> Stored:
    """Return a tensor of the header; raise SpecError where its bytes are not those of its shape, or not there."""
    if not isinstance(said, dict) or str(said.get("dtype")) not in BITS:
        raise stop(f"{path}: '{name[:80]}' has no element type that is known")
    found = _tensor(path, name, said.get("shape"), said["dtype"], BITS[said["dtype"]])
    place = said.get("data_offsets")
    if not isinstance(place, list) or len(place) != 2 or not all(type(n) is int for n in place):
        raise stop(f"{path}: '{name[:80]}' does not say where its numbers are")
    start, end = place
    if not 0 <= start <= end <= room or (end - start) * 8 != found.size * found.bits:
        raise stop(
            f"{path}: '{name[:80]}' has {end - start:,} bytes, which its shape does not take, or the file has not"
        )
    return found


def _index(path: str) -> list[Stored]:
    """Return the tensors of several files that an index names; each lies beside it."""
    if os.path.getsize(path) > LARGEST_HEADER:
        raise stop(f"{path} has more than {LARGEST_HEADER:,} bytes, the most that an index has")
    with open(path, "rb") as file:
        index = json_text.parse(decode(file.read(), path, largest=None), path)
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places or len(places) > MOST_TENSORS:
        raise stop(
            f"{path} is JSON, but no index of weights: it has no weight_map", hint="give a .safetensors, or its index"
        )
    files = list(dict.fromkeys(map(str, places.values())))
    if len(files) > MOST_FILES or any(os.path.basename(name) != name or not name for name in files):
        raise stop(f"{path} names more than {MOST_FILES:,} files, or one that does not lie beside it")
    found: dict[str, Stored] = {}
    for name in files:
        beside = os.path.join(os.path.dirname(path), name)
        if not os.path.isfile(beside):
            raise stop(f"{path} names {name[:80]}, which does not lie beside it")
        with open(beside, "rb") as file:
            safe = file.read(9)[8:] == b"{"
        own = _safetensors(beside) if safe else _torch(beside)
        found |= {one.name: one for one in own if places.get(one.name) == name}
    missing = next((name for name in places if name not in found), "")
    if missing:
        raise stop(f"{path} names a tensor '{missing[:80]}', which {str(places[missing])[:80]} has not")
    return list(found.values())


# ---- numpy, PyTorch ------------------------------------------------------------------------------


def _numpy(path: str, names: list[str]) -> list[Stored]:
    """Return the arrays of an archive: only the head of each is unpacked."""
    found = []
    for name in names:
        text = zip_file.head(path, name, 1_000)
        shape = re.search(rb"'shape': \(([0-9, ]{0,300})\)", text)
        kind = re.search(rb"'descr': '([<>|=]?)([a-zA-Z])([0-9]{1,2})'", text)
        if not name.endswith(".npy") or not text.startswith(b"\x93NUMPY") or not shape or not kind:
            raise stop(f"{path}: '{name[:80]}' is no array of numbers")
        dims = [int(part) for part in shape[1].decode().split(",") if part.strip()]
        word = {"f": "F", "i": "I", "u": "U", "b": "BOOL", "c": "C"}.get(kind[2].decode(), "")
        if not word:
            raise stop(f"{path}: '{name[:80]}' is no array of numbers")
        bits = 8 * int(kind[3])
        found.append(_tensor(path, name.removesuffix(".npy"), dims, word if word == "BOOL" else f"{word}{bits}", bits))
    return found


def _torch(path: str) -> list[Stored]:
    """Return the tensors of a state dict, read without the code that such a file may hold."""
    torch = need("torch", "torch")
    archive = False
    with open(path, "rb") as file:
        archive = file.read(2) == b"PK"
    if archive:
        pickles = [name for name in zip_file.names(path) if name.endswith("data.pkl")]
        if len(pickles) != 1:
            raise stop(f"{path} is a zip, but no file of PyTorch")
        zip_file.read(path, pickles[0], LARGEST_PICKLE)  # which is refused where it is larger
    elif os.path.getsize(path) > 2**28:
        raise stop(f"{path} is a large file of an old PyTorch", hint="save it anew with torch.save, or as safetensors")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd in the file
            found: Any = torch.load(path, map_location="meta", weights_only=True, mmap=archive)
    except Exception as error:  # noqa: BLE001 - of a broken pickle Python raises anything
        said = "holds more than tensors, which would run code" if "weights_only" in str(error).lower() else "is broken"
        hint = "save its state dict alone: torch.save(model.state_dict(), ...)"
        raise stop(f"{path} {said}: none of it is read", hint=hint) from None
    for key in _KEYS:
        inner = found.get(key) if isinstance(found, dict) else None
        if isinstance(inner, dict) and inner:
            found = inner
            break
    tensors = {k: v for k, v in found.items() if isinstance(v, torch.Tensor)} if isinstance(found, dict) else {}
    if not tensors or len(tensors) > MOST_TENSORS:
        raise stop(f"{path} is a file of PyTorch, but no state dict: no tensors by their names")
    return [
        _tensor(path, str(name), list(one.shape), str(one.dtype).removeprefix("torch."), 8 * one.element_size())
        for name, one in tensors.items()
    ]
