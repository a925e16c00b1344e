"""Convolutions: plain, grouped, depthwise, transposed."""

from __future__ import annotations

from typing import Any

from costcalc.base import Datum
from costcalc.numbers import num
from costcalc.numbers.shape import drawn
from costcalc.operators import Dim, Dims, Example, Fault, Saved, Shape, flag, integer, padding, per_axis, prod, role
from costcalc.operators.families._twin import edges
from costcalc.operators.receptive import Interval, Reach
from costcalc.operators.window import Pads, Windowed


def _grouping(groups: Dim, channels: Dim) -> str:
    """Return how the multiply-accumulates of so many groups lie."""
    if num.truth(groups == 1):
        return "dense"
    return "depthwise" if num.truth(groups == channels) else "grouped"


def _divides(groups: Dim, channels: Dim, what: str) -> None:
    if num.any_of(channels % groups != 0):
        raise Fault(
            f"{channels} {what} channels can't be split into {groups} groups",
            f"both the input's and the output's channels must be multiples of groups: {groups}",
            field="groups",
        )


class Convolution(Windowed):
    """What all convolutions share: window, bias, what follows them, and their layer type."""

    family = "convolution"
    kernel: Dims = per_axis("kernel, K", symbol="K")
    stride: Dims = per_axis("stride, S", 1, symbol="S")
    padding: Datum = padding("zeros around the input")
    dilation: Dims = per_axis("distance between the kernel's taps", 1, symbol="D")
    bias: bool = flag("one number added per output channel; by default where no norm follows", None)
    norm: str = role("norm", "the normalization that follows")
    act: str = role("act", "the activation that follows")
    groups: Dim = 1

    def settle(self) -> None:
        """Add a bias unless a norm follows, which has its own; a value given wins."""
        super().settle()
        if self.bias is None:
            self.bias = self.norm == "none"

    def biases(self, x: Shape, y: Shape) -> Dim:
        return y.c if self.bias else 0

    def bias_adds(self, x: Shape, y: Shape) -> Dim:
        return y.size if self.bias else 0

    def macs(self, x: Shape, y: Shape) -> Dim:
        return y.pixels * self.weights(x, y)

    def grouping(self, x: Shape) -> str:
        return _grouping(self.groups, x.c)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input; of uneven padding the padded copy of it that PyTorch makes."""
        even = all(num.truth(before == after) for before, after in self.pads(x))
        return Saved((0,)) if even else Saved(elements=self.padded_input(x))

    def type(self, x: Shape) -> str:
        """Name the layer as the MobileNet paper's table 2 does: `conv dw 3x3`."""
        size = "x".join(str(k) for k in self.kernel)
        if num.every(self.groups == 1):
            return f"conv {size}"
        return f"conv dw {size}" if num.every(self.groups == x.c) else f"conv group {size}"

    def filter_shape(self, x: Shape, y: Shape) -> str:
        """Draw it as the MobileNet paper's table 1 does: `3 x 3 x 3 x 32`, of a depthwise one `3 x 3 x 32 dw`."""
        depthwise = self.grouping(x) == "depthwise"
        taken = x.c if depthwise else x.c // self.groups
        made = [] if depthwise and y.c == x.c else [y.c]
        split = " dw" if depthwise else f", {self.groups} groups" if self.groups > 1 else ""
        return f"{drawn((*self.kernel, taken, *made))}{split}"


class Conv(Convolution, kind="conv"):
    """Convolution over one, two or three spatial axes, optionally grouped or dilated.

    Each of the C_o outputs of a pixel takes C_i / G * K_h * K_w multiply-accumulates (the lecture's
    "number of parameters & operations"). groups = C_i is a depthwise convolution.
    """

    out: int = integer("output channels, C_o", symbol="C_o")
    groups: int = integer("groups, G, that input and output channels are split into", 1, symbol="G")

    def shape(self, x: Shape) -> Shape:
        return Shape(self.out, *self.slid(x))

    def check(self, x: Shape, y: Shape) -> None:
        _divides(self.groups, x.c, "input")
        _divides(self.groups, self.out, "output")

    def weights(self, x: Shape, y: Shape) -> Dim:
        return self.out * (x.c // self.groups) * prod(self.kernel)

    def sliding(self, x: Shape) -> Dims | None:
        plain = self.grouping(x) == "dense" and all(num.truth(n == 1) for n in (*self.stride, *self.dilation))
        return self.kernel if plain else None

    def real_macs(self, x: Shape, y: Shape) -> Dim:
        return self.out * (x.c // self.groups) * self.real_taps(x, y.space)

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (self.out, x.c // self.groups, self.kernel, self.bias)

    def plane(self, x: Shape, y: Shape) -> Dim | None:
        """Return a plane of the output, of a convolution that is depthwise."""
        return y.pixels if num.truth(self.groups == x.c) and num.truth(y.c == x.c) else None

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        make = getattr(torch.nn, f"Conv{len(x.space)}d")
        conv = make(x.c, self.out, self.kernel, self.stride, 0, self.dilation, groups=self.groups, bias=self.bias)
        return _padded(torch, conv, self.pads(x), self.padding)

    examples = [
        Example(
            {"out": 32, "kernel": 3, "stride": 2, "padding": "half"},
            (3, 224, 224),
            (32, 112, 112),
            "the first layer of MobileNetV1: 32 * 3 * 3 * 3 = 864 weights at 112 * 112 pixels",
            weights=864, biases=32, macs=10838016, bias_adds=401408,
        ),
        Example(
            {"out": 256, "kernel": 5, "padding": 2, "groups": 2},
            (96, 27, 27),
            (256, 27, 27),
            "conv2 of AlexNet on its two towers: 256 * 48 * 25 weights",
            weights=307200, biases=256, macs=223948800, bias_adds=186624,
        ),
        Example(
            {"out": 192, "kernel": [1, 7], "padding": [0, 3], "bias": False},
            (128, 17, 17),
            (192, 17, 17),
            "a factorized kernel of Inception-v3: 192 * 128 * 7 weights",
            weights=172032, macs=49717248,
        ),
        Example(
            {"out": 16, "kernel": 3, "padding": [2, 1, 0, 3], "dilation": 2, "bias": False},
            (8, 16, 16),
            (16, 15, 15),
            "dilation 2 makes 3x3 span 5x5: 16 + 3 - 5 + 1 = 15 on both axes",
            weights=1152, macs=259200,
        ),
        Example(
            {"out": 8, "kernel": 3, "stride": 2, "padding": "same", "bias": False},
            (3, 15, 16),
            (8, 8, 8),
            "TensorFlow's SAME: ceil(15 / 2) = ceil(16 / 2) = 8",
            weights=216, macs=13824,
        ),
        Example(
            {"out": 64, "kernel": 5, "padding": 2, "groups": 4},
            (32, 100),
            (64, 100),
            "one spatial axis: 64 * 8 * 5 weights at 100 positions",
            weights=2560, biases=64, macs=256000, bias_adds=6400,
        ),
        Example(
            {"out": 64, "kernel": [3, 7, 7], "stride": [1, 2, 2], "padding": "half", "bias": False},
            (3, 16, 112, 112),
            (64, 16, 56, 56),
            "the first layer of a 3-D ResNet: 64 * 3 * 147 weights at 16 * 56 * 56 places",
            weights=28224, macs=1416167424,
        ),
    ]  # fmt: skip


class DepthwiseConv(Convolution, kind="dwconv"):
    """Depthwise convolution: each channel is convolved on its own, `multiplier` times."""

    multiplier: int = integer("output channels per input channel", 1, symbol="M")

    def shape(self, x: Shape) -> Shape:
        return Shape(x.c * self.multiplier, *self.slid(x))

    def weights(self, x: Shape, y: Shape) -> Dim:
        return x.c * self.multiplier * prod(self.kernel)

    def grouping(self, x: Shape) -> str:
        return "depthwise"

    def real_macs(self, x: Shape, y: Shape) -> Dim:
        return y.c * self.real_taps(x, y.space)

    def type(self, x: Shape) -> str:
        return f"conv dw {'x'.join(str(k) for k in self.kernel)}"

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (y.c, self.kernel, self.bias)

    def plane(self, x: Shape, y: Shape) -> Dim | None:
        return y.pixels if num.truth(self.multiplier == 1) else None

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        make = getattr(torch.nn, f"Conv{len(x.space)}d")
        conv = make(x.c, y.c, self.kernel, self.stride, 0, self.dilation, groups=x.c, bias=self.bias)
        return _padded(torch, conv, self.pads(x), self.padding)

    examples = [
        Example(
            {"kernel": 3, "stride": 2, "padding": "half", "bias": False},
            (64, 112, 112),
            (64, 56, 56),
            "MobileNetV1: 64 * 9 weights at 56 * 56 pixels",
            weights=576, macs=1806336,
        ),
        Example(
            {"kernel": 7, "multiplier": 8, "stride": 2, "padding": 3, "bias": False},
            (3, 224, 224),
            (24, 112, 112),
            "the separable first layer of the original GoogLeNet: 3 * 8 * 49 weights",
            weights=1176, macs=14751744,
        ),
        Example(
            {"kernel": 3, "padding": 1},
            (16, 50),
            (16, 50),
            "one spatial axis: 16 * 3 weights at 50 positions",
            weights=48, biases=16, macs=2400, bias_adds=800,
        ),
        Example(
            {"kernel": [3, 5, 5], "padding": "half", "bias": False},
            (16, 8, 14, 14),
            (16, 8, 14, 14),
            "three spatial axes: 16 * 75 weights at 8 * 14 * 14 places",
            weights=1200, macs=1881600,
        ),
    ]  # fmt: skip


class ConvTranspose(Convolution, kind="conv_transpose"):
    """Transposed convolution: every input pixel is spread over K_h * K_w outputs.

    Its MACs are counted on the input's pixels, where its multiplications happen; several tools
    count them on the output's and come out a factor S * S too high.
    """

    family = "transposed"
    out: int = integer("output channels, C_o", symbol="C_o")
    stride: Dims = per_axis("stride, S: the output is about S times larger", 1, symbol="S")
    padding: Datum = padding("pixels cut from the output's border", words=("half", "valid"))
    output_padding: Dims = per_axis("pixels added at the output's end", 0, symbol="O", least=0)
    groups: int = integer("groups, G, that input and output channels are split into", 1, symbol="G")

    def shape(self, x: Shape) -> Shape:
        self.spatial(x)
        axes = zip(x.space, self.windows(), self.stride, self.padding, self.output_padding, strict=True)
        out = [(n - 1) * s + w - before - after + extra for n, w, s, (before, after), extra in axes]
        if any(num.any_of(n < 1) for n in out):
            raise Fault("the padding cuts the whole output away", field="padding")
        return Shape(self.out, *out)

    def check(self, x: Shape, y: Shape) -> None:
        _divides(self.groups, x.c, "input")
        _divides(self.groups, self.out, "output")
        for extra, s, d in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if num.any_of(extra >= num.maximum(s, d)):
                raise Fault(
                    f"output_padding {extra} must be smaller than the stride {s} or the dilation {d}",
                    field="output_padding",
                )

    def weights(self, x: Shape, y: Shape) -> Dim:
        return x.c * (self.out // self.groups) * prod(self.kernel)

    def macs(self, x: Shape, y: Shape) -> Dim:
        return x.pixels * self.weights(x, y)

    def real_macs(self, x: Shape, y: Shape) -> Dim:
        """Return the products that land in the output, none on its border that the padding cuts off."""
        return x.c * (self.out // self.groups) * self.real_taps(y, x.space)

    def type(self, x: Shape) -> str:
        return super().type(x).replace("conv", "conv transpose", 1)

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (x.c, self.out, self.groups, self.kernel, self.bias)

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        """Return, of each phase of the stride, the inputs from which a tap of the kernel leads to it."""
        axes = zip(self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple(_spread(k, s, before, d) for k, s, (before, _), d in axes)

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved((0,))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        make = getattr(torch.nn, f"ConvTranspose{len(x.space)}d")
        even = all(before == after for before, after in self.padding)
        pad = tuple(before for before, _ in self.padding) if even else 0
        conv = make(
            x.c,
            self.out,
            self.kernel,
            self.stride,
            pad,
            self.output_padding,
            self.groups,
            self.bias,
            self.dilation,
        )
        if even:
            return conv
        cuts = edges(self.padding, -1)
        conv.register_forward_hook(lambda _, __, result: torch.nn.functional.pad(result, cuts))
        return conv

    examples = [
        Example(
            {"out": 512, "kernel": 2, "stride": 2},
            (1024, 28, 28),
            (512, 56, 56),
            "the first up-convolution of U-Net: 1024 * 512 * 4 weights at 28 * 28 input pixels",
            weights=2097152, biases=512, macs=1644167168, bias_adds=1605632,
        ),
        Example(
            {"out": 8, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 4, "bias": False},
            (16, 8, 8),
            (8, 16, 16),
            "(8 - 1) * 2 + 3 - 2 + 1 = 16; 16 * 2 * 9 weights at 8 * 8 input pixels",
            weights=288, macs=18432,
        ),
        Example(
            {"out": 8, "kernel": 3, "stride": [1, 2, 2], "padding": 1, "output_padding": [0, 1, 1], "bias": False},
            (16, 4, 7, 7),
            (8, 4, 14, 14),
            "three spatial axes: 16 * 8 * 27 weights at 4 * 7 * 7 places of the input",
            weights=3456, macs=677376,
        ),
    ]  # fmt: skip


class DynamicConv(Windowed, kind="dynamic_conv"):
    """Convolution whose weights are computed from the data: the second tensor is the kernel, [C_o, C_i / G, K_h, K_w].

    It has the multiply-accumulates of a convolution, and no parameters of its own.
    """

    family = "convolution"
    inputs = 2
    kernel: Dims = per_axis("kernel, K, as the second tensor has it", symbol="K")
    stride: Dims = per_axis("stride, S", 1, symbol="S")
    padding: Datum = padding("zeros around the input")
    dilation: Dims = per_axis("distance between the kernel's taps", 1, symbol="D")
    groups: int = integer("groups, G, that input and output channels are split into", 1, symbol="G")

    def shape(self, x: tuple[Shape, Shape]) -> Shape:
        return Shape(x[1].c, *self.slid(x[0]))

    def check(self, x: tuple[Shape, Shape], y: Shape) -> None:
        _divides(self.groups, x[0].c, "input")
        _divides(self.groups, y.c, "output")
        wanted = Shape(y.c, x[0].c // self.groups, *self.kernel)
        if len(wanted.dims) != len(x[1].dims) or any(
            num.any_of(m != n) for m, n in zip(wanted.dims, x[1].dims, strict=True)
        ):
            raise Fault(f"dynamic_conv over {x[0]} takes weights of {wanted}, not {x[1]}")

    def macs(self, x: tuple[Shape, Shape], y: Shape) -> Dim:
        return y.pixels * x[1].size

    def grouping(self, x: tuple[Shape, Shape]) -> str:
        return _grouping(self.groups, x[0].c)

    def real_macs(self, x: tuple[Shape, Shape], y: Shape) -> Dim:
        return y.c * (x[0].c // self.groups) * self.real_taps(x[0], y.space)

    def saved(self, x: tuple[Shape, Shape], y: Shape) -> Saved:
        """Return the kernels, and the copy of the image that PyTorch pads."""
        return Saved((1,), elements=self.padded_input(x[0]))

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        return super().reach(x, y) if number == 0 else None

    def torch(self, torch: Any, x: tuple[Shape, Shape], y: Shape) -> Any:
        conv = getattr(torch.nn.functional, f"conv{len(x[0].space)}d")
        pads = edges(self.pads(x[0]))

        def run(t: Any, weights: Any) -> Any:
            # Each image has its own kernels: the batch becomes groups.
            wide = torch.nn.functional.pad(t, pads).flatten(0, 1)[None]
            groups = self.groups * len(t)
            return conv(wide, weights.flatten(0, 1), None, self.stride, 0, self.dilation, groups).reshape(-1, *y.dims)

        return run

    examples = [
        Example(
            {"kernel": 3, "padding": 1, "groups": 4},
            ((16, 14, 14), (32, 4, 3, 3)),
            (32, 14, 14),
            "CondConv's last step: 32 * 4 * 9 weights, used at 14 * 14 pixels",
            macs=225792,
        ),
        Example({"kernel": 2}, ((3, 9), (5, 3, 2)), (5, 8), "one spatial axis: 5 * 3 * 2 * 8", macs=240),
        Example(
            {"kernel": [2, 1, 3], "padding": [0, 0, 1]},
            ((4, 3, 5, 6), (2, 4, 2, 1, 3)),
            (2, 2, 5, 6),
            "three spatial axes: 2 * 4 * 6 weights at 2 * 5 * 6 places",
            macs=2880,
        ),
    ]


def _spread(kernel: int, stride: int, before: int, dilation: int) -> Reach:
    """Return the reach of a transposed convolution along one axis: input i leads to i * stride + tap - before."""
    windows: list[Interval | None] = []
    for place in range(stride):
        taps = [place + before - dilation * tap for tap in range(kernel)]
        found = [tap // stride for tap in taps if tap % stride == 0]
        windows.append((min(found), max(found)) if found else None)
    return Reach(1, windows)


def _padded(torch: Any, conv: Any, pads: Pads, word: Any) -> Any:
    """Return the convolution with its padding: its own where PyTorch can say it, else a pad on its way in."""
    if all(before == after for before, after in pads):
        # PyTorch's `same` is TensorFlow's, without strides (and with a warning where the sides differ).
        conv.padding = "same" if word == "same" and set(conv.stride) == {1} else tuple(before for before, _ in pads)
        from costcalc.base.torch_compat import set_border

        set_border(conv, edges(pads))
        return conv
    conv.register_forward_pre_hook(lambda _, given: (torch.nn.functional.pad(given[0], edges(pads)),))
    return conv
