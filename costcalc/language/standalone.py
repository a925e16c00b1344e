"""A zoo network as a file of its own: its spec's text with the variant's knob values put in.

The text is edited, not written anew, so that its comments and its layout stay; only the published
figures, of which the variant's rows are kept, are written again.
"""

from __future__ import annotations

from costcalc.base import Data
from costcalc.base.errors import stop
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.source import parse
from costcalc.language.yaml_text import inline

# By this line an editor finds the schema: the zoo's files name the one beside them, a file of one's own any clone's.
MODELINE = "# yaml-language-server: $schema="
SCHEMA = "docs/costcalc.draft-07.schema.json"
HOST = "https://raw.githubusercontent.com/costcalc/costcalc/main"


def for_an_editor(text: str) -> str:
    """Return a spec's text with the line by which an editor finds the schema, wherever the file lies; JSON has none."""
    if MODELINE in text:
        return text.replace(f"{MODELINE}../{SCHEMA}", f"{MODELINE}{HOST}/{SCHEMA}", 1)
    return text if text.lstrip().startswith("{") else f"{MODELINE}{HOST}/{SCHEMA}\n{text}"


def standalone(spec: Spec) -> str:
    """Return the spec's text with the variant resolved; of a spec without one, its text as it is.

    Raises SpecError where the text is not written line by line, so that it can't be edited so.
    """
    if not spec.variant or spec.root is None:
        return spec.text
    if spec.root.mark.text != spec.text:  # of a file of another format, whose places it keeps
        spec = zoo.load_text(spec.text, spec.where).chosen(spec.variant)
    assert spec.root is not None
    instead = {
        "name": [f"name: {inline(spec.variant)}"],
        "knobs": [f"knobs: {inline(spec.knobs)}", ""],
        "variants": [],
        "published": _published(spec),
    }
    lines = spec.text.splitlines()
    line_of = {key: mark.line for key, mark in spec.root.keys.items()}
    for key in sorted(instead.keys() & line_of, key=line_of.__getitem__, reverse=True):  # from the end: lines move
        first, last = _section(spec, key, lines)
        lines[first:last] = instead[key]
    text = "\n".join(lines).rstrip() + "\n"
    found, problems = parse(text, spec.where)
    if problems or found is None or found.plain() != _resolved(spec):
        hint = "write each section on lines of its own, and no anchor in knobs, variants or published that others use"
        raise stop(f"{spec.name}: its text cannot be written with the variant resolved", hint=hint)
    return text


def _resolved(spec: Spec) -> Data:
    """Return what the text with the variant resolved says, as plain data."""
    assert spec.root is not None
    found = spec.root.plain()
    instead = {"name": spec.variant, "knobs": spec.knobs, "variants": None, "published": _rows(spec)}
    found |= {key: value for key, value in instead.items() if key in found}
    return {key: value for key, value in found.items() if value or key not in instead}


def _section(spec: Spec, key: str, lines: list[str]) -> tuple[int, int]:
    """Return the lines of a top-level section: to the next one, less the comments that stand above that."""
    assert spec.root is not None
    first = spec.root.keys[key].line
    last = min((mark.line for mark in spec.root.keys.values() if mark.line > first), default=len(lines))
    while last > first + 1 and lines[last - 1].startswith("#"):
        last -= 1
    return first, last


def _published(spec: Spec) -> list[str]:
    """Return the section of published figures with the variant's rows only."""
    rows = _rows(spec).get("rows", [])
    return ["published:", "  rows:", *(f"    - {inline(row)}" for row in rows)] if rows else []


def _rows(spec: Spec) -> Data:
    rows = [row for row in spec.published if row.get("variant") == spec.variant]
    return {"rows": [{k: v for k, v in row.items() if k != "variant"} for row in rows]} if rows else {}
