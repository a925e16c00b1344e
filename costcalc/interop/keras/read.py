"""Keras models, as a format that is read."""

from __future__ import annotations

import re

from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_keras(head: Head) -> bool:
    """Say whether a file is a `.keras` zip, or JSON of a class and its config."""
    if head.names:
        return "config.json" in head.names and any(name in head.names for name in ("metadata.json", "model.weights.h5"))
    return (
        re.match(r'\s*"?\{', head.text) is not None
        and re.search(r'"class_name\\?"\s*:', head.text[:10_000]) is not None
    )


FORMAT = Format(
    "keras",
    "a Keras model",
    (".keras", ".json"),
    "JSON with `class_name` (of `model.to_json()`), or a zip with `config.json` and `metadata.json`",
    is_keras,
    lacks="layers of one's own, `Lambda`, subclassed models (they are code)",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in a Keras file; SpecError for what can't be read."""
    from costcalc.interop.keras import importer

    return importer.read(path, options)
