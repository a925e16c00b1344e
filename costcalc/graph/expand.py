"""A document and knob values -> a graph: blocks, tables, branches and includes expanded.

Shapes are propagated on the way, since expressions read them (`out: 4 * c_in`). A mistake poisons
only what depends on it, so that one run reports all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn

from costcalc.base import Datum, GivenShape
from costcalc.base.errors import Fault, Mark, Problem, Problems, SpecError, nearest, stop
from costcalc.graph.block_graph import BlockGraph, GraphBody, Unkept, key_of, with_tensors
from costcalc.graph.builder import Builder, share
from costcalc.graph.evaluator import MOST_WORK, Evaluator, MarkedFault, is_none, one_tensor
from costcalc.graph.graph import Bundle, Flow, Graph, Node, Tensor, tensors
from costcalc.graph.includes import Includes
from costcalc.graph.knobs import given_shapes, knob_values, refuse_idle_knobs
from costcalc.graph.scope import Binding, Frame, Scope, UntilReached, single, spec_scope
from costcalc.graph.surroundings import Surroundings
from costcalc.graph.tables import cells, columns
from costcalc.language.document import (
    Block,
    Branch,
    CallItem,
    DependsOnMistake,
    GroupItem,
    IncludeItem,
    Item,
    MistakenItem,
    OpItem,
    Ref,
    Spec,
    TableItem,
    Value,
    VariableItem,
)
from costcalc.language.items import read_variable_item
from costcalc.language.source import YamlNode
from costcalc.language.yaml_text import typed
from costcalc.numbers import num
from costcalc.numbers.num import Dims
from costcalc.numbers.shape import Shape, refuse_other_axes
from costcalc.operators import op as ops

MOST_ROWS = 20_000
MOST_STEPS = 100_000  # items run, those that give no row included
MOST_TURNS = 10_000  # of one repeat
DEEPEST = 30  # blocks, branches and groups inside one another


def expand(
    spec: Spec, knobs: Mapping[str, Datum] | None = None, shape: GivenShape | None = None, *, blame: bool = True
) -> Graph:
    """Return the graph of a spec for knob values, on another input shape if one is given.

    `shape` is (channels, *space), or such shapes by the names of the inputs. Raises SpecError with every mistake
    found; it names the knobs given, unless `blame` is off, where the spec is right with its own.
    """
    given = given_shapes(spec, shape)
    values = knob_values(spec, knobs or {})
    refuse_idle_knobs(spec, values, given)
    try:
        return _network(spec, values, given)
    except SpecError as error:
        other = {name: values[name] for name in knobs or {} if blame and values[name] != spec.knobs[name]}
        if not other or not _stands(spec, given):
            raise
        raise _blamed(error, other) from None


def _network(spec: Spec, knobs: dict[str, Datum], given: Mapping[str, Dims]) -> Graph:
    """Return the graph, its blocks' calls as they are kept; where a mistake is met, all is done anew to tell it."""
    if not any(num.is_array(value) for value in knobs.values()):
        try:
            return Expansion(spec, knobs, keeps=True).network(given)
        except (SpecError, Unkept):
            pass
    return Expansion(spec, knobs).network(given)


def own_dims(spec: Spec, knobs: Mapping[str, Datum]) -> list[Dims]:
    """Return the shapes of a spec's own inputs, no layer expanded; of none where one can't be worked out."""
    values = knob_values(spec, knobs)
    one = Expansion(spec, values)
    scope = spec_scope(spec, values, Graph(spec, values).flow, one.problems)
    return [one.own_input(name, scope, given=True) or () for name in spec.inputs]


def _stands(spec: Spec, given: Mapping[str, Dims]) -> bool:
    """Say whether a spec is right with its own knobs."""
    try:
        return bool(_network(spec, dict(spec.knobs), given))
    except SpecError:
        return False


def _blamed(error: SpecError, knobs: Mapping[str, Datum]) -> SpecError:
    """Return a mistake that values of knobs make: it names them, and what was meant by a negative one."""
    problems = error.at(", ".join(f"{name} {typed(value)}" for name, value in knobs.items())).problems
    for name, value in knobs.items():
        if isinstance(value, int | float) and value < 0:  # all that follows from it would tell no more
            first = problems[0]
            problems = [Problem(first.message, first.mark, f"did you mean {name} {-value}?", first.trace)]
    return SpecError(problems, error.rows)


class Expansion:
    """Runs the items of a document.

    Items flow: each is fed by the one before. What differs by item is in `Surroundings` and `Scope`, which are
    handed down; what the whole expansion knows is here: mistakes, and how much was done.

    keeps: whether a block's call is expanded by itself, and kept for the next time. Such an expansion tells nothing of
    mistakes but that there are some: another, all in one body, finds their places.
    """

    def __init__(self, spec: Spec, knobs: dict[str, Datum], *, keeps: bool = False) -> None:
        self.spec = spec
        self.knob_values = knobs
        self.keeps = keeps
        self.body = GraphBody()
        self.problems = Problems(spec.problems, self.body.parts)
        self.evaluator = Evaluator(self.problems)
        self.builder = Builder(self.problems, self.evaluator)
        self.includes = Includes(self.problems, self.evaluator)
        self.steps = 0
        self.broken = False  # an item failed: what it would have used may now seem unused

    def network(self, given: Mapping[str, Dims]) -> Graph:
        """Return the graph of the whole spec; given: inputs' shapes that stand for its own."""
        graph = Graph(self.spec, self.knob_values)
        graph.parts, graph.given = self.body.parts, given
        scope = spec_scope(self.spec, self.knob_values, graph.flow, self.problems)
        for name in graph.inputs:
            self.enter(name, graph, scope)
        start = Surroundings(self.body, includes=((self.spec.folder, self.spec.where),))
        graph.outputs = self.outputs(self.run(self.spec.layers, graph.flow, scope, start), scope)
        self.body.paths.shorten(self.body.parts)
        if not self.broken:
            self.refuse_empty()
            self.refuse_unused(graph)
        elif not self.problems.found:  # what is left of a network is never counted as if it were all
            hint = "this is a fault of costcalc: please report it, with the spec"
            raise stop("the network cannot be worked out, and no mistake was found", self.spec.where, hint)
        if self.keeps and sum(part.size for part in graph.parts) > MOST_ROWS:
            raise Unkept
        if self.problems.found:
            if graph.channel_warning and self.spec.inputs:
                first = next(iter(self.spec.inputs.values()))
                self.problems.found.append(Problem(graph.channel_warning, first[0].mark))
            raise self.problems.error()
        return graph

    def enter(self, name: str, graph: Graph, scope: Scope) -> None:
        """Give an input its shape; what is wrong with that is told."""
        shape = graph.given.get(name)
        try:
            own = self.own_input(name, scope, given=shape is not None)
            graph.inputs[name].shape = self.input_shape(name, own, shape, scope)
            graph.own_dims[name] = own or ()
        except MarkedFault as marked:
            self.problems.add(marked.problem)
        except DependsOnMistake:
            pass

    def own_input(self, name: str, scope: Scope, *, given: bool) -> Dims | None:
        """Return the spec's own shape of an input; None where it can't be worked out and another is given."""
        try:
            return tuple(self.evaluator.whole(value, scope, name) for value in self.spec.inputs.get(name, ()))
        except (MarkedFault, DependsOnMistake):
            if not given:
                raise
        return None

    def input_shape(self, name: str, own: Dims | None, shape: Dims | None, scope: Scope) -> Shape | None:
        """Return an input's shape: the spec's own, or the one given."""
        values = self.spec.inputs.get(name, [])
        marks = [value.mark for value in values]
        dims = (own or ()) if shape is None else shape
        if shape is not None:
            marks = [Mark(name)] * len(dims)
            try:
                refuse_other_axes(shape, ["?"] * len(values) if own is None else own)
            except Fault as other:
                raise MarkedFault(other, marks[0]) from None
        if not dims:
            return None
        for mark, dim in zip(marks, dims, strict=True):
            if num.any_of(dim < 1):
                raise MarkedFault(Fault(f"an axis of the input is {dim}: it must be at least 1"), mark)
        said = self.spec.min_resolution
        least = 1 if said is None else self.evaluator.whole(said, scope, "min_resolution")
        if said is not None and num.any_of(least < 1):
            raise MarkedFault(Fault(f"min_resolution is {least}: it must be at least 1"), said.mark)
        for mark, dim in zip(marks[1:], dims[1:], strict=True):
            if num.any_of(dim < least):
                fault = Fault(
                    f"the input is {_by(dims[1:])}, and this network needs {least} at least", "min_resolution says so"
                )
                raise MarkedFault(fault, mark)
        found = Shape(*dims)
        if num.reaches(found.size, num.LARGEST):
            fault = Fault(f"an input of {found} is too large to be meant", f"it has {num.LARGEST:,} elements or more")
            raise MarkedFault(fault, marks[0])
        return found

    def outputs(self, flow: Flow, scope: Scope) -> list[Tensor]:
        """Return the network's results: those listed, less the ones that `if` took away; or the last flow."""
        if self.spec.outputs is None:
            return tensors(flow)
        found: list[Tensor] = []
        for ref in self.spec.outputs:
            try:
                bound, _ = scope.bound(self.evaluator.name_with_part(ref, scope))
                value = "none" if bound is not None and bound.skipped else self.evaluator.meant(ref, scope)
                if not is_none(value):
                    found += tensors(self.evaluator.flow(value, ref, scope))
            except MarkedFault as marked:
                self.broken = True
                self.problems.add(marked.problem)
            except DependsOnMistake:
                self.broken = True
        return found

    def refuse_empty(self) -> None:
        """Refuse a network of which nothing is left: it would cost nothing."""
        if not self.body.parts and not self.problems.found:
            hint = "a 'repeat' of 0 or an 'if' that is false leaves out what it stands beside"
            self.problems.note("the network has no layers: nothing is left of them", self.spec.layers[0].mark, hint)

    def refuse_unused(self, graph: Graph) -> None:
        """Refuse a result that nothing uses and that is no output: most likely a mistake in the wiring."""
        for tensor in graph.outputs:
            tensor.used = True
        idle = [name for name, tensor in graph.inputs.items() if not tensor.used] if len(graph.inputs) > 1 else []
        if self.body.all_used(graph.outputs) and not idle:
            return
        if self.keeps:
            raise Unkept
        for name in idle:
            hint = "feed it to an item with from:, or remove it"
            self.problems.note(f"nothing uses the input '{name}'", self.spec.inputs[name][0].mark, hint)
        for node in graph.nodes:
            enough = any if node.op.results else all
            if not enough(tensor.used for tensor in node.outputs):
                hint = "feed it to a later item with from:, list it under outputs:, or remove it"
                self.problems.note(f"nothing uses the result of '{node.name}'", node.mark, hint)

    # ---- items and their modifiers ---------------------------------------------------------------

    def run(self, items: list[Item], flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run a list of items, each fed by the one before."""
        if around.depth > DEEPEST:
            raise Fault(f"blocks, branches and groups are nested more than {DEEPEST} deep")
        for item in items:
            flow = self.item(item, flow, scope, around)
        return flow

    def item(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run one item with its modifiers; a mistake gives a tensor of unknown shape."""
        self.steps += 1
        if self.steps > MOST_STEPS or len(around.body.parts) > MOST_ROWS:
            self.refuse_size(item, around)
        try:
            if item.repeat is not None:
                return self.repeated(item, item.repeat, flow, scope, around)
            if item.source is not None:
                flow = self.picked(item.source, scope)
            if type(item) is TableItem:
                return self.table(item, flow, scope, around)
            return self.guarded(item, flow, scope, around)
        except MarkedFault as marked:
            self.problems.add(marked.problem, around.trace)
        except Fault as fault:
            self.problems.add(fault.at(item.mark), around.trace)
        except DependsOnMistake:
            pass
        self.broken = True
        poison_names(item, scope)
        return Tensor(None)

    def count_step(self, item: Item, around: Surroundings) -> None:
        """Count a step; refuse a network of too many."""
        self.steps += 1
        if self.steps > MOST_STEPS or len(around.body.parts) > MOST_ROWS:
            self.refuse_size(item, around)

    def refuse_size(self, item: Item, around: Surroundings) -> NoReturn:
        """Refuse a network of too many rows or steps."""
        what = f"{MOST_ROWS:,} rows" if len(around.body.parts) > MOST_ROWS else f"{MOST_STEPS:,} steps"
        hint = "a repeat is larger than was meant"
        self.problems.add(Problem(f"the network has more than {what}", item.mark, hint), around.trace)
        raise SpecError(self.problems.found)

    def repeated(self, item: Item, repeat: Value, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item again and again, each turn fed by the one before."""
        scope.flow = flow
        turns = num.single(self.evaluator.whole(repeat, scope, "repeat"))
        if turns < 0 or turns > MOST_TURNS:
            rule = "a repeat is 0 times or more" if turns < 0 else f"a repeat is {MOST_TURNS:,} times at most"
            raise MarkedFault(Fault(f"repeat is {turns:,}", rule), repeat.mark)
        inner = scope.child()
        for i in range(turns):
            inner.vars["i"], inner.last = i, scope.last and i == turns - 1
            here = around if self.keeps else around.via("turn ", i + 1, " of the repeat at ", item.mark)
            if i == 0 and item.source is not None:
                flow = self.picked(item.source, inner)
            if type(item) is TableItem:
                flow = self.table(item, flow, inner, here)
            else:
                flow = self.guarded(item, flow, inner, here)
            if i:
                self.count_step(item, here)
        if not turns and item.name is not None and item.name.index is None:  # an index may read `i`
            self.bind(item, item.name, flow, scope, skipped=True)
        return flow

    def guarded(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item if its `if` holds, then give its name to what flows; a table does so in each of its rows."""
        scope.flow = entered = flow
        skipped = item.when is not None and not self.evaluator.truth(item.when, scope)
        if not skipped:
            if item.bits is None and item.density is None and item.share is None:
                flow = HANDLERS[type(item)](self, item, flow, scope, around)
            else:
                flow = self.under_modifiers(item, flow, scope, around)
        if item.name is not None:
            scope.flow = entered  # the items inside have moved on, and an index may read `c_in`
            self.bind(item, item.name, flow, scope, skipped=skipped)
        if (item.into is not None or item.sets is not None) and not skipped:
            scope.flow = entered
            self.keep(item, flow, scope)
        return flow

    def keep(self, item: Item, flow: Flow, scope: Scope) -> None:
        """Put what flows to the end of a list, or let an earlier layer's name mean it."""
        for ref in filter(None, (item.into, item.sets)):
            name = self.evaluator.name(ref, scope)
            try:
                if ref is item.into:
                    scope.put(name, single(flow))
                else:
                    scope.set_anew(name, flow)
            except Fault as fault:
                raise MarkedFault(fault, ref.mark) from None

    def picked(self, refs: list[Ref], scope: Scope) -> Flow:
        """Return what `from` names."""
        if len(refs) == 1:
            return self.evaluator.layer(refs[0], scope)
        return self.bundle(refs, scope)

    def bundle(self, refs: list[Ref], scope: Scope) -> Bundle:
        """Return several layers that flow together; each is a part of that name, those of a list are numbered."""
        flow = Bundle([], [])
        for ref in refs:
            found, listed = self.evaluator.layers(ref, scope)
            name = self.evaluator.name_with_part(ref, scope)
            flow.names += [f"{name}[{k}]" for k in range(len(found))] if listed else [name]
            flow.tensors += found
            flow.listed |= listed
        return flow

    def bind(self, item: Item, ref: Ref, flow: Flow, scope: Scope, *, skipped: bool) -> None:
        """Give a layer's name to what flows."""
        name = ref.text if ref.index is None else self.evaluator.name(ref, scope)
        try:
            scope.bind(name, item, flow, indexed=ref.index is not None, skipped=skipped)
        except Fault as fault:
            raise MarkedFault(fault, ref.mark) from None

    def under_modifiers(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item under its `bits`, `density` and `share`."""
        start, mistakes = len(around.body.parts), len(self.problems.found)
        if item.bits is not None:
            around = around._replace(bits=self.evaluator.within(item.bits, scope, "bits", 1, 64))
        if item.density is not None:
            around = around._replace(density=self.evaluator.within(item.density, scope, "density", 0, 1))
        name = "" if item.share is None else self.evaluator.name(item.share, scope)
        if item.share is not None:
            around = around._replace(shared=True)
        cut = None
        try:
            flow = HANDLERS[type(item)](self, item, flow, scope, around)
        except UntilReached as reached:
            cut = reached
        if item.share is not None:
            unknown = len(self.problems.found) > mistakes or any(tensor.shape is None for tensor in tensors(flow))
            if not unknown:  # else nobody knows how many weights there would be
                made = [part for part in around.body.parts[start:] if isinstance(part, Node)]
                share(name, item.share.mark, made, scope.frame, cut=cut is not None)
        if cut is not None:
            raise cut
        return flow

    def path(self, item: Item, kind: str, scope: Scope, around: Surroundings, *, call: bool = False) -> str:
        """Return a row's, a group's or a call's path: its name, or what it is with a number."""
        ref = item.name
        if ref is None:
            return around.body.paths.claim_numbered(around.prefix + kind, call=call)
        name = ref.text if ref.index is None else self.evaluator.name(ref, scope)
        self.require_one_level(name)
        return around.body.paths.claim(f"{around.prefix}{name}", call=call)

    def require_one_level(self, name: str) -> None:
        """Raise Unkept for a name that may stand among those of a call of a block: `unit/conv` beside `unit`."""
        if self.keeps and "/" in name:
            raise Unkept

    # ---- what an item may be ---------------------------------------------------------------------

    def operator(self, item: OpItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an operator; a join runs its branches first. A join of what a list tells to be one is the identity."""
        if item.branches is not None:
            flow = self.gathered(item.branches, flow, scope, around, item)
        if type(flow) is Bundle and flow.listed and item.cls.inputs is None:
            if not flow.tensors:
                raise Fault(f"{item.key} has nothing to join", "its list is empty, or each of its branches is none")
            if len(flow.tensors) == 1:
                return flow.tensors[0]
        found = self.builder.operator(item, flow, self.path(item, item.key, scope, around), scope, around)
        if type(found) is Bundle:
            self.steps += len(found.tensors)
        return found

    def gathered(self, branches: list[Branch], flow: Flow, scope: Scope, around: Surroundings, item: OpItem) -> Bundle:
        """Return what the branches of a join give, which all begin with what flows."""
        found, inner, unlabelled = Bundle([], []), scope.branch(flow), around.deeper()
        self.steps += len(branches)
        for branch in branches:
            inside = unlabelled
            if branch.label:
                self.require_one_level(branch.label)
                inside = around.deeper(f"{around.body.paths.label(around.prefix + branch.label)}/")
            if branch.ref is None:
                given, listed = [one_tensor(self.run(branch.items or [], flow, inner, inside), item.mark)], False
            else:
                given, listed = self.named(branch, branch.ref, flow, inner, inside)
            found.tensors += given
            found.names += [branch.label] * len(given)
            found.listed |= listed
        return found

    def named(
        self, branch: Branch, ref: Ref, flow: Flow, scope: Scope, around: Surroundings
    ) -> tuple[list[Tensor], bool]:
        """Return the layers that a branch names, and whether a list or `none` told how many they are."""
        value = self.evaluator.meant(ref, scope)
        if branch.whole and type(value) is Bundle:
            value = value.tensors
        if type(value) is not Tensor and isinstance(value, list | tuple):
            given = [self.chosen(one, branch, ref, flow, scope, around) for one in value if not is_none(one)]
            self.steps += len(given)
            return given, True
        if branch.whole and not (isinstance(value, Tensor) and value.shape is None):
            fault = Fault(f"'{ref.text}' is no list of layers to join", f"write [{ref.text}, []]")
            raise MarkedFault(fault, ref.mark)
        if is_none(value):
            return [], True
        return [self.chosen(value, branch, ref, flow, scope, around)], False

    def chosen(self, value: Datum, branch: Branch, ref: Ref, flow: Flow, scope: Scope, around: Surroundings) -> Tensor:
        """Return the layer that a branch names; a word that is no layer's is an operator or a block, which is run."""
        if isinstance(value, Tensor):
            return value
        word, spec = branch.word, scope.frame.spec
        is_word = isinstance(value, str) and scope.find(value) is None and value not in ("input", "joined")
        if word is not None and is_word and (value in spec.blocks or ops.find(value) is not None):
            return one_tensor(self.run([self.meant_item(word, value, spec, around)], flow, scope, around), ref.mark)
        return one_tensor(self.evaluator.flow(value, ref, scope), ref.mark)

    def call(self, item: CallItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run a block's items in a scope of its own."""
        block = scope.frame.spec.blocks[item.key]
        if block in around.blocks:
            raise Fault(f"block '{block.name}' calls itself", "blocks do not recurse: use repeat")
        evaluated = self.evaluator.value
        arguments = {
            name: value.constant if value.run is None else evaluated(value, scope) for name, value in item.named.items()
        }
        for (name, _), value in zip(block.arguments, item.positional, strict=False):
            arguments[name] = value.constant if value.run is None else evaluated(value, scope)
        if self.keeps and not around.shared:
            spec, constants = scope.frame.spec, scope.frame.constants
            key, entering = key_of(block, arguments, flow, around, constants)
            graph = spec.kept.get(key)
            if graph is None or around.depth > graph.depth or not graph.blocks.isdisjoint(around.blocks):
                graph = self.block_graph(block, arguments, flow, entering, scope.frame, around)
                if graph.keeps:
                    spec.kept.put(key, graph, graph.size + 1)
            else:
                self.spend(graph)
            return around.body.place(graph, self.path(item, block.name, scope, around, call=True), entering)
        inner = self.callee_scope(block, arguments, flow, scope.frame)
        path = self.path(item, block.name, scope, around, call=True)
        inside = around.in_block(path, block, "block ", block.name, ", called at ", item.mark)
        try:
            return self.block(block, flow, inner, inside)
        except MarkedFault as marked:
            self.problems.add(marked.problem, inside.trace)
            raise DependsOnMistake from None

    def block_graph(
        self,
        block: Block,
        arguments: dict[str, Datum],
        flow: Flow,
        entering: list[Tensor],
        caller: Frame,
        around: Surroundings,
    ) -> BlockGraph:
        """Return what a call comes to, expanded by itself; raise Unkept where a mistake is met."""
        steps, work, body = self.steps, self.evaluator.work, GraphBody()
        own = {tensor: Tensor(tensor.shape) for tensor in entering}
        given = {n: v if type(v) is int else with_tensors(v, own) for n, v in arguments.items()}
        flow = with_tensors(flow, own)
        leaving = self.block(block, flow, self.callee_scope(block, given, flow, caller), around.in_call(body, block))
        if self.broken or self.problems.found or not body.all_used(tensors(leaving)):
            raise Unkept
        body.paths.shorten(body.parts)
        spent = self.steps - steps, self.evaluator.work - work
        return BlockGraph(body, block, around.depth, [*own.values()], leaving, spent)

    def spend(self, graph: BlockGraph) -> None:
        """Count what a graph that was kept has taken; raise Unkept where that is too much."""
        steps, work = graph.spent
        self.steps += steps
        self.evaluator.work += work
        if self.steps > MOST_STEPS or self.evaluator.work > MOST_WORK:
            raise Unkept

    def block(self, block: Block, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run a block's items; return what flows out of it."""
        flow = self.run(block.items, flow, scope, around)
        return flow if block.outputs is None else self.bundle(block.outputs, scope)

    def callee_scope(self, block: Block, arguments: dict[str, Datum], flow: Flow, caller: Frame) -> Scope:
        """Return the scope of a block's body: its arguments, and the tensors that enter it."""
        frame = Frame(caller.spec, caller.constants, flow, lists=block.lists, answers=caller.answers)
        inner = Scope(frame, frame.constants | arguments, flow)
        for name, default in block.arguments:
            if name not in inner.vars and default is not None:
                inner.vars[name] = self.evaluator.value(default, inner)
        if block.inputs is not None:
            given = tensors(flow)
            if len(given) != len(block.inputs):
                if any(tensor.shape is None for tensor in given):
                    raise DependsOnMistake
                wanted = ", ".join(block.inputs)
                enter = "1 tensor enters" if len(given) == 1 else f"{len(given)} tensors enter"
                raise Fault(f"block '{block.name}' takes {wanted}, but {enter} it", "say which with from: [a, b]")
            for name, tensor in zip(block.inputs, given, strict=True):
                frame.layers[name] = Binding(tensor, None, (), skipped=False)
        return inner

    def group(self, item: GroupItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run the items of a group."""
        prefix = None if item.name is None else f"{self.path(item, 'do', scope, around)}/"
        return self.run(item.items, flow, scope, around.deeper(prefix))

    def table(self, item: TableItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run a table row by row; its modifiers see the row's cells."""
        scope.flow = flow
        found = columns(item, scope, self.evaluator)
        for index in range(len(found[0]) if found else 0):
            flow = self.row(item, found, index, flow, scope, around)
        return flow

    def row(
        self, item: TableItem, found: list[Sequence[Datum]], index: int, flow: Flow, scope: Scope, around: Surroundings
    ) -> Flow:
        """Run a table for one of its rows."""
        here = around if self.keeps else around.via("row ", index + 1, " of the table at ", item.mark)
        self.steps += 1
        row = scope.child(index)
        row.flow = flow
        row.vars["row"] = index
        row.vars |= cells(item, found, index, row, self.evaluator)
        return self.guarded(item, flow, row, here)

    def table_row(self, item: TableItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run the items of a table for one of its rows."""
        if item.name is not None:
            around = around._replace(prefix=f"{self.path(item, 'row', scope, around)}/")
        return self.run(item.items, flow, scope, around)

    def variable_item(self, item: VariableItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item whose key is a variable, as the operator or block that it holds."""
        if item.key not in scope.vars:
            raise DependsOnMistake  # a constant whose value could not be known
        word = scope.vars[item.key]
        if not isinstance(word, str):
            raise Fault(f"'{item.key}' is {num.describe(word)}, which is no operator or block")
        blocks = scope.frame.spec.blocks
        if word not in blocks and ops.find(word) is None:
            hint = nearest(word, (*blocks, *ops.operators()))
            raise Fault(f"'{item.key}' is '{word}', which is no operator or block", hint)
        found = self.meant_item(item, word, scope.frame.spec, around)
        return HANDLERS[type(found)](self, found, flow, scope, around.deeper())

    def meant_item(self, item: VariableItem, word: str, spec: Spec, around: Surroundings) -> Item:
        """Return what an item is whose key is a variable that holds a word; it is read once for each word."""
        if word not in item.read:
            item.read[word] = read_variable_item(spec, item, word)
        found, problems = item.read[word]
        for problem in problems:
            self.problems.add(problem, around.trace)
        return found

    def include(self, item: IncludeItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run the layers of another spec, up to one of them where `until` says so."""
        around.body.includes = True
        spec = self.includes.spec(item, scope.frame.spec, around)
        knobs = self.includes.knobs(item, spec, scope)
        self.steps += len(spec.functions)
        scope.frame.adopt(item.alias, item)
        own = "" if item.until is None else self.evaluator.name_with_part(item.until, scope)
        dotted = f"{item.alias}."
        outer = {name.removeprefix(dotted) for name in scope.frame.until if scope.last and name.startswith(dotted)}
        inside = around.deeper(f"{around.body.paths.claim(f'{around.prefix}{item.alias}')}/")
        inside = inside.via(spec.where, ", included at ", item.mark)
        inner = spec_scope(spec, knobs, flow, self.problems, inside.trace, {*outer, own})
        inside = inside._replace(includes=(*around.includes, (spec.folder, spec.where)))
        reached = None
        try:
            flow = self.run(spec.layers, flow, inner, inside)
        except UntilReached as stopped:
            flow, reached = stopped.flow, stopped.name
        for name, bound in inner.frame.layers.items():
            known = scope.frame.layers.setdefault(f"{dotted}{name}", bound)
            if known is not bound and known.item is not item:
                raise Fault(f"two layers are called '{dotted}{name}'", "one is of the spec that is included")
            scope.frame.layers[f"{dotted}{name}"] = Binding(bound.flow, item, (), skipped=bound.skipped)
        if reached in outer:
            raise UntilReached(f"{dotted}{reached}", flow)
        if item.until is not None and reached is None:
            raise not_reached(item.spec, own, item.until.mark, inner.frame)
        return flow


def not_reached(spec: str, until: str, mark: Mark, frame: Frame) -> Exception:
    """Return what to raise for an `until` at which nothing stopped; DependsOnMistake where a mistake is the cause."""
    bound = frame.layers.get(until)
    if bound is not None and all(tensor.shape is not None for tensor in tensors(bound.flow)):
        hint = "name a layer that the last turn runs, too"
        return MarkedFault(Fault(f"'{until}' is run in some turns of a repeat, and not in the last", hint), mark)
    if not frame.nowhere(until):
        return DependsOnMistake()
    return MarkedFault(Fault(f"{spec} has no layer '{until}'", nearest(until, frame.layers)), mark)


def poison_names(item: Item, scope: Scope) -> None:
    """Make unknown what an item that failed would have named, so that nothing else is said about it."""
    frame = scope.frame
    if isinstance(item, MistakenItem):
        frame.poisoned.add("")
    if isinstance(item, VariableItem):
        frame.poisoned.update(_names_in(item.node))
    if isinstance(item, IncludeItem):
        frame.poisoned.add(f"{item.alias}.")
    poison_given(item, frame, scope.rows)
    inside = item.items if isinstance(item, GroupItem | TableItem) else []
    branches = (item.branches or []) if isinstance(item, OpItem) else []
    for part in (*inside, *(part for branch in branches for part in branch.items or [])):
        if part.name is None or part.name.text not in frame.layers:
            poison_names(part, scope)


def poison_given(item: Item, frame: Frame, rows: tuple[int, ...]) -> None:
    """Make unknown what an item that failed would have called by its name, put to a list, or set anew."""
    for ref in filter(None, (item.name, item.into, item.sets)):
        known = frame.layers.get(ref.text)
        if ref.index is not None:
            frame.poisoned.add(ref.text)
        elif ref is item.name:
            frame.layers[ref.text] = Binding(Tensor(None), item, rows, skipped=False)
        elif ref is item.into:
            frame.lists[ref.text] = (*frame.lists.get(ref.text, ()), Tensor(None))
        elif known is not None:
            frame.layers[ref.text] = Binding(Tensor(None), known.item, known.rows, skipped=False)


def _names_in(node: YamlNode) -> Iterator[str]:
    """Yield with what the names begin that the items below a node give; what the node is, nobody may know yet."""
    for key, part in node.value.items() if node.is_map else ():
        if key in ("name", "as", "into"):
            yield part.written.partition("(")[0]
    for part in node.children:
        yield from _names_in(part)


def _by(dims: Dims) -> str:
    return "x".join(str(dim) for dim in dims)


def _mistaken(*_: object) -> Flow:
    raise DependsOnMistake


HANDLERS: dict[type[Item], Callable[..., Flow]] = {
    MistakenItem: _mistaken,
    OpItem: Expansion.operator,
    CallItem: lambda expansion, *given: expansion.call(*given),  # a space calls blocks in its own way
    GroupItem: Expansion.group,
    TableItem: Expansion.table_row,
    VariableItem: Expansion.variable_item,
    IncludeItem: Expansion.include,
}
