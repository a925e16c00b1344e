"""What a metric is: a number of each row, and how rows come to one total. The metrics are in `costcalc/measures/`.

A metric is a class there: its name, unit, title, a sentence (the docstring's first line), a source, and
what a graph's rows have of it under a `Setup`. Nothing is registered by hand. Reports, sweeps, comparisons,
budgets and searches take any metric by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from costcalc.base import Data, Datum, arguments
from costcalc.base.errors import Problem, SpecError, nearest, stop
from costcalc.base.hints import argument, function, said
from costcalc.costs import conventions
from costcalc.costs.convention import OPERATIONS, Convention
from costcalc.costs.rows import Row
from costcalc.costs.rows import rows as rows_of
from costcalc.graph.graph import Graph
from costcalc.hardware.words import DTYPES, FUSIONS
from costcalc.numbers.num import LARGEST, UNKNOWN, Dim, limited, or_none

REGISTRY: dict[str, Metric] = {}
COUNTED = ("macs", "flops", OPERATIONS)  # what a convention may count beside params: it says the unit of each


# ---- what it is asked for -----------------------------------------------------------------------------


class Option:
    """One thing that a setup says: its default, what it may be, and a sentence."""

    __slots__ = ("default", "doc", "least", "metavar", "most", "words")

    def __init__(
        self,
        doc: str,
        default: Datum = None,
        *,
        least: int | None = None,
        most: int | None = None,
        words: tuple[str, ...] = (),
        metavar: str = "N",
    ) -> None:
        self.doc = doc
        self.default = default
        self.least = least  # of a whole number; a text has no bounds
        self.most = most
        self.words = words  # of a choice
        self.metavar = metavar

    def settled(self, name: str, value: Datum) -> Datum:
        """Return a value that this option takes; raise SpecError for another."""
        if isinstance(self.default, bool):
            fits, wanted = isinstance(value, bool), "true or false"
        elif self.words:
            fits, wanted = isinstance(value, str) and value in self.words, f"one of {', '.join(self.words)}"
        elif self.least is None:
            fits, wanted = isinstance(value, str), "a text"
        else:
            value = arguments.whole(value) if arguments.whole(value) is not None else value
            fits, wanted = type(value) is int and self.least <= value <= (self.most or value), self.range
        if not fits and not self.unasked(value):
            hint = nearest(value, self.words) if self.words and isinstance(value, str) else ""
            raise stop(f"{name} is {wanted}, not {arguments.said(value)}", hint=hint)
        return value

    def unasked(self, value: Datum) -> bool:
        """Whether a value is none, or the default: it says nothing."""
        return value is None or (type(value) is type(self.default) and bool(value == self.default))

    @property
    def range(self) -> str:
        """The whole numbers that it takes, in words."""
        return f"a whole number from {self.least}{f' to {self.most}' if self.most else ''}"


def require_batch(batch: Datum) -> int:
    """Return how many images are counted at once; raise SpecError for what is no such number."""
    images = arguments.whole(batch)
    if images is None or images < 1:
        raise stop(f"a batch is a whole number from 1, not {arguments.said(batch)}")
    if images >= LARGEST:
        raise stop(f"a batch of {images!s:.60} is too large to be meant", hint=f"costcalc takes one below {LARGEST:,}")
    return images


MODES = ("folded", "fused", "inplace", "eager", "mcu")
ORDERS = ("listed", "best")
OPTIMIZERS = ("sgd", "momentum", "adam")

# All that any metric may ask for. The command line has an option for each, Python an argument.
OPTIONS: dict[str, Option] = {
    "batch": Option("images at once", 1, least=1),
    "bits": Option("bits where none are stated; 32 unless told", least=1, most=64),
    "mode": Option("who manages memory", "fused", words=MODES, metavar="WORD"),
    "freeze": Option("layers that do not learn: stage1/*,conv1", "", metavar="PATTERNS"),
    "amp": Option("mixed precision: activations 16 bits, the rest 32", default=False),
    "optimizer": Option("keeps 0, 1 or 2 numbers a weight", "sgd", words=OPTIMIZERS, metavar="WORD"),
    "checkpoint": Option("segments whose insides are computed again", least=1, most=1000),
    "ignore_se": Option("leave global gates out of the receptive field", default=False),
    "order": Option("how rows run; best: the smallest peak", "listed", words=ORDERS, metavar="WORD"),
    "patches": Option("run the first rows in N x N patches", least=2, most=16),
    "weight_bits": Option("bits of a weight that states none; or as --bits", least=1, most=64),
    "density": Option('share of weights not 0: 0.3, "conv 3x3=0.3; fc=0.1"', "", metavar="TEXT"),
    "device": Option("a device of costcalc devices, or a device's file", "", metavar="NAME"),
    "dtype": Option(
        "as measured unless told", "", words=(*DTYPES,), metavar="WORD"
    ),
    "fusion": Option("as measured unless told", "", words=(*FUSIONS,), metavar="WORD"),
    "energy_table": Option("what operations take: horowitz_45nm, eyeriss, a file", "horowitz_45nm", metavar="NAME"),
    "onchip": Option("bytes of memory on the chip, for energy: 1M", 0, least=0, metavar="BYTES"),
}  # fmt: skip

# Metrics that are asked for together, by a word of their own wherever metrics are named. Operations are called in each
# what the convention calls them.
GROUPS = {
    "work": ("params", OPERATIONS, "elementwise"),
    "padding_aware": ("params", OPERATIONS, "real_macs"),
    "receptive_fields": ("receptive_field", "effective_stride", "effective_padding", "field_centre"),
    "memory": ("activations", "activation_bytes", "bytes", "peak_memory"),
    "times": (OPERATIONS, "latency", "latency_most", "bound"),
    "energies": (OPERATIONS, "energy", "energy_compute", "energy_onchip", "energy_dram"),
}


class Setup:
    """What a metric is asked for: the convention, and a value for each of `OPTIONS`. It can't be changed.

    An option that a metric does not know does not matter to it.
    """

    __slots__ = ("convention", "given")

    convention: Convention
    given: tuple[tuple[str, Datum], ...]  # the options that are not at their defaults

    def __init__(self, convention: str | Convention = conventions.DEFAULT, **options: Datum) -> None:
        """Take the options' values; raise SpecError for an option that there is not, or a value that it can't take."""
        for name in options.keys() - OPTIONS.keys():
            raise stop(f"there is no option '{name}'", hint=nearest(name, OPTIONS) or f"known: {', '.join(OPTIONS)}")
        settled = {
            name: require_batch(value) if name == "batch" else OPTIONS[name].settled(name, value)
            for name, value in options.items()
            if value is not None
        }
        kept = tuple(sorted((name, value) for name, value in settled.items() if value != OPTIONS[name].default))
        object.__setattr__(self, "convention", conventions.get(convention))
        object.__setattr__(self, "given", kept)

    def __getattr__(self, name: str) -> Datum:
        if name not in OPTIONS:
            raise AttributeError(name)
        return dict(self.given).get(name, OPTIONS[name].default)

    def __setattr__(self, name: str, value: Datum) -> None:
        raise AttributeError(f"a setup can't be changed: make another for {name} = {value!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setup) and (self.convention, self.given) == (other.convention, other.given)

    def __hash__(self) -> int:
        return hash((self.convention.name, self.given))

    def __repr__(self) -> str:
        return f"Setup({', '.join([repr(self.convention.name), *(f'{k}={v!r}' for k, v in self.given)])})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _setup, (self.convention.name, self.given)

    def but(self, **options: Datum) -> Setup:
        """Return the same, but for these options."""
        return Setup(self.convention, **dict(self.given) | options)

    def to_dict(self) -> Data:
        """Return the options as plain data, all of them."""
        return {name: getattr(self, name) for name in OPTIONS}


def _setup(convention: str, given: Iterable[tuple[str, Datum]]) -> Setup:
    return Setup(convention, **dict(given))


# ---- what it is ---------------------------------------------------------------------------------------


class Metric:
    """A number of each row, and how several come to one. A subclass is a metric; its docstring's first line says what.

    `rows` gives a value for each node of the graph, None where a row has none. `fold` makes one of
    several, for lines that stand for several rows; `total` is the network's, the fold of all rows
    unless the metric says otherwise (a peak over time). Values are exact: whole numbers or Fractions.
    """

    name: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    title: ClassVar[str] = ""  # a column's, short
    source: ClassVar[str] = ""
    kind: ClassVar[str] = "count"  # how a table writes it: count (with a unit), ratio (two decimals), text
    uses: ClassVar[tuple[str, ...]] = ()  # the options that matter to it
    needs: ClassVar[dict[str, Datum]] = {}  # the options that must be given, each with an example
    local: ClassVar[bool] = False  # whether a row's value depends on that row alone, and the total is their sum
    vectorised: ClassVar[bool] = False  # whether its rules run on a sweep's numbers; else settings are counted singly

    def __init_subclass__(cls, name: str = "", **extra: Dim) -> None:
        super().__init_subclass__(**extra)
        if name:
            cls.name = name
            if not (cls.__doc__ and cls.unit and cls.title and cls.source):
                raise TypeError(f"the metric {name} needs a docstring, unit, title and source")
            if name in REGISTRY and type(REGISTRY[name]).__qualname__ != cls.__qualname__:
                raise TypeError(f"two metrics are called '{name}'")
            REGISTRY[name] = cls()

    @property
    def doc(self) -> str:
        """What it is, in one sentence."""
        return (type(self).__doc__ or "").strip().splitlines()[0]

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        """Return each node's value, in the graph's order; None where it has none."""
        raise NotImplementedError

    def fold(self, values: Sequence[Dim]) -> Dim:
        """Return what several rows come to: their sum, unless a metric says otherwise; None where none has a value."""
        return summed(values)

    def over(self, graph: Graph, setup: Setup, values: Sequence[Dim], indices: Sequence[int]) -> Dim:
        """Return what the rows with these indices come to, given all rows' values."""
        return self.fold([values[index] for index in indices])

    def total(self, graph: Graph, setup: Setup) -> Dim:
        """Return the network's value."""
        values = self.rows(graph, setup)
        return self.over(graph, setup, values, range(len(values)))

    def vectorises(self, setup: Setup) -> bool:
        """Say whether its rules run on a sweep's numbers under this setup."""
        return self.vectorised

    def heading(self, setup: Setup) -> str:
        """Return the column's title."""
        return self.title

    def measured_in(self, setup: Setup) -> str:
        """Return the unit."""
        return self.unit

    def says(self, setup: Setup) -> str:
        """Return what must be said beside the number: the options that it was counted under."""
        return ", ".join(f"{name.replace('_', ' ')} {getattr(setup, name)}" for name in self.uses if told(setup, name))

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        """Return lines that explain the total: where a peak is, what is alive then."""
        return []

    def details(self, graph: Graph, setup: Setup) -> Data:
        """Return the same as plain data."""
        return {}


def named(metric: Metric, setup: Setup) -> str:
    """Return what a number is followed by: `MACs`, `bytes of peak_memory (fused)`."""
    unit, says = metric.measured_in(setup), metric.says(setup)
    own = metric.name in ("params", *COUNTED, unit)
    usual = own and not any(name in metric.uses for name, _ in setup.given if name != "batch")
    return f"{unit}{'' if own else f' of {metric.name}'}{f' ({says})' if says and not usual else ''}"


def told(setup: Setup, name: str) -> bool:
    """Say whether an option is to be named beside a number: it has a value, and is no batch of one."""
    return getattr(setup, name) not in (None, False, "") and (name, getattr(setup, name)) != ("batch", 1)


def summed(values: Iterable[Dim]) -> Dim:
    """Return the sum of the values that are there; None for none."""
    there = [value for value in values if value is not None]
    return sum(there[1:], there[0]) if there else None


def most(values: Iterable[Dim]) -> Dim:
    """Return the largest of the values that are there; None for none, unknown where one is."""
    there = [value for value in values if value is not None]
    return UNKNOWN if any(value is UNKNOWN for value in there) else max(there, default=None)


def last(values: Iterable[Dim]) -> Dim:
    """Return the last of the values that are there; None for none."""
    return next((value for value in reversed(list(values)) if value is not None), None)


def counted(graph: Graph) -> list[Row]:
    """Return the graph's rows with all components; kept, since several metrics ask for the same."""
    if graph.counted is None:
        graph.counted = rows_of(graph)
    rows: list[Row] = graph.counted
    return rows


# ---- finding and measuring ------------------------------------------------------------------------------

_loaded: set[str] = set()


def metrics() -> dict[str, Metric]:
    """Return all metrics by name, loading them at the first call: they are found by lying in their folder.

    What every network has stands first, then a file after another, whatever was imported before.
    """
    if not _loaded:
        import os
        from importlib import import_module

        import costcalc.measures as package

        files = sorted(os.listdir(os.path.dirname(package.__file__ or "")), key=lambda file: (file != "sizes.py", file))
        modules = [f"costcalc.measures.{file[:-3]}" for file in files if file.endswith(".py") and file != "__init__.py"]
        for module in modules:
            import_module(module)
        place = {module: number for number, module in enumerate(modules)}
        ordered = sorted(REGISTRY.items(), key=lambda pair: place.get(type(pair[1]).__module__, len(place)))
        REGISTRY.clear()
        REGISTRY.update(ordered)
        _loaded.add("own")
    return REGISTRY


def find(name: str) -> Metric:
    """Return a metric by name; raise SpecError, with the nearest name, where there is none."""
    found = REGISTRY.get(name) or metrics().get(name) if isinstance(name, str) else None
    if found is None:
        raise stop(
            f"there is no metric '{str(name)[:60]}'",
            hint=nearest(str(name), REGISTRY) or said("{} lists all", function("metrics")),
        )
    return found


def names(text: str | Iterable[str], convention: str | Convention = conventions.DEFAULT) -> tuple[str, ...]:
    """Return the metrics that are named, one by one, in one text with commas or by a group's name; each once.

    convention: what a group's operations are called by. Raises SpecError with all mistakes.
    """
    problems: list[Problem] = []
    chosen: list[str] = []
    for word in arguments.texts(text, "metrics", "name them: columns='params,macs,bytes'"):
        try:
            if word in GROUPS:
                called = conventions.get(convention).called
                chosen += [called if name == OPERATIONS else name for name in GROUPS[word]]
            else:
                chosen.append(find(word).name)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return tuple(dict.fromkeys(chosen))


def spread(options: Mapping[str, Datum]) -> Data:
    """Return options of metrics that are given one by one, `bits=8`, or together, `options={"bits": 8}`."""
    together = arguments.named(options.get("options"), "options of metrics", 'options={"bits": 8}')
    for name in together.keys() & options.keys():
        raise stop(f"the option {name} is given twice", hint="in options, and as an argument: leave one out")
    return {**together, **{name: value for name, value in options.items() if name != "options"}}


def refuse_idle(asked: Collection[str], options: Mapping[str, Datum]) -> None:
    """Raise SpecError for options of metrics where no metric is asked for, or none to which they matter."""
    given = [name for name, value in options.items() if name in OPTIONS and not OPTIONS[name].unasked(value)]
    if given and not asked:
        raise stop(
            f"{given[0]} is about metrics, and none is asked for",
            hint=said("name them: {}", argument(columns="params,macs,bytes")),
        )
    for name in given:
        if name != "batch" and not any(name in find(one).uses for one in asked):
            those = ", ".join(one.name for one in metrics().values() if name in one.uses)
            raise stop(f"{name} does not matter to {', '.join(asked)}", hint=f"it is about {those}")


def titles(asked: Iterable[Metric], setup: Setup) -> dict[str, str]:
    """Return the titles of columns by the metrics' names; of those with one title all but the first say the name."""
    found: dict[str, str] = {}
    for one in asked:
        title = one.heading(setup)
        found[one.name] = f"{title} ({one.name})" if title in found.values() else title
    return found


def refuse_uncounted(asked: Iterable[str], convention: Convention) -> None:
    """Raise SpecError for macs, flops or operations among metrics where the convention counts no such thing."""
    for name in asked:
        if name in COUNTED:
            convention.named(name)


class Measured:
    """What a network has of a metric: `.total`, `.rows` (a value a row, None where it has none), `.unit`."""

    __slots__ = ("graph", "metric", "rows", "setup", "total")

    def __init__(self, metric: Metric, graph: Graph, setup: Setup) -> None:
        self.metric = metric
        self.graph = graph
        self.setup = setup
        self.rows = list(metric.rows(graph, setup))
        self.total = total(metric, graph, setup)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.total} {self.unit}{f' ({self.says})' if self.says else ''}>"

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name

    @property
    def unit(self) -> str:
        """What the numbers count."""
        return self.metric.measured_in(self.setup)

    @property
    def says(self) -> str:
        """What must be said beside the number: mode, bits, batch."""
        return self.metric.says(self.setup)

    def over(self, indices: Sequence[int]) -> Dim:
        """Return what the rows with these indices come to."""
        return self.metric.over(self.graph, self.setup, self.rows, indices)

    def to_dict(self) -> Data:
        """Return the total as plain data."""
        about = {"name": self.name, "unit": self.unit, "doc": self.metric.doc, "under": self.says}
        return {**about, "total": plain(self.total), **self.metric.details(self.graph, self.setup)}


def total(metric: Metric, graph: Graph, setup: Setup) -> Dim:
    """Return the network's value of a metric; raise SpecError where it is too large to be told."""
    return limited(metric.total(graph, setup), named(metric, setup))


def measured(name: str, graph: Graph, setup: Setup) -> Measured:
    """Return what a graph has of a metric; raise SpecError for a name that none has."""
    return Measured(find(name), graph, setup)


def plain(value: Datum) -> Datum:
    """Return a value as plain data has it: None where it is unknown, a Fraction as a float unless it is whole."""
    if value is UNKNOWN:
        return or_none(value)
    denominator = getattr(value, "denominator", 1)
    if isinstance(value, int) or (denominator == 1 and hasattr(value, "numerator")):
        return int(value)
    return float(value) if hasattr(value, "numerator") else value
