"""A spec as a network in PyTorch: `costcalc.torch.build`. It needs torch: `pip install 'costcalc[torch]'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.asked import NetworkLike, asked
from costcalc.base import Datum, GivenShape
from costcalc.interop.torch import build as interop


def build(
    network: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    variant: str = "",
    **more: Datum,
) -> Any:
    """Return a network as a `torch.nn.Module` over a batch, tensors `[N, C, *space]`.

    Arguments as for `costcalc.count`. The row `stage1/conv1` of the report is the submodule `stage1.conv1`.
    Under `torch.device("meta")` nothing is allocated.

    >>> network = build("mobilenet_v1", width=0.5)
    >>> network.get_submodule("separable1.conv")
    Conv2d(16, 32, kernel_size=(1, 1), stride=(1, 1), bias=False)

    Raises SpecError with every mistake of the spec, and where torch is missing.
    """
    return interop.build(asked(network, more, knobs, input, variant=variant).graph)
