"""An OpenVINO IR file -> its layers in order, with the shapes that they state; and numbers of the weights beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from costcalc.base.errors import Fault, stop
from costcalc.base.files import contents, refuse_output
from costcalc.base.xml import LARGEST_XML, Element, parse
from costcalc.interop.tensors.values import MOST_AXES, Dims
from costcalc.numbers.num import LARGEST, prod

VERSIONS = ("10", "11")
MOST_LAYERS = 50_000
OPEN = -1  # an axis whose length the file leaves open

# What numpy has for an element type, and bits of each number. Types that are packed, or that numpy lacks, have no word.
TYPES = {
    "f32": ("<f4", 32), "fp32": ("<f4", 32), "f16": ("<f2", 16), "fp16": ("<f2", 16), "f64": ("<f8", 64),
    "fp64": ("<f8", 64), "bf16": ("", 16), "i64": ("<i8", 64), "i32": ("<i4", 32), "i16": ("<i2", 16), "i8": ("<i1", 8),
    "u64": ("<u8", 64), "u32": ("<u4", 32), "u16": ("<u2", 16), "u8": ("<u1", 8), "boolean": ("?", 8), "bool": ("?", 8),
    "i4": ("", 4), "u4": ("", 4), "u6": ("", 6), "u3": ("", 3), "u2": ("", 2), "u1": ("", 1), "bin": ("", 1),
    "nf4": ("", 4), "f4e2m1": ("", 4), "f8e4m3": ("", 8), "f8e5m2": ("", 8), "f8e8m0": ("", 8),
}  # fmt: skip


def is_floating(kind: str) -> bool:
    """Say whether an element type is a floating point number."""
    return kind.startswith(("f", "bf", "nf"))


class Port:
    """What enters or leaves a layer: element type, and shape, in which an axis may be open."""

    __slots__ = ("kind", "shape")

    def __init__(self, kind: str, shape: Dims) -> None:
        self.kind = kind
        self.shape = shape


class IrLayer:
    """A layer: its type, attributes, ports by their numbers in order, and the element that it was read from."""

    __slots__ = ("data", "element", "gives", "id", "name", "takes", "type")

    def __init__(self, element: Element) -> None:
        self.element = element
        self.id = element.attributes.get("id", "")
        self.type = element.attributes.get("type", "")
        self.name = element.attributes.get("name", "") or f"{self.type} {self.id}"
        if not self.type or not self.id:
            raise stop(f"the layer '{self.name[:80]}' has no {'id' if self.type else 'type'}")
        data = element.find("data")
        self.data = data.attributes if data else {}
        self.takes = {port.attributes.get("id", ""): _port(port, self.name) for port in element.under("input")}
        self.gives = {port.attributes.get("id", ""): _port(port, self.name) for port in element.under("output")}

    @property
    def what(self) -> str:
        """Its name and type, for messages."""
        return f"{self.name[:120]} ({self.type[:40]})"


Place = tuple[str, str]  # a layer's id, and a port's


class IrGraph:
    """Layers, each behind those that it takes from, and where each port's value comes from."""

    def __init__(self, element: Element, shown: str) -> None:
        found = [child for child in element.under("layers") if child.tag == "layer"]
        if not 0 < len(found) <= MOST_LAYERS:
            raise stop(f"{shown} has {len(found):,} layers: 1 to {MOST_LAYERS:,} are read")
        layers = [IrLayer(child) for child in found]
        by_id = {layer.id: layer for layer in layers}
        if len(by_id) < len(layers):
            raise stop(f"{shown}: two layers have one id")
        self.sources: dict[Place, Place] = {}
        for edge in element.under("edges"):
            said = edge.attributes
            source, target = (said.get(f"{end}-layer", "") for end in ("from", "to"))
            ends = (source, said.get("from-port", "")), (target, said.get("to-port", ""))
            for (layer, port), side in zip(ends, ("gives", "takes"), strict=True):
                if layer not in by_id or port not in getattr(by_id[layer], side):
                    raise stop(f"{shown}: an edge leads to port {port[:20]} of layer {layer[:20]}, which there is not")
            if ends[1] in self.sources:
                raise stop(f"{by_id[target].what}: two edges lead to its port {ends[1][1]}")
            self.sources[ends[1]] = ends[0]
        self.layers = list(_ordered(layers, by_id, self.sources))


def _ordered(layers: list[IrLayer], by_id: dict[str, IrLayer], sources: dict[Place, Place]) -> Iterator[IrLayer]:
    """Yield layers, each behind those that it takes from, else as the file has them; raise SpecError for a circle."""
    done, on_way = set[str](), set[str]()
    for first in layers:
        stack = [first]
        while stack:
            layer = stack[-1]
            before = [sources[layer.id, port][0] for port in layer.takes if (layer.id, port) in sources]
            left = [one for one in before if one not in done]
            if layer.id in done or not left:
                stack.pop()
                if layer.id not in done:
                    done.add(layer.id)
                    yield layer
                continue
            if layer.id in on_way:
                raise stop(f"{layer.what}: takes what is computed from what it gives")
            on_way.add(layer.id)
            stack += [by_id[one] for one in left[::-1]]


def _port(element: Element, name: str) -> Port:
    dims = [dim.text.strip() for dim in element.all("dim")]
    if len(dims) > MOST_AXES:
        raise stop(f"{name[:120]}: a port has {len(dims)} axes; at most {MOST_AXES} are taken")
    return Port(element.attributes.get("precision", "").lower(), tuple(_dim(text, name) for text in dims))


def _dim(text: str, name: str) -> int:
    if not re.fullmatch(r"-1|[0-9]{1,15}", text, re.ASCII):
        raise stop(f"{name[:120]}: '{text[:20]}' is no length of an axis")
    return int(text)


def shape_of(text: str, name: str) -> Dims:
    """Return a shape as an attribute writes it, `1,3,224,224`; an open axis is `?`, or a range `1..8`."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return tuple(OPEN if part == "?" or ".." in part else _dim(part, name) for part in parts[: MOST_AXES + 1])


class IrWeights:
    """The file of weights beside the model, of which only what is asked for is read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.there = os.path.isfile(path)
        if self.there:
            refuse_output(path, path)

    def array(self, layer: IrLayer) -> Any:
        """Return the numbers of a constant as a numpy array; None where there is no file, or numpy has no such type."""
        import numpy as np

        word, bits = TYPES.get(layer.data.get("element_type", ""), ("", 0))
        shape = shape_of(layer.data.get("shape", ""), layer.name)
        offset, size = (_dim(layer.data.get(key, ""), layer.name) for key in ("offset", "size"))
        if not word or not self.there:
            return None
        if size != prod(shape) * bits // 8:
            raise Fault(f"says that it has {size:,} bytes: its shape, {list(shape)}, takes {prod(shape) * bits // 8:,}")
        with open(self.path, "rb") as file:
            file.seek(offset)
            data = file.read(size)
        if len(data) != size:
            raise Fault(f"{os.path.basename(self.path)} ends before its numbers do", "it belongs to another model")
        return np.frombuffer(data, word).reshape(shape)


def load(path: str) -> IrGraph:
    """Return the layers in a file.

    Raises SpecError for what is no regular file, too large, no IR, or an IR of another version.
    """
    root = parse(contents(path, largest=LARGEST_XML, what="an OpenVINO model"), path)
    version = root.attributes.get("version", "")
    if root.tag != "net" or root.find("layers") is None:
        raise stop(f"{path} is no OpenVINO model: its first element is '{root.tag[:40]}', not 'net' with layers")
    if version not in VERSIONS:
        raise stop(
            f"{path} is an IR of version {version[:20] or '?'}: versions {' and '.join(VERSIONS)} are read",
            hint="convert the model anew, with OpenVINO 2020 or later",
        )
    return IrGraph(root, path)


def numbers(text: str, what: str) -> list[int]:
    """Return whole numbers as an attribute writes them, `1, 2`."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return [whole(part, what) for part in parts[: 2 * MOST_AXES + 1]]


def whole(text: str, what: str) -> int:
    """Return a whole number of an attribute; raise Fault for anything else."""
    if not re.fullmatch(r"-?[0-9]{1,19}", text.strip(), re.ASCII):
        raise Fault(f"{what} is a whole number, not '{text[:40]}'")
    return max(-LARGEST, min(int(text), LARGEST))


def known(dims: Iterable[int]) -> bool:
    """Say whether no axis of a shape is open."""
    return all(n != OPEN for n in dims)
