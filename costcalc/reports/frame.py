"""Rows as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costcalc.base import Data
from costcalc.costs.convention import Convention
from costcalc.measures.metric import Measured, plain

if TYPE_CHECKING:
    import pandas as pd


def frame(records: list[Data], columns: Sequence[Measured], convention: Convention) -> pd.DataFrame:
    """Return a DataFrame of a result's records, a line a row; the totals are in `attrs["totals"]`.

    Whole numbers stay exact beside one that is missing.
    """
    import pandas as pd

    table = pd.DataFrame(records)
    for name in {*(one.name for one in columns), "plain_macs"} & {*table.columns}:
        values = [record[name] for record in records]
        there = [value for value in values if value is not None]
        if len(there) < len(values) and all(isinstance(value, int) for value in there):
            table[name] = pd.array(values, dtype="Int64")
    table.attrs["convention"] = convention.name
    table.attrs["unit"] = convention.unit
    table.attrs["totals"] = {one.name: plain(one.total) for one in columns}
    return table
