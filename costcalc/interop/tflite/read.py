"""A TFLite file -> a flat network of costcalc, by a reader of flatbuffers of our own: no package is needed.

Weights stay where they are in the file. docs/formats.md says by which rules operators are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.interop.format import Format, ReadOptions

if TYPE_CHECKING:
    from costcalc.language.flat import Flat

FORMAT = Format(
    name="tflite",
    what="a TFLite model",
    suffixes=(".tflite", ".lite"),
    told_by="`TFL3` at byte 4",
    is_it=lambda head: head.data[4:8] == b"TFL3",
    options=("input", "opaque", "steps"),
    lacks="operators of TensorFlow's own (Flex) and custom ones",
)


def read(path: str, options: ReadOptions) -> Flat:
    """Return the network in a TFLite file.

    options: the input's shape where the file leaves it open; `steps`: how often a loop runs where the file does not
    say. Raises SpecError for a file that is none, and for what can't be expressed, by the operator's name.
    """
    from costcalc.interop.tflite.reader import imported

    return imported(path, options)
