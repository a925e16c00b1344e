"""Rows as a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.records import records

if TYPE_CHECKING:
    import pandas as pd

    from costcalc.result import Result


def frame(result: Result) -> pd.DataFrame:
    """Return a DataFrame of a result, a row a layer, with the columns of the CSV."""
    import pandas as pd

    table = pd.DataFrame(records(result))
    unknown = [name for name in ("params", "macs", "plain_macs") if table[name].isna().any()]
    table = table.astype(dict.fromkeys(unknown, "Int64"))  # whole numbers stay exact beside one that is missing
    table.attrs["convention"] = result.convention.name
    return table
