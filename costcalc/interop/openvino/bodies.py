"""Loops and conditions: bodies of layers, read turn by turn where the file says how many turns there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from costcalc.base.errors import Fault, stop
from costcalc.base.xml import Element
from costcalc.interop.openvino.file import IrGraph, IrLayer, whole
from costcalc.interop.openvino.layers import IrCall, Value
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.net import Net
from costcalc.interop.tensors.values import Const, Data, computed

MOST_TURNS = 10_000


class Walker(Protocol):
    """What reads a body's layers."""

    net: Net

    def walk(self, graph: IrGraph, given: Mapping[str, Value], prefix: str) -> dict[str, tuple[str, Value]]:
        """Read a graph's layers, and return its results."""

    def middle(self, call: IrCall, op: str, *inputs: Value | None, outputs: int = 1, **attributes: Any) -> Any:
        """Read a call in the middle of a layer."""

    def finish(self, call: IrCall, op: str, *inputs: Value | None, **attributes: Any) -> None:
        """Read a call that gives what the layer does."""


def _body(layer: IrLayer, tag: str) -> IrGraph:
    """Return a layer's body."""
    element = layer.element.find(tag)
    if element is None:
        raise Fault(f"has no {tag}")
    return IrGraph(element, layer.what)


def _counted(walker: Walker, graph: IrGraph, prefix: str) -> None:
    """Note how often each value of a body is taken: its constants on other turns too."""
    walker.net.uses.update(f"{prefix}{layer}:{port}" for layer, port in graph.sources.values())
    stored = (layer for layer in graph.layers if layer.type in ("Const", "Convert"))
    walker.net.uses.update(f"{prefix}{layer.id}:{port}" for layer in stored for port in layer.gives)


class _Ports:
    """What a loop's `port_map` says of a side: its ports, each with the body's layer, and what is cut along an axis."""

    def __init__(self, layer: IrLayer, tag: str, call: IrCall, side: str) -> None:
        names = [*(layer.takes if side == "input" else layer.gives)]
        self.entries: list[tuple[int | None, str, dict[str, str]]] = []
        for entry in layer.element.under(tag):
            if entry.tag != side:
                continue
            said = entry.attributes
            port = said.get("external_port_id", "")
            if port not in names and port != "-1":
                raise Fault(f"its port_map names a port {port[:20]}, which it has not")
            place = names.index(port) if port in names else None
            self.entries.append((place, said.get("internal_layer_id", ""), said))


def loop(walker: Walker, layer: IrLayer, call: IrCall, prefix: str) -> None:
    """TensorIterator and Loop: as many turns as slices of an axis, or as a constant says."""
    graph = _body(layer, "body")
    takes, gives = (_Ports(layer, "port_map", call, side).entries for side in ("input", "output"))
    back = {edge.attributes.get("to-layer", ""): edge.attributes.get("from-layer", "") for edge in _back(layer)}
    turns = _turns(call, takes)
    if turns > MOST_TURNS:
        raise Fault(f"has {turns:,} turns; at most {MOST_TURNS:,} are read")
    held: dict[str, Value] = {}
    cut: dict[str, list[Value]] = {}
    for place, inner, said in takes:
        if place is None:
            continue
        value = call.tensor(place)
        if "axis" in said:
            cut[inner] = _slices(walker, call, value, said, turns)
        elif inner in back and isinstance(value, Const):  # a first state is no weight, unless its name says so
            held[inner] = walker.net.hold(value, call.name)
        else:
            held[inner] = value
    current = [inner for _, inner, said in takes if said.get("purpose") == "current_iteration"]
    ends: dict[str, list[Value]] = {}
    for turn in range(turns):
        own = {inner: values[turn] for inner, values in cut.items()}
        own |= {inner: _number(turn) for inner in current}
        turned = f"{prefix}{layer.id}.{turn}/"
        _counted(walker, graph, turned)
        results = walker.walk(graph, held | own, turned)
        for one, (_, value) in results.items():
            ends.setdefault(one, []).append(value)
        held |= {to: results[source][1] for to, source in back.items() if source in results}
    _given(walker, call, gives, ends)


def _back(layer: IrLayer) -> list[Element]:
    return layer.element.under("back_edges")


def _number(turn: int) -> Const:
    import numpy as np

    return computed(np.asarray(turn, np.int64), {})


def _turns(call: IrCall, takes: Any) -> int:
    """Return how many turns there are."""
    if call.op == "Loop":
        counts = call.listed(0)
        if not counts or counts[0] < 0:
            raise Fault("the file does not say how many turns it has")
        if _goes_on(call) is not True:
            raise Fault("its first condition is not true")
        return counts[0]
    for place, _, said in takes:
        if "axis" in said and place is not None:
            value = call.tensor(place)
            length = value.shape[shapes.axis(whole(said["axis"], "axis"), len(value.shape))]
            size = whole(said.get("part_size", "1"), "part_size")
            if size < 1 or length % size:
                raise Fault(f"cuts {length} into parts of {size}")
            return length // size
    raise Fault("the file does not say how many turns it has")


def _goes_on(call: IrCall) -> bool | None:
    found = call.listed(1)
    return bool(found[0]) if found else None


def _slices(walker: Walker, call: IrCall, value: Value, said: Mapping[str, str], turns: int) -> list[Value]:
    """Return a tensor's parts along an axis, in the order of the turns."""
    axis = shapes.axis(whole(said["axis"], "axis"), len(value.shape))
    if turns == 1:
        return [value]
    size = value.shape[axis] // turns
    backwards = whole(said.get("stride", "1"), "stride") < 0
    parts: list[Value] = walker.middle(call, "Split", value, outputs=turns, axis=axis, split=[size] * turns)
    return parts[::-1] if backwards else parts


def _given(walker: Walker, call: IrCall, gives: Any, ends: Mapping[str, list[Value]]) -> None:
    """Give a loop's outputs their values: of the last turn, or of all turns side by side."""
    for place, inner, said in gives:
        if place is None:
            continue
        values = ends.get(inner)
        if not values:
            raise Fault("gives what none of its turns does")
        if "axis" not in said:
            value = values[-1]
        elif len(values) == 1:
            value = values[0]
        else:
            ordered = values[::-1] if whole(said.get("stride", "1"), "stride") < 0 else values
            value = walker.middle(call, "Concat", *ordered, axis=whole(said["axis"], "axis"))
        walker.net.values[call.outputs[place]] = _fresh(value)


def _fresh(value: Value) -> Value:
    """Return a value that no layer before can take a bias from."""
    return Data(value.name, value.shape, still=value.still, image=value.image) if isinstance(value, Data) else value


def condition(walker: Walker, layer: IrLayer, call: IrCall, prefix: str) -> None:
    """If: the branch that is taken, where a constant says which."""
    chosen = call.listed(0)
    if not chosen or len(chosen) != 1:
        raise Fault("its condition is no single truth that the file holds")
    word = "then" if chosen[0] else "else"
    graph = _body(layer, f"{word}_body")
    takes, gives = (_Ports(layer, f"{word}_port_map", call, side).entries for side in ("input", "output"))
    given = {inner: call.tensor(place) for place, inner, _ in takes if place is not None}
    turned = f"{prefix}{layer.id}.{word}/"
    _counted(walker, graph, turned)
    ends = walker.walk(graph, given, turned)
    for place, inner, _ in gives:
        if place is None or inner not in ends:
            raise stop(f"{layer.what}: gives what its branch does not")
        walker.net.values[call.outputs[place]] = _fresh(ends[inner][1])


BODIES: dict[str, Callable[[Any, IrLayer, IrCall, str], None]] = {
    "TensorIterator": loop, "Loop": loop, "If": condition,
}  # fmt: skip
