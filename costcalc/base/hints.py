"""Hints that name a part of the interface: said once, spelled as whoever reads it would type it.

    said("give {}, or {}", limit(macs="300M"), argument(top=10))

In Python that is `give limits={"macs": "300M"}, or top=10`, on the command line `give --max-macs 300M, or --top 10`.
"""

from __future__ import annotations

from typing import Self

from costcalc.base import Datum

COMMANDS = {"networks": "list"}  # a function's command, where that has another name
SHORT = ("macs", "params", "peak_memory")  # metrics whose limit has an option of its own in every command with limits


class Hint(str):
    """A text as Python spells it, which knows how the command line does: `.shell`."""

    __slots__ = ("shell",)

    shell: str

    def __new__(cls, python: str, shell: str | None = None) -> Self:
        """Take both texts; one alone is both."""
        made = super().__new__(cls, python)
        made.shell = python if shell is None else shell
        return made

    def __add__(self, more: str) -> Hint:
        return Hint(str(self) + more, self.shell + in_shell(more))

    def __reduce__(self) -> tuple[type[Hint], tuple[str, str]]:
        return Hint, (str(self), self.shell)


def in_shell(text: str) -> str:
    """Return a text as the command line spells it."""
    return text.shell if isinstance(text, Hint) else text


def said(text: str, *parts: str) -> Hint:
    """Return a hint: a text in which each `{}` stands for a part of the interface."""
    return Hint(text.format(*parts), text.format(*map(in_shell, parts)))


def argument(**given: Datum) -> Hint:
    """Return an argument of a function, and of a command: `top=10`, `--top 10`."""
    return Hint(", ".join(f"{name}={_quoted(value)}" for name, value in given.items()), _options(given))


def option(**given: Datum) -> Hint:
    """Return options of metrics: `options={"bits": 8}`, `--bits 8`."""
    return Hint(f"options={_mapping(given)}", _options(given))


def limit(**given: Datum) -> Hint:
    """Return limits of metrics: `limits={"macs": "300M"}`, `--max-macs 300M`."""
    words = [
        f"--max-{_dashed(name)} {value}" if name in SHORT else f"--max {name}={value}" for name, value in given.items()
    ]
    return Hint(f"limits={_mapping(given)}", " ".join(words))


def function(name: str, *given: Datum) -> Hint:
    """Return a function of costcalc, and the command of that name: `costcalc.metrics()`, `costcalc metrics`."""
    words = ["costcalc", COMMANDS.get(name, name), *map(str, given)]
    return Hint(f"costcalc.{name}({', '.join(map(_quoted, given))})", " ".join(words))


def _mapping(given: dict[str, Datum]) -> str:
    return f"{{{', '.join(f'{_quoted(name)}: {_quoted(value)}' for name, value in given.items())}}}"


def _options(given: dict[str, Datum]) -> str:
    return " ".join(f"--{_dashed(name)}{_behind(value)}" for name, value in given.items())


def _behind(value: Datum) -> str:
    """Return what stands behind an option: nothing where it is a flag, 3x224x224 of a shape."""
    return "" if value is True else f" {_word(value)}"


def _word(value: Datum) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={_word(part)}" for name, part in value.items())
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _quoted(value: Datum) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


ROWS = Hint("[row.name for row in costcalc.count(...)] are their names", "costcalc report --by row tells their names")
