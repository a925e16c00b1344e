"""Low rank: a layer as two thinner ones, nothing between them, and the rank at which that costs as much as before."""

from __future__ import annotations

from costcalc.base import Data
from costcalc.language.flat import Step, window_fields
from costcalc.transforms.kernels import axis_parts, not_two_axes
from costcalc.transforms.network import Rewrite
from costcalc.transforms.transformation import Transformation, Window, share_or_rank


class LowRank(Transformation):
    """A layer as a product of two of rank r: r filters first, then the outputs as their weighted sums.

    A rank below 1 is a share of the rank at which the weights break even: 0.5 halves them, or a little less.
    """

    argument = "RANK"

    def __init__(self, rank: str | float) -> None:
        self.rank = share_or_rank(rank, f"{self.word}")

    def price(self, step: Step) -> tuple[int, int]:
        """Return how many weights, and how many MACs, one of the ranks costs."""
        raise NotImplementedError

    def full(self, step: Step) -> int:
        """Return the largest rank that the weights can have."""
        raise NotImplementedError

    def even(self, step: Step) -> tuple[int, int]:
        """Return the largest ranks that have no more weights, and no more MACs, than the layer."""
        op = step.op
        weights, macs = self.price(step)
        return op.weights(step.x, step.y) // weights, op.macs(step.x, step.y) // macs

    def taken(self, step: Step) -> int:
        """Return the rank that a layer gets."""
        return int(self.rank) if self.rank >= 1 else max(1, int(self.rank * self.even(step)[0]))

    def too_high(self, step: Step) -> str:
        """Return why the rank can't be had."""
        rank, full = self.taken(step), self.full(step)
        return f"rank {rank} is above the {full} that it has" if rank > full else ""

    def note(self, step: Step) -> str:
        weights, macs = self.even(step)
        even = f"{weights}" if weights == macs else f"{weights}, MACs {macs}"
        return f"rank {self.taken(step)} (even: {even})"


class SpatialSvd(LowRank):
    """K_h x K_w -> K_h x 1 with r filters, then 1 x K_w (Jaderberg et al. 2014, arXiv:1405.3866, scheme 2).

    r * (C_i * K_h + C_o * K_w) weights instead of C_i * C_o * K_h * K_w.
    """

    word = "spatial-svd"
    says = "k x k -> k x 1 of RANK filters, then 1 x k."
    kinds = ("conv", "dwconv")

    def unfit(self, step: Step) -> str:
        window = Window(step)
        return _grouped(window) or not_two_axes(window) or self.too_high(step)

    def price(self, step: Step) -> tuple[int, int]:
        window = Window(step)
        first, second = window.c_in * window.kernel[0], window.out * window.kernel[1]
        # The first one has taken the stride down, and not yet that to the right.
        return first + second, first * step.y.dims[1] * step.x.dims[2] + second * step.y.pixels

    def full(self, step: Step) -> int:
        window = Window(step)
        return min(window.c_in * window.kernel[0], window.out * window.kernel[1])

    def act(self, rewrite: Rewrite, step: Step) -> str:
        high, wide = (window_fields(**part) for part in axis_parts(step))
        rank = self.taken(step)
        value = rewrite.add(step, "vertical", "conv", *rewrite.inputs(step), out=rank, bias=False, **high)
        return rewrite.add(step, "horizontal", "conv", value, out=step.y.c, **wide, **Window(step).bias)


class ChannelSvd(LowRank):
    """K_h x K_w to C_o -> the same to r channels, then 1 x 1 to C_o (Zhang et al. 2015, arXiv:1505.06798).

    r * (C_i * K_h * K_w + C_o) weights instead of C_i * C_o * K_h * K_w. A fully connected layer is one of 1 x 1.
    """

    word = "channel-svd"
    says = "conv, fc -> RANK outputs, then 1x1 (fc)."
    kinds = ("conv", "dwconv", "fc")
    things = "convolution or fc"

    def unfit(self, step: Step) -> str:
        return (_grouped(Window(step)) if step.kind != "fc" else "") or self.too_high(step)

    def price(self, step: Step) -> tuple[int, int]:
        one = step.op.weights(step.x, step.y) // step.y.c + step.y.c
        return one, one * step.y.pixels

    def full(self, step: Step) -> int:
        return int(min(step.op.weights(step.x, step.y) // step.y.c, step.y.c))

    def act(self, rewrite: Rewrite, step: Step) -> str:
        first: Data = step.fields | {"out": self.taken(step), "bias": False}
        second: Data = {"out": step.y.c} | ({} if step.op.bias else {"bias": False})
        if step.kind == "conv":
            second["kernel"] = 1
        elif "per_position" in step.fields:
            second["per_position"] = step.fields["per_position"]
        value = rewrite.add(step, "reduce", step.kind, *rewrite.inputs(step), **first)
        return rewrite.add(step, "expand", step.kind, value, **second)


def _grouped(window: Window) -> str:
    if window.depthwise:
        return "it is depthwise: each channel is its own"
    return f"it has {window.groups} groups" if window.groups > 1 else ""
