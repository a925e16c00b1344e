"""costcalc: the cost of a CNN before it exists.

    import costcalc
    result = costcalc.count("mobilenet_v1", width=0.5)
    result.params, result.macs, result.by_type()

Everything is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.api import count, load
    from costcalc.document import Spec
    from costcalc.errors import Problem, SpecError
    from costcalc.result import Result

__version__ = "0.1.0"
__all__ = ["Problem", "Result", "Spec", "SpecError", "__version__", "count", "load"]

_HOME = {
    "count": "api",
    "load": "api",
    "Spec": "document",
    "Problem": "errors",
    "SpecError": "errors",
    "Result": "result",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'costcalc' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"costcalc.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
