"""Operators put into the graph: fields checked, shapes known, norms and activations, shared weights."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.base import Datum
from costcalc.base.errors import Fault, Mark, Problems, nearest
from costcalc.graph.evaluator import Evaluator, MarkedFault, one_tensor
from costcalc.graph.graph import Bundle, Flow, Node, Tensor
from costcalc.graph.scope import Frame, Scope, single
from costcalc.graph.surroundings import Surroundings
from costcalc.language.document import DependsOnMistake, OpItem, Spec, StatedFields
from costcalc.numbers import num
from costcalc.numbers.num import Dims
from costcalc.numbers.shape import Shape, Shapes
from costcalc.operators import op as ops


class Builder:
    """Adds nodes to the graph."""

    def __init__(self, problems: Problems, evaluator: Evaluator) -> None:
        self.problems = problems
        self.evaluator = evaluator
        self.known: dict[tuple[Spec, str, str], StatedFields] = {}  # what a spec states of a word of norm or act

    def operator(self, item: OpItem, flow: Flow, path: str, scope: Scope, around: Surroundings) -> Flow:
        """Add an operator with its norm and its activation; return what flows out."""
        try:
            node = self.node(item, item.fields, entering(item, flow), path, path, scope, around)
        except (MarkedFault, DependsOnMistake) as error:
            if isinstance(error, MarkedFault):
                self.problems.add(error.problem, around.trace)
            self.report_fields(item, scope, around)
            raise DependsOnMistake from None
        result: Flow = node.outputs[0]
        if type(node.y) is tuple and not node.op.results:
            result = Bundle(node.outputs, ops.part_names(node.op, len(node.outputs)))
        for role in item.cls.roles:
            word = getattr(node.op, role)
            if word != "none":
                result = self.companion(item, node, role, word, single(result), scope, around)
        return result

    def report_fields(self, item: OpItem, scope: Scope, around: Surroundings) -> None:
        """Report what is wrong with each field of an item that could not be run, whatever its input is."""
        for name, value in item.fields.values.items():
            try:
                item.cls.fields[name].parse(self.evaluator.value(value, scope))
            except MarkedFault as marked:
                self.problems.add(marked.problem, around.trace)
            except Fault as fault:
                self.problems.add(fault.at(value.mark), around.trace)
            except DependsOnMistake:
                pass

    def companion(
        self, item: OpItem, node: Node, role: str, word: str, tensor: Tensor, scope: Scope, around: Surroundings
    ) -> Tensor:
        """Add the norm or the activation that a layer names, as a row of its own; it sees constants, and what enters.

        Its fields are the spec's defaults for it.
        """
        spec = scope.frame.spec
        fields = self.known.get((spec, role, word))
        if fields is None:
            known = ops.role_words(role, word)
            cls = ops.find(known.get(word, ""))
            if cls is None:
                fault = Fault(f"'{word}' is no {role}", nearest(word, known) or f"known: {', '.join(sorted(known))}")
                raise MarkedFault(fault, item.fields.values[role].mark)
            fields = self.known[spec, role, word] = StatedFields(cls, spec.defaults.get(cls.kind, {}))
        path = around.body.paths.claim(f"{node.name}/{fields.cls.kind}")
        inner = Scope(scope.frame, scope.frame.constants, tensor) if fields.varying else scope
        return self.node(item, fields, [tensor], path, node.name, inner, around).outputs[0]

    def node(
        self,
        item: OpItem,
        fields: StatedFields,
        inputs: list[Tensor],
        path: str,
        layer: str,
        scope: Scope,
        around: Surroundings,
    ) -> Node:
        """Add a row, with its path and its layer's: its fields checked, its output's shape known."""
        evaluated, cls = self.evaluator.value, fields.cls
        values = {name: evaluated(value, scope) for name, value in fields.varying.items()} if fields.varying else {}
        for tensor in inputs:
            if tensor.shape is None:
                raise DependsOnMistake
            tensor.used = True
        x: Shapes = inputs[0].shape if cls.inputs == 1 else tuple([tensor.shape for tensor in inputs])
        try:
            op = fields.op(len((x if cls.inputs == 1 else x[0]).space) if inputs else 0, values)
            y = op.shape(x)
            made = [Tensor(y if y is x else _bounded(y))] if type(y) is not tuple else [Tensor(_bounded(z)) for z in y]
            node = Node(path, layer, op, inputs, made, item.mark, x, y)
            node.bits, node.density = around.bits, around.density
            if op.results:  # else tensors learn it when the graph is whole: a block's that is kept has no cycles
                made[0].node = node
            around.body.parts.append(node)
            if cls.checks:
                self.check(op, x, y, item, scope, around)
        except Fault as fault:
            raise MarkedFault(fault, _mark(item, cls, fault, scope)) from None
        return node

    def check(self, op: ops.Op, x: Shapes, y: Shapes, item: OpItem, scope: Scope, around: Surroundings) -> None:
        """Report what is wrong although the shape is known; what follows is then checked too."""
        try:
            op.check(x, y)
        except Fault as fault:
            self.problems.add(fault.at(_mark(item, type(op), fault, scope)), around.trace)


def entering(item: OpItem, flow: Flow) -> list[Tensor]:
    """Return what an operator takes of the flow: one tensor, none, or all that flow together."""
    wanted = item.cls.inputs
    if wanted == 1:
        return [one_tensor(flow, item.mark) if type(flow) is Bundle else flow]
    if wanted == 0:
        return []
    tensors = flow.tensors if isinstance(flow, Bundle) else [flow]
    if wanted is not None and len(tensors) != wanted:
        if any(tensor.shape is None for tensor in tensors):
            raise DependsOnMistake  # how many would flow, nobody knows
        hint = f"write from: [{', '.join('abcdefgh'[:wanted])}] beside it"
        raise MarkedFault(Fault(f"{item.key} takes {wanted} tensors, and {len(tensors)} flows in", hint), item.mark)
    return tensors


def share(name: str, mark: Mark, nodes: list[Node], frame: Frame, *, cut: bool = False) -> None:
    """Make later layers use the first ones' weights; refuse it where their shapes differ.

    cut: whether an `until` has cut the nodes off: they may be fewer than the first ones.
    """
    learned = [node for node in nodes if _has_weights(node)]
    first = frame.shares.setdefault(name, learned)
    if first is learned:
        return
    if len(first) != len(learned) and not (cut and len(learned) < len(first)):
        fault = Fault(f"'{name}' is shared by {len(first)} layers with weights and by {len(learned)}")
        raise MarkedFault(fault, mark)
    for mine, theirs in zip(learned, first, strict=False):
        if mine.op.kind != theirs.op.kind or not _same_weights(mine, theirs):
            fault = Fault(
                f"'{mine.name}' cannot share the weights of '{theirs.name}': their shapes differ",
                f"one is {_described(mine)}, the other {_described(theirs)}",
            )
            raise MarkedFault(fault, mark)
        mine.shared = theirs


def _mark(item: OpItem, cls: type[ops.Op], fault: Fault, scope: Scope) -> Mark:
    """Return the place of the field at fault where it is stated, else the item's.

    A default that is wrong by itself is the mistake; one that does not go with an item is the item's. What a norm or
    an activation cannot take is the mistake of the field that names it.
    """
    defaults = scope.frame.spec.defaults.get(cls.kind, {})
    value = (item.fields.values if cls is item.cls else defaults).get(fault.field)
    inherited = defaults.get(fault.field) is value
    if value and (not inherited or fault.message.startswith(f"{fault.field}: ")):
        return value.mark
    if cls is item.cls:
        return item.mark
    role = next(role for role in item.cls.roles if cls.kind in ops.role_words(role).values())
    return _mark(item, item.cls, Fault("", field=role), scope)


def _bounded(shape: Shape) -> Shape:
    size = shape.size
    if size >= num.LARGEST if type(size) is int else num.reaches(size, num.LARGEST):
        raise Fault(f"a tensor of {shape} is too large to be meant", f"it has {num.LARGEST:,} elements or more")
    return shape


def _has_weights(node: Node) -> bool:
    """Say whether a node has weights."""
    return any(num.any_of(part) for part in _flat(node.op.tensors(node.x, node.y)))


def _same_weights(mine: Node, theirs: Node) -> bool:
    """Say whether two nodes' weights have the same shapes."""
    ours, others = (list(_flat(n.op.tensors(n.x, n.y))) for n in (mine, theirs))
    return len(ours) == len(others) and all(num.every(a == b) for a, b in zip(ours, others, strict=True))


def _flat(parts: Dims) -> Iterator[Datum]:
    for part in parts:
        yield from part if isinstance(part, tuple) else (part,)


def _described(node: Node) -> str:
    return f"{node.op.type(node.x)} {node.x} -> {node.y}"
