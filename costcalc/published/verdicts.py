"""The account of published figures: what each source prints, what a spec gives, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from costcalc.base import Data, Datum
from costcalc.base.errors import Problem
from costcalc.base.progress import steps
from costcalc.base.text import plural
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.published_figures import EXPLAINED
from costcalc.language.yaml_text import typed
from costcalc.numbers import text as numbers
from costcalc.published.figures import Claim, check, figure, holds, judged, published
from costcalc.reports.table import Column, Table

EXACT, ROUNDED, MISSED, TIMED = "exact", "rounded", "not reproduced", "modelled"
WRONG, STALE = "WRONG", "STALE"  # what its row does not claim
GOOD = (EXACT, ROUNDED, EXPLAINED, MISSED, TIMED)
HELD = (EXACT, ROUNDED)
ROUNDINGS = {"floor": "cut, not rounded", "ceil": "rounded up"}


def verdict(claim: Claim) -> str:
    """Return what is to be said of a figure; WRONG and STALE are verdicts that its row does not claim."""
    if claim.quantity == "ms":
        return TIMED
    if claim.holds:
        if not claim.reproduces:
            return STALE
        return EXACT if figure(claim.printed).value == claim.ours else ROUNDED
    if claim.reproduces:
        return WRONG
    return EXPLAINED if claim.row.get("reproduces") == EXPLAINED else MISSED


def note(claim: Claim) -> str:
    """Return what must be said beside a figure: how it is rounded where that is not to the nearest, and its note."""
    row = claim.row
    said = [str(row["note"])] if row.get("note") else []
    if claim.quantity == "ms":
        return "; ".join(said)
    if claim.holds and not holds(claim.ours, claim.printed, row.get("digits")):
        said.insert(0, ROUNDINGS[row["rounding"]])
    elif claim.holds and not holds(claim.ours, claim.printed, rounding=row.get("rounding", "nearest")):
        said.insert(0, f"to {row['digits']} digits")
    return "; ".join(said)


def off(claim: Claim) -> str:
    """Return how far the model's time is from a printed one: `+18 %`; nothing of any other figure."""
    if claim.quantity != "ms":
        return ""
    return f"{round(100 * (claim.ours / figure(claim.printed).value - 1)):+d} %"


class PublishedFigure:
    """One published figure of the zoo: its network, its row, and what became of it."""

    __slots__ = ("claim", "network", "verdict")

    def __init__(self, network: str, claim: Claim) -> None:
        self.network = network
        self.claim = claim
        self.verdict = verdict(claim)

    @property
    def where(self) -> str:
        """Where the figure is printed."""
        row = self.claim.row
        return ", ".join([str(row.get("source", "")), *places(row)])

    @property
    def unit(self) -> str:
        """What the figure counts, as its convention or its metric calls it."""
        rule, quantity = counted_under(self.claim.row), self.claim.quantity
        units = {"macs": rule.unit, "params": rule.things, "compressed_bytes": "bytes"}
        return units.get(quantity, quantity)

    def to_dict(self) -> Data:
        """Return the figure as plain data."""
        claim = self.claim
        return {
            "network": self.network,
            "source": claim.row.get("source"),
            "where": claim.row.get("where"),
            "quantity": called(claim),
            "unit": self.unit,
            "printed": claim.printed,
            "of": claim.row.get("of"),
            "ours": plain(claim.ours),
            **counted_under(claim.row).mark,
            "verdict": self.verdict,
            "note": note(claim) or None,
        }


def plain(ours: int | Decimal) -> int | float:
    """Return our number as JSON and CSV hold it."""
    return ours if isinstance(ours, int) else float(ours)


def counted_under(row: Mapping[str, Datum]) -> Convention:
    """Return the convention of a published row."""
    return conventions.get(row.get("convention", conventions.DEFAULT))


def called(claim: Claim) -> str:
    """Return what a figure counts, by name; a spec says `macs:` of whatever its convention counts."""
    return counted_under(claim.row).called if claim.quantity == "macs" else claim.quantity


class Notes:
    """The notes below a table: each is said once, under a number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def marked(self, text: str, said: str) -> str:
        """Return a text with the number of what is said of it, where something is."""
        if not said:
            return text
        return f"{text} {raised(self.numbers.setdefault(said, len(self.numbers) + 1))}".lstrip()

    @property
    def lines(self) -> list[str]:
        """The notes, each behind its number."""
        return [f"{raised(number)} {said}" for said, number in self.numbers.items()]


def raised(number: int) -> str:
    """Return a number as a footnote's."""
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def figures(words: Iterable[str] = ()) -> list[PublishedFigure]:
    """Return the figures of all networks whose names or sources hold all words."""
    found = [kept(one) for one in zoo.index().get("figures", ())] or counted()
    wanted = [word.lower() for word in words]
    return [f for f in found if all(word in f"{f.network} {f.where}".lower() for word in wanted)]


def counted() -> list[PublishedFigure]:
    """Return the figures of all networks, counted now."""
    found = zoo.specs()
    return [figure for spec in steps(found, "networks", len(found)) for figure in of_spec(spec)]


def keeping(found: PublishedFigure) -> list[Datum]:
    """Return a figure as plain data, of which `kept` makes it again."""
    return [found.network, *found.claim._replace(ours=str(found.claim.ours))]  # type: ignore[arg-type]


def kept(data: list[Datum]) -> PublishedFigure:
    """Return a figure that was counted before."""
    name, *claim = data
    one = Claim(*claim)
    text = str(one.ours)
    return PublishedFigure(name, one._replace(ours=int(text) if text.isdigit() else Decimal(text)))


def of_spec(spec: Spec) -> list[PublishedFigure]:
    """Return the figures of one spec, each under the name of its variant and the knobs it is for."""
    return [PublishedFigure(network(spec, claim.row), claim) for claim in check(spec)]


def network(spec: Spec, row: Mapping[str, Datum]) -> str:
    """Return a network as the command line would be given it: `mobilenet_v1 --width 0.5`."""
    name = str(row.get("variant") or zoo.stem(spec.where))
    knobs = (f"--{knob} {typed(value)}" for knob, value in (row.get("knobs") or {}).items())
    part = [f"({_value(row['of'])})"] if row.get("of") else []
    return " ".join([name, *knobs, *part])


def _value(value: Datum) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def account_table(found: list[PublishedFigure], notes: Notes) -> Table:
    """Return a line a figure: what is printed and where, what we count, the verdict with the number of its note."""
    columns = [
        Column("network"),
        Column("printed in"),
        Column("printed", "number"),
        Column("ours", "number"),
        Column("verdict"),
    ]
    cells = [
        [
            f.network,
            f.where,
            f"{f.claim.printed} {f.unit}",
            _shown(f.claim),
            notes.marked(f"{f.verdict} {off(f.claim)}".rstrip(), note(f.claim)),
        ]
        for f in found
    ]
    return Table(columns, cells, [plural(len(found), "figure"), "", "", "", ""])


def unclaimed(spec: Spec) -> list[Problem]:
    """Return a problem for each figure of a spec whose verdict is not what the spec claims."""
    found = []
    pairs = published(spec)
    marks = {id(row): places for row, places in pairs}
    for figure_ in (PublishedFigure(network(spec, row), one) for row, at in pairs for one in judged(spec, row, at)):
        claim = figure_.claim
        if figure_.verdict in GOOD:
            continue
        said = f"{claim.quantity} {claim.printed} is printed, and we count {_exact(claim)}"
        hint = "say reproduces: false with a note, or name the rounding, digits or convention that it has"
        if figure_.verdict == STALE:
            said = f"{claim.quantity} {claim.printed} is reproduced: we count {_exact(claim)}"
            hint = "take reproduces: false away"
        found.append(Problem(said, marks[id(claim.row)][claim.quantity], hint))
    return found


def _shown(claim: Claim) -> str:
    share = isinstance(claim.ours, Decimal) and claim.quantity != "ms"
    return numbers.figure(claim.ours, "%" if share else "")


def _exact(claim: Claim) -> str:
    return f"{claim.ours:,}" if isinstance(claim.ours, int) else f"{claim.ours:.4f} %"


def summary(found: list[PublishedFigure]) -> str:
    """Return how often each verdict stands."""
    verdicts = [f.verdict for f in found]
    return ", ".join(f"{verdicts.count(v)} {v}" for v in (*GOOD, WRONG, STALE) if v in verdicts)


def places(row: Mapping[str, Datum]) -> list[str]:
    """Return the places that print a row: one, or a list of them."""
    where = row.get("where", "")
    return [str(place) for place in where] if isinstance(where, list) else [str(where)]
