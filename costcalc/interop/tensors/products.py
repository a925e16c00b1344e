"""Einsum and Attention -> products of tensors."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base.errors import Fault
from costcalc.interop.tensors.layers import factor
from costcalc.interop.tensors.net import Call, Net, rule
from costcalc.interop.tensors.values import Data, Dims
from costcalc.numbers.num import prod


@rule("Einsum")
def einsum(net: Net, call: Call) -> None:
    """A product of two tensors: axes are common to both and stay, common and summed over, or of one alone."""
    left, right, out = _letters(call)
    a, b = factor(net, call, 0), factor(net, call, 1)
    sizes = _sizes(left, a.shape) | _sizes(right, b.shape)
    if sizes != _sizes(right, b.shape) | _sizes(left, a.shape) or set(out) - set(sizes):
        raise Fault("its axes do not fit")
    common = [k for k in left if k in right and k in out]
    summed = [k for k in left if k in right and k not in out]
    rows, columns = [k for k in left if k not in right], [k for k in right if k not in left]
    if set(rows + columns) - set(out) or not summed:
        raise Fault("costcalc takes sums over axes that both tensors have")
    front = [sizes[k] for k in common]
    size = {name: prod(sizes[k] for k in letters) for name, letters in (("m", rows), ("k", summed), ("n", columns))}
    one = _ordered(net, call, a, left, [*common, *rows, *summed], (*front, size["m"], size["k"]))
    two = _ordered(net, call, b, right, [*common, *summed, *columns], (*front, size["k"], size["n"]))
    product = net.add("matmul", [one, two], call.name)
    given = [*common, *rows, *columns]
    value = net.reshape(product, tuple(sizes[k] for k in given) or (1,), call.name)
    value = net.permute(value, [given.index(k) for k in out], call.name)
    net.put(call, value, tuple(sizes[k] for k in out))


@rule("Attention")
def attention(net: Net, call: Call) -> None:
    """Scaled dot-product attention of tensors that have their heads as an axis."""
    q, k, v = (net.data(call, place) for place in range(3))
    if any(len(x.shape) != 4 or x.shape[:2] != q.shape[:2] for x in (q, k, v)) or not net.lead(q.shape):
        raise Fault("costcalc takes attention of [batch, heads, length, size], with as many heads in all three")
    if any(value is not None for value in call.inputs[3:]):
        raise Fault("costcalc's attention has no mask and no past")
    net.give(call, net.add("attention", [q.name, k.name, v.name], call.name), q)


def _letters(call: Call) -> tuple[str, str, str]:
    """Return the letters of both tensors' axes and of the result's."""
    equation = str(call.attr("equation", "")).replace(" ", "")
    given, arrow, out = equation.partition("->")
    left, comma, right = given.partition(",")
    letters = left + right + out
    if not arrow or not comma or not letters.isalpha() or any(len(set(t)) != len(t) for t in (left, right, out)):
        raise Fault(f"costcalc has no words for '{equation[:80]}'")
    return left, right, out


def _sizes(letters: str, shape: Dims) -> dict[str, int]:
    if len(letters) != len(shape):
        raise Fault(f"'{letters}' does not name the axes of {list(shape)}")
    return dict(zip(letters, shape, strict=True))


def _ordered(net: Net, call: Call, x: Data, letters: str, order: Sequence[str], dims: Dims) -> str:
    """Return a tensor, batch included, with its axes in an order and then put together."""
    value = net.permute(net.whole(x, call.name), [letters.index(k) for k in order], call.name)
    return net.reshape(value, dims, call.name)
