"""Windows that slide over space: what convolutions and pools share."""

from __future__ import annotations

from typing import ClassVar

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.numbers import num
from costcalc.numbers.num import Dim, Dims
from costcalc.numbers.shape import Shape
from costcalc.operators.op import Op
from costcalc.operators.receptive import Reach, sliding

Pads = tuple[tuple[Dim, Dim], ...]  # (before, after) of each spatial axis


class Windowed(Op):
    """An operator with kernel, stride, padding and dilation: for whatever slides and pads, kernels of even width too.

    Subclasses declare those fields, and find the output's axes in `slid`, the products that fall on no padding in
    `real_taps`, what stands around the input in `pads`; `reach` is told. A field that is not offered is an attribute
    of the class, one number an axis.
    """

    axes: ClassVar[tuple[int, ...] | None] = (1, 2, 3)
    kernel: Dims
    stride: Dims
    padding: Datum  # "same", or (before, after) for each axis
    dilation: Dims
    ceil_mode: bool = False

    def settle(self) -> None:
        """Put numbers for the paddings that do not depend on the input."""
        if self.padding == "valid":
            self.padding = ((0, 0),) * len(self.kernel)
        elif self.padding == "half":
            self.padding = tuple([self._half(w) for w in self.windows()])

    def _half(self, window: Dim) -> tuple[Dim, Dim]:
        if num.any_of(window % 2 == 0):
            raise Fault(
                f"padding half needs an odd kernel, and this one spans {window}",
                "write the padding in numbers, or same for TensorFlow's",
                field="padding",
            )
        return (window // 2, window // 2)

    def windows(self) -> Dims:
        """Return what a kernel spans on each axis: dilation * (kernel - 1) + 1."""
        return tuple([d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)])

    def pads(self, x: Shape) -> Pads:
        """Return (before, after) for each axis; of SAME an odd total puts the extra one after."""
        if self.padding != "same":
            return tuple(self.padding)
        axes = zip(x.space, self.windows(), self.stride, strict=True)
        totals = [num.same_padding(n, w, s) for n, w, s in axes]
        return tuple([(t // 2, t - t // 2) for t in totals])

    def padded_input(self, x: Shape) -> Dim:
        """Return the elements of the input and its padding."""
        return x.c * num.prod(n + before + after for n, (before, after) in zip(x.space, self.pads(x), strict=True))

    def slid(self, x: Shape) -> Dims:
        """Return the output's spatial axes; raise Fault where not even one window fits."""
        self.spatial(x)
        if self.padding == "same":  # for any kernel, which is what TensorFlow pads for
            return tuple([num.ceil_div(n, s) for n, s in zip(x.space, self.stride, strict=True)])
        out = []
        for n, w, s, (before, after) in zip(x.space, self.windows(), self.stride, self.pads(x), strict=True):
            fits = num.out_len(n, w, s, before, after, ceil=self.ceil_mode)
            few = fits < 1
            if few is not False and num.any_of(few):
                padded = f"{n}" if num.every(before + after == 0) else f"{n} + {before} + {after} of padding"
                raise Fault(
                    f"a window of {w} does not fit into {padded}",
                    "pad, use a smaller kernel or dilation, or a larger input",
                    field="kernel",
                )
            out.append(fits)
        return tuple(out)

    def real_taps(self, x: Shape, space: Dims) -> Dim:
        """Return how many of a channel's products, of all taps at all outputs, fall on real pixels."""
        axes = zip(x.space, space, self.kernel, self.stride, self.pads(x), self.dilation, strict=True)
        return num.prod(num.real_taps(n, out, k, s, before, d) for n, out, k, s, (before, _), d in axes)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        """Return the window's reach; what subclasses take beside the image has none of its own."""
        axes = zip(self.windows(), self.stride, self.pads(x), strict=True)
        return tuple(sliding(span, stride, before) for span, stride, (before, _) in axes)
