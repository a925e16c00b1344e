"""Tensors of a file beside the rows of a network: which layer has which, what is missing, left over, of another size.

A spec's rows say how many numbers they learn, and of which lengths their kernels are; tensors are theirs by the layer's
name where both have it, else by order among those of one size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from costcalc.base import Data
from costcalc.base.text import plural
from costcalc.costs.rows import Row, rows
from costcalc.graph.graph import Graph
from costcalc.interop.weights.files import Stored
from costcalc.numbers.num import prod

MATCHES, DIFFERS, MISSING, LEFT = "matches", "differs", "missing", "left over"

# What is stored and not learned, by the last word of its name.
_STATISTICS = re.compile(
    r"(running_|moving_)(mean|var|variance)|num_batches_tracked|(mean|variance|var|_mean|_variance)"
    r"|.*(relative_position_index|relative_coords_table|attn_mask|position_ids|anchors?|strides?|anchor_grid|inv_freq)"
)
# The tensors that one layer has beside each other; others are each a row's own.
_OF_A_LAYER = re.compile(
    r"(weight|bias|kernel|gamma|beta|scale|offset|in_proj|(depthwise_|pointwise_|recurrent_)kernel)(_(ih|hh|hr)_l\d+\w*"
    r"|_ih|_hh|_weight|_bias|:0)?"
)


class LayerWeights:
    """The learned tensors of one layer in the file, by its path."""

    def __init__(self, path: str, tensors: Sequence[Stored]) -> None:
        self.path = path
        self.tensors = tensors

    @property
    def size(self) -> int:
        """How many numbers they have."""
        return sum(one.size for one in self.tensors)

    @property
    def shapes(self) -> str:
        """Their names and shapes, in words."""
        return ", ".join(f"{one.name.rpartition('.')[2]} {list(one.shape)}" for one in self.tensors[:4])


class Pair:
    """A row of the network with its tensors, of which one may be missing."""

    def __init__(self, row: Row | None, group: LayerWeights | None) -> None:
        self.row = row
        self.group = group

    @property
    def verdict(self) -> str:
        """What is to be said of it, in a word."""
        if self.row is None:
            return LEFT
        if self.group is None:
            return MISSING
        return MATCHES if fits(self.row, self.group) else DIFFERS

    @property
    def ours(self) -> int:
        """How many numbers the spec's row learns."""
        return int(self.row.learnable) if self.row else 0

    @property
    def theirs(self) -> int:
        """How many numbers the file's tensors have."""
        return self.group.size if self.group else 0

    def told(self) -> str:
        """Say in a line what is wrong."""
        if self.row is None and self.group is not None:
            return f"{self.group.path}: {self.group.shapes}: no layer of the spec has these {self.theirs:,} numbers"
        if self.row is None:
            return ""
        what = f"{self.row.name} ({self.row.type})"
        if self.group is None:
            return f"{what}: its {self.ours:,} numbers are not in the file"
        same = self.ours == self.theirs
        how = "in another shape" if same else f"not {self.theirs:,}"
        return f"{what}: {self.ours:,} numbers, {how}: {self.group.path}: {self.group.shapes}"

    def to_dict(self) -> Data:
        """Return it as plain data."""
        return {
            "row": self.row.name if self.row else None,
            "type": self.row.type if self.row else None,
            "params": self.ours if self.row else None,
            "tensors": self.group.path if self.group else None,
            "shapes": self.group.shapes if self.group else None,
            "stored": self.theirs if self.group else None,
            "verdict": self.verdict,
        }


class Compared:
    """A network beside a file of weights."""

    def __init__(self, pairs: list[Pair], statistics: list[Stored], kinds: dict[str, int]) -> None:
        self.pairs = pairs
        self.statistics = statistics
        self.kinds = kinds  # element types, with how many learned numbers each has

    @property
    def differing(self) -> list[Pair]:
        """What does not match."""
        return [pair for pair in self.pairs if pair.verdict != MATCHES]

    @property
    def agrees(self) -> bool:
        """Whether each row has its tensors, and none is left over."""
        return not self.differing

    def __bool__(self) -> bool:
        return self.agrees

    def __repr__(self) -> str:
        return f"<{self.said()}>"

    def to_dict(self) -> Data:
        """Return it as plain data: the layers beside their tensors, and what there is in all."""
        statistics = sum(one.size for one in self.statistics)
        pairs = [pair.to_dict() for pair in self.pairs]
        totals = {"params": self.ours, "stored": self.theirs, "statistics": statistics, "numbers": self.kinds}
        return {"agrees": self.agrees, **totals, "layers": pairs}

    @property
    def ours(self) -> int:
        """How many numbers the spec learns."""
        return sum(pair.ours for pair in self.pairs)

    @property
    def theirs(self) -> int:
        """How many numbers the file holds beside statistics."""
        return sum(pair.theirs for pair in self.pairs)

    def said(self) -> str:
        """Say in a line whether the file is the spec's, and else what differs first."""
        if self.agrees:
            return f"{self.theirs:,} parameters in {plural(len(self.pairs), 'layer')}: all match"
        first = next((p for p in self.pairs if p.verdict in (DIFFERS, MISSING)), self.differing[0])
        verb = "differs" if len(self.differing) == 1 else "differ"
        return f"{plural(len(self.differing), 'layer')} {verb}, the first: {first.told()}"


def compare(graph: Graph, tensors: Sequence[Stored]) -> Compared:
    """Return the rows of a network beside the tensors of a file."""
    learning = [row for row in rows(graph) if not isinstance(row.learnable, int) or row.learnable]
    statistics = [one for one in tensors if is_statistic(one)]
    learned = [one for one in tensors if not is_statistic(one)]
    kinds: dict[str, int] = {}
    for one in learned:
        kinds[one.kind] = kinds.get(one.kind, 0) + one.size
    return Compared(_paired(learning, groups(learned)), statistics, kinds)


def is_statistic(one: Stored) -> bool:
    """Say whether a tensor is stored and not learned: what norms count, indices, masks."""
    return (not one.floating and one.bits > 8) or _STATISTICS.fullmatch(_leaf(one.name)) is not None


def _leaf(name: str) -> str:
    return re.split(r"[./]", name)[-1]


def groups(tensors: Iterable[Stored]) -> list[LayerWeights]:
    """Return tensors by the layers that have them, in the file's order."""
    found: dict[str, list[Stored]] = {}
    for one in tensors:
        leaf = _leaf(one.name)
        path = one.name[: -len(leaf) - 1] if _OF_A_LAYER.fullmatch(leaf) else one.name
        found.setdefault(path, []).append(one)
    return [LayerWeights(path, own) for path, own in found.items()]


def _paired(learning: Sequence[Row], found: Sequence[LayerWeights]) -> list[Pair]:
    """Return rows with their tensors: by name, by order among those that fit, by order among the rest."""
    left = {group.path: group for group in found}
    by_name = {_plain(path): path for path in left}
    taken: dict[int, LayerWeights] = {}
    for number, row in enumerate(learning):
        path = by_name.get(_plain(row.name))
        if path in left and (fits(row, left[path]) or not _alike(row, left.values())):
            taken[number] = left.pop(path)
    waiting: dict[int, list[LayerWeights]] = {}
    for one in left.values():
        waiting.setdefault(one.size, []).append(one)
    group: LayerWeights | None
    for number, row in enumerate(learning):
        if number not in taken:
            group = next((one for one in waiting.get(int(row.learnable), ()) if fits(row, one)), None)
            if group is not None:
                waiting[group.size].remove(group)
                taken[number] = left.pop(group.path)
    rest = iter(list(left.values()))
    for number, row in enumerate(learning):
        if number not in taken:
            group = next((one for one in rest if _could(row, one)), None)
            if group is not None:
                taken[number] = left.pop(group.path)
    pairs = [Pair(row, taken.get(number)) for number, row in enumerate(learning)]
    return pairs + [Pair(None, one) for one in left.values()]


def _alike(row: Row, others: Iterable[LayerWeights]) -> bool:
    """Say whether some tensors fit a row."""
    return any(group.size == row.learnable and fits(row, group) for group in others)


def _could(row: Row, group: LayerWeights) -> bool:
    """Say whether tensors are of a row's sort: as many axes."""
    axes = max(len(one.shape) for one in group.tensors)
    sizes = lengths(row)
    return sizes is None or (len(sizes) > 1) == (axes > 1)


def _plain(name: str) -> str:
    """Return a name by which a spec's row and a file's layer may be one: without what each writes in its own way."""
    return re.sub(r"^(model|module)\.|_$", "", name.replace("/", ".").lower())


def lengths(row: Row) -> list[int] | None:
    """Return the lengths of the axes of a row's largest tensor, in some order; None where it has several, or others."""
    op, x, y = row.node.op, row.node.x, row.node.y
    flat: list[int] = []
    for one in op.tensors(x, y):
        flat += [int(n) for n in (one if isinstance(one, tuple) else (one,)) if not isinstance(n, bool)]
    weights = int(row.weights)
    return sorted(n for n in flat if n > 1) if weights and prod(flat) == weights else None


def fits(row: Row, group: LayerWeights) -> bool:
    """Say whether tensors can be a row's: as many numbers, and a kernel of its lengths."""
    if group.size != row.learnable:
        return False
    sizes, shape = lengths(row), max(group.tensors, key=lambda one: one.size).shape
    if sizes is None:
        return True
    kernel = tuple(getattr(row.node.op, "kernel", None) or ())
    k = len(kernel)
    placed = not k or len(shape) <= k or kernel in (shape[-k:], shape[:k])
    return sorted(n for n in shape if n > 1) == sizes and placed
