"""What ONNX's own checker refuses of a node: how much it takes and gives, and of what kinds its attributes are."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from costcalc.base.errors import Fault, nearest
from costcalc.base.optional import need

# AttributeProto.AttributeType, in words.
_KINDS = ("nothing", "a number", "a whole number", "a text", "a tensor", "a graph", "numbers", "whole numbers", "texts",
          "tensors", "graphs", "a sparse tensor", "sparse tensors", "a type", "types")  # fmt: skip
_MANY = 1 << 30  # what ONNX says where as many may be given as one likes


class _Schema(NamedTuple):
    """What ONNX says of an operator."""

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    attributes: dict[str, int]  # with the number of its kind
    required: frozenset[str]


@cache
def _schema(op: str, version: int) -> _Schema | None:
    """Return what ONNX says of one of its operators; None of one that it has never had, or has only tried."""
    defs = need("onnx.defs", "onnx")
    if not defs.has(op):
        return None
    try:
        found = defs.get_schema(op, version, "")
    except defs.SchemaError:
        raise Fault(f"version {version} of ONNX's operators has no {op}") from None
    if found.deprecated:
        raise Fault(f"version {version} of ONNX's operators has no {op} any more")
    attributes = {name: int(attribute.type.value) for name, attribute in found.attributes.items()}
    required = frozenset(name for name, attribute in found.attributes.items() if attribute.required)
    inputs, outputs = (found.min_input, found.max_input), (found.min_output, found.max_output)
    return _Schema(inputs, outputs, attributes, required)


def check(node: Any, version: int) -> None:
    """Raise Fault where a node of one of ONNX's own operators is none."""
    schema = _schema(node.op_type, version)
    if schema is None:
        return
    _counted("takes", len(node.input), schema.inputs)
    _counted("gives", len(node.output), schema.outputs)
    seen: set[str] = set()
    for attribute in node.attribute:
        name = attribute.name
        if name not in schema.attributes:
            raise Fault(f"has an attribute '{name[:40]}', which it can't have", nearest(name, schema.attributes))
        if name in seen:
            raise Fault(f"has its attribute '{name}' twice")
        kind = attribute.type if attribute.type < len(_KINDS) else 0
        if kind != schema.attributes[name] or attribute.ref_attr_name:
            raise Fault(f"its attribute '{name}' is {_KINDS[schema.attributes[name]]}, not {_KINDS[kind]}")
        seen.add(name)
    for name in schema.required - seen:
        raise Fault(f"needs an attribute '{name}'")


def _counted(does: str, count: int, most: tuple[int, int]) -> None:
    least, largest = most
    if not least <= count <= largest:
        wanted = f"{least}" if least == largest else f"at least {least}" if largest > _MANY else f"{least} to {largest}"
        raise Fault(f"{does} {wanted} {'tensor' if wanted == '1' else 'tensors'}, not {count}")
