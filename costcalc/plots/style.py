"""What all pictures share: type, fills, markers and lines that differ in grey too, small print, the file's format."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from costcalc.asked import NetworkLike, several
from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.base.files import writing
from costcalc.base.hints import Hint
from costcalc.base.optional import need
from costcalc.reports.colours import COLOURS as FAMILIES
from costcalc.reports.render.text import width
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONT = 7  # points: what is read on a page, and in a column
WIDTH = 7.2  # inches: a page's text
SIZES: dict[str, tuple[float, float | None]] = {  # by a word; without a height as high as the picture needs
    "page": (WIDTH, None),
    "column": (85 / 25.4, None),
    "slide": (6.4, 3.6),  # 16:9: at 300 dots an inch 1920x1080
}
NARROW = 5.0  # inches: panels stand below each other
LINE = 0.115  # inches that a line of letters needs
SUFFIXES = ("png", "svg", "pdf")
Size: TypeAlias = "tuple[float, float] | str | None"
MOST_PIXELS = 20_000  # of a PNG's side
MANY = 3_000  # so many times the least make an axis of many decades
ON_SCREEN = 100  # dots an inch, in a notebook
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K"))
SHORTEST = 4  # letters of a part of a path that is cut
QUIET = "0.35"  # the grey of what is not data

SETTINGS: dict[str, Datum] = {
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": FONT,
    "axes.labelsize": FONT,
    "axes.titlesize": FONT + 1,
    "legend.fontsize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.2,
    "legend.handletextpad": 0.5,
    "hatch.linewidth": 0.4,
    "pdf.fonttype": 42,  # letters stay letters
    "svg.hashsalt": "costcalc",  # the same picture is the same file
}

# Of families, beside their colours: what tells them apart in grey. On a dark colour hatches and edges are white.
HATCHES = {
    "convolution": "",
    "pointwise": "...",
    "depthwise": "xxx",
    "grouped": "//",
    "transposed": "++",
    "fully connected": "\\\\\\",
    "products": "**",
    "recurrent": "OO",
    "embeddings": "oo",
    "pooling": "|||",
    "norm": "---",
    "activation": "///",
    "join": "\\\\",
    "other": "..",
}
DARK = ("transposed", "products", "recurrent")
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


def figure(size: Size, height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of a size, else of so many inches. It belongs to no window; a notebook shows it."""
    made = _picture()(figsize=inches(size, height, width), layout="constrained")
    need("matplotlib.backends.backend_agg", "plot").FigureCanvasAgg(made)
    return made


def inches(size: Size, height: float, width: float = WIDTH) -> tuple[float, float]:
    """Return a figure's width and height: of a word of SIZES, of two numbers, or those that it has unless told."""
    if isinstance(size, str):
        if size not in SIZES:
            raise stop(f"'{size[:40]}' is no size of a picture", hint=f"known: {', '.join(SIZES)}")
        wide, high = SIZES[size]
        return wide, high or height
    return size or (width, height)


def frame(size: Size) -> float:
    """Return the inches of height that title, legend, axis and small print take: more where it is narrow."""
    return 1.25 if inches(size, 0)[0] >= NARROW else 2.3


def beside(made: Figure, count: int, *, sharey: bool = False) -> list[Axes]:
    """Return so many panels, beside each other, or below each other in a narrow figure."""
    wide = made.get_figwidth() >= NARROW
    found = made.subplots(1, count, sharey=sharey, squeeze=False) if wide else made.subplots(count, 1, squeeze=False)
    return [*found.flat]


def fill(family: str) -> Data:
    """Return how a bar of a family of layer types is drawn."""
    edge = "white" if family in DARK else "black"
    return {"color": FAMILIES[family][0], "hatch": HATCHES[family], "edgecolor": edge}


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
    """Return networks as Results, counted alike."""
    return [one.result for one in several(networks, more, *words, **named)]


def require_known(found: Iterable[Result]) -> None:
    """Raise SpecError where a network has costs that are unknown: shares of them would mislead."""
    for result in found:
        if not isinstance(result.params + result.operations, int):
            raise stop(f"{result.name} has layers of unknown cost, and shares would hide them")


def legend(figure_: Figure, title: str, *drawn: Axes) -> None:
    """Write above the panels what the picture is of, and what each colour is, in as few rows as have room."""
    said = textwrap.fill(title, letters(figure_) * FONT // (FONT + 1) - 1)
    named = {label: handle for axes in drawn for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if not named:
        figure_.suptitle(said, x=0.01, ha="left", fontsize=FONT + 1)
        return
    look: Data = {"loc": "outside upper left", "title": said, "title_fontsize": FONT + 1, "alignment": "left"}
    room = figure_.get_figwidth() * figure_.dpi
    for count in range(len(named), 0, -1):
        if count > 1 and -(-len(named) // count) == -(-len(named) // (count - 1)):
            continue  # as many rows take fewer columns
        made = figure_.legend([*named.values()], [*named], ncols=count, borderaxespad=0.2, **look)
        if count == 1 or made.get_window_extent(figure_.canvas.get_renderer()).width <= room:  # type: ignore[attr-defined]
            return
        made.remove()


def letters(figure_: Figure) -> int:
    """Return how many letters a line of a figure has, about."""
    return int(figure_.get_figwidth() * 72 / (FONT * 0.56))


def shortened(name: str, figure_: Figure) -> str:
    """Return a name, of one that would take more than a third of the figure its variant alone, or a shorter one.

    The parts of a path keep their beginnings and their numbers: `stage2/inv…3/conv1`; of any other its end is left.
    """
    most = max(letters(figure_) // 3, 8)
    if width(name) > most and "(" in name:
        name = name.partition("(")[2].replace(")", "", 1)
    parts = name.split("/")
    while width("/".join(parts)) > most:
        longest = max(range(len(parts)), key=lambda k: width(parts[k]))
        word, dots, number = parts[longest].partition("…")
        if not dots:
            bare = word.rstrip("0123456789")
            word, number = bare, word[len(bare) :]
        if width(word) < SHORTEST or len(parts) == 1:
            break
        parts[longest] = f"{word[:-1]}…{number}"
    name = "/".join(parts)
    if width(name) <= most:
        return name
    while width(name) >= most:
        name = name[1:]
    return f"…{name}"


def small_print(figure_: Figure, *said: str) -> None:
    """Write under the figure what its numbers are: the convention, what was left out."""
    lines = [line for text in said for line in textwrap.wrap(text, letters(figure_))]
    figure_.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=FONT, color=QUIET)


def named(result: Result) -> str:
    """Return a title: which network it is, at which knobs."""
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
    """Write an axis's ticks in one unit, which stands in its title; few of them where there is little room."""
    if axis.axis_name == "x":
        axis.set_major_locator(
            need("matplotlib.ticker", "plot").MaxNLocator(4 if axis.figure.get_figwidth() >= NARROW else 3)
        )
    size, unit = next((pair for pair in UNITS if largest >= pair[0]), (1.0, ""))
    axis.set_major_formatter(need("matplotlib.ticker", "plot").FuncFormatter(lambda value, _: f"{value / size:,.6g}"))
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
