"""Do networks come back the same? Each of the zoo goes out through a format and comes back: PyTorch, ONNX.

    python tests/tools/round_trips.py [NAME...]

prints a line for each network that changes, and how many did not. Without names: every variant of the zoo.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import costcalc
from costcalc.base.errors import SpecError
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.language import zoo
from costcalc.language.flat import Flat

# What a format has other words for. PyTorch samples a grid, whose offsets are counted by themselves.
SAME_KIND = {"dwconv": "conv", "active_shift": "weight_params"}


def through_torch(graph: Graph) -> Flat:
    """Return a network that was built in PyTorch, without memory, and imported again."""
    import torch

    from costcalc.interop.torch.build import build
    from costcalc.interop.torch.importer import from_torch

    with torch.device("meta"):
        network = build(graph)
    (shape,) = graph.input_shapes.values()
    return from_torch(network, shape.dims)


def through_onnx(graph: Graph) -> Flat:
    """Return a network that was written as an ONNX file and read again."""
    from costcalc.interop.onnx.importer import read
    from costcalc.interop.onnx.write import write

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "network.onnx")
        write(graph, path)
        return read(path)


FORMATS: dict[str, Callable[[Graph], Flat]] = {"torch": through_torch, "onnx": through_onnx}


def totals(result: Any) -> tuple[str, str]:
    """Return parameters and MACs, which may be unknown."""
    return str(result.params), str(result.operations)


def learning(result: Any) -> Counter[tuple[str, int]]:
    """Return the rows that learn something: how many there are of each kind and number of parameters."""
    kinds = ((SAME_KIND.get(row.kind, row.kind), int(row.params)) for row in result.rows if row.params)
    return Counter(kinds)


def difference(graph: Graph, before: Any, form: str) -> str:
    """Return in words how a network comes back otherwise; empty if it does not."""
    try:
        after = costcalc.count(FORMATS[form](graph).data())
    except SpecError as error:
        return f"is refused: {error}"
    if totals(after) != totals(before):
        return f"had {totals(before)} parameters and MACs, and has {totals(after)}"
    changed = (learning(before) - learning(after)) + (learning(after) - learning(before))
    return f"has other rows: {dict(changed)}" if changed else ""


def main(names: list[str]) -> int:
    """Run all networks through all formats; return 1 if one changes."""
    networks = {name: spec for name, spec in zoo.networks().items() if not names or name in names}
    start, wrong = time.process_time(), 0
    for name, spec in networks.items():
        graph, before = expand(spec), costcalc.count(spec)
        for form in FORMATS:
            said = difference(graph, before, form)
            wrong += bool(said)
            print(f"{name} through {form}: {said or 'the same'}", flush=True)
    spent = time.process_time() - start
    print(f"{len(networks)} networks, {len(FORMATS)} formats, {wrong} differences, {spent:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
