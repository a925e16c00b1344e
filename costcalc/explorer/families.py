"""Families of layer types, each with a colour, in light and in dark: the colour-blind tell them apart."""

from __future__ import annotations

from costcalc.graph.graph import Node

FAMILIES = {  # with its colours on white and on black, after Okabe and Ito
    "convolution": ("#0072b2", "#4aa8e0"),
    "1x1 convolution": ("#56b4e9", "#8fd0f5"),
    "grouped convolution": ("#332288", "#8f84d8"),
    "depthwise convolution": ("#009e73", "#2cc79b"),
    "fully connected": ("#d55e00", "#f08a3c"),
    "norm": ("#999999", "#a8a8a8"),
    "activation": ("#e69f00", "#f2bd4a"),
    "pool": ("#cc79a7", "#e3a3c6"),
    "join": ("#b8a800", "#e8dc50"),
    "other": ("#555555", "#cccccc"),
}
_PLACES = {name: place for place, name in enumerate(FAMILIES)}
_POOLS, _JOINS = ("pool", "global_pool"), ("join",)  # modules of operators


def family(node: Node) -> int:
    """Return the family of a row, as its place in FAMILIES."""
    return _PLACES[_family(node)]


def _family(node: Node) -> str:
    op = node.op
    if "macs" in op.counted and (kernel := getattr(op, "kernel", None)):
        grouping = op.grouping(node.x)
        if grouping != "dense":
            return f"{grouping} convolution"
        return "1x1 convolution" if all(length == 1 for length in kernel) else "convolution"
    if op.norm_word:
        return "norm"
    if op.is_act:
        return "activation"
    if "macs" in op.counted:
        return "fully connected"
    home = type(op).__module__.rpartition(".")[2]
    return "pool" if home in _POOLS else "join" if home in _JOINS else "other"
