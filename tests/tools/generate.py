"""Write everything that is generated: the reference, the schemas, the outputs that pages show.

    python tests/tools/generate.py                       write what is stale
    python tests/tools/generate.py parsed formats        the same of a few: words of files' names
    python tests/tools/generate.py --check               say what is stale, and exit with 1 if anything is

In a page's `console` block each line that begins with `$ ` is a command; what follows is its output.
A line `...` stands for what was cut out. A fence that names a file (```yaml tiny.yaml) puts that file
into the folder where the page's commands run; where the repository has a file of that name, the block
is a copy of it, and `# ...` stands for a cut. A block that is marked so (```console needs torch) stays as
it is where that package is missing.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import house
import in_process

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^```(?P<kind>\w+)(?: (?P<file>[^\n]+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
SCHEMAS = {
    "docs/costcalc.schema.json": "spec",
    "docs/costcalc.draft-07.schema.json": "spec of editors",
    "docs/report.schema.json": "report",
}
REFERENCE = "docs/operators.md"
CONTRIBUTING = ".github/CONTRIBUTING.md"
ALIASES = {REFERENCE: "reference"}


def pages() -> list[Path]:
    """Return the pages written by hand, README first."""
    found = sorted((ROOT / "docs").glob("*.md"))
    return [ROOT / "README.md", ROOT / CONTRIBUTING, *(page for page in found if page != ROOT / REFERENCE)]


def reference() -> str:
    """Return docs/operators.md."""
    from costcalc.language import operator_reference as operators

    note = "<!-- Made from the operators' classes by `python tests/tools/generate.py`: change those. -->\n\n"
    return note + operators.whole().rstrip() + "\n"


INDEX = "costcalc/data/zoo.json"


def index() -> str:
    """Return what is counted of the zoo's networks and published figures, a line each, as `costcalc list` reads it."""
    from costcalc.cli import list as listing
    from costcalc.language import zoo
    from costcalc.published import verdicts

    def lines(found: list[Any]) -> str:
        return "[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]"

    figures = [verdicts.keeping(one) for one in verdicts.counted()]
    parts = {"zoo": json.dumps(zoo.fingerprint()), "networks": lines(listing.counted()), "figures": lines(figures)}
    return "{\n" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "\n}\n"


PARSED = "costcalc/language/parsed"
HOMES = "costcalc/operators/families/homes.py"


def own_yaml() -> list[Path]:
    """Return the YAML files that every short command reads: networks, conventions and printed tables."""
    folders = ("specs", "costcalc/data/conventions", "costcalc/data/tables")
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.yaml"))]


def parsed(stem: str) -> str:
    """Return what the files of one name hold as a module: by their text, the data with its places."""
    from costcalc.language import source

    found = {}
    for path in (path for path in own_yaml() if path.stem == stem):
        text = path.read_text(encoding="utf-8")
        root, problems = source.built(text, path.name)
        assert root is not None, path
        assert not problems, path
        found[text] = source.to_keep(root)
    return f'"""What {stem}.yaml holds, by its text."""\n\nDATA = {found!r}\n'


def homes() -> str:
    """Return which family each operator is in: every one is imported, and what it defines is written down."""
    from costcalc.operators import families
    from costcalc.operators.families import homes as written
    from costcalc.operators.op import FAMILIES, REGISTRY

    for file in sorted(Path(families.__path__[0]).glob("*.py")):
        import_module(f"{FAMILIES}.{file.stem}")
    own = {name: cls for name, cls in REGISTRY.defined.items() if cls.__module__.startswith(FAMILIES)}
    homes = {name: cls.__module__.rpartition(".")[2] for name, cls in own.items()}
    found = dict(sorted(homes.items(), key=lambda pair: pair[1]))  # whichever was imported first
    written.HOMES.clear()  # what is made after this goes by what there is, a family that was taken away too
    written.HOMES.update(found)
    roles = {
        "norm": {own[name].norm_word: own[name].kind for name in found if own[name].norm_word},
        "act": {name: own[name].kind for name in found if own[name].is_act},
    }
    return f'''"""The family that each operator is in, and the words of `norm:` and `act:`: what is used is imported.

`python tests/tools/generate.py` writes this file from the families.
"""

# fmt: off
HOMES = {json.dumps(found, indent=4)}
ROLES = {json.dumps(roles, indent=4)}
'''


def schema(name: str) -> str:
    """Return a schema as the file holds it."""
    from costcalc.language.schema import in_draft_07, spec_schema
    from costcalc.reports.schema import report_schema

    made = {"spec": spec_schema, "spec of editors": lambda: in_draft_07(spec_schema()), "report": report_schema}
    return json.dumps(made[name](), indent=2) + "\n"


FORMATS = re.compile(r"(<!-- Made from the readers[^\n]*-->\n\n)(?:\|[^\n]*\n)*")


def with_formats(text: str) -> str:
    """Return a page whose table of formats is what the readers say of themselves, a format a row."""
    if not FORMATS.search(text):
        return text
    from costcalc.interop.formats import every

    sections = {re.sub(r"\W", "", title).lower(): title for title in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    rows = ["| format | files | told by | options | needs | what it can't |", "| --- | --- | --- | --- | --- | --- |"]
    for form in every().values():
        title = next((title for word, title in sections.items() if form.name in word), "")
        link = f"[{title}](#{title.lower().replace(' ', '-')})" if title else form.name
        options = ", ".join(f"`{'--' if name in ('input', 'opaque') else ''}{name}`" for name in form.options)
        files = ", ".join(f"`{suffix}`" for suffix in form.suffixes)
        rows.append(f"| {link} | {files} | {form.told_by} | {options} | {form.extra} | {form.lacks} |")
    return FORMATS.sub(lambda found: found[1] + "\n".join(rows) + "\n", text)


def page(path: Path) -> str:
    """Return a page with every output in it as it is now, the picture of the floors and the table of formats."""
    text = with_formats(house.with_picture(path.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "here"
        folder.mkdir()
        run = shell(folder, Path(name) / "bin")
        return FENCE.sub(lambda fence: block(fence, folder, run), text)


def block(fence: re.Match[str], folder: Path, run: Callable[..., str]) -> str:
    """Return a fenced block as it should be; a file that it shows is put into the folder first."""
    kind, file, body = fence["kind"], fence["file"], fence["body"]
    if file and re.fullmatch(r"[\w./-]+\.\w+", file):
        source = ROOT / file
        if source.is_file():
            body = cut(body, source.read_text(encoding="utf-8"), "# ...")
        else:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(body, encoding="utf-8")
    if kind == "console" and installed(file):
        # PyTorch keeps what it was told once (threads, seeds, hooks): its commands have processes of their own.
        body = console(body, partial(run, alone="torch" in (file or "")))
    return f"```{kind}{f' {file}' if file else ''}\n{body}```"


def installed(mark: str | None) -> bool:
    """Say whether the packages are there that a block's mark names: `needs torch onnx`."""
    needs = mark.removeprefix("needs ").split() if mark and mark.startswith("needs ") else []
    return all(find_spec(package) for package in needs)


def console(body: str, run: Callable[[str], str]) -> str:
    """Return a block of commands, each followed by the output that it gives now."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)
    commands = zip(parts[1::2], parts[2::2], strict=True)
    return parts[0] + "".join(f"$ {command}\n{cut(shown, run(command))}" for command, shown in commands)


def cut(shown: str, whole: str, mark: str = "...") -> str:
    """Return the whole text, cut where `shown` is cut: as many lines before it and after it."""
    lines, all_lines = shown.splitlines(), whole.splitlines()
    where = next((n for n, line in enumerate(lines) if line.strip() == mark), None)
    if where is not None:
        after = len(lines) - where - 1
        all_lines = [*all_lines[:where], lines[where], *all_lines[len(all_lines) - after :]]
    return "".join(f"{line}\n" for line in all_lines)


def shell(folder: Path, tools: Path) -> Callable[..., str]:
    """Return what runs a command line in the folder, with this checkout's costcalc, and gives its output.

    A plain `costcalc ...` runs in this process, and so does the head of a pipe; what follows the bar, and every
    other line, a shell runs. So it does all lines where the folder has Python modules: what they define stays.
    """
    tools.mkdir()
    command = tools / "costcalc"
    start = "import sys; sys.argv[0] = 'costcalc'; from costcalc.cli import main; main()"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{start}" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = os.pathsep.join((str(tools), os.environ.get("PATH", "")))
    python_path = os.pathsep.join(filter(None, (str(folder), str(ROOT), os.environ.get("PYTHONPATH", ""))))
    shown = {"COLUMNS": "80", "NO_COLOR": "1"}
    settings = {**os.environ, **shown, "PATH": path, "PYTHONPATH": python_path, "PYTHONUTF8": "1"}

    def in_shell(line: str, text: str = "") -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=folder, env=settings, input=text, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
        )  # fmt: skip
        return done.stdout

    def run(line: str, *, alone: bool = False) -> str:
        words, rest = split(line)
        if not words or alone or any(folder.glob("*.py")):
            output = in_shell(line)
        elif rest:
            done = in_process.costcalc(*words, folder=folder, env=shown)
            output = done.err + in_shell(rest, done.out)
        else:
            output = in_process.costcalc(*words, folder=folder, env=shown, together=True).out
        return output.rstrip("\n") + "\n" if output else ""

    return run


def split(line: str) -> tuple[list[str], str]:
    """Return the words of `costcalc WORDS | REST`, and the rest; no words where only a shell can say what a line does.

    What is quoted may hold anything but what a shell replaces between double quotes.
    """
    bare = re.sub(r"""'[^']*'|"[^"$`\\]*\"""", lambda quoted: "_" * len(quoted[0]), line)
    head, _, _ = bare.partition("|")
    if not re.fullmatch(r"costcalc( [\w ./:,=@%+-]*)?", head):
        return [], ""
    return shlex.split(line[: len(head)])[1:], line[len(head) + 1 :]


def targets() -> dict[str, Callable[[], str]]:
    """Return every file that is generated, or holds something generated, with what makes its text."""
    made: dict[str, Callable[[], str]] = {HOMES: homes, REFERENCE: reference, INDEX: index}
    made |= {f"{PARSED}/{path.stem}.py": partial(parsed, path.stem) for path in own_yaml()}
    made |= {file: partial(schema, name) for file, name in SCHEMAS.items()}
    return made | {path.relative_to(ROOT).as_posix(): partial(page, path) for path in pages()}


def chosen(words: list[str]) -> dict[str, Callable[[], str]]:
    """Return the targets whose names have one of these words, all where none is given; exit for a word of none."""
    known = targets()
    found = {
        word: [file for file in known if word.lower() in f"{file} {ALIASES.get(file, '')}".lower()] for word in words
    }
    for word in (word for word in words if not found[word]):
        sys.exit(f"'{word}' is in no name of {', '.join(known)}")
    return {file: make for file, make in known.items() if not words or any(file in files for files in found.values())}


def main() -> int:
    """Write what is stale, or with --check say it."""
    check = "--check" in sys.argv[1:]
    stale = 0
    for file, make in (asked := chosen([word for word in sys.argv[1:] if word != "--check"])).items():
        path, text = ROOT / file, make()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale += 1
            print(
                f"{file} {f'is stale: run python tests/tools/generate.py {file}' if check else 'written'}", flush=True
            )
            if not check:
                path.write_text(text, encoding="utf-8")
    print(f"{stale} of {len(asked)} files {'stale' if check else 'written'}; the others are as they should be")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
