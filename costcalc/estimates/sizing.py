"""What a network's weights take to store and to send: dense, quantized, pruned, shared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from costcalc.base import Data, Datum, hints
from costcalc.base.arguments import listed, plain, said
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.costs.layer_patterns import EVERYTHING, assigned, valued
from costcalc.hardware.compression import (
    FORMS,
    SCALES,
    Coding,
    StoredRow,
    checked_bits,
    checked_density,
    kept,
    stored,
    whole,
)  # fmt: skip
from costcalc.numbers.num import UNKNOWN, Dim, or_none
from costcalc.numbers.text import figure, full, scaled
from costcalc.reports.page import Page
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table

LIMITS = (("an app", 100_000_000), ("an update", 500_000))  # bytes: what the lecture allows
MOST_GAP = 16

Choices = Mapping[str, Datum] | Iterable[tuple[str, Datum]] | float | None


class Form(NamedTuple):
    """What a network takes in one form: the least and the most bytes, and what the form is."""

    name: str
    says: str
    least: int
    most: int


class Sizes:
    """The stored sizes of a network, form by form; rows with what is kept of each.

    bits, density: a number for all layers with weights, or by selector, `{"fc": 4}`: a layer type, a path, a
    pattern. They stand above what the spec states. Raises SpecError for a selector that means nothing,
    or a value out of range.
    """

    def __init__(
        self, result: Result, bits: Choices = None, density: Choices = None, coding: Coding | None = None
    ) -> None:
        self.result = result
        self.coding = coding or Coding()
        if self.coding.scales not in SCALES:
            raise stop(f"scales are {', '.join(SCALES)}, not '{self.coding.scales}'")
        if not 0 < self.coding.gap <= MOST_GAP:
            raise stop(f"a relative index has 1 to {MOST_GAP} bits, not {self.coding.gap}")
        rows = [row.row for row in result.rows]
        widths = assigned(rows, [(name, checked_bits(v)) for name, v in pairs(bits)], "bits")
        shares = assigned(rows, [(name, checked_density(v)) for name, v in pairs(density)], "density")
        self.rows: list[StoredRow] = kept(rows, widths, shares)
        self._refuse_idle()
        self.forms = [self._form(name) for name in FORMS if self._there(name)]

    def _refuse_idle(self) -> None:
        """Raise SpecError for what has no effect on any form, instead of passing it over."""
        if self.coding.gap != Coding().gap and not self._there("relative"):
            raise stop(
                "a relative index is of pruned weights, and none is pruned",
                hint=hints.said("{} beside it", hints.argument(density=0.3)),
            )
        if self.coding.scales != Coding().scales and not self._there("quantized"):
            raise stop(
                "scales are of quantized weights, and none has fewer than 32 bits",
                hint=hints.said("{} beside them", hints.argument(bits=8)),
            )

    def _there(self, name: str) -> bool:
        """Say whether a form says anything of this network."""
        pruned = any(not one.dense for one in self.rows)
        short = any(one.weights and one.bits < 32 for one in self.rows)
        return {"fp32": True, "quantized": short, "pattern": self.coding.pattern is not None}.get(name, pruned)

    def _form(self, name: str) -> Form:
        says = (FORMS[name].__doc__ or "").strip().splitlines()[0].rstrip(".")
        says = says[:1].lower() + says[1:] if says[1:2].islower() else says
        return Form(name, says, *whole(self.rows, name, self.coding))

    @property
    def macs(self) -> Dim:
        """All multiply-accumulates, zero weights too, for the whole batch."""
        return sum(one.row.macs for one in self.rows) * self.result.batch

    @property
    def effective_macs(self) -> Dim:
        """Those whose weight is not zero."""
        return sum(one.macs for one in self.rows) * self.result.batch

    def page(self, by: str = "form", link: float | None = None) -> Page:
        """Return the sizes as a page; by `layer` with a line for each layer, too."""

        def tables() -> list[Table]:
            return [*([self.layers()] if by == "layer" else []), self.table(link)]

        return Page(tables, self.records, self.to_dict, heading=self.result.heading(), notes=self.notes(), prose=True)

    def table(self, link: float | None = None) -> Table:
        """Return a line a form, with the seconds that a link of so many bits a second takes."""
        titles = ["bytes", "x fp32", *(f"at {scaled(link)}bit/s" for _ in [0] if link)]
        columns = [Column("form"), *(Column(title, "number") for title in titles)]
        cells = [
            [form.name, _ranged(form, figure), _share(form, self.forms[0]),
             *([_ranged(form, lambda size: f"{size * 8 / link:.3g}") + " s"] if link else [])]
            for form in self.forms
        ]  # fmt: skip
        return Table(columns, cells, [plural(len(cells), "form"), *[""] * len(titles)])

    def layers(self) -> Table:
        """Return a line for each layer with weights: what is kept of it, and what it takes."""
        heads = [
            Column("layer"), Column("type"), Column("weights", "count"), Column("bits", "number"),
            Column("kept", "count"), *(Column(form.name, "count") for form in self.forms),
        ]  # fmt: skip
        cells: list[list[Datum]] = [
            [one.row.name, one.row.type, one.weights, str(one.bits), one.nonzero,
             *(stored(one, form.name, self.coding)[1] for form in self.forms)]
            for one in self.rows if one.weights
        ]  # fmt: skip
        sums = [sum(row[k] for row in cells) for k in range(2, len(heads)) if k != 3]
        return Table(heads, cells, ["total", plural(len(cells), "layer"), sums[0], "", *sums[1:]], paths=True)

    def records(self) -> list[Data]:
        """Return a record a form, exact."""
        return [{"network": self.result.name, **form._asdict()} for form in self.forms]

    def to_dict(self) -> Data:
        """Return everything as plain data."""
        return {
            "name": self.result.name,
            "knobs": self.result.graph.knobs,
            "coding": {**self.coding._asdict(), "pattern": self.coding.pattern and list(self.coding.pattern)},
            "forms": self.records(),
            "macs": or_none(self.macs),
            "effective_macs": or_none(self.effective_macs),
            "layers": [
                {"name": one.row.name, "weights": one.weights, "nonzero": one.nonzero, "bits": one.bits,
                 **{form.name: list(stored(one, form.name, self.coding)) for form in self.forms}}
                for one in self.rows if one.weights
            ],
        }  # fmt: skip

    def notes(self) -> list[str]:
        """Return what is to be said beside the sizes."""
        said = [*(f"{form.name}: {form.says}" for form in self.forms), self._counted(), *self._fits()]
        if self.effective_macs != self.macs or self.macs is UNKNOWN:
            said.append(f"MACs: {full(self.macs)}; of non-zero weights: {full(self.effective_macs)}, "
                        "which only hardware that skips zeros is spared")  # fmt: skip
        return said

    def _counted(self) -> str:
        beside = {"none": "no scales", "tensor": "a scale and a zero point a layer",
                  "channel": "a scale and a zero point an output channel",
                  "codebook": "a codebook of 32-bit values a layer"}[self.coding.scales]  # fmt: skip
        pruned = f"; relative: gaps of {self.coding.gap} bits" if any(not one.dense for one in self.rows) else ""
        return f"counted: kernels at their bits, biases and norms at 32; {beside}{pruned}; no Huffman coding"

    def _fits(self) -> list[str]:
        last = self.forms[-1]
        said = [f"{thing} of {figure(most)}B: {_fits(last, most)}" for thing, most in LIMITS]
        return [f"{last.name} in {', '.join(said)} (the lecture's limits)"]


def pairs(choices: Choices) -> list[tuple[str, Datum]]:
    """Return choices as pairs of a selector and a value; one value is everything's."""
    if choices is None:
        return []
    choices = plain(choices)
    if isinstance(choices, int | float | str):
        return [valued(str(choices), str)]
    found = list(choices.items()) if isinstance(choices, Mapping) else listed(choices)
    if found is None or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in found):
        raise stop(f"a number, or numbers by selector, not {said(choices)}", hint='bits={"fc": 4, "conv": 8}')
    return [(str(name) or EVERYTHING, value) for name, value in found]


def _ranged(form: Form, write: Callable[[int], str]) -> str:
    least, most = write(form.least), write(form.most)
    return least if least == most else f"{least} .. {most}"


def _share(form: Form, first: Form) -> str:
    least, most = (f"{size / first.least:.3f}" if first.least else "" for size in (form.least, form.most))
    return least if least == most else f"{least} .. {most}"


def _fits(form: Form, most: int) -> str:
    return "fits" if form.most <= most else "does not fit" if form.least > most else "may fit"
