"""Packages that costcalc can do without: imported where they are needed, and asked for in one line."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from costcalc.base.errors import stop


def need(module: str, extra: str) -> Any:
    """Return a module of an optional package; raise SpecError, in one line, where it is not installed."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise stop(f"this needs {package}, which is not installed: pip install 'costcalc[{extra}]'") from None
