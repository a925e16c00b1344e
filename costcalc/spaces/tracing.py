"""A spec whose choices are open -> what is run, and under which of them.

The items are run as `graph/expand` runs them. Where one reads a choice that is not made, it is run once for each
value; what flows on is put together again, and depends on that choice only if its shapes do. So each operator is
met under few choices, and a network of 10^19 is run in some hundreds of steps. Turn j of `repeat: n`, and what stands
behind an `if`, is run once, under the condition that it is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from costcalc.base import Datum
from costcalc.base.errors import Fault, SpecError
from costcalc.graph.block_graph import Placed, Unkept
from costcalc.graph.builder import Builder
from costcalc.graph.evaluator import MarkedFault
from costcalc.graph.expand import HANDLERS, MOST_TURNS, Expansion
from costcalc.graph.graph import Bundle, Flow, Graph, Node, Tensor, tensors
from costcalc.graph.scope import Binding, Frame, Scope, single, spec_scope
from costcalc.graph.surroundings import Surroundings
from costcalc.language.document import CallItem, DependsOnMistake, Item, OpItem, Spec, StatedFields, TableItem, Value
from costcalc.numbers import num
from costcalc.numbers.shape import Shape
from costcalc.spaces.choices import Choice, ChoiceList, Chosen, Later, NeedsChoice, OpenNames
from costcalc.spaces.conditions import Guard, over_of, shape_of, where
from costcalc.spaces.tables import Places, Tied, Unreachable, VariedValue, mapped, table

MOST_RUNS = 2**16  # of items, each under each setting of the choices that it reads: some seconds


class Met(NamedTuple):
    """A part of a network, under which choices, and behind which conditions it is met."""

    part: Node | Placed
    places: dict[int, int]
    guards: tuple[Guard, ...]


class Refused(NamedTuple):
    """Settings that the spec refuses: under which choices, and behind which conditions."""

    places: dict[int, int]
    guards: tuple[Guard, ...]


class Read(NamedTuple):
    """A choice that is read, under which choices, and behind which conditions."""

    choice: int
    places: dict[int, int]
    guards: tuple[Guard, ...]


class Use(NamedTuple):
    """A tensor that is used, under which choices, and behind which conditions."""

    tensor: Tensor
    places: dict[int, int]
    guards: tuple[Guard, ...]


class VariedTensor(Tensor):
    """A tensor whose shape depends on choices."""

    __slots__ = ("made", "of")

    def __init__(self, of: VariedValue, chosen: Chosen) -> None:
        self.name, self.node, self.used = "", None, True
        self.of = of
        self.made = chosen

    @property
    def shape(self) -> Shape | None:  # type: ignore[override]
        """Its shape under the choices that are made; raise NeedsChoice where it depends on another."""
        found: Shape | None = self.of.at(self.made.places)
        return found


class VariedFlow:
    """What flows where it differs in kind: one tensor under some choices, several under others."""

    def __init__(self, of: VariedValue, flows: list[Flow]) -> None:
        self.of = of
        self.flows = flows


class TracingBuilder(Builder):
    """Adds nodes, and notes which tensors they use."""

    def __init__(self, tracing: Tracing) -> None:
        super().__init__(tracing.problems, tracing.evaluator)
        self.tracing = tracing

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
        """Add a row."""
        made = super().node(item, fields, inputs, path, layer, scope, around)
        self.tracing.used.update(inputs)
        return made


class Leaf(NamedTuple):
    """What came of a run under some more choices."""

    places: dict[int, int]
    flow: Any
    layers: dict[str, Binding]
    lists: dict[str, tuple[Tensor, ...]]


class Tracing(Expansion):
    """Runs the items of a spec with open choices; `met`, `read` and `refused` say what was found."""

    def __init__(self, spec: Spec, knobs: dict[str, Datum], choices: Sequence[Choice]) -> None:
        self.made = Chosen()
        self.choices = choices
        self.sizes = [len(choice.values) for choice in choices]
        super().__init__(spec, OpenNames(_with_choices(knobs, choices, self.made), self.made), keeps=True)
        self.met: list[Met] = []
        self.reads: list[Read] = []
        self.uses: list[Use] = []
        self.used: set[Tensor] = set()  # under the choices that are made, since the last of them was
        self.origins: dict[Tensor, list[tuple[Places, Tensor]]] = {}  # of tensors that stand for others
        self.builder = TracingBuilder(self)
        self.refused: list[Refused] = []
        self.guards: tuple[Guard, ...] = ()
        self.runs = 0
        self.whole = False  # whether an item is run as one, all that is inside it under the same choices

    def trace(self, given: Any = ()) -> None:
        """Run the whole spec."""
        graph = Graph(self.spec, self.knob_values)
        graph.parts, graph.given = self.body.parts, dict(given)
        scope = spec_scope(self.spec, self.knob_values, graph.flow, self.problems, later=Later)
        for name in graph.inputs:
            graph.inputs[name] = self.entered(name, graph, scope)
        scope.frame.source = scope.flow = graph.flow
        start = Surroundings(self.body, includes=((self.spec.folder, self.spec.where),))
        try:
            flow = self.run(self.spec.layers, graph.flow, scope, start)
        except Unreachable:
            return  # there is no network at all
        self.forked(lambda: self.leave(self.one(flow), scope), scope.frame)
        self.refuse_idle()

    def leave(self, flow: Flow, scope: Scope) -> None:
        """Take what leaves the network as used."""
        self.used.update(self.outputs(flow, scope))
        if self.broken:
            raise DependsOnMistake

    def refuse_idle(self) -> None:
        """Leave out the settings under which nothing uses what a layer gives: the spec refuses these too."""
        uses: dict[Tensor, list[tuple[Places, tuple[Guard, ...]]]] = {}
        found = [*self.uses, *(Use(tensor, {}, ()) for tensor in self.used)]
        while found:
            use = found.pop()
            uses.setdefault(use.tensor, []).append((use.places, use.guards))
            for places, tensor in self.origins.get(use.tensor, ()):
                if all(use.places.get(choice, place) == place for choice, place in places.items()):
                    found.append(Use(tensor, {**use.places, **places}, use.guards))
        for met in self.met:
            self.refuse_part(met, [uses.get(tensor, []) for tensor in met.part.outputs])

    def refuse_part(self, met: Met, uses: list[list[tuple[Places, tuple[Guard, ...]]]]) -> None:
        """Leave out the settings under which a part of the network is not used."""
        here = met.places.items()
        always = [any(p.items() <= here and set(g) <= set(met.guards) for p, g in one) for one in uses]
        some = isinstance(met.part, Node) and met.part.op.results
        if (any if some else all)(used or self.covered(met, one) for used, one in zip(always, uses, strict=True)):
            return
        cases = [(met.places, met.guards), *(case for one in uses for case in one)]
        over = tuple(sorted({choice for places, guards in cases for choice in over_of(places, guards)}))
        idle = self.mask(over, [(met.places, met.guards)])
        masks = [self.mask(over, one) for one in uses]
        idle &= ~(np.logical_or if some else np.logical_and).reduce(masks)
        if idle.any():
            guard = Guard(mapped(VariedValue(over, idle.astype(np.int32), [False, True]), bool))
            self.refused.append(Refused({}, (guard,)))

    def covered(self, met: Met, uses: list[tuple[Places, tuple[Guard, ...]]]) -> bool:
        """Say whether a part is used wherever it is met, by those of its uses alone that depend on the same choices."""
        together: dict[tuple[int, ...], list[tuple[Places, tuple[Guard, ...]]]] = {}
        for places, guards in uses:
            together.setdefault(over_of({**met.places, **places}, (*met.guards, *guards)), []).append((places, guards))
        here = [(met.places, met.guards)]
        return any(not (self.mask(over, here) & ~self.mask(over, cases)).any() for over, cases in together.items())

    def mask(self, over: tuple[int, ...], cases: Iterable[tuple[Places, tuple[Guard, ...]]]) -> Any:
        """Return where in a table over choices one of some cases holds."""
        found = np.zeros(shape_of(over, self.sizes), bool)
        for places, guards in cases:
            spot, holds = where(over, places, guards)
            found[spot] |= True if holds is None else holds
        return found

    def entered(self, name: str, graph: Graph, scope: Scope) -> Tensor:
        """Return an input, whose shape may depend on choices."""

        def run() -> Tensor:
            shape = graph.given.get(name)
            own = self.own_input(name, scope, given=shape is not None)
            return Tensor(self.input_shape(name, own, shape, scope), name)

        found: Tensor = self.forked(run, scope.frame)
        return found

    # ---- items -------------------------------------------------------------------------------------

    def item(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run one item with its modifiers, once for each value of the choices that it reads itself."""
        if self.whole:
            return self.as_one(item, flow, scope, around)
        found: Flow = self.forked(lambda: self.as_one(item, flow, scope, around), scope.frame, around)
        return found

    def as_one(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run one item under the choices that are made."""
        self.steps = self.evaluator.work = 0
        flow = self.one(flow)
        whole, self.whole = self.whole, self.whole or item.share is not None
        try:
            if item.repeat is not None:
                return self.repeated(item, item.repeat, flow, scope, around)
            return self.turn(item, self.entering(item, flow, scope), scope, around)
        except Fault as fault:
            raise MarkedFault(fault, item.mark) from None
        finally:
            self.whole = whole

    def entering(self, item: Item, flow: Flow, scope: Scope) -> Flow:
        """Return what an item takes: what `from` names, or what flows."""
        return flow if item.source is None else self.picked(item.source, scope)

    def one(self, flow: Any) -> Flow:
        """Return what flows under the choices that are made."""
        return flow.flows[flow.of.at(self.made.places)] if isinstance(flow, VariedFlow) else flow

    def forked(self, run: Callable[[], Any], frame: Frame, around: Surroundings | None = None) -> Any:
        """Run something under each value of the choices that it needs; return what flows on, put together."""
        leaves: list[Leaf] = []
        used = self.grow(run, frame, (around or self).body.parts, {}, leaves)
        if used is None:
            raise Unreachable
        self.used |= used
        frame.layers, frame.lists = self.merged_layers(leaves), self.merged_lists(leaves)
        return self.merged([(leaf.places, leaf.flow) for leaf in leaves])

    def grow(
        self, run: Callable[[], Any], frame: Frame, parts: list[Any], places: dict[int, int], leaves: list[Leaf]
    ) -> set[Tensor] | None:
        """Run something under the choices that are made, and where it needs one more, under each value of that.

        Return the tensors that are used whatever is chosen more; None where nothing comes of it.
        """
        layers, lists, shares = dict(frame.layers), dict(frame.lists), dict(frame.shares)
        self.runs += 1
        start, known = len(parts), (len(self.met), len(self.reads), len(self.uses), len(self.refused))
        before, self.made.read = self.made.read, set()
        outside, self.used = self.used, set()
        try:
            flow = run()
            if self.problems.found:
                raise DependsOnMistake
            here = dict(self.made.places)
            self.met += [Met(part, here, self.guards) for part in parts[start:]]
            self.reads += [Read(choice, here, self.guards) for choice in self.made.read]
            leaves.append(Leaf(places, flow, frame.layers, frame.lists))
            return self.used
        except NeedsChoice as need:
            self.forget(*known)
            needed = need.number
        except Unreachable:
            self.forget(*known[:3])
            return None
        except (MarkedFault, Fault, DependsOnMistake, Unkept, SpecError):
            self.forget(*known[:3])
            self.refused.append(Refused(dict(self.made.places), self.guards))
            return None
        finally:
            del parts[start:]
            self.problems.found.clear()
            self.broken = False
            frame.layers, frame.lists, frame.shares = layers, lists, shares
            self.made.read, self.used = before, outside
        if max(self.runs, np.prod([self.sizes[choice] for choice in (*places, needed)], dtype=float)) > MOST_RUNS:
            raise Tied([*places, needed])
        return self.each(needed, lambda place: self.grow(run, frame, parts, {**places, needed: place}, leaves))

    def each(self, needed: int, run: Callable[[int], set[Tensor] | None]) -> set[Tensor] | None:
        """Run something under each value of a choice; return the tensors that are used under all."""
        found: list[tuple[dict[int, int], set[Tensor]]] = []
        for place in range(self.sizes[needed]):
            with self.choosing(needed, place) as reached:
                used = run(place) if reached else None
                if used is not None:
                    found.append((dict(self.made.places), used))
        if not found:
            return None
        always = set.intersection(*(used for _, used in found))
        self.uses += [Use(tensor, places, self.guards) for places, used in found for tensor in used - always]
        return always

    @contextmanager
    def choosing(self, choice: int, place: int) -> Iterator[bool]:
        """Let a choice be made for a while; say whether what stands behind the conditions may then be reached."""
        self.made.places[choice] = place
        try:
            yield all(self.reachable(guard) for guard in self.guards)
        finally:
            del self.made.places[choice]

    def forget(self, met: int, reads: int, uses: int, refused: int | None = None) -> None:
        """Forget what was found since then."""
        del self.met[met:], self.reads[reads:], self.uses[uses:]
        if refused is not None:
            del self.refused[refused:]

    def reachable(self, guard: Guard) -> bool:
        """Say whether a condition may hold under the choices that are made."""
        try:
            return bool(guard.test.at(self.made.places))
        except NeedsChoice:
            return True
        except Unreachable:
            return False

    # ---- what is reached under a condition --------------------------------------------------------

    def varied(self, run: Callable[[], Datum]) -> VariedValue:
        """Return an expression's value by the choices that it needs."""
        leaves: list[tuple[Places, Datum]] = []

        def grow(places: dict[int, int]) -> None:
            before, self.made.read = self.made.read, set()
            try:
                leaves.append((places, run()))
                self.reads += [Read(c, dict(self.made.places), self.guards) for c in self.made.read]
                return
            except NeedsChoice as need:
                needed = need.number
            finally:
                self.made.read = before
            for place in range(self.sizes[needed]):
                with self.choosing(needed, place) as reached:
                    if reached:
                        grow({**places, needed: place})

        grow({})
        return table(leaves, self.sizes)

    @contextmanager
    def behind(self, test: VariedValue) -> Iterator[None]:
        """Run what is reached only where a test holds."""
        self.guards = (*self.guards, Guard(test))
        try:
            yield
        finally:
            self.guards = self.guards[:-1]

    def where_holds(
        self, test: VariedValue, run: Callable[[], Any], flow: Any, frame: Frame, around: Surroundings
    ) -> Any:
        """Run something where a test holds; return what flows on, there and elsewhere."""
        layers, lists = dict(frame.layers), dict(frame.lists)
        if not test.choices:
            return self.forked(run, frame, around) if test.at({}) else flow
        outside, self.used = self.used, set()
        with self.behind(test):
            after = self.forked(run, frame, around)
            self.uses += [Use(tensor, dict(self.made.places), self.guards) for tensor in self.used]
        self.used = outside
        cases = [(places, Leaf(places, after, frame.layers, frame.lists)) for places in _cases(test, wanted=True)]
        cases += [(places, Leaf(places, flow, layers, lists)) for places in _cases(test, wanted=False)]
        leaves = [leaf for _, leaf in cases]
        frame.layers, frame.lists = self.merged_layers(leaves), self.merged_lists(leaves)
        return self.merged([(leaf.places, leaf.flow) for leaf in leaves])

    def repeated(self, item: Item, repeat: Value, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item again and again: each turn by itself, behind its condition where how often depends on choices."""
        scope.flow = flow
        if self.whole:
            return super().repeated(item, repeat, flow, scope, around)
        turns = self.varied(lambda: num.single(self.evaluator.whole(repeat, scope, "repeat")))
        if turns.values == [0]:
            return super().repeated(item, repeat, flow, scope, around)
        most = max(turns.values)
        if min(turns.values) < 0 or most > MOST_TURNS:
            raise Fault(f"a repeat is 0 to {MOST_TURNS:,} times")
        inner = scope.child()
        for i in range(most):
            inner.vars["i"], inner.last = i, scope.last and i == most - 1
            reached = mapped(turns, i.__lt__)
            if i == 0:
                flow = self.entering(item, flow, scope)
            run = partial(self.entered_turn, item, flow, inner, around)
            flow = self.where_holds(reached, run, flow, scope.frame, around)
        return flow

    def turn(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run one turn of an item with its other modifiers; a table has them in each of its rows."""
        if isinstance(item, TableItem):
            return self.table(item, flow, scope, around)
        return self.guarded(item, flow, scope, around)

    def entered_turn(self, item: Item, flow: Any, scope: Scope, around: Surroundings) -> Flow:
        """Run one turn of a repeat."""
        return self.turn(item, self.one(flow), scope, around)

    def guarded(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item if its `if` holds; where that depends on choices, behind that condition."""
        if item.when is None or self.whole or item.into is not None or item.sets is not None:
            return super().guarded(item, flow, scope, around)
        scope.flow = flow
        when = item.when
        test = self.varied(lambda: self.evaluator.truth(when, scope))
        if not test.choices:
            return super().guarded(item, flow, scope, around)
        entered = flow
        flow = self.where_holds(test, lambda: self.reached(item, entered, scope, around), flow, scope.frame, around)
        if item.name is not None:
            scope.flow = entered
            self.bind(item, item.name, flow, scope, skipped=False)
        return flow

    def reached(self, item: Item, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run an item that is reached."""
        scope.flow = flow
        plain = item.bits is None and item.density is None and item.share is None
        return (partial(HANDLERS[type(item)], self) if plain else self.under_modifiers)(item, flow, scope, around)

    def row(self, item: TableItem, found: Any, index: int, flow: Any, scope: Scope, around: Surroundings) -> Flow:
        """Run a table for one of its rows, once for each value of the choices that its cells read."""
        run = super().row
        if self.whole:
            return run(item, found, index, flow, scope, around)
        after: Flow = self.forked(lambda: run(item, found, index, self.one(flow), scope, around), scope.frame, around)
        return after

    def call(self, item: CallItem, flow: Flow, scope: Scope, around: Surroundings) -> Flow:
        """Run a block's items: as they are kept, where no choice is read in them."""
        block = scope.frame.spec.blocks[item.key]
        constants = scope.frame.constants
        closed = not (isinstance(constants, OpenNames) and any(constants.varies(name) for name in block.reads))
        keeps, whole = self.keeps, self.whole
        entering = self.concrete(flow) if closed and not whole else flow
        self.keeps, self.whole = keeps and closed, whole or closed
        try:
            return super().call(item, entering, scope, around)
        finally:
            self.keeps, self.whole = keeps, whole
            if entering is not flow:
                self.used.update(tensor for tensor in tensors(entering) if tensor.used)

    def concrete(self, flow: Flow) -> Flow:
        """Return what flows as tensors of one shape each, under the choices that are made."""
        if isinstance(flow, Bundle):
            return Bundle([single(self.concrete(one)) for one in flow.tensors], flow.names, listed=flow.listed)
        found = Tensor(flow.shape)
        self.origins[found] = [({}, flow)]
        return found

    # ---- what flows on, put together ----------------------------------------------------------------

    def merged(self, leaves: list[tuple[Places, Any]]) -> Any:
        """Return what flows on under several choices."""
        first = leaves[0][1]
        if all(flow is first for _, flow in leaves):
            return first
        if all(isinstance(flow, Tensor) for _, flow in leaves):
            shapes = table([(places, _shape(flow)) for places, flow in leaves], self.sizes)
            found = VariedTensor(shapes, self.made) if shapes.choices else Tensor(shapes.values[int(shapes.which)])
            self.origins[found] = leaves
            return found
        if all(isinstance(flow, Bundle) and flow.names == first.names for _, flow in leaves):
            count = range(len(first.names))
            several = [self.merged([(places, flow.tensors[k]) for places, flow in leaves]) for k in count]
            return Bundle(several, first.names, listed=first.listed)
        flows = dict.fromkeys(one for _, flow in leaves for one in _flows(flow))
        number = {flow: number for number, flow in enumerate(flows)}
        numbered = [(places, number[flow] if flow in number else _numbered(flow, number)) for places, flow in leaves]
        return VariedFlow(table(numbered, self.sizes), [*flows])

    def merged_layers(self, leaves: list[Leaf]) -> dict[str, Binding]:
        """Return the layers by name, as they are after several runs."""
        found = dict(leaves[0].layers)
        for name in {name: None for leaf in leaves for name in leaf.layers}:
            bound = [(leaf.places, leaf.layers[name]) for leaf in leaves if name in leaf.layers]
            first = bound[0][1]
            if any(one is not first for _, one in bound):
                flow = self.merged([(places, one.flow) for places, one in bound])
                found[name] = Binding(flow, first.item, first.rows, skipped=first.skipped)
            else:
                found[name] = first
        return found

    def merged_lists(self, leaves: list[Leaf]) -> dict[str, tuple[Tensor, ...]]:
        """Return the lists of layers, as they are after several runs."""
        found = dict(leaves[0].lists)
        for name in found:
            held = [(leaf.places, leaf.lists[name]) for leaf in leaves]
            if len({len(one) for _, one in held}) > 1:
                raise Fault("a list of layers is longer under some choices than under others")
            if any(one is not held[0][1] for _, one in held):
                count = range(len(held[0][1]))
                found[name] = tuple(self.merged([(places, one[k]) for places, one in held]) for k in count)
        return found


def _shape(tensor: Tensor) -> Datum:
    return tensor.of if isinstance(tensor, VariedTensor) else tensor.shape


def _flows(flow: Any) -> list[Flow]:
    return flow.flows if isinstance(flow, VariedFlow) else [flow]


def _numbered(flow: VariedFlow, number: Mapping[Flow, int]) -> VariedValue:
    return VariedValue(flow.of.choices, flow.of.which, [number[flow.flows[place]] for place in flow.of.values])


def _cases(test: VariedValue, wanted: Datum) -> list[dict[int, int]]:
    """Return the settings of a test's choices where it gives a value."""
    numbers = [number for number, one in enumerate(test.values) if one is wanted]
    spots = np.argwhere(np.isin(test.which, numbers))
    return [dict(zip(test.choices, map(int, spot), strict=True)) for spot in spots]


def _with_choices(knobs: dict[str, Datum], choices: Sequence[Choice], chosen: Chosen) -> dict[str, Datum]:
    found = dict(knobs)
    for choice in choices:
        if choice.place is None:
            found[choice.knob] = choice
        else:
            if not isinstance(found[choice.knob], ChoiceList):
                found[choice.knob] = ChoiceList(list(found[choice.knob]), chosen)
            list.__setitem__(found[choice.knob], choice.place, choice)
    return found
