"""A graph -> the same network in PyTorch, made of the operators' own twins: the second road.

Under `torch.device("meta")` nothing is allocated and nothing computed, and shapes are all there:

    import torch
    with torch.device("meta"):
        network = build(graph)
        network(torch.empty(2, 3, 224, 224))
"""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import first_line, stop
from costcalc.base.optional import need
from costcalc.base.torch_compat import APPLY, stores, then
from costcalc.graph.graph import Graph, Node, Tensor
from costcalc.graph.in_place import in_place
from costcalc.graph.widths import as_numbers
from costcalc.operators.families._twin import twin

Path = tuple[str, ...]

# What PyTorch raises for a tensor or a setting that it does not take.
REFUSALS = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError)


def build(graph: Graph) -> Any:
    """Return the network as a `torch.nn.Module` over a batch, tensors `[N, C, *space]`.

    The row `stage1/conv1` is the submodule `stage1.conv1`, and its norm, the row `stage1/conv1/batch_norm`,
    stands beside it under that one key, `conv1/batch_norm`. A layer's name is parted at its dots too. A key
    that PyTorch has a meaning for, or that leads to layers and is one, gets a `_`. `nodes` lists a module for
    each node of the graph, in its order. Layers that share weights hold the same parameters and buffers,
    also after `to`, `to_empty` and `load_state_dict`. The output is a tensor, or a tuple of several.

    Raises SpecError where torch is missing, or an operator has no twin that PyTorch takes.
    """
    torch = need("torch", "torch")
    network = _network(torch, graph)
    for node, path, over in zip(graph.nodes, _paths(torch, graph), in_place(graph), strict=True):
        module = _module(torch, node)
        if over:
            module.inplace = True
        _place(torch, network, path, module)
        network.nodes.append(module)
    network.tie()
    return network


def _network(torch: Any, graph: Graph) -> Any:
    """Return a module that runs its `nodes` as the graph says; it holds none yet."""
    base = torch.nn.Module
    casts = [as_numbers(graph, node) for node in graph.nodes]

    def forward(self: Any, *images: Any) -> Any:
        values: dict[Tensor, Any] = dict(zip(graph.inputs.values(), images, strict=True))
        for node, module, cast in zip(graph.nodes, self.nodes, casts, strict=True):
            given = [values[tensor] for tensor in node.inputs]
            given = [t.to(torch.get_default_dtype()) if c else t for t, c in zip(given, cast, strict=True)]
            # What takes no tensor is handed an image all the same, for its batch's size.
            result = module(*(given or images[:1]))
            values.update(zip(node.outputs, result if isinstance(result, tuple) else (result,), strict=True))
        outputs = tuple(values[tensor] for tensor in graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def tie(self: Any, *_: Any) -> None:
        for node, module in zip(graph.nodes, self.nodes, strict=True):
            if node.shared is not None:
                _tie(module, self.nodes[node.shared.index])

    # `to` and its like give each module buffers (and, from meta, parameters) of its own.
    network = type("Network", (base,), {"forward": forward, "tie": tie, APPLY: then(base, tie)})()
    network.register_load_state_dict_post_hook(tie)
    network.nodes = []
    return network


def _module(torch: Any, node: Node) -> Any:
    """Return the twin of a node's operator; one that is a function is put into a module."""
    try:
        made = node.op.torch(torch, node.x, node.y)
    except NotImplementedError as error:
        raise stop(f"{node.name}: {error}", hint="its class needs a method torch(self, torch, x, y)") from None
    except REFUSALS as error:
        raise stop(f"{node.name}: PyTorch does not take this {node.op.kind}: {first_line(error)}") from None
    if isinstance(made, torch.nn.Module):
        return made
    return twin(torch, lambda _, *tensors: made(*tensors))


def _tie(module: Any, first: Any) -> None:
    """Make a module use the parameters and buffers of another."""
    for mine, theirs in zip(_stores(module), _stores(first), strict=True):
        mine.update(zip(mine, theirs.values(), strict=True))


def _stores(module: Any) -> list[dict[str, Datum]]:
    """Return the dicts that hold a module's parameters and buffers, those that hold any."""
    found = (store for part in module.modules() for store in stores(part))
    return [store for store in found if store]


# ---- where the modules stand ---------------------------------------------------------------------


def _paths(torch: Any, graph: Graph) -> list[Path]:
    """Return the keys that lead from the network to the module of each node."""
    meanings = {*dir(torch.nn.Module()), "nodes", "tie"}
    found = [_path(node, meanings) for node in graph.nodes]
    taken = {path[:depth] for path in found for depth in range(1, len(path))}  # those that hold others
    for k, path in enumerate(found):
        while path in taken:
            path = (*path[:-1], f"{path[-1]}_")  # noqa: PLW2901
        taken.add(path)
        found[k] = path
    return found


def _path(node: Node, meanings: set[str]) -> Path:
    """Return a node's keys: its layer's name parted, and what follows the layer (its norm) in the last."""
    parts = [f"{part}_" if part in meanings or not part else part for part in node.path_parts]
    return (*parts[:-1], parts[-1] + node.name[len(node.layer) :])


def _place(torch: Any, network: Any, path: Path, module: Any) -> None:
    """Register a module under its keys, making what must hold it."""
    holder = network
    for key in path[:-1]:
        if not hasattr(holder, key):
            holder.add_module(key, torch.nn.Module())
        holder = getattr(holder, key)
    holder.add_module(path[-1], module)
