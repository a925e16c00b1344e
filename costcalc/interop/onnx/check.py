"""What ONNX's own checker refuses of a node: how much it takes and gives, and of what kinds its attributes are."""

from __future__ import annotations

from collections.abc import Container
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
    single: tuple[int, ...]  # the places of inputs that can't be left out


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
    single = [k for k, one in enumerate(found.inputs) if one.option == defs.OpSchema.FormalParameterOption.Single]
    return _Schema(inputs, outputs, attributes, required, tuple(single))


# Operators of ONNX Runtime's that are one of ONNX's and more, and the attributes that come with it.
_LIKE = {"FusedConv": "Conv", "FusedGemm": "Gemm", "Gelu": "Relu", "FastGelu": "Relu", "BiasGelu": "Relu"}
_MORE = {"activation": 3, "activation_params": 7, "activation_alpha": 1, "activation_beta": 1, "activation_gamma": 1}


def check(node: Any, version: int, domains: Container[str]) -> None:
    """Raise Fault where a node is none of its operator, in this version of ONNX's own, or its domain is not known."""
    names = (node.op_type, node.domain, node.name, *node.input, *node.output, *(one.name for one in node.attribute))
    if any(isinstance(name, bytes) for name in names):  # as which protobuf gives what is no text
        raise Fault("has a name that is no UTF-8")
    if node.domain not in domains:
        raise Fault(f"the model does not say that it uses the domain '{node.domain[:40]}'")
    if node.domain in ("", "ai.onnx"):
        schema = _schema(node.op_type, version)
        if schema is not None:
            _counted("takes", len(node.input), schema.inputs)
            _counted("gives", len(node.output), schema.outputs)
            left = [k for k in schema.single if k < len(node.input) and not node.input[k]]
            if left:
                raise Fault(f"input {left[0]} is missing")
            _attributes(node, schema)
    elif node.domain == "com.microsoft" and node.op_type in _LIKE:
        schema = _schema(_LIKE[node.op_type], version)
        if schema is not None:
            _attributes(node, schema._replace(attributes=schema.attributes | _MORE))


def _attributes(node: Any, schema: _Schema) -> None:
    """Raise Fault for attributes that are not those of the operator, of another kind, or missing."""
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
