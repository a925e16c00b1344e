"""Pooling over windows: maximum and average."""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.numbers import num
from costcalc.numbers.shape import drawn
from costcalc.operators import Dim, Dims, Example, Fault, Saved, Shape, flag, padding, per_axis, prod
from costcalc.operators.families._twin import edges, plain
from costcalc.operators.window import Windowed


class Pool(Windowed):
    """What pools over windows share: the stride is the kernel unless given, channels stay."""

    family = "pooling"
    stride: Dims

    def settle(self) -> None:
        """Take the kernel for a stride that is not given."""
        if self.stride is None:
            self.stride = self.kernel
        super().settle()

    def shape(self, x: Shape) -> Shape:
        return Shape(x.c, *self.slid(x))

    def filter_shape(self, x: Shape, y: Shape) -> str:
        return f"pool {drawn(self.kernel)}"

    def check(self, x: Shape, y: Shape) -> None:
        """Refuse padding of more than half the kernel, as PyTorch does; that of `same` is never too much."""
        if self.padding == "same":
            return
        for k, pads in zip(self.kernel, self.padding, strict=True):
            for pad in pads:
                if num.any_of(pad > k // 2):
                    raise Fault(
                        f"padding {pad} is more than half of the kernel {k}",
                        "a pool takes at most half its kernel, as in PyTorch; same takes what it needs",
                        field="padding",
                    )

    def fitted(self, x: Shape, y: Shape) -> list[Dim]:
        """Return the padding that makes the windows fit exactly, in PyTorch's order: last axis first."""
        axes = zip(x.space, y.space, self.windows(), self.stride, self.pads(x), strict=True)
        return edges((before, (out - 1) * s + w - n - before) for n, out, w, s, (before, _) in axes)

    def padded(self, x: Shape, y: Shape) -> Dim:
        """Return the elements of the input padded so that the windows fit exactly."""
        axes = zip(y.space, self.windows(), self.stride, strict=True)
        return x.c * prod((out - 1) * s + w for out, w, s in axes)

    def even(self, x: Shape) -> bool:
        """Say whether PyTorch's own pools can express the padding: the same on both sides, at most half the kernel."""
        pads = zip(self.kernel, self.pads(x), strict=True)
        return all(before == after and before <= k // 2 for k, (before, after) in pads)


class MaxPool(Pool, kind="max_pool"):
    """Maximum over a window that slides over each channel.

    K_h * K_w - 1 comparisons an output. Padded cells never win. With `ceil_mode` a last, partial
    window counts if it starts inside the input or the padding before it (Caffe's and PyTorch's rule).
    """

    kernel: Dims = per_axis("kernel, K", symbol="K")
    stride: Dims = per_axis("stride, S; by default the kernel", None, symbol="S")
    padding: Datum = padding("cells around the input, which never win")
    dilation: Dims = per_axis("distance between the kernel's taps", 1, symbol="D")
    ceil_mode: bool = flag("count a last, partial window", False)

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"compare": (prod(self.kernel) - 1) * y.size}

    def scratch(self, x: Shape, y: Shape) -> Dim:
        """Return the bytes of the places of the maxima, 64 bits each, which PyTorch's kernel gives too."""
        return 8 * y.size

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input (of uneven padding a padded copy), and the places of the maxima."""
        kept = Saved((0,)) if self.even(x) else Saved(elements=self.padded(x, y))
        return kept._replace(bytes=8 * y.size)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        make = getattr(torch.nn, f"MaxPool{len(x.space)}d")
        if self.even(x):
            pad = tuple(before for before, _ in self.pads(x))
            return make(*plain(self.kernel, self.stride, pad, self.dilation), ceil_mode=self.ceil_mode)
        pool, fitted, pad = (
            make(self.kernel, self.stride, 0, self.dilation),
            self.fitted(x, y),
            torch.nn.functional.pad,
        )
        return lambda t: pool(pad(t, fitted, value=float("-inf")))

    examples = [
        Example(
            {"kernel": 3, "stride": 2, "padding": 1},
            (64, 112, 112),
            (64, 56, 56),
            "ResNet: (112 + 2 - 3) // 2 + 1 = 56; 8 comparisons for each of 64 * 56 * 56",
            elementwise={"compare": 1605632},
        ),
        Example(
            {"kernel": 3, "stride": 2, "ceil_mode": True},
            (64, 112, 112),
            (64, 56, 56),
            "GoogLeNet in Caffe: ceil((112 - 3) / 2) + 1 = 56, where floor gives 55",
            elementwise={"compare": 1605632},
        ),
        Example(
            {"kernel": 2, "padding": 1, "ceil_mode": True},
            (4, 5, 6),
            (4, 3, 4),
            "height ceil((5 + 2 - 2) / 2) + 1 = 4, but the fourth window would start at 6 >= 5 + 1: 3",
            elementwise={"compare": 144},
        ),
        Example(
            {"kernel": 3, "stride": 2, "padding": "same"},
            (8, 15, 16),
            (8, 8, 8),
            "TensorFlow's SAME: ceil(15 / 2) = ceil(16 / 2) = 8; of width's one padded cell all is after",
            elementwise={"compare": 4096},
        ),
        Example(
            {"kernel": 2, "stride": 2, "padding": [0, 1, 1, 0], "ceil_mode": True},
            (4, 6, 6),
            (4, 3, 4),
            "ceil((6 + 1 - 2) / 2) + 1 = 4, but the height's fourth would start at 6 >= 6 + 0: 3",
            elementwise={"compare": 144},
        ),
        Example(
            {"kernel": 3, "stride": 1, "dilation": 2},
            (16, 20),
            (16, 16),
            "one spatial axis; dilation 2 makes 3 span 5: 20 - 5 + 1 = 16; 2 comparisons each",
            elementwise={"compare": 512},
        ),
        Example(
            {"kernel": [1, 3, 3], "stride": [1, 2, 2], "padding": [0, 1, 1]},
            (8, 4, 15, 15),
            (8, 4, 8, 8),
            "three spatial axes, frames apart: 8 comparisons for each of 8 * 4 * 8 * 8",
            elementwise={"compare": 16384},
        ),
    ]  # fmt: skip


class AveragePool(Pool, kind="avg_pool"):
    """Average over a window that slides over each channel.

    K_h * K_w - 1 additions and one division an output. Padded cells count as zeros unless
    `count_include_pad` is false; those of `same` never count (TensorFlow's rule).
    """

    kernel: Dims = per_axis("kernel, K", symbol="K")
    stride: Dims = per_axis("stride, S; by default the kernel", None, symbol="S")
    padding: Datum = padding("zeros around the input")
    ceil_mode: bool = flag("count a last, partial window", False)
    count_include_pad: bool = flag("let the padding's zeros count in the average", True)

    def settle(self) -> None:
        """Give the window no gaps."""
        self.dilation = (1,) * len(self.kernel)
        super().settle()

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"add": (prod(self.kernel) - 1) * y.size, "div": y.size}

    def even(self, x: Shape) -> bool:
        """Say whether PyTorch's own has it: that over three axes takes no kernel larger than the unpadded input."""
        fits = len(x.space) < 3 or all(k <= n for k, n in zip(self.kernel, x.space, strict=True))
        return fits and super().even(x)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input; of uneven padding a padded copy, and how many cells count at each place."""
        return Saved((0,)) if self.even(x) else Saved(elements=self.padded(x, y), fixed=4 * y.pixels)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        make = getattr(torch.nn, f"AvgPool{len(x.space)}d")
        if self.even(x):
            pad = tuple(before for before, _ in self.pads(x))
            counted = self.count_include_pad and self.padding != "same"
            return make(*plain(self.kernel, self.stride, pad), self.ceil_mode, counted)
        pool, fitted, pad = make(self.kernel, self.stride), self.fitted(x, y), torch.nn.functional.pad
        # The average of the cells that count is the sum over all divided by how many of them count.
        cells = torch.ones(1, 1, *x.space)
        if self.padding != "same" and self.count_include_pad:
            pads = edges(self.pads(x))
            cells = pad(cells, pads, value=1.0)
            rest = [whole - own for whole, own in zip(fitted, pads, strict=True)]
        else:
            rest = fitted
        share = pool(pad(cells, rest))
        return lambda t: pool(pad(t, fitted)) / share.to(t.device)

    examples = [
        Example(
            {"kernel": 2},
            (64, 56, 56),
            (64, 28, 28),
            "DenseNet's transition: 3 additions and a division for each of 64 * 28 * 28",
            elementwise={"add": 150528, "div": 50176},
        ),
        Example(
            {"kernel": 3, "stride": 1, "padding": "half", "count_include_pad": False},
            (8, 35, 35),
            (8, 35, 35),
            "3 // 2 = 1 on each side keeps the size",
            elementwise={"add": 78400, "div": 9800},
        ),
        Example(
            {"kernel": 3, "stride": 2, "padding": "same"},
            (4, 7, 8),
            (4, 4, 4),
            "TensorFlow's SAME: ceil(7 / 2) = ceil(8 / 2) = 4",
            elementwise={"add": 512, "div": 64},
        ),
        Example(
            {"kernel": 2, "ceil_mode": True},
            (16, 1, 7),
            (16, 1, 4),
            "partial windows count: ceil((1 - 2) / 2) + 1 = 1 and ceil((7 - 2) / 2) + 1 = 4",
            elementwise={"add": 192, "div": 64},
        ),
        Example(
            {"kernel": 3, "stride": 2, "padding": [1, 0, 1, 0]},
            (4, 8, 8),
            (4, 4, 4),
            "(8 + 1 - 3) // 2 + 1 = 4",
            elementwise={"add": 512, "div": 64},
        ),
        Example(
            {"kernel": 4, "stride": 2, "padding": "valid"},
            (6, 10),
            (6, 4),
            "one spatial axis, no padding: (10 - 4) // 2 + 1 = 4",
            elementwise={"add": 72, "div": 24},
        ),
        Example(
            {"kernel": [2, 3, 3], "stride": 2, "padding": [0, 1, 1], "count_include_pad": False},
            (16, 8, 15, 15),
            (16, 4, 8, 8),
            "three spatial axes: 17 additions and a division for each of 16 * 4 * 8 * 8",
            elementwise={"add": 69632, "div": 4096},
        ),
    ]  # fmt: skip
