"""The layers that multiply as nests of loops, which is what simulators of accelerators take.

Every multiply-accumulate of a network is one of a convolution, grouped or not: a matrix product of
[M, K] and [K, N] is one of kernel 1x1 over M x 1 pixels, K channels and N filters. Of three axes of space two are
made where nothing slides along two neighbours: 3x1x1 over D x H x W is 3x1 over D x HW. Other windows have three.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.costs.rows import Row, rows
from costcalc.graph.graph import Graph
from costcalc.numbers import num
from costcalc.numbers.num import Dims, prod
from costcalc.numbers.shape import Shape

Pair = tuple[int, int]


class Nest(NamedTuple):
    """A convolution of one image: in each of `groups`, `filters` kernels over `channels`, at `out` pixels.

    kernel, out, stride and dilation are (height, width). Padding is none of the nest's business: it
    says what is computed, not what is zero.
    """

    name: str
    groups: int
    channels: int
    filters: int
    out: Pair
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)

    @property
    def macs(self) -> int:
        """The multiply-accumulates: the product of all loops."""
        return int(prod((self.groups, self.channels, self.filters, *self.out, *self.kernel)))


def nests(graph: Graph, left_out: list[str] | None = None) -> list[Nest]:
    """Return the nests of every layer that multiplies, in the network's order; their MACs are the rows', exactly.

    left_out: takes a note for each layer that is no nest (its MACs are stated by the spec, or unknown);
    without it such a layer is an error.
    """
    found, notes = [], []
    for row in rows(graph):
        if row.macs is not num.UNKNOWN and row.macs == 0:
            continue
        own = _nests(row) if row.node.op.derived and row.macs is not num.UNKNOWN else []
        if sum(nest.macs for nest in own) == row.macs:
            found += own
        else:
            three = len(getattr(row.node.op, "kernel", ())) > 2
            why = (
                "it slides over three axes, a nest over two"
                if three
                else "its multiply-accumulates are no convolution's"
            )
            notes.append(f"{row.name} ({row.type}): {why}")
    tell(notes, left_out)
    return found


def tell(notes: list[str], left_out: list[str] | None) -> None:
    """Hand out the notes on what is left out; raise SpecError where nobody takes them."""
    if left_out is None and notes:
        more = f" (and {len(notes) - 1} more layers)" if len(notes) > 1 else ""
        raise stop(f"{notes[0]}{more}", hint="--leave-out leaves such layers out, and says which")
    if left_out is not None:
        left_out += notes


def _nests(row: Row) -> list[Nest]:
    """Return what a row is by its shapes; whether that is right, its MACs say."""
    node = row.node
    if isinstance(node.x, Shape):
        return _weighted(row)
    if any(len(one.dims) < 2 for one in node.x) or len(node.x) > 3:
        return []
    if len(node.x) == 3:
        q, k, v = (one.dims for one in node.x)  # attention: queries times keys, scores times values
        heads = prod(q[:-2])
        return [
            Nest(f"{row.name}.scores", heads, q[-1], k[-2], (q[-2], 1)),
            Nest(f"{row.name}.values", heads, k[-2], v[-1], (q[-2], 1)),
        ]
    first, second = node.x
    if hasattr(node.op, "stride"):  # a convolution whose weights are computed
        return _convolved(row, first, second.size, second.dims[2:])
    return [Nest(row.name, prod(first.dims[:-2]), first.dims[-1], second.dims[-1], (first.dims[-2], 1))]


def _weighted(row: Row) -> list[Nest]:
    """Return the nest of a layer with weights of its own: a convolution, or one transposed, or fully connected."""
    node, kernel = row.node, getattr(row.node.op, "kernel", ())
    x, y = node.x, node.y
    weights = node.op.weights(x, y)  # not the row's: those that are shared are counted elsewhere
    if not weights or row.macs == y.pixels * weights:
        return _convolved(row, x, weights, kernel)
    # A transposed convolution multiplies at its input's pixels, by all filters and taps, and then adds what overlaps.
    groups = x.c * y.c * prod(kernel) // weights
    return [Nest(row.name, groups, x.c // max(groups, 1), weights // x.c, _plane(x.space))]


def _convolved(row: Row, x: Shape, weights: int, kernel: tuple[int, ...]) -> list[Nest]:
    """Return the nest of a convolution; a kernel holds as many channels as one of the groups."""
    op, y = row.node.op, row.node.y
    channels = weights // (y.c * prod(kernel))
    if not channels:
        return []
    groups = x.c // channels
    each = (getattr(op, name, (1,) * len(kernel)) for name in ("stride", "dilation"))
    axes = [*zip(y.space, kernel, *each, strict=True)] if kernel else [(n, 1, 1, 1) for n in _plane(y.space)]
    while len(axes) > 2:
        still = [k for k in range(len(axes) - 1) if axes[k][1:3] == axes[k + 1][1:3] == (1, 1)]
        if not still:
            return []
        axes[still[0] : still[0] + 2] = [(axes[still[0]][0] * axes[still[0] + 1][0], 1, 1, 1)]
    high, wide = [(1, 1, 1, 1)] * (2 - len(axes)) + axes
    return [Nest(row.name, groups, channels, y.c // max(groups, 1), *zip(high, wide, strict=True))]


def _plane(space: Dims) -> Pair:
    """Return any number of axes as (height, width), pixel by pixel."""
    return prod(space[:-1]), space[-1] if space else 1
