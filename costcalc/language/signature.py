"""The heads of blocks and definitions: `separable(out, stride=1)`."""

from __future__ import annotations

import ast

from costcalc.base.errors import Fault
from costcalc.base.text import is_word
from costcalc.language.expr import Expr, parse, tree_of

Argument = tuple[str, int, Expr | None, int]  # name and its offset, default and its offset

_ADVICE = "write name(first, second=default), those with a default last"


def parse_signature(text: str) -> tuple[str, list[Argument]]:
    """Return name and arguments, with their defaults, of `separable(out, stride=1)` or of a bare name."""
    text = text.strip()
    if is_word(text):
        return text, []
    tree = _call(text)
    assert isinstance(tree.func, ast.Name)
    arguments: list[Argument] = []
    for arg in tree.args:
        if not isinstance(arg, ast.Name):
            raise Fault("an argument is a name", _ADVICE, offset=arg.col_offset)
        arguments.append((arg.id, arg.col_offset, None, 0))
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise Fault("an argument is a name", _ADVICE, offset=keyword.col_offset)
        arguments.append((keyword.arg, keyword.col_offset, _default(text, keyword.value), keyword.value.col_offset))
    seen: set[str] = set()
    for name, offset, *_ in arguments:
        if name in seen:
            raise Fault(f"two arguments are called '{name}'", offset=offset)
        seen.add(name)
    return tree.func.id, arguments


def _call(text: str) -> ast.Call:
    """Return a signature's tree, which is that of a call."""
    try:
        tree = tree_of(text).body
    except Fault as fault:
        if "is no expression" not in fault.message:
            raise
        raise Fault(f"'{text[:60]}' is no name with arguments", _ADVICE, offset=fault.offset) from None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise Fault(f"'{text[:60]}' is no name with arguments", _ADVICE)
    return tree


def _default(text: str, node: ast.expr) -> Expr:
    """Return an argument's default; what is wrong in it is placed in the whole text."""
    try:
        return parse(text[node.col_offset : node.end_col_offset])
    except Fault as fault:
        raise Fault(fault.message, fault.hint, offset=node.col_offset + max(fault.offset, 0)) from None
