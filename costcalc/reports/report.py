"""What a report says above its tables and below: the network, and what must be known beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.costs.convention import Convention
from costcalc.graph.graph import Graph
from costcalc.language.document import INPUT
from costcalc.language.yaml_text import typed
from costcalc.numbers import num
from costcalc.reports.lines import CountedRow


def notes(rows: Sequence[CountedRow], rule: Convention, batch: int, asked: Sequence[str] = ()) -> list[str]:
    """Return what a reader must know beside the numbers: convention, batch, stated and shared rows.

    asked: the quantities that are shown, where they are not the convention's own.
    """
    said = rule.told(asked)
    others = [row for row in rows if not type(row.like.op).__module__.startswith("costcalc.") and row.operations]
    if others:
        kinds = ", ".join(dict.fromkeys(row.like.op.kind for row in others))
        said.append(f"and the {rule.unit} of {kinds}, as that operator's own definition counts them")
    if batch != 1:
        said.append(f"{rule.unit} are for a batch of {batch}; parameters do not grow with it")
    stated = [row for row in rows if not row.like.op.derived]
    if stated:
        texts = {str(getattr(row.like.op, "note", "")) for row in stated}
        said.append(f"* as the spec states it, not derived: {'; '.join(sorted(filter(None, texts)))}".rstrip(" :"))
    known = [row.operations for row in rows if row.operations is not num.UNKNOWN]
    if len(known) < len(rows):
        rest = f"{len(rows) - len(known)} of {len(rows)} rows"
        said.append(f"unknown: the {rule.unit} of {rest}; the others have {sum(known):,}")
    if any(row.like.shared is not None for row in rows):
        said.append("= uses the weights of an earlier layer: counted there")
    return said


def entering(graph: Graph) -> str:
    """Return what enters a network, and what of it was given from outside: `input 3x224x224 as given`."""
    said = [f"{name} {shape}{' as given' if name in graph.given else ''}" for name, shape in graph.input_shapes.items()]
    plain = graph.inputs.keys() == {INPUT}
    return ", ".join(said) if plain else f"{INPUT if len(said) == 1 else 'inputs'} {', '.join(said)}"


def heading(graph: Graph, *, short: bool = False) -> list[str]:
    """Return the lines above a table: the network, its knobs and input, where it comes from.

    short: only the knobs that are not as the spec's file, or its variant, has them.
    """
    spec = graph.spec
    own = {**(spec.knobs_of_file or spec.knobs), **spec.variants.get(spec.variant, {})} if short else {}
    told = {name: value for name, value in graph.knobs.items() if name not in own or own[name] != value}
    knobs = ", ".join(f"{name} {typed(value)}" for name, value in told.items())
    said = [f"{spec.name}: {entering(graph)}{f', {knobs}' if knobs else ''}"]
    source = spec.meta.get("source")
    return [*said, str(source)] if source else said
