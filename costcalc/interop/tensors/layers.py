"""ONNX's layers -> steps: convolutions, pools, products with weights, norms."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.net import Call, Net, rule
from costcalc.interop.tensors.origin import UNLEARNED, Origin
from costcalc.interop.tensors.values import Const, Data, Dims
from costcalc.language.flat import Pairs, alike, halves, padded, pool_over, window_fields
from costcalc.numbers.num import LARGEST, ceil_div, prod

# ---- windows -------------------------------------------------------------------------------------


def _image(net: Net, x: Data) -> Dims:
    """Return the axes of space of an image `[N, C, *space]`; raise Fault for any other tensor."""
    return _space(net, x.shape)


def _space(net: Net, shape: Dims) -> Dims:
    if not net.lead(shape) or len(shape) < 3:
        raise Fault(f"takes images, [batch, channels, *space], not {list(shape)}")
    return shape[2:]


def _numbers(call: Call, name: str, count: int, default: int) -> list[int]:
    """Return an attribute of so many numbers."""
    given = [int(n) for n in call.attr(name) or [default] * count]
    if len(given) != count or any(abs(n) >= LARGEST for n in given):
        raise Fault(f"{name} has {len(given)} numbers, and must have {count}")
    return given


def _window(call: Call, space: Dims, kernel: Sequence[int]) -> dict[str, Datum]:
    """Return kernel, stride, dilation and padding as a spec writes them."""
    return window_fields(*_sliding(call, space, kernel).values())


def _sliding(call: Call, space: Dims, kernel: Sequence[int]) -> dict[str, Datum]:
    """Return kernel, stride, padding and dilation, a number an axis each."""
    axes = len(space)
    if len(kernel) != axes:
        raise Fault(f"has a kernel of {len(kernel)} axes over {axes} axes of space")
    strides, dilations = (_numbers(call, name, axes, 1) for name in ("strides", "dilations"))
    if min(*kernel, *strides, *dilations) < 1:
        raise Fault("kernel, strides and dilations must be at least 1")
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = _pads(call, space, spans, strides)
    return {"kernel": kernel, "stride": strides, "pads": pads, "dilation": dilations}


def _pads(call: Call, space: Dims, spans: Sequence[int], strides: Sequence[int]) -> Pairs | str:
    """Return the padding: `same` where ONNX says so, before and after on each axis where numbers are given."""
    auto = call.attr("auto_pad", "NOTSET")
    if auto == "SAME_UPPER":
        return "same"
    if auto == "SAME_LOWER":
        totals = [max((ceil_div(n, s) - 1) * s + w - n, 0) for n, w, s in zip(space, spans, strides, strict=True)]
        return [halves(total)[::-1] for total in totals]
    if auto not in ("NOTSET", "VALID"):
        raise Fault(f"auto_pad: '{auto}' is not known")
    pads = _numbers(call, "pads", 2 * len(space), 0) if auto == "NOTSET" else [0] * (2 * len(space))
    return list(zip(pads[: len(space)], pads[len(space) :], strict=True))


@rule("Conv")
def conv(net: Net, call: Call) -> None:
    """Convolution; one whose weights are computed from the image, too."""
    x, weight, groups = net.data(call, 0), call.value(1), int(call.attr("group", 1))
    space = _image(net, x)
    if weight is None or len(weight.shape) != len(space) + 2:
        raise Fault("its weights have not as many axes as its input")
    out, channels = weight.shape[:2]
    if (
        groups < 1
        or channels * groups != x.shape[1]
        or list(call.attr("kernel_shape") or weight.shape[2:]) != list(weight.shape[2:])
    ):
        raise Fault(f"weights of {list(weight.shape)} in {groups} groups don't fit an input of {list(x.shape)}")
    fields = _window(call, space, weight.shape[2:]) | {"groups": groups}
    if isinstance(weight, Const) and not net.owns(weight):
        weight = net.hold(weight, call.name, weight=True)
    if isinstance(weight, Data):
        kernel = net.whole(weight, call.name)
        value = net.add("dynamic_conv", [x.name, kernel], call.name, **fields)
        net.give(call, _biased(net, call, value, call.value(2)), x)
        return
    bias = call.const(2)
    if bias is not None and not net.owns(bias):
        value = net.layer(call, "conv", x.name, [weight], out=out, **fields, bias=False)
        array = bias.array()
        net.give(call, value if array is not None and not array.any() else _biased(net, call, value, bias), x)
        return
    value = net.layer(call, "conv", x.name, [weight, bias], out=out, **fields, bias=bias is not None)
    net.give(call, value, x, bare=None if bias is not None else net.flat.steps[-1])


@rule("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
def quantized(net: Net, call: Call) -> None:
    """The same on whole numbers: scales and zero points go with each tensor, and count nothing."""
    call.inputs = [call.value(k) for k in ((0, 3, 8) if call.op.startswith("QLinear") else (0, 1))]
    if "Conv" in call.op:
        conv(net, call)
    else:
        matmul(net, call)


def _biased(net: Net, call: Call, value: str, bias: Const | Data | None) -> str:
    """Return what a dynamic convolution gives with a bias added to each channel, if it has one."""
    if bias is None:
        return value
    held = net.data(call, 2)
    shape = net.shape_of(value)
    each = net.reshape(held.name, (shape[0], *(1,) * (len(shape) - 1)), f"{call.name}.bias")
    return net.add("add", [value, each], f"{call.name}.bias")


@rule("ConvTranspose")
def conv_transpose(net: Net, call: Call) -> None:
    """Transposed convolution: its padding is stated, or follows from the output's shape."""
    x, weight, bias, groups = net.data(call, 0), call.const(1), call.const(2), int(call.attr("group", 1))
    space = _image(net, x)
    if weight is None or len(weight.shape) != len(space) + 2 or weight.shape[0] != x.shape[1]:
        raise Fault("its weights don't fit its input")
    fields = _window(call, space, weight.shape[2:])
    extra = _numbers(call, "output_padding", len(space), 0)
    if call.attr("output_shape") or fields.get("padding") == "same" or call.attr("auto_pad") == "SAME_LOWER":
        fields["padding"] = padded(_cut(call, space, weight.shape[2:], extra))
    fields |= {"output_padding": alike(extra), "groups": groups, "bias": bias is not None}
    value = net.layer(call, "conv_transpose", x.name, [weight, bias], out=weight.shape[1] * groups, **fields)
    net.give(call, value, x, bare=None if bias is not None else net.flat.steps[-1])


def _cut(call: Call, space: Dims, kernel: Sequence[int], extra: Sequence[int]) -> Pairs:
    """Return the padding that gives the output the shape that is asked for."""
    axes = len(space)
    strides, dilations = (_numbers(call, name, axes, 1) for name in ("strides", "dilations"))
    wanted = [int(n) for n in call.attr("output_shape") or [n * s for n, s in zip(space, strides, strict=True)]]
    pairs = []
    for n, k, s, d, o, out in zip(space, kernel, strides, dilations, extra, wanted[-axes:], strict=True):
        total = s * (n - 1) + o + (k - 1) * d + 1 - out
        if total < 0:
            raise Fault(f"an output of {out} is more than its kernel reaches")
        pairs.append(halves(total) if call.attr("auto_pad") == "SAME_UPPER" else halves(total)[::-1])
    return pairs


@rule("MaxPool", "AveragePool")
def pool(net: Net, call: Call) -> None:
    """Maximum or average over windows."""
    x = net.data(call, 0)
    if call.op == "MaxPool":
        value = _pooled(net, call, "max_pool", x.shape, x.name)
        for place, out in enumerate(call.outputs[:2]):  # the places of the maxima are found with them
            if out:
                net.give(call, value, x, place)
    else:
        inside = bool(call.attr("count_include_pad", 0))
        net.give(call, _pooled(net, call, "avg_pool", x.shape, x.name, count_include_pad=inside), x)


@rule("LpPool")
def norm_pool(net: Net, call: Call) -> None:
    """The norm of each window: the root of as many times the mean of powers, as PyTorch composes it."""
    x = net.data(call, 0)
    value, back = _powered(net, call, x.name)
    value = _pooled(net, call, "avg_pool", x.shape, value, count_include_pad=True)
    size = prod(call.attr("kernel_shape"))
    value = net.add("arithmetic", [value], f"{call.name}.sum", op="multiply", by=size)
    net.give(call, net.add("arithmetic", [value], call.name, **back) if back else value, x)


def _powered(net: Net, call: Call, value: str) -> tuple[str, dict[str, Datum]]:
    """Return the elements to the power of p, without their signs, and the arithmetic of the p-th root (none of 1)."""
    p = call.attr("p", 2)
    if p < 1:
        raise Fault(f"costcalc has no norm of p = {p}")
    if p == 2:
        return net.add("arithmetic", [value], f"{call.name}.square", op="square"), {"op": "sqrt"}
    value = net.add("arithmetic", [value], f"{call.name}.absolute", op="absolute")
    if p == 1:
        return value, {}
    powered = net.add("arithmetic", [value], f"{call.name}.power", op="power", by=p)
    return powered, {"op": "power", "by": 1 / p}


def _pooled(net: Net, call: Call, kind: str, shape: Dims, value: str, **more: Datum) -> str:
    """Add a pool over windows of an image of this shape in ONNX, and return its value."""
    space = _space(net, shape)
    fields = _sliding(call, space, [int(n) for n in call.attr("kernel_shape") or ()])
    dilation, pads = fields["dilation"], fields["pads"]
    if kind == "avg_pool" and set(dilation) != {1}:
        raise Fault("costcalc's avg_pool has no dilation")
    if isinstance(pads, str):
        return pool_over(net.add, kind, value, call.name, space, (), **fields)
    ceil = bool(call.attr("ceil_mode", 0))
    out, behind = [], []
    for n, k, s, d, (before, after) in zip(space, fields["kernel"], fields["stride"], dilation, pads, strict=True):
        free = n + before + after - d * (k - 1) - 1
        windows = (ceil_div(free, s) if ceil else free // s) + 1
        out.append(windows - (ceil and (windows - 1) * s >= n + before))  # none begins in the border behind
        behind.append(after + (out[-1] - 1) * s - free)
    if ceil:
        net.rounded[call.outputs[0]] = [*(before for before, _ in pads), *behind]
    more = more if any(map(any, pads)) else {}
    return pool_over(net.add, kind, value, call.name, space, out, **fields, **more, ceil_mode=ceil)


@rule("MaxUnpool")
def unpool(net: Net, call: Call) -> None:
    """Numbers back to the places where a pool found them."""
    x, places, shape = net.data(call, 0), net.data(call, 1), call.known(2)
    space = _image(net, x)
    if shape is None:
        fields = _sliding(call, space, [int(n) for n in call.attr("kernel_shape") or ()])
        pads = [sum(pair) for pair in fields["pads"]]
        each = zip(space, fields["stride"], fields["kernel"], pads, strict=True)
        whole = (*x.shape[:2], *((n - 1) * s + k - border for n, s, k, border in each))
    else:
        whole = tuple(int(n) for n in shape.reshape(-1))
    note = "numbers are moved, and none multiplied"
    fields = {"shape": list(net.dims(whole)), "params": 0, "macs": 0, "note": note}
    net.put(call, net.add("custom", [x.name, places.name], call.name, **fields), whole)


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(net: Net, call: Call) -> None:
    """A number for each channel, with axes of length 1 where space was."""
    x = net.data(call, 0)
    axes = len(_image(net, x))
    kind, word = {
        "GlobalAveragePool": ("adaptive_avg_pool", "mean"),
        "GlobalMaxPool": ("adaptive_max_pool", "maximum"),
        "GlobalLpPool": ("", "norm"),
    }[call.op]
    if call.attr("p", 2) != 2:
        value, back = _powered(net, call, x.name)
        value = net.add("reduce_axes", [value], f"{call.name}.sum", op="sum", axes=list(range(1, axes + 1)), keep=True)
        net.give(call, net.add("arithmetic", [value], call.name, **back) if back else value, x)
        return
    if kind and axes <= 3:
        net.give(call, net.add(kind, [x.name], call.name, size=1), x)
    else:
        fields = {"op": word, "axes": list(range(1, axes + 1)), "keep": True}
        net.give(call, net.add("reduce_axes", [x.name], call.name, **fields), x)


# ---- products with weights -----------------------------------------------------------------------


def linear(net: Net, call: Call, x: Data, axis: int, weight: Const, bias: Const | None, out: int) -> None:
    """Add a fully connected layer over one axis of the spec's tensor, at each position of the others."""
    order = [axis, *(k for k in range(len(net.dims(x.shape))) if k != axis)]
    back = [order.index(k) for k in range(len(order))]
    fields: dict[str, Datum] = {"out": out, "per_position": len(order) > 1, "bias": bias is not None}
    front = net.permute(x.name, order, call.name)
    value = net.layer(call, "fc", front, [weight, bias], **fields)
    step = net.flat.steps[-1]
    moved = net.permute(value, back, step.name)
    net.give(call, moved, x, bare=None if bias is not None else step, axis=axis)


@rule("Gemm")
def gemm(net: Net, call: Call) -> None:
    """A fully connected layer, or a product of two tensors, with something added."""
    x, weight, added = factor(net, call, 0), call.value(1), call.value(2)
    if len(x.shape) != 2 or weight is None or len(weight.shape) != 2:
        raise Fault("takes two matrices")
    x = turned(net, x, call.name) if call.attr("transA", 0) else x
    k, out = weight.shape[::-1] if call.attr("transB", 0) else weight.shape
    _fits(x.shape[1], k)
    plain = added is None or (isinstance(added, Const) and added.shape in ((out,), (1, out)))
    axis = len(net.dims(x.shape)) - 1
    learned = isinstance(weight, Const) and net.owns(weight)
    if isinstance(weight, Const) and learned:
        linear(net, call, x, axis, weight, call.const(2) if plain else None, out)
    else:
        matrix = factor(net, call, 1)
        _product(net, call, x, turned(net, matrix, call.name) if call.attr("transB", 0) else matrix)
    if plain and learned:
        return
    if added is not None:
        made = net.values[call.outputs[0]]
        operands = [made, factor(net, call, 2)]
        value = join(net, "add", [one for one in operands if isinstance(one, Data)], f"{call.name}.add")
        net.put(call, value, made.shape)


def turned(net: Net, x: Data, name: str) -> Data:
    """Return a matrix with its axes exchanged."""
    shape = x.shape[::-1]
    value = net.permute(net.whole(x, name), [1, 0], name)
    return Data(net.reshape(value, net.dims(shape), name), shape, still=x.still, image=x.image)


@rule("MatMul")
def matmul(net: Net, call: Call) -> None:
    """A fully connected layer where one side is a matrix of weights, else the product of two tensors."""
    a, b = call.value(0), call.value(1)
    if a is None or b is None:
        raise Fault("an input is missing")
    if isinstance(b, Const) and _is_matrix(net, b) and len(a.shape) > 1:
        x = net.data(call, 0)
        _fits(a.shape[-1], b.shape[0])
        linear(net, call, x, len(net.dims(x.shape)) - 1, b, None, b.shape[1])
    elif isinstance(b, Data) and isinstance(a, Const) and _is_matrix(net, a) and len(net.dims(b.shape)) > 1:
        _fits(a.shape[1], b.shape[-2])
        linear(net, call, b, len(net.dims(b.shape)) - 2, a, None, a.shape[0])
    else:
        _product(net, call, factor(net, call, 0), factor(net, call, 1))


def _is_matrix(net: Net, weight: Const) -> bool:
    """Say whether a constant is the matrix of a fully connected layer."""
    return len(weight.shape) == 2 and net.owns(weight)


def factor(net: Net, call: Call, place: int) -> Data:
    """Return a tensor that a layer multiplies or adds: a constant is one of its weights."""
    value = call.value(place)
    return net.hold(value, call.name, weight=True) if isinstance(value, Const) else net.data(call, place)


def _fits(inner: int, other: int) -> None:
    if inner != other:
        raise Fault(f"the inner sizes {inner} and {other} differ")


def _product(net: Net, call: Call, a: Data, b: Data) -> None:
    """Add the product of two tensors, their leading axes made equal."""
    if min(len(a.shape), len(b.shape)) < 2:
        raise Fault("costcalc takes no product with a vector here")
    _fits(a.shape[-1], b.shape[-2])
    front = shapes.broadcast([a.shape[:-2], b.shape[:-2]])
    given = (*front, a.shape[-2], b.shape[-1])
    cut = 1 if len(given) > 2 and given[0] == net.batch else 0
    operands = [expanded(net, one, (*front, *one.shape[-2:]), cut, call.name) for one in (a, b)]
    net.put(call, net.add("matmul", operands, call.name), given)


def expanded(net: Net, x: Data, shape: Dims, cut: int, name: str) -> str:
    """Return a tensor repeated to a shape (batch included), of which the spec leaves out so many axes in front."""
    value = net.reshape(x.name, shapes.padded(x.shape, len(shape))[cut:], name)
    if net.shape_of(value) == shape[cut:]:
        return value
    return net.add("broadcast_to", [value], f"{name}.broadcast", shape=list(shape[cut:]))


def join(net: Net, kind: str, operands: Sequence[Data], name: str, **fields: Datum) -> str:
    """Return tensors joined element by element, broadcast by numpy's rule."""
    whole = shapes.broadcast([x.shape for x in operands])
    cut = net.lead(whole)
    wanted = [shapes.padded(x.shape, len(whole))[cut:] or (1,) for x in operands]
    sources = [net.unmoved(x.name) for x in operands]
    order = sources[0][1]
    if order is not None and all(o == order for _, o in sources) and len(set(wanted)) == 1:
        return net.permute(net.add(kind, [value for value, _ in sources], name, **fields), order, name)
    return net.add(kind, [net.reshape(x.name, d, name) for x, d in zip(operands, wanted, strict=True)], name, **fields)


# ---- norms ---------------------------------------------------------------------------------------


@rule("BatchNormalization")
def batch_norm(net: Net, call: Call) -> None:
    """Batch normalization: scale and bias are learned, mean and variance stored."""
    x = net.data(call, 0)
    if any(call.const(k) is None for k in range(1, 5)) or not net.lead(x.shape):
        raise Fault("an input is missing")
    net.give(call, _affine(net, call, "batch_norm", {}, {"affine": False}), x)


def _affine(net: Net, call: Call, kind: str, with_: dict[str, Datum], without: dict[str, Datum]) -> str:
    """Return a norm with its scale and bias; an exporter has put ones and zeros in the places of what it has not."""
    x = net.data(call, 0).name
    scale, bias = (None if _neutral(call.const(k), number) else call.const(k) for k, number in ((1, 1), (2, 0)))
    if scale is None and bias is None:
        return net.add(kind, [x], call.name, **without)
    if kind == "instance_norm":
        return net.layer(call, kind, x, [call.const(1), call.const(2)], **with_)
    return net.layer(call, kind, x, [scale, bias], **with_, **_missing(scale, bias))


def _missing(scale: Const | None, bias: Const | None) -> dict[str, Datum]:
    """Return the fields of a norm that say which of gamma and beta it has not."""
    return {word: False for word, const in (("scale", scale), ("bias", bias)) if const is None}


def _neutral(const: Const | None, number: int) -> bool:
    """Say whether a constant is not learned, and where it is not known to be so, holds this number alone."""
    if const is None:
        return True
    origins = {root.origin for root in const.roots}
    if origins <= set(UNLEARNED):
        return True
    array = const.array() if origins <= {Origin.CONSTANT, Origin.FOLDED} else None
    return array is not None and bool((array == number).all())


@rule("InstanceNormalization")
def instance_norm(net: Net, call: Call) -> None:
    """Instance normalization."""
    x, scale, bias = net.data(call, 0), call.const(1), call.const(2)
    _image(net, x)
    if scale is None or bias is None:
        raise Fault("an input is missing")
    net.give(call, _affine(net, call, "instance_norm", {"affine": True}, {}), x)


@rule("GroupNormalization")
def group_norm(net: Net, call: Call) -> None:
    """Group normalization, with a scale and a bias for each channel."""
    x, scale, bias = net.data(call, 0), call.const(1), call.const(2)
    _image(net, x)
    if scale is None or bias is None or scale.size != x.shape[1]:
        raise Fault("costcalc's group_norm learns a scale and a bias a channel", "opset 21 and later have these")
    fields = {"groups": int(call.attr("num_groups", 1))}
    net.give(call, _affine(net, call, "group_norm", fields, fields | {"affine": False}), x)


@rule("LayerNormalization", "RMSNormalization")
def layer_norm(net: Net, call: Call) -> None:
    """Layer normalization over the last axes, which become the channels while it is done."""
    x, scale, bias = net.data(call, 0), call.const(1), call.const(2)
    first = shapes.axis(int(call.attr("axis", -1)), len(x.shape)) - net.lead(x.shape)
    dims = net.dims(x.shape)
    if first < 0:
        raise Fault("normalizes over the batch")
    kind = "layer_norm" if call.op == "LayerNormalization" else "rms_norm"
    kept = dims[:first]
    last = net.reshape(x.name, (*kept, prod(dims[first:])), call.name)
    front = net.permute(last, [len(kept), *range(len(kept))], call.name)
    gamma, beta = (None if _neutral(const, number) else const for const, number in ((scale, 1), (bias, 0)))
    if gamma is None and beta is None:
        value = net.add(kind, [front], call.name, affine=False)
    else:
        fields = _missing(gamma, beta) if kind == "layer_norm" else {}
        value = net.layer(call, kind, front, [gamma, beta], **fields)
    back = net.permute(value, [*range(1, len(kept) + 1), 0], call.name)
    net.put(call, net.reshape(back, dims, call.name), x.shape)


@rule("LRN")
def local_response_norm(net: Net, call: Call) -> None:
    """Local response normalization over neighbouring channels."""
    x = net.data(call, 0)
    net.give(call, net.add("lrn", [x.name], call.name, size=int(call.attr("size", 5))), x)
