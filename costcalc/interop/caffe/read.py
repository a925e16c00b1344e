"""Caffe's definitions, as a format that is read."""

from __future__ import annotations

import re

from costcalc.base.arguments import sole
from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_caffe(head: Head) -> bool:
    """Say whether a text has a message of a layer: a solver names its network instead."""
    return re.search(r"(?m)^\s*layers?\s*\{", head.text) is not None


FORMAT = Format(
    "caffe",
    "a Caffe definition",
    (".prototxt",),
    "protocol buffers' text with `layer {` or `layers {`",
    is_caffe,
    lacks="recurrent layers; decoding of boxes is not counted",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in a `.prototxt`, in the phase TEST; SpecError, with its place, for what can't be read."""
    from costcalc.base import files
    from costcalc.interop.caffe import importer

    text = files.read(path)
    return importer.read(text, options.name, path, sole(options.input), opaque=options.opaque)
