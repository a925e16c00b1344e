"""A program that torch.export has saved -> the graph of what it calls. Nothing in the file is run.

The file is a zip. Its graph is JSON, with the shape of each tensor; weights, examples and what is pickled beside it are
not opened. An operation is one of ATen's or torchvision's by its name, and is not called, but for those that give a
part of a tensor or another look at it: these are called on tensors without numbers, so that it is known which share
their memory.
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable
from math import prod
from typing import Any, TypeVar

from costcalc.base import Datum, InputShape, json_text, torch_compat, zip_file
from costcalc.base.errors import Fault, SpecError, stop
from costcalc.base.optional import need
from costcalc.interop.format import ReadOptions
from costcalc.interop.pt2.sizes import ANEW, OpenSizes
from costcalc.interop.torch.aten.reading import name_of
from costcalc.interop.torch.importer import translated
from costcalc.interop.torch.inputs import named
from costcalc.interop.torch.tracing import Program, quiet
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat

T = TypeVar("T")

MOST_OPERATIONS = 20_000
LARGEST_FILE = 2**25  # bytes of the graph, most of it where in the code each operation stands
# The number ends what it takes to look for the end of one: without it 16 MB of a trace took 2 GB.
TRACES = re.compile(rb'"stack_trace": "(?:[^"\\]|\\.){0,50000}",? ?')
LARGEST = 10**15  # numbers of a tensor
SPACES = ("aten", "torchvision")  # whose operations are known
CHECKS = ("_assert_scalar", "sym_constrain_range")  # how operations begin that give nothing
STEPS = ("lstm.", "gru.", "rnn_tanh.", "rnn_relu.")  # PyTorch would go through them step by step
# What the file calls a type of numbers: those that a part or another look depends on.
TYPES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64"}
TYPES |= {12: "bool", 13: "bfloat16"}
# How an argument is written that is a plain value, or stands for one that no count depends on.
PLAIN = "as_int as_ints as_float as_floats as_bool as_bools as_string as_strings".split()
UNREAD = "as_memory_format as_layout as_device as_none".split()


def opened(path: str, graphs: list[str], options: ReadOptions) -> Flat:
    """Return an exported program as a flat list of layers; graphs: the files of the zip that may be its graph."""
    torch = need("torch", "torch")
    if len(graphs) != 1:
        raise stop(f"{path} holds {len(graphs)} graphs", hint="a program with one, as torch.export.save writes it")
    name = options.name or os.path.splitext(os.path.basename(path))[0]
    with torch.no_grad(), quiet():
        file = as_written(path, lambda: File(torch, _json(path, graphs[0]), options.input))
        as_written(path, lambda: file.tie(path, zip_file.names(path)))
        shapes = file.shapes()
        flat = Flat(name, shapes[INPUT] if [*shapes] == [INPUT] else shapes, "torch.export")
        return translated(file.program, flat, file.axes(), opaque=options.opaque)


def as_written(what: str, read: Callable[[], T]) -> T:
    """Return what reading a part of the file gives; raise SpecError where the part is not what PyTorch writes."""
    try:
        return read()
    except (SpecError, Fault):
        raise
    except Exception as error:
        raise stop(f"{what} is not as torch.export writes it", hint="is the file whole?") from error


def _json(path: str, name: str) -> Any:
    """Return the data of a file in the zip; where in the code each operation stands is left out: it is most of it."""
    text = TRACES.sub(b"", zip_file.read(path, name, LARGEST_FILE)).decode("utf-8", "replace")
    return json_text.parse(text, f"{path}: {name}")


class NameAlone:
    """An operation that is known by its name alone."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__ = "file"

    def __call__(self, *_: Datum, **__: Datum) -> None:
        """Do nothing: it is never called."""


def _is_image(kind: str, one: Any) -> bool:
    """Say whether a thing that enters is a tensor of the program's caller."""
    return kind == "user_input" and "as_tensor" in one["arg"]


def _is_tensor(output: Any) -> bool:
    """Say whether an output, as the file writes it, is none of a size."""
    return not any(kind.startswith("as_sym") for kind in output)


class File:
    """A saved program on its way into a graph: its tensors by their names there."""

    def __init__(self, torch: Any, data: Any, given: InputShape | None = None) -> None:
        self.torch = torch
        self.sizes = OpenSizes()
        self.fake = need(torch_compat.FAKE, "torch").FakeTensorMode()
        graph, signature = data["graph_module"]["graph"], data["graph_module"]["signature"]
        if len(graph["nodes"]) > MOST_OPERATIONS:
            raise stop(f"more than {MOST_OPERATIONS:,} operations")
        self.said = graph["tensor_values"]
        self.numbers = graph.get("sym_int_values", {}) | graph.get("sym_float_values", {})
        self.program = Program(torch.fx.Graph(), (), {}, ())
        self.nodes: dict[str, Any] = {}
        specs = [next(iter(spec.items())) for spec in signature["input_specs"]]
        self._bind([one["arg"]["as_tensor"]["name"] for kind, one in specs if _is_image(kind, one)], given)
        for kind, one in specs:
            self._entering(kind, one)
        for k, node in enumerate(graph["nodes"]):
            as_written(f"operation {k + 1}", lambda node=node: self._operation(node))  # type: ignore[misc]
        for spec in signature["output_specs"]:
            ((kind, one),) = spec.items()
            if kind == "user_output" and "as_tensor" in one["arg"]:
                self.program.results.append(self.nodes[one["arg"]["as_tensor"]["name"]])
        self.program.graph.output(tuple(self.program.results))
        parts = (name.split(".") for name in self.program.sizes)
        self.program.paths |= {".".join(part[:k]) for part in parts for k in range(len(part))}

    # ---- tensors -----------------------------------------------------------------------------------

    def _sizes(self, name: str) -> list[int]:
        sizes = [self.sizes.whole(name, size) for size in self.said[name]["sizes"]]
        if any(n < 0 for n in sizes) or prod(max(n, 1) for n in sizes) > LARGEST:
            raise stop(f"the shape of {name} is none that a tensor has")
        return sizes

    def _tensor(self, name: str) -> Any:
        """Return a tensor without numbers, as the file says that one is."""
        sizes, said = self._sizes(name), self.said[name]
        strides = [self.sizes.whole(name, stride) for stride in said["strides"]]
        plain = len(strides) != len(sizes) or any(not 0 <= n <= LARGEST for n in strides)
        dtype = getattr(self.torch, TYPES.get(said["dtype"], "float32"))
        with self.fake:
            if plain:
                return self.torch.empty(sizes, dtype=dtype, device="meta")
            return self.torch.empty_strided(sizes, strides, dtype=dtype, device="meta")

    def _entering(self, kind: str, spec: Any) -> None:
        """Put what enters into the graph: an image, a parameter, a buffer or another constant."""
        arg = spec.get("arg", {})
        name = arg["as_tensor"]["name"] if "as_tensor" in arg else arg.get("name")
        if kind not in ("user_input", "parameter", "buffer", "tensor_constant") or name is None:
            if kind in ("user_input", "constant_input"):
                return  # a number that it was exported with
            raise stop(f"what enters as {kind[:60]} can't be expressed")
        if name in self.nodes:
            raise stop(f"two things that enter are called '{name!s:.60}'")
        node = self.nodes[name] = self.program.graph.placeholder(f"given_{len(self.nodes)}")
        node.meta["val"] = self._tensor(name)
        if kind == "user_input":
            self.program.inputs.append(node)
            return
        own = {"parameter": "parameter_name", "buffer": "buffer_name"}.get(kind)
        self.program.stored[node] = spec[own] if own else ""
        if own:
            self.program.sizes[spec[own]] = prod(self._sizes(name))
            self.program.learned |= {spec[own]} if kind == "parameter" else set()

    def tie(self, path: str, names: list[str]) -> None:
        """Give tensors that are stored once under several names the first of these; older files don't say it."""
        first: dict[Any, str] = {}
        for config in (name for name in names if name.endswith("_weights_config.json")):
            for name, one in _json(path, config)["config"].items():
                if name in self.program.sizes:
                    first_of = first.setdefault((one["path_name"], repr(one["tensor_meta"])), name)
                    if first_of != name:
                        self._rename(name, first_of)

    def _rename(self, name: str, first: str) -> None:
        same = [node for node, own in self.program.stored.items() if own == name]
        self.program.stored.update(dict.fromkeys(same, first))
        self.program.learned.discard(name)

    def _bind(self, names: list[str], given: InputShape | None) -> None:
        """Let the inputs have the shapes that are given, by their names or in their order."""
        shapes = [None] * len(names) if given is None else [*named(given).values()]
        if len(shapes) != len(names):
            raise stop(f"the program takes {len(names)} inputs, not {len(shapes)}", hint=f"they are {', '.join(names)}")
        if isinstance(given, dict) and given.keys() & {*names}:
            shapes = [given[name] for name in names]
        for name, shape in zip(names, shapes, strict=True):
            self.sizes.bind(name, self.said[name]["sizes"], shape)

    # ---- inputs ------------------------------------------------------------------------------------

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the inputs by name, without a batch of one where it stands first."""
        dims = [tuple(node.meta["val"].shape) for node in self.program.inputs]
        names = [name for name, node in self.nodes.items() if node in self.program.inputs]
        for name, one in zip(names, dims, strict=True):
            if 1 not in one:
                raise stop(f"the input {name} is of {'x'.join(map(str, one))}, a batch above one", hint=ANEW)
        bare = [one[1:] if one[0] == 1 and len(one) > 1 else one for one in dims]
        return dict(zip(names if len(bare) > 1 else [INPUT], bare, strict=True))

    def axes(self) -> list[list[int | None]]:
        """Return for each input which axes of the spec's it has."""
        ranks = [(node.meta["val"].shape[0] == 1, node.meta["val"].dim()) for node in self.program.inputs]
        return [[None, *range(rank - 1)] if first and rank > 1 else [*range(rank)] for first, rank in ranks]

    # ---- operations --------------------------------------------------------------------------------

    def _operation(self, said: Any) -> None:
        """Put an operation into the graph, with what it gives."""
        target = self._target(said["target"])
        if name_of(target).startswith(CHECKS) or (said["outputs"] and not any(map(_is_tensor, said["outputs"]))):
            return  # sizes, which are known
        given = {one["name"]: self._argument(one["arg"]) for one in said["inputs"]}
        schema = torch_compat.schema(target)
        args: list[Any] = []
        if schema is not None:
            self._refuse_others(name_of(target), schema, given)
        for one in schema.arguments if schema is not None else ():
            if one.kwarg_only or one.name not in given:
                break
            args.append(given.pop(one.name))
        node = self.program.graph.call_function(target, tuple(args), given)
        node.meta["nn_module_stack"] = around = self._around(said["metadata"].get("nn_module_stack", ""))
        self.program.paths |= set(around)
        found = self._found(target, args, given, said["outputs"])
        node.meta["val"] = found
        several = isinstance(found, list)
        outs = said["outputs"]
        words = outs[0]["as_tensors"] if len(outs) == 1 and "as_tensors" in outs[0] else outs
        for k, one in enumerate(words):
            name = one.get("as_tensor", one).get("name")
            if name is not None and several:
                item = self.program.graph.call_function(operator.getitem, (node, k))
                item.meta |= {"val": found[k], "nn_module_stack": around}
                self.nodes[name] = item
            elif name is not None:
                self.nodes[name] = node

    def _refuse_others(self, operation: str, schema: Any, given: dict[str, Datum]) -> None:
        """Raise SpecError where an operation lacks an argument, or has one that it does not take."""
        needed = {one.name for one in schema.arguments if not one.has_default_value()}
        if needed - given.keys() or given.keys() - {one.name for one in schema.arguments}:
            raise stop(f"{operation} is not called as PyTorch takes it", hint="is the file whole?")

    def _target(self, text: str) -> Any:
        """Return an operation by its name: nothing else of PyTorch's is reached, the unknown have a name alone."""
        words = text.split(".")
        if words[:2] == ["torch", "ops"] and len(words) == 5 and words[2] in SPACES:
            packet = getattr(getattr(self.torch.ops, words[2]), words[3], None)
            target = getattr(packet, words[4], None) if packet is not None else None
            if torch_compat.schema(target) is not None:
                return target
        return NameAlone(text.removeprefix("torch.ops.")[:80])

    def _argument(self, arg: Any) -> Any:
        """Return an argument of an operation: nodes in the place of tensors."""
        ((kind, value),) = arg.items()
        if kind == "as_tensor":
            return self.nodes[value["name"]]
        if kind == "as_tensors":
            return [self.nodes[one["name"]] for one in value]
        if kind == "as_optional_tensors":
            return [self.nodes[one["as_tensor"]["name"]] if "as_tensor" in one else None for one in value]
        if kind in PLAIN:
            return float(value) if kind == "as_float" else value
        if kind == "as_scalar_type":
            return getattr(self.torch, TYPES.get(value, "float32"))
        if kind in ("as_sym_int", "as_sym_float"):
            return self.sizes.number(self.numbers[value["as_name"]] if "as_name" in value else value)
        if kind == "as_sym_ints":
            return [self._argument({"as_sym_int": one}) for one in value]
        if kind in UNREAD:
            return None
        hint = ANEW if kind.startswith("as_sym") else ""
        raise stop(f"an argument that is written {kind[:40]} can't be expressed", hint=hint)

    def _around(self, text: str) -> dict[str, tuple[str, str]]:
        """Return the modules that an operation stands in: their paths and classes."""
        parts = (one.split(",", 2) for one in text.split(";") if one.count(",") >= 2)
        return {path: (path, kind) for _, path, kind in parts}

    def _found(self, target: Any, args: list[Any], given: dict[str, Datum], outs: list[Any]) -> Any:
        """Return the tensors that an operation gives, each in its memory, and of the shape that is said."""
        listed = len(outs) == 1 and "as_tensors" in outs[0]
        names = [one.get("as_tensor", one).get("name") for one in (outs[0]["as_tensors"] if listed else outs)]
        operation = name_of(target)
        told = self.torch.fx.map_arg((tuple(args), given), lambda node: node.meta["val"])
        if (
            not args
            or not any(map(self.torch.is_tensor, torch_compat.leaves(self.torch, told)))
            or operation.startswith(STEPS)
        ):
            found = [None if name is None else self._tensor(name) for name in names]
            return found if listed or len(found) > 1 else next(iter(found), None)
        if listed:
            return self._pieces(operation, args[0].meta["val"], args, given, names)
        if "inplace_view" in {tag.name for tag in target.tags}:  # its tensor will have another shape
            args[0].meta["val"] = args[0].meta["val"].detach()
        try:
            with self.fake:
                found = target(*told[0], **told[1])
        except Exception as error:
            raise stop(f"{operation} is not called as PyTorch takes it", hint="is the file whole?") from error
        for name, one in zip(names, found if isinstance(found, tuple | list) else [found], strict=False):
            if name is not None and list(one.shape) != self._sizes(name):
                raise stop(f"{name} is said to be of another shape than {operation} gives")
        return list(found) if isinstance(found, tuple | list) else found

    def _pieces(self, operation: str, x: Any, args: list[Any], given: dict[str, Datum], names: list[str]) -> list[Any]:
        """Return the parts of a tensor along an axis, as many and as long as the file says."""
        whole = operation.startswith("unbind")
        dim = given.get("dim", args[1 if whole else 2] if len(args) > (1 if whole else 2) else 0)
        found, at = [], 0
        for k, name in enumerate(names):
            if whole:
                found.append(x.select(dim, k))
            else:
                size = self._sizes(name)[dim]
                found.append(x.narrow(dim, at, size))
                at += size
            if list(found[-1].shape) != self._sizes(name):
                raise stop(f"{name} is said to be of another shape than {operation} gives")
        return found
