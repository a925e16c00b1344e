"""A table of settings, a line each, as places: of each choice, which of its values a setting has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from costcalc.base import Datum
from costcalc.base.errors import SpecError, stop
from costcalc.base.optional import need
from costcalc.language.ranges import one
from costcalc.language.yaml_text import inline
from costcalc.spaces.choices import Choice

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 8  # values of a choice that an error names


def read(path: str) -> pd.DataFrame:
    """Return the table of a CSV or Parquet file; raise SpecError for a file that is none."""
    import pandas as pd

    try:
        if path.endswith(".parquet"):
            need("pyarrow", "parquet")
            return pd.read_parquet(path)
        return pd.read_csv(path, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' own are ValueErrors, so are pyarrow's and those of a text's bytes
        said = f"{path} is no table: {str(error).splitlines()[0]}"
        raise stop(said, hint="a CSV or Parquet file, a column a knob") from None


def places(choices: Sequence[Choice], columns: Mapping[str, Sequence[Datum]], count: int) -> Any:
    """Return the place of each choice's value: a row a choice, a column a setting.

    columns: the values by knob, `3, 5, 7` and `[3, 5, 7]` too for a list; a knob without has the spec's own.

    Raises SpecError for a value that is not searched, with the number of the setting, from 1.
    """
    found = np.array([[choice.own] * count for choice in choices], np.int16).reshape(len(choices), count)
    by_knob: dict[str, list[Choice]] = {}
    for choice in choices:
        by_knob.setdefault(choice.knob, []).append(choice)
    for knob in by_knob.keys() & columns.keys():
        those = by_knob[knob]
        if those[0].place is None:
            found[those[0].number] = _places(those[0], _whole(knob, columns[knob]))
            continue
        lists = _lists(knob, columns[knob], len(those))
        for column, choice in enumerate(those):
            found[choice.number] = _places(choice, [values[column] for values in lists])
    return found


def all_are(knob: str, own: Datum, cells: Sequence[Datum]) -> bool:
    """Say whether a knob has one value in all settings."""
    values: Sequence[Datum] = _lists(knob, cells, len(own)) if isinstance(own, list) else _whole(knob, cells)
    return all(_key(value) == _key(own) for value in values)


def _places(choice: Choice, values: Sequence[Datum]) -> list[int]:
    """Return the places of some values among a choice's."""
    known = {_key(value): place for place, value in enumerate(choice.values)}
    try:
        return [known[value] for value in values]  # numbers and words are their own keys
    except (KeyError, TypeError):
        pass
    found = [known.get(_key(value)) for value in values]
    if None in found:
        number = found.index(None)
        shown = ", ".join(inline(value) for value in [*known][:SHOWN]) + (", ..." if len(known) > SHOWN else "")
        said = f"setting {number + 1}: {choice.name} is {inline(_plain(values[number]))}, which is not searched"
        raise stop(said, hint=f"those are {shown}")
    return [place for place in found if place is not None]


def _whole(knob: str, cells: Sequence[Datum]) -> list[Datum]:
    """Return the values of a knob that is chosen whole."""
    typed = cache(lambda text: one(text.strip(), knob))
    return [typed(cell) if isinstance(cell, str) else cell for cell in cells]


def _lists(knob: str, cells: Sequence[Datum], length: int) -> list[Sequence[Datum]]:
    """Return the values of a list knob, of which each element is chosen."""
    typed = cache(lambda text: one(text.strip(), knob))
    found: list[Sequence[Datum]] = []
    for number, cell in enumerate(cells, 1):
        try:
            values = [typed(part) for part in _parts(cell)] if isinstance(cell, str) else cell
        except SpecError as error:
            raise stop(f"setting {number}: {error}") from None
        if not isinstance(values, list | tuple | np.ndarray) or len(values) != length:
            raise stop(f"setting {number}: {knob} is {_plain(values)}, and not a list of {length} values")
        found.append(values)  # type: ignore[arg-type]  # an array is read as a list is
    return found


def _parts(text: str) -> list[str]:
    return text.strip().removeprefix("[").removesuffix("]").split(",")


def _key(value: Datum) -> Any:
    """Return what a value is looked up by: a list's is a tuple."""
    return tuple(map(_key, value)) if isinstance(value, list | tuple | np.ndarray) else value


def _plain(value: Datum) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
