"""A network of PyTorch -> a spec, through `torch.export`, which sees each call of a function.

The network is not run on numbers: the export traces it on an image of one, without data, and gives a graph of ATen
operations. Each becomes a row, or changes how a tensor is looked at; nothing is dropped in silence.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import Any

from costcalc.base import torch_compat
from costcalc.base.arguments import said
from costcalc.base.errors import first_line, stop
from costcalc.base.optional import need
from costcalc.interop.guard import OPAQUE, guarded
from costcalc.interop.torch.aten import layers, points, products, space, views
from costcalc.interop.torch.aten.composed import composed
from costcalc.interop.torch.aten.reading import (
    COUNTED,
    HANDLERS,
    LAYOUT,
    Constant,
    Reading,
    View,
    arguments_of,
    known,
    operation_of,
)
from costcalc.language.writing import INPUT, Flat

MAKING = ("new_", "zeros_like", "ones_like", "full_like", "empty_like")  # of another tensor they take the shape alone

# To import them registers what they know.
TRANSLATIONS = (layers, points, products, space, views)


# ---- the import ----------------------------------------------------------------------------------


def from_torch(module: Any, input_shape: Sequence[int], *, name: str = "", opaque: bool = False) -> Flat:
    """Return a network of PyTorch, at inference, as a flat list of layers named after its modules.

    input_shape: (channels, height, width), without a batch. opaque: write an operation that is not known as a row of
    unknown cost, instead of raising.

    Raises SpecError, naming module and operation, for what can't be expressed; and where torch is missing or the
    export fails.
    """
    torch = need("torch", "torch")
    if not isinstance(module, torch.nn.Module):
        raise stop(f"{said(module)} is no network: a torch.nn.Module is", hint="or name what makes one: 'module:name'")
    program = _exported(torch, module, tuple(input_shape))
    flat = Flat(name or type(module).__name__, input_shape)
    reading = Reading(flat, dict(module.named_modules(remove_duplicate=False)), opaque=opaque)
    guarded(flat.name, lambda: _read(program, module, reading), hint="")
    return flat


def _read(program: Any, module: Any, reading: Reading) -> None:
    """Translate an exported program into the steps of the flat network."""
    flat = reading.flat
    env = _inputs(program, module, reading)
    _walk(reading, program.graph_module, env)
    flat.outputs = [_output(reading, env[node]) for node in _results(program)]
    flat.pruned()
    _note_unused(flat, module, reading)


def _exported(torch: Any, module: Any, shape: tuple[int, ...]) -> Any:
    """Return the exported program, of one image, on the device where the network's weights are."""
    tensors = [*module.parameters(), *module.buffers()]
    device = tensors[0].device if tensors else torch.device("cpu")
    floats = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
    example = torch.zeros(1, *shape, device=device, dtype=floats[0] if floats else torch.float32)
    training = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        # What goes wrong is told in one line; torch.export would print its whole trace beside it.
        with warnings.catch_warnings(), torch.no_grad(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return torch.export.export(module, (example,), strict=False)
    except (Exception, SystemExit) as error:
        raise stop(
            f"torch.export could not trace {type(module).__name__}: {first_line(error)}",
            hint=_reason_hint(str(error)),
        ) from error
    finally:
        for part, mode in training:
            part.training = mode


def _inputs(program: Any, module: Any, reading: Reading) -> dict[Any, Any]:
    """Return what the graph's inputs are: parameters and buffers as constants, the image as the spec's input."""
    kept = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers())}
    first: dict[int, str] = {}
    specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
    env: dict[Any, Any] = {}
    for node in program.graph.nodes:
        if node.op != "placeholder":
            continue
        target, sizes = specs[node.name].target, tuple(node.meta["val"].shape)
        if specs[node.name].kind.name == "USER_INPUT":
            env[node] = reading.view(INPUT, [None, *range(len(sizes) - 1)])
            continue
        target = first.setdefault(id(kept.get(target, node)), target)  # tied weights have one name
        reading.sizes_of[target] = kept[target].numel() if target in kept else 0
        learned = [target] if specs[node.name].kind.name == "PARAMETER" else []
        env[node] = Constant(learned, sizes, target if target in kept else "")
    return env


def _walk(reading: Reading, module: Any, env: dict[Any, Any]) -> None:
    """Translate the operations of a graph, in order, into the values and constants of `env`."""
    functions = composed(module.graph)
    inner = {node: function for function in functions.values() for node in function.inner}
    for node in module.graph.nodes:
        function = functions.get(node) or inner.get(node)
        if function is not None and isinstance(env[function.source], View):
            if node in functions:
                source = env[function.source]
                read = partial(function.translate, reading, source)
                env[node] = _guarded(reading, node, read, env, [source])
        elif node.op == "get_attr":
            held = getattr(module, node.target)
            env[node] = held if hasattr(held, "graph") else Constant([], held.shape)
        elif node.op == "call_function":
            read = partial(_inlined if torch_compat.wraps(node) else _translated, reading, node, env)
            env[node] = _guarded(reading, node, read, env)
            reading.flat.classes |= {path: kind for path, kind in torch_compat.modules(node) if path}


def _guarded(
    reading: Reading, node: Any, read: Callable[[], Any], env: dict[Any, Any], taken: list[Any] | None = None
) -> Any:
    """Return what an operation gives; where it can't be read and that was asked for, rows of unknown cost.

    taken: the tensors that it takes, where they are not its arguments.
    """
    reading.node = node
    before = len(reading.flat.steps)

    def hide() -> Any:
        reading.node = node
        reading.take_back(before)
        return _opaque(reading, node, _taken(node, env) if taken is None else taken, env)

    return guarded(reading.where, read, hide if reading.opaque else None)


def _inlined(reading: Reading, node: Any, env: dict[Any, Any]) -> Any:
    """Return what a part of the network gives that runs under a mode of its own (without gradients, or autocast)."""
    module = next(env[x] for x in node.args if hasattr(env.get(x) if hasattr(x, "op") else None, "graph"))
    given = [env[x] for x in node.args if hasattr(x, "op") and env[x] is not module]
    inputs = [x for x in module.graph.nodes if x.op == "placeholder"]
    inner = dict(zip(inputs, given, strict=True))
    _walk(reading, module, inner)
    (results,) = (x.args[0] for x in module.graph.nodes if x.op == "output")
    found = [inner[x] for x in (results if isinstance(results, list | tuple) else [results])]
    return found if isinstance(results, list | tuple) else found[0]


def _reason_hint(said: str) -> str:
    """Return what to do about a network that could not be traced."""
    if "data-dependent" in said:
        return "what depends on the image has no fixed cost; import the parts that have: a backbone, a head"
    if "missing a required argument" in said:
        return "costcalc takes networks of one input"
    return "is the input right? --input C,H,W"


def _results(program: Any) -> list[Any]:
    """Return the nodes that are the network's results, those that change buffers left out."""
    wanted = set(program.graph_signature.user_outputs)
    (given,) = (node.args[0] for node in program.graph.nodes if node.op == "output")
    return [value for value in given if hasattr(value, "op") and value.name in wanted]


def _output(reading: Reading, x: Any) -> str:
    """Return the value of a result, its axes in PyTorch's order, without the batch."""
    axes = range(1 if len(x.sizes) > 1 and x.sizes[0] == 1 else 0, len(x.sizes))
    return reading.arrange(x, [[k] for k in axes])


# ---- one operation -------------------------------------------------------------------------------


def _translated(reading: Reading, node: Any, env: dict[Any, Any]) -> Any:
    """Return what an operation gives: a view of a value, a constant, or a list of them."""
    operation = operation_of(node)
    if not node.users and not _writes(operation):
        return None  # an assertion, or a result that nothing uses
    if operation == "getitem":
        return _item(reading, env[node.args[0]], node.args[1])
    given = _arguments(node, env)
    tensors = list(_tensors(given.values()))
    data = [x for x in tensors if isinstance(x, View)]
    if operation.startswith(MAKING) or (not data and not known(COUNTED, operation)):
        return _constant(node, tensors, operation, env)
    _check_in_place(reading, node, operation, data, env)
    handler = known(HANDLERS, operation)
    if handler is None:
        raise stop(f"{reading.where} is not known", hint=OPAQUE)
    result = handler(reading, **_viewed(reading, operation, given, bool(data)))
    _compare(reading, node, result)
    return result


def _item(reading: Reading, several: Any, index: int) -> Any:
    if isinstance(several, Constant):
        return several
    if not isinstance(several, list) or index >= len(several):
        raise reading.refuse(
            f"its result {index} can't be expressed", "places of the largest elements depend on the image"
        )
    return several[index]


def _taken(node: Any, env: dict[Any, Any]) -> list[Any]:
    """Return the tensors that an operation takes; of one that is picked out of several, those that made them."""
    return list(_tensors(_arguments(node.args[0] if operation_of(node) == "getitem" else node, env).values()))


def _arguments(node: Any, env: dict[Any, Any]) -> dict[str, Any]:
    """Return an operation's arguments by name, tensors in the place of nodes."""
    map_arg = need("torch.fx", "torch").map_arg
    return dict(map_arg(arguments_of(node), lambda argument: env[argument]))


def _tensors(values: Iterable[Any]) -> Iterable[View | Constant]:
    """Return the tensors among values, and in lists of them."""
    for value in values:
        if isinstance(value, View | Constant):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _constant(node: Any, tensors: list[Any], operation: str, env: dict[Any, Any]) -> Constant:
    """Return what an operation on constants gives: it is not translated, only what it is made of is kept."""
    made = node.meta.get("val")
    sizes = tuple(made.shape) if hasattr(made, "shape") else ()
    tensors = [x for x in tensors if isinstance(x, Constant)]
    params = set() if operation.startswith(MAKING) else {name for x in tensors for name in x.params}
    if _writes(operation) and tensors:
        for base in _bases(node.args[0], env):  # what is written into a part is in the whole
            base.params |= params
            base.whole = ""
    whole = tensors[0].whole if len(tensors) == 1 and known(LAYOUT | {"expand"}, operation) else ""
    return Constant(params, sizes, whole)


def _bases(node: Any, env: dict[Any, Any]) -> Iterable[Constant]:
    """Return the constants that a constant is a part of, itself first."""
    while isinstance(env.get(node), Constant):
        yield env[node]
        if not node.args or not hasattr(node.args[0], "args"):
            return
        node = node.args[0]


def _check_in_place(reading: Reading, node: Any, operation: str, data: list[View], env: dict[Any, Any]) -> None:
    """Refuse a change in place that another tensor would show, which a graph of values can't express."""
    if not _writes(operation) or not data or known(LAYOUT, operation):
        return
    if _shown(node) or not isinstance(env[node.args[0]], View):
        raise reading.refuse("a tensor changed in place in part, or under two names, can't be expressed", OPAQUE)


def _shown(node: Any) -> list[Any]:
    """Return the tensors that show a change in place and are read later: what is changed, its whole, its parts."""
    base = node.args[0]
    while base.op == "call_function" and _shares(base):
        base = base.args[0]
    family = [base]
    for one in family:
        family += [user for user in one.users if one in user.args[:1] and _shares(user)]
    return [one for one in family if any(user > node for user in one.users)]


def _shares(node: Any) -> bool:
    """Say whether a node's result is the same memory as its first argument's."""
    moves = LAYOUT | {"slice.Tensor", "select.int", "expand", "chunk", "split", "split_with_sizes", "getitem", "unbind"}
    free = operation_of(node).partition(".")[0] in ("clone", "contiguous", "dropout", "_to_copy", "reshape")
    return bool(known(moves, operation_of(node))) and not free


def _viewed(reading: Reading, operation: str, given: dict[str, Any], has_data: bool) -> dict[str, Any]:  # noqa: FBT001
    """Return the arguments with the first constant as a row, where no tensor is data or a handler wants it so."""
    both = known({"cat", "stack", "add", "sub", "mul", "div", "where", "addcmul", "matmul", "bmm", "einsum"}, operation)
    if both and has_data:
        return given
    for key, value in given.items():
        if isinstance(value, Constant):
            given[key] = as_view(reading, value)
            break
        if isinstance(value, View) and key in ("x", "query"):
            break
        if isinstance(value, list) and value and isinstance(value[0], Constant):
            given[key] = [as_view(reading, value[0]), *value[1:]]
            break
    return given


def as_view(reading: Reading, x: Constant) -> View:
    """Return a constant as the value of a row."""
    rank = len(x.sizes)
    axes = [k for k, n in enumerate(x.sizes) if n > 1]
    if reading.operation.startswith("linear"):
        axes.sort(key=lambda k: k != rank - 1)  # its channels are the last axis
    return reading.placed(reading.arrange(x, [[k] for k in axes]), axes, rank)


def _opaque(reading: Reading, node: Any, tensors: list[Any], env: dict[Any, Any]) -> Any:
    """Return an operation as a row of unknown cost, one for each tensor that it gives.

    What it changes in place is unknown from here on, wherever it shows.
    """
    made = node.meta.get("val")
    if isinstance(made, tuple | list):
        used = {user.args[1] for user in node.users if operation_of(user) == "getitem"}
        return [_unknown(reading, one, tensors) if k in used else None for k, one in enumerate(made)]
    result = _unknown(reading, made, tensors)
    if _writes(reading.operation):
        for one in filter(env.__contains__, _shown(node)):
            env[one] = _unknown(reading, one.meta["val"], [env[one], result])
    return result


def _writes(operation: str) -> bool:
    """Say whether an operation works in place: `add_.Tensor`."""
    return operation.partition(".")[0].endswith("_")


def _unknown(reading: Reading, made: Any, tensors: list[Any]) -> View:
    """Return one tensor that an unknown operation gives."""
    if not all(isinstance(n, int) for n in getattr(made, "shape", [None])):
        raise reading.refuse("what it gives has no shape that is known before, so that it can't be opaque either")
    data = [x.value for x in tensors if isinstance(x, View)] or [INPUT]
    order = [k for k, n in enumerate(made.shape) if n > 1]
    shape = [made.shape[k] for k in order] or [1]
    new = {p for x in tensors if isinstance(x, Constant) for p in x.params if p not in reading.owners}
    params = sum(reading.sizes_of[p] for p in new)
    value = reading.add("opaque", data, shape=shape, note=reading.operation, params=params)
    reading.owners.update(dict.fromkeys(new, reading.flat.steps[-1]))
    return reading.placed(value, order, len(made.shape))


def _compare(reading: Reading, node: Any, result: Any) -> None:
    """Hold the shape of what was translated against what the export says."""
    made = node.meta.get("val")
    pairs = zip(result, made, strict=False) if isinstance(result, list) else [(result, made)]
    for mine, theirs in pairs:
        if hasattr(theirs, "shape") and isinstance(mine, View) and mine.sizes != tuple(theirs.shape):
            raise reading.refuse(f"gives {list(theirs.shape)}, but its translation {list(mine.sizes)}")


# ---- what is said about the whole ----------------------------------------------------------------


def unused(module: Any, used: set[str]) -> dict[str, int]:
    """Return the parameters of a network that inference does not use, with their sizes."""
    return {name: parameter.numel() for name, parameter in module.named_parameters() if name not in used}


def _note_unused(flat: Flat, module: Any, reading: Reading) -> None:
    """Say in the spec's source how many parameters no row uses (auxiliary heads, which inference leaves out)."""
    kept = {id(step) for step in flat.steps}
    used = {name for name, step in reading.owners.items() if id(step) in kept}
    left = sum(unused(module, used).values())
    origin = f"{type(module).__module__}.{type(module).__qualname__}"
    flat.source = origin + (f"; {left:,} parameters that inference does not use are left out" if left else "")
