"""What goes wrong while one node of another format is read: it is told with the node's name, or the node is opaque."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from costcalc.base.errors import Fault, Mark, Problem, SpecError, stop
from costcalc.base.hints import argument, said

T = TypeVar("T")

OPAQUE = said("{} writes it as a row of unknown cost", argument(opaque=True))
REPORT = "please report it: costcalc should have words for it"


def guarded(
    what: str, read: Callable[[], T], hide: Callable[[], T] | None = None, mark: Mark | None = None, hint: str = OPAQUE
) -> T:
    """Return what `read` gives. All that an importer does for one node, layer or section runs in here.

    what: its name and kind, for messages. hide: what makes a row of unknown cost of it, where that was asked for: then
    this is the answer, whatever goes wrong in `read`. mark: its place in a file. hint: what else can be done.

    Raises SpecError: a Fault gets the name and the place, and what Python raises gets words.
    """
    try:
        return read()
    except Exception as error:
        if hide is not None:
            return guarded(what, hide, mark=mark, hint="")
        if isinstance(error, SpecError):
            raise
        wrong, why = "makes no sense to costcalc as it stands here", hint + f"; {REPORT}" if hint else REPORT
        if isinstance(error, Fault):
            wrong, why = error.message, error.hint
        told = stop(f"{what}: {wrong}", hint=why)
        raise (SpecError([Problem(f"{what}: {wrong}", mark, why)]) if mark else told) from error
