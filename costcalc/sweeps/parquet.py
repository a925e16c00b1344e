"""A sweep written as Parquet part files, a file a block, which another run of the same command completes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from costcalc.base import files
from costcalc.base.errors import SpecError, stop
from costcalc.base.files import in_words, writing
from costcalc.base.optional import need
from costcalc.costs import conventions
from costcalc.sweeps.chunks import Columns, Mapper, Task, here, ready
from costcalc.sweeps.tables import framed

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "_sweep.json"  # which readers of the folder pass over, as they do with all that begins so


def write(
    task: Task, folder: str, mapper: Mapper = here, told: Callable[[int, int], None] | None = None
) -> tuple[int, int]:
    """Write a sweep's settings to a folder of part files; return how many files were written, and there before.

    Raises SpecError where the folder holds another sweep, or pyarrow is missing.
    """
    need("pyarrow", "parquet")
    walk = ready(task)
    _claimed(folder, task)
    waiting = [number for number in range(len(walk.blocks)) if not os.path.exists(_path(folder, number))]
    before = len(walk.blocks) - len(waiting)
    for done, (number, columns) in enumerate(zip(waiting, mapper(task, waiting), strict=True), 1):
        _write(task, folder, number, columns)
        if told:
            told(before + done, len(walk.blocks))
    return len(waiting), before


def single(table: pd.DataFrame, path: str) -> None:
    """Write settings to one Parquet file."""
    need("pyarrow", "parquet")
    with writing(path) as file:
        table.to_parquet(file, index=False)


def _path(folder: str, number: int) -> str:
    return os.path.join(folder, f"part-{number:06d}.parquet")


def _write(task: Task, folder: str, number: int, columns: Columns) -> None:
    """Write one part, under another name until it is whole: what has its name is complete."""
    single(framed(task, columns), _path(folder, number))


def _claimed(folder: str, task: Task) -> None:
    """Make the folder, or make sure that it holds parts of this very sweep."""
    manifest = os.path.join(folder, MANIFEST)
    told = {"sweep": task.key, **conventions.get(task.convention).mark, "settings": task.grid.size, "axes": task.axes}
    with in_words(folder):
        if os.path.exists(manifest):
            with open(manifest, encoding="utf-8") as file:
                if json.load(file).get("sweep") != task.key:
                    raise stop(f"{folder} holds another sweep", hint="write to another folder, or remove this one")
            return
        os.makedirs(folder, exist_ok=True)
        if os.listdir(folder):
            raise stop(f"{folder} is not empty, and holds no sweep", hint="write to another folder")
        files.write(manifest, json.dumps(told, default=str))


class SavedState:
    """What a folded sweep has found so far, kept in a file from which another run goes on."""

    def __init__(self, path: str, task: Task) -> None:
        """Read the file, if there is one; raise SpecError where it is another sweep's."""
        self.path = path
        self.task = task
        self.done = 0
        self.kept: Columns | None = None
        if os.path.exists(path):
            self._read()

    def _read(self) -> None:
        import numpy as np

        try:
            with open(self.path, encoding="utf-8") as file:
                data = json.load(file)
            if data["sweep"] != self.task.key:
                raise stop(f"{self.path} holds another sweep", hint="name another file, or remove this one")
            self.done = data["done"]
            self.kept = {
                name: np.array(values, dtype=None if values else np.int64) for name, values in data["kept"].items()
            } or None
        except (OSError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, SpecError):
                raise
            raise stop(f"{self.path} holds no sweep", hint="name another file, or remove this one") from None

    def write(self, done: int, kept: Columns | None) -> None:
        """Write the file."""
        found = {name: values.tolist() for name, values in (kept or {}).items()}
        files.write(self.path, json.dumps({"sweep": self.task.key, "done": done, "kept": found}))
