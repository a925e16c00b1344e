"""What differs between one layer of a network and the layer of another that stands beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from costcalc.base import Datum
from costcalc.comparisons.aligning import Key
from costcalc.graph.graph import Tensor
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.op import Op
from costcalc.reports.lines import CountedRow, Line

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


class Change(NamedTuple):
    """A layer that is not the same in both networks; params and operations are what it adds to the difference."""

    kind: str
    before: Line | None
    after: Line | None
    fields: dict[str, tuple[str, str]]  # what is not the same, before and after
    params: Dim
    operations: Dim

    @property
    def name(self) -> str:
        """The layer's path; both paths where it was renamed too."""
        names = [line.name for line in (self.before, self.after) if line is not None]
        return " → ".join(dict.fromkeys(names))

    @property
    def type(self) -> str:
        """The layer's type, as it is after the change where there is one."""
        line = self.after or self.before
        return line.type if line else ""


def described(fields: dict[str, tuple[str, str]]) -> str:
    """Return what changed in a layer, in words: `kernel 3 → 5, out 64 → 96`."""
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in fields.items())


# ---- one layer -----------------------------------------------------------------------------------


def key(line: Line) -> Key:
    """Return what makes a layer the same as another, and what makes it alike."""
    x, y = _entering(line), _leaving(line)
    kinds = tuple(member.row.kind for member in line.rows)
    cost = (line.cost.params, line.cost.operations)
    content = (kinds, tuple(_fields(line).items()), x, y, cost)
    return Key(line.name, content, line.type, x, y)


def _entering(line: Line) -> str:
    return _shown(line.rows[0].row.node.x)


def _leaving(line: Line) -> str:
    return _shown(line.rows[-1].row.node.y)


def _fields(line: Line) -> dict[str, str]:
    """Return all that a spec can say of a layer, as text: its operator's fields, its norm's and its act's."""
    node = line.rows[0].row.node
    fields = _values(node.op)
    fields |= {"bits": _shown(node.bits), "density": _shown(node.density)}
    for member in line.rows[1:]:
        fields |= {f"{member.row.kind} {name}": text for name, text in _values(member.row.node.op).items()}
    return fields


def _values(op: Op) -> dict[str, str]:
    return {name: _shown(getattr(op, field.attr)) for name, field in op.fields.items()}


def change(before: Line | None, after: Line | None, partners: dict[str, str]) -> Change | None:
    """Return what makes two layers differ, one of which may not be there; None where they are the same."""
    if before is None or after is None:
        line, sign = (after, 1) if after else (before, -1)
        assert line is not None
        costs = (sign * line.cost.params, sign * line.cost.operations)
        return Change(ADDED if after else REMOVED, before, after, {}, *costs)
    same = key(before)[1:] == key(after)[1:]
    fields = {} if same else _changed(before, after)
    old, new = _feeds(before.rows), _feeds(after.rows)
    if moved(old, new, partners):
        fields["from"] = (_listed(old), _listed(new))
    if same and not fields:
        return None
    was, now = before.cost, after.cost
    costs = (0, 0) if same else (now.params - was.params, now.operations - was.operations)
    return Change(CHANGED, before, after, fields, *costs)


def _changed(before: Line, after: Line) -> dict[str, tuple[str, str]]:
    """Return the fields that differ; where none does, what enters or leaves, or what uses another's weights."""
    one, other = _fields(before), _fields(after)
    fields = {} if before.kind == after.kind else {"type": (before.type, after.type)}
    fields |= {name: (one[name], other[name]) for name in one if name in other and one[name] != other[name]}
    if _entering(before) != _entering(after):
        fields["input"] = (_entering(before), _entering(after))
    if not fields and _leaving(before) != _leaving(after):
        fields["output"] = (_leaving(before), _leaving(after))
    if before.shared != after.shared:
        fields["weights"] = ("own", "shared") if after.shared else ("shared", "own")
    return fields


def _shown(value: Datum) -> str:
    """Return a value as a spec has it: one number for equal axes, a shape as 64x56x56."""
    if isinstance(value, tuple | list):
        parts = [_shown(part) for part in value]
        if value and isinstance(value[0], Shape):
            return " + ".join(parts)
        return parts[0] if len(set(parts)) == 1 else f"[{', '.join(parts)}]"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


# ---- what feeds a layer --------------------------------------------------------------------------

Origin = tuple[str, int | str]  # a layer's name, and which of its tensors; "" and the name of what enters the network


def _feeds(members: Iterable[CountedRow]) -> list[Origin]:
    """Return what enters a line from outside of it, and the layers whose weights it uses."""
    rows = [member.row for member in members]
    inner = {id(row.node) for row in rows}
    tensors = [tensor for row in rows for tensor in row.node.inputs if id(tensor.node) not in inner]
    return origins(tensors) + [(row.node.shared.layer, -1) for row in rows if row.node.shared]


def origins(tensors: Iterable[Tensor]) -> list[Origin]:
    """Return which layers give these tensors."""
    return [(t.node.layer, t.node.outputs.index(t)) if t.node else ("", t.name) for t in tensors]


def moved(before: list[Origin], after: list[Origin], partners: dict[str, str]) -> bool:
    """Say whether tensors come from elsewhere; what is only new or gone between two layers is told as such."""
    names = {"": "", **partners}
    known = set(names.values())
    if len(before) != len(after):
        return True
    for (one, part), (other, other_part) in zip(before, after, strict=True):
        if one in names and other in known and (names[one], part) != (other, other_part):
            return True
    return False


def _listed(origins: list[Origin]) -> str:
    return " + ".join(name or str(part) for name, part in origins)
