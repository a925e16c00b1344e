"""Keras' convolutions, dense layers, norms, activations and pools -> steps of a spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault, nearest
from costcalc.interop import words
from costcalc.interop.keras.config import LayerConfig, number, plain, said
from costcalc.interop.keras.net import KerasNet, KerasTensor, LayerCall, rule
from costcalc.interop.words import KERAS
from costcalc.language.flat import halves, pool_over, window_fields
from costcalc.numbers.num import ceil_div, prod

# ---- what flows on as it is ----------------------------------------------------------------------

# Noise, which training adds; penalties; augmentation of images, which training does.
_TRAINING = (
    "GaussianNoise GaussianDropout AlphaDropout ActivityRegularization RandomFlip RandomRotation RandomZoom "
    "RandomTranslation RandomContrast RandomBrightness RandomColorDegeneration RandomColorJitter RandomErasing "
    "RandomElasticTransform RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective "
    "RandomPosterization RandomSaturation RandomSharpness RandomShear RandomHeight RandomWidth AugMix AutoContrast "
    "CutMix MixUp RandAugment Equalization Solarization"
).split()
# Those of the list above that are no augmentation alone: they act at inference too.
_ALWAYS = ("AutoContrast", "Equalization", "Solarization")


@rule(*(kind for kind in _TRAINING if kind not in _ALWAYS), "Identity", "ops.Identity", "ops.StopGradient", "ops.Cast")
def same(_: KerasNet, call: LayerCall) -> KerasTensor:
    """What computes nothing at inference."""
    call.config.asked |= call.config.settings.keys()
    return call.first()


@rule("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def dropout(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Dropout: its rate is told, for training."""
    call.config.get("data_format")
    rate = call.config.number("rate")
    return net.each(call.only(), "dropout", call.name, p=rate) if 0 <= rate < 1 else call.only()


@rule("Masking")
def masking(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Steps whose numbers are all the mask's become zeros: comparisons, the largest of a step, and a product."""
    x, value = call.only(), call.config.number("mask_value", 0)
    other = net.each(x, "compare", f"{call.name}.compare", op="unequal", by=value)
    if not x.order:
        return x
    kept = net.add("reduce_axes", [other.value], f"{call.name}.any", op="maximum", axes=[x.order[-1]], keep=True)
    return net.join("multiply", [x, KerasTensor(kept, x.order)], call.name)


# ---- activations ---------------------------------------------------------------------------------

_ALIASES = {"hard_swish": "hard_silu", "swish": "silu", "exponential": "exp"}
_WORDS = words.ACTIVATIONS.read(KERAS)


def activated(net: KerasNet, config: LayerConfig, x: KerasTensor, name: str, key: str = "activation") -> KerasTensor:
    """Return a tensor after the activation that a setting names: a word, or a serialized function or layer."""
    given = config.get(key, "linear")
    if not isinstance(given, dict):
        return activation(net, given, x, f"{name}.{str(given)[:40]}")
    kind, inner = given.get("class_name"), given.get("config")
    if kind == "function":
        registered = given.get("registered_name")
        own = inner if registered in (None, "function", inner) else registered
        word = own.get("name") if isinstance(own, dict) else own
        return activation(net, word, x, f"{name}.{str(word)[:40]}")
    return net.apply(given, f"{name}.{kind}", [x], {})[0]


def activation(net: KerasNet, word: Any, x: KerasTensor, name: str) -> KerasTensor:
    """Return a tensor after the activation of a word."""
    word = _ALIASES.get(str(word), str(word))
    if word in ("linear", "None"):
        return x
    if word in ("softmax", "log_softmax", "glu"):
        if not x.order:
            raise Fault(f"{word} takes an axis of channels")
        return net.each(x, word, name, axis=x.order[-1])
    if word in _WORDS:
        return net.each(x, _WORDS[word], name)
    if word in words.ALONE.read(KERAS):
        return net.each(x, "arithmetic", name, op=words.ALONE.read(KERAS)[word])
    if word == "tanh_shrink":
        return net.join("subtract", [x, net.each(x, "tanh", f"{name}.tanh")], name)
    if net.opaque:
        return net.placed(
            net.add("opaque", [x.value], name, shape=list(net.flat.shapes[x.value].dims), note=f"Keras' {word}"),
            x.sequence,
        )
    hint = nearest(word[:40], [*_WORDS, *_ALIASES, "linear", "softmax", "log_softmax", "glu"])
    raise Fault(f"activation {said(word)} can't be expressed", hint)


@rule("Activation")
def activation_layer(net: KerasNet, call: LayerCall) -> KerasTensor:
    """An activation by its word."""
    given = call.config.get("activation", "linear")
    if isinstance(given, dict):
        return activated(net, call.config, call.only(), call.name)
    return activation(net, given, call.only(), call.name)


@rule("ReLU", "ThresholdedReLU")
def relu(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Rectifiers: with a slope below zero, with a ceiling, with a threshold."""
    x, c = call.only(), call.config
    ceiling = number(c.get("max_value"))
    slope, threshold = c.number("negative_slope", 0), c.number("threshold", 0)
    if call.kind == "ThresholdedReLU":
        threshold = c.number("theta", 1.0)
    if threshold:
        above = net.each(x, "compare", f"{call.name}.compare", op="greater_equal", by=threshold)
        if slope:
            raise Fault("has a threshold and a slope; costcalc has words for one of them")
        made = KerasTensor(net.add("where", [above.value, x.value], call.name, otherwise=0), x.order)
        return made if ceiling is None else net.each(made, "arithmetic", f"{call.name}.max", op="minimum", by=ceiling)
    if slope:
        made = net.each(x, "leaky_relu", call.name, slope=slope)
        return made if ceiling is None else net.each(made, "arithmetic", f"{call.name}.max", op="minimum", by=ceiling)
    if ceiling is None:
        return net.each(x, "relu", call.name)
    if ceiling == 6:
        return net.each(x, "relu6", call.name)
    return net.each(x, "hard_tanh", call.name, least=0, most=ceiling)


@rule("LeakyReLU")
def leaky(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Rectifier with a slope below zero, which Keras 2 called alpha."""
    slope = number(call.config.get("negative_slope", call.config.get("alpha", 0.3)))
    if slope is None:
        raise Fault("its slope is one number")
    return net.each(call.only(), "leaky_relu", call.name, slope=slope)


@rule("ELU")
def elu(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Exponential linear unit."""
    return net.each(call.only(), "elu", call.name, alpha=call.config.number("alpha", 1.0))


@rule("PReLU")
def prelu(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Rectifier with learned slopes: one a number of the input, but of the axes that share theirs."""
    x, dims = call.only(), net.dims(call.only())
    given = call.config.get("shared_axes", [])
    shared = {net.axis(axis, len(dims)) for axis in (given if isinstance(given, list) else [given])}
    slopes = [1 if k in shared else n for k, n in enumerate(dims)]
    if prod(slopes) == 1:
        return net.each(x, "prelu", call.name)
    if [k for k, n in enumerate(slopes) if n > 1 or k not in shared] == [len(dims) - 1] or (
        x.order and slopes[x.sequence[0]] == prod(slopes)
    ):
        channels = next(k for k, n in enumerate(slopes) if n == prod(slopes) and n > 1)
        sequence = [channels, *(k for k in range(len(dims)) if k != channels)]
        value = net.add("prelu", [net.arranged(x, sequence, call.name)], call.name, per_channel=True)
        return net.placed(value, sequence)
    alpha = net.constant(slopes, f"{call.name}.alpha", store="parameter")
    scaled = net.join("multiply", [x, alpha], f"{call.name}.multiply")
    return net.join("maximum", [x, scaled], call.name)


@rule("Softmax")
def softmax(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Softmax along an axis, or along several as one."""
    x, given = call.first(), call.config.get("axis", -1)
    if len(call.tensors) > 1:
        raise Fault("masks what it sums, which costcalc can't express")
    dims = net.dims(x)
    axes = sorted(net.axis(axis, len(dims)) for axis in (given if isinstance(given, list) else [given]))
    if len(axes) == 1:
        return net.each(x, "softmax", call.name, axis=x.order[axes[0]])
    rest = [k for k in range(len(dims)) if k not in axes]
    value = net.arranged(x, [*axes, *rest], call.name)
    whole = net.shaped(value, [prod(dims[k] for k in axes), *(dims[k] for k in rest)], call.name)
    made = net.shaped(net.add("softmax", [whole], call.name), net.flat.shapes[value].dims, call.name)
    return net.placed(made, [*axes, *rest])


# ---- convolutions --------------------------------------------------------------------------------


def image(
    net: KerasNet, call: LayerCall, axes: int, data_format: str | None = None
) -> tuple[KerasTensor, list[int], str]:
    """Return a map, its axes with the channels first, and its value so; raise Fault for other axes of space."""
    x = call.only()
    rank = len(x.order)
    if rank != axes + 1:
        raise Fault(
            f"takes {axes} axes of space and channels, and gets {'x'.join(map(str, net.dims(x))) or 'a number'}"
        )
    first = data_format or call.config.word("data_format", net.first, ("channels_last", "channels_first"))
    sequence = list(range(rank)) if first == "channels_first" else [rank - 1, *range(rank - 1)]
    return x, sequence, net.arranged(x, sequence, call.name)


def border(config: LayerConfig, kernel: Sequence[int], dilation: Sequence[int], *more: str) -> Any:
    """Return the padding of windows: TensorFlow's `same`, none, or, causal, all before."""
    word = config.word("padding", "valid", ("valid", "same", *more))
    if word == "causal":
        return [(d * (k - 1), 0) for k, d in zip(kernel, dilation, strict=True)]
    return "same" if word == "same" else [(0, 0)] * len(kernel)


def sliding(call: LayerCall, axes: int) -> dict[str, Datum]:
    """Return the fields of a convolution's window."""
    c = call.config
    kernel, stride, dilation = (
        c.wholes(key, axes, n) for key, n in (("kernel_size", None), ("strides", 1), ("dilation_rate", 1))
    )
    return window_fields(kernel, stride, border(c, kernel, dilation, *(["causal"] * (axes == 1))), dilation)


@rule("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def conv(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Convolution, grouped and dilated too."""
    c, axes = call.config, call.axes
    _, sequence, value = image(net, call, axes)
    fields = {"out": c.whole("filters"), **sliding(call, axes), "groups": c.whole("groups", 1)}
    value = net.add("conv", [value], call.name, **fields, bias=c.flag("use_bias", default=True))
    return activated(net, c, net.placed(value, sequence), call.name)


@rule("DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConv3D")
def depthwise(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Depthwise convolution."""
    c, axes = call.config, call.axes
    _, sequence, value = image(net, call, axes)
    fields = {**sliding(call, axes), "multiplier": c.whole("depth_multiplier", 1)}
    _unused(c, "filters", "groups", "rank")
    value = net.add("dwconv", [value], call.name, **fields, bias=c.flag("use_bias", default=True))
    return activated(net, c, net.placed(value, sequence), call.name)


def _unused(config: LayerConfig, *keys: str) -> None:
    """Take note of settings that a class inherits, and does not use."""
    config.asked |= set(keys)


@rule("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A depthwise convolution without a bias, and one over the channels."""
    c, axes = call.config, call.axes
    _, sequence, value = image(net, call, axes)
    _unused(c, "groups", "rank")
    multiplier = c.whole("depth_multiplier", 1)
    value = net.add(
        "dwconv", [value], f"{call.name}.depthwise", **sliding(call, axes), multiplier=multiplier, bias=False
    )
    bias = c.flag("use_bias", default=True)
    value = net.add("conv", [value], f"{call.name}.pointwise", out=c.whole("filters"), kernel=1, bias=bias)
    return activated(net, c, net.placed(value, sequence), call.name)


@rule(
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Convolution1DTranspose"),
    *("Convolution2DTranspose", "Convolution3DTranspose"),
)
def transposed(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Transposed convolution: its padding, or what is added to it, makes the length that Keras gives."""
    c, axes = call.config, call.axes
    x, sequence, value = image(net, call, axes)
    kernel, stride, dilation = (
        c.wholes(key, axes, n) for key, n in (("kernel_size", None), ("strides", 1), ("dilation_rate", 1))
    )
    word = c.word("padding", "valid", ("valid", "same"))
    extra = c.get("output_padding")
    more = [None] * axes if extra is None else c.wholes("output_padding", axes, least=0)
    _unused(c, "groups", "rank")
    pads, added = [], []
    for n, k, s, d, given in zip([net.dims(x)[k] for k in sequence[1:]], kernel, stride, dilation, more, strict=True):
        span = (k - 1) * d + 1
        total = (n - 1) * s + span - _unpooled(n, span, s, word, given, net.version)
        pads.append(halves(max(total, 0)))
        added.append(max(-total, 0))
    fields = {**window_fields(kernel, stride, pads, dilation), "output_padding": added}
    fields |= {"out": c.whole("filters"), "groups": c.whole("groups", 1)}
    value = net.add("conv_transpose", [value], call.name, **fields, bias=c.flag("use_bias", default=True))
    return activated(net, c, net.placed(value, sequence), call.name)


def _unpooled(n: int, span: int, stride: int, word: str, more: int | None, version: int) -> int:
    """Return the length that a transposed convolution gives an axis: Keras 3's rule, or Keras 2's."""
    if more is None:
        return n * stride + (max(span - stride, 0) if word == "valid" else 0)
    if version < 3:
        return (n - 1) * stride + span - (0 if word == "valid" else 2 * (span // 2)) + more
    return n * stride + more if word == "valid" else (n - 1) * stride + span % 2 + more


@rule("LocallyConnected1D", "LocallyConnected2D")
def local(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A convolution whose weights are not shared between pixels: its numbers are stated."""
    c, axes = call.config, call.axes
    x, sequence, value = image(net, call, axes)
    kernel, stride = c.wholes("kernel_size", axes), c.wholes("strides", axes, 1)
    word = c.word("padding", "valid", ("valid", "same"))
    channels, *space = (net.dims(x)[k] for k in sequence)
    pairs = zip(space, kernel, stride, strict=True)
    out = [ceil_div(n, s) if word == "same" else (n - k) // s + 1 for n, k, s in pairs]
    if min(out) < 1:
        raise Fault("its window does not fit")
    filters, macs = c.whole("filters"), prod(out) * prod(kernel) * channels * c.whole("filters")
    learned = macs + (prod(out) * filters if c.flag("use_bias", default=True) else 0)
    note = "locally connected: weights of its own at each pixel"
    value = net.add("custom", [value], call.name, shape=[filters, *out], params=learned, macs=macs, note=note)
    return activated(net, c, net.placed(value, sequence), call.name)


# ---- dense layers --------------------------------------------------------------------------------


def dense_over(net: KerasNet, x: KerasTensor, out: int, name: str, *, bias: bool) -> KerasTensor:
    """Return a fully connected layer over Keras' last axis, at each position of the others."""
    rank = len(x.order)
    if not rank:
        raise Fault("takes a tensor with channels, not one number")
    sequence = [rank - 1, *range(rank - 1)]
    kept = [rank - 1, *(k for k in x.sequence if k != rank - 1)]
    sequence = kept if x.order[-1] == 0 else sequence
    value = net.arranged(x, sequence, name)
    return net.placed(net.add("fc", [value], name, out=out, per_position=rank > 1, bias=bias), sequence)


@rule("Dense")
def dense(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A fully connected layer over the last axis."""
    c = call.config
    made = dense_over(net, call.only(), c.whole("units"), call.name, bias=c.flag("use_bias", default=True))
    return activated(net, c, made, call.name)


@rule("EinsumDense")
def einsum_dense(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A product of a tensor and of weights by letters."""
    c, x = call.config, call.only()
    equation = c.word("equation", "").replace(" ", "")
    left, _, out = equation.partition("->")
    given, comma, kernel = left.partition(",")
    letters = given + kernel + out
    if not comma or not out or not letters.replace("...", "").isalpha() or letters.replace("...", "").count(".") > 0:
        raise Fault(f"equation {said(equation)} can't be expressed")
    rank, free = len(x.order) + 1, [one for one in "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLK" if one not in letters]
    given, out = (one.replace("...", "".join(free[: rank - len(given) + 3])) for one in (given, out))
    if len(given) != rank or not out.startswith(given[0]) or given[0] in kernel:
        raise Fault(f"equation {said(equation)} does not fit a tensor of {rank} axes")
    sizes = dict(zip(given[1:], net.dims(x), strict=True))
    shape = c.get("output_shape", [])
    stated = shape if isinstance(shape, list) else [shape]
    for letter, n in zip(out[:0:-1], stated[::-1], strict=False):
        if isinstance(n, int) and not isinstance(n, bool) and sizes.setdefault(letter, n) != n:
            raise Fault(f"its output_shape says {n} where {sizes[letter]} enter")
    if any(letter not in sizes for letter in kernel + out[1:]):
        raise Fault(f"output_shape {said(shape)} does not say all lengths of {said(equation)}")
    gone = given[-1]
    if kernel[:1] == gone and out == given[:-1] + kernel[1:] and len(kernel) == 2:  # a dense layer
        bias_axes = c.get("bias_axes", "")
        plain_bias = bias_axes in ("", out[-1])
        made = dense_over(net, x, sizes[out[-1]], call.name, bias=plain_bias and bool(bias_axes))
        made = made if plain_bias else _biased(net, made, out, bias_axes, sizes, call.name)
        return activated(net, c, made, call.name)
    weights = net.constant([sizes[one] for one in kernel], f"{call.name}.kernel", store="parameter")
    spelled = "".join(given[1:][k] for k in x.sequence)
    value = net.add("einsum", [x.value, weights.value], call.name, equation=f"{spelled},{kernel}->{out[1:]}")
    made = _biased(net, net.placed(value, range(len(out) - 1)), out, c.get("bias_axes", ""), sizes, call.name)
    return activated(net, c, made, call.name)


def _biased(net: KerasNet, x: KerasTensor, out: str, bias_axes: Any, sizes: dict[str, int], name: str) -> KerasTensor:
    """Return a tensor with learned numbers added along some of its letters."""
    if not bias_axes:
        return x
    if not isinstance(bias_axes, str) or any(letter not in out[1:] for letter in bias_axes):
        raise Fault(f"bias_axes {said(bias_axes)} are none of its result's")
    first = min(out.index(letter) for letter in bias_axes)
    dims = [sizes[letter] if letter in bias_axes else 1 for letter in out[first:]]
    return net.join("add", [x, net.constant(dims, f"{name}.bias", store="parameter")], f"{name}.add")


# ---- norms ---------------------------------------------------------------------------------------


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def learning(config: LayerConfig) -> dict[str, Datum]:
    """Return the fields of a norm that say what it learns: gamma (scale) and beta (center)."""
    scale, center = (config.flag(key, default=True) for key in ("scale", "center"))
    if not scale and not center:
        return {"affine": False}
    return {word: False for word, given in (("scale", scale), ("bias", center)) if not given}


def over(net: KerasNet, x: KerasTensor, axes: Sequence[int], name: str) -> tuple[str, list[int], list[int]]:
    """Return a value with these axes in front as one, the sequence of Keras' axes, and the lengths with them apart."""
    kept = [k for k in x.sequence if k not in axes]
    sequence, dims = [*axes, *kept], net.dims(x)
    value = net.arranged(x, sequence, name)
    apart = [dims[k] for k in sequence]
    if len(axes) > 1:
        value = net.shaped(value, [prod(dims[k] for k in axes), *(dims[k] for k in kept)], name)
    return value, sequence, apart


@rule("BatchNormalization", "SyncBatchNormalization", "BatchNormalizationV2", "BatchNormalizationV1")
def batch_norm(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Batch normalization, whose statistics are stored, without a counter."""
    x, c = call.only(), call.config
    axes = [net.axis(axis, len(x.order)) for axis in _listed(plain(c.get("axis", -1)))]
    if len(axes) != 1:
        raise Fault("normalizes over several axes, which costcalc's batch_norm can't")
    value, sequence, _ = over(net, x, axes, call.name)
    fields = learning(c)
    return net.placed(net.add("batch_norm", [value], call.name, **fields, counter=False), sequence)


@rule("LayerNormalization", "RMSNormalization")
def layer_norm(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Layer normalization, or by the root mean square, along one axis or several."""
    x, c = call.only(), call.config
    given = c.get("axis", -1)
    axes = sorted({net.axis(axis, len(x.order)) for axis in _listed(given)})
    kind, fields = "rms_norm", {}
    if call.kind == "LayerNormalization":
        kind, fields = "layer_norm", learning(c)
        if c.flag("rms_scaling"):
            kind, fields = "rms_norm", {}
    value, sequence, apart = over(net, x, axes, call.name)
    made = net.add(kind, [value], call.name, **fields)
    return net.placed(net.shaped(made, apart, call.name), sequence)


@rule("GroupNormalization")
def group_norm(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Group normalization; with -1 groups each channel is one."""
    x, c = call.only(), call.config
    axis = net.axis(c.get("axis", -1), len(x.order))
    groups = c.whole("groups", 32, least=-1)
    value, sequence, apart = over(net, x, [axis], call.name)
    fields = {"groups": apart[0] if groups == -1 else groups, **learning(c)}
    return net.placed(net.add("group_norm", [value], call.name, **fields), sequence)


@rule("UnitNormalization")
def unit_norm(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Vectors of length one: a norm along some axes, and a division."""
    x = call.only()
    axes = sorted(x.order[net.axis(axis, len(x.order))] for axis in _listed(call.config.get("axis", -1)))
    length = net.add("reduce_axes", [x.value], f"{call.name}.norm", op="norm", axes=axes, keep=True)
    return net.join("divide", [x, KerasTensor(length, x.order)], call.name)


@rule("Normalization")
def normalization(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Mean and variance of a data set taken off: stored with a count where they were adapted, else constants."""
    x, c = call.only(), call.config
    given, mean = c.get("axis", -1), c.get("mean")
    axes = [net.axis(axis, len(x.order)) for axis in _listed(given)] if given is not None else []
    c.flag("invert")
    if mean is not None:
        held = [plain(value) for value in (mean, c.get("variance"))]
        made = x
        for op, joint, numbers, word in zip(
            ("subtract", "divide"), ("subtract", "divide"), held, ("mean", "deviation"), strict=True
        ):
            made = with_constant(net, made, op, joint, numbers, f"{call.name}.{word}", axes)
        return made
    if c.get("axis") is None and "axis" in c.settings:
        raise Fault("has one mean for all axes, which is adapted; costcalc has no words for that")
    if len(axes) != 1:
        raise Fault("has a mean for each place of several axes; costcalc has no words for that")
    value, sequence, _ = over(net, x, axes, call.name)
    return net.placed(net.add("batch_norm", [value], call.name, affine=False), sequence)


def with_constant(
    net: KerasNet, x: KerasTensor, op: str, joint: str, numbers: Any, name: str, axes: Sequence[int]
) -> KerasTensor:
    """Return a tensor with a constant put to it: one number, or one for each place of an axis."""
    flat: list[Any] = []
    todo = [numbers]
    while todo:
        one = plain(todo.pop())
        if isinstance(one, list):
            todo += one
        else:
            flat.append(one)
    if any(number(one) is None for one in flat):
        raise Fault("its constants are no numbers")
    if len(set(flat)) == 1:
        return net.each(x, "arithmetic", name, op=op, by=number(flat[0]))
    dims = net.dims(x)
    axis = axes[0] if len(axes) == 1 else len(dims) - 1
    if not dims or len(flat) != dims[axis]:
        raise Fault(f"has {len(flat)} constants, but {dims[axis] if dims else 1} channels enter")
    own = net.constant([dims[axis], *(1 for _ in dims[axis + 1 :])], f"{name}s")
    return net.join(joint, [x, own], name)


@rule("Rescaling")
def rescaling(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Each element times a number, and one added; both may be a number a channel."""
    x, c = call.only(), call.config
    made = with_constant(net, x, "multiply", "multiply", c.get("scale", 1.0), f"{call.name}.scale", ())
    return with_constant(net, made, "add", "add", c.get("offset", 0.0), f"{call.name}.offset", ())


@rule("LayerScale")
def layer_scale(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A learned factor a channel, of ConvNeXt and CaiT."""
    x = call.only()
    call.config.get("init_values")
    width = call.config.whole("projection_dim")
    value, sequence, apart = over(net, x, [len(x.order) - 1], call.name)
    if apart[0] != width:
        raise Fault(f"has {width} factors for {apart[0]} channels")
    return net.placed(net.add("scale", [value], call.name), sequence)


@rule("StochasticDepth")
def stochastic_depth(_: KerasNet, call: LayerCall) -> KerasTensor:
    """A branch that training drops: nothing is done at inference."""
    call.config.get("drop_path_rate")
    return call.only()


# ---- pools ---------------------------------------------------------------------------------------


@rule(*(f"{word}Pool{ending}{n}D" for word in ("Max", "Average", "Avg") for ending in ("ing", "") for n in (1, 2, 3)))
def pool(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Maximum or average over windows; zeros of the border never count."""
    c, axes = call.config, call.axes
    x, sequence, value = image(net, call, axes)
    kernel = c.wholes("pool_size", axes, 2)
    stride = kernel if c.get("strides") is None else c.wholes("strides", axes)
    kind = "max_pool" if call.kind.startswith("Max") else "avg_pool"
    pads = border(c, kernel, [1] * axes)
    space = [net.dims(x)[k] for k in sequence[1:]]
    made = pool_over(
        net.add, kind, value, call.name, space, (), kernel=kernel, stride=stride, pads=pads, dilation=[1] * axes
    )
    return net.placed(made, sequence)


@rule(
    *(
        f"Global{word}Pool{ending}{n}D"
        for word in ("Max", "Average", "Avg")
        for ending in ("ing", "")
        for n in (1, 2, 3)
    )
)
def global_pool(net: KerasNet, call: LayerCall) -> KerasTensor:
    """A number for each channel; with keepdims axes of length 1 stay."""
    kind = "max" if "Max" in call.kind else "avg"
    call.named("mask")
    _, sequence, value = image(net, call, call.axes)
    if call.config.flag("keepdims"):
        return net.placed(net.add(f"adaptive_{kind}_pool", [value], call.name, size=1), sequence)
    return KerasTensor(net.add(f"global_{kind}_pool", [value], call.name), (0,))


@rule(*(f"Adaptive{word}Pooling{n}D" for word in ("Max", "Average") for n in (1, 2, 3)))
def adaptive_pool(net: KerasNet, call: LayerCall) -> KerasTensor:
    """Maximum or average over as many windows as are asked for."""
    _, sequence, value = image(net, call, call.axes)
    kind = "adaptive_max_pool" if "Max" in call.kind else "adaptive_avg_pool"
    size = call.config.wholes("output_size", call.axes)
    return net.placed(net.add(kind, [value], call.name, size=size), sequence)
