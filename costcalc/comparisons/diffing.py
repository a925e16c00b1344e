"""What makes one network cost more than another: their layers side by side, each one's part of the difference.

And how people read it: words for the totals, a table of the biggest changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costcalc.base import Data
from costcalc.base.text import plural
from costcalc.comparisons.aligning import align
from costcalc.comparisons.changes import ADDED, CHANGED, REMOVED, Change, change, described, key, moved, origins
from costcalc.comparisons.networks import Network
from costcalc.costs.convention import OPERATIONS
from costcalc.numbers.num import UNKNOWN, Dim, or_none
from costcalc.numbers.text import figure, percent
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table

SIGNS = {ADDED: "+", REMOVED: "-", CHANGED: "~"}


class Diff:
    """What `costcalc.diff` returns: the changes in the network's order, and what they sum to."""

    def __init__(self, before: Network, after: Network) -> None:
        self.before = before
        self.after = after
        mine, theirs = (network.result.lines("layer") for network in (before, after))
        pairs = [
            (None if i is None else mine[i], None if j is None else theirs[j])
            for i, j in align(list(map(key, mine)), list(map(key, theirs)))
        ]
        partners = {one.name: other.name for one, other in pairs if one and other}
        changes = [change(one, other, partners) for one, other in pairs]
        self.changes = [one for one in changes if one is not None]
        self.unchanged = len(changes) - len(self.changes)  # how many layers are the same
        # Unknown only where a layer that changed is: what both have alike adds nothing.
        self.params: Dim = sum(change.params for change in self.changes)
        self.operations: Dim = sum(change.operations for change in self.changes)
        old, new = (origins(network.result.graph.outputs) for network in (before, after))
        self.outputs = moved(old, new, partners)  # whether the results are those of other layers

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

    def share(self, part: Dim, quantity: str) -> float | None:
        """Return what a part is of the whole difference in per cent: all parts' shares sum to 100.

        None where the difference is nothing, or unknown. A part that goes against the difference is below zero.
        """
        whole = getattr(self, quantity)
        return None if UNKNOWN in (part, whole) or not whole else 100 * part / whole + 0.0  # no minus zero

    def biggest(self) -> list[Change]:
        """Return the changes by their size: the larger of their parts of all that changed, params or operations."""
        params, operations = (
            sum(abs(number) for number in numbers if number is not UNKNOWN) or 1
            for numbers in ([c.params for c in self.changes], [c.operations for c in self.changes])
        )

        def size(change: Change) -> float:
            if UNKNOWN in (change.params, change.operations):
                return float("inf")
            return float(max(abs(change.params) / params, abs(change.operations) / operations))

        return sorted(self.changes, key=size, reverse=True)

    def records(self) -> list[Data]:
        """Return a flat record a change, in the network's order: exact integers, None where a cost is unknown.

        The operations are called what the convention counts: `macs`, `flops` or `operations`.
        """
        return self._records(self.before.result.convention.called)

    def _records(self, called: str) -> list[Data]:
        return [
            {
                "change": change.kind,
                "before": change.before.name if change.before else None,
                "after": change.after.name if change.after else None,
                "type": change.type,
                "fields": described(change.fields),
                "params": or_none(change.params),
                "params_share": self.share(change.params, "params"),
                called: or_none(change.operations),
                f"{called}_share": self.share(change.operations, OPERATIONS),
            }
            for change in self.changes
        ]

    def to_dict(self) -> Data:
        """Return everything as plain data: the JSON that `--format json` writes."""
        sides = {
            side: {"network": label, "params": or_none(result.params), OPERATIONS: or_none(result.operations)}
            for side, (label, result) in (("before", self.before), ("after", self.after))
        }
        result = self.before.result
        return {
            **sides,
            "convention": result.convention.to_dict(),
            "unit": result.unit,
            "batch": result.batch,
            "same": self.same,
            "unchanged": self.unchanged,
            "outputs_moved": self.outputs,
            "difference": {"params": or_none(self.params), OPERATIONS: or_none(self.operations)},
            "changes": [
                {**record, "fields": change.fields}
                for record, change in zip(self._records(OPERATIONS), self.changes, strict=True)
            ],
        }

    def _repr_html_(self) -> str:
        return page(self, 20, wide=True).written("html")


# ---- as people read it ---------------------------------------------------------------------------


def page(diff: Diff, top: int | None = None, *, wide: bool = False) -> Page:
    """Return a difference as a page; wide: for a page that is no terminal's."""
    mark = diff.before.result.convention.mark
    return Page(
        lambda: [table(diff, top, wide=wide)] if diff.changes else [],
        lambda: [{**record, **mark} for record in diff.records()],
        diff.to_dict,
        heading=heading(diff),
        notes=notes(diff),
        shorter=lambda: _fewer(diff, top),
        folded=lambda: _others(diff, top),
        titled=True,
    )


def _fewer(diff: Diff, top: int | None) -> Iterator[tuple[list[Table], str]]:
    """Yield the table with ever fewer changes of their own, the others in one line, and a note that says so."""
    number = len(diff.changes)
    for shown in range(min(top or number, number) - 1, 0, -1):
        yield (
            [table(diff, shown)],
            f"the biggest {shown} of {plural(number, 'change')}: --all shows all, --top N so many",
        )


FOLDED = 100  # changes that a comment holds beside the biggest: one has some 60,000 characters


def _others(diff: Diff, top: int | None) -> list[tuple[str, Table]]:
    """Return what stands in one line of the table, change by change."""
    rest = diff.biggest()[top:] if top is not None else []
    if not rest:
        return []
    said = plural(len(rest), "more change") if len(rest) <= FOLDED else f"the next {FOLDED} of {len(rest)} more changes"
    return [(said, _changes(diff, rest[:FOLDED], wide=True))]


def heading(diff: Diff) -> list[str]:
    """Return the totals in words: both networks, what changed in all, and in how many layers."""
    if diff.same:
        alike = f"{diff.before.label} and {diff.after.label} are the same"
        return [f"{alike}: {plural(diff.unchanged, 'layer')}, {diff.before.result.said(exact=False)}"]
    first, second = diff.before.result, diff.after.result
    rule = first.convention
    said = [
        f"{diff.before.label} → {diff.after.label}",
        _difference(rule.things, first.params, second.params, diff.params),
        _difference(rule.unit, first.operations, second.operations, diff.operations),
        diff.said,
    ]
    return [*said, "the outputs are those of other layers"] if diff.outputs else said


def _difference(what: str, before: Dim, after: Dim, change: Dim) -> str:
    if change == 0:
        return f"{what}: {figure(after)}, no difference"
    part = "" if UNKNOWN in (before, change) or not before else f", {100 * change / before:+.1f} %"
    return f"{what}: {figure(before)} → {figure(after)} ({figure(change, signed=True)}{part})"


def notes(diff: Diff) -> list[str]:
    """Return what a reader must know beside the numbers."""
    result = diff.before.result
    batch = f"; a batch of {result.batch}" if result.batch != 1 else ""
    return [f"{result.convention.counted}{batch}"]


def table(diff: Diff, top: int | None = None, *, wide: bool = False) -> Table:
    """Return the changes, the biggest first, and what is left of them in one line.

    Each stands with its part of the difference, in numbers and in per cent. wide: what changed has a column of its
    own, instead of standing behind the layer's name.
    """
    changes = diff.biggest()
    shown, rest = changes[:top], changes[top:] if top is not None else []
    found = _changes(diff, shown, wide=wide)
    if rest:
        more = f"{len(rest)} more"
        found.cells.append([*(("", more, "") if wide else (f"  {more}",)), *_parts(diff, rest)])
    total = ("", "total", "") if wide else ("total",)
    return Table(found.columns, found.cells, [*total, *_parts(diff, changes)])


def _changes(diff: Diff, changes: Sequence[Change], *, wide: bool) -> Table:
    """Return changes, a line each."""
    rule = diff.before.result.convention
    titles = ("", "layer", "change") if wide else ("layer, change",)
    columns = [Column(title) for title in titles]
    columns += [Column(title, "number") for title in (rule.things, "%", rule.unit, "%")]
    return Table(columns, [[*_named(change, wide=wide), *_parts(diff, [change])] for change in changes], [])


def _named(change: Change, *, wide: bool) -> Sequence[str]:
    said = described(change.fields) or change.type
    sign = SIGNS[change.kind]
    return (sign, change.name, said) if wide else (f"{sign} {change.name}: {said}",)


def _parts(diff: Diff, changes: list[Change]) -> list[str]:
    """Return what changes sum to, each quantity with its share of the whole difference."""
    made = []
    for quantity in ("params", OPERATIONS):
        value: Dim = sum(getattr(change, quantity) for change in changes)
        made += [figure(value, signed=True), percent(diff.share(value, quantity))]
    return made
