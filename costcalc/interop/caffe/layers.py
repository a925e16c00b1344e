"""Caffe's layers, each as steps of a spec. What a layer computes follows BVLC/caffe's `src/caffe/layers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from costcalc.base import Datum
from costcalc.base.errors import Mark, nearest
from costcalc.interop import words
from costcalc.interop.caffe.file import LOSSES, CaffeLayer
from costcalc.interop.guard import guarded
from costcalc.interop.options import Declared, Options, wrong
from costcalc.interop.words import CAFFE
from costcalc.language.document import INPUT
from costcalc.language.flat import alike, legal_name, pool_over, window_fields

# Fields of any layer, and of parameter groups, that change nothing in the network's cost.
ANY = frozenset("blobs loss_weight propagate_down phase blobs_lr weight_decay blob_share_mode loss_param".split())
MINOR = frozenset(
    "weight_filler bias_filler filler engine force_nd_im2col transpose moving_average_fraction use_global_stats "
    "alpha beta k stable_prod_grad scale_train".split()
)


class CaffeNetwork:
    """Runs layers into steps. `blobs` holds each blob's value, as the layers so far have left it."""

    def __init__(self, flat: Declared, inputs: Mapping[str, list[int]], mark: Mark, *, opaque: bool) -> None:
        """Begin with the inputs: the first is the image, the others are tensors beside it."""
        self.flat = flat
        self.flat.mark = mark
        self.opaque = opaque
        self.names: Counter[str] = Counter()
        image, *others = inputs
        self.blobs = {image: INPUT}
        for blob in others:
            self.blobs[blob] = flat.one("parameter", [], blob, shape=inputs[blob], store="none")

    def build(self, layers: Iterable[CaffeLayer]) -> Declared:
        """Run the layers, but those that compute losses; what no layer takes is an output, as in Caffe."""
        for layer in layers:
            if layer.type not in LOSSES:
                hidden = self.opaque and layer.type in _KEEPING and layer.bottoms
                hide = partial(self.hide, layer, len(self.flat.steps)) if hidden else None
                guarded(layer.options.what, partial(self.run, layer), hide, layer.mark, hint="")
        self.flat.outputs = self.flat.ends()
        self.flat.alone()
        return self.flat

    def run(self, layer: CaffeLayer) -> None:
        """Run one layer: look its blobs up, add its steps, and name what it gives."""
        if layer.type not in _LAYERS:
            said = f"layer '{layer.name[:60]}' has type '{layer.type[:40]}', which costcalc can't express"
            shapeless = "the file does not say what shape it gives, so that it can't be opaque either"
            raise wrong(said, layer.mark, nearest(layer.type, _LAYERS) or shapeless * self.opaque)
        key, least, most, step = _LAYERS[layer.type]
        if not least <= len(layer.bottoms) <= most:
            raise wrong(f"{layer.options.what} takes {least} blobs, not {len(layer.bottoms)}", layer.mark)
        self.names[layer.name] += 1
        if self.names[layer.name] > 1:
            layer.name = f"{layer.name}_{self.names[layer.name]}"
        self.flat.mark = layer.mark
        group = layer.group(key) if key else Options("", layer.mark)
        given = step(self, layer, group, [self.taken(layer, blob) for blob in layer.bottoms])
        group.finish(MINOR)
        if "param" not in layer.options.asked and _shared_names(layer):
            raise wrong(f"{layer.options.what}: costcalc can't share its weights", layer.options.place("param"))
        layer.options.asked |= {"include", "exclude"}
        layer.options.finish(ANY)
        self.give(layer, given)

    def hide(self, layer: CaffeLayer, before: int) -> None:
        """Make one layer a row of unknown cost, in place of the steps after the first so many."""
        self.flat.take_back(before)
        values = [self.taken(layer, blob) for blob in layer.bottoms]
        self.give(layer, [self.flat.hidden(values, layer.name, f"Caffe's {layer.type}")])

    def taken(self, layer: CaffeLayer, blob: str) -> str:
        """Return the value of a blob that a layer takes."""
        if blob not in self.blobs:
            raise wrong(f"{layer.options.what}: no layer before it gives the blob '{blob[:60]}'", layer.mark)
        return self.blobs[blob]

    def give(self, layer: CaffeLayer, values: list[str]) -> None:
        """Name what a layer gives: a blob of its own, or one that it takes, which from here on is the new one."""
        if len(layer.tops) != len(values):
            raise wrong(f"{layer.options.what} gives {len(values)} blobs, not {len(layer.tops)}", layer.mark)
        for blob, value in zip(layer.tops, values, strict=True):
            if blob in self.blobs and blob not in layer.bottoms:
                raise wrong(f"{layer.options.what}: the blob '{blob[:60]}' is there already", layer.mark)
            self.blobs[blob] = value

    # ---- helpers ---------------------------------------------------------------------------------

    def image(self, layer: CaffeLayer, value: str) -> tuple[int, int, int]:
        """Return channels, height and width of a value; raise SpecError where it is no image."""
        dims = self.flat.shapes[value].dims
        if len(dims) != 3:
            raise wrong(f"{layer.options.what} takes an image, and gets {self.flat.shapes[value]}", layer.mark)
        return dims

    def rank(self, values: list[str]) -> int:
        """Return how many axes the first value has."""
        return len(self.flat.shapes[values[0]].dims)

    def channelwise(self, group: Options, *keys: str) -> None:
        """Refuse another axis than the channels (1: Caffe counts the batch)."""
        for key in keys or ("axis",):
            group.only(key, ("1", "-3"), "costcalc works on the channels here")

    def shared(self, layer: CaffeLayer, blobs: int) -> str:
        """Return the word under which a layer shares its weights with others; empty if it does not."""
        names = _shared_names(layer)
        if names and len(names) != blobs:
            raise wrong(f"{layer.options.what} shares only a part of its weights", layer.options.place("param"))
        return legal_name("-".join(names)) if names else ""

    # ---- windows ---------------------------------------------------------------------------------

    def convolution(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        c, *_ = self.image(layer, values[0])
        self.channelwise(group)
        groups, bias = group.whole("group", 1, least=1), group.flag("bias_term", default=True)
        transposed = layer.type == "Deconvolution"
        fields = {"out": group.whole("num_output", least=1)} | _window(group, _pair(group, "dilation", 1))
        fields |= {"groups": c if layer.type in _DEPTHWISE else groups, "bias": bias}
        share = self.shared(layer, 2 if bias else 1)
        return self.flat.add("conv_transpose" if transposed else "conv", values, layer.name, share=share, **fields)

    def pooling(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Pool: Caffe rounds the number of windows up, and drops one that begins in the padding behind."""
        c, *space = self.image(layer, values[0])
        group.only("pool", ("MAX", "AVE", "0", "1"), "costcalc pools by maximum and average")
        kind = "avg" if group.word("pool", "MAX") in ("AVE", "1") else "max"
        if group.flag("global_pooling"):
            group.asked |= {"pad", "stride", "kernel_size"}
            return self.flat.add(f"adaptive_{kind}_pool", values, layer.name, size=1)
        kernel, stride, pad = _pair(group, "kernel"), _pair(group, "stride", 1), _pair(group, "pad", 0)
        ceil = group.flag("ceil_mode", default=True) and group.word("round_mode", "CEIL") in ("CEIL", "0")
        out = []
        for n, k, s, p in zip(space, kernel, stride, pad, strict=True):
            windows = (n + 2 * p - k + (s - 1 if ceil else 0)) // s + 1
            out.append(windows - (any(pad) and (windows - 1) * s >= n + p))
        fields = {"kernel": kernel, "stride": stride, "pads": [(p, p) for p in pad], "dilation": (1, 1)}
        name, add = layer.name, self.flat.one
        found = pool_over(add, f"{kind}_pool", values[0], name, space, out, **fields, ceil_mode=ceil)
        self.flat.same(layer.options.what, found, (c, *out))
        return [found] * len(layer.tops) if kind == "max" and len(layer.tops) == 2 else [found]  # where the maxima are

    # ---- weights a channel, and norms ------------------------------------------------------------

    def inner_product(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        self.channelwise(group)
        if self.flat.shapes[values[0]].space:
            values = self.flat.add("flatten", values, f"{layer.name}.flatten")
        out, bias = group.whole("num_output", least=1), group.flag("bias_term", default=True)
        return self.flat.add("fc", values, layer.name, share=self.shared(layer, 2 if bias else 1), out=out, bias=bias)

    def batch_norm(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Normalize only: gamma and beta are those of a Scale layer behind it (or of this one, in NVIDIA's Caffe)."""
        affine = group.flag("scale_bias")
        return self.flat.add("batch_norm", values, layer.name, affine=affine, eps=group.real("eps", 1e-5))

    def bn(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Normalize, with a slope and a bias of its own: a layer of several forks."""
        group.asked |= set("slope_filler bias_filler momentum frozen bn_mode".split())
        return self.flat.add("batch_norm", values, layer.name, eps=group.real("eps", 1e-5))

    def mvn(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Each channel's mean, or that of all channels, taken off; then all divided by the deviation."""
        self.image(layer, values[0])
        across, eps = group.flag("across_channels"), group.real("eps", 1e-9)
        if not group.flag("normalize_variance", default=True):
            axes = [0, 1, 2] if across else [1, 2]
            mean = self.flat.one("reduce_axes", values, f"{layer.name}.mean", op="mean", axes=axes, keep=True)
            return self.flat.add("subtract", [*values, mean], layer.name)
        if across:
            return self.flat.add("group_norm", values, layer.name, groups=1, affine=False, eps=eps)
        return self.flat.add("instance_norm", values, layer.name, eps=eps)

    def scale(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        if len(values) == 2:
            return self.gated(layer, group, values)
        self.channelwise(group)
        group.only("num_axes", ("1",), "costcalc learns one factor a channel")
        shift = group.flag("bias_term")
        return self.flat.add("scale", values, layer.name, share=self.shared(layer, 1 + shift), shift=shift)

    def gated(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Multiply by the second blob, which begins with the same axes."""
        group.only("axis", ("0",), "the factors begin with the batch's axis")
        group.only("bias_term", ("false",), "the factors are data here")
        found = self.flat.add("multiply", values, layer.name)
        self.flat.same(layer.options.what, found[0], self.flat.shapes[values[0]].dims)
        return found

    def lrn(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        size = group.whole("local_size", 5, least=1)
        region = group.word("norm_region", "ACROSS_CHANNELS")
        group.only("norm_region", ("ACROSS_CHANNELS", "WITHIN_CHANNEL", "0", "1"), "there are two regions")
        group.asked |= {"alpha", "beta"}
        over = "space" if region in ("WITHIN_CHANNEL", "1") else "channels"
        return self.flat.add("lrn", values, layer.name, size=size, over=over)

    def normalize(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """SSD's layer: each pixel's channels divided by their length, then a factor a channel."""
        group.only("across_spatial", ("false",), "costcalc normalizes the channels of each pixel")
        group.only("channel_shared", ("false",), "costcalc learns a factor a channel")
        group.asked |= {"scale_filler", "eps"}
        length = self.flat.one("reduce_axes", values, f"{layer.name}.norm", op="norm", axes=[0], keep=True)
        divided = self.flat.one("divide", [*values, length], f"{layer.name}.divide")
        return self.flat.add("scale", [divided], layer.name)

    # ---- element by element ----------------------------------------------------------------------

    def relu(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        slope = group.real("negative_slope", 0.0)
        if slope:
            return self.flat.add("leaky_relu", values, layer.name, slope=slope)
        return self.flat.add("relu", values, layer.name)

    def prelu(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        return self.flat.add("prelu", values, layer.name, per_channel=not group.flag("channel_shared"))

    def plain(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Activations, with the number that they have."""
        kind = words.ACTIVATIONS.read(CAFFE)[layer.type]
        given = {field: group.one(word) for field, word in words.numbers(CAFFE).get(kind, {}).items()}
        fields: dict[str, Datum] = {field: group.fraction(field, one) for field, one in given.items() if one}
        return self.flat.add(kind, values, layer.name, **fields)

    def clip(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        if (group.real("min", 0.0), group.real("max", 0.0)) != (0.0, 6.0):
            raise wrong(f"{layer.options.what}: costcalc clips from 0 to 6 only", layer.mark)
        return self.flat.add("relu6", values, layer.name)

    def elementary(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """AbsVal, Exp and Log of the natural base."""
        for key, usual in (("base", -1.0), ("scale", 1.0), ("shift", 0.0)):
            if group.real(key, usual) != usual:
                raise wrong(f"{layer.options.what}: another {key} than {usual:g} can't be expressed", group.place(key))
        return self.flat.add("arithmetic", values, layer.name, op=words.ALONE.read(CAFFE)[layer.type])

    def power(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """(shift + scale * x) ^ power; what is neutral is left out."""
        steps = [("scale", "multiply", 1.0), ("shift", "add", 0.0), ("power", "power", 1.0)]
        for key, op, neutral in steps:
            by = group.real(key, neutral)
            if by != neutral:
                values = self.flat.add("arithmetic", values, f"{layer.name}.{key}", op=op, by=by)
        return values

    def eltwise(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        word = group.word("operation", "SUM")
        kind = _JOINS.get(word)
        factors = group.reals("coeff")
        if kind is None:
            raise wrong(f"{layer.options.what}: operation {word[:20]} is not known", group.place("operation"))
        if factors and (kind != "add" or len(factors) != len(values)):
            said = f"{len(factors)} factors for {len(values)} blobs" if kind == "add" else f"factors of {word}"
            raise wrong(f"{layer.options.what}: {said}: a SUM has one a blob", group.place("coeff"))
        wanted = self.flat.shapes[values[0]].dims
        if factors == [1.0, -1.0]:
            kind, factors = "subtract", []
        values = [
            self.flat.one("arithmetic", [value], f"{layer.name}.coeff", op="multiply", by=factor)
            if factor != 1
            else value
            for value, factor in zip(values, factors or [1.0] * len(values), strict=True)
        ]
        found = self.flat.add(kind, values, layer.name)
        self.flat.same(layer.options.what, found[0], wanted)
        return found

    def axpy(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """SENet's layer: the second blob times the first, a number a channel, plus the third."""
        factor, x, y = values
        c, *_ = self.image(layer, x)
        if self.flat.shapes[factor].dims == (c,):
            factor = self.flat.one("reshape", [factor], f"{layer.name}.factors", shape=[c, 1, 1])
        self.flat.same(layer.options.what, factor, (c, 1, 1))
        scaled = self.flat.one("multiply", [x, factor], f"{layer.name}.scale")
        return self.flat.add("add", [scaled, y], layer.name)

    def dropout(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        return self.flat.add("dropout", values, layer.name, p=group.real("dropout_ratio", 0.5))

    def softmax(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        axis = _axis(group, "axis", 1, self.rank(values))
        return self.flat.add("softmax", values, layer.name, axis=axis)

    # ---- blobs cut, joined and seen otherwise ----------------------------------------------------

    def concat(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        axis = _axis(group, "axis", group.whole("concat_dim", 1), self.rank(values))
        return self.flat.add("concat", values, layer.name, axis=axis)

    def slice(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        axis = _axis(group, "axis", group.whole("slice_dim", 1), self.rank(values))
        dims, points = self.flat.shapes[values[0]].dims, group.wholes("slice_point", least=1)
        if not points:
            return self.flat.add("split", values, layer.name, parts=max(1, len(layer.tops)), axis=axis)
        sizes = [end - start for start, end in zip([0, *points], [*points, dims[axis]], strict=True)]
        if min(sizes) < 1:
            raise wrong(f"{layer.options.what}: the slice points don't rise up to {dims[axis]}", layer.mark)
        return self.flat.add("split", values, layer.name, sizes=sizes, axis=axis)

    def alias(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Split gives what it takes, under several names."""
        return values * len(layer.tops)

    def flatten(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        group.only("end_axis", ("-1",), "costcalc flattens up to the last axis")
        return self.flat.add("flatten", values, layer.name, start=_axis(group, "axis", 1, self.rank(values)))

    def reshape(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Another shape: 0 keeps the axis's length, -1 takes what is left; the batch must stay."""
        group.only("axis", ("0",), "costcalc's reshape gives the whole shape")
        group.only("num_axes", ("-1",), "costcalc's reshape gives the whole shape")
        batch, *wanted = [0, *group.group("shape").wholes("dim", least=-1)][1:] or [0]
        dims = self.flat.shapes[values[0]].dims
        if batch not in (0, 1) or not wanted or any(n == 0 and k >= len(dims) for k, n in enumerate(wanted)):
            raise wrong(f"{layer.options.what}: a shape that keeps the batch is needed", group.place("shape"))
        return self.flat.add("reshape", values, layer.name, shape=[n or dims[k] for k, n in enumerate(wanted)])

    def permute(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        order, axes = group.wholes("order"), len(self.flat.shapes[values[0]].dims) + 1
        order += [axis for axis in range(axes) if axis not in order]
        if order[0] != 0 or sorted(order) != list(range(axes)):
            raise wrong(f"{layer.options.what}: not an order of {axes} axes, the batch first", layer.mark)
        return self.flat.add("permute", values, layer.name, axes=[axis - 1 for axis in order[1:]])

    def crop(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Cut height and width to those of the second blob, from the offset on."""
        group.only("axis", ("2", "-2"), "costcalc crops height and width")
        (_, *space), (_, *wanted) = (self.image(layer, value) for value in values)
        offset = (group.wholes("offset") or [0]) * 2
        border = []
        for n, size, before in zip(space, wanted, offset, strict=False):
            border += [before, n - size - before]
        if min(border) < 0:
            raise wrong(f"{layer.options.what}: the second blob does not lie inside the first", layer.mark)
        return self.flat.add("crop", values[:1], layer.name, border=border)

    def shuffle(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        return self.flat.add("channel_shuffle", values, layer.name, groups=group.whole("group", 1, least=1))

    def interp(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """DeepLab's bilinear interpolation: shrunk, then zoomed, or to a size, or to that of the second blob."""
        _, *space = self.image(layer, values[0])
        for key in ("pad_beg", "pad_end"):
            group.only(key, ("0",), "the input would be padded or cropped")
        shrink, zoom = group.whole("shrink_factor", 1, least=1), group.whole("zoom_factor", 1, least=1)
        space = [(n - 1) // shrink + 1 for n in space]
        space = [n + (n - 1) * (zoom - 1) for n in space]
        space = [group.whole(key, n, least=1) for key, n in zip(("height", "width"), space, strict=True)]
        if len(values) == 2:
            _, *space = self.image(layer, values[1])
        return self.flat.add("upsample", values[:1], layer.name, size=alike(space), mode="bilinear")

    def upsample(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """Repeat pixels; with the places of a pool's maxima, as in SegNet, put each back where it was."""
        c, *space = self.image(layer, values[0])
        scale = group.whole("scale", 2, least=1)
        if len(values) == 1:
            return self.flat.add("upsample", values, layer.name, scale=scale)
        keys = ("upsample_h", "upsample_w")
        size = [group.whole(key, n * scale, least=1) for key, n in zip(keys, space, strict=True)]
        self.flat.same(layer.options.what, values[1], (c, *space))
        note = "numbers are moved, and none multiplied"
        fields: dict[str, Datum] = {"shape": [c, *size], "params": 0, "macs": 0, "note": note}
        return self.flat.add("custom", values, layer.name, **fields)

    def prior_box(self, layer: CaffeLayer, group: Options, values: list[str]) -> list[str]:
        """SSD's boxes: four numbers and four variances for each box at each pixel, which no image changes."""
        _, h, w = self.image(layer, values[0])
        group.asked |= set("clip variance img_size img_h img_w step step_h step_w offset".split())
        least, most = group.reals("min_size"), group.reals("max_size")
        if not least or len(most) not in (0, len(least)):
            raise wrong(f"{group.what}: needs a min_size, and as many of max_size or none", group.mark)
        ratios, both = [1.0], group.flag("flip", default=True)
        for ratio in group.reals("aspect_ratio"):
            if ratio <= 0:
                raise wrong(f"{group.what}: aspect_ratio is above 0", group.place("aspect_ratio"))
            if all(abs(ratio - one) >= 1e-6 for one in ratios):
                ratios += [ratio, 1 / ratio] if both else [ratio]
        boxes = len(least) * len(ratios) + len(most)
        return self.flat.add("parameter", [], layer.name, shape=[2, 4 * h * w * boxes], store="none")


def _shared_names(layer: CaffeLayer) -> list[str]:
    """Return the names that a layer gives its weights: those of equal names are the same."""
    given = [one.value for one in layer.options.all("param")]
    return [name for one in given if (name := one if isinstance(one, str) else one.word("name"))]


def _pair(group: Options, key: str, default: int | None = None) -> tuple[int, int]:
    """Return a setting's numbers of height and width: `pad`, once or twice, or `pad_h` and `pad_w`."""
    own = "kernel_size" if key == "kernel" else key
    least = 0 if key == "pad" else 1
    given = group.wholes(own, least=least)
    if f"{key}_h" in group.settings or f"{key}_w" in group.settings:
        if given:
            raise wrong(f"{group.what}: both '{own}' and '{key}_h' or '{key}_w'", group.place(own))
        return group.whole(f"{key}_h", default, least=least), group.whole(f"{key}_w", default, least=least)
    if len(given) > 2:
        raise wrong(f"{group.what}: '{own}' has {len(given)} numbers, an image two axes", group.place(own))
    one = given or [group.whole(own, default, least=least)]
    return one[0], one[-1]


def _window(group: Options, dilation: tuple[int, int] = (1, 1)) -> dict[str, Datum]:
    """Return the fields of a window that slides over height and width."""
    pads = [(pad, pad) for pad in _pair(group, "pad", 0)]
    return window_fields(_pair(group, "kernel"), _pair(group, "stride", 1), pads, dilation)


def _axis(group: Options, key: str, default: int, axes: int) -> int:
    """Return an axis of so many as costcalc counts: without the batch."""
    axis = group.whole(key, default, least=-8)
    axis += axes + 1 if axis < 0 else 0
    if not 1 <= axis <= axes:
        raise wrong(f"{group.what}: {key} is one of 1 to {axes}, behind the batch", group.place(key))
    return axis - 1


_DEPTHWISE = ("DepthwiseConvolution", "ConvolutionDepthwise", "ConvolutionDepthWise")
_JOINS = words.JOINS.read(CAFFE) | {"0": "multiply", "1": "add", "2": "maximum"}  # the numbers of caffe.proto
_PLAIN_GROUPS = {"Sigmoid": "sigmoid_param", "TanH": "tanh_param", "Swish": "swish_param", "ELU": "elu_param"}

Step = Callable[[CaffeNetwork, CaffeLayer, Options, list[str]], list[str]]
_MANY = 1000
# Types that learn nothing, and give a blob of the shape that their first has, whatever their settings are.
_KEEPING = {*words.ACTIVATIONS.read(CAFFE), *words.ALONE.read(CAFFE), "Clip", "Dropout", "Eltwise", "LRN", "Power",
            "Softmax"}  # fmt: skip
# A type's group of parameters, how many blobs it takes, and what it becomes.
_LAYERS: dict[str, tuple[str, int, int, Step]] = {
    **{word: (_PLAIN_GROUPS.get(word, ""), 1, 1, CaffeNetwork.plain) for word in words.ACTIVATIONS.read(CAFFE)},
    "Convolution": ("convolution_param", 1, 1, CaffeNetwork.convolution),
    "Deconvolution": ("convolution_param", 1, 1, CaffeNetwork.convolution),
    "Pooling": ("pooling_param", 1, 1, CaffeNetwork.pooling),
    "InnerProduct": ("inner_product_param", 1, 1, CaffeNetwork.inner_product),
    "BatchNorm": ("batch_norm_param", 1, 1, CaffeNetwork.batch_norm),
    "Scale": ("scale_param", 1, 2, CaffeNetwork.scale),
    "BN": ("bn_param", 1, 1, CaffeNetwork.bn),
    "MVN": ("mvn_param", 1, 1, CaffeNetwork.mvn),
    "LRN": ("lrn_param", 1, 1, CaffeNetwork.lrn),
    "Normalize": ("norm_param", 1, 1, CaffeNetwork.normalize),
    "ReLU": ("relu_param", 1, 1, CaffeNetwork.relu),
    "PReLU": ("prelu_param", 1, 1, CaffeNetwork.prelu),
    "Clip": ("clip_param", 1, 1, CaffeNetwork.clip),
    "AbsVal": ("", 1, 1, CaffeNetwork.elementary),
    "Exp": ("exp_param", 1, 1, CaffeNetwork.elementary),
    "Log": ("log_param", 1, 1, CaffeNetwork.elementary),
    "Power": ("power_param", 1, 1, CaffeNetwork.power),
    "Eltwise": ("eltwise_param", 2, _MANY, CaffeNetwork.eltwise),
    "Axpy": ("", 3, 3, CaffeNetwork.axpy),
    "Dropout": ("dropout_param", 1, 1, CaffeNetwork.dropout),
    "SeLuDropout": ("dropout_param", 1, 1, CaffeNetwork.dropout),
    "Softmax": ("softmax_param", 1, 1, CaffeNetwork.softmax),
    "Concat": ("concat_param", 1, _MANY, CaffeNetwork.concat),
    "Slice": ("slice_param", 1, 1, CaffeNetwork.slice),
    "Split": ("", 1, 1, CaffeNetwork.alias),
    "Flatten": ("flatten_param", 1, 1, CaffeNetwork.flatten),
    "Reshape": ("reshape_param", 1, 1, CaffeNetwork.reshape),
    "Permute": ("permute_param", 1, 1, CaffeNetwork.permute),
    "Crop": ("crop_param", 2, 2, CaffeNetwork.crop),
    "ShuffleChannel": ("shuffle_channel_param", 1, 1, CaffeNetwork.shuffle),
    "Interp": ("interp_param", 1, 2, CaffeNetwork.interp),
    "Upsample": ("upsample_param", 1, 2, CaffeNetwork.upsample),
    "PriorBox": ("prior_box_param", 2, 2, CaffeNetwork.prior_box),
}
_LAYERS |= dict.fromkeys(_DEPTHWISE, ("convolution_param", 1, 1, CaffeNetwork.convolution))
