"""What renames, cuts or deals out channels and axes: nothing is computed here."""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.numbers import num
from costcalc.operators import NEW, VIEW, Dim, Dims, Example, Fault, Op, Saved, Shape, integer, integers, prod, real
from costcalc.operators.receptive import SAME, Reach

# A bound on the tensors that one item may make, so that a spec of one line can't fill the memory.
MOST_PARTS = 1024


def one_of(kind: str, given: dict[str, Datum]) -> None:
    """Raise Fault unless exactly one of these fields was given."""
    have = [name for name, value in given.items() if value is not None]
    if len(have) != 1:
        wanted = " or ".join(f"'{name}'" for name in given)
        raise Fault(f"{kind} needs {wanted}, and has {'both' if have else 'neither'}")


class Dropout(Op, kind="dropout"):
    """Dropout: nothing is computed at inference."""

    stores = VIEW
    p: float = real("share of the elements that training drops", 0.5)

    def settle(self) -> None:
        if not 0 <= self.p <= 1:
            raise Fault(f"p: {self.p} is not between 0 and 1", field="p")

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the mask: a number an element, as on a CPU; a GPU keeps a byte."""
        return Saved(elements=x.size)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.Dropout(self.p)

    examples = [Example({"p": 0.2}, (1280,), (1280,), "before a classifier")]


class Identity(Op, kind="identity"):
    """What goes in comes out."""

    stores = VIEW

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.Identity()

    examples = [Example({}, (64, 8, 8), (64, 8, 8), "nothing is done")]


class Flatten(Op, kind="flatten"):
    """All axes from `start` on become one: [C, H, W] gives [C * H * W], or [C, H * W] from 1."""

    stores = VIEW
    reads_all = True
    start: int = integer("the first axis that is flattened, 0 for the channels", 0, least=0)

    def shape(self, x: Shape) -> Shape:
        # Asked axis by axis, so that a sweep over `start` splits where the structure changes.
        kept = sum(num.truth(self.start > axis) for axis in range(len(x.dims)))
        if kept == len(x.dims):
            raise Fault(f"start {self.start} is past the last axis of {x}: {kept - 1}", field="start")
        return Shape(*x.dims[:kept], prod(x.dims[kept:]))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.Flatten(self.start + 1)

    examples = [
        Example({}, (256, 6, 6), (9216,), "AlexNet: 256 * 6 * 6"),
        Example({"start": 1}, (64, 14, 14), (64, 196), "the pixels become positions: 14 * 14"),
    ]


class ChannelShuffle(Op, kind="channel_shuffle", aliases=("shuffle",)):
    """Channels are dealt out anew, so that the groups of the next convolution see all groups of the last."""

    groups: int = integer("groups, G, whose channels are interleaved", symbol="G")

    def check(self, x: Shape, y: Shape) -> None:
        if num.any_of(x.c % self.groups != 0):
            raise Fault(
                f"{x.c} channels can't be split into {self.groups} groups",
                "the channels must be a multiple of groups",
                field="groups",
            )

    def storage(self, x: Shape, y: Shape) -> str:
        """Of one group nothing is moved."""
        return VIEW if num.truth(self.groups == 1) else NEW

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: t.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)

    examples = [Example({"groups": 3}, (240, 28, 28), (240, 28, 28), "ShuffleNet: 3 groups of 80")]


class Slice(Op, kind="slice"):
    """The channels (or another axis) from `start` up to, and without, `stop`; of these every step-th."""

    stores = VIEW
    start: int = integer("the first taken, from 0", 0, least=0)
    stop: Dim | None = integer("the first no longer taken; by default the end", None)
    step: int = integer("take every step-th, the first included", 1)
    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def shape(self, x: Shape) -> Shape:
        axis = x.place(self.axis)
        length = x.dims[axis]
        stop = length if self.stop is None else self.stop
        what = "channels" if axis == 0 else f"elements on axis {axis}"
        if num.any_of(stop > length):
            raise Fault(f"slice up to {stop}, but the input has {length} {what}", field="stop")
        if num.any_of(self.start >= stop):
            raise Fault(
                f"slice from {self.start} up to {stop} takes none of {length} {what}",
                "start must be below stop, and below the input's length",
                field="start",
            )
        return x.resized(axis, num.ceil_div(stop - self.start, self.step))

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        taken = Reach(self.step, [(self.start, self.start)])
        return tuple(taken if self.axis == axis else SAME for axis in range(1, len(x.dims)))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        axis = x.place(self.axis)
        stop = x.dims[axis] if self.stop is None else self.stop
        index = (..., slice(self.start, stop, self.step), *(slice(None),) * (len(x.dims) - 1 - axis))
        return lambda t: t[index]

    examples = [
        Example({"stop": 58}, (116, 28, 28), (58, 28, 28), "ShuffleNetV2: the first half"),
        Example({"start": 58}, (116, 28, 28), (58, 28, 28), "and the second: 116 - 58"),
        Example({"start": 8, "stop": 12}, (16, 10), (4, 10), "12 - 8"),
        Example({"start": 1, "step": 2, "axis": 2}, (16, 7, 7), (16, 7, 3), "columns 1, 3, 5: ceil((7 - 1) / 2)"),
    ]


class Split(Op, kind="split"):
    """The channels (or another axis) in pieces, each a tensor of its own: `parts` equal ones, or of the given sizes."""

    stores = VIEW
    parts: Datum = integer("how many equal pieces", None)
    sizes: Dims | None = integers("the channels of each piece", None)
    axis: int = integer("the axis, 0 for the channels", 0, least=0)

    def settle(self) -> None:
        one_of("split", {"parts": self.parts, "sizes": self.sizes})

    def shape(self, x: Shape) -> tuple[Shape, ...]:
        axis = x.place(self.axis)
        length, what = x.dims[axis], "channels" if axis == 0 else f"elements on axis {axis}"
        sizes = self._equal(length, what) if self.sizes is None else self.sizes
        total = sum(sizes)
        if num.any_of(total != length):
            raise Fault(f"the sizes sum to {total}, but the input has {length} {what}", field="sizes")
        return tuple(x.resized(axis, size) for size in sizes)

    def _equal(self, length: Dim, what: str) -> Dims:
        if num.any_of(self.parts > MOST_PARTS):
            raise Fault(f"parts: at most {MOST_PARTS:,} are taken, not {self.parts}", field="parts")
        if num.any_of(length % self.parts != 0):
            raise Fault(
                f"{length} {what} can't be split into {self.parts} equal parts",
                "give the sizes of unequal ones: sizes: [..]",
                field="parts",
            )
        count = 1
        while num.truth(self.parts > count):
            count += 1
        return (length // self.parts,) * count

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return (SAME,) * len(x.space)

    def begins(self, x: Shape, y: tuple[Shape, ...], part: int) -> tuple[int, ...]:
        axis = x.place(self.axis)
        before = sum(one.dims[axis] for one in y[:part])
        return tuple(before if k == axis else 0 for k in range(1, len(x.dims)))

    def torch(self, torch: Any, x: Shape, y: tuple[Shape, ...]) -> Any:
        axis = x.place(self.axis)
        return lambda t: torch.split(t, [one.dims[axis] for one in y], axis + 1)

    examples = [
        Example({"parts": 2}, (64, 8, 8), ((32, 8, 8), (32, 8, 8)), "two halves"),
        Example({"sizes": [8, 24]}, (32, 10), ((8, 10), (24, 10)), "8 + 24 = 32"),
        Example({"parts": 2, "axis": 1}, (3, 8, 6), ((3, 4, 6), (3, 4, 6)), "the upper and the lower half"),
    ]


class Transpose(Op, kind="transpose"):
    """The last two axes change places: [C, L] gives [L, C], as attention's product needs."""

    stores = VIEW
    reads_all = True

    def shape(self, x: Shape) -> Shape:
        if not x.space:
            raise Fault(f"transpose needs two axes, but the input is {x}")
        return Shape(*x.dims[:-2], x.dims[-1], x.dims[-2])

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: t.transpose(-1, -2)

    examples = [
        Example({}, (64, 196), (196, 64), "[C, L] to [L, C]"),
        Example({}, (8, 49, 32), (8, 32, 49), "of three axes the last two"),
    ]


class ZeroPadChannels(Op, kind="zero_pad_channels"):
    """Channels of zeros after the input's, up to `out`: the shortcut of CIFAR ResNets without parameters."""

    out: int = integer("output channels, C_o", symbol="C_o")

    def shape(self, x: Shape) -> Shape:
        if num.any_of(self.out < x.c):
            raise Fault(
                f"out {self.out} is below the input's {x.c} channels",
                "slice takes channels away",
                field="out",
            )
        return x.with_channels(self.out)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return lambda t: torch.cat([t, t.new_zeros(len(t), self.out - x.c, *x.space)], 1)

    examples = [Example({"out": 32}, (16, 16, 16), (32, 16, 16), "16 channels of zeros are added")]
