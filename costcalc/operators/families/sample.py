"""What reads a map between its pixels, at places that are data: grids, regions, deformed windows."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.numbers.shape import listed
from costcalc.operators import (
    Dim,
    Dims,
    Example,
    Fault,
    Op,
    Saved,
    Shape,
    Windowed,
    ceil_div,
    flag,
    integer,
    padding,
    per_axis,
    prod,
    role,
    word,
)
from costcalc.operators.families._twin import edges, twin

# Of a value that is interpolated: multiplications with its neighbours, and additions of these.
_READ = {"nearest": (0, 0), "bilinear": (4, 3), "bicubic": (16, 15)}


def _unnormalized(torch: Any, places: Any, shape: Shape) -> Any:
    """Return places in pixels, [.., (y, x)], as PyTorch's grid_sample takes them: (x, y), -1 and 1 at the ends."""
    size = torch.tensor([shape.h, shape.w], device=places.device, dtype=places.dtype)
    return ((2 * places + 1) / size - 1).flip(-1)


class GridSample(Op, kind="grid_sample"):
    """A map read at places that a second tensor names: of [C, H, W] and [2, H_o, W_o] it gives [C, H_o, W_o].

    An output takes nothing (nearest), 4 mul + 3 add (bilinear) or 16 + 15 (bicubic). The grid has its two numbers
    first, where PyTorch has them last; what finds the places stands before it.
    """

    inputs = 2
    axes = (2,)
    reads_all = True
    mode: str = word("how values between pixels are found", "bilinear", tuple(_READ))

    def shape(self, x: tuple[Shape, Shape]) -> Shape:
        image, grid = x
        self.spatial(image, 2)
        if len(grid.dims) != 3 or num.any_of(grid.c != 2):
            raise Fault(
                f"grid_sample takes a map and a grid of [2, height, width], not {listed(x)}",
                "permute: {axes: [2, 0, 1]} puts a grid's two numbers first",
            )
        return Shape(image.c, *grid.space)

    def elementwise(self, x: tuple[Shape, Shape], y: Shape) -> dict[str, Dim]:
        mul, add = _READ[self.mode]
        return {"mul": mul * y.size, "add": add * y.size} if mul else {}

    def saved(self, x: tuple[Shape, Shape], y: Shape) -> Saved:
        """Return the map and the grid."""
        return Saved((0, 1))

    def torch(self, torch: Any, x: tuple[Shape, Shape], y: Shape) -> Any:
        return lambda t, grid: torch.nn.functional.grid_sample(
            t, grid.permute(0, 2, 3, 1), mode=self.mode, align_corners=False
        )

    examples = [
        Example(
            {},
            ((3, 40, 40), (2, 28, 28)),
            (3, 28, 28),
            "a spatial transformer: 4 mul and 3 add for each of 3 * 28 * 28",
            elementwise={"mul": 9408, "add": 7056},
        ),
        Example({"mode": "nearest"}, ((3, 8, 8), (2, 4, 5)), (3, 4, 5), "copied", elementwise={}),
    ]


class Regions(Op):
    """What looks into regions of a map: of [C, H, W] and boxes [4, R] they give [C, size, size, R]."""

    family = "pooling"
    inputs = 2
    axes = (2,)
    reads_all = True
    size: Dims = per_axis("height and width that each region gets")

    def shape(self, x: tuple[Shape, Shape]) -> Shape:
        image, boxes = x
        self.spatial(image, 2)
        if len(boxes.dims) != 2 or num.any_of(boxes.c != 4):
            raise Fault(
                f"{self.kind} takes a map and boxes of [4, regions], not {listed(x)}",
                "parameter: {shape: [4, 1000], store: none} stands for boxes that are found elsewhere",
            )
        return Shape(image.c, *self.size, boxes.w)


class RoiAlign(Regions, kind="roi_align"):
    """Regions of a map, each as a small map: an output is the mean of places between pixels (arXiv:1703.06870).

    With S * S places an output: 4 mul + 3 add for each, S * S - 1 additions and a division for their mean. Of [C, H, W]
    and boxes [4, R] it gives [C, size, size, R]. (As many places as fit a region, torchvision's default, depend on the
    image.)
    """

    ratio: Dim = integer("places an output on each axis, S", 2, symbol="S")

    def elementwise(self, x: tuple[Shape, Shape], y: Shape) -> dict[str, Dim]:
        places = self.ratio * self.ratio
        return {"mul": 4 * places * y.size, "add": (4 * places - 1) * y.size, "div": y.size}

    def saved(self, x: tuple[Shape, Shape], y: Shape) -> Saved:
        """Return the boxes, as torchvision's operator keeps them: five numbers a region, the image's first."""
        return Saved(elements=5 * x[1].w)

    def torch(self, torch: Any, x: tuple[Shape, Shape], y: Shape) -> Any:
        def align(t: Any, boxes: Any) -> Any:
            count, ratio = x[1].w, self.ratio
            each = [(torch.arange(n * ratio, device=t.device) + 0.5) / (n * ratio) for n in self.size]
            left, top, right, bottom = (boxes[:, k, :, None] for k in range(4))
            rows, columns = (
                low + (high - low) * at for low, high, at in ((top, bottom, each[0]), (left, right, each[1]))
            )
            places = torch.stack(
                torch.broadcast_tensors(rows[..., :, None], columns[..., None, :]), -1
            )  # [N, R, size * S, size * S, 2]
            grid = _unnormalized(torch, places.flatten(1, 2) - 0.5, x[0])
            read = torch.nn.functional.grid_sample(t, grid, padding_mode="border", align_corners=False)
            read = read.unflatten(2, (count, -1)).movedim(2, 1).flatten(0, 1)
            means = torch.nn.functional.avg_pool2d(read, ratio)
            return means.unflatten(0, (len(t), count)).movedim(1, -1)

        return align

    examples = [
        Example(
            {"size": 7},
            ((256, 50, 50), (4, 10)),
            (256, 7, 7, 10),
            "125,440 outputs, each the mean of 4 places: 16 mul, 12 + 3 add, a division",
            elementwise={"mul": 2007040, "add": 1881600, "div": 125440},
        ),
        Example(
            {"size": [2, 3], "ratio": 1},
            ((4, 8, 8), (4, 2)),
            (4, 2, 3, 2),
            "one place an output",
            elementwise={"mul": 192, "add": 144, "div": 48},
        ),
    ]


class RoiPool(Regions, kind="roi_pool"):
    """Regions of a map, each as a small map of the largest elements of its windows (arXiv:1504.08083).

    Its comparisons depend on the regions: counted is the most, as if each were the whole map, in windows of
    ceil(H / size) * ceil(W / size) pixels, one comparison less an output. It gives [C, size, size, R].
    """

    def elementwise(self, x: tuple[Shape, Shape], y: Shape) -> dict[str, Dim]:
        window = prod(ceil_div(n, k) for n, k in zip(x[0].space, self.size, strict=True))
        return {"compare": (window - 1) * y.size}

    def saved(self, x: tuple[Shape, Shape], y: Shape) -> Saved:
        """Return the boxes, five numbers each, and where each largest was: 4 bytes an output, as torchvision does."""
        return Saved(elements=5 * x[1].w, bytes=4 * y.size)

    def torch(self, torch: Any, x: tuple[Shape, Shape], y: Shape) -> Any:
        """Return its most: the whole map in as many windows, once for each region."""
        pool = torch.nn.AdaptiveMaxPool2d(self.size)
        return lambda t, boxes: (pool(t)[..., None] + 0 * boxes[:, 0, None, None, None]).reshape(len(t), *y.dims)

    examples = [
        Example(
            {"size": 6},
            ((256, 13, 13), (4, 5)),
            (256, 6, 6, 5),
            "46,080 outputs, at most windows of 3 * 3: 8 comparisons each",
            elementwise={"compare": 368640},
        )
    ]


class DeformConv(Windowed, kind="deform_conv"):
    """Convolution whose taps are moved by data: takes a map and its offsets, and with a mask (v2) a factor a tap.

    An output pixel has two offsets, down and right, for each of K_h * K_w taps of each of `offset_groups` groups of
    input channels: a tensor [2 * groups * K_h * K_w, H_o, W_o] (v1, arXiv:1703.06211); the mask has half as many
    channels (v2, arXiv:1811.11168). Multiply-accumulates and parameters are those of a convolution. Each value that is
    read takes 4 mul and 3 add more, and with a mask one mul. What finds offsets and mask is a convolution before it.
    """

    family = "convolution"
    inputs = None
    axes = (2,)
    reads_all = True
    out: Dim = integer("output channels, C_o", symbol="C_o")
    kernel: Dims = per_axis("kernel, K", symbol="K")
    stride: Dims = per_axis("stride, S", 1, symbol="S")
    padding: Any = padding("zeros around the input", words=("half", "valid"))
    dilation: Dims = per_axis("distance between the kernel's taps", 1)
    groups: Dim = integer("groups, G, that input and output channels are split into", 1, symbol="G")
    offset_groups: Dim = integer("groups of input channels that have offsets of their own", 1)
    bias: bool = flag("one number added per output channel; by default where no norm follows", None)
    norm: str = role("norm", "the normalization that follows")
    act: str = role("act", "the activation that follows")

    def settle(self) -> None:
        """Add a bias unless a norm follows, which has its own; a value given wins."""
        super().settle()
        if self.bias is None:
            self.bias = self.norm == "none"

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        if len(x) not in (2, 3):
            raise Fault(
                f"deform_conv takes a map and offsets, or these and a mask, not {len(x)} tensors",
                "write from: [x, offsets] beside it",
            )
        y = Shape(self.out, *self.slid(x[0]))
        taps = self.offset_groups * prod(self.kernel)
        for one, channels, what in zip(x[1:], (2 * taps, taps), ("offsets", "a mask"), strict=False):
            if len(one.dims) != 3 or any(
                num.any_of(m != n) for m, n in zip(one.dims, (channels, *y.space), strict=True)
            ):
                wanted = Shape(channels, *y.space)
                raise Fault(f"deform_conv over {x[0]} takes {what} of {wanted}, not {one}")
        return y

    def check(self, x: tuple[Shape, ...], y: Shape) -> None:
        for count, what, groups in (
            (x[0].c, "input", self.groups), (y.c, "output", self.groups), (x[0].c, "input", self.offset_groups),
        ):  # fmt: skip
            if num.any_of(count % groups != 0):
                raise Fault(f"{count} {what} channels can't be split into {groups} groups", field="groups")

    def read(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """Return how many values are read between pixels: one a tap, an input channel and an output pixel."""
        return x[0].c * prod(self.kernel) * y.pixels

    def weights(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return y.c * (x[0].c // self.groups) * prod(self.kernel)

    def biases(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return y.c if self.bias else 0

    def macs(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return y.pixels * self.weights(x, y)

    def bias_adds(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return y.size if self.bias else 0

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        read = self.read(x, y)
        return {"mul": (5 if len(x) > 2 else 4) * read, "add": 3 * read}

    def tensors(self, x: tuple[Shape, ...], y: Shape) -> Dims:
        return (y.c, x[0].c // self.groups, self.kernel, self.bias)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> None:
        """Return that all may be read: the offsets are data."""
        return

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Return what enters, as torchvision's operator keeps it."""
        return Saved(tuple(range(len(x))))

    def scratch(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """Return the bytes of the values that are read, 32 bits each, before their product with the kernel."""
        return 4 * self.read(x, y)

    def type(self, x: tuple[Shape, ...]) -> str:
        return f"{self.kind} {'x'.join(str(k) for k in self.kernel)}"

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        image, taps = x[0], prod(self.kernel)
        spread, pads = self.offset_groups, self.pads(image)
        padded = Shape(image.c, *(n + before + after for n, (before, after) in zip(image.space, pads, strict=True)))

        def convolve(m: Any, t: Any, offsets: Any, mask: Any = None) -> Any:
            functional = torch.nn.functional
            device, dtype = t.device, t.dtype
            base = [torch.arange(n, device=device, dtype=dtype) * s for n, s in zip(y.space, self.stride, strict=True)]
            tap = [
                torch.arange(k, device=device, dtype=dtype) * d for k, d in zip(self.kernel, self.dilation, strict=True)
            ]
            fixed = torch.stack(
                torch.broadcast_tensors(
                    tap[0][:, None, None, None] + base[0][:, None], tap[1][:, None, None] + base[1]
                ),
                -1,
            ).flatten(0, 1)  # [taps, H_o, W_o, 2]
            moved = offsets.reshape(len(t) * spread, taps, 2, *y.space).movedim(2, -1)
            places = (fixed + moved).flatten(1, 2)
            wide = functional.pad(t, edges(pads)).reshape(len(t) * spread, -1, *padded.space)
            read = functional.grid_sample(wide, _unnormalized(torch, places, padded), align_corners=False)
            read = read.reshape(len(t), spread, image.c // spread, taps, y.pixels)
            if mask is not None:
                read = read * mask.reshape(len(t), spread, 1, taps, y.pixels)
            columns = read.reshape(len(t), self.groups, -1, y.pixels)
            kernels = m.weight.reshape(self.groups, self.out // self.groups, -1).expand(len(t), -1, -1, -1)
            result = torch.matmul(kernels, columns).reshape(len(t), self.out, *y.space)
            return result if not self.bias else result + m.bias[:, None, None]

        parts = {"weight": torch.nn.Parameter(torch.zeros(self.out, image.c // self.groups, *self.kernel))}
        if self.bias:
            parts["bias"] = torch.nn.Parameter(torch.zeros(self.out))
        return twin(torch, convolve, **parts)

    examples = [
        Example(
            {"out": 8, "kernel": 3, "padding": 1},
            ((16, 8, 8), (18, 8, 8)),
            (8, 8, 8),
            "v1: two offsets for each of 9 taps; 16 * 9 * 64 = 9,216 values are read",
            weights=1152, biases=8, macs=73728, bias_adds=512, elementwise={"mul": 36864, "add": 27648},
        ),
        Example(
            {"out": 8, "kernel": 3, "stride": 2, "padding": 1, "groups": 2, "offset_groups": 2, "bias": False},
            ((16, 8, 8), (36, 4, 4), (18, 4, 4)),
            (8, 4, 4),
            "v2: two groups of offsets, and a factor a tap; 16 * 9 * 16 values are read",
            weights=576, macs=9216, elementwise={"mul": 11520, "add": 6912},
        ),
    ]  # fmt: skip
