"""A sweep written as Parquet part files, a file a block, which another run of the same command completes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from costcalc.base import Data, Datum, files
from costcalc.base.errors import SpecError, stop
from costcalc.base.files import BESIDE, in_words, locked, writing
from costcalc.base.optional import need
from costcalc.costs import conventions
from costcalc.sweeps.chunks import SETTING, Columns, Task, folding, ordered, ready, run_block
from costcalc.sweeps.mappers import Mapper, here
from costcalc.sweeps.tables import framed, told

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "_sweep.json"  # which readers of the folder pass over, as they do with all that begins so
SOON = 1.0  # seconds until whoever comes second is told so
SAVED_EVERY = 5.0  # seconds


def write(task: Task, folder: str, mapper: Mapper = here) -> tuple[int, int]:
    """Write a sweep's settings to a folder of part files; return how many files were written, and there before.

    Who counts a block writes its part, to this folder, which all must see. Raises SpecError where the folder holds
    another sweep, where another run is writing to it, or where pyarrow is missing.
    """
    need("pyarrow", "parquet")
    walk = ready(task)
    with _claimed(folder, task):
        waiting = [number for number in range(len(walk.blocks)) if not os.path.exists(_path(folder, number))]
        before = len(walk.blocks) - len(waiting)
        work = partial(write_part, task, os.path.abspath(folder))
        for _ in walk.steps(mapper(work, waiting), before):
            pass
    return len(waiting), before


def table(task: Task, folder: str, mapper: Mapper = here) -> pd.DataFrame:
    """Write a sweep's settings to a folder of part files, as `write`, and return them as a DataFrame."""
    if task.question.top is not None or task.question.pareto:
        raise stop("part files hold the settings of whole blocks, not the best of them", hint="without top, pareto")
    write(task, folder, mapper)
    import pandas as pd

    found = pd.read_parquet(folder)
    found.attrs |= told(task)
    return found


def write_part(task: Task, folder: str, number: int) -> None:
    """Count a block and write its part: the piece of work that a worker is handed."""
    manifest = os.path.join(folder, MANIFEST)
    if not os.path.isfile(manifest):  # on another machine the same path may be another folder
        raise stop(f"a worker sees no {manifest}", hint="part files need a folder that all workers see under one path")
    _held(manifest, task)
    single(framed(task, run_block(task, number)), _path(folder, number))


def single(table: pd.DataFrame, path: str) -> None:
    """Write settings to one Parquet file."""
    need("pyarrow", "parquet")
    with writing(path) as file:
        table.to_parquet(file, index=False)


def _path(folder: str, number: int) -> str:
    return os.path.join(folder, f"part-{number:06d}.parquet")


@contextmanager
def _claimed(folder: str, task: Task) -> Iterator[None]:
    """Hold a folder for this very sweep: made, or begun before; without what a run was writing when it was killed."""
    manifest = os.path.join(folder, MANIFEST)
    with in_words(folder):
        os.makedirs(folder, exist_ok=True)
    with locked(manifest, SOON):
        names = os.listdir(folder)
        if MANIFEST in names:
            _held(manifest, task)
        elif any(not name.startswith((BESIDE, MANIFEST)) for name in names):
            raise stop(f"{folder} is not empty, and holds no sweep", hint="write to another folder")
        else:
            rule = conventions.get(task.convention)
            told = {"sweep": task.key, **rule.mark, "settings": task.grid.size, "axes": task.axes}
            files.write(manifest, json.dumps(told, default=str))
        for name in names:
            if name.startswith(BESIDE):
                with suppress(OSError):
                    os.unlink(os.path.join(folder, name))
        yield


def _held(path: str, task: Task) -> dict[str, Datum]:
    """Return what a file keeps of a sweep; raise SpecError where it is of another, or of none."""
    folder, name = os.path.split(path)
    shown, hint = (folder, "folder") if name == MANIFEST else (path, "file")
    try:
        found = json.loads(files.read(path, largest=None)) if os.path.isfile(path) else None
    except (ValueError, RecursionError):  # SpecError, of what is no text, is one
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("sweep"), str):
        raise _none(path, hint)
    if found["sweep"] != task.key:
        raise stop(f"{shown} holds another sweep", hint=f"write to another {hint}, or remove this one")
    return found


def _none(path: str, hint: str = "file") -> SpecError:
    return stop(f"{path} holds no sweep", hint=f"write to another {hint}, or remove this one")


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
        """Take over what the file says; one that no sweep has written is refused."""
        data = _held(self.path, self.task)
        done, kept = data.get("done"), data.get("kept")
        names = (SETTING, *self.task.counted) if done else ()
        if type(done) is not int or not 0 <= done <= len(ready(self.task).blocks):
            raise _none(self.path)
        if not isinstance(kept, dict) or kept.keys() != set(names):
            raise _none(self.path)
        try:
            self.kept = _columns(kept, self.task) if kept else None
        except (ValueError, OverflowError):
            raise _none(self.path) from None
        self.done = done

    def write(self, done: int, kept: Columns | None) -> None:
        """Write the file."""
        found = {name: values.tolist() for name, values in (kept or {}).items()}
        files.write(self.path, json.dumps({"sweep": self.task.key, "done": done, "kept": found}))


def folded(task: Task, mapper: Mapper = here, resume: str | None = None) -> Columns:
    """Return what the question leaves of the sweep; what was found is kept in a file, if one is named."""
    if resume is None:
        return _folded(None, task, mapper)
    with locked(resume, SOON):
        return _folded(SavedState(resume, task), task, mapper)


def _folded(saved: SavedState | None, task: Task, mapper: Mapper) -> Columns:
    """Return what the question leaves of the sweep; stopped, keep what was found."""
    walk = ready(task)
    done, kept = (saved.done, saved.kept) if saved else (0, None)
    if saved:
        saved.write(done, kept)  # what can't be written is told before anything is counted
    at = time.monotonic()
    try:
        for done, kept in folding(task, mapper, done, kept):  # noqa: B020
            if saved and time.monotonic() - at > SAVED_EVERY:
                saved.write(done, kept)
                at = time.monotonic()
    finally:
        if saved:
            saved.write(done, kept)
    assert kept is not None
    return ordered(walk, kept)


def _columns(kept: Data, task: Task) -> Columns:
    """Return saved columns as arrays; raise ValueError or OverflowError where no sweep has saved them so."""
    import numpy as np

    found = {}
    for name, values in kept.items():
        kinds = {type(value) for value in values} if isinstance(values, list) else {list}
        unknown = type(None) in kinds and name != SETTING
        kinds -= {type(None)} if unknown else set()
        if kinds not in (set(), {int}) and (kinds != {float} or name in (SETTING, *task.rule.quantities)):
            raise ValueError(name)
        found[name] = np.array(values, dtype=object if unknown else float if kinds == {float} else np.int64)
    numbers = found[SETTING]
    if any(len(values) != len(numbers) for values in found.values()):
        raise ValueError(SETTING)
    if len(np.unique(numbers)) != len(numbers) or not ((numbers >= 0) & (numbers < task.grid.size)).all():
        raise ValueError(SETTING)
    return found
