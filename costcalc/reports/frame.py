"""Rows as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costcalc.metrics.metric import Measured, plain

if TYPE_CHECKING:
    import pandas as pd


def frame(records: list[dict[str, Any]], convention: str) -> pd.DataFrame:
    """Return a DataFrame of a result's records, a row a layer, with the columns of the CSV."""
    import pandas as pd

    table = pd.DataFrame(records)
    unknown = [name for name in ("params", "macs", "plain_macs") if table[name].isna().any()]
    table = table.astype(dict.fromkeys(unknown, "Int64"))  # whole numbers stay exact beside one that is missing
    table.attrs["convention"] = convention
    return table


def measured(records: list[dict[str, Any]], columns: Sequence[Measured], convention: str) -> pd.DataFrame:
    """Return a DataFrame of records with the chosen metrics, a row a layer; totals are in `attrs["totals"]`."""
    import pandas as pd

    table = pd.DataFrame(records)
    for one in columns:
        values = [value for value in table[one.name] if value is not None and value == value]  # noqa: PLR0124 - nan
        if len(values) < len(table) and all(float(value).is_integer() for value in values):
            table[one.name] = pd.array([plain(value) for value in one.rows], dtype="Int64")
    table.attrs["convention"] = convention
    table.attrs["totals"] = {one.name: plain(one.total) for one in columns}
    return table
