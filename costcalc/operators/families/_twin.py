"""A PyTorch module made of one function: what the twins of operators need that no PyTorch class does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from costcalc.numbers.num import Dim, Dims


def channels_last(module: Any) -> Any:
    """Make a module that works on the last axis work on the channels; its own name and keys stay as they are."""
    module.register_forward_pre_hook(lambda _, given: (given[0].movedim(1, -1),))
    module.register_forward_hook(lambda _, __, result: result.movedim(-1, 1))
    return module


def twin(torch: Any, forward: Callable[..., Any], **parts: Any) -> Any:
    """Return a module with these submodules and parameters; `forward` takes it and the tensors."""
    module = type("Twin", (torch.nn.Module,), {"forward": forward})()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


def edges(pairs: Iterable[tuple[Dim, Dim]], sign: int = 1) -> list[Dim]:
    """Return (before, after) of each axis in the order of `torch.nn.functional.pad`: the last axis first."""
    return [sign * edge for pair in reversed(list(pairs)) for edge in pair]


def plain(*values: Dims) -> list[Dim]:
    """Return each as PyTorch's users write it: one number where it is the same on all axes."""
    return [value[0] if len(set(value)) == 1 else value for value in values]
