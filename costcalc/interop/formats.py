"""The formats that are read, found by being there, and the one way into them: a file becomes a spec."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from costcalc.base import Datum, InputShape
from costcalc.base.errors import stop
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


# PyTorch's modules are no files; what runs code is never found by looking into one.
TORCH = Format(
    "torch", "a PyTorch model", (), "MODULE:NAME, in Python the module", lambda _: False,
    ("input", "opaque", "regions"), "torch", "sizes and branches that depend on what the image shows", ("regions",),
)  # fmt: skip


def every() -> dict[str, Format]:
    """Return the formats, PyTorch's among them, by name."""
    return {TORCH.name: TORCH, **formats()}


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


def opened(
    source: Any, form: Format, shape: InputShape | None, given: Mapping[str, Datum], name: str = ""
) -> tuple[Model, dict[str, Datum]]:
    """Return the network in a file, or that a module or `module:name` is, and the options by which it was read.

    given: what is asked of the network by name, of which the format takes its options. Raises SpecError for what can't
    be read, or not so.
    """
    used = {key: _typed(value) for key, value in given.items() if key in form.options}
    own = {key: value for key, value in used.items() if key in form.own}
    opaque = ReadOptions(more=used).flag("opaque")
    options = ReadOptions(shape if "input" in form.options else None, opaque, name, own)
    if form is TORCH:
        from costcalc.interop.torch.target import traced

        return traced(source, options), used
    model: Model = _reader(form.name).read(source, options)
    return model, used


def spec_of(source: Any, form: Format, shape: InputShape | None, given: Mapping[str, Datum]) -> Spec:
    """Return the spec of the same, its options in `read_with`; what else is given are knobs."""
    # One value of a knob is what it is read at, too: the usual one may be more than there are.
    told = {key: one for key, one in given.items() if key not in form.knobs or isinstance(_typed(one), int)}
    model, used = opened(source, form, shape, told)
    where = source if isinstance(source, str) else model.name
    root = getattr(model, "root", None)  # of a reader whose spec keeps the places of the file
    spec = zoo.load_text(model.text(), where) if root is None else zoo.load_nodes(root, where)
    spec.text = spec.text if root is None else model.text()
    spec.read_with = {key: one for key, one in used.items() if key not in form.knobs}
    return spec


def is_own(path: str) -> bool:
    """Say whether a file is one of costcalc's."""
    return os.path.isfile(path) and zoo.says_costcalc(Head(path).text)


def no_model(path: str) -> tuple[str, str, str]:
    """Return what is wrong with a file that is of no format that is read, and what to do."""
    if not os.path.exists(path):
        variant = "@" in path and os.path.isfile(path.rpartition("@")[0])
        hint = f"costcalc show {path} writes a variant" if variant else "a model of PyTorch is given as MODULE:NAME"
        return f"{path}: there is no such file", "", hint
    if is_own(path):
        return f"{path} is a spec already", "", f"costcalc report {path}"
    known = ", ".join(form.what for form in every().values())
    return f"{path} is of no format that is read", "", f"these are: {known}"


def _typed(value: Datum) -> Datum:
    """Return a value that is a text on the command line as what it says: true, a number, or a word."""
    node, problems = parse(value, "") if isinstance(value, str) else (None, None)
    return node.plain() if node is not None and not problems else value
