"""The text of a spec's file: regular, not too large, UTF-8; anything else is refused, devices unread.

And what is said where a file can't be written, and where the files are that costcalc brings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from costcalc.base.errors import stop

LARGEST_FILE = 1_000_000  # bytes
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(path: str, shown: str = "") -> str:
    """Return the text of a regular file, no larger than the limit; raise SpecError if it is none."""
    import stat

    shown = shown or path
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise stop(f"{shown}: {_reason(error)}") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise stop(f"{shown} is {kind}", hint="give the path of a YAML file, or the name of a network of the zoo")
    if status.st_size > LARGEST_FILE:
        raise stop(f"{shown} has {status.st_size:,} bytes: a spec has at most {LARGEST_FILE:,}")
    try:
        with open(path, "rb") as file:
            return decode(file.read(LARGEST_FILE + 1), shown)
    except OSError as error:
        raise stop(f"{shown}: {_reason(error)}") from None


def shipped(name: str) -> str:
    """Return a folder of the data that costcalc brings."""
    return os.path.join(PACKAGE, "data", name)


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Make what goes wrong while a file or folder is written a SpecError that names it."""
    try:
        yield
    except OSError as error:
        raise stop(f"{path} cannot be written: {error.strerror or error}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    return str(getattr(error, "strerror", None) or error).lower()


def decode(data: bytes, shown: str) -> str:
    """Return bytes as text; raise SpecError where they are too many, or no UTF-8 text."""
    if len(data) > LARGEST_FILE:
        raise stop(f"{shown} has more than {LARGEST_FILE:,} bytes, the most that a spec may have")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise stop(f"{shown} is no text file: line {line} is not UTF-8") from None
    return text
