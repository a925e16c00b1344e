"""Keras models (`model.to_json()` of Keras 2 and 3, `.keras` files) -> a spec. Nothing of Keras is needed.

What a layer computes follows keras-team/keras and, for Keras 2, keras-team/tf-keras. A map of Keras has its channels
last unless a layer says otherwise; a spec has them first. What costs nothing at inference (noise, augmentation) is left
out. A functional model's graph and a Sequential model's list are read; a subclassed model is code, and has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from costcalc.base import Datum, InputShape, files, json_text, zip_file
from costcalc.base.errors import Fault, nearest
from costcalc.base.hints import argument, said
from costcalc.interop.format import GIVE_SHAPE, ReadOptions
from costcalc.interop.guard import guarded
from costcalc.interop.keras import attention, layers, moves, operations, recurrent  # noqa: F401 (rules)
from costcalc.interop.keras.config import LayerConfig, plain
from costcalc.interop.keras.graph import INPUT_LAYERS, Layer, LayerGraph, TensorRef, is_model, parsed, refs
from costcalc.interop.keras.net import RULES, KerasNet, KerasTensor, LayerCall, flat_tensors
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat, legal_name

MOST_CALLS = 20_000
OF_KERAS = ("keras", "tf_keras", "tensorflow")


def read(path: str, options: ReadOptions) -> Flat:
    """Return the network of a Keras file.

    Raises SpecError where it can't be read or holds no graph, and for a layer that can't be expressed.
    """
    return guarded(path, partial(_read, path, options), hint="")


def _read(path: str, options: ReadOptions) -> Flat:
    data, version = loaded(path)
    kind = data.get("class_name")
    if not isinstance(kind, str):
        raise Fault("this JSON holds no Keras model", "model.to_json() has a class_name and a config")
    graph = parsed(kind, data.get("config"))
    return KerasReader(graph, options, version=version).build()


def loaded(path: str) -> tuple[dict[str, Any], int]:
    """Return a file's JSON, and the major version of the Keras that wrote it (3 where it does not say so).

    Of a `.keras` file that is config.json; its weights are not read.
    """
    with open(path, "rb") as file:
        packed = file.read(2) == b"PK"
    told: Any = None
    if packed:
        text = files.decode(zip_file.read(path, "config.json"), path, largest=None)
        if "metadata.json" in zip_file.names(path):
            metadata = json_text.parse(files.decode(zip_file.read(path, "metadata.json"), path), path)
            told = metadata.get("keras_version") if isinstance(metadata, dict) else None
    else:
        text = files.read(path, largest=json_text.LARGEST)
    data = json_text.parse(text, path)
    if isinstance(data, str):  # json.dump(model.to_json()) quotes it once more
        data = json_text.parse(data, path)
    if not isinstance(data, dict):
        raise Fault("this JSON holds no Keras model", "model.to_json() has a class_name and a config")
    said = str(data.get("keras_version") or told or "3")
    return data, 2 if said[:1] in "012" else 3


class KerasReader:
    """Runs a model's layers into steps."""

    def __init__(self, graph: LayerGraph, options: ReadOptions, *, version: int) -> None:
        self.graph = graph
        self.first = _data_format(graph) or "channels_last"
        self.resized = False
        self.calls = 0
        self.graphs: dict[int, LayerGraph] = {}
        self.entering = self._inputs(options.input)
        one = len(self.entering) == 1
        shapes = {INPUT if one else legal_name(key): [dims[k] for k in _sequence(dims, self.first)] or [1]
                  for key, dims in self.entering.items()}  # fmt: skip
        flat = Flat(options.name or graph.name, shapes)
        self.net = KerasNet(flat, opaque=options.opaque, version=version)
        self.net.first = self.first
        self.net.apply = self.apply

    def build(self) -> Flat:
        """Run all layers."""
        dims = self.entering.values()
        given = [self.net.placed(v, _sequence(d, self.first)) for v, d in zip(self.net.flat.inputs, dims, strict=True)]
        made = self.run(self.graph, given, "")
        flat = self.net.flat
        flat.outputs = list(dict.fromkeys([*(one.value for one in made), *self.net.handed]))
        steps = flat.steps
        flat.pruned()
        left = set(flat.steps)
        flat.unused = sum(step.learned for step in steps if step not in left)
        return flat

    # ---- what enters -----------------------------------------------------------------------------

    def _inputs(self, shape: InputShape | None) -> dict[str, list[int]]:
        """Return the inputs with their shapes, in Keras' order of axes and without the batch."""
        names = self.graph.inputs
        asked = dict(shape) if isinstance(shape, Mapping) else {} if shape is None else {names[0]: shape}
        if list(asked) == [INPUT] and INPUT not in names:
            asked = {names[0]: asked[INPUT]}
        if unknown := [name for name in asked if name not in names]:
            raise Fault(f"there is no input '{unknown[0][:60]}'", f"the inputs are {', '.join(names)[:200]}")
        return {name: self._shape(self.graph.layers[name], asked.get(name)) for name in names}

    def _shape(self, layer: Layer, asked: Sequence[int] | None) -> list[int]:
        """Return an input's shape as Keras has it; raise Fault where nobody says it, or where another can't be."""
        what = f"the input '{layer.name[:60]}'"
        if layer.kind not in INPUT_LAYERS:
            raise Fault(f"{layer.what} is no input")
        stated = _whole_shape(layer.config)
        if asked is None:
            if stated is None:
                raise Fault(f"the shape of {what} is not in the file", GIVE_SHAPE)
            if None in stated:
                raise self._unstated(layer.name, what, stated)
            return [n for n in stated if n is not None]
        given = list(asked)
        if stated is not None and len(given) != len(stated):
            raise Fault(f"{what} has {len(stated)} axes, not {len(given)}")
        sequence = _sequence(given, self.first)
        found = [given[sequence.index(k)] for k in range(len(given))]
        if stated is not None and len(stated) > 1 and stated[sequence[0]] not in (None, given[0]):
            last = given[-1] == stated[-1] and sequence[0] > 0
            shape = tuple(given[k] for k in sequence)
            hint = said("channels come first here: {}", argument(input=shape)) if last else ""
            raise Fault(f"{what} has {stated[sequence[0]]} channels, not {given[0]}", hint)
        self.resized |= stated is not None and any(n not in (None, m) for n, m in zip(stated, found, strict=True))
        return found

    def _unstated(self, name: str, what: str, stated: Sequence[int | None]) -> Fault:
        """Return what is wrong where a length is null, with what can be given: an example, channels first."""
        sequence = _sequence(stated, self.first)
        usual = [3, *[224] * (len(stated) - 1)] if len(stated) > 2 else [128] * len(stated)
        shape = tuple(stated[k] or n for k, n in zip(sequence, usual, strict=True))
        example: Datum = shape if len(self.graph.inputs) == 1 else {name: shape}
        whole = "x".join("?" if n is None else str(n) for n in stated)
        first = ", channels first" if len(stated) > 1 and sequence[0] > 0 else ""
        hint = said(f"give it{first}: {{}}", argument(input=example))
        return Fault(f"the file does not say all of the shape of {what}: {whole}", hint)

    # ---- running ---------------------------------------------------------------------------------

    def run(self, graph: LayerGraph, given: list[KerasTensor], path: str) -> list[KerasTensor]:
        """Run a graph over what enters it, and return what leaves it."""
        if len(given) != len(graph.inputs):
            raise Fault(f"the model '{graph.name[:60]}' takes {len(graph.inputs)} tensors, not {len(given)}")
        entering = dict(zip(graph.inputs, given, strict=True))
        values: dict[tuple[str, int], list[KerasTensor]] = {}
        stated = _stated(graph)
        for layer, node in graph.order():
            if layer.kind in INPUT_LAYERS:
                if layer.name not in entering:
                    raise Fault(f"{layer.what} is not among the model's inputs")
                values[layer.name, node] = [entering[layer.name]]
                continue
            args, kwargs = _filled(layer.calls[node], values)
            name = f"{path}{layer.name}"
            here = (layer.name, node)
            values[here] = self.called(layer, name, args, kwargs, stated.get(here, {}), first=node == 0)
        return [_picked(ref, values) for ref in graph.outputs]

    def called(
        self,
        layer: Layer,
        name: str,
        args: list[Any],
        kwargs: dict[str, Any],
        stated: Mapping[int, Any],
        *,
        first: bool,
    ) -> list[KerasTensor]:
        """Return what one call of a layer gives, held against the shapes that the file states."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Fault(f"more than {MOST_CALLS:,} calls of layers")
        if first and layer.built and not self.resized and layer.kind not in _BUILT_OTHERWISE:
            self._built(layer, flat_tensors(args))
        before = len(self.net.flat.steps)
        hide = None
        if self.net.opaque and not is_model(layer.kind, layer.config):
            hide = partial(self.hidden, layer, name, flat_tensors(args), stated, before)
        given = guarded(layer.what, lambda: self.apply(_data(layer), name, args, kwargs), hide)
        for place, shape in () if self.resized else stated.items():
            if place < len(given) and not _fits(shape, self.net.dims(given[place])):
                whole, found = (
                    ("x".join(map(str, s)) or "one number") for s in (shape[1:], self.net.dims(given[place]))
                )
                raise Fault(f"{layer.what} gives {found}, but the file says that it gives {whole}".replace("None", "?"))
        return given

    def _built(self, layer: Layer, given: list[KerasTensor]) -> None:
        """Raise Fault where what enters a layer is not what the file says that it was built for."""
        shape = layer.built if isinstance(layer.built, list) else []
        each = shape if shape and all(isinstance(one, list) for one in shape) else [shape]
        if len(each) != len(given):
            return
        for one, x in zip(each, given, strict=True):
            if one and all(n is None or isinstance(n, int) for n in one) and not _fits(one, self.net.dims(x)):
                whole, found = ("x".join(map(str, s)) for s in (one[1:], self.net.dims(x)))
                raise Fault(f"{layer.what} gets {found}, but the file says that it gets {whole}".replace("None", "?"))

    def hidden(
        self, layer: Layer, name: str, given: list[KerasTensor], stated: Mapping[int, Any], before: int
    ) -> list[KerasTensor]:
        """Make one layer a row of unknown cost, in place of the steps after the first so many."""
        self.net.take_back(before)
        shapes = [stated[k][1:] for k in sorted(stated)]
        if not shapes or list(stated) != list(range(len(stated))) or self.resized or any(None in one for one in shapes):
            said = "the file does not say what shape it gives, so that it can't be opaque"
            raise Fault(said, "" if self.resized else "files of Keras 3 whose input's shape is known say it")
        made = []
        for dims in shapes:
            sequence = _sequence(dims, self.first)
            inputs = [one.value for one in given]
            fields: dict[str, Datum] = {"shape": [dims[k] for k in sequence] or [1], "note": f"Keras' {layer.kind}"}
            made.append(self.net.placed(self.net.add("opaque", inputs, name, **fields), sequence))
        return made

    def apply(self, data: Mapping[str, Any], name: str, args: list[Any], kwargs: dict[str, Any]) -> list[KerasTensor]:
        """Return what a layer of this class and config gives, under a name that is its path."""
        kind, config = str(data.get("class_name")), data.get("config")
        if is_model(kind, config):
            graph = self.graphs.get(id(config))  # of a layer that is called again
            if graph is None:
                graph = self.graphs[id(config)] = parsed(kind, config)
            return self.run(graph, _by_key(graph, args), f"{name}/")
        rule = _rule(data)
        if rule is None:
            raise Fault("costcalc does not know this class of layers", nearest(kind, RULES))
        outer, self.net.path, self.net.index = (self.net.path, self.net.index), name, 0
        try:
            call = LayerCall(name, kind, LayerConfig(config if config is not None else {}), args, kwargs)
            made = rule(self.net, call)
            call.config.finish()
        finally:
            self.net.path, self.net.index = outer
        return flat_tensors(made)


# Layers of several inputs, or that are built for what is within them.
_BUILT_OTHERWISE = frozenset(
    "MultiHeadAttention GroupedQueryAttention GroupQueryAttention Bidirectional TFOpLambda SlicingOpLambda".split()
)


def _rule(data: Mapping[str, Any]) -> Any:
    """Return the rule of a class; None where there is none, or where it is of another package than Keras."""
    module, registered = str(data.get("module") or ""), data.get("registered_name")
    own = isinstance(registered, str) and ">" in registered  # as users register classes, and tf_keras some of its own
    if (own or module) and module.partition(".")[0] not in OF_KERAS:
        return None
    kind = str(data.get("class_name"))
    return operations.of_keras(kind) if ".ops" in module else RULES.get(kind)


def _data(layer: Layer) -> dict[str, Any]:
    return {
        "class_name": layer.kind,
        "config": layer.config,
        "module": layer.module,
        "registered_name": layer.registered,
    }


def _by_key(graph: LayerGraph, args: list[Any]) -> list[KerasTensor]:
    """Return what a model takes, in the order of its inputs: of a mapping by their words, where it names all."""
    given = args[0] if len(args) == 1 else args
    if isinstance(given, dict) and graph.keys is None and set(graph.inputs) <= given.keys():
        return flat_tensors([given[key] for key in graph.inputs])
    return flat_tensors(given)


def _data_format(graph: LayerGraph, depth: int = 0) -> str:
    """Return where the first layer that says so has its channels, also one within a nested model."""
    for layer in graph.layers.values():
        config = layer.config
        found = config.get("data_format") if isinstance(config, dict) else None
        if found in ("channels_first", "channels_last"):
            return str(found)
        if (
            depth < 20
            and is_model(layer.kind, config)
            and (found := _data_format(parsed(layer.kind, config), depth + 1))
        ):
            return found
    return ""


def _sequence(dims: Sequence[Any], first: str) -> list[int]:
    """Return Keras' axes as a spec has them: of two or more the channels first."""
    axes = list(range(len(dims)))
    return axes if first == "channels_first" or len(axes) < 2 else [axes[-1], *axes[:-1]]


def _whole_shape(config: Any) -> list[int | None] | None:
    """Return the shape that an input layer's config states, without its batch; None where it states none."""
    keys = ("batch_shape", "batch_input_shape", "input_shape")
    found = next((config[key] for key in keys if config.get(key)), None) if isinstance(config, dict) else None
    found = plain(found) if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(n is None or (isinstance(n, int) and n > 0) for n in found):
        return None
    return found[1:]


def _stated(graph: LayerGraph) -> dict[tuple[str, int], dict[int, Any]]:
    """Return the shapes that the file states of what calls give: by layer and call, each by its place."""
    found: dict[tuple[str, int], dict[int, Any]] = {}
    for ref in refs([call for layer in graph.layers.values() for call in layer.calls]):
        if ref.shape:
            found.setdefault((ref.layer, ref.node), {})[ref.tensor] = ref.shape
    return found


def _fits(stated: Sequence[int | None], dims: Sequence[int]) -> bool:
    """Say whether a shape, with its batch, is one that is stated as far as it is known."""
    return len(stated) == len(dims) + 1 and all(n in (None, m) for n, m in zip(stated[1:], dims, strict=True))


def _picked(ref: TensorRef, values: Mapping[tuple[str, int], list[KerasTensor]]) -> KerasTensor:
    given = values[ref.layer, ref.node]
    if ref.tensor >= len(given):
        raise Fault(f"layer '{ref.layer[:60]}' gives {len(given)} tensors, and none of number {ref.tensor}")
    return given[ref.tensor]


def _filled(value: Any, values: Mapping[tuple[str, int], list[KerasTensor]]) -> Any:
    """Return arguments with tensors in the places of references."""
    if isinstance(value, TensorRef):
        return _picked(value, values)
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(_filled(one, values) for one in value)
    return [_filled(one, values) for one in value] if isinstance(value, list) else value
