"""A network of PyTorch -> the graph of what it calls, for tensors without numbers.

Two roads, one answer: the calls are recorded as the network runs, before PyTorch makes others of them; where that can't
be (a PyTorch whose inner parts are others, what depends on the image), `torch.export` does it, at four times the time,
and tells what is wrong.
"""

from __future__ import annotations

import io
import logging
import operator
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from types import SimpleNamespace
from typing import Any

from costcalc.base import Datum, torch_compat
from costcalc.base.optional import need
from costcalc.interop.torch.inputs import Way


class Program:
    """What a network calls, in order, as a graph of ATen's operations; and what its tensors are."""

    def __init__(self, graph: Any, paths: Iterable[str], sizes: Mapping[str, int], learned: Iterable[str]) -> None:
        """Take a graph, the paths of modules, the sizes of parameters and buffers, and which of them are parameters."""
        self.module: Any = SimpleNamespace(graph=graph)  # what holds it, and parts of it that stand by themselves
        self.graph = graph
        self.inputs: list[Any] = []  # the nodes of what the network is given
        self.stored: dict[Any, str] = {}  # the nodes of what it holds: a parameter's or buffer's name, or none
        self.results: list[Any] = []
        self.paths = set(paths)
        self.sizes = dict(sizes)
        self.learned = set(learned)


def program_of(module: Any, ways: Sequence[Way]) -> tuple[Program, Way]:
    """Return what a network calls, and which of the ways to call it it is that PyTorch takes, the first of them.

    Raises whatever torch.export raises of the first; of one in which indices are missing, of the next.
    """
    torch = need("torch", "torch")
    wrong: Exception | None = None
    with torch.no_grad(), quiet():
        for way in ways:
            with suppress(Exception):
                return _recorded(torch, module, way), way
        for way in ways:
            try:
                with _at_inference(module):
                    return _exported(torch, module, way), way
            except Exception as error:  # noqa: BLE001 - the first is told where none is taken
                wrong = error if wrong is None or "scalar types: Long, Int" in str(wrong) else wrong
    raise wrong or ValueError("there is no way to call it")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what PyTorch prints and logs to itself: what goes wrong is told in one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _at_inference(module: Any) -> Iterator[None]:
    """Give a network's modules back what they had before: their modes, and no tensors that were kept on the way."""
    before = [(part, part.training, dict(part.__dict__)) for part in module.modules()]
    try:
        module.eval()
        yield
    finally:
        for part, mode, held in before:
            part.__dict__.clear()
            part.__dict__.update(held)
            part.training = mode


def _held(module: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a network's parameters and buffers by their names; what is tied has its first."""
    return dict(module.named_parameters()), dict(module.named_buffers())


def _program(module: Any, graph: Any) -> Program:
    """Return the program of a network, of which the graph's nodes are not known yet."""
    parameters, buffers = _held(module)
    paths = (path for path, _ in module.named_modules(remove_duplicate=False))
    return Program(graph, paths, {name: one.numel() for name, one in (parameters | buffers).items()}, parameters)


# ---- recorded ------------------------------------------------------------------------------------


def _recorded(torch: Any, module: Any, way: Way) -> Program:
    """Return the program of a network that is run on tensors without numbers, call by call."""
    fake = need(torch_compat.FAKE, "torch").FakeTensorMode(allow_non_fake_inputs=True)
    program = _program(module, torch.fx.Graph())
    record = Record(torch, program, module, fake)
    parameters, buffers = _held(module)
    held = {one: fake.from_tensor(one, static_shapes=True) for one in (parameters | buffers).values()}
    for name, one in (parameters | buffers).items():
        program.stored[record.entering(held[one])] = name
    args = tuple(fake.from_tensor(one, static_shapes=True) for one in way.args)
    named = {name: fake.from_tensor(one, static_shapes=True) for name, one in way.named.items()}
    program.inputs = [record.entering(one) for one in (*args, *named.values())]
    recording = torch_compat.exporting(torch), torch_compat.before_others(torch, record.call)
    with _in_place_of(module, held), _at_inference(module), fake, record.modules(), recording[0], recording[1]:
        found = module(*args, **named)
    program.results = [record.node(one) for one in torch_compat.leaves(torch, found) if isinstance(one, torch.Tensor)]
    program.graph.output(tuple(program.results))
    return program


@contextmanager
def _in_place_of(module: Any, held: dict[Any, Any]) -> Iterator[None]:
    """Let a network hold other tensors, one for each of its own."""
    places = [(part, name) for part in module.modules() for store in torch_compat.stores(part) for name in store]
    before = [getattr(part, name) for part, name in places]
    try:
        for (part, name), one in zip(places, before, strict=True):
            setattr(part, name, held.get(one))
        yield
    finally:
        for (part, name), one in zip(places, before, strict=True):
            setattr(part, name, one)


class Record:
    """The calls of a network on their way into a graph."""

    def __init__(self, torch: Any, program: Program, module: Any, fake: Any) -> None:
        self.torch = torch
        self.program = program
        self.module = module
        self.fake = fake
        self.nodes: dict[int, Any] = {}  # a tensor, by its id, and the node that it is now
        self.alive: list[Any] = []  # tensors, whose ids would be given to others else
        self.around: list[dict[str, Any]] = [{"": ("", type(module))}]  # the modules that are being run
        self.paths: dict[Any, list[str]] = {}  # a module and the paths to it

    def call(self, target: Any, args: tuple[Datum, ...], options: dict[str, Datum]) -> Any:
        """Run an operation, and note it."""
        taken = self._noted(args), self._noted(options)
        if any(tag.name == "inplace_view" for tag in target.tags):  # its tensor will have another shape
            node = self.nodes[id(args[0])]
            node.meta["val"] = node.meta["val"].detach()
        found = target(*args, **options)
        node = self._name(self.program.graph.call_function(target, *taken), found)
        if isinstance(found, tuple | list):
            for k, one in enumerate(found):
                if isinstance(one, self.torch.Tensor):
                    self._name(self.program.graph.call_function(operator.getitem, (node, k)), one)
        return found

    def entering(self, tensor: Any) -> Any:
        """Return a new node for a tensor that no operation gives."""
        return self._name(self.program.graph.placeholder(f"given_{len(self.nodes)}"), tensor)

    def node(self, tensor: Any) -> Any:
        """Return the node that a tensor is; one that was not seen before is a constant."""
        if id(tensor) not in self.nodes:
            self.alive.append(tensor)
            self.program.stored[self.entering(tensor)] = ""
        return self.nodes[id(tensor)]

    def _name(self, node: Any, found: Any) -> Any:
        node.meta["val"] = found
        node.meta["nn_module_stack"] = self.around[-1]
        self.nodes[id(found)] = node
        self.alive.append(found)
        return node

    def _noted(self, value: Any) -> Any:
        """Return what an operation is given with nodes in the place of tensors."""
        if isinstance(value, self.torch.Tensor):
            return self.node(value)
        if isinstance(value, tuple | list):
            return type(value)([self._noted(one) for one in value])
        return {key: self._noted(one) for key, one in value.items()} if isinstance(value, dict) else value

    @contextmanager
    def modules(self) -> Iterator[None]:
        """Note in which modules an operation stands, while they are run."""
        for path, part in self.module.named_modules(remove_duplicate=False):
            self.paths.setdefault(part, []).append(path)
        hooks = self.torch.nn.modules.module
        held = [hooks.register_module_forward_pre_hook(self._enter), hooks.register_module_forward_hook(self._leave)]
        try:
            yield
        finally:
            for one in held:
                one.remove()

    def _enter(self, part: Any, _: Any) -> None:
        around = self.around[-1]
        last = next(reversed(around))
        paths = self.paths.get(part, [last])  # one that is made on the way has no path of its own
        path = next((one for one in paths if one.rpartition(".")[0] == last), paths[0])  # of several the one from here
        self.around.append({**around, path: (path, type(part))})

    def _leave(self, *_: Any) -> None:
        self.around.pop()


# ---- exported ------------------------------------------------------------------------------------


def _exported(torch: Any, module: Any, way: Way) -> Program:
    """Return the program of a network as torch.export gives it."""
    exported = torch.export.export(module, way.args, way.named, strict=False)
    program = _program(module, exported.graph)
    program.module = exported.graph_module
    kept = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers())}
    first: dict[int, str] = {}
    specs = {spec.arg.name: spec for spec in exported.graph_signature.input_specs}
    for node in exported.graph.nodes:
        if node.op == "placeholder":
            target = specs[node.name].target
            if specs[node.name].kind.name == "USER_INPUT":
                program.inputs.append(node)
            elif target in kept:
                program.stored[node] = first.setdefault(id(kept[target]), target)  # tied weights have one name
            else:
                program.stored[node] = ""
    wanted = set(exported.graph_signature.user_outputs)
    (results,) = (node.args[0] for node in exported.graph.nodes if node.op == "output")
    program.results = [one for one in results if hasattr(one, "op") and one.name in wanted]
    return program
