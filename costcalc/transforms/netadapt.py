"""NetAdapt's sequence: layer after layer gives channels away until a network meets its budget, by tables, untrained.

Yang et al. 2018, arXiv:1804.03230, Algorithm 1. In each iteration every layer by itself proposes the most channels with
which the network costs less by the iteration's step, and one proposal is taken. Which filters go, and what fine-tuning
mends, is not looked at. Layers whose outputs are added or multiplied together keep equal channels: one proposal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.base import Data, Datum
from costcalc.base.errors import Fault, Mark, SpecError, nearest, stop
from costcalc.costs.rows import row_of
from costcalc.graph.graph import Graph, Node, Tensor
from costcalc.language.flat import Step
from costcalc.numbers.num import UNKNOWN, Dim
from costcalc.reports.page import Page
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table
from costcalc.transforms.network import EditableNetwork, Rewrite, flattened
from costcalc.transforms.scale import depthwise, followed, grouped, last_layers

if TYPE_CHECKING:
    import pandas as pd

RULES = ("params", "share")
MOST_ITERATIONS = 1000

RowCosts = Callable[[Graph], Sequence[Dim]]  # what each row of a graph has of the metric


class TiedLayers(NamedTuple):
    """Layers that have equal channels, since their outputs are added or multiplied together; mostly one."""

    steps: frozenset[str]
    path: str  # of the first
    channels: int


class TakenStep(NamedTuple):
    """The proposal of an iteration that is taken, and what the network costs then."""

    layer: str
    before: int
    after: int
    cost: int
    params: int


class NetAdapt:
    """A network, and what was taken from it: `.taken`, `.cost`, the last network's `.text()`."""

    def __init__(
        self,
        before: Result,
        costs: RowCosts,
        *,
        metric: str,
        target: float,
        step: float,
        decay: float = 1.0,
        rule: str = "params",
        scores: Mapping[str, float] | None = None,
        divisor: int = 8,
    ) -> None:
        """costs: of a metric, whole numbers. target, step: shares of what the network costs before.

        decay: by what the step is multiplied from one iteration to the next (NetAdapt's is 0.96 to 0.98). rule: the
        proposal of the largest saving a parameter that goes (params), or of the least share of a layer's channels
        (share). scores: of layers, then that of the least score times the share of its channels that goes.

        Raises SpecError where no layer by itself saves a step.
        """
        if not 0 < target < 1 or not 0 < step < 1 or not 0 < decay <= 1:
            raise stop("a target and a step are shares above 0 and below 1: 0.8 and 0.02; a decay is at most 1")
        if rule not in RULES:
            raise stop(f"there is no rule '{rule}'", hint=nearest(rule, RULES) or f"known: {', '.join(RULES)}")
        self.before, self.metric, self.rule, self.scores = before, metric, rule, scores
        self.divisor = divisor
        self.counted = StepCosts(before.graph, costs)
        self.network = flattened(before.graph)
        self.taken: list[TakenStep] = []
        start = self.cost = self.counted.cost(self.network)
        self.start = TakenStep("", 0, 0, start, learned(self.network))
        wanted, saving = Fraction(target).limit_denominator(10**9) * start, Fraction(step).limit_denominator(10**9)
        while self.cost > wanted:
            if len(self.taken) == MOST_ITERATIONS:
                raise stop(f"after {MOST_ITERATIONS:,} iterations the target is not met", hint="take a larger step")
            self.iterate(max(wanted, self.cost - saving * start))
            saving *= Fraction(decay).limit_denominator(10**6)

    def iterate(self, limit: Fraction) -> None:
        """Take one proposal with which the network costs at most so much."""
        found = []
        params = learned(self.network)
        for layers in tied(self.network):
            made = self.proposal(layers, limit)
            if made is not None:
                channels, network, cost = made
                gone = 1 - channels / layers.channels
                rank = self.rank(layers.path, gone, self.cost - cost, params - learned(network))
                found.append((rank, layers, channels, network, cost))
        if not found:
            raise stop(
                f"no layer by itself saves the step from {self.cost:,} to {math.floor(limit):,} {self.metric}",
                hint="take a smaller step, a larger target, or a smaller divisor",
            )
        _, layers, channels, self.network, self.cost = min(found, key=lambda one: one[0])
        self.taken.append(TakenStep(layers.path, layers.channels, channels, self.cost, learned(self.network)))

    def rank(self, path: str, gone: float, saved: int, params: int) -> float:
        """Return by what a proposal is chosen: the least is taken."""
        if self.scores is not None:
            if path not in self.scores:
                hint = nearest(path, self.scores) or "a line a layer that may give channels away: layer,score"
                raise stop(f"the scores say nothing of {path}", hint=hint)
            return self.scores[path] * gone
        return gone if self.rule == "share" else params / saved

    def proposal(self, layers: TiedLayers, limit: Fraction) -> tuple[int, EditableNetwork, int] | None:
        """Return the most channels with which the network costs at most so much, that network and its cost."""
        groups = grouped(self.network).get(layers.channels, 1)
        by = math.lcm(self.divisor, groups)
        low, high, found = 1, -(-layers.channels // by) - 1, None
        while low <= high:
            middle = (low + high) // 2
            made = reduced(self.network, layers, middle * by)
            cost = None if made is None else self.counted.cost(made)
            if made is not None and cost is not None and cost <= limit:
                found, low = (middle * by, made, cost), middle + 1
            else:
                high = middle - 1
        return found

    def text(self) -> str:
        """Return the last network's spec."""
        return self.network.text()

    def __repr__(self) -> str:
        return f"<{self.said}>"

    @property
    def said(self) -> str:
        """What the network was, and what is left of it, in a line."""
        costs = f"{self.start.cost:,} -> {self.cost:,} {self.metric}"
        return f"{self.before.name}: {costs}, {self.start.params:,} -> {learned(self.network):,} params"

    def records(self) -> list[Data]:
        """Return what is taken in each iteration as plain data."""
        return [
            {
                "iteration": number, "layer": one.layer, "channels": one.before, "left": one.after,
                self.metric: one.cost, "share": 100 * one.cost / self.start.cost, "params": one.params,
            }
            for number, one in enumerate(self.taken, 1)
        ]  # fmt: skip

    def to_dict(self) -> Data:
        """Return everything as plain data."""
        before = self.before
        return {
            "name": before.name,
            "knobs": before.graph.knobs,
            "batch": before.batch,
            "convention": before.convention.to_dict(),
            "metric": self.metric,
            "rule": self.rule if self.scores is None else dict(self.scores),
            "before": {self.metric: self.start.cost, "params": self.start.params},
            "after": {self.metric: self.cost, "params": learned(self.network)},
            "iterations": self.records(),
        }

    def to_pandas(self) -> pd.DataFrame:
        """Return what is taken in each iteration as a DataFrame, a line each."""
        import pandas as pd

        return pd.DataFrame(self.records())

    def page(self) -> Page:
        """Return the sequence: what is taken in each iteration, and what is left."""
        lines = self.records()
        columns = [
            Column("iteration", "number"), Column("layer"), Column("channels", "number"), Column("left", "number"),
            Column(self.metric, "count"), Column("%", "share"), Column("params", "count"),
        ]  # fmt: skip
        cells = [[str(line["iteration"]), line["layer"], str(line["channels"]), str(line["left"]),
                  line[self.metric], line["share"], line["params"]] for line in lines]  # fmt: skip
        how = "the least score times the share that goes" if self.scores is not None else _RULE_WORDS[self.rule]
        return Page(
            lambda: [Table(columns, cells, [])],
            lambda: lines,
            heading=[self.said],
            notes=[f"taken in each iteration: {how}; nothing is trained", *self.before.convention.told(("params",))],
        )


_RULE_WORDS = {
    "params": "the proposal of the largest saving a parameter",
    "share": "the proposal of the least share of a layer's channels",
}


class StepCosts:
    """What networks cost in a metric: each kind of row is counted once."""

    def __init__(self, graph: Graph, costs: RowCosts) -> None:
        self.spec = graph.spec
        self.costs = costs
        self.known: dict[Any, int] = {}

    def cost(self, network: EditableNetwork) -> int:
        """Return what a network costs."""
        tensors = {name: Tensor(shape) for name, shape in network.shapes.items()}
        shared: dict[str, Node] = {}
        total = 0
        for step in network.steps:
            outputs = [tensors[name] for name in step.outputs]
            inputs = [tensors[name] for name in step.inputs]
            path = network.path(step)
            first = network.origins[step.name]
            op = step.op
            node = Node(path, first, op, inputs, outputs, Mark(path), step.x, step.y)
            for tensor in outputs:
                tensor.node = node
            node.shared = shared.get(step.share) if step.share else None
            shared.setdefault(step.share, node)
            node.bits, node.density = step.beside.get("bits"), step.beside.get("density")
            total += self.counted(node, step)
        return total

    def counted(self, node: Node, step: Step) -> int:
        """Return what a row costs; a layer's norm is looked at with the layer."""
        before = node.producer if node.producer is not None and node.producer.layer == node.layer else None
        key = (
            step.kind, repr(step.fields), repr(step.beside), step.x, step.y, node.shared is None, node.layer,
            None if before is None else (before.op.kind, before.x, before.y),
        )  # fmt: skip
        if key not in self.known:
            graph = Graph(self.spec, {})
            graph.parts = [node]
            row_of(node)
            found = sum(value for value in self.costs(graph) if value is not None)
            if found is UNKNOWN or type(found) is not int:
                raise stop(f"{node.name}: its cost is no whole number that is known")
            self.known[key] = found
        return self.known[key]


def learned(network: EditableNetwork) -> int:
    """Return how many numbers a network learns, those that are shared once."""
    shares = set[str]()
    total = 0
    for step in network.steps:
        if not step.share or step.share not in shares:
            total += step.learned
        shares.add(step.share)
    return total


def reduced(network: EditableNetwork, layers: TiedLayers, channels: int) -> EditableNetwork | None:
    """Return a network in which some layers have so many channels; None where what follows does not allow that."""

    def act(rewrite: Rewrite, step: Step) -> str:
        own: dict[str, Datum] = {"out": channels} if step.name in layers.steps else {}
        return rewrite.copy(step, **(own | followed(rewrite, step)))

    try:
        made = Rewrite(network).run({step.name: act for step in network.steps})
    except (Fault, SpecError):
        return None
    same = all(network.shapes[old] == made.shapes[new] for old, new in zip(network.outputs, made.outputs, strict=True))
    return made if same else None


def tied(network: EditableNetwork) -> list[TiedLayers]:
    """Return the layers that may give channels away, those together that must stay equal."""
    setters = {step.name: step for step in network.steps if "out" in step.fields and not depthwise(step)}
    ties = Ties(network, setters)
    groups: dict[str, list[Step]] = {}
    for name, step in setters.items():
        groups.setdefault(ties.root(name), []).append(step)
    kept = {ties.root(name) for name in ties.fixed}
    return [
        TiedLayers(frozenset(step.name for step in steps), network.path(steps[0]), steps[0].y.c)
        for root, steps in groups.items()
        if root not in kept and len({step.y.c for step in steps}) == 1
    ]


class Ties:
    """Which layers' channels must stay equal, and which may not change."""

    def __init__(self, network: EditableNetwork, setters: Mapping[str, Step]) -> None:
        """setters: the layers that set channels, by name."""
        self.of = {name: name for name in setters}
        self.fixed = last_layers(network) & set(setters)
        # of each value the layers that set its channels, and whether these are theirs as they are
        self.sources: dict[str, tuple[frozenset[str], bool]] = dict.fromkeys(network.inputs, (frozenset(), False))
        shares: dict[str, str] = {}
        for step in network.steps:
            made = (frozenset({step.name}), True) if step.name in setters else self.through(step)
            self.sources |= dict.fromkeys(step.outputs, made)
            if step.share and step.name in setters:
                self.tie([step.name, shares.setdefault(step.share, step.name)])

    def root(self, name: str) -> str:
        """Return the layer that stands for all with which one is tied."""
        while self.of[name] != name:
            name = self.of[name]
        return name

    def tie(self, names: Sequence[str]) -> None:
        """Let layers have equal channels."""
        for name in names:
            self.of[self.root(name)] = self.root(names[0])

    def through(self, step: Step) -> tuple[frozenset[str], bool]:
        """Return what sets the channels of a step that sets none itself; tie what it joins."""
        taken = [self.sources[value] for value in step.inputs]
        names: frozenset[str] = frozenset().union(*(names for names, _ in taken))
        whole = all(one for _, one in taken)
        if step.kind == "concat" or len(step.outputs) > 1 or step.kind in _TURNS:
            return names, False
        if len(taken) > 1:
            self.tie(sorted(names))
            self.fixed |= set() if whole else names
        return names, whole


_TURNS = ("flatten", "reshape", "permute", "slice")  # after which channels are others
