"""costcalc: the cost of a CNN before it exists.

    import costcalc
    result = costcalc.count("mobilenet_v1", width=0.5)
    result.params, result.macs, result.by_type()

Everything is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc import estimates as estimates
    from costcalc import plots as plots
    from costcalc import torch as torch
    from costcalc.api import (
        check,
        compare,
        conventions,
        count,
        devices,
        diff,
        explore,
        from_onnx,
        from_torch,
        load,
        metrics,
        netadapt,
        networks,
        reconcile,
        scale_compound,
        scale_width,
        solve,
        space,
        sweep,
        sweep_arrays,
        verify_weights,
        whatif,
    )
    from costcalc.base.errors import Problem, SpecError
    from costcalc.language.document import Spec
    from costcalc.reports.result import Result

__version__ = "0.1.0"
__all__ = [
    "Problem",
    "Result",
    "Spec",
    "SpecError",
    "__version__",
    "check",
    "compare",
    "conventions",
    "count",
    "devices",
    "diff",
    "explore",
    "from_onnx",
    "from_torch",
    "load",
    "metrics",
    "netadapt",
    "networks",
    "reconcile",
    "scale_compound",
    "scale_width",
    "solve",
    "space",
    "sweep",
    "sweep_arrays",
    "verify_weights",
    "whatif",
]

_MODULES = ("estimates", "plots", "torch")
_HOME = {  # of what is no function of `api`
    "Spec": "language.document",
    "Problem": "base.errors",
    "SpecError": "base.errors",
    "Result": "reports.result",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"costcalc.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'costcalc' has no attribute '{name}'")
    return getattr(import_module(f"costcalc.{_HOME.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])  # which a star import leaves out: it would hide PyTorch's own
