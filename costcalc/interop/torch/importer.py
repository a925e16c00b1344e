"""A network of PyTorch -> a spec: each call of a function is seen.

The network is not run on numbers: it is traced on an image of one, without data (`tracing`), which gives a graph of
ATen's operations. Each becomes a row, or changes how a tensor is looked at; nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from costcalc.base import Datum, InputShape, hints, torch_compat
from costcalc.base.arguments import said
from costcalc.base.errors import SpecError, first_line, stop
from costcalc.base.optional import need
from costcalc.base.progress import steps
from costcalc.interop.guard import OPAQUE, guarded
from costcalc.interop.torch.aten import choices, layers, points, products, recurrent, space, views
from costcalc.interop.torch.aten.composed import composed
from costcalc.interop.torch.aten.decomposed import decomposed
from costcalc.interop.torch.aten.reading import (
    BOTH,
    COUNTED,
    HANDLERS,
    LAYOUT,
    Constant,
    Reading,
    View,
    arguments_of,
    in_place,
    known,
    operation_of,
    stated,
    tensors_in,
)
from costcalc.interop.torch.aten.writes import Env, written
from costcalc.interop.torch.detectors import over_regions, regions_of, steady
from costcalc.interop.torch.inputs import Way, named, needed, ways
from costcalc.interop.torch.tracing import Program, program_of
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat

# Of another tensor they take the shape alone; or the type, of this argument.
MAKING = ("new_", "zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like")
SHAPING = "type_as.default to.other expand_as.default view_as.default reshape_as.default resize_as_.default".split()
SHAPE_ALONE = {("other", operation) for operation in SHAPING} | {("the_template", "resize_as_.default")}
# What has no operator here: how the names of its operations begin.
MISSING = {
    "a recurrent layer over packed sequences": "lstm.data gru.data rnn_tanh.data rnn_relu.data",
    "a Fourier transform": "fft_ _fft stft istft",
    "linear algebra beyond products and norms": "linalg_inv linalg_svd linalg_det linalg_eig linalg_qr linalg_cholesky "
    "linalg_solve linalg_lu linalg_lstsq linalg_pinv linalg_matrix_ linalg_slogdet logdet inverse pinverse cholesky "
    "svd _linalg",
    "a sum of embeddings": "embedding_bag",
    "distances of all pairs": "cdist pdist",
    "a product of three tensors": "bilinear",
    "a histogram": "hist bincount",
    "a choice whose size depends on the image": "nonzero masked_select unique _unique",
    "a number that the image decides": "item _local_scalar_dense",
}

# To import them registers what they know.
TRANSLATIONS = (choices, layers, points, products, recurrent, space, views)


# ---- the import ----------------------------------------------------------------------------------


def from_torch(
    module: Any,
    input_shape: InputShape | Sequence[int],
    *,
    name: str = "",
    opaque: bool = False,
    regions: int | None = None,
) -> Flat:
    """Return a network of PyTorch, at inference, as a flat list of layers named after its modules.

    input_shape: (channels, *space), without a batch, or several by their names: those of the arguments of its forward,
    or others, which are taken in order. opaque: write an operation that is not known as a row of unknown cost, instead
    of raising. regions: how many a detector of torchvision looks at, unless told as many as it does at most; the spec's
    knob of that name.

    Raises SpecError, naming module and operation, for what can't be expressed; and where torch is missing or the
    network can't be traced.
    """
    torch = need("torch", "torch")
    if not isinstance(module, torch.nn.Module):
        raise stop(f"{said(module)} is no network: a torch.nn.Module is", hint="or name what makes one: 'module:name'")
    most = regions_of(module)
    if regions is not None and not most:
        raise stop(f"{type(module).__name__} looks at no regions: torchvision's detectors of two stages do")
    origin = f"{type(module).__module__}.{type(module).__qualname__}"

    def read(looked_at: int) -> Flat:
        program, way = _program(torch, module, named(input_shape), looked_at)
        return translated(program, Flat(name or type(module).__name__, input_shape, origin), way.axes, opaque=opaque)

    return over_regions(read, module, regions or most) if most else read(0)


def translated(program: Program, flat: Flat, axes: Sequence[Iterable[int | None]], *, opaque: bool) -> Flat:
    """Return a flat network with the steps that a program is; axes: of each input, those of the spec's input."""
    reading = Reading(flat, program.paths, program.learned, opaque=opaque)
    for node, value, own in zip(program.inputs, flat.inputs, axes, strict=True):
        reading.given[node] = reading.view(value, own)
    guarded(flat.name, lambda: _read(program, reading), hint="")
    return flat


def _read(program: Program, reading: Reading) -> None:
    """Translate a program into the steps of the flat network."""
    flat = reading.flat
    env = _entering(program, reading)
    _walk(reading, program.module, env)
    flat.outputs = [_output(reading, env[node]) for node in program.results]
    if not flat.outputs:
        raise stop(f"{flat.name} returns no tensor", hint="its forward must return what it computes")
    flat.pruned()
    _rest_of_parameters(flat, reading)
    _note_unused(flat, program, reading)


def _program(torch: Any, module: Any, shapes: dict[str, tuple[int, ...]], regions: int) -> tuple[Program, Way]:
    """Return what a network calls for one image, and how it was called."""
    try:
        with steady(module, regions):
            return program_of(module, ways(torch, module, shapes))
    except SpecError:
        raise
    except (Exception, SystemExit) as error:
        raise stop(
            f"torch.export could not trace {type(module).__name__}: {first_line(error)}",
            hint=_reason_hint(str(error), module),
        ) from error


def _entering(program: Program, reading: Reading) -> Env:
    """Return what enters the graph: parameters and buffers as constants, images as the spec's inputs."""
    env: Env = dict(reading.given)
    for node, name in program.stored.items():
        made = node.meta["val"]
        target = name or str(node.name)
        reading.sizes_of[target] = program.sizes.get(name, 0)
        reading.homes[target] = (torch_compat.memory(made), made.storage_offset())
        env[node] = Constant([name] if name in program.learned else [], made.shape, name)
    return env


def _walk(reading: Reading, module: Any, env: Env) -> None:
    """Translate the operations of a graph, in order, into the values and constants of `env`."""
    functions = composed(module.graph)
    inner = {node: function for function in functions.values() for node in function.inner}
    for node in steps(module.graph.nodes, "operations read", len(module.graph.nodes)):
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


def _inlined(reading: Reading, node: Any, env: Env) -> Any:
    """Return what a part of the network gives that runs under a mode of its own (without gradients, or autocast)."""
    module = next(env[x] for x in node.args if hasattr(env.get(x) if hasattr(x, "op") else None, "graph"))
    return _within(reading, module, [env[x] for x in node.args if hasattr(x, "op") and env[x] is not module])


def _within(reading: Reading, module: Any, given: list[Any]) -> Any:
    """Return what a graph within the network's gives for these tensors."""
    inputs = [x for x in module.graph.nodes if x.op == "placeholder"]
    inner = dict(zip(inputs, given, strict=True))
    _walk(reading, module, inner)
    if any(inner[x] is not tensor for x, tensor in zip(inputs, given, strict=True)):
        raise reading.refuse("a tensor that is changed in place within a part of its own can't be expressed")
    (results,) = (x.args[0] for x in module.graph.nodes if x.op == "output")
    found = [inner[x] for x in (results if isinstance(results, list | tuple) else [results])]
    return found if isinstance(results, list | tuple) else found[0]


def _reason_hint(said: str, module: Any) -> str:
    """Return what to do about a network that could not be traced."""
    if "data-dependent" in said:
        return "what depends on the image has no fixed cost; import the parts that have: a backbone, a head"
    if "missing a required argument" in said or "required positional argument" in said:
        return needed(module)
    return hints.said("is the input right? {}", hints.argument(input=(3, 224, 224)))


def _output(reading: Reading, x: Any) -> str:
    """Return the value of a result, its axes in PyTorch's order, without the batch."""
    axes = range(1 if len(x.sizes) > 1 and x.sizes[0] == 1 else 0, len(x.sizes))
    return reading.arrange(x, [[k] for k in axes])


# ---- one operation -------------------------------------------------------------------------------


def _translated(reading: Reading, node: Any, env: Env) -> Any:
    """Return what an operation gives: a view of a value, a constant, or a list of them."""
    operation = operation_of(node)
    if not node.users and not in_place(operation):
        return None  # an assertion, or a result that nothing uses
    if operation == "getitem":
        return _item(reading, env[node.args[0]], node.args[1])
    given = _arguments(node, env)
    tensors = list(tensors_in(value for key, value in given.items() if (key, operation) not in SHAPE_ALONE))
    data = any(isinstance(x, View) for x in tensors)
    if operation.startswith(MAKING) or (not data and not known(COUNTED, operation)):
        return _constant(reading, node, tensors, env)
    if any(not isinstance(n, int) for n in getattr(node.meta.get("val"), "shape", ())):
        raise reading.refuse("how much it gives depends on what its tensors hold")
    result = _by_translation(reading, node, _viewed(operation, given, data, reading), env)
    if result is None:
        what = _missing(operation)
        told = f"{reading.where}: {what} has no operator here" if what else f"{reading.where} is not known"
        raise stop(told, hint=OPAQUE)
    _compare(reading, node, result)
    if in_place(operation) and known(LAYOUT, operation):
        env[node.args[0]] = result
    elif in_place(operation):
        written(reading, node, result, env, lambda name: _again(reading, name, env))
        reading.node = node
    return result


def _again(reading: Reading, node: Any, env: Env) -> Any:
    """Translate an operation anew, since what it takes has been changed in place."""
    reading.node = node
    return _translated(reading, node, env)


def _by_translation(reading: Reading, node: Any, given: dict[str, Datum], env: Env) -> Any:
    """Return what an operation with data gives, by its translation or of what it is composed; None if by neither."""
    handler = known(HANDLERS, reading.operation)
    result = handler(reading, **given) if handler else NotImplemented
    if result is not NotImplemented or _missing(reading.operation):
        return None if result is NotImplemented else result
    tags = {tag.name for tag in getattr(node.target, "tags", ())}
    if tags & {"pointwise", "reduction"} and hasattr(node.meta["val"], "shape"):
        how = "each element alone" if "pointwise" in tags else "a reduction"
        return stated(reading, given.values(), node.meta["val"].shape, f"{how}, without products")
    before = len(reading.flat.steps)
    inner = decomposed(reading, node)
    try:
        return inner and _within(reading, inner, [env[one] for one in node.all_input_nodes])
    except SpecError:  # what is not known within it is told by its own name
        reading.take_back(before)
        return None
    finally:
        reading.node = node


def _missing(operation: str) -> str:
    """Return what an operation is, in words, that has no operator here; empty where nothing is known of it."""
    return next((what for what, words in MISSING.items() if operation.startswith(tuple(words.split()))), "")


def _item(reading: Reading, several: Any, index: int) -> Any:
    if isinstance(several, Constant):
        return several
    if not isinstance(several, list) or index >= len(several):
        raise reading.refuse(
            f"its result {index} can't be expressed", "places of the largest elements depend on the image"
        )
    return several[index]


def _taken(node: Any, env: Env) -> list[Any]:
    """Return the tensors that an operation takes; of one that is picked out of several, those that made them."""
    return list(tensors_in(_arguments(node.args[0] if operation_of(node) == "getitem" else node, env).values()))


def _arguments(node: Any, env: Env) -> dict[str, Datum]:
    """Return an operation's arguments by name, tensors in the place of nodes."""
    map_arg = need("torch.fx", "torch").map_arg
    return dict(map_arg(arguments_of(node), lambda argument: env[argument]))


def _constant(reading: Reading, node: Any, tensors: list[Any], env: Env) -> Any:
    """Return what an operation on constants gives: it is not translated, only what it is made of is kept."""
    operation, made = operation_of(node), node.meta.get("val")
    tensors = [x for x in tensors if isinstance(x, Constant)]
    params = set() if operation.startswith(MAKING) else {name for x in tensors for name in x.params}
    if in_place(operation) and tensors:
        for base in _bases(node.args[0], env):  # what is written into a part is in the whole
            base.params |= params
            base.whole = ""
    whole = tensors[0].whole if len(tensors) == 1 and not in_place(operation) else ""
    kept = bool(whole and known(LAYOUT | {"expand"}, operation))

    def one(tensor: Any) -> Constant:
        if not hasattr(tensor, "shape"):
            return Constant(params, ())
        fixed = all(isinstance(n, int) for n in tensor.shape)
        part = whole if kept or not whole else reading.part_of(whole, tensor) if fixed else ""
        return Constant({part} if part and whole in params else params, tensor.shape, part)

    return [one(tensor) for tensor in made] if isinstance(made, list | tuple) else one(made)


def _bases(node: Any, env: Env) -> Iterable[Constant]:
    """Return the constants that a constant is a part of, itself first."""
    while isinstance(env.get(node), Constant):
        yield env[node]
        if not node.args or not hasattr(node.args[0], "args"):
            return
        node = node.args[0]


def _viewed(operation: str, given: dict[str, Datum], data: bool, reading: Reading) -> dict[str, Datum]:  # noqa: FBT001
    """Return the arguments with the first constant as a row, where no tensor is data or a handler wants it so."""
    if data and (known(BOTH, operation) or not known(HANDLERS, operation)):
        return given
    for key, value in given.items():
        if isinstance(value, Constant):
            given[key] = reading.constant(value)
            break
        if isinstance(value, View) and key in ("x", "query"):
            break
        if isinstance(value, list) and value and isinstance(value[0], Constant):
            given[key] = [reading.constant(value[0]), *value[1:]]
            break
    return given


def _opaque(reading: Reading, node: Any, tensors: list[Any], env: Env) -> Any:
    """Return an operation as a row of unknown cost, one for each tensor that it gives.

    What it changes in place is unknown from here on, wherever it shows.
    """
    made = node.meta.get("val")
    if isinstance(made, tuple | list):
        used = {user.args[1] for user in node.users if operation_of(user) == "getitem"}
        return [_unknown(reading, one, tensors) if k in used else None for k, one in enumerate(made)]
    result = _unknown(reading, made, tensors)
    for name in reading.names(node.args[0]) if in_place(reading.operation) else ():
        if name is not node and isinstance(env.get(name), View | Constant) and any(user > node for user in name.users):
            env[name] = _unknown(reading, name.meta["val"], [env[name], result])
    return result


def _unknown(reading: Reading, made: Any, tensors: list[Any]) -> View:
    """Return one tensor that an unknown operation gives."""
    if not all(isinstance(n, int) for n in getattr(made, "shape", [None])):
        raise reading.refuse("what it gives has no shape that is known before, so that it can't be opaque either")
    data = [x.value for x in tensors if isinstance(x, View)] or [INPUT]
    order = [k for k, n in enumerate(made.shape) if n > 1]
    shape = [made.shape[k] for k in order] or [1]
    new, params = reading.claimed(p for x in tensors if isinstance(x, Constant) for p in x.params)
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


def _rest_of_parameters(flat: Flat, reading: Reading) -> None:
    """Count what is left of parameters of which rows count parts, behind the first of these rows."""
    kept = {id(step) for step in flat.steps}
    reading.owners = {name: step for name, step in reading.owners.items() if id(step) in kept}
    for whole, parts in reading.parts.items():
        owners = [reading.owners[name] for name in parts if name in reading.owners]
        count = reading.left(whole)
        if not owners or not count:
            continue
        (given,) = owners[0].outputs
        (value,) = flat.add("weight_params", [given], whole, count=count, note=f"what is left of {whole}"[:200])
        at = flat.steps.index(owners[0]) + 1
        for step in flat.steps[at:-1]:
            step.inputs = [value if one == given else one for one in step.inputs]
        flat.outputs = [value if one == given else one for one in flat.outputs]
        flat.steps.insert(at, flat.steps.pop())


def _note_unused(flat: Flat, program: Program, reading: Reading) -> None:
    """Say in the spec's source how many parameters no row uses (auxiliary heads, which inference leaves out)."""
    kept = {id(step) for step in flat.steps}
    used = {reading.base(name) for name, step in reading.owners.items() if id(step) in kept}
    flat.unused = left = sum(program.sizes[name] for name in program.learned - used)
    flat.source += f"; {left:,} parameters that inference does not use are left out" if left else ""
