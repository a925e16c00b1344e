"""The formats that are read, found by being there, and the one way into them: a file becomes a spec."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from costcalc.base import Datum, InputShape
from costcalc.base.errors import nearest, stop
from costcalc.interop import refused
from costcalc.interop.format import Format, Head, Model, ReadOptions
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.source import parse

_TEXTS = (".yaml", ".yml", ".json", ".txt", "")  # suffixes that say nothing of a format


@lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Return the formats by name: one for each folder here whose module `read` has a FORMAT."""
    here = os.path.dirname(__file__)
    folders = [one for one in sorted(os.listdir(here)) if os.path.isfile(os.path.join(here, one, "read.py"))]
    found = (getattr(_reader(one), "FORMAT", None) for one in folders)
    return {form.name: form for form in found if form is not None}


def _reader(name: str) -> Any:
    return import_module(f"costcalc.interop.{name}.read")


def recognized(path: str) -> Format | None:
    """Return the format of a file: by its content, or else by its suffix; None of what looks like a text of ours.

    Raises SpecError for what is known and not read, and where several formats claim it.
    """
    config = os.path.join(path, "config.json")
    if os.path.isfile(config):  # a model's folder, as Hugging Face writes it
        return recognized(config)
    if os.path.isdir(path):
        refused.refuse(path, refused.folder(path))
    if not os.path.isfile(path):
        return None  # which reading it tells; a device is not opened
    try:
        head = Head(path)
    except OSError:
        return None
    if zoo.says_costcalc(head.text):
        return None
    claims = [form for form in formats().values() if form.is_it(head)]
    if not claims:
        refused.refuse(path, refused.by_content(head))
    if not claims and head.suffix not in _TEXTS:
        claims = [form for form in formats().values() if head.suffix in form.suffixes]
    if not claims:
        refused.refuse(path, refused.by_suffix(head))
    claims = [form for form in claims if head.suffix in form.suffixes] or claims
    if len(claims) > 1:
        hint = " or ".join(f"costcalc import {form.name} {path}" for form in claims)
        raise stop(f"{path} may be {' or '.join(form.what for form in claims)}", hint=hint)
    return claims[0] if claims else None


def read(path: str, options: ReadOptions, form: Format) -> Model:
    """Return the network in a file; raise SpecError where it can't be read, or not as it is asked for."""
    for name in options.more:
        if name not in form.options:
            own = [word for word in form.options if word not in ReadOptions._fields]
            hint = nearest(name, own) or (f"its options: {', '.join(own)}" if own else "")
            raise stop(f"{form.what} is not read by '{name:.60}'", hint=hint)
    model: Model = _reader(form.name).read(path, options)
    return model


def spec_of(path: str, shape: InputShape | None, given: Mapping[str, Datum]) -> Spec | None:
    """Return the spec that a file of another format is; None where it looks like none.

    given: what is asked of the network by name. What the format takes is an option of its reader, and kept in the
    spec's `read_with`; the rest are knobs. The shape is for the reader too where it takes one.

    Raises SpecError for a file that is read by another way, or not at all.
    """
    form = recognized(path)
    if form is None:
        return None
    used = {name: _typed(value) for name, value in given.items() if name in form.options}
    own = {name: value for name, value in used.items() if name != "opaque"}
    opaque = ReadOptions(more=used).flag("opaque")
    model = read(path, ReadOptions(shape if "input" in form.options else None, opaque, more=own), form)
    spec = zoo.load_text(model.text(), path)
    spec.read_with = used
    return spec


def _typed(value: Datum) -> Datum:
    """Return a value that is a text on the command line as what it says: true, a number, or a word."""
    node, problems = parse(value, "") if isinstance(value, str) else (None, None)
    return node.plain() if node is not None and not problems else value
