"""A zoo network as a file of its own: its spec's text with the variant's knob values put in.

The text is edited, not written anew, so that its comments and its layout stay.
"""

from __future__ import annotations

from typing import Any

from costcalc.document import Spec
from costcalc.source import Node


def standalone(spec: Spec) -> str:
    """Return the spec's text with the variant resolved; of a spec without one, its text as it is."""
    if not spec.variant or spec.root is None:
        return spec.text
    lines = spec.text.splitlines()
    cuts: list[tuple[int, int, list[str]]] = []  # first line, line after the last, what stands there instead
    top = spec.root.value
    cuts.append((*_section(spec, "variants"), []))
    cuts.append((*_section(spec, "knobs"), [f"knobs: {_flow(spec.knobs)}", ""]))
    if "name" in top:
        cuts.append((*_section(spec, "name"), [f"name: {spec.variant}"]))
    rows = top["published"].value.get("rows") if "published" in top else None
    if rows is not None:
        cuts += _rows(spec, rows)
    for first, last, instead in sorted(cuts, reverse=True, key=lambda cut: cut[0]):
        kept = instead if instead or first == last else []
        lines[first:last] = kept
    return "\n".join(lines).rstrip() + "\n"


def _section(spec: Spec, key: str) -> tuple[int, int]:
    """Return the lines of a top-level section, comments above the next one left out."""
    assert spec.root is not None
    marks = spec.root.keys
    if key not in marks:
        return (0, 0)
    starts = sorted(mark.line for mark in marks.values())
    first = marks[key].line
    after = [line for line in starts if line > first]
    last = after[0] if after else len(spec.text.splitlines())
    lines = spec.text.splitlines()
    while last > first + 1 and lines[last - 1].lstrip().startswith("#") and not lines[last - 1].startswith(" "):
        last -= 1
    if key == "name":
        last = first + 1
    return first, last


def _rows(spec: Spec, rows: Node) -> list[tuple[int, int, list[str]]]:
    """Return the cuts that leave the published rows of this variant only, and take its name out of them."""
    lines = spec.text.splitlines()
    starts = [row.mark.line for row in rows.value]
    _, end = _section(spec, "published")
    cuts: list[tuple[int, int, list[str]]] = []
    for number, row in enumerate(rows.value):
        first = starts[number]
        last = starts[number + 1] if number + 1 < len(starts) else end
        named = row.value.get("variant")
        if named is None or named.value != spec.variant:
            cuts.append((first, last, []))
        else:
            cuts.append((first, first + 1, [lines[first].replace(f"variant: {spec.variant}, ", "", 1)]))
    if len([cut for cut in cuts if not cut[2]]) == len(rows.value):
        return [(*_section(spec, "published"), [])]
    return cuts


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
