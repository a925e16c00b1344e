"""Reading the fields of an operator; what needs no scope is checked at once."""

from __future__ import annotations

import re

from costcalc.base.errors import Fault, Mark, Problems, closest, nearest
from costcalc.language.context import Context
from costcalc.language.document import Value, mistaken
from costcalc.language.source import YamlNode
from costcalc.language.values import ValueReader
from costcalc.operators import op as ops
from costcalc.operators.fields import AMBIENT, MODIFIERS, REQUIRED, Field, Role, Text


def read_fields(cls: type[ops.Op], node: YamlNode, context: Context, values: ValueReader) -> dict[str, Value]:
    """Read the fields that are given to an operator."""
    problems = values.problems
    if node.value is None:
        return {}
    if not node.is_map:
        wanted = ", ".join(f"{n}: ..." for n, f in cls.fields.items() if f.default is REQUIRED) or "field: ..."
        said = f"{cls.kind} takes a mapping of fields, not {node.spoken}"
        problems.note(said, node.mark, f"write {cls.kind}: {{{wanted}}}")
        return {}
    found = {}
    for name, value in node.value.items():
        field = cls.fields.get(name)
        if field is None:
            _refuse(name, node.keys[name], cls, problems)
            found[closest(name, cls.fields)] = mistaken(value.mark)
        elif value.value is None:
            problems.note(f"'{name}' is empty", value.mark, f"{name}: {field.doc}")
            found[name] = mistaken(value.mark)
        else:
            found[name] = _read(field, value, context, values)
    found.pop("", None)
    return found


def _refuse(name: str, mark: Mark, cls: type[ops.Op], problems: Problems) -> None:
    """Say what is wrong with a field that an operator does not have."""
    if name in MODIFIERS:
        hint = f"'{name}' stands beside {cls.kind}, not inside its braces: {{{cls.kind}: {{...}}, {name}: ...}}"
    else:
        hint = nearest(name, cls.fields) or f"fields of {cls.kind}: {', '.join(cls.fields) or 'none'}"
    problems.note(f"{cls.kind} has no field '{name}'", mark, hint)


def _read(field: Field, node: YamlNode, context: Context, values: ValueReader) -> Value:
    """Read one field's value."""
    if isinstance(field, Text):
        return Value(node.mark, str(node.plain()))
    words = field.words
    if isinstance(field, Role):
        words = words | ops.role_words(field.role).keys()
    given = node.value
    if words and isinstance(given, str) and given not in context.variables and given not in AMBIENT:
        if given in words:
            return Value(node.mark, given)
        if re.match(r"[A-Za-z_]\w*\Z", given):
            hint = nearest(given, {*words, *context.variables}) or f"known: {', '.join(sorted(words))}"
            values.problems.note(f"{field.name}: '{given}' is not known here", node.mark, hint)
            return mistaken(node.mark)
    value = values.value(node, context, words=words)
    if value.fixed:
        try:
            field.parse(value.constant)
            if isinstance(field, Role) and value.constant not in words:
                raise field.fault(f"'{value.constant}' is not known", nearest(value.constant, words))
        except Fault as fault:
            values.problems.add(fault.at(node.mark))
            return mistaken(node.mark)
    return value
