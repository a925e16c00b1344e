"""A document and knob values -> a graph: blocks, tables, branches and includes expanded.

Shapes are propagated on the way, since expressions read them (`out: 4 * c_in`). A mistake poisons
only what depends on it, so that one run reports all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from costcalc.base.errors import Fault, Mark, Problem, SpecError, nearest
from costcalc.graph.binder import Placed, Reached, settings
from costcalc.graph.graph import Bundle, Flow, Graph, Tensor
from costcalc.graph.scope import Binding, Scope, base_variables
from costcalc.graph.tables import Tabler
from costcalc.language.document import (
    Block,
    Branch,
    CallItem,
    DependsOnMistake,
    GroupItem,
    IncludeItem,
    Item,
    LostItem,
    OpItem,
    Ref,
    Spec,
    TableItem,
    WordItem,
)
from costcalc.language.reader import Reader
from costcalc.numbers import num
from costcalc.numbers.shape import Shape
from costcalc.operators import op as ops

MOST_ROWS = 20_000
MOST_STEPS = 100_000  # items run, those that give no row included
MOST_TURNS = 10_000  # of one repeat
DEEPEST = 30  # blocks, branches and groups inside one another


def expand(spec: Spec, knobs: Mapping[str, Any] | None = None, shape: Iterable[int] | None = None) -> Graph:
    """Return the graph of a spec for knob values, on another input shape if one is given.

    `shape` is (channels, *space). Raises SpecError with every mistake found.
    """
    return _Expander(spec, settings(spec, knobs or {})).network(None if shape is None else tuple(shape))


class _Expander(Tabler):
    """Runs the items of a document."""

    def network(self, shape: tuple[int, ...] | None) -> Graph:
        source = Tensor(None)
        scope = Scope(self.spec, {}, {}, source)
        scope.base = base_variables(self.spec, self.knobs, self.problems)
        scope.vars = dict(scope.base)
        try:
            source.shape = self.input_shape(shape, scope)
        except Placed as placed:
            self.problems.append(placed.problem)
        except DependsOnMistake:
            pass
        graph = Graph(self.spec, self.knobs, source)
        graph.nodes, graph.given = self.nodes, shape is not None
        flow = self.run(self.spec.layers, source, scope)
        graph.outputs = self.outputs(flow, scope)
        self.shorten()
        if not self.broken:
            self.refuse_unused(graph)
        if self.problems:
            raise SpecError(self.problems, rows=self.nodes)
        graph.called()
        return graph

    def input_shape(self, shape: tuple[int, ...] | None, scope: Scope) -> Shape | None:
        marks = [value.mark for value in self.spec.input]
        dims = shape or tuple(self.whole(value, scope, "input") for value in self.spec.input)
        if not dims:
            return None
        if shape is not None:
            marks = [Mark("--input")] * len(dims)
        for mark, dim in zip(marks, dims, strict=True):
            if num.any_of(dim < 1):
                raise Placed(Fault(f"an axis of the input is {dim}: it must be at least 1"), mark)
        least = self.spec.min_resolution
        for mark, dim in zip(marks[1:], dims[1:], strict=True):
            if num.any_of(dim < least):
                fault = Fault(
                    f"the input is {_by(dims[1:])}, and this network needs {least} at least", "min_resolution says so"
                )
                raise Placed(fault, mark)
        found = Shape(*dims)
        if num.any_of(found.size >= num.LARGEST):
            fault = Fault(f"an input of {found} is too large to be meant", f"it has {num.LARGEST:,} elements or more")
            raise Placed(fault, marks[0])
        return found

    def outputs(self, flow: Flow, scope: Scope) -> list[Tensor]:
        """Return the network's results: those listed, less the ones that `if` took away; or the last flow."""
        if self.spec.outputs is None:
            return tensors(flow)
        found: list[Tensor] = []
        for ref in self.spec.outputs:
            try:
                name = self.name(ref, scope)
                bound = scope.layers.get(name)
                if bound is None or not bound.skipped:
                    found += tensors(self.look_up(ref, scope))
            except Placed as placed:
                self.broken = True
                self.problems.append(placed.problem)
            except DependsOnMistake:
                self.broken = True
        return found

    def refuse_unused(self, graph: Graph) -> None:
        """Refuse a result that nothing uses and that is no output: most likely a mistake in the wiring."""
        for tensor in graph.outputs:
            tensor.used = True
        for node in graph.nodes:
            if not all(tensor.used for tensor in node.outputs):
                hint = "feed it to a later item with from:, list it under outputs:, or remove it"
                self.problems.append(Problem(f"nothing uses the result of '{node.name}'", node.mark, hint))

    def run(self, items: list[Item], flow: Flow, scope: Scope) -> Flow:
        """Run a list of items, each fed by the one before."""
        for item in items:
            flow = self.item(item, flow, scope)
        return flow

    def item(self, item: Item, flow: Flow, scope: Scope) -> Flow:
        """Run one item with its modifiers; a mistake gives a tensor of unknown shape."""
        self.step(item)
        try:
            if item.repeat is None:
                return self.turn(item, flow, scope, first=True)
            return self.repeated(item, flow, scope)
        except Placed as placed:
            self.report(placed.problem)
        except Fault as fault:
            self.report(Problem(fault.message, item.mark, fault.hint))
        except DependsOnMistake:
            pass
        self.broken = True
        lose(item, scope)
        return Tensor(None)

    def step(self, item: Item) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS or len(self.nodes) > MOST_ROWS:
            what = f"{MOST_ROWS:,} layers" if len(self.nodes) > MOST_ROWS else f"{MOST_STEPS:,} steps"
            self.report(Problem(f"the network has more than {what}", item.mark, "a repeat is larger than was meant"))
            raise SpecError(self.problems)

    def repeated(self, item: Item, flow: Flow, scope: Scope) -> Flow:
        assert item.repeat is not None
        scope.flow = flow
        turns = num.single(self.whole(item.repeat, scope, "repeat"))
        if turns < 0 or turns > MOST_TURNS:
            rule = "a repeat is 0 times or more" if turns < 0 else f"a repeat is {MOST_TURNS:,} times at most"
            raise Placed(Fault(f"repeat is {turns:,}", rule), item.repeat.mark)
        outer, trace = scope.vars, self.trace
        scope.vars = dict(outer)
        try:
            for i in range(turns):
                scope.vars["i"] = i
                self.trace = (*trace, f"turn {i + 1} of the repeat at {item.mark}")
                flow = self.turn(item, flow, scope, first=i == 0)
                if i:
                    self.step(item)
        finally:
            scope.vars, self.trace = outer, trace
        return flow

    def turn(self, item: Item, flow: Flow, scope: Scope, *, first: bool) -> Flow:
        """Run one turn: `from`, then `if`, then the item itself, then its name."""
        if first and item.source is not None:
            flow = self.picked(item.source, scope)
        if isinstance(item, TableItem):
            return self.table(item, flow, scope)
        scope.flow = flow
        skipped = item.when is not None and not self.truth(item.when, scope)
        if not skipped:
            flow = self.marked(item, flow, scope)
        if item.name is not None:
            self.bind(item, item.name, flow, scope, skipped=skipped)
        return flow

    def picked(self, refs: list[Ref], scope: Scope) -> Flow:
        if len(refs) == 1:
            return self.look_up(refs[0], scope)
        tensors = [self.single(self.look_up(ref, scope), ref.mark) for ref in refs]
        return Bundle(tensors, [ref.text for ref in refs])

    def marked(self, item: Item, flow: Flow, scope: Scope) -> Flow:
        """Run an item under its `bits`, `density` and `share`."""
        if item.bits is None and item.density is None and item.share is None:
            return self.dispatch(item, flow, scope)
        bits, density, start = self.bits, self.density, len(self.nodes)
        try:
            if item.bits is not None:
                self.bits = self.within(item.bits, scope, "bits", 1, 64)
            if item.density is not None:
                self.density = self.within(item.density, scope, "density", 0, 1)
            flow = self.dispatch(item, flow, scope)
        finally:
            self.bits, self.density = bits, density
        if item.share is not None:
            self.share(item.share, self.nodes[start:], scope)
        return flow

    def dispatch(self, item: Item, flow: Flow, scope: Scope) -> Flow:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Fault(f"blocks, branches and groups are nested more than {DEEPEST} deep")
        try:
            handler: Callable[..., Flow] = _HANDLERS[type(item)]
            return handler(self, item, flow, scope)
        finally:
            self.depth -= 1

    def branch(self, branch: Branch, flow: Flow, scope: Scope, item: OpItem) -> Tensor:
        self.step(item)
        if branch.ref is not None:
            return self.single(self.look_up(branch.ref, scope), branch.ref.mark)
        prefix = self.prefix
        if branch.label:
            self.prefix = f"{prefix}{branch.label}/"
        result = self.run(branch.items or [], flow, scope)  # only `until` leaves it by an exception
        self.prefix = prefix
        return self.single(result, item.mark)

    def call(self, item: CallItem, flow: Flow, scope: Scope) -> Flow:
        block = scope.spec.blocks[item.key]
        here = (scope.spec.where, block.name)
        if here in self.active:
            raise Fault(f"block '{block.name}' calls itself", "blocks do not recurse: use repeat")
        prefix, trace, active = self.prefix, self.trace, self.active
        inner = self.entered(block, item, flow, scope)
        self.prefix = f"{self.title(item, block.name, scope)}/"
        self.trace = (*trace, f"block {block.name}, called at {item.mark}")
        self.active = (*active, here)
        try:
            result = self.run(block.items, flow, inner)
            if block.outputs is not None:
                tensors = [self.single(self.look_up(ref, inner), ref.mark) for ref in block.outputs]
                result = Bundle(tensors, [self.name(ref, inner) for ref in block.outputs])
        except Placed as placed:
            self.report(placed.problem)
            raise DependsOnMistake from None
        finally:
            self.prefix, self.trace, self.active = prefix, trace, active
        return result

    def entered(self, block: Block, item: CallItem, flow: Flow, scope: Scope) -> Scope:
        """Return the scope of a block's body: its arguments, and the tensors that enter it."""
        arguments = {name: self.get(value, scope) for name, value in item.named.items()}
        for (name, _), value in zip(block.arguments, item.positional, strict=False):
            arguments[name] = self.get(value, scope)
        inner = Scope(scope.spec, scope.base, arguments, flow)
        for name, default in block.arguments:
            if name not in inner.vars and default is not None:
                inner.vars[name] = self.get(default, inner)
        if block.inputs is not None:
            entering = tensors(flow)
            if len(entering) != len(block.inputs):
                if any(tensor.shape is None for tensor in entering):
                    raise DependsOnMistake
                wanted = ", ".join(block.inputs)
                enter = "1 tensor enters" if len(entering) == 1 else f"{len(entering)} tensors enter"
                raise Fault(f"block '{block.name}' takes {wanted}, but {enter} it", "say which with from: [a, b]")
            for name, tensor in zip(block.inputs, entering, strict=True):
                inner.layers[name] = Binding(tensor, None, (), skipped=False)
        return inner

    def group(self, item: GroupItem, flow: Flow, scope: Scope) -> Flow:
        prefix = self.prefix
        if item.name is not None:
            self.prefix = f"{self.title(item, 'do', scope)}/"
        flow = self.run(item.items, flow, scope)
        self.prefix = prefix
        return flow

    def resolved(self, item: WordItem, flow: Flow, scope: Scope) -> Flow:
        """Run an item whose key is a variable, as the operator or block that it holds."""
        if item.key not in scope.vars:
            raise DependsOnMistake  # a constant whose value could not be known
        word = scope.vars[item.key]
        if not isinstance(word, str):
            raise Fault(f"'{item.key}' is {num.describe(word)}, which is no operator or block")
        if word not in scope.spec.blocks and ops.find(word) is None:
            hint = nearest(word, (*scope.spec.blocks, *ops.operators()))
            raise Fault(f"'{item.key}' is '{word}', which is no operator or block", hint)
        if word not in item.resolved:
            reader = Reader(scope.spec, [])
            item.resolved[word] = (reader.plain_item(word, item.node, item.mark, item.context), reader.problems)
        found, problems = item.resolved[word]
        for problem in problems:
            self.report(problem)
        found.name = item.name
        return self.dispatch(found, flow, scope)

    def include(self, item: IncludeItem, flow: Flow, scope: Scope) -> Flow:
        spec, knobs = self.included(item, scope)
        self.steps += len(spec.functions)
        inner = Scope(spec, base_variables(spec, knobs, self.problems), {}, flow)
        inner.until = item.until.text if item.until else ""
        saved = (self.prefix, self.trace, self.active, self.includes, self.spec, self.knobs, self.depth)
        self.prefix = f"{self.unique(item.alias)}/"
        self.trace = (*self.trace, f"{spec.where}, included at {item.mark}")
        self.includes, self.spec, self.knobs = (*self.includes, (spec.folder, spec.where)), spec, knobs
        reached = not inner.until
        try:
            flow = self.run(spec.layers, flow, inner)
        except Reached as stopped:
            flow, reached = stopped.flow, True
        finally:
            self.prefix, self.trace, self.active, self.includes, self.spec, self.knobs, self.depth = saved
        if not reached and item.until is not None:
            fault = Fault(f"{item.spec} has no layer '{inner.until}'", nearest(inner.until, inner.layers))
            raise Placed(fault, item.until.mark)
        for name, bound in inner.layers.items():
            scope.layers[f"{item.alias}.{name}"] = Binding(bound.flow, None, (), skipped=False)
        return flow


def lose(item: Item, scope: Scope) -> None:
    """Make unknown what an item that failed would have named, so that nothing else is said about it."""
    if isinstance(item, LostItem):
        scope.lost.add("")
    if isinstance(item, IncludeItem):
        scope.lost.add(f"{item.alias}.")
    if item.name is not None and item.name.index is not None:
        scope.lost.add(item.name.text)
    elif item.name is not None:
        scope.layers[item.name.text] = Binding(Tensor(None), item, scope.rows, skipped=False)
    inside = item.items if isinstance(item, GroupItem | TableItem) else []
    branches = (item.branches or []) if isinstance(item, OpItem) else []
    for part in (*inside, *(part for branch in branches for part in branch.items or [])):
        if part.name is None or part.name.text not in scope.layers:
            lose(part, scope)


def _by(dims: tuple[Any, ...]) -> str:
    return "x".join(str(dim) for dim in dims)


def _lost(*_: Any) -> Flow:
    raise DependsOnMistake


_HANDLERS: dict[type[Item], Any] = {
    LostItem: _lost,
    OpItem: _Expander.operator,
    CallItem: _Expander.call,
    GroupItem: _Expander.group,
    WordItem: _Expander.resolved,
    IncludeItem: _Expander.include,
}


def tensors(flow: Flow) -> list[Tensor]:
    """Return all tensors that flow."""
    return [flow] if isinstance(flow, Tensor) else list(flow.tensors)
