"""Which layers a word means: a layer type as reports print it, a path, a group's path, or a pattern of either."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from costcalc.base import Datum
from costcalc.base.errors import nearest, stop
from costcalc.costs.rows import Row

EVERYTHING = "all"


def means(selector: str, path: str, type_: str) -> bool:
    """Say whether a selector means the layer of that path and type."""
    return (
        selector == EVERYTHING
        or fnmatchcase(type_, selector)
        or fnmatchcase(path, selector)
        or path.startswith((f"{selector}/", f"{selector}."))
    )


def valued(text: str, read: Callable[[str], Datum]) -> tuple[str, Datum]:
    """Return what `SELECTOR=VALUE` says, or `VALUE` of everything; `read` makes a value of its text."""
    selector, equals, value = text.rpartition("=")
    return (selector.strip() if equals else EVERYTHING, read(value.strip()))


def assigned(rows: Iterable[Row], choices: Sequence[tuple[str, Datum]], what: str) -> dict[str, Datum]:
    """Return the value of each row that a choice means, by the row's name; a later choice wins.

    Raises SpecError where a selector means no row that has weights.
    """
    found: dict[str, Datum] = {}
    weighty = [row for row in rows if row.node.op.weights(row.node.x, row.node.y)]
    for selector, value in choices:
        meant = [row.name for row in weighty if means(selector, row.name, row.type)]
        if not meant:
            types = dict.fromkeys(row.type for row in weighty)
            known = f"the types of its layers with weights: {', '.join(types)}"
            raise stop(f"{what}: '{selector}' is no layer with weights", hint=nearest(selector, types) or known)
        found |= dict.fromkeys(meant, value)
    return found
