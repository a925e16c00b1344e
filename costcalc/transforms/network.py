"""A graph as a flat list of steps that can be changed, each of which remembers the layer that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.language import zoo
from costcalc.language.flat import Flat, Step, alike, padded
from costcalc.operators import op as ops
from costcalc.operators.fields import Field, Padding, PerAxis, Role


class EditableNetwork(Flat):
    """A flat network whose steps know their paths, and the layers of the first network that they stand for."""

    def __init__(self, name: str, shapes: Mapping[str, Sequence[int]], source: str = "") -> None:
        super().__init__(name, shapes, source)
        self.paths: dict[str, str] = {}  # a step's name -> its path, as reports print it
        self.origins: dict[str, str] = {}  # a step's name -> the layer of the first network that it stands for

    def put(
        self, kind: str, inputs: Iterable[str], path: str, origin: str, *, like: Step | None = None, **fields: Datum
    ) -> Step:
        """Add a step of this path, in place of a layer; it shares weights and has bits and density as `like`."""
        self.add(kind, inputs, path, share=like.share if like else "", **fields)
        step = self.steps[-1]
        step.beside = dict(like.beside) if like else {}
        self.paths[step.name], self.origins[step.name] = path, origin
        return step

    def path(self, step: Step) -> str:
        """Return the path of a step, as reports print it: `stage1/conv1`."""
        return self.paths[step.name]

    def type(self, step: Step) -> str:
        """Return the layer type of a step, as reports print it: `conv 3x3`."""
        return str(step.op.type(step.x))

    def users(self, value: str) -> list[Step]:
        """Return the steps that take a value, one of them twice where it takes it twice."""
        return [step for step in self.steps for taken in step.inputs if taken == value]

    def only_user(self, value: str) -> Step | None:
        """Return the step that takes a value, where nothing else does."""
        users = self.users(value)
        return users[0] if len(users) == 1 and value not in self.outputs else None

    def producer(self, value: str) -> Step | None:
        """Return the step that gives a value; None for the network's input."""
        return next((step for step in self.steps if value in step.outputs), None)

    def followers(self, step: Step) -> list[Step]:
        """Return the norm and the activation that follow a layer, and nothing else takes what it gives."""
        found: list[Step] = []
        while (after := self.only_user((found or [step])[-1].outputs[0])) is not None:
            cls = ops.operators()[after.kind]
            if not (cls.is_act or (cls.norm_word and not found)):
                break
            found.append(after)
            if cls.is_act:
                break
        return found


def flattened(network: Any) -> EditableNetwork:
    """Return a graph, or a spec at its own knobs, as a flat network: a step for each row, in order, called by its path.

    Norms and activations are steps of their own. Shared weights, bits and densities are kept: every count of every
    row is the original's.
    """
    graph = network if isinstance(network, Graph) else expand(zoo.load(network))
    dims = {name: shape.dims for name, shape in graph.input_shapes.items()}
    made = EditableNetwork(graph.spec.name, dims, str(graph.spec.meta.get("source") or ""))
    values = {id(tensor): name for name, tensor in graph.inputs.items()}
    shared = {id(node.shared): node.shared.name for node in graph.nodes if node.shared is not None}
    for node in graph.nodes:
        inputs = [values[id(tensor)] for tensor in node.inputs]
        fields = {name: field for name, field in node.op.fields.items() if not isinstance(field, Role)}
        said = {name: _written(field, getattr(node.op, field.attr)) for name, field in fields.items()}
        step = made.put(node.op.kind, inputs, node.name, node.layer, **said)
        step.share = shared.get(id(node.shared or node), "").replace("/", ".")
        marks = {"bits": node.bits, "density": node.density}
        step.beside = {name: value for name, value in marks.items() if value is not None}
        values |= {id(tensor): name for tensor, name in zip(node.outputs, step.outputs, strict=True)}
    made.outputs = [values[id(tensor)] for tensor in graph.outputs]
    return made


def _written(field: Field, value: Datum) -> Datum:
    """Return a field's value as a spec writes it."""
    if isinstance(value, str) or not isinstance(value, tuple):
        return value
    if isinstance(field, Padding):
        return padded(value)
    return alike(value) if isinstance(field, PerAxis) else list(value)


Action = Callable[["Rewrite", Step], str]


class Rewrite:
    """A network on its way into another: what each value of the old one is called in the new one."""

    def __init__(self, old: EditableNetwork) -> None:
        self.old = old
        self.new = EditableNetwork(old.name, old.inputs, old.source)
        self.values = {name: name for name in old.inputs}

    def inputs(self, step: Step) -> list[str]:
        """Return the values of the new network that a step of the old one takes."""
        return [self.values[value] for value in step.inputs]

    def copy(self, step: Step, inputs: list[str] | None = None, **changed: Datum) -> str:
        """Add a step as it was, but for what is given (None takes a field away); return its first value."""
        fields = {name: value for name, value in (step.fields | changed).items() if value is not None}
        fed = self.inputs(step) if inputs is None else inputs
        made = self.new.put(step.kind, fed, self.old.path(step), self.old.origins[step.name], like=step, **fields)
        self.values |= dict(zip(step.outputs, made.outputs, strict=True))
        return made.outputs[0]

    def add(self, like: Step, label: str, kind: str, value: str, **fields: Datum) -> str:
        """Add a step in place of an old one, under its path, and return the value that it gives."""
        origin = self.old.origins[like.name]
        made = self.new.put(kind, [value], f"{self.old.path(like)}/{label}", origin, like=like, **fields)
        made.share = f"{like.share}.{label}" if like.share else ""
        return made.outputs[0]

    def follow(self, like: Step, label: str, value: str) -> str:
        """Add once more the norm and the activation that follow an old step; return the value that they give."""
        for step in self.old.followers(like):
            value = self.add(like, f"{label}/{step.kind}", step.kind, value, **step.fields)
            self.new.steps[-1].share = f"{step.share}.{label}" if step.share else ""
        return value

    def run(self, actions: dict[str, Action]) -> EditableNetwork:
        """Return the new network: each step as its action makes it, or as it was; what nothing uses is dropped."""
        for step in self.old.steps:
            action = actions.get(step.name)
            if action is None:
                self.copy(step)
            else:
                self.values[step.outputs[0]] = action(self, step)
        self.new.outputs = [self.values[value] for value in self.old.outputs]
        self.new.pruned()
        return self.new
