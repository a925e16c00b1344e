"""Where a `share` stands in a text, and which of them share with nothing: a place must meet another of its body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from costcalc.base.errors import nearest
from costcalc.language.context import LayerNames, stems
from costcalc.language.document import Ref


class Share(NamedTuple):
    """A place in the text where a `share` stands."""

    ref: Ref
    block: str  # that it is in, '' for the spec's own layers
    repeated: bool  # whether it is run several times: in a repeat, a table
    layers: LayerNames  # of its body


def lone(shares: Sequence[Share]) -> list[Share]:
    """Return the places with which no other place of their body can share, and that are run once.

    `w` meets `w`; `w(k)` meets `w(j)`, `w1` and `w2`.
    """
    plain = Counter((one.block, one.ref.text) for one in shares if one.ref.index is None)
    indexed = Counter((one.block, one.ref.text) for one in shares if one.ref.index is not None)
    numbered = {(one.block, stem) for one in shares for stem in stems(one.ref.text)}
    found = []
    for one in shares:
        key, mine = (one.block, one.ref.text), plain if one.ref.index is None else indexed
        met = mine[key] > 1 or any((one.block, stem) in indexed for stem in stems(one.ref.text))
        if not (one.repeated or met or (mine is indexed and key in numbered)):
            found.append(one)
    return found


def hint(one: Share, shares: Sequence[Share]) -> str:
    """Return what to do about a place that shares with nothing."""
    word = one.ref.text
    if one.layers.may_be(word):
        return f"write share: {word} beside the layer '{word}' too"
    meant = nearest(word, {other.ref.text for other in shares if other.block == one.block and other is not one})
    if meant or not one.block:
        return meant or f"write share: {word} beside the others that use these weights, or remove it"
    return f"each call of a block has weights of its own: write share: {word} beside the calls of {one.block}"
