"""What scales or moves each channel by a number of its own."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.operators import FOLDED, Dim, Dims, Example, Fault, Op, Saved, Shape, flag, per_axis, prod
from costcalc.operators.families._twin import edges, twin
from costcalc.operators.families.resize import every_pixel, steps
from costcalc.operators.receptive import Reach, sliding


class Scale(Op, kind="scale"):
    """A learned factor a channel (and, with `shift`, a learned addend).

    One multiplication an element; with `shift` one addition too.
    """

    stores = FOLDED
    keeps = Saved(learned=(0,))
    shift: bool = flag("learn a number a channel that is added, too", False)

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return 2 * x.c if self.shift else x.c

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"mul": x.size, "add": x.size} if self.shift else {"mul": x.size}

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (x.c, *(1,) * len(x.space), self.shift)  # which axis the channels are is of the shape

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        each = (x.c, *(1,) * len(x.space))
        factor = torch.nn.Parameter(torch.ones(each))
        if not self.shift:
            return twin(torch, lambda m, t: t * m.factor, factor=factor)
        addend = torch.nn.Parameter(torch.zeros(each))
        return twin(torch, lambda m, t: t * m.factor + m.addend, factor=factor, addend=addend)

    examples = [
        Example(
            {},
            (96, 14, 14),
            (96, 14, 14),
            "ConvNeXt's layer scale: 96 factors",
            norm_params=96, elementwise={"mul": 18816},
        ),
        Example(
            {"shift": True},
            (8, 10),
            (8, 10),
            "8 factors and 8 addends",
            norm_params=16, elementwise={"mul": 80, "add": 80},
        ),
    ]  # fmt: skip


class Shift(Op, kind="shift"):
    """Each channel is moved by its own fixed offset inside the kernel; nothing is learned or multiplied.

    The offsets are dealt out in turn to the channels (Wu et al. 2017, arXiv:1711.08141); zeros
    come in at the border.
    """

    axes = (1, 2, 3)
    kernel: Dims = per_axis("kernel, K: offsets are at most (K - 1) / 2", 3, symbol="K")
    stride: Dims = per_axis("stride, S", 1, symbol="S")

    def settle(self) -> None:
        for k in self.kernel:
            if num.any_of(k % 2 == 0):
                raise Fault(f"shift needs an odd kernel, not {k}", "its offsets lie around a centre", field="kernel")

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        return every_pixel(x, self.stride)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(sliding(k, s, k // 2) for k, s in zip(self.kernel, self.stride, strict=True))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        half = [(k // 2, k // 2) for k in self.kernel]
        number = prod(self.kernel)

        def move(t: Any) -> Any:
            padded, each = torch.nn.functional.pad(t, edges(half)), x.c // number
            parts = []
            for i in range(min(number, x.c)):  # all channels that are moved so
                window, rest = [], i
                for k, n in zip(reversed(self.kernel), reversed(x.space), strict=True):
                    window.append(slice(rest % k, rest % k + n))
                    rest //= k
                parts.append(padded[(slice(None), slice(i, None, number), *reversed(window))])
            whole = [torch.stack([part[:, :each] for part in parts], 2).flatten(1, 2)] if each else []
            out = torch.cat([*whole, *(part[:, each:] for part in parts[: x.c % number])], 1)
            return out[steps(self.stride)]

        return move

    examples = [
        Example({}, (64, 28, 28), (64, 28, 28), "moved, not computed"),
        Example({"kernel": 5, "stride": 2}, (16, 15), (16, 8), "one spatial axis: ceil(15 / 2)"),
        Example({"kernel": [3, 1, 1]}, (16, 8, 7, 7), (16, 8, 7, 7), "three spatial axes: moved in time, not in space"),
    ]


class ActiveShift(Op, kind="active_shift"):
    """Each channel is moved by its own learned offset, two numbers a channel, down and right.

    An offset need not be whole, so each output is interpolated between four pixels: 4 mul, 3 add
    (Jeon & Kim 2018, arXiv:1806.07370).
    """

    axes = (2,)
    stride: Dims = per_axis("stride, S", 1, symbol="S")

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        return every_pixel(x, self.stride)

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return 2 * x.c

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"mul": 4 * y.size, "add": 3 * y.size}

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        """Return a pixel around: what is learned moves a channel by so much, as it is taken here."""
        return tuple(sliding(3, stride, 1) for stride in self.stride)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input, and where each of its elements is sampled: two numbers."""
        # With a stride the output is a view of the whole map.
        return Saved((0,), elements=3 * x.size - y.size)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        def move(m: Any, t: Any) -> Any:
            if t.is_meta and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
                # Only the shape is asked for, and PyTorch would take sampling apart for it, into 150 operations. An
                # export is to see what is done.
                return torch.empty_like(t)[steps(self.stride)]
            # Each channel is sampled as an image of its own, on the grid moved by its offset in pixels.
            functional, eye = torch.nn.functional, torch.eye(2, device=t.device).expand(x.c, 2, 2)
            size = torch.tensor([x.w, x.h], device=t.device)
            theta = torch.cat([eye, (m.offset.flip(1) * 2 / size).unsqueeze(2)], 2).repeat(len(t), 1, 1)
            grid = functional.affine_grid(theta, [len(t) * x.c, 1, x.h, x.w], align_corners=False)
            moved = functional.grid_sample(t.reshape(-1, 1, x.h, x.w), grid, align_corners=False)
            return moved.reshape(t.shape)[steps(self.stride)]

        return twin(torch, move, offset=torch.nn.Parameter(torch.zeros(x.c, 2)))

    examples = [
        Example(
            {"stride": 2},
            (32, 15, 16),
            (32, 8, 8),
            "two numbers for each of 32 channels; 4 * 2048 mul for 32 * 8 * 8 outputs",
            norm_params=64, elementwise={"mul": 8192, "add": 6144},
        ),
    ]  # fmt: skip
