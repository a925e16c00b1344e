"""An operation that nothing here translates, as PyTorch itself composes it of others."""

from __future__ import annotations

from typing import Any

from costcalc.base import torch_compat
from costcalc.base.optional import need
from costcalc.interop.torch.aten.reading import HANDLERS, Reading, known, name_of, operation_of


def decomposed(r: Reading, node: Any) -> Any:
    """Return the graph of the operations that PyTorch composes an operation of; None where it is one of its own.

    The graph takes the tensors that the node takes, in the order of `node.all_input_nodes`.
    """
    torch = need("torch", "torch")
    tracing = need(torch_compat.TRACING, "torch")
    inputs = node.all_input_nodes
    tensors = [one.meta["val"] for one in inputs]
    if torch_compat.schema(node.target) is None or any(isinstance(one, list | tuple) for one in tensors):
        return None

    def call(*given: Any) -> Any:
        by_node = dict(zip(inputs, given, strict=True))
        args, kwargs = (torch.fx.map_arg(one, by_node.__getitem__) for one in (node.args, node.kwargs))
        return node.target(*args, **kwargs)

    if r.compositions is None:
        table = torch.export.default_decompositions()
        r.compositions = {op: made for op, made in table.items() if not known(HANDLERS, name_of(op))}
    try:
        with torch_compat.without_data(tensors):
            module = tracing.make_fx(call, decomposition_table=r.compositions)(*tensors)
    except Exception:  # noqa: BLE001 - whatever stops PyTorch: then nobody knows what it is composed of
        return None
    calls = [one for one in module.graph.nodes if one.op == "call_function"]
    if any(operation_of(one) == operation_of(node) for one in calls):
        return None
    for one in calls:
        one.meta["nn_module_stack"] = node.meta.get("nn_module_stack")
    return module
