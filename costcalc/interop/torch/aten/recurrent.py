"""Recurrent layers, their cells, and what takes numbers out of a table by their index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from costcalc.interop.guard import OPAQUE
from costcalc.interop.torch.aten.reading import MOST_EACH, Constant, Reading, Tensor, View, aten, stated
from costcalc.interop.torch.aten.views import cat, moved, parted, unsqueeze

KINDS = {"lstm": "lstm", "gru": "gru", "rnn_tanh": "rnn", "rnn_relu": "rnn"}


@aten("lstm.input", "gru.input", "rnn_tanh.input", "rnn_relu.input", counted=True)
def recurrent(r: Reading, x: View, hx: Any, params: list[Tensor], num_layers: int, **given: Any) -> list[View]:
    """Translate a recurrent layer: a row for each sequence that one image gives, which share their weights."""
    batch, steps = (0, 1) if given["batch_first"] else (1, 0)
    states = hx if isinstance(hx, list) else [hx]
    if any(isinstance(state, View) or state.params for state in states):
        x = stated(r, [x, *states], x.sizes, "the first state enters beside the sequence")
    sets = num_layers * (2 if given["bidirectional"] else 1)
    hidden, projected = states[-1].sizes[-1], len(params) // sets - (4 if given["has_biases"] else 2)
    word = r.operation.partition(".")[0]
    fields = {
        "hidden": hidden,
        "layers": num_layers,
        "bidirectional": given["bidirectional"],
        "bias": given["has_biases"],
        "projection": states[0].sizes[-1] if projected else None,
        "nonlinearity": "relu" if word == "rnn_relu" else None,
    }
    fields = {name: setting for name, setting in fields.items() if setting is not None}
    own = [one for one in params if isinstance(one, View) or one.params]
    if given["has_biases"] and len(own) == len(params) - sets:  # the second bias of each is a constant, as of Keras
        params, fields["one_bias"] = own, True
    weights = [(one, prod(one.sizes)) for one in params]

    def layer(one: View) -> list[View]:
        if not r.learned(KINDS[word], [r.arrange(one, [[2], [steps]])], weights, **fields):
            raise r.refuse("a recurrent layer whose weights are not its own can't be expressed", OPAQUE)
        out, *last = r.flat.steps[-1].outputs
        return [r.placed(out, [2, steps], 3), *(r.placed(state, [0, 2], 3) for state in last)]

    return _for_each(r, [x], batch, lambda ones: layer(*ones), [batch, 1, 1])


@aten("lstm_cell", "gru_cell", counted=True)
def cell(r: Reading, x: View, hx: Any, w_ih: Tensor, w_hh: Tensor, **given: Any) -> Any:
    """Translate one step of a recurrent layer, over one image; a first state of zeros is a row."""
    kind = r.operation.partition(".")[0]
    several = isinstance(hx, list)
    hidden, biases = w_hh.sizes[1], [given.get(name) for name in ("b_ih", "b_hh")]
    weights = [(one, prod(one.sizes)) for one in (w_ih, w_hh, *biases) if one is not None]

    def layer(one: View, *states: Tensor) -> list[View]:
        value = r.arrange(one, [[1]])
        before = [
            r.helper("zeros", value, shape=[hidden])
            if isinstance(state, Constant) and not (state.params or state.whole)
            else r.arrange(state, [[1]])
            for state in states
        ]
        if not r.learned(kind, [value, *before], weights, hidden=hidden, bias=biases[0] is not None):
            raise r.refuse("a recurrent cell whose weights are not its own can't be expressed", OPAQUE)
        return [r.view(state, [None, 0]) for state in r.flat.steps[-1].outputs]

    found = _for_each(r, [x, *(hx if several else [hx])], 0, lambda ones: layer(*ones), [0, 0])
    return found if several else found[0]


def _for_each(
    r: Reading, given: list[Any], dim: int, layer: Callable[[list[Any]], list[View]], dims: Sequence[int]
) -> list[View]:
    """Return what a layer gives of each sequence along an axis, side by side along an axis of each result."""
    count = max(one.sizes[dim] for one in given)
    if count == 1:
        return layer(given)
    if count > MOST_EACH:
        raise r.refuse(f"a recurrent layer over {count:,} sequences of one image: at most {MOST_EACH}", OPAQUE)
    ones = [
        [unsqueeze(r, piece, dim) for piece in parted(r, one, dim)]
        if isinstance(one, View)
        else [Constant(one.params, (1, *one.sizes[1:]))] * count
        for one in given
    ]
    found = [layer(list(sequence)) for sequence in zip(*ones, strict=True)]
    return [cat(r, list(results), at) for results, at in zip(zip(*found, strict=True), dims, strict=False)]


@aten("embedding", both=True)
def embedding(r: Reading, weight: Tensor, indices: Tensor, **_: Any) -> View:
    """Translate vectors by their index: learned ones, or (lookup) computed or stored."""
    rank, (count, out) = len(indices.sizes), weight.sizes
    order, value = _indices(r, indices)
    y = r.learned("embedding", [value], [(weight, count * out)], count=count, out=out)
    if y:
        return r.placed(y, [rank, *order], rank + 1)
    y = r.add("lookup", [r.arrange(weight, [[0], [1]]), value])
    return r.placed(y, [*order, rank], rank + 1)


@aten("index_select", both=True)
def index_select(r: Reading, x: Tensor, dim: int, index: Tensor, **_: Any) -> Any:
    """Translate places of an axis that a list of indices names."""
    return looked_up(r, x, index, dim % len(x.sizes))


@aten("index.Tensor", "_unsafe_index.Tensor", both=True)
def indexed(r: Reading, x: Tensor, indices: Sequence[Tensor | None], **given: Any) -> Any:
    """Translate places of an axis by one tensor of indices; of several it is known how many numbers are moved."""
    named = [(k, one) for k, one in enumerate(indices) if one is not None]
    made = r.node.meta["val"]
    k, places = named[0]
    sizes = (*x.sizes[:k], *places.sizes, *x.sizes[k + 1 :])
    if len(named) > 1 or sizes != tuple(made.shape):
        return moved(r, x=x, indices=list(indices), **given)
    return looked_up(r, x, places, k)


def looked_up(r: Reading, x: Tensor, places: Tensor, dim: int) -> Any:
    """Return the places of an axis that a tensor of indices names, whose axes then stand there."""
    table = x if isinstance(x, View) else r.constant(x)
    if table.axes[dim] is None:  # of one place
        return moved(r, x=x, indices=[places])
    order, value = _indices(r, places)
    rank = len(places.sizes)
    kept = [k if k < dim else k + rank - 1 for k in table.order if k != dim]
    at = table.order.index(dim)
    before, after = kept[:at], kept[at:]
    y = r.add("lookup", [r.arrange(table, [[k] for k in table.order]), value], axis=at)
    return r.placed(y, [*before, *(dim + k for k in order or [0][:rank]), *after], len(x.sizes) + rank - 1)


def _indices(r: Reading, indices: Tensor) -> tuple[list[int], str]:
    """Return the axes of a tensor of indices that are longer than 1, as its value has them, and this value."""
    order = [k for k, n in enumerate(indices.sizes) if n > 1]
    if isinstance(indices, View):
        order = indices.sorted(order)
    return order, r.arrange(indices, [[k] for k in order])
