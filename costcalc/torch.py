"""A spec as a network in PyTorch: `costcalc.torch.build`. It needs torch: `pip install 'costcalc[torch]'`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costcalc.api import checked_shape, loaded
from costcalc.graph.expand import expand
from costcalc.interop.torch import build as interop


def build(spec: Any, *, input: Iterable[int] | None = None, **knobs: Any) -> Any:  # noqa: A002 - the language's word
    """Return a network as a `torch.nn.Module` over a batch, tensors `[N, C, *space]`.

    spec: whatever `costcalc.load` takes. input: another input shape, (channels, *space).
    knobs: the spec's own, `width=0.5`. The row `stage1/conv1` of the report is the submodule `stage1.conv1`.
    Under `torch.device("meta")` nothing is allocated.

    >>> network = build("mobilenet_v1", width=0.5)
    >>> network.get_submodule("separable1.conv")
    Conv2d(16, 32, kernel_size=(1, 1), stride=(1, 1), bias=False)

    Raises SpecError with every mistake of the spec, and where torch is missing.
    """
    shape = None if input is None else checked_shape(input)
    return interop.build(expand(loaded(spec, shape), knobs, shape))
