"""OpenVINO's IR, as a format that is read."""

from __future__ import annotations

import re

from costcalc.interop.format import Format, Head, Model, ReadOptions


def is_openvino(head: Head) -> bool:
    """Say whether a text is XML whose first element is a net."""
    return re.match(r"\s*(<\?xml[^>]{0,200}\?>)?(\s|<!--.{0,2000}?-->)*<net\s", head.text, re.DOTALL) is not None


FORMAT = Format(
    "openvino",
    "an OpenVINO model",
    (".xml",),
    "XML that begins with `<net`",
    is_openvino,
    lacks="boxes whose number depends on the image; loops whose turns the file does not say",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network in an OpenVINO IR; of the `.bin` beside it short constants are read, where it is there.

    Raises SpecError for what can't be read, by the layer's name and type.
    """
    from costcalc.interop.guard import guarded
    from costcalc.interop.openvino.importer import IrImporter

    flat = guarded(path, lambda: IrImporter(path, options.input, opaque=options.opaque).run(), hint="")
    flat.name = options.name or flat.name
    return flat
