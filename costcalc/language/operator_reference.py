"""The reference of all operators as Markdown, made from their classes: docs/operators.md, `costcalc ops`."""

from __future__ import annotations

import inspect

from costcalc.base import Datum, grouped
from costcalc.language.yaml_text import inline
from costcalc.operators import op as ops
from costcalc.operators.fields import REQUIRED, Field, counted_axes
from costcalc.operators.op import Example, Op

HEAD = """# Operators

Every operator of the language: what it is, its fields, and worked examples, which the tests run. Shapes are
channels x height x width. Over one axis they are channels x length, over three (a video, a volume) channels x depth x
height x width: an operator is the same, and a list has a number for each axis, as `kernel: [3, 1, 1]`. Defaults are
PyTorch's; a spec states its own under `defaults`. Where a number stands an expression may stand. Beside an operator may
stand the modifiers `name`, `repeat`, `if`, `from`, `share`, `bits` and `density` (see [the language](language.md)).

What an example gives are the [components](conventions.md#components) that are not zero. `costcalc explain` prints the
formulas of any layer with its numbers put in.
"""


def families() -> dict[str, list[type[Op]]]:
    """Return the operators by the file that defines them, those that multiply and accumulate first."""
    found = grouped((cls.__module__, cls) for cls in dict.fromkeys(ops.operators().values()))
    return dict(sorted(found.items(), key=lambda pair: all("macs" not in cls.counted for cls in pair[1])))


def whole() -> str:
    """Return the whole reference."""
    parts = [HEAD]
    for module, classes in families().items():
        parts.append(f"## {title(module)}\n")
        parts += [entry(cls) for cls in classes]
    return "\n".join(parts)


def title(module: str) -> str:
    """Return what a family is: the first line of its file."""
    import sys

    text = (sys.modules[module].__doc__ or module).strip().splitlines()[0]
    return text.split(". ")[0].rstrip(".")


def entry(cls: type[Op], level: str = "###") -> str:
    """Return one operator's entry: what it is, its fields, its examples."""
    also = f" (also `{'`, `'.join(cls.aliases)}`)" if cls.aliases else ""
    said = [f"{level} `{cls.kind}`{also}\n", inspect.cleandoc(cls.__doc__ or ""), ""]
    uses = [f"`norm: {cls.norm_word}`"] if cls.norm_word else []
    uses += [f"`act: {name}`" for name in (cls.kind, *cls.aliases)] if cls.is_act else []
    if uses:
        said += [f"As shorthand: {', '.join(uses)}.", ""]
    if cls.axes:
        said += [f"Takes {counted_axes(cls.axes)}.", ""]
    if cls.inputs == 0:
        said += ["Takes no tensor: what flows in goes nowhere.", ""]
    elif cls.joins:
        given = f"; or, with fields, `{{{cls.kind}: {{...}}, from: [a, b]}}`" if cls.fields else ""
        said += [f"Takes branches: a list, or a mapping whose keys name them{given}.", ""]
    if cls.fields:
        said += ["| field | takes | default | meaning |", "| --- | --- | --- | --- |"]
        said += [_field(field) for field in cls.fields.values()]
        said.append("")
    said += ["| example | input | output | gives |", "| --- | --- | --- | --- |"]
    said += [_example(cls, example) for example in cls.examples]
    return "\n".join([*said, ""])


def _field(field: Field) -> str:
    default = "required" if field.default is REQUIRED else _code(field.default)
    return f"| `{field.name}` | {_cell(field.kind)} | {default} | {_cell(field.doc)} |"


def _example(cls: type[Op], example: Example) -> str:
    spec = f"{cls.kind}: {inline(example.fields)}" if example.fields else cls.kind
    counts = [f"{name.replace('_', ' ')} {_count(value)}" for name, value in example.counts.items()]
    note = f"; {example.note}" if example.note else ""
    said = f"{', '.join(counts) or 'no cost'}{note}"
    return f"| `{spec}` | {_shape(example.x)} | {_shape(example.y)} | {_cell(said)} |"


def _count(value: Datum) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{kind} {n:,}" for kind, n in value.items())
    return f"{value:,}"


def _shape(dims: Datum) -> str:
    if isinstance(dims, list) or (dims and isinstance(dims[0], tuple)):
        return ", ".join(_shape(part) for part in dims)
    return "x".join(str(d) for d in dims)


def _code(value: Datum) -> str:
    return "" if value is None or value == "" else f"`{inline(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")
