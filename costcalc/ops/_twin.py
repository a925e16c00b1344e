"""A PyTorch module made of one function: what the twins of operators need that no PyTorch class does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def twin(torch: Any, forward: Callable[..., Any], **parts: Any) -> Any:
    """Return a module with these submodules and parameters; `forward` takes it and the tensors."""
    module = type("Twin", (torch.nn.Module,), {"forward": forward})()
    for name, part in parts.items():
        setattr(module, name, part)
    return module
