"""The pages that are made when the site is built: of functions and classes, of commands, of notebooks."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import costcalc
from building.links import ELSEWHERE, NOTEBOOKS, ROOT, toctree, turned
from costcalc.cli import COMMANDS, GROUPS, group
from costcalc.cli.usage import Command

FOLDERS = ("project", "notebooks", "functions", "commands")  # which hold nothing else; git ignores them
# What functions return, and where it stands: what a user meets of it is its class.
RETURNED = {
    "Arrays": "sweeps.tables",
    "Space": "spaces.space",
    "Diff": "comparisons.diffing",
    "Checked": "comparisons.budgets",
    "WhatIf": "transforms.whatif",
    "NetAdapt": "transforms.netadapt",
    "Answer": "explanations.reconciling",
    "Sizes": "estimates.sizing",
    "Latency": "estimates.timing",
    "WeightsFit": "estimates.timing",
    "Energy": "estimates.powering",
    "Measured": "measures.metric",
    "CountedRow": "reports.lines",
    "Cost": "costs.counting",
    "Page": "reports.page",
    "Explorer": "explorer.pages",
    "Compared": "interop.weights.compare",
}
MODULES = {
    "estimates": "Stored size, time and energy on hardware",
    "plots": "Pictures for papers and slides",
    "torch": "A spec as a PyTorch network",
}


def write(docs: Path) -> None:
    """Write all pages that are made into folders of their own beside those written by hand."""
    pages = {**copies(), **references(), **commands()}
    for folder in FOLDERS:
        for old in (docs / folder).rglob("*"):
            if old.is_file() and old.relative_to(docs).as_posix() not in pages:
                old.unlink()
    for name, text in pages.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:  # else Sphinx would read it again
            path.write_text(text, encoding="utf-8")


def copies() -> dict[str, str]:
    """Return the pages and notebooks that lie elsewhere in the repository, their links turned."""
    made = {f"{page}.md": copy(file, page) for file, page in ELSEWHERE.items()}
    made["notebooks/index.md"] += "\n" + toctree([f"/{page}" for _, page in sorted(NOTEBOOKS.items())])
    return made | {f"{page}.ipynb": copy(file, page) for file, page in NOTEBOOKS.items()}


def copy(file: str, page: str) -> str:
    """Return a page that lies elsewhere, with links to where things are on the site."""
    return turned((ROOT / file).read_text(encoding="utf-8"), file, page)


# ---- functions and classes -----------------------------------------------------------------------


def public() -> dict[str, list[str]]:
    """Return the public names, each with its module as users import it, by the heading that they stand under."""
    own = sorted((name for name in costcalc.__all__ if name != "__version__"), key=lambda name: name[0].isupper())
    made = {"The functions of costcalc": [f"costcalc.{name}" for name in own]}
    for module, title in MODULES.items():
        made[title] = [f"costcalc.{module}.{name}" for name in defined(f"costcalc.{module}")]
    made["What functions return"] = [f"costcalc.{module}.{name}" for name, module in RETURNED.items()]
    return made


def defined(module: str) -> list[str]:
    """Return the public functions of a module: those that it names, or else defines itself."""
    found = import_module(module)
    own = [name for name, one in inspect.getmembers(found, inspect.isfunction) if one.__module__ == module]
    return list(getattr(found, "__all__", [name for name in own if not name.startswith("_")]))


def references() -> dict[str, str]:
    """Return a page for each public function and class, one for what operators are made of, and their index."""
    pages = {}
    index = ["# Functions and classes\n\n[Python](../python.md) says what a network is, and the words that all share."]
    for title, names in public().items():
        index.append(f"## {title}\n\n{table([(f'[`{called(name)}`]({name}.md)', first(name)) for name in names])}")
        pages |= {f"functions/{name}.md": f"# {called(name)}\n\n{auto(name)}" for name in names}
    index.append("## Operators of one's own\n\n[`costcalc.operators`](costcalc.operators.md): what a class imports.")
    every = [name for names in public().values() for name in names]
    index.append(toctree([f"/functions/{name}" for name in [*every, "costcalc.operators"]], hidden=True))
    pages["functions/costcalc.operators.md"] = operators()
    return {**pages, "functions/index.md": "\n\n".join(index)}


def called(name: str) -> str:
    """Return what a name is called where it is used: `count`, `plots.layers`, a class by itself."""
    short = name.removeprefix("costcalc.")
    return short.rpartition(".")[2] if inspect.isclass(thing(name)) else short


def thing(name: str) -> Any:
    """Return what a full name names."""
    module, _, own = name.rpartition(".")
    return getattr(import_module(module), own)


def first(name: str) -> str:
    """Return the first sentence of a docstring, as it is written."""
    return " ".join((inspect.getdoc(thing(name)) or "").split("\n\n")[0].split())


def auto(name: str) -> str:
    """Return what makes Sphinx print a docstring: of a class, those of all that is public in it."""
    if not inspect.isclass(thing(name)):
        return f"```{{eval-rst}}\n.. autofunction:: {name}\n```\n"
    return f"```{{eval-rst}}\n.. autoclass:: {name}\n   :members:\n```\n"


def operators() -> str:
    """Return the page of what an operator of one's own imports."""
    module = import_module("costcalc.operators")
    parts = ["# costcalc.operators", f"{inspect.getdoc(module)}"]
    documented = [name for name in module.__all__ if inspect.isclass(one := getattr(module, name)) or callable(one)]
    parts += [auto(f"costcalc.operators.{name}") for name in documented if name not in ("Dim", "Dims")]
    return "\n\n".join(parts)


# ---- commands ------------------------------------------------------------------------------------


def commands() -> dict[str, str]:
    """Return a page for each command, made from what `--help` prints, and their index."""
    root = click.Context(group, info_name="costcalc")
    pages, index = {}, ["# Options of each command", "[Commands](../commands.md) says where each is explained."]
    for title, names in GROUPS.items():
        index.append(table([(f"[`{name}`]({name}.md)", said) for name, said in names.items()], title))
    for name in COMMANDS:
        found = group.get_command(root, name)
        assert found is not None
        pages[f"commands/{name}.md"] = command(found, click.Context(found, parent=root, info_name=name))
    index.append(toctree([f"/commands/{name}" for name in COMMANDS], hidden=True))
    return {**pages, "commands/index.md": "\n\n".join(index) + "\n"}


def command(found: click.Command, ctx: click.Context, level: str = "#") -> str:
    """Return what the help of a command says, and of those that stand under it."""
    parts = [f"{level} {ctx.command_path}", inspect.cleandoc(found.help or "")]
    parts.append(f"```text\n{ctx.command_path} {' '.join(found.collect_usage_pieces(ctx))}\n```")
    if isinstance(found, Command):
        for title, records in found.grouped(ctx).items():
            parts.append(table([(f"`{names}`", said) for names, said in records], title))
    examples = [line.strip() for line in (found.epilog or "").splitlines() if line.strip()]
    parts.append("\n".join(["**Examples**", "", "```sh", *examples, "```"]))
    for name, one in getattr(found, "commands", {}).items():
        parts.append(command(one, click.Context(one, parent=ctx, info_name=name), f"{level}#"))
    return "\n\n".join(map(str, parts)) + "\n"


def table(rows: list[tuple[str, str]], head: str = "") -> str:
    """Return a table of names and what is said of them."""
    cells = [f"| {name} | {said} |" for name, said in ((a.replace("|", r"\|"), b.replace("|", r"\|")) for a, b in rows)]
    return "\n".join([f"| {head} | |", "| --- | --- |", *cells])
