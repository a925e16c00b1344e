"""The page: the data of all its networks, and the file that holds them with the modules that show them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from costcalc import __version__
from costcalc.base import Data, Datum, InputShape, grouped
from costcalc.base.errors import Fault, SpecError, stop
from costcalc.base.files import writing
from costcalc.comparisons.aligning import align
from costcalc.comparisons.changes import key
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.explorer.assemble import page
from costcalc.explorer.forms import form
from costcalc.explorer.kinds import TextPool
from costcalc.explorer.knobs import Movables
from costcalc.explorer.rates import rates
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.graph.knobs import with_knobs
from costcalc.hardware import device
from costcalc.language.document import Spec
from costcalc.measures.metric import Setup
from costcalc.measures.sizes import activation_bits
from costcalc.reports.colours import COLOURS
from costcalc.reports.result import Result
from costcalc.sweeps.engine import knobs_of, structures

TAKEN = ("device", "dtype", "mode", "bits")  # options that say where it begins
MOST_FORMS = 40  # of one network
MOST_BYTES = 4_000_000  # of the data


class Shown(NamedTuple):
    """A network that is shown: a word for it, its spec, the values of knobs, those to vary, another input."""

    label: str
    spec: Spec
    knobs: Mapping[str, Sequence[Datum]]
    vary: Sequence[str]
    shape: InputShape | None

    @property
    def in_force(self) -> Spec:
        """The spec at the start: the first of the values of each knob, unless its own is among them."""
        own = self.spec.knobs
        starts = {name: values[0] for name, values in self.knobs.items() if own.get(name) not in values}
        return with_knobs(self.spec, starts) if starts else self.spec


class Explorer:
    """What `costcalc.explore` returns: a page. It shows itself in a notebook, and `save` writes it to a file."""

    def __init__(self, data: Data) -> None:
        self.data = data  # as costcalc/explorer/page/types.js describes it
        self.text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        size = len(self.text.encode())
        if size > MOST_BYTES:
            raise stop(
                f"the page of {self.title} would hold {size / 1e6:.1f} MB of data, and may {MOST_BYTES / 1e6:.0f}",
                hint="give its knobs fewer values, or let fewer vary",
            )

    def __repr__(self) -> str:
        return f"<explorer of {self.title}>"

    @property
    def title(self) -> str:
        """The networks' names."""
        return ", ".join(network["name"] for network in self.data["networks"])

    @property
    def html(self) -> str:
        """The page as one HTML file, which needs nothing beside it."""
        return page(self.text, f"{self.title} - costcalc")

    @property
    def moves(self) -> list[str]:
        """What can be moved of each network, in words."""
        several = len(self.data["networks"]) > 1
        made = []
        for network in self.data["networks"]:
            knobs = [f"{one['name']} ({len(one['values'])} values)" for one in network["sliders"] + network["lists"]]
            named = f"{network['name']}: " if several else ""
            made.append(f"{named}{', '.join(knobs) or 'no knobs'}")
        return made

    def to_dict(self) -> Data:
        """Return the page's data, as its modules read it."""
        return self.data

    def save(self, path: str) -> None:
        """Write the page to a file, whole or not at all; raise SpecError where it can't be written."""
        text = self.html.encode()
        with writing(path) as file:
            file.write(text)

    def _repr_html_(self) -> str:
        style = "width:100%;height:720px;border:1px solid #8888"
        return f'<iframe title="{escape(self.title)}" srcdoc="{escape(self.html)}" style="{style}"></iframe>'


def explored(
    networks: Iterable[Shown], convention: str | Convention, batch: int, options: Mapping[str, Datum]
) -> Explorer:
    """Return the page of some networks, which starts under a convention, for a batch, with options of metrics.

    Raises SpecError for a network that can't be counted, and for a page that would be too large.
    """
    for name in options.keys() - {*TAKEN}:
        raise stop(f"a page begins with no {name}", hint=f"its options: {', '.join(TAKEN)}")
    start = conventions.get(convention)
    rules = {one.name: one for name in conventions.names() for one in conventions.get(name).others.values()}
    rules[start.name] = start
    setup = Setup(start, **{name: value for name, value in options.items() if name in ("mode", "bits")})
    texts = TextPool()
    extra = [device.load(options["device"])] if options.get("device") else []
    known = rates(one for one in extra if one.name not in {found.name for found in device.devices()})
    chosen = extra[0].name if extra else ""
    if extra and all(one["device"] != chosen for one in known):
        raise stop(f"{chosen}: nothing predicts a time on it", hint="a page shows times of CPUs, GPUs and MCUs")
    dtypes = [one["dtype"] for one in known if one["device"] == chosen]
    dtype = options.get("dtype") or (dtypes[0] if dtypes else "")
    if dtype and dtype not in dtypes:
        raise stop(f"{chosen or 'no device'} has no rates for {dtype}", hint=f"it has: {', '.join(dtypes) or 'none'}")
    found = [*networks]
    made = [_network(one, [*rules.values()], setup, texts) for one in found]
    data = {
        "version": 1,
        "costcalc": __version__,
        "families": [[name, *colours] for name, colours in COLOURS.items()],
        "texts": [*texts.texts],
        "conventions": [_convention(rule) for rule in rules.values()],
        "rates": known,
        "start": {"convention": start.name, "batch": batch, "device": chosen, "dtype": dtype},
        "networks": made,
        "aligned": _aligned(found, start),
    }
    return Explorer(data)


def _aligned(networks: Sequence[Shown], rule: Convention) -> list[list[tuple[int, int]]]:
    """Return which line of the first network is which of each other, where they start; -1 where one has no other."""
    if len(networks) < 2:
        return []
    first, *others = [[*map(key, Result(expand(one.in_force, shape=one.shape), rule).lines())] for one in networks]
    return [[(-1 if i is None else i, -1 if j is None else j) for i, j in align(first, other)] for other in others]


def _convention(rule: Convention) -> Data:
    return {
        "name": rule.name,
        "label": rule.label,
        "says": rule.says,
        "unit": rule.unit,
        "things": rule.things,
    }


def _network(shown: Shown, rules: Sequence[Convention], setup: Setup, texts: TextPool) -> Data:
    """Return a network as the page reads it."""
    movables = Movables(shown.spec, shown.knobs, shown.vary, shown.shape)
    expand(movables.spec, shape=shown.shape)  # tells all that is wrong where it starts
    forms, refused = _forms(movables, rules, setup, texts)
    if len(forms) > MOST_FORMS:
        raise stop(
            f"{shown.label}: its knobs make more than {MOST_FORMS} structures, each counted by itself",
            hint="give them fewer values",
        )
    if not forms:
        raise stop(refused[0]["wrong"])
    spec = shown.spec
    sliders, lists = ([one.to_dict() for one in some] for some in (movables.sliders, movables.lists))
    if not any(_holds(one, lists, sliders) for one in forms):  # it would start where the spec refuses it
        first = forms[0]
        for knob, place in zip(
            [*lists, *sliders], [*first["at"], *(where[0] for where in first["where"])], strict=True
        ):
            knob["start"] = place
    return {
        "name": shown.label,
        "title": spec.name,
        "source": str(spec.meta.get("source") or ""),
        "notes": _notes(forms),
        "sliders": sliders,
        "lists": lists,
        "forms": forms,
        "memory": {"mode": setup.mode, "bits": activation_bits(setup), "says": f"{setup.mode}, listed order"},
        "refused": _merged(refused),
    }


def _holds(one: Data, lists: Sequence[Data], sliders: Sequence[Data]) -> bool:
    """Say whether a form is one of the start."""
    there = all(knob["start"] in where for knob, where in zip(sliders, one["where"], strict=True))
    return there and [*one["at"]] == [knob["start"] for knob in lists]


def _merged(refused: Sequence[Data]) -> list[Data]:
    """Return the settings that are refused, those for one reason as products of places where they are such."""
    found = [*refused]
    for axis in range(len(refused[0]["where"]) if refused else 0):
        groups = grouped(
            (str([one["at"], one["wrong"], one["where"][:axis], one["where"][axis + 1 :]]), one) for one in found
        )
        found = [
            group[0]
            | {
                "where": [
                    sorted({k for one in group for k in one["where"][n]}) if n == axis else places
                    for n, places in enumerate(group[0]["where"])
                ]
            }
            for group in groups.values()
        ]
    return found


def _notes(forms: Sequence[Data]) -> list[str]:
    """Return what a reader must know beside the numbers of a network."""
    return [*dict.fromkeys(one["untold"] for one in forms if "untold" in one)]


def _forms(
    movables: Movables, rules: Sequence[Convention], setup: Setup, texts: TextPool
) -> tuple[list[Data], list[Data]]:
    """Return the forms of a network, and the settings that its spec refuses."""
    forms: list[Data] = []
    refused: list[Data] = []
    grid = movables.grid
    for setting in movables.settings():

        def made(indices: list[Any], graph: Graph, spec: Spec = setting.spec) -> Data:
            def at(places: Mapping[int, Sequence[int]]) -> Graph:
                some = [one[[*places[k]]] if k in places else one for k, one in enumerate(indices)]
                return expand(spec, knobs_of(grid, some), movables.shape)

            return form(indices, graph, rules, setup, texts, at)

        def refuse(indices: list[Any], error: SpecError | Fault, at: tuple[int, ...] = setting.at) -> None:
            wrong = error.message if isinstance(error, Fault) else error.problems[0].message
            refused.append({"at": at, "where": [places.tolist() for places in indices], "wrong": wrong})

        for one in structures(setting.spec, grid, made, movables.shape, refuse):
            forms.append({"at": setting.at, **one})
            if len(forms) > MOST_FORMS:
                return forms, refused
    return forms, refused
