"""Where the names in an expression find their values while a graph is expanded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial

from costcalc.base import Datum
from costcalc.base.errors import Fault, Problems, nearest
from costcalc.base.text import plural
from costcalc.graph.graph import Bundle, Flow, Node, Tensor, tensors
from costcalc.language.arithmetic import BUILTINS, built_in, put_together
from costcalc.language.document import INPUT, DependsOnMistake, Function, Item, Spec
from costcalc.language.expr import wrong_count
from costcalc.language.names import known_word
from costcalc.language.version_1 import later
from costcalc.numbers import num
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.fields import AMBIENT, LATER, TENSORS

_ALIAS = "write as: NAME inside the braces of include"


class Binding:
    """A name given to a layer: what flows there, who gave it, at which turns of the tables around."""

    __slots__ = ("flow", "item", "rows", "skipped")

    def __init__(self, flow: Flow, item: Item | None, rows: tuple[int, ...], *, skipped: bool) -> None:
        self.flow = flow
        self.item = item
        self.rows = rows
        self.skipped = skipped


class UntilReached(Exception):
    """The layer that `include` goes up to has been run."""

    def __init__(self, name: str, flow: Flow) -> None:
        super().__init__()
        self.name = name
        self.flow = flow


class Frame:
    """What all items of one body share: a spec's layers, or a block's."""

    __slots__ = ("aliases", "answers", "constants", "layers", "lists", "poisoned", "shares", "source", "spec", "until")

    def __init__(
        self,
        spec: Spec,
        constants: dict[str, Datum],
        source: Flow,
        until: Collection[str] = (),
        lists: Collection[str] = (),
        answers: dict[Hashable, Datum] | None = None,
    ) -> None:
        self.spec = spec
        self.constants = constants  # knobs, and the constants under `define`
        self.answers = answers  # of the functions there, which see nothing else: by numbers; None: none are kept
        self.source = source  # what entered the body: `input`
        self.until = until  # the layers that an `include` goes up to: its own, and one of an include around it
        self.aliases: dict[str, Item] = {}  # the names under which the layers of included specs stand
        self.layers: dict[str, Binding] = {}
        self.lists: dict[str, tuple[Tensor, ...]] = dict.fromkeys(lists, ())  # what `into` puts together
        self.shares: dict[str, list[Node]] = {}
        self.poisoned: set[str] = set()  # with what the names begin that items which failed may have given

    def nowhere(self, name: str) -> bool:
        """Say whether no item can have given a name: none that failed, nor a constant whose value is not known."""
        known = name in self.layers or name in self.spec.functions
        return not known and not any(name.startswith(stem) for stem in self.poisoned)

    def adopt(self, alias: str, item: Item) -> None:
        """Take the name under which an included spec's layers stand; raise Fault where it is another's."""
        if self.aliases.setdefault(alias, item) is not item:
            raise Fault(f"two includes are called '{alias}'", _ALIAS)
        if alias in self.layers and self.layers[alias].item is not item:
            raise Fault(f"a layer and an include are called '{alias}'", _ALIAS)


class Scope:
    """Where the names of one item find their values (`expr.Lookup`): its body, its variables, what enters it."""

    __slots__ = ("flow", "frame", "joined", "last", "rows", "vars")

    def __init__(self, frame: Frame, variables: dict[str, Datum], flow: Flow, rows: tuple[int, ...] = ()) -> None:
        self.frame = frame
        self.vars = variables
        self.flow = flow  # what enters the item at hand: `c_in`
        self.rows = rows  # the rows of the tables around
        self.last = True  # whether each repeat around is in its last turn
        self.joined: Flow | None = None  # what entered the nearest join, inside its branches

    def child(self, *row: int) -> Scope:
        """Return a scope for the turns of a repeat, or for a table's row: variables of its own, the same body."""
        child = Scope(self.frame, self.vars.copy(), self.flow, (*self.rows, *row))
        child.last, child.joined = self.last, self.joined
        return child

    def branch(self, entered: Flow) -> Scope:
        """Return the scope of a join's branches: the same variables, with `joined`."""
        inside = Scope(self.frame, self.vars, entered, self.rows)
        inside.last, inside.joined = self.last, entered
        return inside

    def bind(self, name: str, item: Item, flow: Flow, *, indexed: bool, skipped: bool) -> None:
        """Give a layer's name to what flows; raise Fault where the name is another's."""
        frame = self.frame
        if indexed and (name in self.vars or name in frame.spec.blocks):
            kind = "a variable's" if name in self.vars else "a block's"
            raise Fault(f"a layer cannot be called '{name}'", f"it is {kind} name: shadowing is refused")
        known = frame.layers.get(name)
        again = known is not None and known.item is item and known.rows == self.rows and not indexed
        if known is not None and not again:
            hint = "only the turns of a repeat give a name anew; an index makes names differ: p(row)"
            if indexed and known.item is item:
                hint = "an index must differ in each turn of a repeat and each row of a table: p(4 * i + row)"
            raise Fault(f"two layers are called '{name}'", hint)
        if frame.aliases.get(name, item) is not item:
            raise Fault(f"a layer and an include are called '{name}'", _ALIAS)
        head, dot, part = name.rpartition(".")
        clashes = [name] if dot and head in frame.layers and part in _part_names(frame.layers[head].flow) else []
        clashes += [own for one in _part_names(flow) if (own := f"{name}.{one}") in frame.layers]
        if clashes:
            raise Fault(f"a layer and a part of another are called '{clashes[0]}'", "call one of them otherwise")
        frame.layers[name] = Binding(flow, item, self.rows, skipped=skipped)
        if name in frame.until and self.last:
            raise UntilReached(name, flow)

    def put(self, name: str, tensor: Tensor) -> None:
        """Put a layer to the end of a list; raise Fault where it is too long, or a layer is called so."""
        lists = self.frame.lists
        if name in self.frame.layers:
            raise Fault(f"a layer and a list of layers are called '{name}'")
        lists[name] = tuple(put_together(lists.get(name, ()), (tensor,)))

    def set_anew(self, name: str, flow: Flow) -> None:
        """Let the name of an earlier layer mean what flows; raise Fault where there is none of that name."""
        known = self.frame.layers.get(name)
        if known is None:
            raise self.unknown_name(name)
        self.frame.layers[name] = Binding(flow, known.item, known.rows, skipped=False)

    def dim(self, name: str) -> Dim:
        """Return c_in, h_in or another of what enters."""
        return _dim(name[0], _shape(self.flow))

    def dim_of(self, name: str, value: Datum, axis: Datum = None) -> Dim:
        """Return c_of, h_of or another of a layer; size_of along an axis, 0 for the channels."""
        if isinstance(value, str):
            value = self.layer(value)
        if not isinstance(value, Tensor | Bundle):
            raise Fault(f"{name} takes a layer's name, not {num.describe(value)}")
        if axis is None:
            return _dim(name[0], _shape(value))
        shape, place = _shape(value), num.whole(axis)
        if num.any_of(place < 0):
            raise Fault(f"{name} takes an axis from 0, the channels, not {num.describe(axis)}")
        return shape.dims[shape.place(place)]

    def resolve(self, name: str) -> Datum:
        """Return what a word stands for that is no variable."""
        if name == "input":
            return self.frame.source
        if name in self.frame.spec.functions:
            raise DependsOnMistake  # a constant whose value could not be known
        if name in self.frame.lists:
            return self.frame.lists[name]
        word = name in self.frame.spec.blocks or known_word(name)  # a layer may be called as a field's word is
        if word and not (name in self.frame.layers and later(name)):
            return name
        found = self.find(name)
        if isinstance(found, Tensor) and found.shape is None:
            raise DependsOnMistake  # of how many tensors it would be, nobody knows
        if found is not None:
            return found
        if name in LATER and name in AMBIENT:
            return self.dim(name) if self.joined is None or name != "joined" else self.joined
        raise self.unknown_name(name)

    def call(self, name: str, values: list[Datum]) -> Datum:
        """Return a defined function's value, the layer of an indexed name, or what a function of `LATER` gives."""
        function = self.frame.spec.functions.get(name)
        if function is not None:
            return _evaluate(function, values, self)
        known = name in TENSORS or name in BUILTINS
        if not known or (values and f"{name}{values[0]}" in self.frame.layers):
            return self.resolve(f"{name}{num.whole(values[0])}")
        if wrong := wrong_count(name, len(values)):
            raise Fault(wrong)
        return self.dim_of(name, *values) if name in TENSORS else built_in(name, values)

    def find(self, name: str) -> Flow | None:
        """Return the layer of that name, or the part of one (`cell.out`)."""
        bound, part = self.bound(name)
        if bound is None:
            return None
        try:
            return _part(bound.flow, part, name.removesuffix(f".{part}")) if part else bound.flow
        except Fault:
            if self.frame.nowhere(name):
                raise
            raise DependsOnMistake from None

    def bound(self, name: str) -> tuple[Binding | None, str]:
        """Return the binding of a layer, None where there is none, and the part of it that the name means."""
        layers, at = self.frame.layers, len(name)
        if name in layers:
            return layers[name], ""
        while at > 0:
            if name[:at] in layers:
                return layers[name[:at]], name[at + 1 :]
            at = name.rfind(".", 0, at)
        return None, ""

    def named(self, name: str) -> Flow | None:
        """Return the layer, or the part of one, that is called just so; None where a text is no name."""
        bound, part = self.bound(name)
        if bound is None or (part and not (isinstance(bound.flow, Bundle) and part in bound.flow.names)):
            return None
        return _part(bound.flow, part, name) if part else bound.flow

    def unknown_name(self, name: str) -> Exception:
        """Return what to raise for a name that no layer has; DependsOnMistake where a told mistake may be the cause."""
        if not self.frame.nowhere(name):
            return DependsOnMistake()
        hint = nearest(name, self.frame.layers) or "a layer can be used after the item that it names"
        return Fault(f"no layer before this one is called '{name}'", hint)

    def layer(self, name: str) -> Flow:
        """Return an earlier layer; raise Fault if there is none of that name."""
        known = self.frame.layers.get(name)
        found = known.flow if known is not None else self.frame.source if name == "input" else self.find(name)
        if found is None and name == "joined":
            found = self.joined
        if found is None:
            raise self.unknown_name(name)
        return found


def _dim(which: str, shape: Shape) -> Dim:
    return getattr(shape, which)


def _shape(flow: Flow) -> Shape:
    tensor = single(flow)
    if tensor.shape is None:
        raise DependsOnMistake
    return tensor.shape


def single(flow: Flow) -> Tensor:
    """Return the one tensor that flows; raise Fault where there are several."""
    if type(flow) is not Bundle:
        return flow
    if len(flow.tensors) == 1:
        return flow.tensors[0]
    names = ", ".join(flow.names)
    entered = flow.tensors[0].name if flow.tensors else ""  # the network
    hint = f"say which with from: {entered}" if entered else "pick one of a named layer: from: NAME.part"
    raise Fault(f"{len(flow.tensors)} tensors flow in here ({names})", hint)


def _part_names(flow: Flow) -> list[str]:
    return flow.names if type(flow) is Bundle else _beside(flow)[0]


def _part(flow: Flow, part: str, name: str) -> Flow:
    if isinstance(flow, Tensor) and flow.shape is None:
        raise DependsOnMistake  # what it is, its mistake keeps from us
    names, tensors = (flow.names, flow.tensors) if isinstance(flow, Bundle) else _beside(flow)
    exact = [tensor for tensor, known in zip(tensors, names, strict=True) if known == part]
    found = exact or [tensor for tensor, known in zip(tensors, names, strict=True) if part in known.split(".")]
    if not found:
        hint = nearest(part, names) or (f"it has {', '.join(names)}" if names else "it gives one tensor only")
        raise Fault(f"'{name}' has no part '{part}'", hint)
    if any(tensor is not found[0] for tensor in found):
        raise Fault(f"'{name}' has several parts '{part}'", f"it has {', '.join(names)}: give each a name of its own")
    return found[0]


_NOTHING: tuple[list[str], list[Tensor]] = [], []


def _beside(flow: Tensor) -> tuple[list[str], list[Tensor]]:
    """Return what an operator gives beside the tensor that flows on, itself first: an lstm's last states."""
    node = flow.node
    if node is None or not node.op.results or flow is not node.outputs[0]:
        return _NOTHING
    return list(node.op.results), node.outputs


_WHOLE = frozenset((int,))


def _evaluate(function: Function, values: list[Datum], scope: Scope) -> Datum:
    """Run a function of `define`: it sees its arguments, the knobs and the constants."""
    outer = scope.frame
    answers = outer.answers if _WHOLE.issuperset(map(type, values)) else None
    key = (function.name, *values)
    if answers is not None and key in answers:
        return answers[key]
    variables = outer.constants | dict(zip(function.arguments or (), values, strict=False))
    inside = Frame(outer.spec, outer.constants, outer.source, answers=outer.answers)
    try:
        found = function.body.evaluate(Scope(inside, variables, outer.source))
        if answers is not None:
            answers[key] = found
        return found
    except Fault as fault:
        called = f"{function.name}({', '.join(num.describe(value) for value in values)})"
        raise Fault(f"{called}: {fault.message}", fault.hint) from None


def spec_scope(
    spec: Spec,
    knobs: dict[str, Datum],
    source: Flow,
    problems: Problems,
    trace: Sequence[object] = (),
    until: Collection[str] = (),
    later: Callable[[Callable[[], Datum]], Datum] | None = None,
) -> Scope:
    """Return the scope of a whole spec: everywhere in it, the knobs and the constants under `define` are seen.

    What is wrong with a constant goes into `problems`; what reads it is then unknown. later: what to hold for a
    constant that is worked out where it is read, since knobs may change on the way.
    """
    nothing, constants = Tensor(None), knobs.copy()
    frame = Frame(spec, constants, source, until, spec.lists, {} if later is None else None)
    above = Scope(Frame(spec, constants, nothing, answers=frame.answers), constants, nothing)
    for name, function in spec.functions.items():
        if function.arguments:
            continue
        try:
            run = partial(function.body.evaluate, above)
            constants[name] = run() if later is None else later(run)
        except Fault as fault:
            problems.add(fault.at(function.body.mark), trace)
        except DependsOnMistake:
            pass
    if spec.inputs and INPUT not in spec.inputs:
        frame.layers |= dict(zip(spec.inputs, _entering(spec, source), strict=True))
    return Scope(frame, constants.copy(), source)


def _entering(spec: Spec, source: Flow) -> list[Binding]:
    """Return what enters a spec that names its inputs, one tensor each."""
    found = tensors(source)
    if len(found) != len(spec.inputs):
        names = ", ".join(spec.inputs)
        raise Fault(f"{spec.name} takes {plural(len(spec.inputs), 'input')} ({names}), and {len(found)} flow in here")
    return [Binding(tensor, None, (), skipped=False) for tensor in found]
