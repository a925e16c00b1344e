"""What makes one network cost more than another: their layers side by side, and each one's part of the difference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from costcalc.comparisons.aligning import Key, align
from costcalc.comparisons.networks import Network
from costcalc.graph.graph import Tensor
from costcalc.numbers.num import UNKNOWN, or_none
from costcalc.numbers.shape import Shape
from costcalc.operators.op import Op
from costcalc.reports.result import Layer, Line, lines

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


class Change(NamedTuple):
    """A layer that is not the same in both networks; params and macs are what it adds to the difference."""

    kind: str
    before: Line | None
    after: Line | None
    fields: dict[str, tuple[str, str]]  # what is not the same, before and after
    params: Any
    macs: Any

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


class Diff:
    """What `costcalc.diff` returns: the changes in the network's order, and what they sum to."""

    def __init__(self, before: Network, after: Network) -> None:
        self.before = before
        self.after = after
        mine, theirs = (lines(network.result, "layer") for network in (before, after))
        pairs = [
            (None if i is None else mine[i], None if j is None else theirs[j])
            for i, j in align(list(map(_key, mine)), list(map(_key, theirs)))
        ]
        partners = {one.name: other.name for one, other in pairs if one and other}
        found = [_change(one, other, partners) for one, other in pairs]
        self.changes = [change for change in found if change is not None]
        self.unchanged = len(found) - len(self.changes)  # how many layers are the same
        # Unknown only where a layer that changed is: what both have alike adds nothing.
        self.params: Any = sum(change.params for change in self.changes)
        self.macs: Any = sum(change.macs for change in self.changes)
        old, new = (_origins(network.result.graph.outputs) for network in (before, after))
        self.outputs = _moved(old, new, partners)  # whether the results are those of other layers

    def __bool__(self) -> bool:
        return not self.same

    def __repr__(self) -> str:
        return f"<{self.before.label} → {self.after.label}: {self.said}>"

    @property
    def same(self) -> bool:
        """Whether both networks have the same layers, which feed each other in the same way."""
        return not self.changes and not self.outputs

    @property
    def said(self) -> str:
        """How many layers are what, in words."""
        kinds = [change.kind for change in self.changes]
        counts = [(kinds.count(kind), kind) for kind in (CHANGED, ADDED, REMOVED)] + [(self.unchanged, "the same")]
        return f"layers: {', '.join(f'{count} {kind}' for count, kind in counts if count)}"

    def share(self, part: Any, quantity: str) -> float | None:
        """Return what a part is of the whole difference in per cent: all parts' shares sum to 100.

        None where the difference is nothing, or unknown. A part that goes against the difference is below zero.
        """
        whole = getattr(self, quantity)
        return None if UNKNOWN in (part, whole) or not whole else 100 * part / whole

    def biggest(self) -> list[Change]:
        """Return the changes by their size: the larger of their parts of all that changed, in params and in MACs."""
        params, macs = (
            sum(abs(number) for number in numbers if number is not UNKNOWN) or 1
            for numbers in ([c.params for c in self.changes], [c.macs for c in self.changes])
        )

        def size(change: Change) -> float:
            if UNKNOWN in (change.params, change.macs):
                return float("inf")
            return float(max(abs(change.params) / params, abs(change.macs) / macs))

        return sorted(self.changes, key=size, reverse=True)

    def records(self) -> list[dict[str, Any]]:
        """Return a flat record a change, in the network's order: exact integers, None where a cost is unknown."""
        return [
            {
                "change": change.kind,
                "before": change.before.name if change.before else None,
                "after": change.after.name if change.after else None,
                "type": change.type,
                "fields": described(change.fields),
                "params": or_none(change.params),
                "params_share": self.share(change.params, "params"),
                "macs": or_none(change.macs),
                "macs_share": self.share(change.macs, "macs"),
            }
            for change in self.changes
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data: the JSON that `--format json` writes."""
        sides = {
            side: {"network": label, "params": or_none(result.params), "macs": or_none(result.total)}
            for side, (label, result) in (("before", self.before), ("after", self.after))
        }
        result = self.before.result
        return {
            **sides,
            "convention": result.convention.to_dict(),
            "batch": result.batch,
            "same": self.same,
            "unchanged": self.unchanged,
            "outputs_moved": self.outputs,
            "difference": {"params": or_none(self.params), "macs": or_none(self.macs)},
            "changes": [
                {**record, "fields": change.fields} for record, change in zip(self.records(), self.changes, strict=True)
            ],
        }

    def _repr_html_(self) -> str:
        from costcalc.comparisons.difference_table import html

        return html(self)


def described(fields: dict[str, tuple[str, str]]) -> str:
    """Return what changed in a layer, in words: `kernel 3 → 5, out 64 → 96`."""
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in fields.items())


# ---- one layer -----------------------------------------------------------------------------------


def _key(line: Line) -> Key:
    x, y = _entering(line), _leaving(line)
    kinds = tuple(member.row.kind for member in line.rows)
    cost = (line.cost.params, line.cost.macs)
    content = (kinds, tuple(_fields(line).items()), x, y, cost)
    return Key(line.name, content, line.type, x, y)


def _entering(line: Line) -> str:
    return _shown(line.rows[0].row.node.x)


def _leaving(line: Line) -> str:
    return _shown(line.rows[-1].row.node.y)


def _fields(line: Line) -> dict[str, str]:
    """Return all that a spec can say of a layer, as text: its operator's fields, its norm's and its act's."""
    node = line.rows[0].row.node
    found = _values(node.op)
    found |= {"bits": _shown(node.bits), "density": _shown(node.density)}
    for member in line.rows[1:]:
        found |= {f"{member.row.kind} {name}": text for name, text in _values(member.row.node.op).items()}
    return found


def _values(op: Op) -> dict[str, str]:
    return {name: _shown(getattr(op, field.attr)) for name, field in op.fields.items()}


def _change(before: Line | None, after: Line | None, partners: dict[str, str]) -> Change | None:
    """Return what makes two layers differ, one of which may not be there; None where they are the same."""
    if before is None or after is None:
        line, sign = (after, 1) if after else (before, -1)
        assert line is not None
        return Change(ADDED if after else REMOVED, before, after, {}, sign * line.cost.params, sign * line.cost.macs)
    same = _key(before)[1:] == _key(after)[1:]
    fields = {} if same else _changed(before, after)
    old, new = _feeds(before.rows), _feeds(after.rows)
    if _moved(old, new, partners):
        fields["from"] = (_listed(old), _listed(new))
    if same and not fields:
        return None
    costs = (0, 0) if same else (after.cost.params - before.cost.params, after.cost.macs - before.cost.macs)
    return Change(CHANGED, before, after, fields, *costs)


def _changed(before: Line, after: Line) -> dict[str, tuple[str, str]]:
    """Return the fields that differ; where none does, what enters or leaves, or what uses another's weights."""
    one, other = _fields(before), _fields(after)
    found = {} if before.kind == after.kind else {"type": (before.type, after.type)}
    found |= {name: (one[name], other[name]) for name in one if name in other and one[name] != other[name]}
    if _entering(before) != _entering(after):
        found["input"] = (_entering(before), _entering(after))
    if not found and _leaving(before) != _leaving(after):
        found["output"] = (_leaving(before), _leaving(after))
    if before.shared != after.shared:
        found["weights"] = ("own", "shared") if after.shared else ("shared", "own")
    return found


def _shown(value: Any) -> str:
    """Return a value as a spec has it: one number for equal axes, a shape as 64x56x56."""
    if isinstance(value, tuple | list):
        parts = [_shown(part) for part in value]
        if value and isinstance(value[0], Shape):
            return " + ".join(parts)
        return parts[0] if len(set(parts)) == 1 else f"[{', '.join(parts)}]"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


# ---- what feeds a layer --------------------------------------------------------------------------

Origin = tuple[str, int]  # a layer's name, "" for the network's input, and which of its tensors


def _feeds(members: Iterable[Layer]) -> list[Origin]:
    """Return what enters a line from outside of it, and the layers whose weights it uses."""
    rows = [member.row for member in members]
    inner = {id(row.node) for row in rows}
    tensors = [tensor for row in rows for tensor in row.node.inputs if id(tensor.node) not in inner]
    return _origins(tensors) + [(row.node.shared.layer, -1) for row in rows if row.node.shared]


def _origins(tensors: Iterable[Tensor]) -> list[Origin]:
    return [(t.node.layer, t.node.outputs.index(t)) if t.node else ("", 0) for t in tensors]


def _moved(before: list[Origin], after: list[Origin], partners: dict[str, str]) -> bool:
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
    return " + ".join(name or "input" for name, _ in origins)
