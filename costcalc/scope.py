"""Where the names in an expression find their values while a graph is expanded."""

from __future__ import annotations

from typing import Any

from costcalc import num
from costcalc.document import Function, Item, Spec
from costcalc.errors import Fault, nearest
from costcalc.graph import Bundle, Flow, Node, Tensor
from costcalc.shape import Shape
from costcalc.values import known_word


class Unknown(Exception):
    """A value depends on a tensor whose shape could not be known; its mistake is reported already."""


class Binding:
    """A name given to a layer: what flows there, who gave it, at which turns of the tables around."""

    __slots__ = ("flow", "item", "rows", "skipped")

    def __init__(self, flow: Flow, item: Item | None, rows: tuple[int, ...], *, skipped: bool) -> None:
        self.flow = flow
        self.item = item
        self.rows = rows
        self.skipped = skipped


class Scope:
    """Where the names of one body find their values (`expr.Scope`)."""

    __slots__ = ("base", "broken", "flow", "layers", "rows", "shares", "source", "spec", "until", "vars")

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
        self.broken = False  # an item failed: a name that is missing may be its

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
        if name in self.spec.blocks or known_word(name):
            return name
        self.excuse()
        raise Fault(f"there is no '{name}' here yet", nearest(name, self.layers) or "a layer is known after its item")

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

    def excuse(self) -> None:
        """Pass over a missing name that may only follow from a mistake reported already."""
        if self.broken:
            raise Unknown

    def layer(self, name: str) -> Flow:
        """Return an earlier layer; raise Fault if there is none of that name."""
        found = self.source if name == "input" else self.find(name)
        if found is None:
            self.excuse()
            hint = nearest(name, self.layers) or "a layer can be used after the item that it names"
            raise Fault(f"no layer before this one is called '{name}'", hint)
        return found


def _dim(which: str, shape: Shape) -> Any:
    return shape.c if which == "c" else shape.h if which == "h" else shape.w


def _shape(flow: Flow) -> Shape:
    tensor = single(flow)
    if tensor.shape is None:
        raise Unknown
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
    names = flow.names if isinstance(flow, Bundle) else []
    if part not in names:
        hint = nearest(part, names) or (f"it has {', '.join(names)}" if names else "it gives one tensor only")
        raise Fault(f"'{name}' has no part '{part}'", hint)
    assert isinstance(flow, Bundle)
    return flow.tensors[names.index(part)]


def _evaluate(function: Function, values: list[Any], scope: Scope) -> Any:
    """Run a function of `define`: it sees its arguments, the knobs and the constants."""
    inner = Scope(scope.spec, scope.base, dict(zip(function.arguments, values, strict=True)), scope.source)
    body = function.body
    return body.constant if body.run is None else body.run(inner)


def base_variables(spec: Spec, knobs: dict[str, Any]) -> dict[str, Any]:
    """Return what is seen everywhere in a spec: the knobs, and the constants under `define`."""
    base = dict(knobs)
    nothing = Tensor(None)
    for name, function in spec.functions.items():
        if not function.arguments:
            base[name] = _evaluate(function, [], Scope(spec, base, {}, nothing))
    return base
