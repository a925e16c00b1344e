"""The account of published figures: what each source prints, what a spec gives, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from costcalc.base import Data, Datum, grouped
from costcalc.base.errors import Problem, stop
from costcalc.base.progress import steps
from costcalc.base.text import plural
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.yaml_text import typed
from costcalc.numbers import text as numbers
from costcalc.published.figures import Claim, check, claims, figure
from costcalc.reports.table import Column, Table

EXACT, ROUNDED, EXPLAINED, WRONG, STALE = "exact", "rounded", "explained", "WRONG", "STALE"
GOOD = (EXACT, ROUNDED, EXPLAINED)


def verdict(claim: Claim) -> str:
    """Return what is to be said of a figure; WRONG and STALE are verdicts that its spec does not claim."""
    if claim.holds:
        if not claim.reproduces:
            return STALE
        return EXACT if figure(claim.printed).value == claim.ours else ROUNDED
    return WRONG if claim.reproduces else EXPLAINED


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
        """What the figure counts, as its convention calls it."""
        rule = counted_under(self.claim.row)
        return rule.unit if self.claim.quantity == "macs" else rule.things

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
            "ours": claim.ours if isinstance(claim.ours, int) else float(claim.ours),
            **counted_under(claim.row).mark,
            "verdict": self.verdict,
            "note": claim.row.get("note"),
        }


def counted_under(row: Mapping[str, Datum]) -> Convention:
    """Return the convention of a published row."""
    return conventions.get(row.get("convention", conventions.DEFAULT))


def called(claim: Claim) -> str:
    """Return what a figure counts, by name; a spec says `macs:` of whatever its convention counts."""
    return counted_under(claim.row).called if claim.quantity == "macs" else claim.quantity


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


def account_table(found: list[PublishedFigure]) -> Table:
    """Return a line a figure: what is printed and where, what we count, the verdict."""
    columns = [
        Column("network"),
        Column("printed in"),
        Column("printed", "number"),
        Column("ours", "number"),
        Column("verdict"),
    ]
    cells = [[f.network, f.where, f"{f.claim.printed} {f.unit}", _shown(f.claim), f.verdict] for f in found]
    return Table(columns, cells, [plural(len(found), "figure"), "", "", "", ""])


def unclaimed(spec: Spec) -> list[Problem]:
    """Return a problem for each figure of a spec whose verdict is not what the spec claims."""
    marks = {id(row): marks for row, marks in zip(spec.published, spec.published_marks, strict=True)}
    found = []
    for figure_ in of_spec(spec):
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
    return numbers.figure(claim.ours, "" if isinstance(claim.ours, int) else "%")


def _exact(claim: Claim) -> str:
    return f"{claim.ours:,}" if isinstance(claim.ours, int) else f"{claim.ours:.4f} %"


def summary(found: list[PublishedFigure]) -> str:
    """Return how often each verdict stands."""
    verdicts = [f.verdict for f in found]
    return ", ".join(f"{verdicts.count(v)} {v}" for v in (EXACT, ROUNDED, EXPLAINED, WRONG, STALE) if v in verdicts)


# ---- tables of papers --------------------------------------------------------------------------


def places(row: Mapping[str, Datum]) -> list[str]:
    """Return the tables that print a row: one, or a list of them."""
    where = row.get("where", "")
    return [str(place) for place in where] if isinstance(where, list) else [str(where)]


def tables() -> dict[tuple[str, str], list[tuple[Spec, Data]]]:
    """Return the rows of the zoo by the table that prints them: (source, where)."""
    rows = [(spec, row) for spec in zoo.specs() for row in spec.published]
    return grouped(((str(row.get("source", "")), place), (spec, row)) for spec, row in rows for place in places(row))


def find_table(source: str, where: str) -> list[tuple[Spec, Data]]:
    """Return the rows of one table, by a part of its source and its number or name; raise SpecError for none."""
    known = tables()
    same = [key for key in known if source.lower() in key[0].lower() and _called(key[1], where)]
    if not same:
        raise stop(f"no figure of the zoo is of '{source}', '{where}'", hint="costcalc table lists the tables")
    return [row for key in same for row in known[key]]


def _called(where: str, wanted: str) -> bool:
    return wanted.lower() in (where.lower(), where.lower().removeprefix("table "))


def record(spec: Spec, row: Data) -> Data:
    """Return what a table prints of a network as plain data, our counts beside it and the convention they are under."""
    ours = {
        f"our_{called(one)}": one.ours if isinstance(one.ours, int) else float(one.ours) for one in claims(spec, row)
    }
    return {"network": network(spec, row), **row, **ours, **counted_under(row).mark}


def paper_table(rows: list[tuple[Spec, Data]]) -> Table:
    """Return a table as its paper prints it, our counts beside its figures; what it has not, has no column."""
    titles = {
        "macs": "MACs",
        "our macs": "ours",
        "params": "params",
        "our params": "ours",
        "top1": "top-1",
        "top5": "top-5",
    }
    lines = paper_lines(rows)
    keys = [key for key in titles if any(key in line for line in lines)]
    columns = [Column("network"), *(Column(titles[key], "number") for key in keys)]
    cells = [[line["network"], *(line.get(key, "") for key in keys)] for line in lines]
    return Table(columns, cells, [plural(len(cells), "line"), *[""] * len(keys)])


def paper_lines(rows: list[tuple[Spec, Data]]) -> list[dict[str, str]]:
    """Return the cells of a paper's table by line: what is printed of one network in several rows stands together."""
    lines: list[dict[str, str]] = []
    for spec, row in rows:
        cells: dict[str, str] = {key: str(row[key]) for key in ("macs", "params", "top1", "top5") if key in row}
        for claim in claims(spec, row):
            cells[f"our {claim.quantity}"] = _shown(claim) + ("" if claim.holds else " ≠")
        name = network(spec, row)
        # A quantity that is printed twice of a network is printed of two lines.
        free = [line for line in lines if line["network"] == name and not line.keys() & cells.keys()]
        if free:
            free[0].update(cells)
        else:
            lines.append({"network": name, **cells})
    return lines
