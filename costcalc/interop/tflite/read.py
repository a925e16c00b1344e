"""TFLite files, as a format that is read: by a reader of flatbuffers of our own, no package is needed."""

from __future__ import annotations

from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_tflite(head: Head) -> bool:
    """Say whether a file is a flatbuffer of TFLite's schema."""
    return head.data[4:8] == b"TFL3"


FORMAT = Format(
    "tflite",
    "a TFLite model",
    (".tflite", ".lite"),
    "a flatbuffer with `TFL3` at its fifth byte",
    is_tflite,
    ("input", "opaque", "steps"),
    lacks="custom operators and those of TensorFlow itself",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in a TFLite file, whose weights stay where they are.

    options: the input's shape where the file leaves it open; `steps`: how often a loop runs where the file doesn't say.
    Raises SpecError for a file that is none, and for what can't be expressed, by the operator's name.
    """
    from costcalc.interop.tflite import importer

    return importer.read(path, options)
