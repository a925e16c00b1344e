"""Where the names in an expression find their values while a graph is expanded."""

from __future__ import annotations

from typing import Any

from costcalc.base.errors import Fault, Problem, nearest
from costcalc.graph.graph import Bundle, Flow, Node, Tensor
from costcalc.language.document import DependsOnMistake, Function, Item, Spec
from costcalc.language.values import known_word
from costcalc.numbers import num
from costcalc.numbers.shape import Shape


class Binding:
    """A name given to a layer: what flows there, who gave it, at which turns of the tables around."""

    __slots__ = ("flow", "item", "rows", "skipped")

    def __init__(self, flow: Flow, item: Item | None, rows: tuple[int, ...], *, skipped: bool) -> None:
        self.flow = flow
        self.item = item
        self.rows = rows
        self.skipped = skipped


class Scope:
    """Where the names of one body find their values (`expr.Lookup`)."""

    __slots__ = ("base", "flow", "layers", "lost", "rows", "shares", "source", "spec", "until", "vars")

    def __init__(self, spec: Spec, base: dict[str, Any], arguments: dict[str, Any], source: Flow) -> None:
        self.spec = spec
        self.base = base  # knobs, and the constants under `define`
        self.vars = {**base, **arguments}
        self.source = source  # what entered the body: `input`
        self.flow: Flow = source  # what enters the item at hand: `c_in`
        self.layers: dict[str, Binding] = {}
        self.rows: tuple[int, ...] = ()
        self.shares: dict[str, list[Node]] = {}
        self.until = ""
        self.lost: set[str] = set()  # with what the names begin that items which failed may have given

    def dim(self, name: str) -> Any:
        """Return c_in, h_in or w_in."""
        return _dim(name[0], _shape(self.flow))

    def dim_of(self, name: str, value: Any) -> Any:
        """Return c_of, h_of or w_of of a layer."""
        if isinstance(value, str):
            value = self.layer(value)
        if not isinstance(value, Tensor | Bundle):
            raise Fault(f"{name} takes a layer's name, not {num.describe(value)}")
        return _dim(name[0], _shape(value))

    def word(self, name: str) -> Any:
        """Return what a word stands for that is no variable."""
        if name == "input":
            return self.source
        found = self.find(name)
        if found is not None:
            return found
        if name in self.spec.functions:
            raise DependsOnMistake  # a constant whose value could not be known
        if name in self.spec.blocks or known_word(name):
            return name
        raise self.missing(name)

    def call(self, name: str, values: list[Any]) -> Any:
        """Return a defined function's value, or the layer of an indexed name."""
        function = self.spec.functions.get(name)
        if function is None:
            return self.word(f"{name}{num.whole(values[0])}")
        return _evaluate(function, values, self)

    def find(self, name: str) -> Flow | None:
        """Return the layer of that name, or the part of one (`cell.out`)."""
        bound = self.layers.get(name)
        if bound is not None:
            return bound.flow
        head, _, part = name.rpartition(".")
        bound = self.layers.get(head) if head else None
        return None if bound is None else _part(bound.flow, part, head)

    def missing(self, name: str) -> Exception:
        """Return what to raise for a name that no layer has; Unknown where a mistake told already may be the cause."""
        if any(name.startswith(stem) for stem in self.lost):
            return DependsOnMistake()
        hint = nearest(name, self.layers) or "a layer can be used after the item that it names"
        return Fault(f"no layer before this one is called '{name}'", hint)

    def layer(self, name: str) -> Flow:
        """Return an earlier layer; raise Fault if there is none of that name."""
        found = self.source if name == "input" else self.find(name)
        if found is None:
            raise self.missing(name)
        return found


def _dim(which: str, shape: Shape) -> Any:
    return shape.c if which == "c" else shape.h if which == "h" else shape.w


def _shape(flow: Flow) -> Shape:
    tensor = single(flow)
    if tensor.shape is None:
        raise DependsOnMistake
    return tensor.shape


def single(flow: Flow) -> Tensor:
    """Return the one tensor that flows; raise Fault where there are several."""
    if isinstance(flow, Tensor):
        return flow
    if len(flow.tensors) == 1:
        return flow.tensors[0]
    names = ", ".join(flow.names)
    raise Fault(f"{len(flow.tensors)} tensors flow in here ({names})", "pick one of a named layer: from: NAME.part")


def _part(flow: Flow, part: str, name: str) -> Flow:
    if isinstance(flow, Tensor) and flow.shape is None:
        raise DependsOnMistake  # what it is, its mistake keeps from us
    names = flow.names if isinstance(flow, Bundle) else []
    if part not in names:
        hint = nearest(part, names) or (f"it has {', '.join(names)}" if names else "it gives one tensor only")
        raise Fault(f"'{name}' has no part '{part}'", hint)
    assert isinstance(flow, Bundle)
    return flow.tensors[names.index(part)]


def _evaluate(function: Function, values: list[Any], scope: Scope) -> Any:
    """Run a function of `define`: it sees its arguments, the knobs and the constants."""
    inner = Scope(scope.spec, scope.base, dict(zip(function.arguments or (), values, strict=False)), scope.source)
    body = function.body
    if body.run is None:
        return body.constant
    try:
        return body.run(inner)
    except Fault as fault:
        called = f"{function.name}({', '.join(num.describe(value) for value in values)})"
        raise Fault(f"{called}: {fault.message}", fault.hint) from None


def base_variables(spec: Spec, knobs: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """Return what is seen everywhere in a spec: the knobs, and the constants under `define`.

    What is wrong with a constant goes into `problems`; what reads it is then unknown.
    """
    base = dict(knobs)
    scope = Scope(spec, base, {}, Tensor(None))
    for name, function in spec.functions.items():
        if function.arguments:
            continue
        try:
            body = function.body
            base[name] = scope.vars[name] = body.constant if body.run is None else body.run(scope)
        except Fault as fault:
            problems.append(Problem(fault.message, function.body.mark, fault.hint))
        except DependsOnMistake:
            pass
    return base
