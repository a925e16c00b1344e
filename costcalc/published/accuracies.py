"""Accuracies: what the source of one prints of its network's cost, and whether that is what we count.

An accuracy is of the network that its source trained. Beside a count of ours it stands unmarked only where a source
that prints it prints that count too. Every list, comparison and picture asks here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from costcalc.base import Data, Datum
from costcalc.costs.convention import OPERATIONS, Convention
from costcalc.graph.graph import Graph
from costcalc.language.document import Spec
from costcalc.numbers.num import Dim
from costcalc.published.figures import METRICS, Claim, claims, figure, published, settings
from costcalc.published.verdicts import counted_under

OTHER, SILENT = "≠", "°"
MANY = 8  # networks of which a note tells what is printed
NEURONS = "activations"  # the unit of a figure under `macs` that is no work
CALLED = {"macs": "MACs", "params": "params"}


class Accuracy(NamedTuple):
    """A top-1 accuracy, and what the sources that print it print of its network's cost."""

    row: Mapping[str, Datum]
    claims: Mapping[str, Claim | None]  # by quantity: one that holds if any does; None: none is printed

    def mark_of(self, quantity: str) -> str:
        """Return nothing where our `macs` or `params` are printed with it, else the mark that it bears beside them."""
        claim = self.claims[quantity]
        return SILENT if claim is None else "" if claim.holds else OTHER

    def beside(self, quantity: str, ours: Dim, rule: Convention) -> Dim | None:
        """Return which `macs` or `params` may stand with it under a convention: ours, or another that is printed.

        None where that is counted otherwise, and where nothing is printed and the other quantity is not ours either.
        """
        claim = self.claims[quantity]
        if claim is None or claim.holds:
            return ours if claim or self.mark == SILENT else None
        count = quantity if quantity == "params" else OPERATIONS
        same = _formulas(counted_under(claim.row), count) == _formulas(rule, count)
        return int(figure(claim.printed).value) if same else None

    @property
    def mark(self) -> str:
        """The mark that it bears beside both."""
        marks = [self.mark_of(quantity) for quantity in self.claims]
        return next((mark for mark in (OTHER, SILENT) if mark in marks), "")

    @property
    def cost(self) -> str:
        """What its sources print of the cost where that is not what we count: `3.8G MACs`, `no params`."""
        said = [_said(one) for one in self.claims.values() if one and not one.holds]
        silent = [CALLED[quantity] for quantity, one in self.claims.items() if not one]
        return ", ".join(said) or ("no cost" if len(silent) > 1 else "".join(f"no {one}" for one in silent))


def record(graph: Graph | None) -> Data:
    """Return the accuracy that is printed for these very knob values as plain data: None where none is."""
    found = of_graph(graph) if graph else None
    said = (float(found.row["top1"]), found.mark, found.cost) if found else (None, "", "")
    return dict(zip(("top1", "top1_mark", "top1_cost"), said, strict=True))


def text(record: Data) -> str:
    """Return the accuracy of a record with its mark."""
    return "" if record["top1"] is None else f"{record['top1']} {record['top1_mark']}".rstrip()


def notes(records: Sequence[Data]) -> list[str]:
    """Return what the marks of records' accuracies say, and what is printed where that is another cost than ours."""
    other = [f"{one['network']} {one['top1_cost']}" for one in records if one["top1_mark"] == OTHER]
    told = "; ".join(other) if len(other) <= MANY else "in CSV and JSON it is top1_cost"
    silent = any(one["top1_mark"] == SILENT for one in records)
    return [
        *([f"{OTHER} the accuracy's source prints another cost than ours: {told}"] if other else []),
        *([f"{SILENT} the accuracy's source prints no such cost, or only one of the two"] if silent else []),
    ]


def of_graph(graph: Graph) -> Accuracy | None:
    """Return the accuracy that is printed for these very knob values, the first of the spec's; None without one."""
    spec = graph.spec
    # A variant's own row, no other's of the same values: mnasnet_b1 is the paper's, mnasnet1_0 torchvision's.
    for row, _ in () if graph.given else published(spec):
        own = row.get("variant", "") == spec.variant or not spec.variant
        if "top1" in row and own and _knobs(spec, row) == graph.knobs:
            return of_row(spec, row)
    return None


def of_row(spec: Spec, row: Mapping[str, Datum]) -> Accuracy:
    """Return the accuracy of a published row, with the costs that the sources of this accuracy print of its network."""
    same = [one for one, _ in published(spec) if _network(spec, one) == _network(spec, row)]
    sources = {one["source"] for one in same if one.get("top1") == row["top1"]}
    costs = [{key: value for key, value in one.items() if key not in METRICS} for one in same]  # a time is no such cost
    found = [claim for one in costs if one["source"] in sources for claim in claims(spec, one) if _is_cost(claim)]
    found.sort(key=lambda claim: not claim.holds)
    return Accuracy(row, {name: next((one for one in found if one.quantity == name), None) for name in CALLED})


def _knobs(spec: Spec, row: Mapping[str, Datum]) -> dict[str, Datum]:
    return {**spec.knobs, **settings(spec, row)}


def _network(spec: Spec, row: Mapping[str, Datum]) -> tuple[Datum, ...]:
    """Return what a row is about: a network, or a part of one."""
    return row.get("variant", ""), _knobs(spec, row), row.get("of")


def _is_cost(claim: Claim) -> bool:
    """Say whether a figure is of parameters or of work: one of bytes or of neurons is neither."""
    rule = counted_under(claim.row)
    return rule.things == "params" if claim.quantity == "params" else rule.unit != NEURONS


def _formulas(rule: Convention, count: str) -> list[str]:
    """Return what a convention counts of any row, and of those of its rules."""
    return [rule.formula(kind, count).text for kind in ("", *rule.of_kind)]


def _said(claim: Claim) -> str:
    rule = counted_under(claim.row)
    return f"{claim.printed} {rule.things if claim.quantity == 'params' else rule.unit}"
