"""Where the numbers of a constant come from, by which it is told what was learned. docs/formats.md states the rule.

A layer's own weights (a kernel, a bias, the scale of a norm) are learned wherever they come from, unless the file says
otherwise. What only meets data element by element, or stands beside it, may be anchors, masks or means as well as an
embedding: there the origin decides.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Self


class Origin(Enum):
    """Where a constant's numbers come from."""

    PARAMETER = auto()  # stored, and the file says that it is learned
    BUFFER = auto()  # stored, and the file says that it is not
    NAMED = auto()  # stored under a name of its own
    FOLDED = auto()  # stored under a name that an exporter made up: it was computed from others
    CONSTANT = auto()  # the value of a Constant node, where exporters put what is no parameter
    WHOLE = auto()  # stored as whole numbers
    MADE = auto()  # stored nowhere: ConstantOfShape, Range, random numbers
    FIXED = auto()  # stored nowhere, and the file says that it stands for no weights


class Root(str):
    """The name of what a constant's numbers come from, with its origin; equal names are the same."""

    __slots__ = ("origin",)
    origin: Origin

    def __new__(cls, name: str, origin: Origin) -> Self:
        """Return a name with an origin."""
        root = super().__new__(cls, name)
        root.origin = origin
        return root


UNSTORED = (Origin.MADE, Origin.FIXED)
UNLEARNED = (Origin.BUFFER, Origin.FIXED)  # as the file says, also where a layer uses them as weights

# Names that exporters make up: `123`, `onnx::Add_145`, `/model.22/Constant_9_output_0`, `val_12`, `const_fold_opt__87`.
_MADE_UP = re.compile(
    r"\d+|onnx::.*|/.*_output_\d+|_?val_\d+|_?lifted_tensor\w*|(.*[/:.])?_?const(ant)?(_fold\w*)?[@_:\d]*(_output_\d+)?(:\d+)?",
    re.IGNORECASE,
)
# Words that a parameter's name ends with, and words in the names of what is stored and not learned.
_PARAMETERS = frozenset(
    "weight weights w bias biases b gamma beta alpha slope scale offset kernel factor embed embedding embeddings token "
    "tokens query queries table".split()
)
_BUFFERS = frozenset(
    "anchor anchors prior priors stride strides grid grids mask masks mean means std var variance running coord coords "
    "coordinates freq freqs index indices id ids pe".split()
)


def of_initializer(name: str, *, whole: bool) -> Origin:
    """Return the origin of a tensor in the file's list of initializers."""
    if whole:
        return Origin.WHOLE
    return Origin.FOLDED if _MADE_UP.fullmatch(name) else Origin.NAMED


def of_constant_node(name: str, *, whole: bool) -> Origin:
    """Return the origin of a Constant node's value: PaddlePaddle's have the names of parameters, `conv2d_0.w_0`."""
    if whole:
        return Origin.WHOLE
    own = not _MADE_UP.fullmatch(name) and ("." in name or _words(name)[-1:] in ([word] for word in _PARAMETERS))
    return Origin.NAMED if own else Origin.CONSTANT


def is_learned(root: Root, *, per_channel: bool, on_image: bool) -> bool:
    """Say whether a constant was learned that is joined with data: added, multiplied, put beside it.

    per_channel: it has one number a channel. on_image: the data is the image yet, that no layer has seen, so that a
    number a channel is a mean or a deviation.
    """
    if root.origin is Origin.NAMED:
        return not is_buffer_name(root) and not (on_image and per_channel)
    if root.origin in (Origin.FOLDED, Origin.MADE):
        return per_channel and not on_image
    return root.origin is Origin.PARAMETER


def is_buffer_name(name: str) -> bool:
    """Say whether a name is one of what is stored and not learned: `attn_mask`, but not `mask_token`."""
    words = _words(name)
    return bool(words) and words[-1] not in _PARAMETERS and not _BUFFERS.isdisjoint(words)


def _words(name: str) -> list[str]:
    """Return the words of a name's last part, in small letters: of `model.22.anchor_points` anchor, points."""
    parts = [part for part in re.split(r"[./:]+", name) if re.search(r"[^\W\d_]", part) and part != "ReadVariableOp"]
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", parts[-1]).lower()) if parts else []
