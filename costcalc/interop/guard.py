"""What goes wrong while one node of another format is read: it is told with the node's name, or the node is opaque."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from costcalc.base.errors import Fault, Mark, Problem, SpecError, stop

T = TypeVar("T")

OPAQUE = "--opaque (opaque=True) writes it as a row of unknown cost"
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
        said, why = "makes no sense to costcalc as it stands here", f"{hint}; {REPORT}" if hint else REPORT
        if isinstance(error, Fault):
            said, why = error.message, error.hint
        told = stop(f"{what}: {said}", hint=why)
        raise (SpecError([Problem(f"{what}: {said}", mark, why)]) if mark else told) from error
