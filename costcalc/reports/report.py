"""What a report says above its tables and below: the network, and what must be known beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.costs.convention import Convention
from costcalc.graph.graph import Graph
from costcalc.language.standalone import typed
from costcalc.numbers import num
from costcalc.reports.lines import Layer


def notes(layers: Sequence[Layer], rule: Convention, batch: int) -> list[str]:
    """Return what a reader must know beside the numbers: convention, batch, stated and shared rows."""
    said = [rule.counted]
    if batch != 1:
        said.append(f"{rule.unit} are for a batch of {batch}; parameters do not grow with it")
    stated = [layer for layer in layers if not layer.row.node.op.derived]
    if stated:
        texts = {str(getattr(layer.row.node.op, "note", "")) for layer in stated}
        said.append(f"* as the spec states it, not derived: {'; '.join(sorted(filter(None, texts)))}".rstrip(" :"))
    known = [layer for layer in layers if layer.macs is not num.UNKNOWN]
    if len(known) < len(layers):
        rest = f"{len(layers) - len(known)} of {len(layers)} rows"
        said.append(f"unknown: the {rule.unit} of {rest}; the others have {sum(n.macs for n in known):,}")
    if any(layer.row.node.shared is not None for layer in layers):
        said.append("= uses the weights of an earlier layer: counted there")
    return said


def heading(graph: Graph) -> list[str]:
    """Return the lines above a table: the network, its knobs and input, where it comes from."""
    knobs = ", ".join(f"{name} {typed(value)}" for name, value in graph.knobs.items())
    shape = f"input {graph.input.shape}{' as given' if graph.input_given else ''}"
    said = [f"{graph.spec.name}: {shape}{f', {knobs}' if knobs else ''}"]
    source = graph.spec.meta.get("source")
    return [*said, str(source)] if source else said
