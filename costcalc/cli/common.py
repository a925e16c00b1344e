"""What commands share: knobs on the command line, specs as arguments, where output goes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from costcalc.asked import is_target, sound, without_options
from costcalc.asked import loaded as read
from costcalc.base import Data, Datum, InputShape, files
from costcalc.base.errors import SpecError, nearest, stop
from costcalc.base.text import lines, printable
from costcalc.cli import progress, usage
from costcalc.graph.expand import expand, own_dims
from costcalc.graph.graph import misplaced
from costcalc.graph.knobs import refuse_twice
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.measures.metric import OPTIONS, Setup
from costcalc.reports.page import Page

F = TypeVar("F", bound=Callable[..., Any])
KNOBS = "costcalc.knobs"
NOTED = ("report", "whatif")  # commands whose tables have notes below them
TABLE_FORMATS = ("table", "markdown", "csv", "json")


class KnobCommand(usage.Command):
    """A command on which every option that it does not declare sets a knob: `--width 0.5`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the knobs out of the arguments, then parse the rest."""
        declared = {name for param in self.get_params(ctx) for name in param.opts + param.secondary_opts}
        knobs: dict[str, str] = {}
        rest: list[str] = []
        words = iter(args)
        for word in words:
            name, equals, value = word.partition("=")
            if word == "--":
                rest += [word, *words]
            elif word[:1] == "-" and len(word) > 2 and word[1:3].isalpha() and word[:2] not in declared:
                ctx.fail(f"there is no option '{word}'; did you mean '-{word}'?")
            elif word[:2] != "--" or not word[2:3].isalpha() or name in declared:
                rest.append(word)
            else:
                knob = name[2:].replace("-", "_")
                if knob in knobs and not ctx.resilient_parsing:
                    raise twice(knob)
                flag = knob == "opaque"  # of a file's reader, which no value need follow
                knobs[knob] = value if equals else "true" if flag else self.value(ctx, name, next(words, None))
        ctx.meta[KNOBS] = knobs
        if ctx.resilient_parsing and rest and rest[-1].startswith("-"):
            rest.pop()  # an option whose value is being completed: click would read nothing beside it
        ctx.allow_extra_args = True
        for extra in super().parse_args(ctx, rest):
            self.refuse(ctx, extra)
        return []

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the knobs of the spec that was named, beside the command's own options: `--wi` is `--width`."""
        from click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            return found
        knobs = (f"--{knob.replace('_', '-')}" for spec in named_specs(ctx) for knob in spec.knobs)
        taken = {item.value for item in found} | {f"--{knob.replace('_', '-')}" for knob in ctx.meta.get(KNOBS, {})}
        more = [knob for knob in dict.fromkeys(knobs) if knob.startswith(incomplete) and knob not in taken]
        return [*found, *(CompletionItem(knob, help="a knob of the spec") for knob in more)]

    def refuse(self, ctx: click.Context, extra: str) -> None:
        """Refuse a word that is one too many, with what was most likely meant."""
        if ctx.resilient_parsing:  # while words are completed
            return
        name, equals, value = extra.partition("=")
        if equals and name.isidentifier():
            ctx.fail(f"'{extra}' is no SPEC; a knob is given as --{name} {value}")
        spec = ctx.params.get("spec")
        ctx.fail(
            f"{ctx.info_name} takes one SPEC, and '{extra}' is one more; costcalc compare {spec} {extra} shows both"
            if spec and ctx.info_name == "report"
            else f"{ctx.info_name} takes fewer words: '{extra}' is one too many"
        )

    def value(self, ctx: click.Context, name: str, word: str | None) -> str:
        """Return the word after a knob's option; name the nearest option where there is none."""
        if word is None and ctx.resilient_parsing:  # the word that is being completed
            return ""
        if word is None:
            declared = [option for param in self.get_params(ctx) for option in param.opts]
            ctx.fail(f"{name} needs a value; {nearest(name, declared) or 'knobs are given as --width 0.5'}")
        return word

    def knobs(self) -> list[tuple[str, str]]:
        """Return what the help says of knobs: any is an option."""
        return [
            ("--KNOB VALUE", "Any knob of the spec: --width 0.5 --resolution 160."),
            ("--opaque", "Another format's unknown layers: of unknown cost."),
        ]


def complete_spec(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the zoo's names that begin with what was typed, and files of any format that is read."""
    del ctx, param
    from costcalc.interop.formats import formats

    endings = tuple(suffix for form in formats().values() for suffix in form.suffixes)
    folder = os.path.dirname(incomplete)
    found = sorted(os.listdir(folder or None)) if not folder or os.path.isdir(folder) else []
    files = [os.path.join(folder, name) for name in found if name.lower().endswith(endings)]
    return [name for name in (*zoo.names(), *files) if name.startswith(incomplete)]


def named_specs(ctx: click.Context) -> list[Spec]:
    """Return the specs that a line names which is not whole yet; none that would run code or take long to read."""
    words = [ctx.params.get(name) for name in ("spec", "before", "after")]
    words += [word for name in ("specs", "words") for word in ctx.params.get(name) or ()]
    found = []
    for word in words:
        name = str(word).partition("@")[0]
        if word and (name in zoo.names() or name.endswith((".yaml", ".yml"))):
            with suppress(SpecError, OSError):
                found.append(read(str(word) if "=" not in str(word) else name, None, {}))
    return found


def listing(names: Callable[[], Iterable[str]]) -> Callable[..., list[str]]:
    """Return what completes names, also the last of several that commas part: `macs,pa` is `macs,params`."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        del ctx, param
        head, comma, last = incomplete.rpartition(",")
        given = {*head.split(",")}
        return [f"{head}{comma}{name}" for name in names() if name.startswith(last) and name not in given]

    return complete


def _metrics() -> Iterable[str]:
    from costcalc.measures.metric import metrics as found

    return found()


def _conventions() -> Iterable[str]:
    from costcalc.costs.conventions import names

    return names()


def _devices() -> Iterable[str]:
    from costcalc.hardware.device import FOLDER
    from costcalc.hardware.reading import named

    return named(FOLDER)


complete_metric, complete_convention, complete_device = listing(_metrics), listing(_conventions), listing(_devices)


def complete_layer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the layers of the spec that was named which begin with what was typed."""
    del param
    from costcalc.graph.block_graph import names_of

    found: list[str] = []
    for spec in named_specs(ctx):
        with suppress(SpecError):
            found += [name for name in names_of(expand(spec).parts) if name.startswith(incomplete)]
    return found


def complete_knob(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the knobs of the spec that was named, as --vary takes them."""
    return listing(lambda: [knob for spec in named_specs(ctx) for knob in spec.knobs])(ctx, param, incomplete)


def complete_variant(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the variants of the spec that was named."""
    del param
    return [name for spec in named_specs(ctx) for name in spec.variants if name.startswith(incomplete)]


def spec_argument(function: F) -> F:
    """Declare the SPEC argument."""
    return click.argument("spec", shell_complete=complete_spec)(function)


def knob_option(function: F) -> F:
    """Declare -k NAME=VALUE, --variant and --input."""
    for declare in (
        usage.option(
            "--variant",
            metavar="NAME",
            shell_complete=complete_variant,
            callback=_variant,
            expose_value=False,
            group=usage.KNOBS,
            help="A variant of the spec: its knobs' values.",
        ),
        usage.option(
            "-k",
            "--knob",
            "pairs",
            multiple=True,
            metavar="NAME=VALUE",
            group=usage.KNOBS,
            help="The same: -k width=0.5.",
        ),
        usage.option(
            "--input",
            "input_",
            metavar="CxHxW",
            group=usage.COUNTED,
            help="Another input shape: 3x800x1333; left=1x9x9.",
        ),
    ):
        function = declare(function)
    return function


def columns_option(function: F) -> F:
    """Declare --columns, and the options of metrics."""
    return usage.option(
        "--columns",
        default="",
        metavar="NAMES",
        shell_complete=complete_metric,
        group=usage.COLUMNS,
        help="Metrics: macs,bytes (costcalc metrics lists all).",
    )(metric_options(function))


most_option = click.option(
    "--max",
    "most",
    multiple=True,
    metavar="METRIC=N",
    shell_complete=lambda _, __, word: [f"{name}=" for name in _metrics() if name.startswith(word)],
    help="Any of costcalc metrics at most: energy=5M.",
)


class Amount(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, as people write it: 1M, 256KiB."""

    name = "bytes"

    def convert(self, value: Datum, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; raise SpecError for what is none."""
        from costcalc.comparisons.budgets import amount

        del param, ctx
        return value if isinstance(value, int) else amount(value)


def metric_options(function: F, among: Iterable[str] = tuple(OPTIONS)) -> F:
    """Declare an option for each that metrics may ask for, or for those that these metrics do."""
    for name, option in reversed(OPTIONS.items()):
        if name == "batch" or name not in among:  # commands have a batch of their own
            continue
        given: dict[str, Any] = {
            "default": None,
            "help": f"{option.doc if option.words else option.doc[0].upper() + option.doc[1:]}.",
        }
        if isinstance(option.default, bool):
            given |= {"is_flag": True}
        elif option.words:
            given |= {"type": click.Choice(option.words), "metavar": option.metavar}
        else:
            given |= {"shell_complete": complete_device} if name == "device" else {}
            kind = Amount() if option.metavar == "BYTES" else int if option.least is not None else str
            given |= {"type": kind, "metavar": option.metavar}
        function = usage.option(f"--{name.replace('_', '-')}", name, group=usage.METRICS, **given)(function)
    return function


def of_metrics(options: Data) -> Data:
    """Return the options of metrics that a command line gives."""
    asked = {name: options.get(name) for name in OPTIONS if name != "batch"}
    return {name: value for name, value in asked.items() if value is not None and value is not False}


def metrics(options: Data, shorthands: tuple[str, ...] = (), *, lines: bool = False) -> tuple[tuple[str, ...], Data]:
    """Return the metrics that a command line asks for, and the options given for them.

    shorthands: names of metrics that other options stand for. lines: columns may say what a line is, too. Raises
    SpecError for a metric that there is not, and where an option is given that matters to none of them.
    """
    given = of_metrics(options)
    columns = options.get("columns", "")
    if not columns and not shorthands:
        for name in given:
            raise stop(f"--{name.replace('_', '-')} is about metrics", hint="name them: --columns params,macs,bytes")
        return (), {}
    from costcalc.measures.metric import names, refuse_idle

    words = [*shorthands, *filter(None, columns.split(","))]
    if lines:
        from costcalc.reports import body

        asked_for = body.names(words, options["convention"])
        refuse_idle([name for name in asked_for if not body.known(name)], given)
        return asked_for, given
    asked_for = names(words, options["convention"])
    refuse_idle(asked_for, given)
    return asked_for, given


def under(setup: Setup, names: Iterable[str]) -> list[str]:
    """Return what must be said beside the numbers of some metrics, a line each."""
    from costcalc.measures.metric import find

    found = [find(name) for name in names]
    units = {one.name: "" if one.measured_in(setup) == one.name else f"{one.measured_in(setup)}, " for one in found}
    return [f"{one.name}: {units[one.name]}{one.says(setup)}" for one in found if one.says(setup)]


VARIANT = "costcalc.variant"


def _variant(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keep the variant that is asked for: specs are loaded with its knobs in force."""
    del param
    ctx.meta[VARIANT] = value


UNIT = "costcalc.unit"


def _unit(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keep the unit that is asked for: it is read first, and is a part of the convention."""
    del param
    ctx.meta[UNIT] = value


def _convention(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return the convention with the unit that is asked for: `costcalc:flops`."""
    del param
    unit = ctx.meta.get(UNIT)
    if unit and value.endswith((":macs", ":flops")) and not value.endswith(f":{unit}"):
        raise stop(f"--unit {unit} and --convention {value} contradict each other", hint="give one of them")
    return f"{value}:{unit}" if unit and not value.endswith(f":{unit}") else value


def convention_option(function: F) -> F:
    """Declare --convention and --unit, which together say what is counted."""
    unit = click.Choice(("macs", "flops"))
    function = usage.option(
        "--unit",
        type=unit,
        callback=_unit,
        expose_value=False,
        is_eager=True,
        group=usage.COUNTED,
        help="a MAC is two FLOPs.",
    )(function)
    return usage.option(
        "--convention",
        default="costcalc",
        metavar="NAME",
        shell_complete=complete_convention,
        callback=_convention,
        group=usage.COUNTED,
        help="As which tool counts: thop, fvcore, or a file.",
    )(function)


def view_options(views: Iterable[str], **given: Any) -> Callable[[F], F]:
    """Declare --by, --fold and --all: what a line is, and how many there are."""

    def declare(function: F) -> F:
        fold = usage.option(
            "--fold",
            type=usage.WholeFromOne(),
            metavar="N",
            group=usage.LINES,
            help="Sum what lies deeper than N levels.",
        )
        by = usage.option(
            "--by", type=click.Choice(tuple(views)), metavar="WHAT", group=usage.LINES, help="what a line is.", **given
        )
        return by(fold(all_option(function)))

    return declare


all_option = usage.option(
    "--all", "every", is_flag=True, group=usage.LINES, help="Every line and whole names, also on a terminal."
)
exact_option = usage.option("--exact", is_flag=True, group=usage.OUTPUT, help="All digits.")
batch_option = usage.option(
    "--batch", type=usage.WholeFromOne(), default=1, metavar="N", group=usage.COUNTED, help="Images at once."
)
ENDINGS = {".csv": "csv", ".json": "json", ".md": "markdown", ".tex": "latex"}
PLAIN = ".txt"  # the ending of a table as text


def _by_ending(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return the format, which is the output's file's by its ending where none is given."""
    # What stands on the command line is read before what doesn't, so -o is known here.
    output = ctx.params.get("output")
    if output is None or ctx.get_parameter_source("format_") != ParameterSource.DEFAULT:
        return value
    if keeps(output):
        return value  # refused where it would be written, in the words for a file that is read, or kept
    choices = param.type.choices if isinstance(param.type, click.Choice) else ()
    return by_ending(output, {ending: name for ending, name in ENDINGS.items() if name in choices}) or value


def by_ending(path: str, known: Mapping[str, str]) -> str:
    """Return the format that a file is for by its ending, none of a text; raise SpecError for an ending of none."""
    ending = os.path.splitext(path)[1].lower()
    if ending in ("", PLAIN) or ending in known:
        return known.get(ending, "")
    hint = f"by its ending a file is of a format: {', '.join([*known, PLAIN])}; or say which with --format"
    raise stop(f"{path}: nothing here writes {ending}", hint=hint)


def format_option(
    formats: Iterable[str], help_: str = "by FILE's ending too.", *, by_file: bool = True
) -> Callable[[F], F]:
    """Declare --format; by_file: -o takes the same, which else is the file of something else."""
    choice = click.Choice(tuple(formats))
    return usage.option(
        "--format",
        "format_",
        type=choice,
        metavar="WHAT",
        default="table",
        callback=_by_ending if by_file else None,
        group=usage.OUTPUT,
        help=help_,
    )


table_option = format_option(TABLE_FORMATS)
told_option = usage.option(
    "--format",
    "format_",
    type=click.Choice(("text", "json")),
    metavar="WHAT",
    default="text",
    group=usage.OUTPUT,
    help="how to tell it.",
)


def _output(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the file that is written to, which no command may read."""
    del param
    ctx.with_resource(files.written_over(value))
    return value


# How a file begins a line that people write, or keep: not what is printed.
KEPT = r'^(costcalc(_\w+)? *:|[{\s]*"costcalc_baseline" *:)'


def keeps(path: str) -> bool:
    """Say whether a file holds a spec, a baseline or data of costcalc's."""
    if not os.path.isfile(path):
        return False
    held = ""
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:  # what can't be read is none
        held = file.read(files.LARGEST_FILE)
    return re.search(KEPT, held, re.MULTILINE) is not None


def refuse_kept(path: str | None) -> None:
    """Raise SpecError where a report would be written over a spec, a baseline or data of costcalc's."""
    if path is not None and keeps(path):
        said = f"{path} holds a spec, a baseline or data of costcalc's, and would be written over"
        raise stop(said, hint="name another file with -o, or remove this one before")


def output(help_: str, metavar: str = "FILE", *, required: bool = False) -> Callable[[F], F]:
    """Declare -o."""
    return usage.option(
        "-o", "--output", metavar=metavar, required=required, callback=_output, group=usage.OUTPUT, help=help_
    )


output_option = output("Write to a file.")


def chosen(ctx: click.Context, name: str, pairs: tuple[str, ...]) -> tuple[Spec, Data]:
    """Return a spec and the knob values given for it; `module:name` is a PyTorch model that is imported."""
    shape = input_shape(ctx.params.get("input_"))
    if ctx.meta.get(VARIANT) and zoo.says_variant(name):
        raise stop(f"'{name}' says its own variant, and --variant {ctx.meta[VARIANT]} another", hint="give one of them")
    spec = loaded(name, shape)
    knobs = {knob: knob_value(ctx, spec, knob, text) for knob, text in knobs_given(ctx, pairs, spec).items()}
    refuse_twice(spec, knobs)
    if not (ctx.info_name in NOTED and ctx.params.get("format_") in ("table", "markdown", "latex")):
        tell_channels(spec, knobs, shape)
    return spec, knobs


def was_given(ctx: click.Context, name: str) -> bool:
    """Say whether an option stands on the command line."""
    return ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE


def refuse_lines(ctx: click.Context, what: str) -> None:
    """Refuse --by and --fold, where they were given, of an output that has other lines; `what` says which."""
    for name in ("by", "fold"):
        if was_given(ctx, name):
            raise stop(f"--{name} is for tables: {what}", hint=f"leave --{name} out")


def tell_channels(spec: Spec, knobs: Mapping[str, Datum], shape: InputShape | None) -> None:
    """Say on stderr where an input was most likely written the wrong way: axes in another order, other channels."""
    with suppress(SpecError):  # which the command itself tells
        notes = [expand(spec, knobs, shape).channel_warning] if shape else map(misplaced, own_dims(spec, knobs))
        for note in filter(None, notes):
            tell(f"note: {spec.name}: {note}")


def loaded(name: str, shape: InputShape | None = None, own: Mapping[str, Datum] | None = None) -> Spec:
    """Return the spec of a name or path, or of the PyTorch model that a `module:name` is, in this folder too.

    The variant of the command line is in force, unless the word says its own: `vit.yaml@vit_small`. own: what the word
    gives beside the name; of it and of the command line the reader of a file takes its options.
    """
    ctx = click.get_current_context()
    more = {**given(ctx, ctx.params.get("pairs", ())), **(own or {})}
    found = sound(_with_knobs(name, shape, more) if "@" in name else _read(name, shape, more), shape)
    variant = ctx.meta.get(VARIANT)
    return zoo.of_a_name(found, variant) if variant and not zoo.says_variant(name) else found


def _read(name: str, shape: InputShape | None, more: Mapping[str, Datum]) -> Spec:
    """Return the spec of a name or path, or of the PyTorch model that a `module:name` is."""
    if not is_target(name):
        return read(name, shape, more)
    from costcalc.interop import formats

    here()
    return formats.spec_of(name, formats.TORCH, shape, more)


def here() -> None:
    """Let Python modules in the current folder be found, behind those that are installed."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def given(ctx: click.Context, pairs: tuple[str, ...]) -> dict[str, str]:
    """Return the knobs of the command line, `--width 0.5` and `-k width=0.5`, with their texts."""
    texts = dict(ctx.meta.get(KNOBS, {}))
    for pair in pairs:
        knob, equals, text = pair.partition("=")
        if not equals:
            raise stop(f"-k takes NAME=VALUE, not '{pair}'")
        if knob in texts:
            raise twice(knob)
        texts[knob] = text
    return texts


def knobs_given(ctx: click.Context, pairs: tuple[str, ...], spec: Spec, among: Iterable[Spec] = ()) -> dict[str, str]:
    """Return the same, less the options by which the files of this network, or of others, were read."""
    return without_options(given(ctx, pairs), spec, among)


def twice(knob: str) -> SpecError:
    """Return what to raise where a knob has two values: one would be passed over."""
    return stop(f"the knob '{knob}' is given twice", hint=f"a sweep takes several values so: --{knob} 1,2")


def as_options(ctx: click.Context, knobs: Iterable[str]) -> list[str]:
    """Return how knobs are given on the command line: `--width`; `-k batch=` where --batch is the command's own."""
    own = {option for param in ctx.command.get_params(ctx) for option in param.opts}
    return [f"-k {knob}=" if f"--{knob.replace('_', '-')}" in own else f"--{knob}" for knob in knobs]


def _with_knobs(name: str, shape: InputShape | None, more: Mapping[str, Datum]) -> Spec:
    """Return the spec of a word that may say knobs: `mobilenet_v1@width=0.5`."""
    from costcalc.comparisons.networks import spec_of

    return spec_of(name, lambda path, texts: _read(path, shape, {**more, **texts}))


def knob_value(ctx: click.Context, spec: Spec, name: str, text: str) -> Datum:
    """Return a knob's value from its text: a number (5M too), a word, true, or a list 2,2,2,2."""
    if name not in spec.knobs:
        declared = [option for param in ctx.command.get_params(ctx) for option in param.opts]
        as_option = name in ctx.meta.get(KNOBS, {})  # or behind -k, where no option is meant
        named = [*declared, *(f"--{knob}" for knob in spec.knobs)]
        hint = nearest(f"--{name}", named) if as_option else nearest(name, spec.knobs)
        known = ", ".join(as_options(ctx, spec.knobs)) or "none"
        raise stop(f"{spec.name} has no knob '{name}'", hint=hint or f"its knobs: {known}")
    from costcalc.language.ranges import one
    from costcalc.sweeps.grids import values_of

    with suppress(SpecError):  # which is told below
        number = len(values_of(spec, name, text))
        if number > 1:
            raise click.UsageError(
                f"--{name} {text} are {number} values, and {ctx.info_name} takes one; costcalc sweep counts all", ctx
            )
    if isinstance(spec.knobs[name], list) and not text.startswith("["):
        text = f"[{text}]"
    return one(text, name)


def input_shape(text: str | None) -> InputShape | None:
    """Return (3, 800, 1333) for 3x800x1333 (or 3,800,1333), of left=3x9x9,right=3x9x9 a shape each; SpecError else."""
    if text is None or "=" not in text:
        return None if text is None else _shape(text)
    found: dict[str, tuple[int, ...]] = {}
    for part in text.split(","):
        name, _, dims = part.partition("=")
        if name in found:
            raise stop(f"--input gives '{name:.60}' twice")
        found[name] = _shape(dims)
    return found


def _shape(text: str) -> tuple[int, ...]:
    parts = re.split(r"[x,×]", text)
    if not all(part.isascii() and part.isdigit() and 0 < len(part) < 10 and int(part) > 0 for part in parts):
        raise stop(f"'{text[:60]}' is no input shape", hint="give channels, height, width: --input 3x800x1333")
    return tuple(int(part) for part in parts)


def colored() -> bool:
    """Say whether output goes to a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """Return how many columns there are to write in: the terminal's, or 80."""
    return max(_terminal("COLUMNS", 0) or 80, 40)


def height() -> int:
    """Return how many lines the terminal has that is written to; 0 where that is not known, or none is."""
    return _terminal("LINES", 1) if sys.stdout.isatty() else 0


def _terminal(variable: str, side: int) -> int:
    # shutil has this too, but loads three compression libraries.
    given = os.environ.get(variable, "")
    if given.isdigit() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno())[side] if sys.__stdout__ else 0
    except (OSError, ValueError):
        return 0


def write(text: str, path: str | None = None) -> None:
    """Write text to a file, or to stdout."""
    if path is None or path == "-":
        progress.clear(float("inf"))  # what is written is what was worked for
        click.echo(text, color=True)
        return
    files.write(path, text + "\n")


def say(*said: str) -> None:
    """Write lines of words to stdout."""
    write(lines(said))


def tell(*said: str) -> None:
    """Write lines of words to stderr."""
    progress.clear()
    click.echo(lines(said), err=True)


def write_page(page: Page, options: Mapping[str, Datum]) -> None:
    """Write a page in the format asked for, to the file asked for or stdout."""
    refuse_kept(options.get("output"))
    here = options.get("output") is None
    exact, room = options.get("exact", False), float(height() if here else 0)
    room = inf if room and options.get("every", True) else room  # of a command without --all, nothing is left out
    text = page.written(options["format_"], exact=exact, columns=columns(), height=room, color=here and colored())
    write(text, options.get("output"))


def write_entries(whole: Sequence[str], heads: Sequence[str], options: Mapping[str, Datum], all_about: str) -> None:
    """Write lines of words; on a terminal of too few lines only their heads, a line each, and how to see the rest.

    all_about: what tells all about one of them.
    """
    refuse_kept(options.get("output"))
    room = 0 if options.get("output") or options["every"] else height()
    if not room or len(whole) < room:
        write(lines(whole), options.get("output"))
        return
    short = [head if len(head) <= columns() else f"{head[: columns() - 1]}…" for head in map(printable, heads)]
    write("\n".join([*short, "", f"--all shows all of each, {all_about}"]))


def wrapped(lines: Iterable[str]) -> str:
    """Return lines of words, those broken that are longer than the terminal is wide."""
    from costcalc.reports.render import text

    return "\n".join(text.wrapped(line, columns()) for line in lines)
