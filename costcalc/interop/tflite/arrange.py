"""TFLite's operators that move, cut, repeat, look up or resize -> steps that cost nothing, or next to nothing."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.tflite.fold import reshaped, sliced
from costcalc.interop.tflite.layers import act, expanded, given, regrouped
from costcalc.interop.tflite.net import Draft, Fixed, Flowing, Invocation, Value, axis_of, rule
from costcalc.language.flat import padded as padding
from costcalc.numbers.num import prod

MOST_PIECES = 64  # that a tensor is cut into to be put together in another order
NO_PRODUCT = "numbers are moved or compared, and none multiplied"

# ---- other axes ----------------------------------------------------------------------------------


@rule("CAST", "QUANTIZE", "DEQUANTIZE", "FAKE_QUANT", "DENSIFY", "BITCAST", "STABLEHLO_CONVERT")
def same(net: Draft, call: Invocation) -> Value:
    """What changes no number of elements, and costs nothing: the value goes on."""
    return net.tensor(call, 0)


@rule("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(net: Draft, call: Invocation) -> Value:
    """The same elements on other axes."""
    x = net.tensor(call, 0)
    return regrouped(net, x, reshaped(call, x.shape), call.name)


@rule("TRANSPOSE")
def transpose(net: Draft, call: Invocation) -> Value:
    """The axes in another order: nothing is moved before something needs them so."""
    x, order = net.tensor(call, 0), call.wholes(1)
    if sorted(order) != list(range(len(x.shape))):
        raise Fault(f"{order} is no order of {len(x.shape)} axes")
    return net.data(x.name, [x.shape[axis] for axis in order], [order.index(axis) for axis in x.order])


@rule("BROADCAST_TO")
def broadcast_to(net: Draft, call: Invocation) -> Value:
    """Axes of length 1 repeated."""
    x, shape = net.tensor(call, 0), tuple(call.wholes(1))
    order = tuple(axis + len(shape) - len(x.shape) for axis in x.order)
    order += tuple(axis for axis, n in enumerate(shape) if n != 1 and axis not in order)
    return net.data(expanded(net, x, shape, order, call.name), shape, order)


@rule("TILE")
def tile(net: Draft, call: Invocation) -> Value:
    """The whole tensor side by side with itself, along each axis."""
    x, counts = net.tensor(call, 0), call.wholes(1)
    if len(counts) != len(x.shape):
        raise Fault(f"repeats {len(counts)} axes of {len(x.shape)}")
    for axis, count in enumerate(counts):
        if count == 1:
            continue
        if x.shape[axis] == 1 and count > 0:
            shape = tuple(count if k == axis else n for k, n in enumerate(x.shape))
            order = x.order if axis in x.order else (*x.order, axis)
            x = net.data(expanded(net, x, shape, order, call.name), shape, order)
        elif 0 < count <= MOST_PIECES:
            x = concatenated(net, call, [x] * count, axis)
        else:
            raise Fault(f"repeats {count} times; 1 to {MOST_PIECES} are taken")
    return x


@rule("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def shuffled(net: Draft, call: Invocation) -> Value:
    """Channels become pixels, or pixels channels; in which order costs nothing."""
    x = net.tensor(call, 0)
    order, kind = net.image(x), "pixel_shuffle" if call.op == "DEPTH_TO_SPACE" else "space_to_depth"
    if len(order) != 3:
        raise Fault("takes one image")
    value = net.add(kind, [net.arranged(x, order, call.name)], call.name, scale=call.options["block"])
    return given(net, x, order, value)


# ---- parts ---------------------------------------------------------------------------------------


@rule("CONCATENATION")
def concatenation(net: Draft, call: Invocation) -> Value:
    """Tensors side by side along an axis; those of no elements are none."""
    places = [k for k, value in enumerate(call.inputs) if value is not None and prod(value.shape)]
    operands = [net.tensor(call, k) for k in places]
    axis = axis_of(call.options.get("axis", 0), len(operands[0].shape) if operands else 0)
    made = concatenated(net, call, operands, axis)
    return net.data(net.activated(made.name, call, act(call)), made.shape, made.order)


def concatenated(net: Draft, call: Invocation, operands: Sequence[Flowing], axis: int) -> Flowing:
    """Add tensors side by side along an axis."""
    if len({len(x.shape) for x in operands}) > 1:
        raise Fault("joins tensors of unlike axes")
    shape = [sum(x.shape[axis] for x in operands) if k == axis else n for k, n in enumerate(operands[0].shape)]
    whole = max(operands, key=lambda x: len(x.order))
    order = whole.order if axis in whole.order else (*whole.order, axis)
    values = [net.arranged(x, order, call.name) for x in operands]
    if len(values) == 1:
        return net.data(values[0], shape, order)
    return net.data(net.add("concat", values, call.name, axis=order.index(axis)), shape, order)


@rule("PACK")
def pack(net: Draft, call: Invocation) -> Value:
    """Tensors side by side along an axis that is new."""
    operands = [net.tensor(call, k) for k in range(len(call.inputs))]
    axis = axis_of(call.options.get("axis", 0), len(operands[0].shape) + 1)
    return concatenated(net, call, [inserted(x, axis) for x in operands], axis)


def inserted(x: Flowing, axis: int) -> Flowing:
    """Return a tensor with one more axis, of length 1, at a place."""
    return Flowing(x.name, (*x.shape[:axis], 1, *x.shape[axis:]), [k + (k >= axis) for k in x.order])


def dropped(net: Draft, x: Flowing, axis: int, name: str) -> Flowing:
    """Return a tensor without an axis of length 1."""
    value = net.arranged(x, [k for k in x.order if k != axis], name)
    left = [k - (k > axis) for k in x.order if k != axis]
    return net.data(value, (*x.shape[:axis], *x.shape[axis + 1 :]), left)


@rule("UNPACK")
def unpack(net: Draft, call: Invocation) -> list[Value]:
    """Each place of an axis as a tensor of its own."""
    x = net.tensor(call, 0)
    axis = axis_of(call.options.get("axis", 0), len(x.shape))
    return [dropped(net, one, axis, call.name) for one in cut(net, call, x, axis, [1] * x.shape[axis])]


@rule("SPLIT", "SPLIT_V")
def split(net: Draft, call: Invocation) -> list[Value]:
    """A tensor in pieces along an axis."""
    late = call.op == "SPLIT_V"
    x = net.tensor(call, 0 if late else 1)
    axis, count = axis_of(call.whole(2 if late else 0), len(x.shape)), len(call.outputs)
    length = x.shape[axis]
    sizes = call.wholes(1) if late else [length // count] * count
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = length - sum(sizes) - 1
    if sum(sizes) != length or len(sizes) != count or min(sizes) < 1:
        raise Fault(f"{length} places can't be split into {count} parts of {sizes[:8]}")
    return list(cut(net, call, x, axis, sizes))


def cut(net: Draft, call: Invocation, x: Flowing, axis: int, sizes: Sequence[int]) -> list[Flowing]:
    """Return the pieces of an axis: a split, or where some are not used, those that are."""
    if len(sizes) == 1:
        return [x]
    order = x.order if axis in x.order else (*x.order, axis)
    value = net.arranged(x, order, call.name)
    fields: dict[str, Datum] = {"parts": len(sizes)} if len(set(sizes)) == 1 else {"sizes": list(sizes)}
    made = net.add_all("split", [value], call.name, fields | {"axis": order.index(axis)})
    return [
        net.data(one, [size if k == axis else n for k, n in enumerate(x.shape)], order)
        for one, size in zip(made, sizes, strict=True)
    ]


@rule("SLICE", "STRIDED_SLICE")
def slice_(net: Draft, call: Invocation) -> Value:
    """A part of one or more axes; of steps below zero, in the opposite order."""
    x = net.tensor(call, 0)
    taken, form = sliced(call, x.shape)
    shape, value, order = list(x.shape), x.name, x.order
    for axis, asked in enumerate(taken):
        places = asked
        if len(places) == x.shape[axis] and places.step == 1:
            continue
        if not places:
            return Fixed((*shape[:axis], 0, *shape[axis + 1 :]), [])
        if axis not in order:  # of the one place there is
            continue
        at = order.index(axis)
        if places.step < 0:
            value = net.add("flip", [value], call.name, axes=[at])
            places = range(x.shape[axis] - 1 - places.start, x.shape[axis] - 1 - places.stop, -places.step)
        value = part(net, value, call.name, at, places.start, places.stop, places.step)
        shape[axis] = len(places)
    made = net.data(value, shape, order)
    return regrouped(net, made, form, call.name) if list(form) != shape else made


def part(net: Draft, value: str, name: str, at: int, start: int, stop: int, step: int = 1) -> str:
    """Return a part of one of the spec's axes."""
    length = net.dims(value)[at]
    if (start, min(stop, length), step) == (0, length, 1):
        return value
    return net.add("slice", [value], name, start=start, stop=None if stop >= length else stop, step=step, axis=at)


@rule("GATHER")
def gather(net: Draft, call: Invocation) -> Value:
    """One place of an axis, which goes; or some places, in their order; or those that the image names."""
    table, index = call.value(0), call.value(1)
    if table is None or index is None or call.options.get("batch"):
        raise Fault("takes its places for each image of a batch")
    axis = axis_of(call.options.get("axis", 0), len(table.shape))
    if isinstance(index, Flowing) or index.values is None:
        return looked_up(net, call, table, net.tensor(call, 1), axis)
    x, length = net.tensor(call, 0), table.shape[axis]
    places = [int(n) + length * (n < 0) for n in index.values]
    if not places or not all(0 <= n < length for n in places) or len(places) > max(MOST_PIECES, length):
        raise Fault(f"takes {len(places)} places of {length}")
    made = chosen(net, call, x, axis, places)
    return regrouped(net, made, (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), call.name)


def chosen(net: Draft, call: Invocation, x: Flowing, axis: int, places: Sequence[int]) -> Flowing:
    """Return known places of an axis, side by side."""
    order = x.order if axis in x.order else (*x.order, axis)
    value, at, length = net.arranged(x, order, call.name), order.index(axis), x.shape[axis]
    shape = [len(places) if k == axis else n for k, n in enumerate(x.shape)]
    if list(places) == list(range(places[0], places[0] + len(places))):
        value = part(net, value, call.name, at, places[0], places[-1] + 1)
    elif list(places) == list(range(length))[::-1]:
        value = net.add("flip", [value], call.name, axes=[at])
    elif len(places) <= MOST_PIECES:
        pieces = [part(net, value, f"{call.name}.place", at, n, n + 1) for n in places]
        value = net.add("concat", pieces, call.name, axis=at)
    else:
        raise Fault(f"takes {len(places)} single places; at most {MOST_PIECES} are taken")
    return net.data(value, shape, order)


@rule("EMBEDDING_LOOKUP")
def embedding_lookup(net: Draft, call: Invocation) -> Value:
    """Rows of a table, which is input 1."""
    table = call.value(1)
    if table is None:
        raise Fault("its table is missing")
    return looked_up(net, call, table, net.tensor(call, 0), 0)


def looked_up(net: Draft, call: Invocation, table: Fixed | Flowing, index: Flowing, axis: int) -> Flowing:
    """Return places of an axis that the image names: of a matrix of weights an embedding."""
    order = list(index.order) or ([0] if index.shape else [])
    if isinstance(table, Fixed) and len(table.shape) == 2 and axis == 0 and table.floating:
        own = table.roots
        if net.shares(own) or own.keys().isdisjoint(net.flat.owners):
            count, out = table.shape
            front = net.arranged(index, order, call.name)
            value = net.add("embedding", [front], call.name, count=count, out=out)
            net.flat.learns(own)
            if table.bits not in (0, 32):
                net.flat.steps[-1].beside["bits"] = table.bits
            rest = order if len(net.dims(value)) > 1 and order else []
            value = net.reshaped(value, (out, *(index.shape[k] for k in rest)), call.name)
            return net.data(value, (*index.shape, out), (len(index.shape), *rest))
    x = net.hold(table, call.name, learned=table.floating) if isinstance(table, Fixed) else table
    axes = x.order if axis in x.order else (*x.order, axis)
    value = net.add("lookup", [net.arranged(x, axes, call.name), index.name], call.name, axis=axes.index(axis))
    more = len(index.shape) - 1
    groups = [[axis + k for k in order] if k == axis else [k + more * (k > axis)] for k in axes]
    kept = [k for group in groups for k in group]
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    return net.data(net.reshaped(value, [shape[k] for k in kept], call.name), shape, kept)


@rule("REVERSE_V2")
def reverse(net: Draft, call: Invocation) -> Value:
    """An axis in the opposite order."""
    x = net.tensor(call, 0)
    axes = [x.at(axis) for axis in (axis_of(n, len(x.shape)) for n in call.wholes(1)) if axis in x.order]
    return net.data(net.add("flip", [x.name], call.name, axes=axes) if axes else x.name, x.shape, x.order)


# ---- borders and sizes ---------------------------------------------------------------------------


@rule("PAD", "PADV2", "MIRROR_PAD")
def pad(net: Draft, call: Invocation) -> Value:
    """Elements around the tensor; one on the channels is put on while these are an axis of space."""
    x, flat = net.tensor(call, 0), call.wholes(1)
    if len(flat) != 2 * len(x.shape) or min(flat, default=0) < 0:
        raise Fault("its borders do not fit its input")
    pairs = dict(enumerate(zip(flat[::2], flat[1::2], strict=True)))
    wide = [axis for axis, pair in pairs.items() if pair != (0, 0)]
    if not wide:
        return x
    order = (*x.order, *(axis for axis in wide if axis not in x.order))
    free = next((axis for axis in order if axis not in wide), None)
    if free is None and len(order) < len(x.shape):
        free = next(axis for axis in pairs if axis not in order)
    if free is not None and order[0] in wide:
        order = (free, *(axis for axis in order if axis != free))
    value = net.arranged(x, order, call.name)
    if free is None:  # every axis grows: an axis of length 1 stands before them meanwhile
        value = net.reshaped(value, (1, *net.dims(value)), call.name)
    space = order if free is None else order[1:]
    mode = "reflect" if call.op == "MIRROR_PAD" and call.options.get("mode", 0) == 0 else "zeros"
    value = net.add("pad", [value], call.name, padding=padding([pairs[axis] for axis in space]), mode=mode)
    shape = [n + sum(pairs[axis]) for axis, n in enumerate(x.shape)]
    value = value if free is not None else net.reshaped(value, [shape[axis] for axis in order], call.name)
    return net.data(value, shape, order)


@rule("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def resize(net: Draft, call: Invocation) -> Value:
    """Interpolation to another height and width."""
    x, size = net.tensor(call, 0), call.wholes(1)
    order = net.image(x)
    if len(order) != 3 or len(size) != 2:
        raise Fault("takes one image, and a height and a width")
    mode = "bilinear" if call.op == "RESIZE_BILINEAR" else "nearest"
    if [x.shape[1], x.shape[2]] == size:
        return x
    value = net.add("upsample", [net.arranged(x, order, call.name)], call.name, size=size, mode=mode)
    return given(net, x, order, value)


# ---- what costcalc has no operator for, and has no products --------------------------------------


@rule("ONE_HOT", "GATHER_ND", "SCATTER_ND", "REVERSE_SEQUENCE", "FLOOR_MOD", "ATAN2", "BUCKETIZE", "MATRIX_DIAG",
      "MATRIX_SET_DIAG", "REDUCE_PROD", "DYNAMIC_UPDATE_SLICE", "SEGMENT_SUM", "BITWISE_XOR", "RIGHT_SHIFT",
      "SPARSE_TO_DENSE")  # fmt: skip
def stated(net: Draft, call: Invocation) -> Value:
    """What moves, chooses or compares numbers: a row that is stated to be without products."""
    operands = [value for value in call.inputs if isinstance(value, Flowing)]
    out = call.outputs[0]
    if out is None or any(out.open):
        raise Fault("the shape that it gives depends on the image")
    value = operands[0].name
    if len(operands) > 1:
        flat = [net.reshaped(x.name, (prod(x.shape),), call.name) for x in operands]
        value = net.add("concat", flat, f"{call.name}.operands")
    order = tuple(range(len(out.shape)))
    note = f"{call.op}: {NO_PRODUCT}"
    value = net.add("custom", [value], call.name, shape=list(out.shape) or [1], params=0, macs=0, note=note)
    return net.data(value, out.shape, order)
