"""Put every sort of value at every place that is read: `python tests/tools/payloads.py [PART]`, all of it, in minutes.

Whatever a user gives is counted or refused with a SpecError, in two seconds. Anything else is printed with the place
and the value, and ends the run with 1. The test suite does the same for a part of the places that are many.
"""

from __future__ import annotations

import copy
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import in_process
import numpy as np
import yaml

import costcalc
from costcalc import cli, estimates
from costcalc.base.errors import SpecError
from costcalc.operators.fields import MODIFIERS
from costcalc.operators.op import operators

SECONDS = 2.0  # the most that any value may take

# What JSON and YAML can say: nothing, truths, numbers, texts, lists and mappings, plain and nested.
NUMBERS: list[Any] = [0, 1, -1, 2.5, -0.5, 1e308, 10**30, float("nan"), float("inf")]
TEXTS: list[Any] = [*"|' '|x|3|-1|none|é|a.b|p(1)|1 +|c_in|a\nb|\x1b[31m".split("|"), "x" * 2000]
LISTS: list[Any] = [[], [0], [1, 2], [-1], ["x"], [None], [[1]], [{}], [True]]
MAPS: list[Any] = [{}, {"x": 1}, {"out": 3}, {"x": [1]}, {"x": {"y": None}}, {1: 2}]
JSON: list[Any] = [None, True, False, *NUMBERS, *TEXTS, *LISTS, *MAPS]
# What a word of a command line may hold.
WORDS = [
    *"0 1 -1 2.5 1e400 nan inf x 1:2 1:2:0 2:1:1 a=b a=b=c = 1,,2 , [1 { * % é $x$ x@y @ . / --".split(),
    *"/dev/null no/file.yaml".split(),
    *("", " ", "[1 2]", "a\nb", "\x1b[31m", "9" * 40),
]
# What Python can say beyond.
ARRAYS: list[Any] = [np.int64(2), np.float32(0.5), np.array([3, 8, 8])]
OBJECTS: list[Any] = [*JSON, *ARRAYS, b"x", object(), {1, 2}, (1, 2), print, Path("x"), 1j, int]


class Case(NamedTuple):
    """A value at a place, and what reads it."""

    place: str
    value: Any
    run: Callable[[], object]


class Spoilt(NamedTuple):
    """A value that was neither counted nor refused in words, or not in time."""

    place: str
    value: Any
    why: str


def tried(case: Case, seconds: float = SECONDS) -> Spoilt | None:
    """Return what is wrong with how a value is answered; None if it is counted, or refused in words, in time."""
    begun, why = time.process_time(), ""
    try:
        case.run()
    except SpecError as refused:
        if not all(problem.message for problem in refused.problems):
            why = "refused without a word"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        why = f"{type(error).__name__}: {error}"
    spent = time.process_time() - begun
    if spent > seconds:
        why = why or f"{spent:.1f} s"
    return Spoilt(case.place, case.value, why) if why else None


def spoilt(document: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield a document with every sort of value in the place of each of its nodes: the place, the value, all of it."""
    for value in JSON:
        yield place, value, value
    parts = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, part in parts:
        for where, value, inner in spoilt(part, f"{place}/{key}"):
            changed = copy.copy(document)
            changed[key] = inner
            yield where, value, changed
    if isinstance(document, dict):
        for value in JSON:
            if value.__hash__ is not None:
                yield f"{place}/(a key)", value, {**document, value: 1}


# ---- specs -----------------------------------------------------------------------------------------


def of_operators() -> Iterator[Case]:
    """Yield every value in every field of every operator and in every modifier, on the operator's first example."""
    for kind, cls in sorted(operators().items()):
        for example in cls.examples[:1]:
            shapes = example.x if example.x and isinstance(example.x[0], tuple) else (example.x,)
            for field, value in itertools.product((*cls.fields, "no_such_field"), JSON):
                yield _spec(f"{kind}.{field}", value, shapes, {kind: {**example.fields, field: value}})
            for value in JSON:
                yield _spec(kind, value, shapes, {kind: value})
    for modifier, value in itertools.product(MODIFIERS, JSON):
        yield _spec(modifier, value, ((4, 8, 8),), {"conv": {"out": 4, "kernel": 1}, modifier: value})
        yield _spec(f"do: {modifier}", value, ((4, 8, 8),), {"do": ["relu"], modifier: value})


def _spec(place: str, value: Any, shapes: Any, item: dict[Any, Any]) -> Case:
    first, *others = shapes or ((4, 8, 8),)
    layers: list[Any] = [{"broadcast_to": {"shape": list(shape)}, "name": f"t{k}"} for k, shape in enumerate(others)]
    if others and "from" not in item:
        item = {**item, "from": ["input", *(f"t{k}" for k in range(len(others)))]}
    return Case(place, value, lambda: costcalc.count({"costcalc": 1, "input": list(first), "layers": [*layers, item]}))


def of_sections(texts: list[str]) -> Iterator[Case]:
    """Yield every value in the place of every node of specs."""
    for number, text in enumerate(texts):
        for place, value, changed in spoilt(yaml.safe_load(text)):
            yield Case(f"spec {number}{place}", value, lambda changed=changed: costcalc.count(changed))


# ---- files that say how to count -------------------------------------------------------------------

DATA = Path(costcalc.__file__).parent / "data"
NETWORK = {
    "costcalc": 1,
    "name": "tiny",
    "input": [3, 8, 8],
    "layers": [
        {"conv": {"out": 4, "kernel": 3, "norm": "batch", "act": "relu"}},
        "global_avg_pool",
        {"fc": {"out": 2}},
    ],
}


def of_files(folder: Path) -> Iterator[Case]:
    """Yield every value in the place of every node of files that conventions, devices, energies and baselines are."""
    path = folder / "read.yaml"
    spec = folder / "tiny.yaml"
    spec.write_text(yaml.safe_dump(NETWORK), encoding="utf-8")
    kinds: dict[str, tuple[str, list[str], list[str]]] = {
        "conventions": ("yaml", ["thop", "fvcore", "ptflops", "condensenet", "pruned"], ["report", "--convention"]),
        "devices": ("yaml", ["pixel1_big_core", "nvidia_rtx4090", "stm32f746"], ["latency", "--device"]),
        "energies": ("yaml", ["eyeriss", "horowitz_45nm"], ["energy", "--table"]),
    }
    for kind, (_, names, (command, option)) in kinds.items():
        for name in names:
            document = yaml.safe_load((DATA / kind / f"{name}.yaml").read_text(encoding="utf-8"))
            for place, value, changed in spoilt(document):
                yield Case(
                    f"{kind}/{name}{place}", value, _command(path, changed, command, str(spec), option, str(path))
                )
    held = folder / "held.json"
    in_process.costcalc("check", str(spec), "--baseline", str(held), "--update")
    document = json.loads(held.read_text(encoding="utf-8"))
    for place, value, changed in spoilt(document):
        yield Case(f"baseline{place}", value, _command(held, changed, "check", str(spec), "--baseline", str(held)))
        yield Case(f"baseline{place}", value, _command(held, changed, "check", "--baseline", str(held), "--update"))


def _command(path: Path, document: Any, *words: str) -> Callable[[], None]:
    def run() -> None:
        text = (
            json.dumps(document, allow_nan=True)
            if path.suffix == ".json"
            else yaml.safe_dump(document, allow_unicode=True)
        )
        path.write_text(text, encoding="utf-8")
        said(*words)

    return run


def said(*words: str, folder: Path | None = None, text: str = "") -> None:
    """Run a command; raise what is no answer: a traceback, or an exit that is not 0 (done), 1 (no) or 2 (words)."""
    done = in_process.costcalc(*words, folder=folder, text=text)
    if done.code not in (0, 1, 2) or "Traceback" in done.err or (done.code == 2 and not done.err):
        raise AssertionError(f"exit {done.code}: {done.err[-300:]}")


# ---- tables ----------------------------------------------------------------------------------------

TABLES = {
    "latencies": (
        ["latency_ms", "name", "type", "input", "output"],
        ["1.5", "conv1", "conv", "3x8x8", "4x8x8"],
        ["latency", "tiny.yaml", "--device", "pixel1_big_core", "--lut", "t.csv"],
    ),
    "measured": (
        ["network", "latency_ms"],
        ["mobilenet_v1", "100"],
        ["calibrate", "t.csv", "--device", "pixel1_big_core"],
    ),
}


def of_tables(folder: Path) -> Iterator[Case]:
    """Yield every word in every cell and head of the CSV tables that are read, and tables that are none."""
    (folder / "tiny.yaml").write_text(yaml.safe_dump(NETWORK), encoding="utf-8")
    for name, (head, line, words) in TABLES.items():
        for row, column, value in itertools.product((0, 1), range(len(head)), WORDS):
            cells = [list(head), list(line)]
            cells[row][column] = value
            text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in cells_) + "\n" for cells_ in cells)
            yield Case(f"{name}: line {row + 1}, {head[column]}", value, _table(folder, text.encode(), words))
        for raw in (
            b"",
            b"\n",
            b"\xff\xfe\x00",
            b"\x00" * 100,
            b'"',
            ",".join(head).encode(),
            b"a,b\n1",
            "latency_ms\n1\n".encode("utf-16"),
        ):
            yield Case(name, raw, _table(folder, raw, words))


def _table(folder: Path, raw: bytes, words: list[str]) -> Callable[[], None]:
    def run() -> None:
        (folder / "t.csv").write_bytes(raw)
        said(*words, folder=folder)

    return run


# ---- the command line ------------------------------------------------------------------------------

# What commands need before an option is looked at: their words, with `|` between the commands.
ASKED = {
    words.split()[0]: words.split()[1:]
    for words in (
        "explain tiny.yaml conv1|reconcile tiny.yaml 1M|table mobilenet_v1|compare tiny.yaml tiny.yaml"
        "|diff tiny.yaml tiny.yaml|check tiny.yaml --max-macs 1M|import m.cfg|export onnx tiny.yaml"
        "|calibrate t.csv --device pixel1_big_core|sweep tiny.yaml --batch 1,2|solve tiny.yaml --max-macs 1M"
        "|plot layers tiny.yaml|completion bash|list|zoo|ops|conventions|metrics|devices|schema"
    ).split("|")
}
# What builds networks in PyTorch, and what starts processes, is no place for any word.
LEFT_OUT = {"verify", "--dask"}


def of_options(folder: Path) -> Iterator[Case]:
    """Yield every word behind every option and argument of every command."""
    (folder / "tiny.yaml").write_text(yaml.safe_dump(NETWORK), encoding="utf-8")
    (folder / "m.cfg").write_text(
        "[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=4\nsize=3\n", encoding="utf-8"
    )
    (folder / "t.csv").write_text("network,latency_ms\nmobilenet_v1,100\nalexnet,300\n", encoding="utf-8")
    for name in cli.COMMANDS:
        command = cli.group.get_command(click.Context(cli.group), name)
        if command is None or name in LEFT_OUT:
            continue
        groups = (
            [(name, one, command.commands[one]) for one in command.commands]
            if isinstance(command, click.Group)
            else [(name, "", command)]
        )
        for first, second, one in groups:
            words = [
                first,
                *([second] if second else []),
                *(["tiny.yaml"] if second else ASKED.get(first, ["tiny.yaml"])),
            ]
            for option, value in itertools.product(_options(one), WORDS):
                yield Case(
                    f"{' '.join(words)} {option}", value, lambda w=(*words, option, value): said(*w, folder=folder)
                )
            for value in WORDS:
                yield Case(
                    f"{first} {second} ARGUMENT",
                    value,
                    lambda w=(first, *([second] if second else []), value): said(*w, folder=folder),
                )


def _options(command: click.Command) -> list[str]:
    named = (option for option in command.params if isinstance(option, click.Option) and not option.is_flag)
    return [option.opts[-1] for option in named if option.opts[-1] not in LEFT_OUT]


# ---- Python ----------------------------------------------------------------------------------------

# What each function is called with, and the arguments in whose place every value is put.
RESULT = costcalc.count("mobilenet_v1")


def of_network(function: Callable[..., object], own: str, **given: Any) -> tuple[Callable[..., object], Any, str]:
    """Return how a function is called whose network has no name, and what is put in the place of its arguments."""

    def called(*, network: Any = "mobilenet_v1", **arguments: Any) -> object:
        return function(network, **arguments)

    called.__name__ = function.__name__
    return called, given, f"network knobs input variant {own}"


LIMITS = {"macs": "300M"}
CHECK = partial(costcalc.check, "mobilenet_v1")
CALLS: list[tuple[Callable[..., object], dict[str, Any], str]] = [
    of_network(costcalc.load, "width"),
    of_network(costcalc.count, "batch convention width"),
    of_network(costcalc.sweep, "batch convention resolution zip per", resolution=[128, 160]),
    of_network(costcalc.sweep, "where top by pareto columns options", resolution=[128, 160]),
    of_network(costcalc.sweep_arrays, "batch convention zip columns options", resolution=[128, 160]),
    of_network(costcalc.solve, "vary limits options batch convention", limits=LIMITS),
    of_network(costcalc.scale_compound, "factors limits options batch", factors={"width": 1.1}, limits=LIMITS),
    of_network(costcalc.scale_width, "rounding limits options batch", limits=LIMITS),
    (CHECK, {"limits": LIMITS}, "knobs limits options tolerance convention input batch"),
    of_network(costcalc.compare, "convention batch columns options"),
    (lambda **given: costcalc.diff("alexnet", "vgg16", **given), {}, "knobs convention batch"),
    of_network(costcalc.reconcile, "number top", number="569M"),
    of_network(costcalc.whatif, "convention batch"),
    of_network(estimates.size, "bits density gap pattern scales batch", bits=8),
    of_network(estimates.latency, "device dtype fusion batch lut", device="pixel1_big_core"),
    of_network(estimates.energy, "table dtype fusion onchip batch"),
    (estimates.reward, {"accuracy": 0.75, "latency": 80, "target": 80}, "accuracy latency target power"),
    (costcalc.from_onnx, {"path": "no.onnx"}, "path input name"),
    (costcalc.from_torch, {"module": "no.such:thing", "input": (3, 8, 8)}, "module input"),
    (RESULT.metric, {"name": "peak_memory"}, "name bits mode device onchip energy_table"),
    (RESULT.metrics, {"names": ["params"]}, "names"),
    (RESULT.table, {}, "by fold"),
]


def of_functions() -> Iterator[Case]:
    """Yield every value for every argument of Python's functions."""
    for function, given, arguments in CALLS:
        for argument, value in itertools.product(arguments.split(), OBJECTS):
            yield Case(
                f"{getattr(function, '__name__', 'call')} {argument}=",
                value,
                partial(function, **{**given, argument: value}),
            )


# ---- all of it -------------------------------------------------------------------------------------


def parts(folder: Path) -> dict[str, Callable[[], Iterator[Case]]]:
    """Return what is read, by name: each yields its cases."""
    from test_properties import INLINE

    return {
        "operators": of_operators,
        "sections": lambda: of_sections(INLINE),
        "files": lambda: of_files(folder),
        "tables": lambda: of_tables(folder),
        "options": lambda: of_options(folder),
        "functions": of_functions,
    }


def main(chosen: list[str]) -> int:
    """Try all values of the chosen parts, print what is wrong, and return how much."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, cases in parts(Path(folder)).items():
            if chosen and name not in chosen:
                continue
            number = 0
            for case in cases():
                number += 1
                found = tried(case)
                if found:
                    wrong += 1
                    print(f"{found.place}: {found.value!r:.80}: {found.why[:300]}", flush=True)
            print(f"{name}: {number:,} values", flush=True)
    return wrong


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main(sys.argv[1:]) > 0)
