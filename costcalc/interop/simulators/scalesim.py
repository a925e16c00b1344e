"""SCALE-Sim's topology CSV (https://github.com/scalesim-project/SCALE-Sim, `topologies/conv_nets/`).

A line is a convolution: input height and width, kernel height and width, channels, filters, stride.
The simulator knows no padding, so that the input is the part that the windows span, padding
included: (out - 1) * stride + kernel. Its output, ceil((input - kernel + stride) / stride), is then ours.
"""

from __future__ import annotations

from costcalc.base.text import clean
from costcalc.graph.graph import Graph
from costcalc.interop.simulators.loop_nests import Nest, nests, tell

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
DEPTHWISE = "DP"  # the mark, anywhere in a name, of a line that is simulated once for each channel on its own


def topology(graph: Graph, left_out: list[str] | None = None) -> str:
    """Return the CSV of a network, a line for every layer that multiplies (or more, where it has groups).

    A depthwise convolution is one line, whose name ends in `_DP` (versions 2 and 3 run it channel by
    channel), another grouped one a line a group, a fully connected layer or a product of matrices a
    kernel of 1x1. left_out: takes a note for each layer that the format can't hold (dilation, or strides
    that differ); without it such a layer is an error (SpecError).
    """
    lines, notes = [HEADER], list[str]()
    for nest in nests(graph, left_out):
        why = _refused(nest)
        if why:
            notes.append(f"{nest.name}: SCALE-Sim has no {why}")
        else:
            lines += _lines(nest)
    tell(notes, left_out)
    return "\n".join(lines) + "\n"


def _refused(nest: Nest) -> str:
    """Return what the format can't hold; one tap, or one output, is the same with any dilation or stride."""
    axes = list(zip(nest.kernel, nest.out, nest.stride, nest.dilation, strict=True))
    if any(dilation > 1 and kernel > 1 for kernel, _, _, dilation in axes):
        return "dilation"
    return "stride of two numbers" if len({stride for _, out, stride, _ in axes if out > 1}) > 1 else ""


def _lines(nest: Nest) -> list[str]:
    stride = max([stride for out, stride in zip(nest.out, nest.stride, strict=True) if out > 1], default=1)
    spans = [(out - 1) * stride + kernel for out, kernel in zip(nest.out, nest.kernel, strict=True)]
    name = clean(nest.name, "csv").replace(",", "_").replace(DEPTHWISE, "Dp")
    if nest.groups > 1 and nest.channels == 1:
        return [_line(f"{name}_{DEPTHWISE}", *spans, *nest.kernel, nest.groups, nest.filters, stride)]
    names = [f"{name}_group{k}" for k in range(nest.groups)] if nest.groups > 1 else [name]
    return [_line(one, *spans, *nest.kernel, nest.channels, nest.filters, stride) for one in names]


def _line(*values: str | int) -> str:
    # The comma at the end is part of the format: what stands behind the last one is cut off.
    return ", ".join(str(value) for value in values) + ","
