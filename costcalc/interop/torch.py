"""A graph -> the same network in PyTorch, made of the operators' own twins: the second road.

Under `torch.device("meta")` nothing is allocated and nothing computed, and shapes are all there:

    import torch
    with torch.device("meta"):
        network = build(graph)
        network(torch.empty(2, 3, 224, 224))
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from costcalc.graph import Graph, Node, Tensor
from costcalc.ops._twin import twin


def build(graph: Graph) -> Any:
    """Return the network as a `torch.nn.Module` over a batch, tensors `[N, C, *space]`.

    Its `layers` are named as the rows are (`stage1/conv1`; `.` becomes `_`, and a name that is taken
    or that PyTorch has a meaning for gets a `_`). `nodes` lists a module for each node of the graph,
    in its order. The output is a tensor, or a tuple where the network has several.
    """
    torch: Any = import_module("torch")
    layers = torch.nn.Module()
    modules: list[Any] = []
    for node in graph.nodes:
        first = node.shared
        if first is not None and first.x == node.x and repr(first.op) == repr(node.op):
            modules.append(modules[first.index])
            continue
        module = _module(torch, node)
        if first is not None:
            _tie(module, modules[first.index])
        layers.add_module(_key(layers, node.name), module)
        modules.append(module)

    def forward(_: Any, image: Any) -> Any:
        values: dict[Tensor, Any] = {graph.input: image}
        for node, module in zip(graph.nodes, modules, strict=True):
            result = module(*(values[tensor] for tensor in node.inputs))
            values.update(zip(node.outputs, result if isinstance(result, tuple) else (result,), strict=True))
        outputs = tuple(values[tensor] for tensor in graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    network = twin(torch, forward, layers=layers)
    network.nodes = modules
    return network


def _module(torch: Any, node: Node) -> Any:
    """Return the twin of a node's operator; one that is a function is put into a module."""
    made = node.op.torch(torch, node.x, node.y)
    if isinstance(made, torch.nn.Module):
        return made
    return twin(torch, lambda _, *tensors: made(*tensors))


def _tie(module: Any, first: Any) -> None:
    """Make a module use the weights (and buffers) of another: the same layer at another size or stride."""
    for mine, theirs in zip(_stores(module), _stores(first), strict=True):
        mine.update(zip(mine, theirs.values(), strict=True))


def _stores(module: Any) -> list[dict[str, Any]]:
    """Return the dicts that hold a module's parameters and buffers, those that hold any."""
    found = (store for part in module.modules() for store in (part._parameters, part._buffers))
    return [store for store in found if store]


def _key(holder: Any, name: str) -> str:
    """Return a name under which a module can be registered."""
    key = name.replace(".", "_") or "_"
    while hasattr(holder, key):
        key += "_"
    return key
