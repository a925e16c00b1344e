"""What do other cost tools say about the same networks, and does costcalc's convention of each say the same?

    python tests/tools/live_tools.py [--tools NAME,...] [--groups NAME,...] [--write]

runs every tool that is installed, each in a process of its own (some leave attributes and patched functions behind),
and compares its integers with those of `costcalc.count(..., convention=TOOL)`. `--write` puts the outcome into
docs/believe.md and docs/data/tools_*.csv. torch, torchvision and the tools are needed, which costcalc itself never asks
for: make an environment for them.

What is run, a group each:

- `torchvision`: its networks, at a resolution that no published table has;
- `specs`: networks that costcalc builds in PyTorch from its specs;
- `operators`: networks of one operator, in PyTorch's own classes;
- `further`: networks of one operator that costcalc builds.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from cost_networks import GROUPS, known
from cost_tools import TOOLS, Counts, installed

PAGE = Path(__file__).parent.parent.parent / "docs" / "believe.md"

# ---- what the tools say: in a process of its own ---------------------------------------------------


def count_all(tool: str, groups: list[str], file: str) -> None:
    """Write what a tool says of the networks of the groups that the file lacks, as JSON.

    It ends with the first error: what a tool has replaced in PyTorch then stays so.
    """
    import torch

    warnings.simplefilter("ignore")
    found: dict[str, dict[str, Any]] = json.loads(Path(file).read_text(encoding="utf-8"))
    for group, name in wanted(groups):
        if name in found.setdefault(group, {}):
            continue
        try:
            model, shape = GROUPS[group][0](name)
            _shake(model.eval())
            with torch.no_grad():
                found[group][name] = TOOLS[tool].count(model, torch.zeros(1, *shape))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a tool ends with is its answer
            found[group][name] = {"error": f"{type(error).__name__}: {error}"[:200]}
            break
    Path(file).write_text(json.dumps(found), encoding="utf-8")


def wanted(groups: Iterable[str]) -> list[tuple[str, str]]:
    """Return the networks of the groups."""
    return [(group, name) for group in groups for name in GROUPS[group][1]]


def _shake(model: Any) -> None:
    """Give every number a value that is not 0 or 1, which an exporter would take for nothing to do."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data.uniform_(0.1, 0.9)


# ---- what costcalc says ----------------------------------------------------------------------------


def ours(group: str, name: str, convention: str) -> Counts:
    """Return costcalc's numbers of a network under a convention: params, and macs and flops where it has them."""
    import costcalc

    spec, knobs = known(name)
    spec = costcalc.load(spec)
    if group == "specs":
        spec.reference = {}  # what costcalc builds is made of modules, whatever another implementation has
    result = costcalc.count(spec, convention=convention, **knobs)
    counts = result.convention.others.items()
    return {"params": result.params} | {
        what: costcalc.count(spec, convention=rule, **knobs).operations for what, rule in counts
    }


class Cell(NamedTuple):
    """One comparison: a tool's number of a network, and costcalc's."""

    tool: str
    group: str
    name: str
    what: str
    theirs: int
    ours: int


def compare(tool: str, said: dict[str, dict[str, Any]]) -> list[Cell]:
    """Return a cell for every number that a tool gave."""
    cells = []
    for group, networks in said.items():
        base = networks.get("", {}) if group == "operators" else {}
        base_ours = ours(group, "", tool) if base else {}
        for name, theirs in networks.items():
            if not name or "error" in theirs:
                continue
            mine = ours(group, name, tool)
            for what in theirs.keys() & mine.keys():
                if theirs[what] is not None and not (base and what == "params"):
                    less = (base.get(what, 0), base_ours.get(what, 0))
                    cells.append(Cell(tool, group, name, what, theirs[what] - less[0], mine[what] - less[1]))
    return cells


def ask(tool: str, groups: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what a tool says, asked in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "counts.json"
        file.write_text("{}", encoding="utf-8")
        command = [sys.executable, __file__, "--count", tool, "--groups", ",".join(groups), "--to", str(file)]
        said: dict[str, dict[str, Any]] = {}
        while sum(map(len, said.values())) < len(wanted(groups)):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            said = json.loads(file.read_text(encoding="utf-8"))
    return said


# ---- what comes out --------------------------------------------------------------------------------

# Why a cell differs, where it is known; a network's name alone stands for all tools. docs/believe.md shows these.
SHAPES = "exported with a few operations on shapes (seven a chunk, two a channel shuffle), which it counts"
ONCE = "the exporter writes a step once that several branches do on the same tensor"
UNKNOWN = "a channel shuffle is exported with computed shapes; behind it onnxsim knows no sizes, and counts nothing"
REASONS = {
    "nasnet_a_mobile": "TensorFlow's padding of pools: where the two sides differ, the network that costcalc builds"
    " pads in a step of its own, and pools in another, which is no module",
    ("onnx-tool", "nasnet_a_mobile"): ONCE,
    ("onnx-tool", "darts"): ONCE,
    ("onnxsim", "shufflenet_v1"): UNKNOWN,
    ("onnxsim", "condensenet"): UNKNOWN,
    ("onnx-tool", "channel shuffle"): SHAPES,
    ("onnx-tool", "shufflenet_v1"): SHAPES,
    ("onnx-tool", "shufflenet_v2_x0_5"): SHAPES,
    ("onnx-tool", "shufflenet_v2_x1_0"): SHAPES,
    ("onnx-tool", "condensenet"): "the first convolution's output goes to two places, so that no batch norm is folded"
    " into it; and operations on shapes",
}


def page(cells: list[Cell], versions: dict[str, str]) -> str:
    """Return the part of docs/believe.md that this script writes."""
    equal = sum(cell.theirs == cell.ours for cell in cells)
    packages = {TOOLS[tool].package: version for tool, version in versions.items()}
    packages |= {name: metadata.version(name) for name in ("torch", "torchvision", "onnx")}
    said = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
    lines = [f"Run with {said}.", "", f"**{equal:,} of {len(cells):,} numbers are equal.** Where they differ:", ""]
    return "\n".join([*lines, *why([cell for cell in cells if cell.theirs != cell.ours])]) + "\n"


def tables(cells: list[Cell], errors: list[tuple[str, str, str]]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the tables of docs/data that this script writes, by the ends of their names."""
    groups: dict[tuple[str, str, str], list[bool]] = {}
    for cell in cells:
        groups.setdefault((cell.group, cell.tool, cell.what), []).append(cell.theirs == cell.ours)
    differing = [cell for cell in cells if cell.theirs != cell.ours]
    return {
        "equal": [("networks", "tool", "count", "equal", "of")]
        + [(*key, sum(equal), len(equal)) for key, equal in groups.items()],
        "differ": [("network", "tool", "count", "the_tool", "costcalc")]
        + [(cell.name, cell.tool, cell.what, cell.theirs, cell.ours) for cell in differing],
        "errors": [("network", "tool", "error"), *errors],
    }


def why(differing: list[Cell]) -> list[str]:
    """Return the reasons of these differences, a line each."""
    seen: dict[str, list[str]] = {}
    for cell in differing:
        reason = REASONS.get((cell.tool, cell.name)) or REASONS.get(cell.name) or "not explained yet"
        seen.setdefault(reason, []).append(cell.name)
    return [f"- {', '.join(dict.fromkeys(names))}: {reason}." for reason, names in seen.items()]


def short(error: str) -> str:
    """Return the first line of an error, cut."""
    return error.split("\n", maxsplit=1)[0][:100]


def replaced(text: str, part: str) -> str:
    """Return the page with its measured part between the two marks put anew."""
    begin, end = "<!-- begin: tests/tools/live_tools.py -->\n", "<!-- end -->"
    before, rest = text.split(begin)
    return before + begin + part + end + rest.split(end, 1)[1]


def main() -> None:
    """Run the tools, print what comes out, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", default=",".join(TOOLS), help="those to run")
    parser.add_argument("--groups", default=",".join(GROUPS), help="what to run them on")
    parser.add_argument("--write", action="store_true", help="put the outcome into docs")
    parser.add_argument("--count", help=argparse.SUPPRESS)
    parser.add_argument("--to", help=argparse.SUPPRESS)
    given = parser.parse_args()
    groups = given.groups.split(",")
    if given.count:
        count_all(given.count, groups, given.to)
        return
    versions = {tool: version for tool, version in installed().items() if tool in given.tools.split(",")}
    cells, errors = [], []
    for tool in versions:
        said = ask(tool, groups)
        cells += compare(tool, said)
        errors += [
            (name, tool, short(one["error"]))
            for networks in said.values()
            for name, one in networks.items()
            if "error" in one
        ]
        print(f"{tool}: {sum(cell.theirs == cell.ours for cell in cells if cell.tool == tool)} equal", file=sys.stderr)
    part = page(cells, versions)
    print(part)
    if given.write:
        for end, lines in tables(cells, errors).items():
            with (PAGE.parent / "data" / f"tools_{end}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(lines)
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), part), encoding="utf-8")


if __name__ == "__main__":
    main()
