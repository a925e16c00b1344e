"""The same numbers in another shape or order: nothing is computed here."""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.numbers import num
from costcalc.operators import VIEW, Dim, Dims, Example, Fault, Op, Shape, integers, padding, per_axis, prod
from costcalc.operators.families._twin import edges
from costcalc.operators.receptive import SAME, Reach, moving
from costcalc.operators.window import Windowed


class Reshape(Op, kind="reshape"):
    """The same numbers, in their order, under another shape; one entry may be -1: what is left."""

    stores = VIEW
    reads_all = True
    dims: Dims = integers("output shape, channels first", least=-1, key="shape")

    def shape(self, x: Shape) -> Shape:
        if any(num.any_of(n == 0) for n in self.dims):
            raise Fault("shape: an axis has at least one element", field="shape")
        open_ = [k for k, n in enumerate(self.dims) if num.truth(n == -1)]
        if len(open_) > 1:
            raise Fault("shape: only one entry can be -1", field="shape")
        known = prod(n for k, n in enumerate(self.dims) if k not in open_)
        if num.any_of(x.size % known != 0) or (not open_ and num.any_of(x.size != known)):
            wanted = "x".join("?" if k in open_ else str(n) for k, n in enumerate(self.dims))
            raise Fault(f"{x} has {x.size} elements, which can't be {wanted}", field="shape")
        return Shape(*(x.size // known if k in open_ else n for k, n in enumerate(self.dims)))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: t.reshape(len(t), *y.dims)

    examples = [
        Example({"shape": [3, 8, 32, -1]}, (768, 196), (3, 8, 32, 196), "attention's q, k, v of 8 heads: 3 * 8 * 32"),
        Example({"shape": [64, 196]}, (64, 14, 14), (64, 196), "14 * 14 pixels become positions"),
    ]


class Permute(Op, kind="permute"):
    """The axes in another order: `axes: [1, 2, 0]` puts the channels last."""

    stores = VIEW
    reads_all = True
    axes_: Dims = integers("which input axis stands at each place, 0 for the channels", least=0, key="axes")

    def order(self, x: Shape) -> list[int]:
        """Return the order; raise Fault unless each axis is named once."""
        order = [x.place(axis, "axes") for axis in self.axes_]
        if sorted(order) != list(range(len(x.dims))):
            raise Fault(f"axes: each of the {len(x.dims)} axes of {x} must be named once", field="axes")
        return order

    def shape(self, x: Shape) -> Shape:
        return Shape(*(x.dims[k] for k in self.order(x)))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        order = (0, *(k + 1 for k in self.order(x)))
        return lambda t: t.permute(order)

    examples = [
        Example({"axes": [1, 2, 0]}, (96, 56, 57), (56, 57, 96), "channels last"),
        Example({"axes": [1, 0]}, (4, 10), (10, 4), "one spatial axis"),
    ]


class Roll(Op, kind="roll"):
    """The elements moved along some axes; what leaves at one end enters at the other."""

    by: Dims = integers("how far, one number an axis of `axes`; below zero: back", least=-num.LARGEST)
    axes_: Dims = integers("the axes, 0 for the channels", least=0, key="axes")

    def settle(self) -> None:
        if len(self.by) != len(self.axes_):
            raise Fault(f"roll has {len(self.by)} numbers in 'by' and {len(self.axes_)} in 'axes'", field="by")

    def shape(self, x: Shape) -> Shape:
        for axis in self.axes_:
            x.place(axis, "axes")
        return x

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        found = []
        for axis, n in enumerate(x.space, 1):
            by = sum(by for by, at in zip(self.by, self.axes_, strict=True) if at == axis) % n
            own = moving([(place - by) % n for place in range(n)]) if by else SAME
            if own is None:
                return None
            found.append(own)
        return tuple(found)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: torch.roll(t, self.by, [axis + 1 for axis in self.axes_])

    examples = [
        Example({"by": [-3, -3], "axes": [1, 2]}, (96, 56, 56), (96, 56, 56), "Swin: windows shifted by half of 7"),
        Example({"by": [1], "axes": [0]}, (8, 5), (8, 5), "channels"),
    ]


class Flip(Op, kind="flip"):
    """The elements in reverse order along some axes."""

    axes_: Dims = integers("the axes, 0 for the channels", least=0, key="axes")

    def shape(self, x: Shape) -> Shape:
        places = [x.place(axis, "axes") for axis in self.axes_]
        if len(set(places)) < len(places):
            raise Fault("axes: an axis is named twice", field="axes")
        return x

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return tuple(Reach(-1, [(n - 1,) * 2]) if k in self.axes_ else SAME for k, n in enumerate(x.space, 1))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: torch.flip(t, [axis + 1 for axis in self.axes_])

    examples = [Example({"axes": [2]}, (3, 8, 9), (3, 8, 9), "left and right change places")]


class BroadcastTo(Op, kind="broadcast_to"):
    """Axes of length 1 repeated to the given lengths."""

    stores = VIEW
    dims: Dims = integers("output shape, channels first", key="shape")

    def shape(self, x: Shape) -> Shape:
        same = len(self.dims) == len(x.dims)
        if not same or any(num.any_of((m != n) & (m != 1)) for m, n in zip(x.dims, self.dims, strict=True)):
            wanted = "x".join(str(n) for n in self.dims)
            raise Fault(f"{x} can't be expanded to {wanted}", "only axes of length 1 are repeated", field="shape")
        return Shape(*self.dims)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: t.expand(len(t), *y.dims)

    examples = [
        Example({"shape": [64, 14, 14]}, (64, 1, 1), (64, 14, 14), "a number a channel, at each pixel"),
        Example({"shape": [8, 10]}, (1, 10), (8, 10), "one channel, eight times"),
    ]


class Unfold(Windowed, kind="unfold"):
    """Each window of the input as a column: [C, H, W] gives [C * K_h * K_w, windows] (im2col)."""

    axes = (2,)
    kernel: Dims = per_axis("kernel, K", symbol="K")
    stride: Dims = per_axis("stride, S", 1, symbol="S")
    padding: Datum = padding("zeros around the input")
    dilation: Dims = per_axis("distance between the kernel's taps", 1, symbol="D")

    def shape(self, x: Shape) -> Shape:
        return Shape(x.c * prod(self.kernel), prod(self.slid(x)))

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return None

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        unfold = torch.nn.Unfold(self.kernel, self.dilation, 0, self.stride)
        return lambda t: unfold(torch.nn.functional.pad(t, edges(self.pads(x))))

    examples = [
        Example({"kernel": 3, "padding": "half"}, (16, 8, 9), (144, 72), "16 * 3 * 3 numbers at 8 * 9 windows"),
        Example({"kernel": 2, "stride": 2}, (4, 6, 6), (16, 9), "3 * 3 patches"),
    ]


class Fold(Op, kind="fold"):
    """Columns put back as windows, and added where they overlap: the way back from `unfold`."""

    axes = (1,)
    reads_all = True
    size: Dims = integers("the output's height and width")
    kernel: Dims = integers("kernel's height and width")
    stride: Dims = integers("stride down and right", (1, 1))
    padding: Dims = integers("pixels cut from the output's border, up and down, left and right", (0, 0), least=0)
    dilation: Dims = integers("distance between the kernel's taps, down and right", (1, 1))

    def settle(self) -> None:
        for name in ("size", "kernel", "stride", "padding", "dilation"):
            if len(getattr(self, name)) != 2:
                raise Fault(f"{name}: two numbers are needed, height and width", field=name)

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        axes = zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        windows = prod(num.out_len(n, d * (k - 1) + 1, s, p, p) for n, k, s, p, d in axes)
        if num.any_of(x.c % prod(self.kernel) != 0) or num.any_of(x.dims[1] != windows):
            raise Fault(
                f"fold needs {windows} columns of a multiple of {prod(self.kernel)} numbers, but the input is {x}",
                "columns and numbers are those that unfold gives for an input of the size wanted",
                field="size",
            )
        return Shape(x.c // prod(self.kernel), *self.size)

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"add": x.size}

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.Fold(self.size, self.kernel, self.dilation, self.padding, self.stride)

    examples = [
        Example(
            {"size": [8, 9], "kernel": [3, 3], "padding": [1, 1]},
            (144, 72),
            (16, 8, 9),
            "144 / 9 channels; 144 * 72 additions",
            elementwise={"add": 10368},
        ),
    ]
