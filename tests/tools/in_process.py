"""The command line run in this process: what a process of its own would write, without the time to start one."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from unittest import mock

# Settings of whoever runs this; a command that is run here sees none of them, and 80 columns.
SETTINGS = ("COLUMNS", "LINES", "NO_COLOR", "TERM")


class Done(NamedTuple):
    """What a command did: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


# What tests know as `run` (tests/conftest.py): `run("report", "alexnet")`.
Run = Callable[..., Done]


def costcalc(
    *words: str, folder: Path | None = None, text: str = "", env: dict[str, str] | None = None, together: bool = False
) -> Done:
    """Run `costcalc WORDS` in a folder with a text on standard input; env: variables to be set.

    together: standard error goes where standard output goes, as with `2>&1`. The folder, the environment, the
    streams and the path of imports are put back. A command that imports modules of its folder needs a process
    of its own, since an operator or a package stays where it was imported once.
    """
    from costcalc.cli import main

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    err = out if together else io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    given = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    variables |= {"COLUMNS": "80", **(env or {})}
    with contextlib.ExitStack() as held:
        held.enter_context(contextlib.chdir(folder or Path.cwd()))
        held.enter_context(mock.patch.dict(os.environ, variables, clear=True))
        streams = {"stdin": given, "stdout": out, "stderr": err}
        held.enter_context(mock.patch.multiple(sys, argv=["costcalc", *words], path=[*sys.path], **streams))
        try:
            main()
            code: object = 0
        except SystemExit as stopped:
            code = stopped.code
    return Done(code if isinstance(code, int) else 0, written(out), "" if together else written(err))


def written(stream: io.TextIOWrapper) -> str:
    """Return what was written to a stream."""
    stream.seek(0)
    return stream.read()
