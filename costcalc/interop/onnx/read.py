"""ONNX files, as a format that is read."""

from __future__ import annotations

import re

from costcalc.base.arguments import sole
from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_onnx(head: Head) -> bool:
    """Say whether a file begins as an ONNX model: with the format's version, then its maker, graph or operators."""
    begins = re.match(rb"\x08[\3-\x10][\x12\x1a\x22\x3a\x42]", head.data) is not None
    return begins and head.suffix != ".mlmodel"  # which begins so too


FORMAT = Format(
    "onnx",
    "an ONNX model",
    (".onnx",),
    "protocol buffers that begin with a version of the format",
    is_onnx,
    extra="onnx",
    lacks="several inputs",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in an ONNX file, whose weights are not loaded; raise SpecError for what can't be read."""
    from costcalc.interop.onnx import importer

    flat = importer.read(path, sole(options.input), opaque=options.opaque)
    flat.name = options.name or flat.name
    return flat
