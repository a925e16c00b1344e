"""Timeloop's problem specifications (https://github.com/NVlabs/timeloop), one for each layer that multiplies.

The shape is that of `problem-shapes/cnn-layer.yaml` in version 0.4 of the format, with the names of
Timeloop's exercises: C channels, M filters, R x S kernel (width, height), P x Q output (width,
height), N images. A grouped or depthwise convolution has one dimension more, G, in all three tensors;
C and M are then those of a group. The MACs are the product of the dimensions.
"""

from __future__ import annotations

import re
from functools import cache

from costcalc.base import Datum
from costcalc.graph.graph import Graph
from costcalc.interop.simulators.loop_nests import Nest, nests
from costcalc.language.yaml_text import inline

DIMENSIONS = ("C", "M", "R", "S", "N", "P", "Q")
COEFFICIENTS = ("Wstride", "Hstride", "Wdilation", "Hdilation")


def problems(graph: Graph, left_out: list[str] | None = None) -> dict[str, str]:
    """Return the problem of every layer that multiplies: its file's name (numbered in order) and its YAML.

    left_out: takes a note for each layer that is no convolution (its MACs are stated by the spec, or
    unknown); without it such a layer is an error (SpecError).
    """
    found = nests(graph, left_out)
    digits = len(str(len(found)))
    return {f"{k:0{digits}d}_{_file(nest.name)}.yaml": _problem(nest) for k, nest in enumerate(found, 1)}


def is_problem(file: str) -> bool:
    """Say whether a file is called as those that are written here."""
    return bool(re.fullmatch(r"\d+_[\w.+-]+\.yaml", file, re.ASCII))


def _file(name: str) -> str:
    return re.sub(r"[^\w.+-]", ".", name, flags=re.ASCII)


def _problem(nest: Nest) -> str:
    return f"problem:\n  version: 0.4\n  instance: {inline(_instance(nest))}\n{_shape(grouped=nest.groups > 1)}"


@cache
def _shape(*, grouped: bool) -> str:
    """Return the section that says what the dimensions mean, the same for every problem of its sort."""
    groups = ["G"] if grouped else []
    lines = [
        "  shape:",
        f"    name: {'grouped_conv' if grouped else 'cnn_layer'}",
        f"    dimensions: {inline([*groups, *DIMENSIONS])}",
        "    coefficients:",
        *(f"    - {inline({'name': name, 'default': 1})}" for name in COEFFICIENTS),
        "    data_spaces:",
    ]
    for name, axes in _spaces(groups).items():
        written = {"name": name, "projection": axes} | ({"read_write": True} if name == "Outputs" else {})
        lines.append(f"    - {inline(written)}")
    return "\n".join(lines) + "\n"


def _instance(nest: Nest) -> dict[str, int]:
    (height, width), (p_height, p_width) = nest.kernel, nest.out
    dims = {"C": nest.channels, "M": nest.filters, "R": width, "S": height, "N": 1, "P": p_width, "Q": p_height}
    strides = {"Wstride": nest.stride[1], "Hstride": nest.stride[0]}
    dilations = {"Wdilation": nest.dilation[1], "Hdilation": nest.dilation[0]}
    return ({"G": nest.groups} if nest.groups > 1 else {}) | dims | strides | dilations


def _spaces(groups: list[str]) -> dict[str, list[Datum]]:
    """Return the three tensors' axes, each a sum of dimensions times coefficients."""
    grouped = [[[group]] for group in groups]
    across = [["R", "Wdilation"], ["P", "Wstride"]]
    down = [["S", "Hdilation"], ["Q", "Hstride"]]
    return {
        "Weights": [*grouped, [["C"]], [["M"]], [["R"]], [["S"]]],
        "Inputs": [[["N"]], *grouped, [["C"]], across, down],
        "Outputs": [[["N"]], *grouped, [["M"]], [["Q"]], [["P"]]],
    }
