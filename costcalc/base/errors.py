"""What can be wrong with a spec, as data first and as text second."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from costcalc.base import Data, Datum
from costcalc.base.hints import Hint, in_shell
from costcalc.base.text import lines, printable


class Mark:
    """Where a value stands: a line and column of a text, or a path into a dict.

    Lines and columns count from 0 here and from 1 where they are shown. `inset` is how many characters
    stand before the value's first (a quote); None where the value's characters lie otherwise than the text's.
    """

    __slots__ = ("column", "inset", "line", "path", "text", "where", "width")

    def __init__(
        self, where: str, text: str = "", line: int = -1, column: int = 0, width: int = 1, path: str = ""
    ) -> None:
        self.inset: int | None = 0
        self.where = where
        self.text = text
        self.line = line
        self.column = column
        self.width = width
        self.path = path

    def __str__(self) -> str:
        if self.line < 0:
            return f"{self.where}: {self.path}" if self.path else self.where
        return f"{self.where}:{self.line + 1}:{self.column + 1}"

    def shifted(self, offset: int, width: int) -> Mark:
        """Return the mark of a part of this value that begins `offset` characters in."""
        if self.line < 0 or self.inset is None:
            return self
        return Mark(self.where, self.text, self.line, self.column + self.inset + offset, width, self.path)

    def excerpt(self) -> list[str]:
        """Return the line that the mark points into, and a line of carets under it."""
        every = self.text.splitlines()
        if not 0 <= self.line < len(every):
            return []
        # A very long line is shown around the mark only.
        start = max(0, self.column - 60) if self.column > 100 else 0
        line = printable(every[self.line][start : start + 120])
        number = f"{self.line + 1:5d}"
        width = max(1, min(self.width, len(line) - (self.column - start)))
        return [f"{number} | {line}", f"{'':5s} | {' ' * (self.column - start)}{'^' * width}"]


LONGEST = 500  # characters of a message


class Problem:
    """One mistake: what is wrong, where, and what to do about it."""

    __slots__ = ("hint", "mark", "message", "trace")

    def __init__(self, message: str, mark: Mark, hint: str = "", trace: Sequence[object] = ()) -> None:
        self.message = printable(message if len(message) <= LONGEST else f"{message[:LONGEST]}...")
        self.mark = mark
        self.hint = hint
        self.trace = tuple(map(str, trace))

    def __repr__(self) -> str:
        return f"Problem({self.head!r})"

    @property
    def head(self) -> str:
        """The problem in one line, `file:line:column: message`."""
        return f"{self.mark}: {self.message}"

    @property
    def key(self) -> tuple[str, int, int, str]:
        """What tells this mistake from another; met again on another turn, with other numbers, it is the same."""
        mark = self.mark
        return (mark.where + mark.path, mark.line, mark.column, re.sub(r"[0-9]+", "0", self.message))

    def render(self, *, for_shell: bool = False) -> str:
        """Return the whole text: head, the line with a caret, what to do, the blocks around it.

        for_shell: spelled for the command line, not for Python.
        """
        said = [self.head, *self.mark.excerpt()]
        if self.hint:
            said.append(f"        {in_shell(self.hint) if for_shell else self.hint}")
        return lines([*said, *(f"        in {step}" for step in self.trace)])

    def to_dict(self, *, for_shell: bool = False) -> Data:
        """Return the problem as plain data; lines and columns count from 1. for_shell: as for `render`."""
        mark = self.mark
        return {
            "file": mark.where,
            "line": mark.line + 1 if mark.line >= 0 else None,
            "column": mark.column + 1 if mark.line >= 0 else None,
            "path": mark.path or None,
            "message": self.message,
            "hint": (in_shell(self.hint) if for_shell else str(self.hint)) or None,
        }


class Fault(Exception):
    """A bare fact that a low floor states; the floor that knows the place makes it a `Problem`.

    `field` names the operator's field at fault, `offset` the character of an expression.
    """

    def __init__(self, message: str, hint: str = "", *, field: str = "", offset: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field
        self.offset = offset

    def at(self, mark: Mark) -> Problem:
        """Return the fact as the mistake of a value: at the character of it that is wrong, where that is known."""
        return Problem(self.message, mark.shifted(self.offset, 1) if self.offset >= 0 else mark, self.hint)


class SpecError(ValueError):
    """A spec, or a value given for one, is wrong. `problems` holds every mistake found.

    `rows` holds the rows that were still right when a shape was not, for showing.
    """

    __module__ = "costcalc"  # where users know it from: tracebacks and pickles name this

    most = 20

    def __init__(self, problems: Iterable[Problem], rows: Sequence[Datum] = ()) -> None:
        first: dict[tuple[str, int, int, str], Problem] = {}
        for problem in problems:
            first.setdefault(problem.key, problem)
        self.problems = sorted(first.values(), key=lambda p: (p.mark.where, p.mark.line, p.mark.column))
        self.rows = rows
        super().__init__(self.render())

    def __reduce__(self) -> tuple[type[SpecError], tuple[list[Problem], Sequence[Datum]]]:
        return SpecError, (self.problems, self.rows)  # an exception is else made again from its text

    def at(self, setting: str) -> SpecError:
        """Return the same mistakes, said of a setting of a sweep."""
        return SpecError(
            type(p)(f"at {setting}: {p.message}" if setting else p.message, p.mark, p.hint, p.trace)
            for p in self.problems
        )

    def render(self, *, for_shell: bool = False) -> str:
        """Return every problem as text, the first twenty whole and the rest as a number; `for_shell` as there."""
        shown = [p.render(for_shell=for_shell) for p in self.problems[: self.most]]
        left = len(self.problems) - self.most
        if left > 0:
            every = Hint("error.problems holds all", "costcalc validate FILE --format json tells all")
            shown.append(f"... and {left} more: {in_shell(every) if for_shell else every}")
        return "\n".join(shown)


MOST_PROBLEMS = 100  # after so many, going on helps nobody


LIBRARY = "costcalc's blocks"  # with what the name of a text begins whose blocks a reader puts under a user's file


def _at_call(problem: Problem, trace: Sequence[Any]) -> Problem:
    """Return a problem with how it was come to; one of a library's block is told where a user's file calls that."""
    if problem.mark.where.startswith(LIBRARY):
        calls = [step[-1] if isinstance(step, tuple) and isinstance(step[-1], Mark) else None for step in trace]
        own = [number for number, mark in enumerate(calls) if mark and not mark.where.startswith(LIBRARY)]
        if own and (mark := calls[own[-1]]):
            trace = [*trace[: own[-1]], *trace[own[-1] + 1 :], f"{trace[own[-1]][1]}: {problem.mark}"]
            return Problem(problem.message, mark, problem.hint, trace)
    return Problem(problem.message, problem.mark, problem.hint, trace)


class Problems:
    """Collects mistakes, so that all are told at once; the one that is too many ends the work."""

    def __init__(self, found: Iterable[Problem] = (), rows: Sequence[Datum] = ()) -> None:
        self.found = list(found)
        self.keys = {problem.key for problem in self.found}  # one that is met on many turns is one mistake
        self.rows = rows  # that were still right, for showing

    def __len__(self) -> int:
        return len(self.found)

    def add(self, problem: Problem, trace: Sequence[object] = ()) -> None:
        """Note a mistake, with how it was come to unless it says so itself."""
        if trace and not problem.trace:
            problem = _at_call(problem, trace)
        self.found.append(problem)
        self.keys.add(problem.key)
        if len(self.keys) >= MOST_PROBLEMS:
            raise self.error()

    def note(self, message: str, mark: Mark, hint: str = "") -> None:
        """Note what is wrong, where, and what to do about it."""
        self.add(Problem(message, mark, hint))

    def visible(self, name: str, mark: Mark) -> bool:
        """Say whether all characters of a name can be seen; note which one cannot."""
        hidden = next((c for c in name if not c.isprintable()), "")
        if hidden:
            self.note(
                f"'{name[:60]}' holds U+{ord(hidden):04X}, which cannot be seen", mark, "leave it out of the name"
            )
        return not hidden

    def error(self) -> SpecError:
        """Return what to raise for all that was found."""
        return SpecError(self.found, rows=self.rows)


def stop(message: str, where: str = "", hint: str = "") -> SpecError:
    """Return a SpecError of one problem that has no line: a missing file, a bad option."""
    return SpecError([Problem(message, Mark(where), hint)] if where else [_Bare(message, Mark(""), hint)])


class _Bare(Problem):
    """A problem with no place at all."""

    __slots__ = ()

    @property
    def head(self) -> str:
        return self.message


def first_line(error: BaseException) -> str:
    """Return the first line of what another package's error says, or its name where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def nearest(word: str, known: Iterable[str]) -> str:
    """Return 'did you mean ...?' for the known word that `word` most likely means, or an empty string.

    Where another tool's word has no single one of ours, what to write is returned instead.
    """
    found, said = _meant(word, known)
    return said or (f"did you mean '{found}'?" if found else "")


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is meant by a misspelling or by another tool's word, or an empty string."""
    found, said = _meant(word, known)
    return "" if said else found


def _meant(word: str, known: Iterable[str]) -> tuple[str, str]:
    """Return the known word that is meant, and what to say in place of it."""
    import difflib

    names = {name.lower(): name for name in sorted(set(known), reverse=True)}
    if len(names) > _MOST_NAMES:
        return "", ""  # comparing with so many would take its time
    from costcalc.base.vocabulary import translated  # read only where something is wrong

    found, said = translated(word, names.values())
    bare = {name.lstrip("-"): name for name in names.values()}  # dashes that all options have make none alike
    lower = {name.lower(): name for name in bare}
    near = [] if found else difflib.get_close_matches(word[:80].lower().lstrip("-"), lower, n=1, cutoff=0.65)
    return (bare[lower[near[0]]] if near else found), said


_MOST_NAMES = 1000
