"""Normalizations. Counts are those of inference, with nothing folded into a neighbour."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.operators import FOLDED, NEW, Dim, Dims, Example, Fault, Op, Saved, Shape, flag, integer, real, word
from costcalc.operators.families._twin import channels_last
from costcalc.operators.receptive import SAME, Reach, sliding


def _module(torch: Any, name: str, x: Shape, **options: Any) -> Any:
    """Return PyTorch's norm for so many axes of space; it has none for more than three, which are one meanwhile."""
    axes = len(x.space)
    if axes <= 3:
        return getattr(torch.nn, f"{name}{max(axes, 1)}d")(x.c, **options)
    norm = getattr(torch.nn, f"{name}1d")(x.c, **options)
    norm.register_forward_pre_hook(lambda _, given: (given[0].flatten(2),))
    norm.register_forward_hook(lambda _, __, result: result.unflatten(2, x.space))
    return norm


class Affine(Op):
    """What norms share that learn gamma and beta, both, one alone, or none."""

    family = "norm"
    affine: bool = flag("learn gamma and beta, one each a channel", True)
    scale: bool = flag("learn gamma too, not beta alone", True)
    bias: bool = flag("learn beta too, not gamma alone", True)

    def settle(self) -> None:
        if self.affine and not self.scale and not self.bias:
            raise Fault(f"{self.kind} learns neither gamma nor beta", "affine: false says so", field="scale")

    @property
    def trains(self) -> tuple[bool, bool]:
        """Whether gamma is learned, and beta."""
        return self.affine and self.scale, self.affine and self.bias

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (x.c, sum(self.trains)) if self.affine else ()

    def unlearned(self, norm: Any) -> Any:
        """Return PyTorch's norm without what is not learned."""
        for name, learned in zip(("weight", "bias"), self.trains, strict=True):
            if not learned:
                norm.register_parameter(name, None)
        return norm


class BatchNorm(Affine, kind="batch_norm"):
    """Batch normalization, with statistics that are constants once trained.

    At inference it is one multiplication and one addition an element (the scale and the shift that
    mean, variance, gamma and beta fold to). Buffers: mean and variance a channel, and the counter
    of batches that PyTorch keeps; Keras keeps none.
    """

    stores = FOLDED
    norm_word = "batch"
    eps: float = real("added to the variance, so that none is divided by zero", 1e-5)
    counter: bool = flag("keep a counter of batches, as PyTorch does", True)

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return sum(self.trains) * x.c

    def buffers(self, x: Shape, y: Shape) -> Dim:
        return 2 * x.c + (1 if self.counter else 0)

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (*super().tensors(x, y), self.counter) if self.affine else ()

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"mul": x.size, "add": x.size}

    def scratch(self, x: Shape, y: Shape) -> Dim:
        """Return the bytes of a mean and an inverse deviation a channel, which PyTorch's kernel gives too."""
        return 8 * x.c

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input, and a mean and an inverse deviation a channel, 32 bits each."""
        return Saved((0,), fixed=8 * x.c)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        norm = self.unlearned(_module(torch, "BatchNorm", x, eps=self.eps))
        if not self.counter:
            norm.register_buffer("num_batches_tracked", None)
        return norm

    examples = [
        Example(
            {},
            (32, 112, 112),
            (32, 112, 112),
            "gamma and beta: 2 * 32; mean, variance and the counter: 2 * 32 + 1",
            norm_params=64, buffers=65, elementwise={"mul": 401408, "add": 401408},
        ),
        Example({}, (512,), (512,), "after a fully connected layer", norm_params=1024, buffers=1025),
        Example({"affine": False}, (8, 10), (8, 10), "one spatial axis: 2 * 8 + 1 stored", buffers=17),
        Example({}, (8, 2, 3, 4), (8, 2, 3, 4), "three: as many numbers", norm_params=16, buffers=17),
        Example(
            {"scale": False, "counter": False},
            (32, 149, 149),
            (32, 149, 149),
            "Keras' Inception-v3: beta alone, 32; mean and variance, 2 * 32, and no counter",
            norm_params=32, buffers=64,
        ),
    ]  # fmt: skip


def _normalized(x: Shape, sets: Dim, *, scale: bool, shift: bool) -> dict[str, Dim]:
    """Return the operations of a norm that computes its statistics at inference, over so many sets.

    Of each element: added to the sum, the mean taken off, squared, added to the sum of squares,
    multiplied by 1 / deviation: add 3, mul 2. Of each set: two means and the inverse (div 3), a
    root. Gamma is one mul more, beta one add.
    """
    return {"mul": (2 + scale) * x.size, "add": (3 + shift) * x.size, "div": 3 * sets, "sqrt": sets}


class LayerNorm(Affine, kind="layer_norm"):
    """Layer normalization: over the channels of each pixel, or over the whole tensor.

    Statistics are computed at inference too: three additions and two multiplications an element,
    three divisions and a root a set, and one of each for gamma and beta.
    """

    norm_word = "layer"
    over: str = word("what is normalized together: the channels of a pixel, or all", "channels", ("channels", "all"))
    affine: bool = flag("learn gamma and beta, one each a normalized element", True)
    eps: float = real("added to the variance, so that none is divided by zero", 1e-5)

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return sum(self.trains) * (x.c if self.over == "channels" else x.size)

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        scale, shift = self.trains
        return _normalized(x, x.pixels if self.over == "channels" else 1, scale=scale, shift=shift)

    def tensors(self, x: Shape, y: Shape) -> Dims:
        if not self.affine:
            return ()
        return ((x.c,) if self.over == "channels" else x.dims) + (sum(self.trains),)

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved((0,), bytes=8 * (x.pixels if self.over == "channels" else 1))

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        shape = x.c if self.over == "channels" else x.dims
        norm = self.unlearned(torch.nn.LayerNorm(shape, self.eps))
        return norm if self.over == "all" else channels_last(norm)

    examples = [
        Example(
            {},
            (96, 56, 56),
            (96, 56, 56),
            "ConvNeXt: gamma and beta a channel, 2 * 96; a root at each of 56 * 56 pixels",
            norm_params=192, elementwise={"mul": 903168, "add": 1204224, "div": 9408, "sqrt": 3136},
        ),
        Example({}, (64,), (64,), "2 * 64", norm_params=128),
        Example(
            {"over": "all"},
            (4, 6, 6),
            (4, 6, 6),
            "gamma and beta an element: 2 * 4 * 6 * 6; one set",
            norm_params=288, elementwise={"mul": 432, "add": 576, "div": 3, "sqrt": 1},
        ),
        Example(
            {"affine": False},
            (4, 10),
            (4, 10),
            "one spatial axis, nothing learned: 2 * 40 and 3 * 40",
            elementwise={"mul": 80, "add": 120, "div": 30, "sqrt": 10},
        ),
        Example(
            {"bias": False},
            (4, 10),
            (4, 10),
            "gamma alone: one multiplication more an element",
            norm_params=4, elementwise={"mul": 120, "add": 120, "div": 30, "sqrt": 10},
        ),
        Example(
            {"scale": False},
            (4, 10),
            (4, 10),
            "beta alone: one addition more an element",
            norm_params=4, elementwise={"mul": 80, "add": 160, "div": 30, "sqrt": 10},
        ),
    ]  # fmt: skip


class RmsNorm(Op, kind="rms_norm"):
    """Root mean square normalization over the channels of each pixel: no mean is taken off, and there is no beta.

    Two multiplications (one more for gamma) and an addition an element; two divisions and a root a pixel.
    """

    family = "norm"
    norm_word = "rms"
    affine: bool = flag("learn gamma, one a channel", True)
    eps: float = real("added to the mean square, so that none is divided by zero", 1e-6)

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return x.c if self.affine else 0

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        extra = 1 if self.affine else 0
        return {"mul": (2 + extra) * x.size, "add": x.size, "div": 2 * x.pixels, "sqrt": x.pixels}

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved((0,), elements=x.size if self.affine else 0, bytes=4 * x.pixels)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return channels_last(torch.nn.RMSNorm(x.c, self.eps, self.affine))

    examples = [
        Example(
            {},
            (64, 7, 7),
            (64, 7, 7),
            "64 * 49 = 3,136 elements, a root at each of 49 pixels",
            norm_params=64, elementwise={"mul": 9408, "add": 3136, "div": 98, "sqrt": 49},
        ),
        Example(
            {"affine": False},
            (10,),
            (10,),
            "nothing learned",
            elementwise={"mul": 20, "add": 10, "div": 2, "sqrt": 1},
        ),
    ]  # fmt: skip


class GroupNorm(Affine, kind="group_norm"):
    """Group normalization: over the pixels and channels of each group of channels.

    Statistics are computed at inference too: three additions and two multiplications an element,
    three divisions and a root a group, and one of each for gamma and beta.
    """

    norm_word = "group"
    groups: int = integer("groups, G, that the channels are split into", 32, symbol="G")
    eps: float = real("added to the variance, so that none is divided by zero", 1e-5)

    def check(self, x: Shape, y: Shape) -> None:
        if num.any_of(x.c % self.groups != 0):
            raise Fault(
                f"{x.c} channels can't be split into {self.groups} groups",
                "the channels must be a multiple of groups (32 by default)",
                field="groups",
            )
        if num.any_of(x.size == self.groups):
            raise Fault(
                f"group_norm over one number a group, {x} in {self.groups} groups, gives zeros, and PyTorch refuses it",
                "leave it out, or take fewer groups",
                field="groups",
            )

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return sum(self.trains) * x.c

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        scale, shift = self.trains
        return _normalized(x, self.groups, scale=scale, shift=shift)

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved((0,), bytes=8 * self.groups)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return self.unlearned(torch.nn.GroupNorm(self.groups, x.c, self.eps))

    examples = [
        Example(
            {},
            (64, 14, 14),
            (64, 14, 14),
            "gamma and beta: 2 * 64; 32 groups",
            norm_params=128, elementwise={"mul": 37632, "add": 50176, "div": 96, "sqrt": 32},
        ),
        Example({"groups": 2, "affine": False}, (6, 5), (6, 5), "one spatial axis, nothing learned"),
        Example({"groups": 2}, (6, 2, 3, 4), (6, 2, 3, 4), "three spatial axes: 2 * 6 learned", norm_params=12),
        Example({"groups": 2, "scale": False}, (6, 5), (6, 5), "beta alone", norm_params=6),
    ]  # fmt: skip


class InstanceNorm(Op, kind="instance_norm"):
    """Instance normalization: over the pixels of each channel.

    Nothing is learned or stored by default, as in PyTorch; statistics are then computed at
    inference: three additions and two multiplications an element, three divisions and a root a
    channel. With `track_running_stats` they are constants, as those of batch normalization.
    """

    family = "norm"
    norm_word = "instance"
    affine: bool = flag("learn gamma and beta, one each a channel", False)
    track_running_stats: bool = flag("keep running means and variances for inference", False)
    eps: float = real("added to the variance, so that none is divided by zero", 1e-5)

    def shape(self, x: Shape) -> Shape:
        if not x.space:
            raise Fault(f"instance_norm normalizes over space, but the input has none: {x}", "layer_norm needs none")
        return x

    def check(self, x: Shape, y: Shape) -> None:
        if not self.track_running_stats and num.any_of(x.pixels == 1):
            raise Fault(
                f"instance_norm over one pixel, {x}, gives zeros, and PyTorch refuses it",
                "leave it out, or give it more pixels",
            )

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return 2 * x.c if self.affine else 0

    def buffers(self, x: Shape, y: Shape) -> Dim:
        return 2 * x.c + 1 if self.track_running_stats else 0

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        if self.track_running_stats:
            return {"mul": x.size, "add": x.size}
        return _normalized(x, x.c, scale=self.affine, shift=self.affine)

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (x.c, self.track_running_stats) if self.affine else ()

    def storage(self, x: Shape, y: Shape) -> str:
        return FOLDED if self.track_running_stats else NEW

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input, and what PyTorch has of each image's channels: statistics, copies of gamma and of both."""
        numbers = 2 + (1 if self.affine else 0) + (2 if self.track_running_stats else 0)
        return Saved((0,), bytes=4 * numbers * x.c)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        options = {"affine": self.affine, "track_running_stats": self.track_running_stats}
        return _module(torch, "InstanceNorm", x, eps=self.eps, **options)

    examples = [
        Example(
            {},
            (16, 8, 8),
            (16, 8, 8),
            "nothing learned: 2 * 1024 mul and 3 * 1024 add, a root a channel",
            elementwise={"mul": 2048, "add": 3072, "div": 48, "sqrt": 16},
        ),
        Example(
            {"affine": True, "track_running_stats": True},
            (16, 9),
            (16, 9),
            "one spatial axis: 2 * 16 learned, 2 * 16 + 1 stored",
            norm_params=32, buffers=33, elementwise={"mul": 144, "add": 144},
        ),
        Example(
            {},
            (4, 2, 3, 5),
            (4, 2, 3, 5),
            "three spatial axes: 2 * 120 mul and 3 * 120 add, a root a channel",
            elementwise={"mul": 240, "add": 360, "div": 12, "sqrt": 4},
        ),
    ]  # fmt: skip


OVER = ("channels", "space")


class LocalResponseNorm(Op, kind="lrn"):
    """Local response normalization of AlexNet: each element by its `size` neighbours in channel direction.

    x / (k + alpha * sum of squares)^0.75. An element takes its square, `size` - 1 additions, the
    scale and the constant k, and the power as root times root of root: 3 mul, `size` add, 2 sqrt, 1 div.
    Over space (Caffe's WITHIN_CHANNEL) the neighbours are a window of `size` on each axis of its own channel.
    """

    family = "norm"
    size: int = integer("neighbours on an axis, its own included", 5)
    over: str = word("along what they are neighbours: channels, or the space of one channel", "channels", OVER)

    def shape(self, x: Shape) -> Shape:
        if self.over == "space":
            self.spatial(x, 1, 2, 3)
            if num.any_of(self.size % 2 == 0):
                hint = "it lies around a pixel"
                raise Fault(f"lrn over space needs an odd size, not {self.size}", hint, field="size")
        return x

    def window(self, x: Shape) -> Dim:
        """Return how many neighbours an element has."""
        return self.size if self.over == "channels" else num.prod(self.size for _ in x.space)

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {"mul": 3 * x.size, "add": self.window(x) * x.size, "sqrt": 2 * x.size, "div": x.size}

    def reach(self, x: Shape, y: Shape, number: int = 0) -> tuple[Reach, ...] | None:
        moving = sliding(self.size, 1, self.size // 2)
        return tuple(SAME if self.over == "channels" else moving for _ in x.space)

    def pads_first(self, x: Shape) -> bool:
        """Say whether PyTorch is handed padded squares: its pool of three axes takes no window larger than that."""
        return len(x.space) == 3 and any(num.truth(n < self.size) for n in x.space)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input, its squares (padded, over channels), and the divisor before and after its power."""
        squares = (x.c + self.size - 1) * x.pixels
        if self.over == "space":
            squares = x.c * num.prod(n + self.size - 1 for n in x.space) if self.pads_first(x) else x.size
        return Saved((0,), elements=2 * x.size + squares)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        if self.over == "space":
            functional = torch.nn.functional
            mean = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[len(x.space) - 1]
            half = self.size // 2
            if self.pads_first(x):
                return lambda t: t / (1 + 1e-4 * mean(functional.pad(t * t, (half,) * 6), self.size, 1)) ** 0.75
            return lambda t: t / (1 + 1e-4 * mean(t * t, self.size, 1, half)) ** 0.75
        norm = torch.nn.LocalResponseNorm(self.size)
        if not x.space:
            return lambda t: norm(t[..., None])[..., 0]  # PyTorch wants at least one spatial axis
        if len(x.space) > 2:  # and of more than two such a tensor as it can view with fewer
            norm.register_forward_pre_hook(lambda _, given: (given[0].contiguous(),))
        return norm

    examples = [
        Example(
            {},
            (96, 27, 27),
            (96, 27, 27),
            "AlexNet: 96 * 27 * 27 = 69,984 elements, five neighbours",
            elementwise={"mul": 209952, "add": 349920, "sqrt": 139968, "div": 69984},
        ),
        Example(
            {"size": 3, "over": "space"},
            (8, 5, 5),
            (8, 5, 5),
            "cuda-convnet on CIFAR: 200 elements, 3 * 3 neighbours",
            elementwise={"mul": 600, "add": 1800, "sqrt": 400, "div": 200},
        ),
        Example(
            {"over": "space"},
            (2, 2, 2, 2),
            (2, 2, 2, 2),
            "a window larger than the image: 16 elements, 5 * 5 * 5 neighbours",
            elementwise={"mul": 48, "add": 2000, "sqrt": 32, "div": 16},
        ),
        Example(
            {"size": 3},
            (4, 2, 3, 5),
            (4, 2, 3, 5),
            "three spatial axes: 120 elements",
            elementwise={"mul": 360, "add": 360, "sqrt": 240, "div": 120},
        ),
    ]  # fmt: skip
