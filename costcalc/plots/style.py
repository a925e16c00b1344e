"""What all pictures share: type, fills, markers and lines that differ in grey too, small print, the file's format."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from costcalc.asked import NetworkLike, several
from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.files import writing
from costcalc.base.hints import Hint
from costcalc.base.optional import need
from costcalc.reports.render.text import width
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONT = 8  # points: the least that is read on a page
WIDTH = 7.2  # inches: a page's text
SUFFIXES = ("png", "svg", "pdf")
MOST_PIXELS = 20_000  # of a PNG's side
MANY = 3_000  # so many times the least make an axis of many decades
ON_SCREEN = 100  # dots an inch, in a notebook
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K"))
QUIET = "0.35"  # the grey of what is not data

SETTINGS: dict[str, Datum] = {
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": FONT,
    "axes.labelsize": FONT + 1,
    "axes.titlesize": FONT + 1,
    "legend.fontsize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "pdf.fonttype": 42,  # letters stay letters
    "svg.hashsalt": "costcalc",  # the same picture is the same file
}

# Colours that the colour-blind tell apart (Okabe and Ito), from dark to light in turn; hatches tell them apart in grey.
FILLS = (
    ("#0072B2", ""),
    ("#F0E442", "////"),
    ("#D55E00", "\\\\\\\\"),
    ("#56B4E9", "...."),
    ("#009E73", "xxxx"),
    ("#E69F00", "----"),
    ("#CC79A7", "||||"),
)
REST = ("#DDDDDD", "++++")  # what is too small for a fill of its own
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)), (0, (3, 1, 3, 4)))


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the pictures' own style, whatever the user's is."""
    matplotlib = need("matplotlib", "plot")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of so many inches. It belongs to no window, closes itself, and a notebook shows it."""
    made = _picture()(figsize=size, layout="constrained")
    need("matplotlib.backends.backend_agg", "plot").FigureCanvasAgg(made)
    return made


@cache
def _picture() -> type[Figure]:
    """Return the class of the figures: matplotlib's own, and what Jupyter asks for to show it."""
    need("matplotlib.figure", "plot")
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure that a notebook shows, without a back end of matplotlib's."""

        def _repr_png_(self) -> bytes:
            return _written(self, "png", ON_SCREEN)

    return Picture


def results(networks: Sequence[NetworkLike], more: Mapping[str, Datum], *words: Any, **named: Any) -> list[Result]:
    """Return networks as Results, counted alike; raise SpecError where one has costs that are unknown."""
    found = [one.result for one in several(networks, more, *words, **named)]
    for result in found:
        if not isinstance(result.params + result.operations, int):
            raise stop(f"{result.name} has layers of unknown cost, and a picture would hide them")
    return found


def legend(figure_: Figure, axes: Axes, most: int = 4) -> None:
    """Write above the panels what one of them draws, in rows of equal length."""
    handles, labels = axes.get_legend_handles_labels()
    rows = -(-len(handles) // most)
    figure_.legend(handles, labels, loc="outside upper center", ncols=-(-len(handles) // rows))


def shortened(name: str, figure_: Figure) -> str:
    """Return a name, of one that would take more than a third of the figure its variant alone, or its end."""
    most = max(int(figure_.get_figwidth() * 72 / (FONT * 0.56) / 3), 8)
    if width(name) > most and "(" in name:
        name = name.partition("(")[2].replace(")", "", 1)
    if width(name) <= most:
        return name
    while width(name) >= most:
        name = name[1:]
    return f"…{name}"


def small_print(figure_: Figure, *said: str) -> None:
    """Write under the figure what its numbers are: the network, the convention."""
    import textwrap

    letters = int(figure_.get_figwidth() * 72 / (FONT * 0.56))
    lines = [line for text in said for line in textwrap.wrap(text, letters)]
    figure_.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=FONT, color=QUIET)


def named(result: Result) -> str:
    """Return the small print that says which network it is, at which knobs."""
    return result.heading()[0]


def amount(value: float, _: object = None) -> str:
    """Return a count in few digits, as an axis has it: 2.5 M, 100 M, 864."""
    for size, unit in UNITS:
        if abs(value) >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:.4g}"


def counts(axis: Any) -> None:
    """Write a logarithmic axis's ticks as counts, each with its unit: every decade, of few decades three in each."""
    ticker = need("matplotlib.ticker", "plot")
    low, high = axis.get_view_interval()
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if high < MANY * low else (1,)))
    axis.set_minor_formatter(ticker.NullFormatter())
    axis.set_major_formatter(ticker.FuncFormatter(amount))


def scaled(axis: Any, title: str, largest: float) -> None:
    """Write an axis's ticks in one unit, which stands in its title."""
    size, unit = next((pair for pair in UNITS if largest >= pair[0]), (1.0, ""))
    axis.set_major_formatter(need("matplotlib.ticker", "plot").FuncFormatter(lambda value, _: f"{value / size:g}"))
    axis.set_label_text(f"{title} ({unit})" if unit else title)


def kind_of(path: str) -> str:
    """Return the format that a file's suffix asks for; raise SpecError for one that there is not."""
    suffix = os.path.splitext(path)[1].lower().removeprefix(".")
    if suffix not in SUFFIXES:
        raise stop(f"{path}: a picture is {', '.join(f'.{s}' for s in SUFFIXES)}", hint="name the file so: NAME.png")
    return suffix


def save(figure_: Figure, path: str, dpi: float = 150) -> None:
    """Write a figure to .png (at dpi), .svg or .pdf, by the suffix; the same figure gives the same bytes.

    Raises SpecError for another suffix, or a file that cannot be written.
    """
    kind = kind_of(path)
    if kind == "png" and max(figure_.get_size_inches()) * dpi > MOST_PIXELS:
        raise stop(
            f"a picture of more than {MOST_PIXELS:,} pixels a side is refused",
            hint=Hint("ask for a smaller size, or fewer dpi", "ask for a smaller --figure, or --dpi"),
        )
    picture = _written(figure_, kind, dpi)  # whole, as a pipe has no place to go back to
    with writing(path) as file:
        file.write(picture)


def _written(figure_: Figure, kind: str, dpi: float) -> bytes:
    """Return a figure as a file of png, svg or pdf holds it."""
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    picture = BytesIO()
    with styled():
        figure_.savefig(picture, format=kind, dpi=dpi, metadata=metadata)
    return picture.getvalue()
