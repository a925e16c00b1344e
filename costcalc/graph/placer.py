"""Operators put into the graph: fields checked, shapes known, norms and activations, shared weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.base.errors import Fault, Mark, Problem, nearest
from costcalc.graph.binder import Binder, Placed
from costcalc.graph.graph import Bundle, Flow, Node, Tensor
from costcalc.graph.scope import Scope, single
from costcalc.language.document import Branch, DependsOnMistake, Item, OpItem, Ref, Value
from costcalc.numbers import num
from costcalc.numbers.shape import Shape
from costcalc.operators import op as ops
from costcalc.operators.fields import not_a_number


class Placer(Binder):
    """Adds nodes to the graph."""

    def branch(self, branch: Branch, flow: Flow, scope: Scope, item: OpItem) -> Tensor:
        """Return what one branch of a join gives; `expand` runs its items."""
        raise NotImplementedError

    def operator(self, item: OpItem, flow: Flow, scope: Scope) -> Flow:
        if item.branches is not None:
            return self.join(item, flow, scope)
        tensors = self.entering(item, flow)
        name = self.title(item, item.key, scope)
        try:
            values = {name: self.get(value, scope) for name, value in item.values.items()}
            node = self.node(item.cls, values, tensors, name, name, item)
        except (Placed, DependsOnMistake) as error:
            if isinstance(error, Placed):
                self.report(error.problem)
            self.told(item, scope)
            raise DependsOnMistake from None
        result: Flow = node.outputs[0]
        if isinstance(node.y, tuple):
            result = Bundle(node.outputs, [f"part{k}" for k in range(len(node.outputs))])
            self.steps += len(node.outputs)
        for role in item.cls.roles:
            result = self.companion(item, node, role, result, scope)
        return result

    def entering(self, item: OpItem, flow: Flow) -> list[Tensor]:
        """Return what an operator takes of the flow: one tensor, none, or all that flow together."""
        wanted = item.cls.inputs
        if wanted == 1:
            return [self.single(flow, item.mark)]
        if wanted == 0:
            return []
        tensors = flow.tensors if isinstance(flow, Bundle) else [flow]
        if wanted is not None and len(tensors) != wanted:
            hint = f"write from: [{', '.join('abc'[:wanted])}] beside it"
            raise Placed(Fault(f"{item.key} takes {wanted} tensors, and {len(tensors)} flows in", hint), item.mark)
        return tensors

    def told(self, item: OpItem, scope: Scope) -> None:
        """Report what is wrong with each field of an item that could not be run, whatever its input is."""
        for name, value in item.values.items():
            try:
                item.cls.fields[name].parse(self.get(value, scope))
            except Placed as placed:
                self.report(placed.problem)
            except Fault as fault:
                self.report(Problem(fault.message, value.mark, fault.hint))
            except DependsOnMistake:
                pass

    def companion(self, item: OpItem, node: Node, role: str, flow: Flow, scope: Scope) -> Flow:
        """Add the norm or the activation that a layer names, as a row of its own."""
        word = getattr(node.op, role)
        if word == "none":
            return flow
        kind = ops.role_words(role).get(word)
        if kind is None:
            known = ops.role_words(role)
            fault = Fault(f"'{word}' is no {role}", nearest(word, known) or f"known: {', '.join(sorted(known))}")
            raise Placed(fault, item.values[role].mark)
        cls = ops.REGISTRY[kind]
        defaults = self.spec.defaults.get(kind)
        above = Scope(self.spec, scope.base, {}, Tensor(None)) if defaults else scope  # defaults see knobs and define
        values = {name: self.get(value, above) for name, value in (defaults or {}).items()}
        return self.node(cls, values, [single(flow)], f"{node.name}/{kind}", node.name, item).outputs[0]

    def join(self, item: OpItem, flow: Flow, scope: Scope) -> Flow:
        branches = item.branches or []
        tensors = [self.branch(branch, flow, scope, item) for branch in branches]
        name = self.title(item, item.key, scope)
        return self.node(item.cls, {}, tensors, name, name, item).outputs[0]

    def node(
        self, cls: type[ops.Op], values: dict[str, Any], inputs: list[Tensor], name: str, layer: str, item: Item
    ) -> Node:
        """Add an operator to the graph: its fields checked, its output's shape known."""
        shapes: list[Shape] = []
        for tensor in inputs:
            if tensor.shape is None:
                raise DependsOnMistake
            tensor.used = True
            shapes.append(tensor.shape)
        x: Any = shapes[0] if cls.inputs == 1 else tuple(shapes)
        try:
            op = cls(len(shapes[0].space) if shapes else 0, **values)
            y = op.shape(x)
            node = Node(len(self.nodes), name, layer, op, inputs, item.mark)
            node.x, node.y, node.bits, node.density = x, y, self.bits, self.density
            outputs = y if isinstance(y, tuple) else (y,)
            node.outputs = [Tensor(_bounded(shape), node) for shape in outputs]
            self.nodes.append(node)
            if cls.checks:
                self.checked(op, x, y, item)
        except Fault as fault:
            raise Placed(fault, self.place(item, fault)) from None
        return node

    def checked(self, op: ops.Op, x: Any, y: Any, item: Item) -> None:
        """Report what is wrong although the shape is known; what follows is then checked too."""
        try:
            op.check(x, y)
        except Fault as fault:
            self.report(Problem(fault.message, self.place(item, fault), fault.hint))

    def place(self, item: Item, fault: Fault) -> Mark:
        """Return the place of the field at fault where the item states it, else the item's.

        A default that is wrong by itself is the mistake; one that does not go with an item is the item's.
        """
        if not isinstance(item, OpItem) or fault.field not in item.values:
            return item.mark
        value = item.values[fault.field]
        inherited = self.spec.defaults.get(item.cls.kind, {}).get(fault.field) is value
        return item.mark if inherited and not fault.message.startswith(f"{fault.field}: ") else value.mark

    def within(self, value: Value, scope: Scope, what: str, least: float, most: float) -> Any:
        number = self.get(value, scope)
        try:
            num.number(number)
        except Fault as fault:
            raise Placed(Fault(f"{what}: {fault.message}", not_a_number(number)), value.mark) from None
        if num.any_of(number < least) or num.any_of(number > most):
            raise Placed(Fault(f"{what} is {number}: it must lie between {least} and {most}"), value.mark)
        return number

    def share(self, ref: Ref, nodes: list[Node], scope: Scope) -> None:
        """Make later layers use the first ones' weights; refuse it where their shapes differ."""
        name = self.name(ref, scope)
        learned = [node for node in nodes if _filled(node)]
        first = scope.shares.setdefault(name, learned)
        if first is learned:
            return
        if len(first) != len(learned):
            fault = Fault(f"'{name}' is shared by {len(first)} layers with weights and by {len(learned)}")
            raise Placed(fault, ref.mark)
        for mine, theirs in zip(learned, first, strict=True):
            if mine.op.kind != theirs.op.kind or not _same(mine, theirs):
                fault = Fault(
                    f"'{mine.name}' cannot share the weights of '{theirs.name}': their shapes differ",
                    f"one is {_described(mine)}, the other {_described(theirs)}",
                )
                raise Placed(fault, ref.mark)
            mine.shared = theirs


def _bounded(shape: Shape) -> Shape:
    if num.reaches(shape.size, num.LARGEST):
        raise Fault(f"a tensor of {shape} is too large to be meant", f"it has {num.LARGEST:,} elements or more")
    return shape


def _filled(node: Node) -> bool:
    """Say whether a node has weights."""
    return any(num.any_of(part) for part in _flat(node.op.tensors(node.x, node.y)))


def _same(mine: Node, theirs: Node) -> bool:
    """Say whether two nodes' weights have the same shapes."""
    ours, others = (list(_flat(n.op.tensors(n.x, n.y))) for n in (mine, theirs))
    return len(ours) == len(others) and all(num.every(a == b) for a, b in zip(ours, others, strict=True))


def _flat(parts: tuple[Any, ...]) -> Iterator[Any]:
    for part in parts:
        yield from part if isinstance(part, tuple) else (part,)


def _described(node: Node) -> str:
    return f"{node.op.type(node.x)} {node.x} -> {node.y}"
