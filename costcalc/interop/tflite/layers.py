"""TFLite's layers -> steps: convolutions, pools, products with weights and of two tensors."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.tflite.file import Dims
from costcalc.interop.tflite.net import Draft, Fixed, Flowing, Invocation, Value, broadcast, padded, rule
from costcalc.interop.tflite.schema import ACTIVATIONS, SAME
from costcalc.language.flat import Pairs, alike, halves, window_fields
from costcalc.language.flat import padded as padding
from costcalc.numbers.num import LARGEST, prod

# ---- windows -------------------------------------------------------------------------------------


def act(call: Invocation) -> str:
    """Return the activation that is a part of the operator."""
    number = call.options.get("act", 0)
    if number not in ACTIVATIONS:
        raise Fault(f"costcalc has no activation of number {number}")
    return ACTIVATIONS[number]


def _each(call: Invocation, word: str, axes: int, default: int = 1) -> list[int]:
    """Return an option of the last two or three axes, and 1 for images that stand side by side before them."""
    names = [f"{word}_{letter}" for letter in "dhw"][-2:] if f"{word}_d" not in call.options else None
    found = [int(call.options.get(name, default)) for name in names or [f"{word}_{letter}" for letter in "dhw"]]
    if not all(0 < n < LARGEST for n in found):
        raise Fault(f"its {word} of {found} is none")
    return [1] * (axes - len(found)) + found


def _kernel(size: Sequence[int], axes: int) -> list[int]:
    return [1] * (axes - len(size)) + list(size)


def _window(call: Invocation, size: Sequence[int], axes: int) -> dict[str, Datum]:
    """Return kernel, stride, padding and dilation as a spec writes them."""
    same = call.options.get("padding") == SAME and set(size) != {1}  # of one place nothing is added
    pads: Pairs | str = "same" if same else [(0, 0)] * axes
    return window_fields(_kernel(size, axes), _each(call, "stride", axes), pads, _each(call, "dilation", axes))


def given(net: Draft, x: Flowing, order: Dims, value: str) -> Flowing:
    """Return what an operator of windows gives: `x` with other channels and space."""
    dims = dict(zip(order, net.dims(value), strict=True))
    return net.data(value, [dims.get(axis, n) for axis, n in enumerate(x.shape)], order)


def weight(call: Invocation, place: int, axes: int) -> Fixed:
    """Return the constant of weights at a place, which has so many axes."""
    const = call.const(place)
    if const is None or len(const.shape) != axes:
        raise Fault(f"its weights have not {axes} axes")
    return const


def _spread(call: Invocation, fields: dict[str, Datum]) -> dict[str, Datum]:
    """Return the fields of a convolution; of one that was to run over pixels apart they are dilated instead."""
    if "spread" not in call.options:
        return fields
    block, borders = call.options["spread"]
    if fields["stride"] != 1 or fields.get("dilation", 1) != 1 or fields["padding"] == "same":
        raise Fault("runs over pixels that were dealt out, with a stride, a dilation or a border of its own")
    return fields | {"dilation": alike(block), "padding": padding(borders)}


@rule("CONV_2D", "CONV_3D")
def conv(net: Draft, call: Invocation) -> Value:
    """Convolution; its groups show only in how many input channels a kernel has."""
    x, axes = net.tensor(call, 0), 4 if call.op == "CONV_2D" else 5
    order, bias = net.image(x), call.const(2)
    w = call.value(1)
    if w is None or len(w.shape) != axes or len(x.shape) != axes:
        raise Fault(f"its input and its weights have not {axes} axes")
    # 2-D weights are [out, height, width, in / groups], 3-D ones [depth, height, width, in / groups, out].
    out, size, inner = (w.shape[0], w.shape[1:-1], w.shape[-1]) if axes == 4 else (w.shape[4], w.shape[:3], w.shape[3])
    groups = x.shape[-1] // max(1, inner)
    if inner * groups != x.shape[-1]:
        raise Fault(f"{x.shape[-1]} channels are no multiple of the {inner} that a kernel has")
    fields = _spread(call, _window(call, size, len(order) - 1)) | {"groups": groups, "act": act(call)}
    front = net.arranged(x, order, call.name)
    if isinstance(w, Fixed) and (not w.roots.keys() <= net.flat.owners.keys() or _shared(net, w, bias)):
        return given(net, x, order, net.layer("conv", front, call.name, [w, bias], out=out, **fields))
    if len(size) != len(order) - 1:
        raise Fault("convolves several images with a kernel that is computed")
    form = (0, 3, 1, 2) if axes == 4 else (4, 3, 0, 1, 2)
    value = net.arranged(net.tensor(call, 1, form, learned=True), form, call.name)
    fields.pop("act")
    value = net.add("dynamic_conv", [front, value], call.name, **fields)
    if bias is not None:
        value = net.add("add", [value, net.hold(bias, call.name, learned=True).name], f"{call.name}.bias")
    return given(net, x, order, net.activated(value, call, act(call)))


def _shared(net: Draft, w: Fixed, bias: Fixed | None) -> bool:
    """Say whether a layer before has these weights and this bias, and no others."""
    return net.shares(w.roots | (bias.roots if bias is not None else {}))


@rule("DEPTHWISE_CONV_2D")
def depthwise(net: Draft, call: Invocation) -> Value:
    """Depthwise convolution, with weights of [1, height, width, channels times multiplier]."""
    x, w = net.tensor(call, 0), weight(call, 1, 4)
    order = net.image(x)
    multiplier = w.shape[3] // x.shape[-1]
    if multiplier * x.shape[-1] != w.shape[3]:
        raise Fault(f"{w.shape[3]} kernels are no multiple of {x.shape[-1]} channels")
    fields = _spread(call, _window(call, w.shape[1:3], len(order) - 1))
    fields |= {"multiplier": multiplier, "act": act(call)}
    front = net.arranged(x, order, call.name)
    return given(net, x, order, net.layer("dwconv", front, call.name, [w, call.const(2)], **fields))


@rule("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE")
def transposed(net: Draft, call: Invocation) -> Value:
    """Transposed convolution: its data is input 2, and what it gives has the shape that input 0 says."""
    axes = 4 if call.op == "TRANSPOSE_CONV" else 5
    shape, x, w, bias = call.wholes(0), net.tensor(call, 2), weight(call, 1, axes), call.const(3)
    order = net.image(x)
    # 2-D weights are [out, height, width, in], 3-D ones [depth, height, width, out, in].
    out, size = (w.shape[0], w.shape[1:3]) if axes == 4 else (w.shape[3], w.shape[:3])
    if len(shape) != axes or len(x.shape) != axes or len(order) != axes - 1 or shape[-1] != out:
        raise Fault(f"takes one image and a shape of {axes} numbers")
    return unpooled(net, call, x, shape[1:-1], size, [w, bias])


def unpooled(
    net: Draft,
    call: Invocation,
    x: Flowing,
    wanted: Sequence[int],
    size: Sequence[int],
    weights: Sequence[Fixed | None],
) -> Flowing:
    """Add a transposed convolution that gives space of this size: what is more is cut off, what is less added."""
    order = net.image(x)
    space = [x.shape[axis] for axis in order[1:]]
    strides, dilations = (_each(call, word, len(space)) for word in ("stride", "dilation"))
    cut, extra = [], []
    for n, k, s, d, m in zip(space, size, strides, dilations, wanted, strict=True):
        total = s * (n - 1) + d * (k - 1) + 1 - m
        cut.append(halves(max(total, 0)))
        extra.append(max(-total, 0))
    out = weights[0].shape[0] if weights[0] is not None and len(space) == 2 else weights[0].shape[3]  # type: ignore[union-attr]
    fields = window_fields(size, strides, cut, dilations)
    if any(extra):
        fields["output_padding"] = alike(extra)
    front = net.arranged(x, order, call.name)
    value = net.layer("conv_transpose", front, call.name, weights, out=out, **fields, act=act(call))
    return given(net, x, order, value)


@rule("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D")
def pool(net: Draft, call: Invocation) -> Value:
    """Maximum, average, or root of the mean of squares over windows."""
    x = net.tensor(call, 0)
    order = net.image(x)
    fields = _window(call, _each(call, "filter", 2), len(order) - 1)
    value, kind = net.arranged(x, order, call.name), "max_pool" if call.op == "MAX_POOL_2D" else "avg_pool"
    if call.op == "L2_POOL_2D":
        value = net.add("arithmetic", [value], f"{call.name}.square", op="square")
    value = net.add(kind, [value], call.name, **fields)
    if call.op == "L2_POOL_2D":
        value = net.add("arithmetic", [value], f"{call.name}.root", op="sqrt")
    return given(net, x, order, net.activated(value, call, act(call)))


# ---- products ------------------------------------------------------------------------------------


@rule("FULLY_CONNECTED")
def fully_connected(net: Draft, call: Invocation) -> Value:
    """Fully connected layer over the last axis at each place, or over all of a tensor; weights are [out, in]."""
    x, w, bias = net.tensor(call, 0), call.value(1), call.const(2)
    if w is None or len(w.shape) != 2:
        raise Fault("its weights are no matrix")
    out, inner = w.shape
    if not x.shape or x.shape[-1] != inner:
        x = folded(net, x, inner, call.name)
    shape = (*x.shape[:-1], out) if call.options.get("keep") else (prod(x.shape[:-1]), out)
    known = isinstance(w, Fixed) and (not w.roots.keys() <= net.flat.owners.keys() or _shared(net, w, bias))
    if known and isinstance(w, Fixed):
        made = linear(net, call, x, out, [w, bias], act=act(call))
        return regrouped(net, made, shape, call.name)
    matrix = net.tensor(call, 1, learned=True)
    made = product(net, call, x, transposed_matrix(matrix))
    value = made.name
    if bias is not None:
        held = net.hold(bias, call.name, learned=True)
        dims = [bias.size if axis == len(made.shape) - 1 else 1 for axis in made.order]
        value = net.add("add", [value, net.reshaped(held.name, dims, call.name)], f"{call.name}.bias")
    made = net.data(net.activated(value, call, act(call)), made.shape, made.order)
    return regrouped(net, made, shape, call.name)


def linear(
    net: Draft, call: Invocation, x: Flowing, out: int, weights: Sequence[Fixed | None], **fields: Datum
) -> Flowing:
    """Add a fully connected layer over the last axis, at each place of the others."""
    last = net.last(x)
    order = net.leading(x, (last,))
    value = net.layer(
        "fc", net.arranged(x, order, call.name), call.name, weights, out=out, per_position=len(order) > 1, **fields
    )
    return net.data(value, (*x.shape[:-1], out), order)


def folded(net: Draft, x: Flowing, inner: int, name: str) -> Flowing:
    """Return a tensor as rows of so many numbers."""
    size = prod(x.shape)
    if inner < 1 or size % inner:
        raise Fault(f"takes rows of {inner} numbers, and the input has {size:,}")
    return regrouped(net, x, (size // inner, inner), name)


def transposed_matrix(x: Flowing) -> Flowing:
    """Return a tensor with its last two axes exchanged: nothing is moved yet."""
    rank = len(x.shape)
    swap = {rank - 1: rank - 2, rank - 2: rank - 1}
    return Flowing(x.name, (*x.shape[:-2], x.shape[-1], x.shape[-2]), [swap.get(axis, axis) for axis in x.order])


@rule("BATCH_MATMUL")
def batch_matmul(net: Draft, call: Invocation) -> Value:
    """Product of two tensors of matrices; with a constant matrix a fully connected layer."""
    a, b = call.value(0), call.value(1)
    if a is None or b is None or min(len(a.shape), len(b.shape)) < 2:
        raise Fault("takes two matrices")
    x = net.tensor(call, 0, learned=True)
    x = transposed_matrix(x) if call.options.get("adj_x") else x
    if isinstance(b, Fixed) and prod(b.shape[:-2]) == 1 and not b.roots.keys() <= net.flat.owners.keys():
        inner, out = b.shape[-2:][::-1] if call.options.get("adj_y") else b.shape[-2:]
        if inner != x.shape[-1]:
            raise Fault(f"the inner sizes {x.shape[-1]} and {inner} differ")
        made = linear(net, call, x, out, [b, None])
        return regrouped(net, made, (*padded(x.shape[:-1], len(b.shape) - 1), out), call.name)
    y = net.tensor(call, 1, learned=True)
    return product(net, call, x, transposed_matrix(y) if call.options.get("adj_y") else y)


def product(net: Draft, call: Invocation, a: Flowing, b: Flowing) -> Flowing:
    """Add the product of two tensors, their leading axes made equal."""
    if a.shape[-1] != b.shape[-2]:
        raise Fault(f"the inner sizes {a.shape[-1]} and {b.shape[-2]} differ")
    front = broadcast([a.shape[:-2], b.shape[:-2]])
    rank = len(front) + 2
    order = [axis for axis, n in enumerate(front) if n != 1] + [rank - 2, rank - 1]
    operands = [expanded(net, one, (*front, *one.shape[-2:]), order, call.name) for one in (a, b)]
    return net.data(net.add("matmul", operands, call.name), (*front, a.shape[-2], b.shape[-1]), order)


def expanded(net: Draft, x: Flowing, shape: Dims, order: Sequence[int], name: str) -> str:
    """Return a tensor's value with these axes, those of length 1 repeated."""
    ranked = lifted(x, len(shape))
    value = net.arranged(ranked, order, name)
    dims = [shape[axis] for axis in order]
    return value if list(net.dims(value)) == dims else net.add("broadcast_to", [value], f"{name}.broadcast", shape=dims)


def lifted(x: Flowing, rank: int) -> Flowing:
    """Return a tensor with axes of length 1 in front."""
    more = rank - len(x.shape)
    return Flowing(x.name, padded(x.shape, rank), [axis + more for axis in x.order]) if more else x


# ---- the same numbers under another shape ----------------------------------------------------------


def regrouped(net: Draft, x: Flowing, shape: Sequence[int], name: str) -> Flowing:
    """Return a tensor under another shape: axes split or merge where they stand, and move only where they must."""
    shape = tuple(int(n) for n in shape)
    if prod(x.shape) != prod(shape):
        raise Fault(f"{list(x.shape)} can't be reshaped to {list(shape)}")
    groups = _groups(x.shape, shape)
    own = {axis: k for k, (axes, _) in enumerate(groups) for axis in axes}
    long = [axis for axis in x.order if x.shape[axis] != 1]
    runs = list(dict.fromkeys(own[axis] for axis in long))
    if [axis for k in runs for axis in groups[k][0]] != long and len(groups) > 1:
        runs = [len(groups) - 1, *range(len(groups) - 1)]  # channels first, what they become too
        front = [axis for k in runs for axis in groups[k][0]]
        x = Flowing(net.arranged(x, front, name), x.shape, front)
    order = [axis for k in runs for axis in groups[k][1]]
    plain = all(len(groups[k][0]) == len(groups[k][1]) == 1 for k in runs)
    if plain:  # only axes of length 1 come or go
        names = {groups[k][0][0]: groups[k][1][0] for k in runs}
        if all(axis in names for axis in x.order):
            return net.data(x.name, shape, [names[axis] for axis in x.order])
    return net.data(net.reshaped(x.name, [shape[axis] for axis in order], name), shape, order)


def _groups(old: Dims, new: Dims) -> list[tuple[list[int], list[int]]]:
    """Return which axes of one shape become which of another, in least groups; those of length 1 are in none."""
    left = [axis for axis, n in enumerate(old) if n != 1]
    right = [axis for axis, n in enumerate(new) if n != 1]
    groups: list[tuple[list[int], list[int]]] = []
    while left or right:
        mine, theirs = [left.pop(0)], [right.pop(0)]
        a, b = old[mine[0]], new[theirs[0]]
        while a != b:
            if a < b:
                mine.append(left.pop(0))
                a *= old[mine[-1]]
            else:
                theirs.append(right.pop(0))
                b *= new[theirs[-1]]
        groups.append((mine, theirs))
    return groups
