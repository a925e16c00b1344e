"""What moves, cuts, joins or repeats numbers of a tensor, and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop.torch.aten.reading import Constant, Reading, Tensor, View, aten, operation_of, stated, tensors_in

KEEPING = ("contiguous", "clone", "alias", "detach", "to", "_to_copy", "type_as", "float", "lift_fresh_copy")


@aten(*KEEPING, "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", layout=True)
def keep(_r: Reading, x: View, **_: Any) -> View:
    """Return the tensor as it is: at inference nothing is done."""
    return x


@aten("copy", "fill", "zero", both=True)
def overwrite(r: Reading, x: Tensor, src: Any = None, value: Datum = None, **_: Any) -> Tensor:
    """Return what stands in a tensor after another, or a number, is written over all of it."""
    new = value if src is None else src
    if isinstance(new, View):
        return expanded(r, new, x.sizes)
    return Constant(new.params, x.sizes) if isinstance(new, Constant) else Constant([], x.sizes)


@aten("permute", layout=True)
def permute(_r: Reading, x: View, dims: Sequence[int], **_: Any) -> View:
    """Change the order of PyTorch's axes alone."""
    order = [d % len(x.sizes) for d in dims]
    return View(x.value, (x.axes[d] for d in order), (x.sizes[d] for d in order))


@aten("transpose", "swapaxes", "swapdims", layout=True)
def transpose(r: Reading, x: View, dim0: int = 0, dim1: int = 1, axis0: int | None = None, **rest: Any) -> View:
    """Swap two of PyTorch's axes."""
    pair = (dim0, dim1) if axis0 is None else (axis0, rest["axis1"])
    a, b = (d % len(x.sizes) for d in pair)
    order = list(range(len(x.sizes)))
    order[a], order[b] = b, a
    return permute(r, x, order)


@aten("t", "numpy_T", "adjoint", "mT", layout=True)
def turned(r: Reading, x: View, **_: Any) -> View:
    """Swap the last two axes (of a matrix: both); one alone stays."""
    return transpose(r, x, -1, -2) if len(x.sizes) > 1 else x


@aten("movedim.int", "moveaxis.int", layout=True)
def movedim(r: Reading, x: View, source: int, destination: int, **_: Any) -> View:
    """Take an axis out and put it in at another place."""
    order = [k for k in range(len(x.sizes)) if k != source % len(x.sizes)]
    order.insert(destination % len(x.sizes), source % len(x.sizes))
    return permute(r, x, order)


@aten("unsqueeze", layout=True)
def unsqueeze(_r: Reading, x: View, dim: int, **_: Any) -> View:
    """Add an axis of length 1."""
    at = dim % (len(x.sizes) + 1)
    return View(x.value, (*x.axes[:at], None, *x.axes[at:]), (*x.sizes[:at], 1, *x.sizes[at:]))


@aten("squeeze", layout=True)
def squeeze(_r: Reading, x: View, dim: Any = None, **_: Any) -> View:
    """Leave out axes of length 1."""
    asked = range(len(x.sizes)) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {d % len(x.sizes) for d in asked if x.sizes[d] == 1}
    left = [k for k in range(len(x.sizes)) if k not in gone]
    return View(x.value, (x.axes[k] for k in left), (x.sizes[k] for k in left))


# ---- axes that merge or part ---------------------------------------------------------------------


@aten("view.default", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "_unsafe_view", layout=True)
def reshape(r: Reading, x: View, **_: Any) -> View:
    """Merge and part axes; to the shape that the export says."""
    return reshaped(r, x, list(r.node.meta["val"].shape))


def reshaped(r: Reading, x: View, sizes: Sequence[int]) -> View:
    """Return a tensor under another shape of as many numbers.

    Axes that stay as they are stay where they are. Those that merge must be neighbours in the spec's value, in
    that order; else the value is permuted, the channels first if a layer over the last axis follows.
    """
    groups = regrouped(x.sizes, sizes)
    if all(len(old) == len(new) == 1 for old, new in groups):
        axes: list[int | None] = [None] * len(sizes)
        for (old,), (new,) in groups:
            axes[new] = x.axes[old]
        return View(x.value, axes, sizes)
    last = groups[-1]
    groups.sort(key=lambda group: min(x.axes[k] or 0 for k in group[0]))
    wanted = [x.axes[k] or 0 for old, _ in groups for k in old]
    if wanted != sorted(wanted) and over_last(r.node):
        groups.sort(key=lambda group: group is not last)
        wanted = [x.axes[k] or 0 for old, _ in groups for k in old]
    order = [k for _, new in groups for k in new]
    value = r.shaped(r.ordered(x.value, wanted), [sizes[k] for k in order] or [1])
    return r.placed(value, order, len(sizes))


def regrouped(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return which axes become which: the smallest groups of equal size, axes of length 1 left out."""
    a = [k for k, n in enumerate(old) if n > 1][::-1]
    b = [k for k, n in enumerate(new) if n > 1][::-1]
    groups = []
    while a and b:
        left, right = [a.pop()], [b.pop()]
        while (m := prod(old[k] for k in left)) != (n := prod(new[k] for k in right)):
            left, right = ([*left, a.pop()], right) if m < n else (left, [*right, b.pop()])
        groups.append((left, right))
    return groups


def over_last(node: Any) -> bool:
    """Say whether a layer over the last axis comes next: then that axis is to be the channels."""
    for user in node.users:
        name = operation_of(user).partition(".")[0]
        if name in ("linear", "layer_norm", "rms_norm"):
            return True
        if name in ("dropout", "contiguous", "clone", "gelu") and over_last(user):
            return True
    return False


# ---- parts ---------------------------------------------------------------------------------------


@aten("slice.Tensor", "narrow.default")
def cut(
    r: Reading, x: View, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1, **rest: Any
) -> Any:
    """Take a part of an axis."""
    dim %= len(x.sizes)
    n = x.sizes[dim]
    end = start + rest["length"] if "length" in rest and start is not None else end
    first, last, step = slice(start, end, step).indices(n)
    return part(r, x, dim, first, last, step)


def part(r: Reading, x: View, dim: int, first: int, last: int, step: int = 1) -> Any:
    """Return the numbers of an axis from first up to, without, last: none are a constant."""
    axis, n = x.axes[dim], x.sizes[dim]
    if (first, last, step) == (0, n, 1) or (axis is None and first < last):
        return x
    if axis is None or first >= last:
        return Constant([], (*x.sizes[:dim], 0, *x.sizes[dim + 1 :]))
    stop = None if last == n else last
    return r.same(x, r.helper("slice", x.value, start=first, stop=stop, step=step, axis=axis))


@aten("select.int")
def select(r: Reading, x: View, dim: int, index: int, **_: Any) -> View:
    """Take one place of an axis, which goes."""
    at = index % x.sizes[dim]
    return squeeze(r, part(r, x, dim, at, at + 1), dim % len(x.sizes))


@aten("split_with_sizes", "split.Tensor", "split.sizes", "chunk", "tensor_split.sections", "unsafe_split")
def split(r: Reading, x: View, dim: int = 0, **_: Any) -> list[View]:
    """Part an axis into tensors of their own; sizes are those that the export says."""
    sizes = [part.shape[dim] for part in r.node.meta["val"]]
    return pieces(r, x, dim % len(x.sizes), sizes)


def pieces(r: Reading, x: View, dim: int, sizes: Sequence[int]) -> list[View]:
    """Return the parts of an axis."""
    axis = x.axes[dim]
    if len(sizes) == 1:
        return [x]
    if axis is None:
        raise r.refuse("an axis of length 1 can't be split")
    used = {user.args[1] for user in r.node.users if operation_of(user) == "getitem" and user.users}
    if used and len(used) < len(sizes):  # a split's parts are all used
        ends = [*accumulate(sizes)]
        return [part(r, x, dim, end - n, end) for n, end in zip(sizes, ends, strict=True)]
    how = {"parts": len(sizes)} if len(set(sizes)) == 1 else {"sizes": list(sizes)}
    values = r.several("split", [x.value], r.within("split"), **how, axis=axis)
    return [r.same(x, value) for value in values]


@aten("unbind.int")
def unbind(r: Reading, x: View, dim: int = 0, **_: Any) -> list[View]:
    """Part an axis into its places, and let it go."""
    return parted(r, x, dim % len(x.sizes))


def parted(r: Reading, x: View, dim: int) -> list[View]:
    """Return the places of an axis, each without it."""
    return [squeeze(r, piece, dim) for piece in pieces(r, x, dim, [1] * x.sizes[dim])]


# ---- several tensors -----------------------------------------------------------------------------


@aten("cat", "concat", "concatenate", both=True)
def cat(r: Reading, tensors: list[Tensor], dim: int = 0, **_: Any) -> View:
    """Put tensors side by side along an axis."""
    tensors = [x for x in tensors if prod(x.sizes)]
    first = max((x for x in tensors if isinstance(x, View)), key=lambda x: prod(x.sizes))
    dim %= len(first.sizes)
    order = first.sorted({*first.order, dim, *(k for x in tensors for k, n in enumerate(x.sizes) if n > 1)})
    values = [r.arrange(x, [[k] for k in order]) for x in tensors]
    value = values[0] if len(values) == 1 else r.add("concat", values, axis=order.index(dim))
    return r.placed(value, order, len(first.sizes))


@aten("stack", both=True)
def stack(r: Reading, tensors: list[Tensor], dim: int = 0, **_: Any) -> View:
    """Put tensors side by side along an axis of its own."""
    at = dim % (len(tensors[0].sizes) + 1)
    return cat(r, [unsqueezed(r, x, at) for x in tensors], at)


def unsqueezed(r: Reading, x: Tensor, at: int) -> Tensor:
    """Return a tensor, or a constant, with an axis of length 1 more."""
    if isinstance(x, View):
        return unsqueeze(r, x, at)
    return Constant(x.params, (*x.sizes[:at], 1, *x.sizes[at:]), x.whole)


@aten("expand", "expand_as", "broadcast_to")
def expand(r: Reading, x: View, other: Tensor | None = None, **_: Any) -> View:
    """Repeat axes of length 1, to the shape that the export says.

    What is only multiplied with, or added to, the tensor whose shape it gets is left to that: it repeats by itself.
    """
    sizes = list(r.node.meta["val"].shape)
    joins = {operation_of(user).partition(".")[0].rstrip("_") for user in r.node.users}
    if other is not None and joins <= {"mul", "add"} and all(r.node.args[1] in user.args for user in r.node.users):
        more = len(sizes) - len(x.sizes)
        return View(x.value, (*(None,) * more, *x.axes), sizes)
    return expanded(r, x, sizes)


def expanded(r: Reading, x: View, sizes: Sequence[int]) -> View:
    """Return the tensor with its axes of length 1 repeated, and axes put before them."""
    for _new in range(len(sizes) - len(x.sizes)):
        x = unsqueeze(r, x, 0)
    longer = [k for k, n in enumerate(sizes) if n != x.sizes[k]]
    if not longer:
        return x
    order = x.sorted({*x.order, *longer})
    value = r.helper("broadcast_to", r.arrange(x, [[k] for k in order]), shape=[sizes[k] for k in order])
    return r.placed(value, order, len(sizes))


@aten("repeat", "tile")
def repeat(r: Reading, x: View, **_: Any) -> View:
    """Repeat a tensor along some axes."""
    sizes = list(r.node.meta["val"].shape)
    for _new in range(len(sizes) - len(x.sizes)):
        x = unsqueeze(r, x, 0)
    for k, n in enumerate(sizes):
        times = n // x.sizes[k]
        if times > 1 and x.sizes[k] > 1:
            x = r.same(x, r.add("concat", [x.value] * times, axis=x.axes[k]))
    return expanded(r, x, sizes)


@aten("repeat_interleave.self_int")
def repeat_each(r: Reading, x: View, repeats: int, dim: int | None = None, **_: Any) -> View:
    """Repeat each place of an axis."""
    if dim is None:
        x, dim = reshaped(r, x, [prod(x.sizes)]), 0
    at = dim % len(x.sizes) + 1
    each = expanded(r, unsqueeze(r, x, at), [*x.sizes[:at], repeats, *x.sizes[at:]])
    return reshaped(r, each, r.node.meta["val"].shape)


# ---- what moves numbers --------------------------------------------------------------------------


@aten("roll")
def roll(r: Reading, x: View, shifts: Sequence[int], dims: Sequence[int] = (), **_: Any) -> View:
    """Move the numbers along axes; without any, along the flattened tensor."""
    if not dims:
        flat = reshaped(r, x, [prod(x.sizes)])
        return reshaped(r, roll(r, flat, shifts, [0]), x.sizes)
    moves = [(by, x.axes[d]) for by, d in zip(shifts, dims, strict=True) if x.axes[d] is not None]
    if not moves:
        return x
    return r.same(x, r.add("roll", [x.value], by=[by for by, _ in moves], axes=[axis for _, axis in moves]))


@aten("flip")
def flip(r: Reading, x: View, dims: Sequence[int], **_: Any) -> View:
    """Reverse the numbers along axes."""
    axes = [x.axes[d] for d in dims if x.axes[d] is not None]
    return r.same(x, r.add("flip", [x.value], axes=axes)) if axes else x


# What takes, puts or orders numbers by their places or their sizes, and multiplies nothing. Where one of them gives the
# places beside the values, they have the values' shape.
MOVING = """
gather take take_along_dim one_hot
index_put index_add index_copy index_fill index_reduce scatter scatter_add scatter_reduce masked_scatter put
slice_scatter select_scatter diagonal_scatter as_strided_scatter max_unpool2d max_unpool3d
sort argsort kthvalue mode median msort nanmedian cummax cummin cumprod logcumsumexp
bucketize searchsorted isin diagonal diag_embed as_strided tril triu trace
fractional_max_pool2d fractional_max_pool3d bernoulli rrelu rrelu_with_noise complex real imag
view_as_real view_as_complex
""".split()


@aten(*MOVING, both=True)
def moved(r: Reading, **given: Any) -> Any:
    """Translate what moves numbers: what goes where is known by number, not by place, so the row is stated."""
    made = r.node.meta["val"]
    several = isinstance(made, list | tuple)
    fixed = r.operation.startswith("index") and sum(isinstance(x, View) for x in tensors_in(given.values())) == 1
    why = "the places that a constant names" if fixed else "numbers are moved, and none multiplied"
    value = stated(r, given.values(), (made[0] if several else made).shape, why)
    return [value if one.shape == made[0].shape else None for one in made] if several else value
