"""Data written as YAML: a value on one line, an item, a whole spec."""

from __future__ import annotations

import re
from collections.abc import Iterable

from costcalc.base import Data, Datum
from costcalc.language.source import parse
from costcalc.operators.fields import TOP


def spec_text(data: Data) -> str:
    """Return the YAML text of a spec's data: sections in the language's order, an item a line."""
    said: list[str] = []
    for key in TOP:
        if key not in data:
            continue
        value = data[key]
        if key == "layers":
            said += ["", "layers:", *item_lines(value, 2)]
        elif key == "defaults":
            said += ["", "defaults:", *(f"  {kind}: {inline(fields)}" for kind, fields in value.items())]
        elif key == "blocks":
            said += ["", "blocks:"]
            for head, items in value.items():
                said += [f"  {head}:", *item_lines(items, 4)]
        elif key in ("define", "variants"):
            said += [f"{key}:", *(f"  {name}: {inline(part)}" for name, part in value.items())]
        else:
            said.append(f"{key}: {inline(value)}")
    return "\n".join(said) + "\n"


def item_lines(items: Iterable[Datum], indent: int) -> list[str]:
    """Return items as lines of YAML: one each, but for a table, which has a line for each of its rows."""
    said = []
    space = " " * indent
    for item in items:
        if isinstance(item, dict) and "table" in item:
            said += [f"{space}- table:", *(f"{space}    - {inline(row)}" for row in item["table"])]
            said += [f"{space}  do:", *item_lines(item["do"], indent + 4)]
        else:
            said.append(f"{space}- {line(item)}")
    return said


def line(item: Datum) -> str:
    """Return an item on one line: `conv: {out: 8, kernel: 3}` or `{relu, name: x, from: y}`."""
    if isinstance(item, str):
        return item
    parts = [key if value is None else f"{key}: {inline(value)}" for key, value in item.items()]
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def inline(value: Datum) -> str:
    """Return a value as YAML's flow style writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {inline(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else str(value)


def typed(value: Datum) -> str:
    """Return a knob's value as it is typed on the command line, where a list is one word: `[2,2,2,2]`."""
    return inline(value).replace(", ", ",")


def _text(value: str) -> str:
    """Return a text bare where it is read back as itself, else in quotes."""
    if re.fullmatch(r"\w[\w .%/+*()=!<>-]*", value):
        node, problems = parse(value, "")
        if not problems and node is not None and node.plain() == value:
            return value
    import json

    return json.dumps(value, ensure_ascii=False)
