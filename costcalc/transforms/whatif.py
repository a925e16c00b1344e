"""What a network costs before and after transformations, and what each of its layers contributes to the difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.base import Data, Datum, grouped
from costcalc.base.errors import nearest, stop
from costcalc.costs.convention import OPERATIONS
from costcalc.costs.counting import Cost, total
from costcalc.costs.layer_patterns import EVERYTHING
from costcalc.graph.expand import expand
from costcalc.language import zoo
from costcalc.numbers.num import UNKNOWN, Dim, or_none
from costcalc.reports.lines import CountedRow
from costcalc.reports.result import Result
from costcalc.transforms.kernels import DepthwiseSeparable, Factorize, GroupShuffle, Stack
from costcalc.transforms.network import EditableNetwork, flattened
from costcalc.transforms.ranks import ChannelSvd, SpatialSvd
from costcalc.transforms.scale import ScaleWidth
from costcalc.transforms.structure import DropSqueezeExcite, FuseBatchNorm, PoolClassifier
from costcalc.transforms.transformation import Transformation, told

if TYPE_CHECKING:
    import pandas as pd

TRANSFORMATIONS: dict[str, type[Transformation]] = {
    cls.word: cls
    for cls in (
        DepthwiseSeparable, Stack, Factorize, SpatialSvd, ChannelSvd, GroupShuffle,
        FuseBatchNorm, DropSqueezeExcite, PoolClassifier, ScaleWidth,
    )
}  # fmt: skip


class Replacement:
    """What one layer of the network before costs, and what stands for it after."""

    __slots__ = ("after", "becomes", "before", "layer", "note", "type")

    def __init__(self, layer: str, before: Sequence[CountedRow], after: Sequence[CountedRow], note: str) -> None:
        self.layer = layer
        self.before = total(row.cost for row in before)
        self.after = total(row.cost for row in after)
        self.type, self.becomes = _kinds(before, after)
        self.note = note

    def to_dict(self, called: str = OPERATIONS) -> Data:
        """Return the change as plain data; `called` says what its operations are called."""
        about = {"layer": self.layer, "type": self.type, "becomes": self.becomes, "note": self.note}
        return about | _costs(self.before, self.after, called)


class WhatIf:
    """A network before and after transformations, in the order given: results, changes, the new spec.

    steps: each a name and what it takes, as on the command line: `("depthwise-separable", "conv 3x3")`,
    `("spatial-svd", 64, "stage2/*")`, or a name alone. Raises SpecError where one can't be carried out.
    """

    def __init__(self, before: Result, steps: Iterable[str | Sequence[Datum]]) -> None:
        self.before = before
        self.network: EditableNetwork = flattened(before.graph)
        self.said: list[str] = []  # each transformation, and how many layers it changed
        self.skipped: list[str] = []  # what was left as it is, and why
        notes: dict[str, list[str]] = {}
        for step in steps:
            name, transformation, selector = understood(step)
            outcome = transformation.run(self.network, selector)
            self.network = outcome.network
            count = len(outcome.changed)
            self.said.append(f"{name}: {count} {'row' if count == 1 else 'rows'} changed")
            self.skipped += [f"{transformation.word}: {reason}" for reason in told(outcome.skipped)]
            for layer, note in outcome.notes.items():
                notes.setdefault(layer, []).append(note)
        graph = expand(zoo.load_text(self.text(), self.network.name))
        # What a layer is called by in the reference implementation stays, where the layer does.
        calls = {node.name: node.call for node in before.graph.nodes}
        for one, node in zip(self.network.steps, graph.nodes, strict=True):
            node.call = calls.get(self.network.path(one), node.call)
        self.after = Result(graph, before.convention, before.batch)
        self.changes = self._changes({layer: "; ".join(said) for layer, said in notes.items()})

    def __repr__(self) -> str:
        params, operations = (_shown(ratio) for ratio in self.ratio)
        what = f"{params} of the params, {operations} of the {self.before.unit}"
        return f"<{self.before.name}: {'; '.join(self.said)}: {what}>"

    def _changes(self, notes: dict[str, str]) -> list[Replacement]:
        """Return the layers whose cost is not what it was, in the order of the network before."""
        before = grouped((row.node.layer, row) for row in self.before.rows)
        origins = (self.network.origins[step.name] for step in self.network.steps)
        after = grouped(zip(origins, self.after.rows, strict=True))
        changes = [Replacement(name, rows, after.get(name, []), notes.get(name, "")) for name, rows in before.items()]
        return [one for one in changes if one.before != one.after or one.note]

    @property
    def ratio(self) -> tuple[Dim, Dim]:
        """What is left of params, and of operations: after / before; unknown where one of the two is."""
        before, after = self.before.cost, self.after.cost
        return ratio(after.params, before.params), ratio(after.operations, before.operations)

    def text(self) -> str:
        """Return the new spec's text."""
        return self.network.text()

    def to_dict(self) -> Data:
        """Return everything as plain data: the JSON that `--format json` writes."""
        params, operations = self.ratio
        return {
            "name": self.before.name,
            "knobs": self.before.graph.knobs,
            "batch": self.before.batch,
            "convention": self.before.convention.to_dict(),
            "unit": self.before.unit,
            "transformations": self.said,
            **_costs(self.before.cost, self.after.cost),
            "params_ratio": _plain(params),
            "operations_ratio": _plain(operations),
            "layers": [change.to_dict() for change in self.changes],
            "skipped": self.skipped,
        }

    def records(self) -> list[Data]:
        """Return the changed layers as plain data, and the whole network in the last one.

        The operations are called what the convention counts: `macs`, `flops` or `operations`.
        """
        rule = self.before.convention
        whole: Data = {"layer": "total", "type": "", "becomes": "", "note": ""}
        whole |= _costs(self.before.cost, self.after.cost, rule.called)
        return [{**record, **rule.mark} for record in (*(one.to_dict(rule.called) for one in self.changes), whole)]

    def to_pandas(self) -> pd.DataFrame:
        """Return the changed layers as a DataFrame, a line each; the last one is the whole network."""
        import pandas as pd

        return pd.DataFrame(self.records())


def understood(step: str | Sequence[Datum]) -> tuple[str, Transformation, str]:
    """Return a transformation in words, itself, and its selector: all layers unless one is given."""
    name, *given = (step,) if isinstance(step, str) else tuple(step)
    word = str(name).replace("_", "-").removeprefix("--")
    cls = TRANSFORMATIONS.get(word)
    if cls is None:
        known = f"known: {', '.join(TRANSFORMATIONS)}"
        raise stop(f"there is no transformation '{name}'", hint=nearest(word, TRANSFORMATIONS) or known)
    takes = [cls.argument] * bool(cls.argument) + ["SELECTOR"] * cls.selects
    if cls.selects and len(given) == len(takes) - 1:
        given.append(EVERYTHING)
    if len(given) != len(takes):
        raise stop(f"{word} takes {' and '.join(takes) or 'nothing'}, and {len(given)} is given")
    said = " ".join([word, *(str(one) for one in given)])
    selector = str(given.pop()) if cls.selects else EVERYTHING
    return said, cls(*given), selector


def ratio(after: Dim, before: Dim) -> Dim:
    """Return after / before, exact; None where there was nothing before, unknown where one of them is."""
    if UNKNOWN in (after, before):
        return UNKNOWN
    return Fraction(after, before) if before else None


def _kinds(before: Sequence[CountedRow], after: Sequence[CountedRow]) -> tuple[str, str]:
    """Return what a layer is, before and after: the types of its rows with weights.

    Where these are the same, those of all rows that cost anything; and where they are too, its channels.
    """
    was, becomes = (_sum(row.type for row in rows if row.weights) for rows in (before, after))
    if was != becomes:
        return was, becomes
    all_was, all_becomes = (_sum(row.type for row in rows if row.params or row.operations) for rows in (before, after))
    if all_was != all_becomes or not after:
        return all_was, all_becomes
    return f"{was}, {before[-1].output[0]} channels", f"{becomes}, {after[-1].output[0]} channels"


def _sum(types: Iterable[str]) -> str:
    """Return types as a sum: `2 conv 3x3 + conv 1x1`; one that is not there as nothing."""
    runs: list[list[Datum]] = []
    for type_ in types:
        if runs and runs[-1][1] == type_:
            runs[-1][0] += 1
        else:
            runs.append([1, type_])
    return " + ".join(f"{count} {type_}" if count > 1 else type_ for count, type_ in runs)


def _costs(before: Cost, after: Cost, called: str = OPERATIONS) -> dict[str, Datum]:
    return {
        "params_before": _plain(before.params),
        "params_after": _plain(after.params),
        f"{called}_before": _plain(before.operations),
        f"{called}_after": _plain(after.operations),
    }


def _plain(value: Datum) -> Datum:
    return float(value) if isinstance(value, Fraction) else or_none(value)


def _shown(value: Datum) -> str:
    """Return a ratio in words: three digits."""
    return "?" if value is None else str(value) if value is UNKNOWN else f"{float(value):.3g}"
