"""What the modules of a model file take, and which blocks of ours they are.

A block has its module's name and its arguments in their order; its head in blocks.yaml says which there are. What comes
before them in a file's list, and what the reader adds, is said here.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

from costcalc.base.errors import LIBRARY
from costcalc.base.files import read

BLOCKS = os.path.join(os.path.dirname(__file__), "blocks.yaml")
WHERE = f"{LIBRARY} for Ultralytics"  # what the file is called in messages

# Modules whose first argument is channels, which the scale multiplies: those that repeat a part of theirs `n` times,
# as the row says, and those that stand so often.
REPEATING = frozenset(
    "BottleneckCSP C1 C2 C2f C3k2 C2fAttn C3 C3TR C3Ghost C3x RepC3 C2fPSA C2fCIB C2PSA A2C2f".split()
)
SCALED = REPEATING | frozenset(
    "Conv ConvTranspose GhostConv Bottleneck GhostBottleneck SPP SPPF DWConv DWConvTranspose2d Focus RepNCSPELAN4 "
    "ELAN1 AConv ADown SPPELAN PSA SCDown nn.ConvTranspose2d".split()
)
AS_GIVEN = frozenset("AIFI HGStem HGBlock".split())
DETECTING = {  # the heads that find boxes, and what stands in their rows
    "Detect": "nc", "Segment": "nc nm npr", "Segment26": "nc nm npr", "OBB": "nc ne", "OBB26": "nc ne",
    "Pose": "nc kpt_shape", "Pose26": "nc kpt_shape", "WorldDetect": "nc embed bn", "YOLOEDetect": "nc embed bn",
    "YOLOESegment": "nc nm npr embed bn", "YOLOESegment26": "nc nm npr embed bn", "v10Detect": "nc",
}  # fmt: skip
OTHERS = ("Classify", "Concat", "CBLinear", "CBFuse", "ResNetLayer", "ImagePoolingAttn", "RTDETRDecoder",
          "SemanticSegment", "Depth", "TorchVision")  # fmt: skip
LIGHTER = frozenset("C3k2 A2C2f C2fCIB".split())  # after one of these, a head's branches for classes are depthwise

TRUTH, NUMBER, WHOLES, ACT = "true or false", "a number", "a whole number or a list of them", "an activation"
KINDS = {  # of arguments, by their names in the blocks; any other is a whole number
    **dict.fromkeys("shortcut bn lk whole attn a2 res lightconv first".split(), TRUTH),
    **dict.fromkeys("e ratio".split(), NUMBER),
    "act": ACT,
    "k": WHOLES,
    "p": WHOLES,
}

# PyTorch's activations as ours.
ACTIVATIONS = {
    "ReLU": "relu", "ReLU6": "relu6", "LeakyReLU": "leaky_relu", "SiLU": "silu", "GELU": "gelu", "ELU": "elu",
    "CELU": "celu", "SELU": "selu", "Mish": "mish", "Hardswish": "hard_swish", "Hardsigmoid": "hard_sigmoid",
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Identity": "none",
}  # fmt: skip


@lru_cache(maxsize=1)
def library() -> tuple[list[str], dict[str, tuple[int, int]]]:
    """Return the lines of blocks.yaml, and of each block where its lines begin and end, comments before it included."""
    lines = read(BLOCKS).splitlines()
    heads = [number for number, line in enumerate(lines) if re.match(r"  \w", line)]
    starts = []
    for number in heads:
        start = number
        while lines[start - 1].startswith("  # ") and "----" not in lines[start - 1]:
            start -= 1
        starts.append(start)
    ends = [*starts[1:], len(lines)]
    names = [re.match(r"\s*(\w+)", lines[number])[1] for number in heads]  # type: ignore[index]
    return lines, dict(zip(names, zip(starts, ends, strict=True), strict=True))


def needed(words: set[str]) -> list[str]:
    """Return the blocks that some words name, and those that these call, in their file's order."""
    lines, places = library()
    found: set[str] = set()
    left = words & set(places)
    while left:
        name = left.pop()
        found.add(name)
        start, end = places[name]
        left |= (set(re.findall(r"\w+", "\n".join(lines[start:end]))) & set(places)) - found
    return [name for name in places if name in found]


def text_of(names: list[str]) -> str:
    """Return the text of some blocks, each line where it stands in blocks.yaml."""
    lines, places = library()
    kept = ["" for _ in lines]
    for name in names:
        start, end = places[name]
        kept[start:end] = lines[start:end]
    kept[lines.index("blocks:")] = "blocks:"
    return "\n".join(kept)


def head_of(name: str) -> str:
    """Return a block's head: its name and its arguments with their defaults."""
    lines, places = library()
    start, end = places[name]
    return next(line.strip().removesuffix(":") for line in lines[start:end] if re.match(r"  \w", line))
