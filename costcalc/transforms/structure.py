"""Layers taken out: batch norms folded into convolutions, gates dropped, a classifier made one layer."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.costs.layer_patterns import EVERYTHING
from costcalc.language.flat import Step
from costcalc.operators import op as ops
from costcalc.transforms.network import Action, EditableNetwork, Rewrite
from costcalc.transforms.transformation import Outcome, Transformation

WEIGHTED = ("conv", "dwconv", "conv_transpose", "fc")
POOLS = ("global_avg_pool", "global_max_pool")


class FuseBatchNorm(Transformation):
    """Batch norms put into the weights of the layer before, which then has a bias (exact at inference).

    A norm is found by its own path or type, or by that of the layer before it.
    """

    word = "fuse-batch-norm"
    says = "Batch norms -> into the layer before."
    things = "batch norm"

    def candidates(self, network: EditableNetwork, selected: list[Step]) -> list[Step]:
        names = {step.name for step in selected}
        found = [step for step in network.steps if step.kind == "batch_norm"]
        return [step for step in found if step.name in names or self.before(network, step, names)]

    @staticmethod
    def before(network: EditableNetwork, step: Step, names: set[str]) -> bool:
        """Say whether the layer before a norm is one of these."""
        before = network.producer(step.inputs[0])
        return before is not None and before.name in names

    def refuses(self, network: EditableNetwork, step: Step) -> str:
        before = network.producer(step.inputs[0])
        if before is None or before.kind not in WEIGHTED:
            return f"it follows {network.type(before) if before else 'the input'}, which has no weights to take it"
        if network.only_user(before.outputs[0]) is not step:
            return f"{network.path(before)} is used without it too"
        shared = [
            one for one in network.steps if before.share and one.share == before.share and one.kind == before.kind
        ]
        if len(shared) > 1 and not step.share:
            return f"{network.path(before)} shares its weights, and the norms differ"
        return ""

    def plan(self, network: EditableNetwork, step: Step) -> dict[str, Action]:
        before = network.producer(step.inputs[0])
        assert before is not None
        return {before.name: _with_bias, step.name: _passed}


def _with_bias(rewrite: Rewrite, step: Step) -> str:
    return rewrite.copy(step, bias=None)  # without a norm of its own a layer has one unless told


def _passed(rewrite: Rewrite, step: Step) -> str:
    return rewrite.inputs(step)[0]


class Gate(NamedTuple):
    """A squeeze-and-excite: a product of a tensor and of what a chain of layers makes of its global pool."""

    product: Step
    value: str  # what is gated
    chain: list[Step]

    @property
    def steps(self) -> list[Step]:
        """The steps that go."""
        return [*self.chain, self.product]


class DropSqueezeExcite(Transformation):
    """Gates of squeeze-and-excite dropped: the pool, its layers and the product (Hu et al. 2017, arXiv:1709.01507).

    They are found by their structure, whatever the layers in between are. A gate is meant where a selector means any
    of its layers.
    """

    word = "drop-squeeze-excite"
    says = "Squeeze-and-excite gates -> dropped."
    things = "squeeze-and-excite"

    def candidates(self, network: EditableNetwork, selected: list[Step]) -> list[Step]:
        names = {step.name for step in selected}
        return [gate.product for gate in gates(network) if any(step.name in names for step in gate.steps)]

    def plan(self, network: EditableNetwork, step: Step) -> dict[str, Action]:
        gate = next(gate for gate in gates(network) if gate.product is step)

        def dropped(rewrite: Rewrite, _: Step) -> str:
            return rewrite.values[gate.value]

        return {step.name: dropped}


def gates(network: EditableNetwork) -> list[Gate]:
    """Return the network's squeeze-and-excites."""
    found = []
    for step in network.steps:
        if step.kind == "multiply" and len(step.inputs) == 2:
            pairs = (step.inputs, step.inputs[::-1])
            found += [gate for value, gate in ((v, _gate(network, step, v, g)) for v, g in pairs) if gate is not None]
    return found


def _gate(network: EditableNetwork, product: Step, value: str, gate: str) -> Gate | None:
    """Return the squeeze-and-excite of `value` whose gate is computed as `gate`; None where it is none."""
    chain: list[Step] = []
    while (step := network.producer(gate)) is not None and ops.operators()[step.kind].inputs == 1:
        chain.insert(0, step)
        gate = step.inputs[0]
        if _pools(step):
            weighted = any(one.kind in WEIGHTED for one in chain)
            return Gate(product, value, chain) if gate == value and weighted else None
    return None


def _pools(step: Step) -> bool:
    """Say whether a step makes one number of each channel, without weights."""
    if step.kind in POOLS:
        return True
    given = step.y
    same = not isinstance(given, tuple) and given.c == step.x.c
    return bool(same and given.pixels == 1 < step.x.pixels and step.kind not in WEIGHTED)


class PoolClassifier(Transformation):
    """The fully connected layers at the end -> global average pooling and the last of them (Lin et al. 2013, NIN).

    What flattens or pools before them goes too; what follows the last one (softmax) stays.
    """

    word = "pool-classifier"
    says = "The last fc layers -> a pool and one fc."
    selects = False

    def run(self, network: EditableNetwork, selector: str = EVERYTHING) -> Outcome:
        last, value, gone = self.found(network)

        def pooled(rewrite: Rewrite, step: Step) -> str:
            fed = rewrite.values[value]
            if network.shapes[value].space:
                fed = rewrite.add(step, "pool", "global_avg_pool", fed)
            return rewrite.copy(step, [fed])

        outcome = Outcome(Rewrite(network).run({last.name: pooled}))
        outcome.changed = [network.path(step) for step in (*gone, last)]
        return outcome

    def found(self, network: EditableNetwork) -> tuple[Step, str, list[Step]]:
        """Return the last fully connected layer, the value that is pooled for it, and the steps between."""
        last = self.last(network)
        value, gone = last.inputs[0], list[Step]()
        while (step := network.producer(value)) is not None and step.kind not in POOLS and self.goes(step):
            gone.insert(0, step)
            value = step.inputs[0]
        if not any(step.kind in {last.kind, "flatten"} for step in gone):
            raise stop(f"{self.word}: the classifier of {network.name} is a global pool and one layer already")
        return last, value, gone

    def last(self, network: EditableNetwork) -> Step:
        """Return the last fully connected layer; raise SpecError where the network does not end in one."""
        if len(network.outputs) != 1:
            raise stop(f"{self.word}: {network.name} has {len(network.outputs)} outputs, and no one classifier")
        step = network.producer(network.outputs[0])
        while step is not None and step.kind != "fc" and len(step.inputs) == 1 and step.kind not in WEIGHTED:
            step = network.producer(step.inputs[0])
        if step is None or step.kind != "fc":
            raise stop(f"{self.word}: {network.name} does not end in a fully connected layer")
        return step

    @staticmethod
    def goes(step: Step) -> bool:
        """Say whether a step belongs to the classifier: it sees no neighbours, or has just pooled or flattened."""
        cls = ops.operators()[step.kind]
        flat = not step.x.space if cls.inputs == 1 else False
        return flat or step.kind in ("flatten", "adaptive_avg_pool", "dropout")
