"""Ultralytics' model files, as a format that is read."""

from __future__ import annotations

import re

from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_ultralytics(head: Head) -> bool:
    """Say whether a text has the two lists of layers that a model file has."""
    return all(re.search(rf"(?m)^[\"']?{key}[\"']?\s*:", head.text) for key in ("backbone", "head"))


FORMAT = Format(
    "ultralytics",
    "an Ultralytics model file",
    (".yaml", ".yml"),
    "YAML with the keys `backbone` and `head`",
    is_ultralytics,
    ("scale",),
    lacks="modules that no file of the package has; PyTorch's own layers but pools, sums, padding and activations",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in a model file; raise SpecError, with line and column, for what can't be read.

    scale: which of the file's `scales`, if not what its name says (yolov8n.yaml) or the first.
    """
    from costcalc.base import files
    from costcalc.interop.ultralytics import importer

    return importer.read(files.read(path), path, options.word("scale", ""), options.name)
