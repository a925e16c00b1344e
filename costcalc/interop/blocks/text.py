"""Items as a spec writes them: names where they are needed, tables for long rows of calls, defaults for all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from costcalc.base import Datum
from costcalc.interop.blocks.arguments import ENTERS, TURNS, Computed, FoundBlock, Ref, WrittenItem, free, same
from costcalc.interop.blocks.tree import HALF, Free
from costcalc.language.document import INPUT
from costcalc.language.flat import legal_name
from costcalc.operators import op as ops
from costcalc.operators.fields import REQUIRED

LEAST_ROWS = 5  # of a table; fewer calls are written one by one


def written(
    items: Sequence[WrittenItem], block: FoundBlock | None, taken: set[str], results: Sequence[Ref] = ()
) -> tuple[list[Datum], list[str]]:
    """Return items as data, and the names of the results unless they are what flows out at the end.

    block: whose items they are, None of the network's own list. taken: names that no layer may have.
    """
    flowing = results and list(results) == [(len(items) - 1, None)]
    names = _names(items, block, taken, () if flowing else results)
    found: list[Datum] = []
    number = 0
    while number < len(items):
        rows = 1 if block else _rows(items, number, names)
        if rows >= LEAST_ROWS:
            found.append(_table(items[number : number + rows]))
        else:
            rows = 1
            found.append(_item(items[number], number, items, names))
        number += rows
    return found, [] if flowing else [_spelled(ref, names) for ref in results]


def _flow(number: int, items: Sequence[WrittenItem]) -> Ref | None:
    """Return what flows into an item; None where it is several tensors."""
    if number == 0:
        return ENTERS
    return (number - 1, None) if items[number - 1].flows else None


# ---- names -------------------------------------------------------------------------------------------


def _names(
    items: Sequence[WrittenItem], block: FoundBlock | None, taken: set[str], results: Sequence[Ref]
) -> dict[int, str]:
    """Return the names that layers need: of those that something else reads than what follows, and of modules."""
    asked = {ref[0] for ref in results}
    for number, item in enumerate(items):
        before = _flow(number, items)
        bundled = item.joins and item.fields
        asked |= {ref[0] for ref in item.refs if bundled or ref != before}
    used = {*taken, *(argument.name for argument in (block.arguments if block else ()))}
    names = {}
    for number, item in enumerate(items):
        module = block is None and isinstance(item.kind, FoundBlock) and item.repeat == 1
        leaf = item.label.rpartition(".")[2]
        if number in asked or (module and not leaf.isdigit()):
            names[number] = item.name = free(_label(item), used, "_")
            used.add(names[number])
    return names


def _label(item: WrittenItem) -> str:
    """Return a name for a layer: a module's own; of a layer the outermost word inside the module around it."""
    words = [re.sub(r"\W", "_", word) for word in item.label.split(".") if not word.isdigit()]
    if not words:
        return f"{item.kind if isinstance(item.kind, str) else item.kind.name}_out"
    return legal_name(words[-1] if isinstance(item.kind, FoundBlock) else words[0])


def _spelled(ref: Ref, names: dict[int, str]) -> str:
    if ref[0] < 0:
        return INPUT
    return names[ref[0]] if ref[1] is None else f"{names[ref[0]]}.{ref[1]}"


# ---- items -------------------------------------------------------------------------------------------


def _item(item: WrittenItem, number: int, items: Sequence[WrittenItem], names: dict[int, str]) -> Datum:
    """Return an item: an operator or a call, with its modifiers."""
    key = item.kind if isinstance(item.kind, str) else item.kind.name
    before = _flow(number, items)
    called = isinstance(item.kind, FoundBlock)
    order = [argument.name for argument in item.kind.arguments] if called else list(ops.operators()[key].fields)
    fields = {name: plain(item.fields[name]) for name in order if name in item.fields}
    found: dict[str, Datum] = {key: fields or None}
    fed = [_spelled(ref, names) if ref != before or fields else [] for ref in item.refs] if item.joins else []
    if item.joins and not fields:
        found[key] = [INPUT if ref == ENTERS else said for ref, said in zip(item.refs, fed, strict=True)]
    if number in names:
        found["name"] = names[number]
    if item.joins and fields:
        found["from"] = fed
    elif item.refs and not item.joins and item.refs[0] != before:
        found["from"] = _spelled(item.refs[0], names)
    if item.flag:
        found["if"] = str(item.flag)
    if item.share:
        found["share"] = item.share
    if not same(item.repeat, 1):
        found[TURNS] = plain(item.repeat)
    return key if found == {key: None} else found


def plain(value: Datum) -> Datum:
    """Return a value as data: expressions as text."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return str(value) if isinstance(value, Computed) else value


# ---- tables ------------------------------------------------------------------------------------------


def _rows(items: Sequence[WrittenItem], start: int, names: dict[int, str]) -> int:
    """Return how many calls of one block follow each other without names."""
    number = start
    while number < len(items):
        item = items[number]
        called = isinstance(item.kind, FoundBlock) and item.kind is items[start].kind and not item.share
        if not called or number in names or list(item.refs) != [_flow(number, items)]:
            break
        number += 1
    return number - start


def _table(items: Sequence[WrittenItem]) -> Datum:
    """Return a table of calls: a column for each argument that varies."""
    block: FoundBlock = items[0].kind
    columns: dict[str, list[Datum]] = {}
    call: dict[str, Datum] = {}
    for argument in block.arguments:
        values = [item.fields.get(argument.name, block.defaults.get(argument.name)) for item in items]
        if not all(same(value, values[0]) for value in values):
            columns[argument.name] = values
            call[argument.name] = argument.name
        elif argument.name in items[0].fields:
            call[argument.name] = values[0]
    done: dict[str, Datum] = {block.name: call or None}
    turns = [item.repeat for item in items]
    if any(turn != 1 for turn in turns):
        column = free("n", {*columns, block.name})
        columns[column] = turns
        done[TURNS] = column
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return {"table": [list(columns), *rows], "do": [done if done != {block.name: None} else block.name]}


# ---- defaults ----------------------------------------------------------------------------------------


def defaulted(bodies: Sequence[list[Datum]]) -> dict[str, Datum]:
    """Take out of all items what most of them say, and return it as the spec's `defaults`."""
    items: dict[str, list[dict[str, Datum]]] = {}
    for body in bodies:
        for item in _spelt_out(body):
            for kind in item:
                if kind in ops.operators() and not isinstance(item[kind], list):
                    item[kind] = item[kind] or {}
                    items.setdefault(kind, []).append(item)
    found: dict[str, Datum] = {}
    for kind, mine in sorted(items.items()):
        fields = [item[kind] for item in mine]
        given = {name: best for name in _general(kind) if (best := _taken(kind, name, fields)) is not None}
        for item in mine:
            if not item[kind]:
                item[kind] = None
        if given:
            found[kind] = given
    for body in bodies:
        body[:] = [_bare(item) for item in body]
    return found


def _spelt_out(body: list[Datum]) -> Iterator[dict[str, Datum]]:
    """Yield the items of a body as mappings, bare words made such, those of tables too."""
    for number, item in enumerate(body):
        if isinstance(item, str):
            body[number] = {item: None}
        yield body[number]
        if "do" in body[number]:
            yield from _spelt_out(body[number]["do"])


def _bare(item: dict[str, Datum]) -> Datum:
    if "do" in item:
        item["do"] = [_bare(inner) for inner in item["do"]]
    return next(iter(item)) if list(item.values()) == [None] else item


def _general(kind: str) -> list[str]:
    """Return the fields that a network's layers of a kind tend to have in common."""
    cls = ops.operators()[kind]
    return [name for name in ("padding", *cls.roles) if name in cls.fields]


def _taken(kind: str, name: str, items: list[dict[str, Datum]]) -> Datum:
    """Take a field's most common value out of the items; None where that would say more than it saves."""
    natural = ops.operators()[kind].fields[name].default
    said = Counter(fields[name] for fields in items if name in fields and not isinstance(fields[name], Free | list))
    best, count = said.most_common(1)[0] if said else (None, 0)
    silent = sum(name not in fields for fields in items)
    if count < 2 or count <= silent or natural in (None, REQUIRED) or not _constant(best):
        best = None
    for fields in items:
        value = fields.get(name, natural)
        if same(value, best) or (isinstance(value, Free) and best in (None, HALF)):
            fields.pop(name)
        elif isinstance(value, Free) or (best is not None and name not in fields):
            fields[name] = HALF if isinstance(value, Free) else natural
    return best


def _constant(value: Datum) -> bool:
    """Say whether a value is no argument's: defaults see none."""
    return not isinstance(value, str) or bool(
        value in ops.role_words("norm") or value in ops.role_words("act") or value == HALF
    )
