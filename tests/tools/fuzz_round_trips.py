"""Do random networks come back the same from PyTorch and ONNX?

    python tests/tools/fuzz_round_trips.py 2000 [SEED] [FORMAT]

Parameters and MACs must be the same, to the digit. Where the rows come back as they were, so must what several
conventions count and the peak memory, for one image and for three. PyTorch's modules hold tensors as long as they run,
and no format but ours says which rows are a block, so that the mode `eager` is left out. A difference ends the run, cut
down to the smallest network that has it. The test suite does the same for a few.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

import strategies
from hypothesis import HealthCheck, given, seed, settings
from round_trips import FORMATS, totals

import costcalc
from costcalc.base.errors import SpecError
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph, Node
from costcalc.graph.in_place import in_place
from costcalc.language import zoo

CONVENTIONS = "costcalc activations bytes calflops fvcore thop ptflops torchinfo".split()
BATCHES = (1, 3)
MODES = ("fused", "inplace")
# What PyTorch has stand-ins for, which compute nothing; and what does nothing at inference, and goes.
STATED = {"custom", "opaque", "weight_params"}
NOTHING = {"identity", "dropout"}


def kinds(words: Any) -> list[str]:
    """Return the kinds of rows, as formats can tell them apart."""
    return [{"dwconv": "conv"}.get(word, word) for word in words if word not in NOTHING]


def modes_of(graph: Graph, form: str) -> tuple[str, ...]:
    """Return the modes of memory that a format can say.

    PyTorch's module writes over less where that would be wrong; ONNX has no word for what writes over nothing.
    """
    said = [node.op.inplace for node in graph.nodes]
    usual = ["inplace" in node.op.fields for node in graph.nodes]
    return MODES if said == (in_place(graph) if form == "torch" else usual) else MODES[:1]


def leads_on(node: Node, graph: Graph) -> bool:
    """Say whether a layer computes with what a node gives, or it leaves the network: `zeros` takes only a place."""
    taken = {tensor for other in graph.nodes if other.op.kind != "zeros" for tensor in other.inputs}
    return any(tensor in taken or tensor in graph.outputs for tensor in node.outputs)


def figures(data: Any, modes: Iterable[str]) -> dict[tuple[Any, ...], Any]:
    """Return what a network counts and holds, by convention or mode and number of images."""
    found: dict[tuple[Any, ...], Any] = {}
    for batch in BATCHES:
        for name in CONVENTIONS:
            try:
                found[name, batch] = totals(costcalc.count(data, convention=name, batch=batch))
            except SpecError:  # the tool's convention says nothing of an operator
                found[name, batch] = "refused"
        result = costcalc.count(data, batch=batch)
        found |= {(mode, batch): result.metric("peak_memory", mode=mode).total for mode in modes}
    return found


def compared(data: dict[str, Any], form: str) -> str:
    """Raise AssertionError where a network comes back otherwise; say how much of it was compared, or why nothing."""
    graph = expand(zoo.load(data))
    if form == "torch" and any(node.op.kind in strategies.IN_STEPS for node in graph.nodes):
        return "PyTorch's export writes each step of a sequence by itself"
    if form == "torch" and any(node.op.kind in STATED for node in graph.nodes):
        return "has stated numbers"
    if not all(leads_on(node, graph) for node in graph.nodes):
        return "has layers that lead nowhere, which no other format keeps"
    try:
        flat = FORMATS[form](graph)
    except SpecError as error:
        # PyTorch's own limits: a norm of a single number, a grid of one column without memory.
        if "torch.export could not trace" in str(error):
            return "PyTorch can't trace it"
        raise
    back = flat.data()
    assert totals(costcalc.count(back)) == totals(costcalc.count(data)), (data, [step.kind for step in flat.steps])
    if kinds(step.kind for step in flat.steps) != kinds(node.op.kind for node in graph.nodes):
        return "parameters and MACs are the same"
    modes = modes_of(graph, form)
    before, after = figures(data, modes), figures(back, modes)
    assert before == after, (data, {key: (before[key], after[key]) for key in before if before[key] != after[key]})
    return "all figures are the same"


def run(number: int, start: int, form: str) -> Counter[str]:
    """Return how many random networks were compared, by how much of them was."""
    said = Counter[str]()

    @seed(start)
    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.specs())
    def check(data: dict[str, Any]) -> None:
        said[compared(data, form)] += 1

    check()
    return said


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for chosen in sys.argv[3:] or FORMATS:
        print(chosen, dict(run(asked, int(sys.argv[2]) if len(sys.argv) > 2 else 0, chosen)), flush=True)
