"""Keras' graphs: functional and Sequential models as layers with calls, of Keras 2's files and of Keras 3's."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

from costcalc.base.errors import Fault
from costcalc.interop.keras.config import said

MOST_LAYERS = 10_000
INPUT_LAYERS = ("InputLayer",)
WAY = "give each layer a graph: keras.Model(inputs, outputs), or export the model to ONNX"


class TensorRef(NamedTuple):
    """What a call takes: a layer, which of its calls, and which tensor of that; its shape, where the file says it."""

    layer: str
    node: int
    tensor: int
    shape: tuple[int | None, ...] | None = None


Key = tuple[str, int]  # a layer, and which of its calls


class Layer:
    """A layer of a graph: what it is, and its calls, each its arguments, with `TensorRef` for tensors."""

    def __init__(self, name: str, data: dict[str, Any]) -> None:
        self.name = name
        self.kind = str(data.get("class_name"))[:80]
        self.module = str(data.get("module") or "")[:80]
        self.registered = data.get("registered_name")
        self.config = data.get("config")
        build = data.get("build_config")
        self.built = build.get("input_shape") if isinstance(build, dict) else None
        self.calls: list[tuple[list[Any], dict[str, Any]]] = []

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"layer '{self.name[:60]}' ({self.kind[:40]})"


class LayerGraph:
    """A model: its layers by their names, and what enters and leaves."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.layers: dict[str, Layer] = {}
        self.inputs: list[str] = []  # the names of input layers, as Keras flattens them
        self.keys: list[str] | None = None  # the words of the inputs, where they have some
        self.outputs: list[TensorRef] = []

    def order(self) -> Iterator[tuple[Layer, int]]:
        """Yield the calls that the outputs need, each after those that it needs, else as the file has them.

        Raises Fault for a call that is not there, and for layers in a circle.
        """
        needs = self._needed()
        place = {name: number for number, name in enumerate(self.layers)}
        waits = {key: len(given) for key, given in needs.items()}
        users: dict[Key, list[Key]] = {}
        for key, given in needs.items():
            for one in given:
                users.setdefault(one, []).append(key)
        ready = sorted((place[name], node, name) for (name, node), count in waits.items() if not count)
        while ready:
            _, node, name = heappop(ready)
            yield self.layers[name], node
            for user in users.get((name, node), ()):
                waits[user] -= 1
                if not waits[user]:
                    heappush(ready, (place[user[0]], user[1], user[0]))
        if circle := sorted({name for (name, _), count in waits.items() if count}):
            raise Fault(f"its layers go in a circle: {', '.join(circle)[:120]}")

    def _needed(self) -> dict[Key, list[Key]]:
        """Return the calls that the outputs need, each with those that it takes from."""
        needs: dict[Key, list[Key]] = {}
        todo = [(ref.layer, ref.node) for ref in self.outputs]
        while todo:
            key = todo.pop()
            if key not in needs:
                needs[key] = list(dict.fromkeys((ref.layer, ref.node) for ref in self._taken(key)))
                todo += needs[key]
        return needs

    def _taken(self, key: Key) -> list[TensorRef]:
        """Return what a call takes."""
        name, node = key
        layer = self.layers.get(name)
        if layer is None:
            raise Fault(f"there is no layer '{name[:60]}', which a layer or an output takes")
        if layer.kind in INPUT_LAYERS:
            return []
        if not 0 <= node < len(layer.calls):
            raise Fault(f"{layer.what} has no call {node}: it has {len(layer.calls)}")
        return refs(layer.calls[node])


def refs(value: Any) -> list[TensorRef]:
    """Return all references in nested arguments, in order."""
    if isinstance(value, TensorRef):
        return [value]
    items = [value[key] for key in sorted(value)] if isinstance(value, dict) else value
    return [ref for item in items for ref in refs(item)] if isinstance(items, list | tuple) else []


def is_model(kind: str, config: Any) -> bool:
    """Say whether a class is a model with a graph: a functional one's layers name what they take."""
    if kind == "Sequential":
        return True
    return isinstance(config, dict) and isinstance(config.get("layers"), list) and "output_layers" in config


def parsed(kind: str, config: Any) -> LayerGraph:
    """Return the graph of a model's config; raise Fault where there is none."""
    if not is_model(kind, config):
        raise Fault(
            f"the file holds no graph of {said(kind)}: functional and Sequential models alone say what layers take",
            f"a subclassed model is Python code: {WAY}",
        )
    if kind == "Sequential" or "output_layers" not in config:
        return _sequential(config)
    return _functional(config)


def _entry(data: Any, known: dict[str, Layer], number: int) -> Layer:
    """Return a layer of a list; raise Fault for a name that is there already."""
    if not isinstance(data, dict) or not isinstance(data.get("class_name"), str):
        raise Fault(f"layer {number + 1} has no class_name", "a layer is a class_name and a config")
    config = data.get("config")
    own = config.get("name") if isinstance(config, dict) else None
    name = data.get("name") or own or f"layer{number + 1}"
    if not isinstance(name, str):
        raise Fault(f"layer {number + 1}: its name is a text, not {said(name)}")
    if name in known:
        raise Fault(f"two layers are called '{name[:60]}'")
    if len(known) >= MOST_LAYERS:
        raise Fault(f"more than {MOST_LAYERS:,} layers")
    known[name] = Layer(name, data)
    return known[name]


def _sequential(config: Any) -> LayerGraph:
    """Return a Sequential model: each layer takes what the one before gives. Keras 1's config is the list alone."""
    entries = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(entries, list) or not entries:
        raise Fault("a Sequential model has a list of layers")
    graph = LayerGraph(str(config.get("name") or "sequential") if isinstance(config, dict) else "sequential")
    before = ""
    for number, data in enumerate(entries):
        layer = _entry(data, graph.layers, number)
        if number == 0 and layer.kind not in INPUT_LAYERS:
            before = "input"
            while before in graph.layers:
                before += "_"
            shape = _stated(layer.config) or (_stated(config) if isinstance(config, dict) else None)
            entered = {"class_name": "InputLayer", "config": {"batch_shape": shape}}
            graph.layers = {before: Layer(before, entered)} | graph.layers
        if number and layer.kind in INPUT_LAYERS:
            raise Fault(f"{layer.what} stands behind other layers of a Sequential model")
        if before:
            layer.calls.append(([TensorRef(before, 0, 0)], {}))
        before = layer.name
    graph.inputs = [next(iter(graph.layers))]
    graph.outputs = [TensorRef(before, 0, 0)]
    return graph


def _stated(config: Any) -> Any:
    """Return the shape of what enters that a layer, or a Sequential model, states; with its batch."""
    keys = ("batch_shape", "batch_input_shape", "build_input_shape")
    found = (
        next((config[key] for key in keys if config.get(key) is not None), None) if isinstance(config, dict) else None
    )
    shape = config.get("input_shape") if isinstance(config, dict) and found is None else None
    return found if shape is None else [None, *shape] if isinstance(shape, list) else None


def _functional(config: dict[str, Any]) -> LayerGraph:
    """Return a functional model."""
    graph = LayerGraph(str(config.get("name") or "model"))
    raw = []
    for number, data in enumerate(config["layers"]):
        layer = _entry(data, graph.layers, number)
        nodes = data.get("inbound_nodes", [])
        if not isinstance(nodes, list):
            raise Fault(f"{layer.what}: inbound_nodes is a list")
        raw.append((layer, nodes))
    names = graph.layers.keys()
    for layer, nodes in raw:
        layer.calls = [_call(node, names, layer) for node in nodes]
    entering = _ends(config.get("input_layers"), names)
    given = config.get("input_layers")
    graph.keys = sorted(given) if isinstance(given, dict) else None
    graph.inputs = [ref.layer for ref in entering]
    graph.outputs = _ends(config.get("output_layers"), names)
    if not graph.inputs or not graph.outputs:
        raise Fault("a functional model has input_layers and output_layers")
    _counted_from(graph)
    return graph


def _counted_from(graph: LayerGraph) -> None:
    """Count the calls of nested models from 0: Keras counts from 1 those that had a call at their making."""
    last: dict[str, int] = {}
    calls = [call for layer in graph.layers.values() for call in layer.calls]
    for ref in refs([graph.outputs, *calls]):
        last[ref.layer] = max(last.get(ref.layer, 0), ref.node)
    shifted = {
        name
        for name, layer in graph.layers.items()
        if layer.calls and last.get(name, 0) == len(layer.calls) and is_model(layer.kind, layer.config)
    }
    if shifted:
        for layer in graph.layers.values():
            layer.calls = [_shifted(call, shifted) for call in layer.calls]
        graph.outputs = _shifted(graph.outputs, shifted)


def _shifted(value: Any, names: set[str]) -> Any:
    """Return arguments whose references to these layers count calls from 0."""
    if isinstance(value, TensorRef):
        return value._replace(node=value.node - 1) if value.layer in names else value
    if isinstance(value, dict):
        return {key: _shifted(one, names) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_shifted(one, names) for one in value)
    return value


def _ends(value: Any, names: Any) -> list[TensorRef]:
    """Return the references of input_layers or output_layers: one, a list, or a mapping."""
    return refs(_referring(value, names))


def _is_ref(value: Any, names: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and value[0] in names
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value[1:3])
    )


def _referring(value: Any, names: Any) -> Any:
    """Return arguments with a `TensorRef` for each tensor, of either style."""
    if _is_ref(value, names) and len(value) == 3:
        return TensorRef(*value)
    if isinstance(value, list):
        return [_referring(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        return _keras_tensor(value.get("config"), names)
    return {str(key): _referring(one, names) for key, one in value.items()}


def _keras_tensor(config: Any, names: Any) -> TensorRef:
    held: dict[str, Any] = config if isinstance(config, dict) else {}
    history: Any = held.get("keras_history")
    shape: Any = held.get("shape")
    if not _is_ref(history, names):
        raise Fault(f"takes a tensor of a layer that is not there: {said(history)}")
    layer, node, tensor = history[:3]
    fits = isinstance(shape, list) and all(n is None or isinstance(n, int) for n in shape)
    return TensorRef(layer, node, tensor, tuple(shape) if fits else None)


def _call(node: Any, names: Any, layer: Layer) -> tuple[list[Any], dict[str, Any]]:
    """Return a call's arguments: Keras 3 writes args and kwargs, Keras 2 lists of [layer, call, tensor, kwargs]."""
    if isinstance(node, dict):
        args, kwargs = node.get("args", []), node.get("kwargs", {})
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise Fault(f"{layer.what}: a call is args and kwargs")
        return _referring(args, names), _referring(_unmasked(kwargs), names)
    if isinstance(node, list) and node and isinstance(node[0], str):
        given, kwargs = _argument(node, names, layer)
        return [given], kwargs
    if isinstance(node, dict) or not isinstance(node, list):
        raise Fault(f"{layer.what}: a call is a list of [layer, call, tensor, arguments]")
    found = [_argument(one, names, layer) for one in node]
    kwargs = found[0][1] if found else {}
    args = [one for one, _ in found]
    return (args if len(args) == 1 else [args]), kwargs


def _unmasked(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return named arguments without the masks that Keras hands on by itself: which steps count changes no cost."""
    return {key: value for key, value in kwargs.items() if key not in ("mask", "query_mask", "value_mask", "key_mask")}


def _argument(entry: Any, names: Any, layer: Layer) -> tuple[Any, dict[str, Any]]:
    """Return what one of Keras 2's entries holds, and the arguments beside it."""
    if not isinstance(entry, list) or len(entry) < 3 or not isinstance(entry[0], str):
        raise Fault(f"{layer.what}: a call is a list of [layer, call, tensor, arguments]")
    kwargs = entry[3] if len(entry) > 3 and isinstance(entry[3], dict) else {}
    kwargs = _referring(_unmasked(kwargs), names)
    if entry[0] == "_CONSTANT_VALUE":
        return entry[2], kwargs
    if not _is_ref(entry, names):
        raise Fault(f"{layer.what} takes {said(entry[0])}, and there is no such layer")
    return TensorRef(*entry[:3]), kwargs
