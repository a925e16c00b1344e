"""A document and knob values -> a graph: blocks, tables, branches and includes expanded.

Shapes are propagated on the way, since expressions read them (`out: 4 * c_in`). A mistake poisons
only what depends on it, so that one run reports all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from costcalc import num, zoo
from costcalc.binder import Placed, Reached
from costcalc.document import (
    Block,
    Branch,
    CallItem,
    GroupItem,
    IncludeItem,
    Item,
    OpItem,
    Ref,
    Spec,
    TableItem,
    WordItem,
    knob_fault,
)
from costcalc.errors import Fault, Mark, Problem, SpecError, nearest, stop
from costcalc.graph import Bundle, Flow, Graph, Tensor
from costcalc.placer import Placer
from costcalc.reader import Reader
from costcalc.scope import Binding, Scope, Unknown, base_variables
from costcalc.shape import Shape

MOST_ROWS = 20_000
MOST_STEPS = 100_000  # items run, those that give no row included
MOST_TURNS = 10_000  # of one repeat
DEEPEST = 30  # blocks, branches and groups inside one another


def expand(spec: Spec, knobs: Mapping[str, Any] | None = None, shape: Iterable[int] | None = None) -> Graph:
    """Return the graph of a spec for knob values, on another input shape if one is given.

    `shape` is (channels, *space). Raises SpecError with every mistake found.
    """
    return _Expander(spec, settings(spec, knobs or {})).network(None if shape is None else tuple(shape))


def settings(spec: Spec, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all knobs, those given put over the spec's own; raise SpecError for a bad one."""
    for name, value in knobs.items():
        if name not in spec.knobs:
            hint = nearest(name, spec.knobs) or f"its knobs: {', '.join(spec.knobs) or 'none'}"
            raise stop(f"{spec.name} has no knob '{name}'", hint=hint)
        fault = knob_fault(name, spec.knobs[name], value)
        if fault:
            raise stop(fault.message, hint=fault.hint)
    return {**spec.knobs, **knobs}


class _Expander(Placer):
    """Runs the items of a document."""

    def network(self, shape: tuple[int, ...] | None) -> Graph:
        source = Tensor(None)
        scope = Scope(self.spec, {}, {}, source)
        try:
            scope.base = base_variables(self.spec, self.knobs)
            scope.vars = dict(scope.base)
            source.shape = self.input_shape(shape, scope)
        except Fault as fault:
            self.problems.append(Problem(fault.message, self.root_mark(), fault.hint))
        except Placed as placed:
            self.problems.append(placed.problem)
        graph = Graph(self.spec, self.knobs, source)
        graph.nodes = self.nodes
        flow = self.run(self.spec.layers, source, scope)
        graph.outputs = self.outputs(flow, scope)
        self.shorten()
        if not self.problems:
            self.refuse_unused(graph)
        if self.problems:
            raise SpecError(self.problems, rows=self.nodes)
        return graph

    def root_mark(self) -> Mark:
        return self.spec.root.mark if self.spec.root else Mark(self.spec.where)

    def input_shape(self, shape: tuple[int, ...] | None, scope: Scope) -> Shape | None:
        if shape is not None:
            return Shape(*shape)
        if not self.spec.input:
            return None
        dims = [self.whole(value, scope, "input") for value in self.spec.input]
        for value, dim in zip(self.spec.input, dims, strict=True):
            if num.any_of(dim < 1):
                raise Placed(Fault(f"an axis of the input is {dim}: it must be at least 1"), value.mark)
        least = self.spec.min_resolution
        if any(num.any_of(dim < least) for dim in dims[1:]):
            said = "x".join(str(d) for d in dims[1:])
            fault = Fault(f"the input is {said}, and this network needs {least} at least", "min_resolution says so")
            raise Placed(fault, self.spec.input[-1].mark)
        return Shape(*dims)

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
                self.problems.append(placed.problem)
            except Unknown:
                pass
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
        except Unknown:
            pass
        scope.broken = True
        unknown = Tensor(None)
        if item.name is not None and item.name.index is None:
            scope.layers[item.name.text] = Binding(unknown, item, scope.rows, skipped=False)
        return unknown

    def step(self, item: Item) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS or len(self.nodes) > MOST_ROWS:
            what = f"{MOST_ROWS:,} layers" if len(self.nodes) > MOST_ROWS else f"{MOST_STEPS:,} steps"
            self.report(Problem(f"the network has more than {what}", item.mark, "a repeat is larger than was meant"))
            raise SpecError(self.problems)

    def repeated(self, item: Item, flow: Flow, scope: Scope) -> Flow:
        assert item.repeat is not None
        scope.flow = flow
        turns = self.whole(item.repeat, scope, "repeat")
        if turns < 0 or turns > MOST_TURNS:
            rule = "a repeat is 0 times or more" if turns < 0 else f"a repeat is {MOST_TURNS:,} times at most"
            raise Placed(Fault(f"repeat is {turns}", rule), item.repeat.mark)
        outer = scope.vars.get("i")
        for i in range(turns):
            scope.vars["i"] = i
            flow = self.turn(item, flow, scope, first=i == 0)
            if i:
                self.step(item)
        if outer is None:
            scope.vars.pop("i", None)
        else:
            scope.vars["i"] = outer
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
        if item.bits is not None:
            self.bits = self.within(item.bits, scope, "bits", 1, 64)
        if item.density is not None:
            self.density = self.within(item.density, scope, "density", 0, 1)
        flow = self.dispatch(item, flow, scope)
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
        if branch.ref is not None:
            return self.single(self.look_up(branch.ref, scope), branch.ref.mark)
        prefix = self.prefix
        if branch.label:
            self.prefix = f"{prefix}{branch.label}/"
        result = self.run(branch.items or [], flow, scope)
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
        result = self.run(block.items, flow, inner)
        if block.outputs is not None:
            tensors = [self.single(self.look_up(ref, inner), ref.mark) for ref in block.outputs]
            result = Bundle(tensors, [self.name(ref, inner) for ref in block.outputs])
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
                try:
                    inner.vars[name] = default.run(inner)
                except Fault as fault:
                    raise Placed(fault, block.mark) from None
        if block.inputs is not None:
            entering = tensors(flow)
            if len(entering) != len(block.inputs):
                wanted = ", ".join(block.inputs)
                raise Fault(
                    f"block '{block.name}' takes {wanted}, but {len(entering)} tensors enter it",
                    "say which with from: [a, b]",
                )
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
        word = scope.vars[item.key]
        if not isinstance(word, str):
            raise Fault(f"'{item.key}' is {num.describe(word)}, which is no operator or block")
        if word not in item.resolved:
            reader = Reader(scope.spec, self.problems)
            item.resolved[word] = reader.plain_item(word, item.node, item.mark, item.context)
        found = item.resolved[word]
        if found is None or isinstance(found, WordItem):
            raise Unknown
        found.name = item.name
        return self.dispatch(found, flow, scope)

    def table(self, item: TableItem, flow: Flow, scope: Scope) -> Flow:
        outer = {name: scope.vars[name] for name in ("row", *item.columns) if name in scope.vars}
        rows, prefix = scope.rows, self.prefix
        for index in range(self.height(item, flow, scope)):
            self.step(item)
            scope.flow, scope.rows = flow, (*rows, index)
            scope.vars["row"] = index
            scope.vars.update(self.cells(item, index, scope))
            skipped = item.when is not None and not self.truth(item.when, scope)
            if not skipped:
                if item.name is not None:
                    self.prefix = f"{self.title(item, 'row', scope)}/"
                flow = self.run(item.items, flow, scope)
                self.prefix = prefix
            if item.name is not None:
                self.bind(item, item.name, flow, scope, skipped=skipped)
        for name in ("row", *item.columns):
            scope.vars.pop(name, None)
        scope.vars.update(outer)
        scope.rows = rows
        return flow

    def height(self, item: TableItem, flow: Flow, scope: Scope) -> int:
        """Return the number of rows; columns that are expressions are known here only."""
        if item.rows is not None:
            return len(item.rows)
        scope.flow = flow
        lengths = {}
        for name, column in zip(item.columns, item.whole, strict=True):
            if isinstance(column, list):
                lengths[name] = len(column)
                continue
            values = self.get(column, scope)
            if not isinstance(values, list | tuple):
                raise Placed(Fault(f"column '{name}' is {num.describe(values)}, not a list"), column.mark)
            lengths[name] = len(values)
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            raise Fault(f"the columns are not equally long: {said}")
        return next(iter(lengths.values()), 0)

    def cells(self, item: TableItem, index: int, scope: Scope) -> dict[str, Any]:
        """Return the variables of one row. Cells are evaluated now: a word may be an earlier row's layer."""
        if item.rows is not None:
            return {n: self.get(cell, scope) for n, cell in zip(item.columns, item.rows[index], strict=True)}
        row = {}
        for name, column in zip(item.columns, item.whole, strict=True):
            row[name] = self.get(column[index], scope) if isinstance(column, list) else self.get(column, scope)[index]
        return row

    def include(self, item: IncludeItem, flow: Flow, scope: Scope) -> Flow:
        try:
            spec = zoo.include(item.spec, scope.spec)
            given = {name: self.get(value, scope) for name, value in item.knobs.items()}
            knobs = settings(spec, given)
        except SpecError as error:
            first = error.problems[0]
            if first.mark.line >= 0:
                self.problems += error.problems
                raise Unknown from None
            raise Placed(Fault(first.message, first.hint), item.mark) from None
        if spec.where in self.includes or len(self.includes) > 8:
            circle = " -> ".join((*self.includes, spec.where))
            raise Placed(Fault(f"specs include each other: {circle}"), item.mark)
        self.problems += spec.problems
        inner = Scope(spec, base_variables(spec, knobs), {}, flow)
        inner.until = item.until.text if item.until else ""
        saved = (self.prefix, self.trace, self.active, self.includes, self.spec, self.knobs, self.depth)
        self.prefix = f"{self.unique(item.alias)}/"
        self.trace = (*self.trace, f"{spec.where}, included at {item.mark}")
        self.includes, self.spec, self.knobs = (*self.includes, spec.where), spec, knobs
        reached = not inner.until
        try:
            flow = self.run(spec.layers, flow, inner)
        except Reached as stopped:
            flow, reached = stopped.flow, True
        self.prefix, self.trace, self.active, self.includes, self.spec, self.knobs, self.depth = saved
        if not reached and item.until is not None:
            fault = Fault(f"{item.spec} has no layer '{inner.until}'", nearest(inner.until, inner.layers))
            raise Placed(fault, item.until.mark)
        for name, bound in inner.layers.items():
            scope.layers[f"{item.alias}.{name}"] = Binding(bound.flow, None, (), skipped=False)
        return flow


_HANDLERS: dict[type[Item], Any] = {
    OpItem: _Expander.operator,
    CallItem: _Expander.call,
    GroupItem: _Expander.group,
    WordItem: _Expander.resolved,
    IncludeItem: _Expander.include,
}


def tensors(flow: Flow) -> list[Tensor]:
    """Return all tensors that flow."""
    return [flow] if isinstance(flow, Tensor) else list(flow.tensors)
