"""Products of matrices: linear layers, matmul and einsum, attention."""

from __future__ import annotations

from math import prod
from typing import Any

from costcalc.interop.torch.aten.points import joined, numbered, softmax
from costcalc.interop.torch.aten.reading import Constant, Reading, Tensor, View, aten
from costcalc.interop.torch.aten.views import expanded, reshaped, turned, unsqueeze


@aten("linear", counted=True)
def linear(r: Reading, x: View, weight: Tensor, bias: Tensor | None = None, **_: Any) -> View:
    """Translate a linear layer: over the last axis, which becomes the channels, or goes where the weights are a row."""
    if len(weight.sizes) == 1:
        column = matmul(r, x, weight)
        return column if bias is None else joined(r, "add", column, bias)
    out, into = weight.sizes
    last = len(x.sizes) - 1
    order = [last, *(k for k in x.order if k != last)]
    value = r.arrange(x, [[k] for k in order])
    y = fully(r, value, weight, bias, out)
    if not y:
        flat = r.shaped(value, [into, prod(r.dims(value)[1:])])
        y = r.add("matmul", [r.arrange(weight, [[0], [1]]), flat])
        y = r.shaped(y if bias is None else plus(r, y, bias), [out, *r.dims(value)[1:]])
    return r.placed(y, order, len(x.sizes))


def fully(r: Reading, value: str, weight: Tensor, bias: Tensor | None, out: int) -> str:
    """Add a fully connected layer over the channels; return "" where its weights are not its own."""
    into, *rest = r.dims(value)
    weights = [(weight, into * out), (bias, out)]
    return r.learned("fc", [value], weights, out=out, per_position=bool(rest), bias=False if bias is None else None)


def plus(r: Reading, value: str, bias: Tensor) -> str:
    """Add a bias: a number a channel."""
    return r.add("add", [value, r.arrange(bias, [[len(bias.sizes) - 1]])])


@aten("matmul", "mm", "bmm", "mv", "dot", "vdot", counted=True, both=True)
def matmul(r: Reading, x: Tensor, y: Tensor | None = None, **given: Any) -> View:
    """Translate a product of matrices, with leading axes that both have, or of vectors."""
    y = next(given[key] for key in ("other", "mat2", "vec", "tensor") if key in given) if y is None else y
    m, n = len(x.sizes), len(y.sizes)
    lead = [chr(ord("A") + k) for k in range(max(m, n) - 2)]
    left = [*lead[len(lead) - m + 2 :], "m", "k"] if m > 1 else ["k"]
    right = [*lead[len(lead) - n + 2 :], "k", "n"] if n > 1 else ["k"]
    return product(r, x, left, y, right, [*lead, *(["m"] if m > 1 else []), *(["n"] if n > 1 else [])])


@aten("tensordot", "inner", "linalg_multi_dot", "chain_matmul", "addmv", "addbmm", counted=True, both=True)
def several_products(_r: Reading, **_: Any) -> Any:
    """Leave to PyTorch what it composes of products of matrices."""
    return NotImplemented


@aten("baddbmm", "addmm", counted=True)
def add_product(r: Reading, x: Tensor, **given: Any) -> View:
    """Translate a product of matrices to which a tensor is added."""
    a, b = (given[key] for key in (("batch1", "batch2") if "batch1" in given else ("mat1", "mat2")))
    y = numbered(r, matmul(r, a, b), "multiply", given.get("alpha", 1))
    return joined(r, "add", y, numbered(r, x, "multiply", given.get("beta", 1)))


@aten("einsum", counted=True, both=True)
def einsum(r: Reading, equation: str, tensors: list[Tensor], **_: Any) -> Any:
    """Translate a product that is written with letters, of two tensors; others PyTorch composes of such."""
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    letters = inputs.split(",")
    alone = {c for c in "".join(letters) if inputs.count(c) == 1} - set(out)  # summed over in one tensor alone
    if len(letters) != 2 or "." in equation or not arrow or alone or any(len(set(x)) < len(x) for x in letters):
        return NotImplemented
    long = {c for c, n in zip("".join(letters), [n for x in tensors for n in x.sizes], strict=True) if n > 1}
    if not long - set(out):  # nothing is summed over: products of elements
        return NotImplemented
    return product(r, tensors[0], list(letters[0]), tensors[1], list(letters[1]), list(out))


def product(r: Reading, x: Tensor, left: list[str], y: Tensor, right: list[str], out: list[str]) -> View:
    """Return the product of two tensors whose axes are named by letters: those missing in `out` are summed over."""
    sizes: dict[str, int] = {}
    for name, n in (*zip(left, x.sizes, strict=True), *zip(right, y.sizes, strict=True)):
        sizes[name] = max(n, sizes.get(name, 1))
    inner = [c for c in left if c in right and c not in out]
    long = [c for c in out if sizes[c] > 1]
    shared = [c for c in long if c in left and c in right]
    rows = [c for c in long if c in left and c not in shared]
    columns = [c for c in long if c in right and c not in shared]
    x, y = (repeated(r, t, [sizes[c] for c in names]) for t, names in ((x, left), (y, right)))
    value = "" if shared else weighted(r, (x, left, rows), (y, right, columns), inner)
    if value:
        order = [*columns, *rows]
    else:
        a = r.arrange(x, [*_each(left, shared), _merged(left, rows), _merged(left, inner)])
        b = r.arrange(y, [*_each(right, shared), _merged(right, inner), _merged(right, columns)])
        value, order = r.add("matmul", [a, b]), [*shared, *rows, *columns]
    value = r.shaped(value, [sizes[c] for c in order] or [1])
    return r.placed(value, [out.index(c) for c in order], len(out))


def repeated(r: Reading, x: Tensor, sizes: list[int]) -> Tensor:
    """Return a tensor with its axes of length 1 repeated to the lengths that the other has."""
    return x if isinstance(x, Constant) or list(x.sizes) == sizes else expanded(r, x, sizes)


Factor = tuple[Tensor, list[str], list[str]]  # a tensor, its axes' names, and which of them stay


def weighted(r: Reading, data: Factor, learned: Factor, inner: list[str]) -> str:
    """Add a product with a learned matrix as a fully connected layer; return "" where it is none."""
    (x, left, rows), (y, right, columns) = data, learned
    if not isinstance(x, View) or not isinstance(y, Constant) or y.whole not in y.params or y.whole in r.owners:
        return ""
    value = r.arrange(x, [_merged(left, inner), *_each(left, rows)])
    return fully(r, value, y, None, prod(y.sizes[right.index(c)] for c in columns))


def _each(names: list[str], chosen: list[str]) -> list[list[int]]:
    return [[names.index(c)] for c in chosen]


def _merged(names: list[str], chosen: list[str]) -> list[int]:
    return [names.index(c) for c in chosen]


@aten("scaled_dot_product_attention", counted=True)
def attention(
    r: Reading, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, **given: Any
) -> View:
    """Translate attention: a row of its own; with a mask or another scale, the steps that it stands for."""
    if given.get("is_causal"):  # the mask is made within: a constant
        attn_mask = Constant([], (query.sizes[-2], key.sizes[-2]))
    if given.get("enable_gqa") and query.sizes[-3] > key.sizes[-3]:
        key, value = (grouped(r, x, query.sizes[-3]) for x in (key, value))
    rank, usual = len(query.sizes), query.sizes[-1] ** -0.5
    lead = [max(sizes) for sizes in zip(*(x.sizes[:-2] for x in (query, key, value)), strict=True)]
    query, key, value = (r.constant(x) if isinstance(x, Constant) else x for x in (query, key, value))
    query, key, value = (expanded(r, x, [*lead, *x.sizes[-2:]]) for x in (query, key, value))
    scale = usual if given.get("scale") is None else given["scale"]
    if attn_mask is None and scale == usual:
        order = [*(k for k in range(rank - 2) if lead[k] > 1), rank - 2, rank - 1]
        y = r.add("attention", [r.arrange(x, [[k] for k in order]) for x in (query, key, value)])
        return r.placed(y, order, rank)
    scores = numbered(r, matmul(r, query, turned(r, key)), "multiply", scale)
    if attn_mask is not None:
        scores = joined(r, "add", scores, attn_mask)
    return matmul(r, softmax(r, scores, -1), value)


def grouped(r: Reading, x: Tensor, heads: int) -> View:
    """Return keys or values with each head repeated, for as many heads as the queries have."""
    x = r.constant(x) if isinstance(x, Constant) else x
    at = len(x.sizes) - 2
    wide = unsqueeze(r, x, at)
    each = expanded(r, wide, [*wide.sizes[:at], heads // x.sizes[-3], *wide.sizes[at + 1 :]])
    return reshaped(r, each, [*x.sizes[:-3], heads, *x.sizes[-2:]])
