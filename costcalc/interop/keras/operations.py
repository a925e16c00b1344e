"""Operations in Keras' graphs that are no layers: those of keras.ops, and TensorFlow's functions -> steps of a spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from costcalc.base.errors import Fault, nearest
from costcalc.interop import words
from costcalc.interop.keras.config import number, plain, said, whole
from costcalc.interop.keras.layers import activation, with_constant
from costcalc.interop.keras.moves import MOST_PIECES, beside, target
from costcalc.interop.keras.net import KerasNet, KerasTensor, LayerCall, flat_tensors, rule
from costcalc.interop.words import KERAS, TURNED
from costcalc.language.flat import padded
from costcalc.numbers.num import prod

# What TensorFlow and older Keras call what keras.ops calls otherwise.
_SAME = {
    "reduce_mean": "mean", "reduce_sum": "sum", "reduce_max": "max", "reduce_min": "min", "amax": "max", "amin": "min",
    "reduce_variance": "var", "concat": "concatenate", "permute_dimensions": "transpose", "true_divide": "divide",
    "truediv": "divide", "div": "divide", "realdiv": "divide", "sub": "subtract", "mul": "multiply", "neg": "negative",
    "pow": "power", "abs": "absolute", "clip_by_value": "clip", "getitem": "get_item", "strided_slice": "get_item",
    "stop_gradient": "identity", "cast": "identity", "convert_to_tensor": "identity", "reverse": "flip",
    "batch_matmul": "matmul", "batch_dot": "matmul", "bias_add": "add", "arg_max": "argmax", "swish": "silu",
    "resize_images": "resize", "l2_normalize": "normalize", "not_equal": "unequal", "logistic": "sigmoid",
    "logical_and": "minimum", "logical_or": "maximum",
    "hard_swish": "hard_silu", "copy": "identity", "add_n": "add",
}  # fmt: skip


class Given:
    """What an operation is given: by place, by name in its call, or by name at its making."""

    def __init__(self, net: KerasNet, call: LayerCall, word: str) -> None:
        self.net = net
        self.call = call
        self.word = word
        self.name = call.name
        self.made = call.config.settings

    def get(self, place: int, *names: str, default: Any = None) -> Any:
        """Return an argument by its place in the call, or by one of its names."""
        if place < len(self.call.args):
            return self.call.args[place]
        for held in (self.call.kwargs, self.made):
            for name in names:
                if held.get(name) is not None:
                    return held[name]
        return default

    def x(self) -> KerasTensor:
        """Return its first tensor."""
        found = flat_tensors([self.call.args, self.call.kwargs])
        if not found:
            raise Fault("takes a tensor")
        return found[0]

    def tensors(self) -> list[KerasTensor]:
        """Return all its tensors."""
        return flat_tensors(self.call.args)

    def axes(self, place: int, x: KerasTensor) -> list[int] | None:
        """Return the axes that it names, without the batch; None for all, which the batch is among."""
        given = self.get(place, "axis", "dim", "dims", "axes")
        if given is None:
            return None
        given = given if isinstance(given, list) else [given]
        return sorted(self.net.axis(axis, len(x.order)) for axis in given)


Doing = Callable[[Given], Any]
_OPERATIONS: dict[str, Doing] = {}


def operation(*names: str) -> Callable[[Doing], Doing]:
    """Enter a function as what these operations do."""

    def enter(function: Doing) -> Doing:
        _OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return enter


@rule("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty")
def of_tensorflow(net: KerasNet, call: LayerCall) -> Any:
    """A function of TensorFlow in a graph of Keras 2."""
    word = str(call.config.settings.get("function") or "").rpartition(".")[2].strip("_").lower()
    return done(net, call, word)


def done(net: KerasNet, call: LayerCall, word: str) -> Any:
    """Return what the operation of a word gives."""
    word = _SAME.get(word, word)
    call.config.asked |= call.config.settings.keys()
    doing = _OPERATIONS.get(word)
    if doing is None:
        raise Fault(f"costcalc does not know the operation {said(word)}", nearest(word, _OPERATIONS))
    return doing(Given(net, call, word))


def of_keras(kind: str) -> Callable[[KerasNet, LayerCall], Any] | None:
    """Return the rule of a class of keras.ops; None where there is none."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind[:60]).lower()
    word = _SAME.get(word, word)
    return (lambda net, call: done(net, call, word)) if word in _OPERATIONS else None


# ---- element by element --------------------------------------------------------------------------

_JOINS = {ours: word for word, ours in words.JOINS.read(KERAS).items()} | {"divide": "", "power": ""}


@operation(*_JOINS)
def joined(g: Given) -> Any:
    """Two tensors, or one and numbers, element by element."""
    first, second = g.get(0, "x", "x1", "a", "inputs"), g.get(1, "y", "x2", "b", "bias")
    if isinstance(first, list) and second is None and flat_tensors(first):  # add_n
        return g.net.join(g.word, flat_tensors(first), g.name)
    if isinstance(first, KerasTensor) and isinstance(second, KerasTensor):
        if g.word == "power":
            raise Fault("raises a tensor to the power of another, which costcalc has no words for")
        return g.net.join(g.word, [first, second], g.name)
    turned = isinstance(second, KerasTensor)
    x, other = (second, first) if turned else (first, second)
    if not isinstance(x, KerasTensor):
        raise Fault("takes a tensor and another, or a number")
    if number(other) is None and g.word == "power":
        raise Fault("raises to powers that are no number")
    if turned and g.word == "power":
        return g.net.each(x, "arithmetic", g.name, op="exp")
    op = TURNED.get(g.word, g.word) if turned else g.word
    return with_constant(g.net, x, op, g.word, other, g.name, ())


_ALONE = words.ALONE.read(KERAS)


@operation(*_ALONE)
def alone(g: Given) -> KerasTensor:
    """A function of each element."""
    return g.net.each(g.x(), "arithmetic", g.name, op=_ALONE[g.word])


@operation("squared_difference")
def squared_difference(g: Given) -> KerasTensor:
    """The square of a difference."""
    x = g.net.join("subtract", g.tensors() + flat_tensors(g.call.kwargs), f"{g.name}.subtract")
    return g.net.each(x, "arithmetic", g.name, op="square")


@operation(*words.ACTIVATIONS.read(KERAS), "softmax", "log_softmax", "glu", "tanh_shrink")
def activated(g: Given) -> KerasTensor:
    """An activation."""
    x = g.x()
    if g.word == "leaky_relu":
        slope = number(g.get(1, "negative_slope", "alpha", default=0.2))
        return g.net.each(x, "leaky_relu", g.name, slope=slope)
    if g.word in ("softmax", "log_softmax", "glu"):
        axis = g.net.axis(g.get(1, "axis", default=-1), len(x.order))
        return g.net.each(x, g.word, g.name, axis=x.order[axis])
    if g.word == "relu" and any(
        g.made.get(key) or g.call.kwargs.get(key) for key in ("max_value", "alpha", "threshold")
    ):
        raise Fault("has a slope, a ceiling or a threshold: use the layer ReLU")
    return activation(g.net, g.word, x, g.name)


@operation("clip")
def clip(g: Given) -> KerasTensor:
    """Values kept between two bounds."""
    least, most = (number(g.get(k, *names)) for k, names in ((1, ("x_min", "clip_value_min", "min_value")),
                                                            (2, ("x_max", "clip_value_max", "max_value"))))  # fmt: skip
    if least is None or most is None:
        raise Fault("its bounds are no numbers")
    if least == 0 and most == 6:
        return g.net.each(g.x(), "relu6", g.name)
    return g.net.each(g.x(), "hard_tanh", g.name, least=least, most=most)


@operation("identity", "print_tensor", "ensure_shape")
def same(g: Given) -> KerasTensor:
    """What computes nothing."""
    return g.x()


_COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "unequal")


@operation(*_COMPARISONS)
def compare(g: Given) -> KerasTensor:
    """A comparison of two tensors, or of one with a number."""
    found = g.tensors() + flat_tensors(g.call.kwargs)
    if len(found) == 2:
        return g.net.join("compare", found, g.name, op=g.word)
    by = next((n for n in map(number, (g.get(0), g.get(1, "y", "x2"))) if n is not None), None)
    if by is None:
        raise Fault("compares with what is no number")
    return g.net.each(found[0], "compare", g.name, op=g.word, by=by)


@operation("where")
def where(g: Given) -> KerasTensor:
    """A choice of two tensors by a third, or of one and a number."""
    given = [g.get(0, "condition"), g.get(1, "x", "x1"), g.get(2, "y", "x2")]
    tensors = [one for one in given if isinstance(one, KerasTensor)]
    numbers = [n for n in map(number, given[1:]) if n is not None]
    if not isinstance(given[0], KerasTensor) or len(tensors) + len(numbers) != 3 or len(numbers) > 1:
        raise Fault("chooses between what costcalc has no words for")
    return g.net.join("where", tensors, g.name, **({"otherwise": numbers[0]} if numbers else {}))


# ---- along axes ----------------------------------------------------------------------------------

_REDUCTIONS = {word: ours for word, ours in words.REDUCTIONS.read(KERAS).items() if word != "norm"} | {
    "var": "variance"
}


@operation(*_REDUCTIONS)
def reduced(g: Given) -> KerasTensor:
    """Axes reduced to one number each."""
    x = g.x()
    axes = g.axes(1, x)
    if axes is None:
        raise Fault("reduces all axes, the batch among them", "name the axes")
    return reduced_over(g.net, x, axes, _REDUCTIONS[g.word], g.name, keep=_kept(g))


def _kept(g: Given) -> bool:
    return bool(g.get(2, "keepdims", "keep_dims", default=False))


def reduced_over(net: KerasNet, x: KerasTensor, axes: Sequence[int], op: str, name: str, *, keep: bool) -> KerasTensor:
    """Return a tensor with these axes reduced; the others keep their order."""
    if not axes:
        return x
    value = net.add("reduce_axes", [x.value], name, op=op, axes=sorted(x.order[k] for k in axes), keep=keep)
    if keep:
        return KerasTensor(value, x.order)
    left = [k for k in x.sequence if k not in axes]
    place = {k: at for at, k in enumerate(sorted(left))}
    return net.placed(value, [place[k] for k in left])


@operation("normalize")
def normalized(g: Given) -> KerasTensor:
    """Vectors of length one along an axis."""
    x = g.x()
    axes = g.axes(1, x) or [len(x.order) - 1]
    length = g.net.add(
        "reduce_axes", [x.value], f"{g.name}.norm", op="norm", axes=sorted(x.order[k] for k in axes), keep=True
    )
    return g.net.join("divide", [x, KerasTensor(length, x.order)], g.name)


@operation("argmax", "argmin")
def argmax(g: Given) -> KerasTensor:
    """The place of the largest, or the smallest, along an axis."""
    x = g.x()
    axes = g.axes(1, x)
    if axes is None or len(axes) != 1 or g.get(9, "keepdims", default=False):
        raise Fault("finds a place along one axis, which goes")
    value = g.net.add("argmax", [x.value], g.name, axis=x.order[axes[0]], smallest=g.word == "argmin")
    left = [k for k in x.sequence if k not in axes]
    return g.net.placed(value, [k - (k > axes[0]) for k in left])


@operation("cumsum")
def cumsum(g: Given) -> KerasTensor:
    """A running sum along an axis."""
    x = g.x()
    axes = g.axes(1, x)
    if axes is None:
        raise Fault("sums along all axes")
    return g.net.each(x, "cumsum", g.name, axis=x.order[axes[0]])


# ---- products ------------------------------------------------------------------------------------


@operation("matmul")
def matmul(g: Given) -> KerasTensor:
    """The product of two tensors over their last axes; leading axes are repeated as numpy does."""
    net, found = g.net, g.tensors() + flat_tensors(g.call.kwargs)
    if len(found) != 2:
        raise Fault("multiplies by a constant, which the file does not say whether it is learned")
    turned = [bool(g.get(9, key, default=False)) for key in ("transpose_a", "transpose_b")]
    pairs = []
    for x, turn in zip(found, turned, strict=True):
        axes = list(range(len(x.order)))
        if len(axes) < 2:
            raise Fault("multiplies vectors of the batch, which costcalc has no words for")
        axes[-2:] = axes[-2:][::-1] if turn else axes[-2:]
        pairs.append((net.arranged(x, axes, g.name), [net.dims(x)[k] for k in axes]))
    front = _broadcast([dims[:-2] for _, dims in pairs])
    values = []
    for value, dims in pairs:
        wide = [*front, *dims[-2:]]
        full = net.shaped(value, [*[1] * (len(wide) - len(dims)), *dims], g.name)
        values.append(full if net.flat.shapes[full].dims == tuple(wide) else
                      net.add("broadcast_to", [full], f"{g.name}.broadcast", shape=wide))  # fmt: skip
    return net.placed(net.add("matmul", values, g.name), range(len(front) + 2))


def _broadcast(shapes: Sequence[Sequence[int]]) -> list[int]:
    """Return the axes that numpy gives of these; raise Fault where they don't fit."""
    rank = max(map(len, shapes))
    full = [[1] * (rank - len(one)) + list(one) for one in shapes]
    if any(len({n for n in column if n > 1}) > 1 for column in zip(*full, strict=True)):
        raise Fault("its leading axes do not fit")
    return [max(column) for column in zip(*full, strict=True)]


@operation("einsum")
def einsum(g: Given) -> KerasTensor:
    """A product of tensors by letters, the batch's among them."""
    net, found = g.net, g.tensors() + flat_tensors(g.call.kwargs)
    equation = str(plain(g.get(99, "subscripts", "equation", default="")) or "")
    if not equation and g.call.args and isinstance(g.call.args[0], str):
        equation = g.call.args[0]
    left, _, out = equation.replace(" ", "").partition("->")
    given = left.split(",")
    if not out or "." in equation or len(given) != len(found) or any(not one or one[0] != out[0] for one in given):
        raise Fault(f"equation {said(equation)} can't be expressed")
    if any(len(one) != len(x.order) + 1 for one, x in zip(given, found, strict=True)):
        raise Fault(f"equation {said(equation)} does not fit its tensors")
    spelled = ["".join(one[k + 1] for k in x.sequence) for one, x in zip(given, found, strict=True)]
    value = net.add("einsum", [x.value for x in found], g.name, equation=f"{','.join(spelled)}->{out[1:]}")
    return net.placed(value, range(len(out) - 1))


# ---- other axes ----------------------------------------------------------------------------------


@operation("reshape")
def reshape(g: Given) -> KerasTensor:
    """The same elements on other axes, the batch first."""
    x = g.x()
    shape = g.get(1, "newshape", "shape", default=[])
    shape = plain(shape) if isinstance(shape, dict) else shape
    if not isinstance(shape, list) or not shape:
        raise Fault(f"shape {said(shape)} does not keep the batch")
    size = prod(g.net.dims(x))
    dims = shape[1:]
    if shape[0] not in (-1, None) and (-1 in dims or prod(n for n in dims if isinstance(n, int)) != size):
        raise Fault(f"shape {said(shape)} does not keep the batch")
    return g.net.reshaped(x, target(dims, size) if dims else [], g.name)


@operation("transpose")
def transpose(g: Given) -> KerasTensor:
    """The axes in another order, but the batch."""
    x, axes = g.x(), g.get(1, "axes", "perm", "pattern")
    if not isinstance(axes, list) or sorted(map(str, axes)) != sorted(map(str, range(len(x.order) + 1))) or axes[0]:
        raise Fault(f"axes {said(axes)} do not keep the batch first")
    return KerasTensor(x.value, tuple(x.order[k - 1] for k in axes[1:]))


@operation("swapaxes")
def swapaxes(g: Given) -> KerasTensor:
    """Two axes change places."""
    x = g.x()
    one, two = (g.net.axis(g.get(k, f"axis{k}"), len(x.order)) for k in (1, 2))
    order = list(x.order)
    order[one], order[two] = order[two], order[one]
    return KerasTensor(x.value, tuple(order))


@operation("expand_dims")
def expand_dims(g: Given) -> KerasTensor:
    """An axis of length 1 more."""
    x, dims = g.x(), g.net.dims(g.x())
    given = g.get(1, "axis")
    for axis in sorted(given) if isinstance(given, list) else [given]:
        dims.insert(g.net.axis(axis, len(dims) + 1), 1)
    return g.net.reshaped(x, dims, g.name)


@operation("squeeze")
def squeeze(g: Given) -> KerasTensor:
    """Axes of length 1 less."""
    x, dims = g.x(), g.net.dims(g.x())
    axes = g.axes(1, x)
    axes = [k for k, n in enumerate(dims) if n == 1] if axes is None else axes
    if any(dims[k] != 1 for k in axes):
        raise Fault("takes away an axis that is longer than 1")
    return g.net.reshaped(x, [n for k, n in enumerate(dims) if k not in axes], g.name)


@operation("broadcast_to")
def broadcast_to(g: Given) -> KerasTensor:
    """Axes of length 1 repeated."""
    x, shape = g.x(), g.get(1, "shape", default=[])
    if not isinstance(shape, list) or len(shape) != len(x.order) + 1:
        raise Fault(f"shape {said(shape)} has other axes")
    dims = [
        n if wanted in (-1, None) else whole(wanted, "shape")
        for n, wanted in zip(g.net.dims(x), shape[1:], strict=True)
    ]
    if dims == g.net.dims(x):
        return x
    return KerasTensor(g.net.add("broadcast_to", [x.value], g.name, shape=[dims[k] for k in x.sequence]), x.order)


@operation("tile", "repeat")
def tile(g: Given) -> KerasTensor:
    """The tensor side by side with itself along its axes."""
    x, counts = g.x(), g.get(1, "repeats", "multiples", "n")
    if g.word == "repeat":
        axes = g.axes(2, x) or [-1]
        counts = [1, *(whole(counts, "repeats") if k in axes else 1 for k in range(len(x.order)))]
    if not isinstance(counts, list) or len(counts) != len(x.order) + 1 or counts[0] != 1:
        raise Fault(f"repeats {said(counts)} times, the batch among them")
    value = x.value
    for axis, count in enumerate(counts[1:]):
        if not 0 < whole(count, "repeats") <= MOST_PIECES:
            raise Fault(f"repeats {count} times; 1 to {MOST_PIECES} are taken")
        if count > 1:
            value = g.net.add("concat", [value] * count, g.name, axis=x.order[axis])
    return KerasTensor(value, x.order)


@operation("flip")
def flip(g: Given) -> KerasTensor:
    """Axes in the opposite order."""
    x = g.x()
    axes = g.axes(1, x)
    if not axes:
        raise Fault("turns all axes around, the batch among them")
    return g.net.each(x, "flip", g.name, axes=sorted(x.order[k] for k in axes))


@operation("roll")
def roll(g: Given) -> KerasTensor:
    """Axes moved around."""
    x, by = g.x(), g.get(1, "shift")
    given = g.get(2, "axis")
    axes = given if isinstance(given, list) else [given]
    shifts = by if isinstance(by, list) else [by] * len(axes)
    if len(shifts) != len(axes) or not all(isinstance(n, int) for n in shifts):
        raise Fault(f"moves by {said(by)} along {said(given)}")
    places = [x.order[g.net.axis(axis, len(x.order))] for axis in axes]
    return g.net.each(x, "roll", g.name, by=list(shifts), axes=places)


# ---- parts ---------------------------------------------------------------------------------------


@operation("concatenate")
def concatenate(g: Given) -> KerasTensor:
    """Tensors side by side along an axis."""
    return beside(g.net, g.tensors(), g.get(1, "axis", default=-1), g.name)


@operation("stack")
def stack(g: Given) -> KerasTensor:
    """Tensors side by side along an axis of their own."""
    found, axis = g.tensors(), g.get(1, "axis", default=0)
    made = []
    for x in found:
        dims = g.net.dims(x)
        inner = g.net.axis(axis, len(dims) + 1)
        made.append(g.net.reshaped(x, [*dims[:inner], 1, *dims[inner:]], g.name))
    return beside(g.net, made, axis, g.name)


@operation("split", "unstack")
def split(g: Given) -> list[KerasTensor]:
    """A tensor in pieces along an axis; unstacked, the axis goes."""
    x = g.x()
    last = g.word == "unstack"
    axis = g.net.axis(g.get(2, "axis", default=0), len(x.order))
    length = g.net.dims(x)[axis]
    given = length if last else g.get(1, "indices_or_sections", "num_or_size_splits")
    if isinstance(given, list):
        sizes = [whole(n, "sizes", -1) for n in given]
        if "indices_or_sections" in {**g.made, **g.call.kwargs} or g.call.kind == "Split":
            ends = [*sizes, length]
            sizes = [end - start for start, end in zip([0, *sizes], ends, strict=True)]
        sizes = [length - sum(m for m in sizes if m >= 0) if n == -1 else n for n in sizes]
    else:
        count = whole(given, "parts")
        if length % count or count > MOST_PIECES:
            raise Fault(f"cuts {length} into {count} pieces")
        sizes = [length // count] * count
    if len(sizes) == 1:
        return [x]
    parts = g.net.cut(x, axis, sizes, g.name)
    if not last:
        return parts
    dims = [n for k, n in enumerate(g.net.dims(x)) if k != axis]
    return [g.net.reshaped(one, dims, g.name) for one in parts]


@operation("get_item")
def get_item(g: Given) -> KerasTensor:
    """A part of some axes, or one place of an axis, which goes; new axes of length 1."""
    x, key = g.x(), g.get(1, "slice_spec", "key", default=[])
    key = key if isinstance(key, list) else [key]
    given = len([one for one in key if one is not None and not _ellipsis(one)])
    wide: list[Any] = []
    for one in key:
        wide += [_ALL] * (len(x.order) + 1 - given) if _ellipsis(one) else [one]
    wide += [_ALL] * (len(x.order) + 1 - len([one for one in wide if one is not None]))
    if not wide or _slice(wide[0]) not in ((None, None, None), (0, None, 1), (0, None, None), (None, None, 1)):
        raise Fault("takes a part of the batch", "costcalc counts one image")
    axis, left, value = 0, [], x
    for one in wide[1:]:
        if one is None:
            left.append(1)
            continue
        length = g.net.dims(x)[axis]
        value, size = _part(g, value, axis, one, length)
        left += [] if size is None else [size]
        axis += 1
    return g.net.reshaped(value, left, g.name)


_ALL = {"start": None, "stop": None, "step": None}


def _ellipsis(one: Any) -> bool:
    return one == "..." or (isinstance(one, dict) and one.get("class_name") == "__ellipsis__")


def _slice(one: Any) -> tuple[Any, Any, Any] | None:
    """Return start, stop and step of a serialized slice; None where it is none."""
    inner = one.get("config", one) if isinstance(one, dict) else None
    return (inner.get("start"), inner.get("stop"), inner.get("step")) if isinstance(inner, dict) else None


def _part(g: Given, x: KerasTensor, axis: int, one: Any, length: int) -> tuple[KerasTensor, int | None]:
    """Return a tensor with a part of an axis, and the length of that; None for one place."""
    cut = _slice(one)
    if cut is None:
        place = whole(one, "index", -length)
        if place >= length:
            raise Fault(f"takes place {place} of {length}")
        start, stop, step = place % length, place % length + 1, 1
    else:
        if any(n is not None and (isinstance(n, bool) or not isinstance(n, int)) for n in cut):
            raise Fault("takes a part that depends on the data")
        try:
            start, stop, step = slice(*cut).indices(length)
        except ValueError:
            raise Fault("takes every 0th place") from None
        if step < 0:
            x = g.net.each(x, "flip", f"{g.name}.flip", axes=[x.order[axis]])
            start, stop, step = length - 1 - start, length - 1 - stop, -step
    size = max(0, -((start - stop) // step))
    if size == 0:
        raise Fault("takes nothing of an axis")
    if (start, step, size) != (0, 1, length):
        end = None if stop >= length else stop
        x = g.net.each(x, "slice", g.name, start=start, stop=end, step=step, axis=x.order[axis])
    return x, None if cut is None else size


@operation("take", "gather")
def take(g: Given) -> KerasTensor:
    """Places of an axis by a tensor of indices."""
    found = g.tensors() + flat_tensors(g.call.kwargs)
    if len(found) != 2 or len(found[1].order) != 1:
        raise Fault("takes places that are no tensor of one axis beside the batch")
    x, index = found
    axes = g.axes(2, x)
    if axes is None:
        raise Fault("takes places of all axes")
    value = g.net.add("lookup", [x.value, index.value], g.name, axis=x.order[axes[0]])
    return KerasTensor(value, x.order)


# ---- images --------------------------------------------------------------------------------------


@operation("pad")
def pad(g: Given) -> KerasTensor:
    """A border around axes."""
    x, given = g.x(), g.get(1, "pad_width", "paddings")
    mode = str(g.get(2, "mode", default="constant")).lower()
    modes = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    fits = isinstance(given, list) and len(given) == len(x.order) + 1
    if not fits or mode not in modes or any(not isinstance(pair, list) or len(pair) != 2 for pair in given):
        raise Fault(f"pads {said(given)} in mode {said(mode)}")
    pairs = [(whole(a, "pad", 0), whole(b, "pad", 0)) for a, b in given]
    if pairs[0] != (0, 0):
        raise Fault("pads the batch")
    free = [k for k in range(len(x.order)) if pairs[k + 1] == (0, 0)]
    if not any(map(any, pairs)):
        return x
    if not free:
        raise Fault("pads all axes, which costcalc has no words for")
    first = x.sequence[0] if x.sequence[0] in free else free[-1]
    sequence = [first, *(k for k in range(len(x.order)) if k != first)]
    value = g.net.arranged(x, sequence, g.name)
    edges = padded([pairs[k + 1] for k in sequence[1:]])
    return g.net.placed(g.net.add("pad", [value], g.name, padding=edges, mode=modes[mode]), sequence)


@operation("resize", "resize_bilinear", "resize_nearest_neighbor")
def resize(g: Given) -> KerasTensor:
    """An image of another size."""
    x, size = g.x(), g.get(1, "size")
    mode = {"resize_bilinear": "bilinear", "resize_nearest_neighbor": "nearest"}.get(g.word)
    mode = mode or str(g.get(2, "interpolation", "method", default="bilinear")).lower()
    fits = isinstance(size, list) and len(size) == 2 and len(x.order) == 3
    if not fits or mode not in ("nearest", "bilinear", "bicubic") or g.get(9, "preserve_aspect_ratio", default=False):
        raise Fault(f"resizes to {said(size)} by {said(mode)}")
    first = g.get(9, "data_format", default=g.net.first) == "channels_first"
    sequence = [0, 1, 2] if first else [2, 0, 1]
    value = g.net.arranged(x, sequence, g.name)
    size = [whole(n, "size") for n in size]
    return g.net.placed(g.net.add("upsample", [value], g.name, size=size, mode=mode), sequence)


@operation("depth_to_space", "space_to_depth")
def depth_to_space(g: Given) -> KerasTensor:
    """Channels become pixels, or pixels channels: of which place each is changes no cost."""
    x, r = g.x(), whole(g.get(1, "block_size"), "block_size")
    if len(x.order) != 3:
        raise Fault("takes an image")
    value = g.net.arranged(x, [2, 0, 1], g.name)
    kind = "pixel_shuffle" if g.word == "depth_to_space" else "space_to_depth"
    return g.net.placed(g.net.add(kind, [value], g.name, scale=r), [2, 0, 1])
