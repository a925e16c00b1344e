"""The conventions that there are: costcalc's own by name, a user's by the path of its file.

Each is a file, in `costcalc/data/conventions/` or of the user's, read when it is asked for. One that counts MACs and
FLOPs holds both: `NAME:macs` and `NAME:flops` choose.
"""

from __future__ import annotations

import os
from functools import lru_cache

from costcalc.base.errors import nearest, stop
from costcalc.base.files import shipped
from costcalc.costs.convention import UNITS, Convention
from costcalc.costs.convention_file import load

DEFAULT = "costcalc"


def folder() -> str:
    """Return the folder of the conventions that costcalc brings."""
    return shipped("conventions")


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the names of the conventions that costcalc brings, the default first."""
    found = sorted(file.removesuffix(".yaml") for file in os.listdir(folder()) if file.endswith(".yaml"))
    return (DEFAULT, *(name for name in found if name != DEFAULT))


def get(name: str | os.PathLike[str] | Convention) -> Convention:
    """Return a convention by name or by the path of its file; with `:macs` or `:flops` behind it, that count of it.

    Raises SpecError, with the nearest name, for an unknown one, and with every mistake of a file.
    """
    if isinstance(name, Convention):
        return name
    if not isinstance(name, str | os.PathLike):
        raise stop(f"a convention is a name or a path, not {name!r:.40}")
    name = os.fspath(name)
    base, colon, count = name.rpartition(":")
    if not colon or count not in UNITS:
        base, count = name, ""
    found = _own(base)
    return found.counting(count) if count else found


def _own(name: str) -> Convention:
    """Return a convention of costcalc's, or of a file."""
    if name in names():
        return _read(os.path.join(folder(), f"{name}.yaml"), 0)
    if name.endswith((".yaml", ".yml")) or os.sep in name:
        changed = os.stat(name).st_mtime_ns if os.path.exists(name) else 0
        found = _read(name, changed)
        if found.name in names():
            raise stop(
                f"{name} calls itself '{found.name}', as one of costcalc's own does", hint="give it another name"
            )
        return found
    hint = nearest(name, names()) or f"known: {', '.join(names())}, or the path of a file"
    raise stop(f"unknown convention '{name}'", hint=hint)


@lru_cache(maxsize=64)
def _read(path: str, changed: int) -> Convention:
    """Return the convention in a file; kept until the file changes."""
    del changed
    return load(path)
