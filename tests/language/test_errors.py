"""Mistakes: every rule that a spec can break, said in words, at its place, once; and hostile files.

Each file of `bad/` is a small spec with one rule broken, or several. At its end stands what must be
said: `#! line:column: message`, in order, and below it `#!  hint: ...` where one is given. A mistake
in an included file has its path before the line.
"""

from __future__ import annotations

import ast
import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc import SpecError, estimates
from costcalc.language import zoo

BAD = Path(__file__).parent / "bad"
FILES = sorted(path.stem for path in BAD.glob("*.yaml"))

_EXPECTED = re.compile(r"#! (?:(?P<file>[\w./-]+):)?(?P<line>\d+):(?P<column>\d+): (?P<message>.*)")


def expected(path: Path) -> list[dict[str, str]]:
    """Return the mistakes that a file's last lines tell."""
    found: list[dict[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#!  hint: "):
            found[-1]["hint"] = line.removeprefix("#!  hint: ")
        elif line.startswith("#!"):
            match = _EXPECTED.fullmatch(line)
            assert match, line
            found.append({**match.groupdict(), "file": match["file"] or path.name, "hint": ""})
    return found


def mistakes(run: Callable[[], Any]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        run()
    return caught.value


def told(error: SpecError) -> list[dict[str, str]]:
    return [
        {
            "file": problem.mark.where,
            "line": str(problem.mark.line + 1),
            "column": str(problem.mark.column + 1),
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in error.problems
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_mistake_is_told_once_and_at_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    wanted = expected(BAD / f"{name}.yaml")
    error = mistakes(lambda: costcalc.count(costcalc.load(f"{name}.yaml")))
    assert wanted
    assert told(error) == wanted
    # What was read is not changed by telling its mistakes: a second time says the same.
    with suppress(SpecError):
        spec = zoo.load(f"{name}.yaml")
        assert [told(mistakes(lambda: costcalc.count(spec))) for _ in range(2)] == [wanted] * 2


def test_there_are_many() -> None:
    assert len(FILES) >= 200


# ---- how a mistake is shown -------------------------------------------------------------------------


def refused(text: str) -> SpecError:
    return mistakes(lambda: costcalc.count(zoo.load_text(text)))


def spec(layers: str, head: str = "input: [3, 8, 8]") -> str:
    return f"costcalc: 1\n{head}\nlayers:\n{layers}\n"


def test_a_mistake_is_shown_with_its_line_and_a_caret() -> None:
    error = refused(spec("  - conv: {out: 8, kernel: 3, groups: 2}"))
    assert str(error) == (
        "spec:4:39: 3 input channels can't be split into 2 groups\n"
        "    4 |   - conv: {out: 8, kernel: 3, groups: 2}\n"
        "      |                                       ^\n"
        "        both the input's and the output's channels must be multiples of groups: 2"
    )
    assert error.problems[0].to_dict() == {
        "file": "spec",
        "line": 4,
        "column": 39,
        "path": None,
        "message": "3 input channels can't be split into 2 groups",
        "hint": "both the input's and the output's channels must be multiples of groups: 2",
    }


def test_a_mistake_tells_the_way_to_it() -> None:
    text = spec(
        "  - table: {c: [8, 9]}\n    do:\n      - {half: [c], repeat: 2}",
        "input: [4, 8, 8]\nblocks:\n  half(c):\n    - conv: {out: c / 2, kernel: 1}",
    )
    (problem,) = refused(text).problems
    assert problem.message == "out: 4.5 is not a whole number"
    assert problem.trace == (
        "row 2 of the table at spec:7:5",
        "turn 1 of the repeat at spec:9:10",
        "block half, called at spec:9:10",
    )


def test_a_quote_that_is_not_closed() -> None:
    # In a file of bad/ the hint's own quote would close it.
    said = [
        (problem.head, problem.hint) for problem in refused(spec('  - conv: {out: "8, kernel: 3}\n  - relux')).problems
    ]
    assert said[0] == ('spec:4:17: this " is not closed', 'close it with "')
    assert said[1:] == [("spec:5:5: unknown operator or block 'relux'", "did you mean 'relu'?")]


def test_the_rows_that_were_right_come_with_it() -> None:
    error = refused(spec("  - {conv: {out: 8, kernel: 3, act: relu}}\n  - fc: {out: 10}"))
    assert [node.name for node in error.rows] == ["conv", "conv/relu"]


def test_a_mistake_in_a_dict_has_a_path() -> None:
    data = {"costcalc": 1, "input": [3, 8, 8], "layers": ["relu", {"conv": {"out": 8, "kernel": 3, "groups": 2}}]}
    (problem,) = mistakes(lambda: costcalc.count(data)).problems
    assert problem.head == "spec: layers[1].conv.groups: 3 input channels can't be split into 2 groups"
    assert (problem.to_dict()["line"], problem.to_dict()["path"]) == (None, "layers[1].conv.groups")


def test_only_the_first_twenty_are_shown() -> None:
    error = refused(spec("\n".join(f"  - relo{k}" for k in range(30))))
    assert len(error.problems) == 30
    assert str(error).count("unknown operator or block") == 20
    assert str(error).endswith("... and 10 more: error.problems holds all")


def test_after_a_hundred_nobody_reads_on() -> None:
    assert len(refused(spec("\n".join(f"  - relo{k}" for k in range(3000)))).problems) == 100


def test_the_hundredth_mistake_may_be_one_of_yaml() -> None:
    text = "costcalc: 1\n" + "name: x\n" * 100 + "layers: [\n"
    problems = refused(text).problems
    assert len(problems) == 100
    assert problems[-1].message.startswith("this is no YAML")


def test_a_misspelt_key_is_one_mistake() -> None:
    (problem,) = refused(spec("  - relu").replace("costcalc: 1", "costclac: 1")).problems
    assert (problem.message, problem.hint) == ("unknown top-level key 'costclac'", "did you mean 'costcalc'?")


def test_nothing_of_a_file_steers_the_terminal() -> None:
    text = str(refused(spec('  - conv: {out: "4 * \\e[31mred\\a", kernel: 3}\n  - "\\e]0;title\\a"')))
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("knobs", "message", "hint"),
    [
        ({"widht": 2}, "unnamed has no knob 'widht'", "did you mean 'width'?"),
        ({"depth": 2}, "unnamed has no knob 'depth'", "its knobs: width"),
        ({"width": "wide"}, "knob 'width' takes a number, not wide", "its default is 1.0"),
        ({"width": True}, "knob 'width' takes a number, not true", "its default is 1.0"),
        ({"width": [1]}, "knob 'width' takes a number, not [1]", "its default is 1.0"),
        ({"width": 0}, "at width 0: out: must be at least 1, not 0", ""),
        (
            {"width": 1e300},
            "at width 1e+300: out: the number is too large",
            "costcalc takes whole numbers below 1,000,000,000,000,000",
        ),
        (
            {"width": 0.3},
            "at width 0.3: out: 2.4 is not a whole number",
            "round it: int(...), round(...), ceil(...) or divisible(...)",
        ),
        ({"width": float("nan")}, "at width nan: out: nan is not a number that can be counted with", ""),
    ],
)
def test_bad_knob_values(knobs: dict[str, Any], message: str, hint: str) -> None:
    text = spec("  - conv: {out: 8 * width, kernel: 3}", "knobs: {width: 1.0}\ninput: [3, 8, 8]")
    (problem,) = mistakes(lambda: costcalc.count(zoo.load_text(text), **knobs)).problems
    assert (problem.message, problem.hint) == (message, hint)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": (3, 16, 8)}, "input: the input is 16x8, and this network needs 16 at least"),
        ({"input": (3, 10**9, 10**9)}, "input: an input of 3x1000000000x1000000000 is too large to be meant"),
        ({"input": (3, 0, 8)}, "'3x0x8' is no input shape"),
        ({"input": "3x128x128"}, "an input is a shape, not the text '3x128x128'"),
        ({"input": ()}, "'' is no input shape"),
        ({"batch": 0}, "a batch is a whole number from 1, not 0"),
        ({"convention": "waits"}, "unknown convention 'waits'"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    loaded = zoo.load_text(spec("  - relu", "input: [3, 16, 16]\nmin_resolution: 16"))
    assert mistakes(lambda: costcalc.count(loaded, **arguments)).problems[0].head == message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("resnet51", "resnet51: no file and no network of the zoo is called so"),
        ("no/such/file.yaml", "no/such/file.yaml: there is no such file"),
        (3, "a spec is a name, a path or a dict, not a int"),
        ("x" * 5000, "x" * 80 + "...: no file and no network of the zoo is called so"),
        ("a\0b", "a b: no file and no network of the zoo is called so"),
        ({}, "spec: 'costcalc: 1' is missing"),
        (
            {"costcalc": 1, "input": [3], "layers": [{"fc": {"out": {1}}}]},
            "spec: layers[0].fc.out: a set has no place in a spec",
        ),
    ],
)
def test_sources_that_are_none(source: Any, message: str) -> None:
    assert mistakes(lambda: costcalc.count(source)).problems[0].head == message


# ---- hostile files ----------------------------------------------------------------------------------

SECONDS = 2.0
MEMORY = 500 * 2**20


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def spent() -> float:
    """Return the seconds of work of all processes that were started here: on a busy machine no clock tells them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def validated(*arguments: str, text: bytes | None = None) -> str:
    """Run costcalc in a process of little memory; return what it says of a spec that it refuses in time."""
    begin = spent()
    done = subprocess.run(
        [sys.executable, "-m", "costcalc", *(arguments or ("report", "-"))],
        input=text,
        capture_output=True,
        check=False,
        preexec_fn=limited,
        timeout=60,
        env={**os.environ, "COLUMNS": "80", "OPENBLAS_NUM_THREADS": "1"},
    )
    seconds = spent() - begin
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b""), said
    assert "Traceback" not in said
    assert said.strip()
    assert seconds < SECONDS
    return said


def brackets(opening: str, number: int) -> bytes:
    return b"costcalc: 1\ninput: [3, 8, 8]\nlayers: " + opening.encode() * number


def laughs() -> bytes:
    lines = ["costcalc: 1", "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    return "\n".join(lines).encode()


# Where the 40th level begins, whatever limit the parser has of its own.
DEEP = ":3:48: lists and mappings are nested more than 40 deep"
HOSTILE: dict[str, tuple[bytes, str]] = {
    "10,000 brackets": (brackets("[", 10_000), DEEP),
    "10,000 braces": (brackets("{a: ", 10_000), "nested more than 40 deep"),
    "10,000 closed brackets": (brackets("[", 10_000) + b"]" * 10_000, DEEP),
    "10,000 dashes": (brackets("- ", 10_000), "a list of - cannot begin on this line"),
    "1,000,000 brackets": (brackets("[", 1_000_000), "more than 1,000,000 bytes"),
    "nine hundred thousand brackets": (brackets("[", 900_000), DEEP),
    "billion laughs": (laughs(), "more than 50,000 values (aliases count in full)"),
    "a million keys": (b"".join(b"k%d: 1\n" % k for k in range(1_000_000)), "more than 1,000,000 bytes"),
    "a hundred thousand keys": (b"".join(b"%x: 1\n" % k for k in range(100_000)), "more than 50,000 values"),
    "the same key again": (b"a: 1\n" * 49_000, "'a' stands here twice"),
    "a number of 900,000 digits": (spec(f"  - conv: {{out: {'9' * 900_000}, kernel: 1}}").encode(), "too large"),
    "a hexadecimal number": (spec(f"  - conv: {{out: 0x{'f' * 900_000}, kernel: 1}}").encode(), "too large"),
    "a fraction of many digits": (spec(f"  - dropout: {{p: 2.{'0' * 900_000}}}").encode(), "not between 0 and 1"),
    "a giant text": (spec(f"  - {'relu' * 200_000}").encode(), "unknown operator or block"),
    "a giant expression": (spec(f"  - conv: {{out: {'1 + ' * 200_000}1, kernel: 1}}").encode(), "is too long"),
    "100,000 minus signs": (spec(f"  - conv: {{out: {'-' * 100_000}1, kernel: 1}}").encode(), "is too long"),
    "a giant name": (spec(f"  - {{relu, name: {'a' * 900_000}}}").encode(), "a name of 900,000 characters"),
    "a giant block": (
        spec("  - relu", f"input: [3, 8, 8]\nblocks:\n  ? {'b' * 900_000}\n  : [relu]").encode(),
        "a name of 900,000 characters",
    ),
    "a giant label": (spec(f"  - add: {{? {'a' * 900_000} : [], b: []}}").encode(), "a name of 900,000 characters"),
    "many knobs": (
        spec("  - relu", "knobs:\n" + "".join(f"  k{k}: 1\n" for k in range(20_000)) + "input: [3, 8, 8]").encode(),
        "a spec has 500 knobs at most, not 20,000",
    ),
    "names that are nearly right": (
        spec("".join(f"  - {{relu, name: layer{k}}}\n  - {{relu, from: leyer{k}}}\n" for k in range(4000))).encode(),
        "no layer is called 'leyer0'",
    ),
    "huge channels": (spec("  - conv: {out: 10 ** 15, kernel: 1}").encode(), "out: the number is too large"),
    "a huge image": (spec("  - relu", "input: [3, 10 ** 9, 10 ** 9]").encode(), "too large to be meant"),
    "binary junk": (bytes(range(256)) * 100, "is no text file: line 2 is not UTF-8"),
    "bytes that are no UTF-8": (b"costcalc: 1\nname: caf\xe9\n", "line 2 is not UTF-8"),
    "zeros": (b"\0" * 100_000, "the character U+0000 has no place in a text"),
    "UTF-16": ("costcalc: 1\n".encode("utf-16"), "line 1 is not UTF-8"),
    "nothing": (b"", "the spec is empty"),
    "spaces": (b" \n\n ", "the spec is empty"),
    "a mark of three bytes and nothing": (b"\xef\xbb\xbf", "the spec is empty"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(name: str, tmp_path: Path) -> None:
    text, said = HOSTILE[name]
    assert said in validated(text=text)
    path = tmp_path / "hostile.yaml"
    path.write_bytes(text)
    error = mistakes(lambda: costcalc.count(costcalc.load(path)))
    assert said in str(error) or (
        said.startswith("more than 1,000,000") and "a spec has at most 1,000,000" in str(error)
    )
    assert len(str(error)) < 20_000


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 2**20)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def sock(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


SPECIAL: dict[str, tuple[Callable[[Path], Any], str]] = {
    "100 MB": (sparse, "has 104,857,600 bytes: a spec has at most 1,000,000"),
    "a directory": (Path.mkdir, "is a directory"),
    "a pipe": (pipe, "is no regular file"),
    "a socket": (sock, "is no regular file"),
    "a link to zeros": (lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
    "a link to nothing": (lambda path: path.symlink_to(path.with_name("nowhere")), "there is no such file"),
    "a link to itself": (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    "nothing": (lambda path: None, "there is no such file"),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_files_that_are_none(name: str, tmp_path: Path) -> None:
    make, said = SPECIAL[name]
    path = tmp_path / "x.yaml"
    make(path)
    assert said in validated("report", str(path))
    assert said in str(mistakes(lambda: costcalc.load(path)))
    host = tmp_path / "host.yaml"
    host.write_text(spec("  - include: x.yaml"), encoding="utf-8")
    problems = mistakes(lambda: costcalc.count(host)).problems
    assert [(problem.mark.line, problem.mark.column) for problem in problems] == [(3, 13)]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/stdin", "/proc/self/mem", "/"])
def test_devices(path: str) -> None:
    assert (
        re.search(r"is no regular file|is a directory", validated("report", path, text=b"")) or path == "/proc/self/mem"
    )


def test_a_file_without_leave_to_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("costcalc: 1\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "permission denied" in validated("report", str(path))


# ---- what include refuses ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec in it and one outside, and links to both."""
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text(spec("  - relu"))
    (inner / "sub" / "inside.yaml").write_text(spec("  - relu"))
    (inner / "leads_out.yaml").symlink_to(tmp_path / "outside.yaml")
    (inner / "leads_out").symlink_to(tmp_path)
    (inner / "leads_in.yaml").symlink_to(inner / "sub" / "inside.yaml")
    return inner


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("leads_out.yaml", "include refuses 'leads_out.yaml'", "the link leads out of this file's folder"),
        (
            "leads_out/outside.yaml",
            "include refuses 'leads_out/outside.yaml'",
            "the link leads out of this file's folder",
        ),
        (
            "../outside.yaml",
            "include refuses '../outside.yaml'",
            "a path is relative to this file's folder, and has no '..'",
        ),
        ("sub/../../outside.yaml", "include refuses", "a path is relative to this file's folder, and has no '..'"),
        ("..\\outside.yaml", "include refuses", "a path is relative to this file's folder, and has no '..'"),
        ("/etc/passwd", "include refuses '/etc/passwd'", "a path is relative to this file's folder, and has no '..'"),
        ("sub", "no network of the zoo is called 'sub'", ""),
        ("sub/", "sub/ is a directory", "give the path of a YAML file, or the name of a network of the zoo"),
        ("sub/nothing.yaml", "sub/nothing.yaml: there is no such file", ""),
    ],
)
def test_include_stays_in_its_folder(folder: Path, name: str, message: str, hint: str) -> None:
    host = folder / "host.yaml"
    host.write_text(spec(f"  - include: '{name}'"))
    (problem,) = mistakes(lambda: costcalc.count(host)).problems
    assert problem.message.startswith(message)
    assert (problem.hint, problem.mark.line, problem.mark.column) == (hint, 3, 13)


def test_include_follows_links_within_its_folder(folder: Path) -> None:
    host = folder / "host.yaml"
    host.write_text(spec("  - include: leads_in.yaml\n  - include: {spec: sub/inside.yaml, as: again}"))
    assert len(costcalc.count(host).rows) == 2


def test_only_a_file_includes_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (problem,) = refused(spec("  - include: leads_in.yaml")).problems
    assert (problem.message, problem.hint) == (
        "include finds no 'leads_in.yaml'",
        "only a spec in a file can include other files",
    )


def test_specs_that_include_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for here, there in (("a", "b"), ("b", "c"), ("c", "a")):
        Path(f"{here}.yaml").write_text(spec(f"  - include: {there}.yaml"))
    (problem,) = mistakes(lambda: costcalc.count("a.yaml")).problems
    assert problem.head == "c.yaml:4:14: specs include each other: a.yaml -> b.yaml -> c.yaml -> a.yaml"
    assert problem.trace == ("b.yaml, included at a.yaml:4:14", "c.yaml, included at b.yaml:4:14")


def test_a_chain_of_includes_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for k in range(12):
        Path(f"s{k}.yaml").write_text(spec(f"  - include: s{k + 1}.yaml"))
    (problem,) = mistakes(lambda: costcalc.count("s0.yaml")).problems
    assert problem.message.startswith("more than 8 specs include one another: s0.yaml -> s1.yaml")


def test_includes_that_multiply_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for k in range(7):
        items = "\n".join(f"  - include: {{spec: s{k + 1}.yaml, as: a{j}}}" for j in range(10))
        Path(f"s{k}.yaml").write_text(spec(items))
    Path("s7.yaml").write_text(spec("  - relu"))
    assert "the network has more than 20,000 rows" in validated("report", "s0.yaml")


# ---- a hint is spelled for whoever reads it ------------------------------------------------------------

# A mistake by a function and by a command, and what each is told to do about it.
SURFACES: list[tuple[Callable[[], Any], str, str, str]] = [
    (
        lambda: costcalc.solve("mobilenet_v1"),
        'give limits={"macs": "300M", "params": "4M", "peak_memory": "320K"}',
        "solve mobilenet_v1 --vary width",
        "give --max-macs 300M --max-params 4M --max-peak-memory 320K",
    ),
    (
        lambda: costcalc.solve("mobilenet_v1", "width", width=0.5, limits={"macs": "1G"}),
        'vary={"width": [a, b]} tries two values',
        "solve mobilenet_v1 --vary width --width 0.5 --max-macs 1G",
        "--vary width=a,b tries two values",
    ),
    (
        lambda: costcalc.count("mobilenet_v1").metric("latency"),
        'options={"device": "pixel1_big_core"}: costcalc.devices() lists them',
        "report mobilenet_v1 --columns latency",
        "--device pixel1_big_core: costcalc devices lists them",
    ),
    (
        lambda: costcalc.check("mobilenet_v1"),
        'give limits={"params": "5M", "macs": "600M"}, or baseline="costs.json"',
        "check mobilenet_v1",
        "give --max-params 5M --max-macs 600M, or --baseline costs.json",
    ),
    (
        lambda: costcalc.check("mobilenet_v1", baseline="none.json"),
        "add update=True to begin it",
        "check mobilenet_v1 --baseline none.json",
        "add --update to begin it",
    ),
    (
        lambda: costcalc.count("mobilenet_v1").metric("peak_memory", order="best", mode="eager"),
        'options={"order": "best"} is for the other modes',
        "report mobilenet_v1 --columns peak_memory --order best --mode eager",
        "--order best is for the other modes",
    ),
    (
        lambda: costcalc.sweep("mobilenet_v1", width=[0.5], by="macs"),
        "say both: top=10",
        "sweep mobilenet_v1 --width 0.5 --sort macs",
        "say both: --top 10",
    ),
    (
        lambda: costcalc.count("mobilenet_v1").metric("zzz"),
        "costcalc.metrics() lists all",
        "report mobilenet_v1 --columns zzz",
        "costcalc metrics lists all",
    ),
    (
        lambda: costcalc.count("no_network_is_called_so"),
        "costcalc.networks() shows the networks of the zoo",
        "report no_network_is_called_so",
        "costcalc list shows the networks of the zoo",
    ),
    (
        lambda: costcalc.count("models.net"),
        'costcalc.from_torch("models:net", (3, 224, 224))',
        "report models.net",
        "as MODULE:NAME, models:net",
    ),
    (
        lambda: estimates.size("alexnet", gap=7),
        "density=0.3 beside it",
        "size alexnet --gap 7",
        "--density 0.3 beside it",
    ),
    (
        lambda: costcalc.count("mobilenet_v1", input=(3, 8)),
        "input: 3x8 does not fit",
        "report mobilenet_v1 --input 3x8",
        "input: 3x8 does not fit",
    ),
]


@pytest.mark.parametrize(("call", "python", "words", "shell"), SURFACES)
def test_a_hint_is_spelled_for_whoever_reads_it(
    call: Callable[[], Any], python: str, words: str, shell: str, run: Run
) -> None:
    told = str(mistakes(call))
    assert python in told
    assert python == shell or shell not in told
    done = run(*words.split())
    assert done.code == 2
    assert shell in done.err
    assert python == shell or python not in done.err


def test_no_hint_of_python_names_an_option_of_the_command_line() -> None:
    """Words that stand in one text for both are in cli/ only, or in what nothing but commands reach."""
    commands_only = {"simulators", "caffe", "calibrating.py", "mappers.py", "lines.py", "hints.py", "budgets.py"}
    found = []
    for path in sorted((Path(costcalc.__file__).parent).rglob("*.py")):
        if "cli" in path.parts or commands_only & {*path.parts}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            hints = [k.value for k in node.keywords if k.arg == "hint"] if isinstance(node, ast.Call) else []
            found += [
                f"{path.name}:{one.lineno}"
                for one in hints
                if isinstance(one, ast.Constant | ast.JoinedStr) and re.search(r"--[a-z]", ast.unparse(one))
            ]
    assert found == []
