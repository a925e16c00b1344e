"""ONNX's operators that move, cut, repeat or resize -> steps that cost nothing, or next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.fold import MOVES, repeats, slices, split_sizes
from costcalc.interop.tensors.layers import expanded
from costcalc.interop.tensors.net import Call, Net, rule
from costcalc.interop.tensors.recurrent import looked_up
from costcalc.interop.tensors.values import Const, Data, Dims
from costcalc.interop.words import BORDERS, ONNX
from costcalc.numbers.num import prod

MOST_PIECES = 64  # that a tensor is cut into to be put together in another order


def _inner(net: Net, x: Data, axis: int) -> int:
    """Return an axis of ONNX's tensor as one of the spec's; raise Fault for the batch."""
    inner = shapes.axis(axis, len(x.shape)) - net.lead(x.shape)
    if inner < 0:
        raise Fault("works along the batch", "costcalc counts one image; each operator has to leave the batch alone")
    return inner


# ---- other axes ----------------------------------------------------------------------------------


@rule("Identity", "Cast", "CastLike", "Dropout", "QuantizeLinear", "DequantizeLinear")
def same(net: Net, call: Call) -> None:
    """What changes no number of elements, and costs nothing at inference: the value goes on under another name."""
    net.same(call, net.data(call, 0))


@rule("DynamicQuantizeLinear")
def scaled(net: Net, call: Call) -> None:
    """The value goes on, as behind QuantizeLinear; the scale and the zero are found by two reductions."""
    x = net.data(call, 0)
    net.same(call, x)
    whole = net.reshape(x.name, (prod(net.dims(x.shape)),), call.name)
    for place, op in ((1, "maximum"), (2, "minimum")):
        if net.uses[call.outputs[place]]:
            net.put(call, net.add("reduce_axes", [whole], call.name, op=op, axes=[0], keep=True), (), place)


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(net: Net, call: Call) -> None:
    """The same elements on other axes."""
    x = net.data(call, 0)
    net.put(call, x.name, MOVES[call.op](call, x.shape))


@rule("Transpose")
def transpose(net: Net, call: Call) -> None:
    """The axes in another order; where the batch is among those that move, it is one of the spec's axes meanwhile."""
    x = net.data(call, 0)
    shape, order = shapes.transposed(x.shape, call.attr("perm"))
    lead = net.lead(x.shape)
    if lead and order[0] == 0:
        value = net.permute(x.name, [k - 1 for k in order[1:]], call.name) if len(order) > 1 else x.name
    else:
        value = net.permute(net.whole(x, call.name), order, call.name)
    net.put(call, value, shape)


@rule("Expand")
def expand(net: Net, call: Call) -> None:
    """Axes of length 1 repeated."""
    x = net.data(call, 0)
    shape = shapes.broadcast([x.shape, tuple(int(n) for n in call.numbers("shape", 1) or ())])
    net.put(call, expanded(net, x, shape, net.lead(shape), call.name), shape)


@rule("Tile")
def tile(net: Net, call: Call) -> None:
    """The whole tensor side by side with itself, along each axis."""
    x = net.data(call, 0)
    counts, value = repeats(call, len(x.shape)), x.name
    if net.lead(x.shape) and counts[0] != 1:
        raise Fault("repeats the batch")
    for axis, count in enumerate(counts[net.lead(x.shape) :]):
        if not 0 < count <= MOST_PIECES:
            raise Fault(f"repeats {count} times; 1 to {MOST_PIECES} are taken")
        if count > 1:
            value = net.add("concat", [value] * count, call.name, axis=axis)
    net.give(call, value, x)


@rule("DepthToSpace")
def depth_to_space(net: Net, call: Call) -> None:
    """Channels become pixels, in PyTorch's order (CRD) or in the other."""
    x, r = net.data(call, 0), int(call.attr("blocksize", 1))
    if call.attr("mode", "DCR") == "CRD":
        net.give(call, net.add("pixel_shuffle", [x.name], call.name, scale=r), x)
        return
    c, h, w = _pixels(net, x)
    if r < 1 or c % (r * r):
        raise Fault(f"{c} channels are not a multiple of {r} * {r}")
    _dealt(net, call, x, (r, r, c // (r * r), h, w), [2, 3, 0, 4, 1], (c // (r * r), h * r, w * r))


@rule("SpaceToDepth")
def space_to_depth(net: Net, call: Call) -> None:
    """Pixels become channels; those of one place in the patch stand together."""
    x, r = net.data(call, 0), int(call.attr("blocksize", 1))
    c, h, w = _pixels(net, x)
    if r < 1 or h % r or w % r:
        raise Fault(f"{h}x{w} pixels are not a multiple of {r}")
    _dealt(net, call, x, (c, h // r, r, w // r, r), [2, 4, 0, 1, 3], (c * r * r, h // r, w // r))


def _pixels(net: Net, x: Data) -> tuple[int, int, int]:
    if not net.lead(x.shape) or len(x.shape) != 4:
        raise Fault(f"takes images, [batch, channels, height, width], not {list(x.shape)}")
    return x.shape[1], x.shape[2], x.shape[3]


def _dealt(net: Net, call: Call, x: Data, parts: Dims, order: list[int], dims: Dims) -> None:
    """Split axes into parts, put these in another order, and join them to new axes."""
    value = net.permute(net.reshape(x.name, parts, call.name), order, call.name)
    net.give(call, net.reshape(value, dims, call.name), x)


# ---- parts ---------------------------------------------------------------------------------------


@rule("Concat")
def concat(net: Net, call: Call) -> None:
    """Tensors side by side along an axis."""
    operands = [net.data(call, k) for k in range(len(call.inputs))]
    first = operands[0]
    axis = shapes.axis(int(call.attr("axis", 1)), len(first.shape))
    lead = net.lead(first.shape) if axis else 0
    if any(len(x.shape) != len(first.shape) for x in operands) or (axis == 0 and net.batch > 1):
        raise Fault("joins tensors of unlike axes, or along the batch")
    whole = (*first.shape[:axis], sum(x.shape[axis] for x in operands), *first.shape[axis + 1 :])
    values = [net.reshape(x.name, x.shape[lead:], call.name) for x in operands]
    net.put(call, net.add("concat", values, call.name, axis=axis - lead), whole)


@rule("Split")
def split(net: Net, call: Call) -> None:
    """A tensor in pieces along an axis."""
    x = net.data(call, 0)
    axis = _inner(net, x, int(call.attr("axis", 0)))
    sizes = split_sizes(call, net.dims(x.shape)[axis])
    if any(not net.uses[out] for out in call.outputs):
        _parts_used(net, call, x, axis, sizes)
        return
    fields: dict[str, Datum] = {"parts": len(sizes)} if len(set(sizes)) == 1 else {"sizes": sizes}
    parts = net.add_all("split", [x.name], call.name, fields | {"axis": axis})
    for place, value in enumerate(parts):
        net.give(call, value, x, place)


def _parts_used(net: Net, call: Call, x: Data, axis: int, sizes: Sequence[int]) -> None:
    """Cut out the pieces that something uses, where others go unused: a spec's split has no such."""
    start = 0
    for place, size in enumerate(sizes):
        if net.uses[call.outputs[place]]:
            net.give(call, _sliced(net, x.name, call.name, axis, start, start + size), x, place)
        start += size


@rule("Slice")
def slice_(net: Net, call: Call) -> None:
    """A part of one or more axes; with steps below zero, in the opposite order."""
    x = net.data(call, 0)
    value = x.name
    for axis, taken in slices(call, len(x.shape)).items():
        length = x.shape[axis]
        start, stop, step = taken.indices(length)
        if (start, stop, step) == (0, length, 1):
            continue
        inner = _inner(net, x, axis)
        if step < 0:
            value = net.add("flip", [value], call.name, axes=[inner])
            start, stop, step = length - 1 - start, length - 1 - stop, -step
        if (start, stop, step) != (0, length, 1):
            value = _sliced(net, value, call.name, inner, start, stop, step)
    net.give(call, value, x)


def _sliced(net: Net, value: str, name: str, axis: int, start: int, stop: int, step: int = 1) -> str:
    """Return a part of an axis."""
    if stop <= start:
        raise Fault("takes nothing of an axis")
    end = None if stop == net.shape_of(value)[axis] else stop
    return net.add("slice", [value], name, start=start, stop=end, step=step, axis=axis)


@rule("Gather")
def gather(net: Net, call: Call) -> None:
    """One place of an axis, which goes; or some places, in their order; or those that the image names."""
    index = call.value(1)
    if isinstance(index, Data) or (isinstance(index, Const) and index.array() is None):
        looked_up(net, call)
        return
    x, index = net.data(call, 0), call.known(1)
    full = shapes.axis(int(call.attr("axis", 0)), len(x.shape))
    lead = 1 if net.lead(x.shape) and full > 0 else 0
    length = x.shape[full]
    places = [int(n) % length if -length <= n < length else -1 for n in index.reshape(-1)]
    if -1 in places or not places or len(places) > max(MOST_PIECES, length):
        raise Fault(f"takes {len(places)} places of {length} in a way that costcalc has no words for")
    value = net.reshape(x.name, x.shape[lead:], call.name)
    if places == list(range(places[0], places[0] + len(places))):
        if len(places) < length:
            value = _sliced(net, value, call.name, full - lead, places[0], places[-1] + 1)
    elif places == list(range(length))[::-1]:
        value = net.add("flip", [value], call.name, axes=[full - lead])
    else:
        value = _picked(net, value, call.name, full - lead, places)
    net.put(call, value, (*x.shape[:full], *index.shape, *x.shape[full + 1 :]))


def _picked(net: Net, value: str, name: str, axis: int, places: Sequence[int]) -> str:
    """Return single places of an axis, side by side."""
    if len(places) > MOST_PIECES:
        raise Fault(f"takes {len(places)} single places; at most {MOST_PIECES} are taken")
    parts = [_sliced(net, value, f"{name}.place", axis, place, place + 1) for place in places]
    return net.add("concat", parts, name, axis=axis)


# ---- borders and sizes ---------------------------------------------------------------------------


@rule("Pad")
def pad(net: Net, call: Call) -> None:
    """Elements around the tensor; of a number below zero, taken off."""
    x, pads = net.data(call, 0), call.numbers("pads", 1) or []
    rank, lead = len(x.shape), net.lead(x.shape)
    named = call.numbers("axes", 3)
    axes = list(range(rank)) if named is None else [shapes.axis(n, rank) for n in named]
    mode = BORDERS.read(ONNX).get(call.attr("mode", "constant"), "")
    if len(pads) != 2 * len(axes) or not mode:
        raise Fault("its pads or its mode are not known")
    pairs = {axis: (pads[k], pads[k + len(axes)]) for k, axis in enumerate(axes)}
    if lead and pairs.get(0, (0, 0)) != (0, 0):
        raise Fault("pads the batch")
    value = x.name
    for axis, (before, after) in pairs.items():
        if min(before, after) < 0:
            length = x.shape[axis]
            value = _sliced(net, value, call.name, axis - lead, max(-before, 0), length - max(-after, 0))
    wider = [(max(b, 0), max(a, 0)) for b, a in (pairs.get(k + lead, (0, 0)) for k in range(rank - lead))]
    net.give(call, _bordered(net, value, call.name, wider, mode), x)


def _bordered(net: Net, value: str, name: str, pairs: list[tuple[int, int]], mode: str) -> str:
    """Return a value with a border; one on the channels is put on while these are an axis of space."""
    order = list(range(len(pairs)))
    if len(pairs) > 4 and not any(edge for pair in pairs[1:] for edge in pair):  # pad takes three axes of space
        channels, *space = net.shape_of(value)
        made = _bordered(net, net.reshape(value, (channels, prod(space)), name), name, [pairs[0], (0, 0)], mode)
        return net.reshape(made, (net.shape_of(made)[0], *space), name)
    if pairs[0] != (0, 0):
        free = next((k for k in order if pairs[k] == (0, 0)), None)
        if free is None:
            value = net.reshape(value, (1, *net.shape_of(value)), name)
            made = _bordered(net, value, name, [(0, 0), *pairs], mode)
            return net.reshape(made, net.shape_of(made)[1:], name)
        order[0], order[free] = free, 0
    if not any(pairs[k] != (0, 0) for k in order):
        return value
    edges = [edge for k in order[1:] for edge in pairs[k]]
    padding = edges[0] if len(set(edges)) == 1 else edges
    made = net.add("pad", [net.permute(value, order, name)], name, padding=padding, mode=mode)
    return net.permute(made, order, name)


@rule("Resize", "Upsample")
def resize(net: Net, call: Call) -> None:
    """Interpolation to another height and width."""
    x = net.data(call, 0)
    shape, word = _resized(call, x.shape)
    inner = shape[net.lead(x.shape) :]
    dims = net.dims(x.shape)
    if not net.lead(x.shape) or shape[0] != x.shape[0] or len(dims) < 2:
        raise Fault("resizes the batch, or a tensor without space")
    axes = len(dims) - 1
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}.get(axes, "")
    cubic = "bicubic" if axes == 2 else ""
    mode = {"nearest": "nearest", "linear": linear, "cubic": cubic}.get(call.attr("mode", "nearest"), "")
    if not mode:
        raise Fault(f"costcalc has no {call.attr('mode')} interpolation over {axes} axes")
    how = [n // m for m, n in zip(dims, inner, strict=True)] if word == "scale" else list(inner)
    if dims[0] == inner[0]:
        net.give(call, net.add("upsample", [x.name], call.name, **{word: how[1:]}, mode=mode), x)
        return
    if dims[-1] != inner[-1]:
        raise Fault("resizes the channels")
    front = net.permute(x.name, [axes, *range(axes)], call.name)
    value = net.add("upsample", [front], call.name, **{word: how[:-1]}, mode=mode)
    net.give(call, net.permute(value, [*range(1, axes + 1), 0], call.name), x)


def _resized(call: Call, old: Dims) -> tuple[Dims, str]:
    """Return the shape that Resize gives, and whether a whole `scale` or a `size` says so."""
    late = len(call.inputs) > 2
    sizes = call.numbers("sizes", 3) if late or "sizes" in call.attributes else None
    scales = call.attr("scales")
    if scales is None and not sizes:
        array = call.known(2 if late else 1)
        scales = [] if array is None else [float(n) for n in array.reshape(-1)]
    axes = [shapes.axis(int(n), len(old)) for n in call.attr("axes") or range(len(old))]
    given = sizes or [int(old[k] * f + 1e-6) for k, f in zip(axes, scales or [], strict=False)]
    if len(given) != len(axes):
        raise Fault("its sizes and scales are not known")
    keeps = call.attr("keep_aspect_ratio_policy", "stretch")
    if sizes and keeps != "stretch":
        if keeps not in ("not_larger", "not_smaller"):
            raise Fault(f"keep_aspect_ratio_policy: '{keeps[:40]}' is not known")
        # one factor for all, the least or the most; rounded to the nearest, of two the upper, as ONNX says
        factor = (min if keeps == "not_larger" else max)(Fraction(n, old[k]) for k, n in zip(axes, given, strict=True))
        given = [int(factor * old[k] + Fraction(1, 2)) for k in axes]
    new = dict(zip(axes, given, strict=True))
    whole = not sizes and all(float(f).is_integer() for f in scales or [])
    return tuple(new.get(k, n) for k, n in enumerate(old)), "scale" if whole else "size"
