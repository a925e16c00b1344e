"""Darknet's definitions, as a format that is read."""

from __future__ import annotations

import os
import re

from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_darknet(head: Head) -> bool:
    """Say whether a text begins with the section of a network, behind comments."""
    return re.match(r"(\s*[#;].*\n)*\s*\[\s*(net|network)\s*\]", head.text) is not None


FORMAT = Format(
    "darknet",
    "a Darknet definition",
    (".cfg",),
    "a text whose first section is `[net]`",
    is_darknet,
    ("opaque",),
    lacks="recurrent sections, antialiasing, learned shortcuts; decoding of boxes is not counted",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in a `.cfg`; raise SpecError, with line and column, for what can't be read."""
    from costcalc.base import files
    from costcalc.interop.darknet import importer

    name = options.name or os.path.splitext(os.path.basename(path))[0]
    return importer.read(files.read(path), name, path, opaque=options.opaque)
