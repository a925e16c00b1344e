"""Do the networks that costcalc builds compute what torchvision's do, with the same weights?

    python tests/tools/equivalence.py [NAME...]

prints CSV, a line a network, as docs/data/equivalence.csv holds it. Without names: every network that both have. Only
torch, torchvision and costcalc are needed. Equal counts do not prove equal networks; equal outputs do.

For each network

1. torchvision's gets its own random kernels; every other number (biases, scales and shifts of norms, running means
   and variances, layer scales) is drawn anew, so that a wrong one shows;
2. costcalc's is built from the spec without any numbers of its own, and is given torchvision's: the modules that hold
   tensors are paired in the order in which they run, and the tensors of a pair must have the same shapes (axes of
   length 1 apart: a 1x1 convolution is a fully connected layer at each pixel). All tensors of both are used, once;
3. both compute two random images in double precision, in evaluation mode. The greatest difference of two numbers is
   divided by how far the outputs for the two images are apart: what does not depend on the image proves nothing.

Halved again and again, the images' height stays even and their width odd: what is done at a border shows either way
(TensorFlow's `same` differs from `half` padding at even sizes only, `ceil_mode` depends on them too).
"""

from __future__ import annotations

import csv
import gc
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model, list_models

from costcalc.costs.rows import rows
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.interop.torch.build import build
from costcalc.language import zoo
from costcalc.language.document import Spec

# The greatest difference of two outputs that count as equal. Rounding is some 1e-15 an operation; a norm's epsilon of
# 1e-3 where 1e-5 is meant changes the outputs by about as much.
TOLERANCE = 1e-9
BATCH = 2
REGIONS = 5  # that a detector's head looks at


class Unequal(Exception):
    """The two networks can't be compared: their tensors, or their outputs, do not pair up."""


class Proof(NamedTuple):
    """What came out for a network. Parameters, buffers and MACs are pairs: costcalc's count, torchvision's."""

    name: str
    image: tuple[int, ...]
    params: tuple[int, int]
    buffers: tuple[int, int]
    macs: tuple[int, int]
    difference: float

    @property
    def equal(self) -> bool:
        """Whether the outputs are the same and so are the counts. A difference that is no number is none."""
        return self.difference <= TOLERANCE and all(a == b for a, b in (self.params, self.buffers, self.macs))


class Case(NamedTuple):
    """How a network is called on both sides, where that is not by one name and with one output."""

    theirs: str = ""  # torchvision's name, if another
    options: dict[str, Any] = {}  # of torchvision's
    knobs: dict[str, Any] = {}  # of costcalc's
    image: tuple[int, ...] = (3, 96, 129)
    late: tuple[str, ...] = ()  # words in the names of modules that run later in the spec than in torchvision
    wrap: Callable[[Any], Any] = lambda model: model


class Trained(torch.nn.Module):
    """A network with auxiliary classifiers: they run, although its norms and dropouts are in evaluation mode."""

    def __init__(self, model: Any, order: tuple[int, ...]) -> None:
        super().__init__()
        self.model, self.order = model, order

    def train(self, mode: bool = True) -> Trained:
        super().train(mode)
        self.model.training = True  # the outermost module only, which is what decides about its classifiers
        return self

    def forward(self, image: Any) -> tuple[Any, ...]:
        found = self.model(image)
        return tuple(found[i] for i in self.order)


class Detector(torch.nn.Module):
    """A detector's backbone and heads, without the choice of regions that lies between them.

    That choice sorts and thresholds, and has no weights. Both networks get the same random regions instead.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone, self.rpn, self.heads = model.backbone, model.rpn.head, model.roi_heads

    def forward(self, image: Any) -> tuple[Any, ...]:
        scores, boxes = self.rpn(list(self.backbone(image).values()))
        flat = regions(len(image), image).movedim(1, -1).reshape(len(image) * REGIONS, 256, 7, 7)
        found = self.heads.box_predictor(self.heads.box_head(flat))
        levels = [part for level in zip(scores, boxes, strict=True) for part in level]
        return (*levels, *(part.unflatten(0, (len(image), REGIONS)).movedim(-1, 1) for part in found))


def regions(count: int, like: Any) -> Any:
    """Return features of an image's regions, [N, 256 * 7 * 7, REGIONS], the same at every call."""
    random = torch.Generator().manual_seed(1)
    return torch.randn(count, 256 * 7 * 7, REGIONS, generator=random, dtype=like.dtype)


REGNET = Case(late=("proj",))  # the shortcut's convolution: the first of a block there, the last in the spec
AUX = {"knobs": {"aux": True}}
SEGMENTER = Case(options={"weights_backbone": None, "aux_loss": True}, **AUX)
SPECIAL = {
    "deeplabv3_resnet50": SEGMENTER,
    "deeplabv3_resnet101": SEGMENTER,
    "fcn_resnet50": SEGMENTER,
    "fcn_resnet101": SEGMENTER,
    # Here the second auxiliary classifier comes before the first.
    "googlenet": Case(
        options={"init_weights": False},
        late=("aux1", "aux2"),
        wrap=lambda model: Trained(model, (0, 2, 1)),
        **AUX,
    ),
    # The auxiliary classifier pools 5 x 5 pixels of 17 x 17, so that no smaller image will do.
    "inception_v3": Case(
        options={"init_weights": False},
        image=(3, 300, 331),
        late=("AuxLogits",),
        wrap=lambda model: Trained(model, (0, 1)),
        **AUX,
    ),
    "fasterrcnn_resnet50_fpn": Case(
        options={"weights_backbone": None},
        knobs={"rois": REGIONS},
        late=tuple(f"fpn.layer_blocks.{level}" for level in range(4)),
        wrap=Detector,
    ),
    **{name: REGNET for name in list_models() if name.startswith("regnet")},
    **dict.fromkeys(("r3d_18", "mc3_18", "r2plus1d_18"), Case(image=(3, 6, 48, 65))),
    "mobilenet_v3_large_075_tv": Case(theirs="mobilenet_v3_large", options={"width_mult": 0.75}),
    "mobilenet_v3_small_075_tv": Case(theirs="mobilenet_v3_small", options={"width_mult": 0.75}),
}


def names() -> list[str]:
    """Return every network of the zoo that torchvision has too, under the zoo's name."""
    return sorted({*zoo.names()} & ({*list_models()} | {*SPECIAL}))


def prove(name: str, spec: Spec | None = None) -> Proof:
    """Return how a network of the zoo (or a spec in its place) compares with torchvision's; raise Unequal."""
    case = SPECIAL.get(name, Case())
    try:
        return _compared(name, expand(spec or zoo.load(name), case.knobs, case.image), case)
    finally:
        gc.collect()  # modules and their hooks refer to each other: gigabytes would wait for the next collection


def _compared(name: str, graph: Graph, case: Case) -> Proof:
    torch.manual_seed(0)
    theirs = case.wrap(get_model(case.theirs or name, weights=None, **case.options)).double().eval()
    with torch.device("meta"):  # no numbers of its own
        ours = _with_regions(graph, build(graph).eval())
    images = torch.randn(BATCH, *case.image, dtype=torch.float64)
    _enliven(theirs)
    with FlopCounterMode(display=False) as counter:
        done, wanted = _watched(theirs, images)
    _hand_over(ours, _paired(_holders(ours), _sorted(theirs, done, case.late)))
    given = _outputs(ours, images)
    counted = rows(graph)
    return Proof(
        name,
        case.image,
        (sum(row.learnable for row in counted), _numbers(theirs.parameters())),
        (sum(row.buffers for row in counted), _numbers(theirs.buffers())),
        (sum(row.macs for row in counted), counter.get_total_flops() // (2 * BATCH)),
        _difference(given, wanted),
    )


def _enliven(network: Any) -> None:
    """Draw every number that is no kernel: at its start value, 0 or 1, it would hide what is done with it."""
    with torch.no_grad():
        for module in network.modules():
            for key, tensor in _held(module):
                if key == "bias":
                    tensor.normal_(0, 0.1)
                elif tensor.is_floating_point() and not (key == "weight" and tensor.dim() > 1):
                    tensor.uniform_(0.5, 1.5)
            if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
                module.register_forward_pre_hook(_near_the_truth)


def _near_the_truth(norm: Any, inputs: tuple[Any, ...]) -> None:
    """Set a norm's running mean and variance near those of what enters it.

    With any others the activations of a deep network die away, grow without end, or saturate.
    """
    values = inputs[0].transpose(0, 1).flatten(1)
    variance = (values.var(1) + values.var(1).mean()) / 2
    norm.running_mean.copy_(values.mean(1) + 0.1 * torch.randn_like(variance) * variance.sqrt())
    norm.running_var.copy_(variance * (0.5 + torch.rand_like(variance)))


def _held(module: Any) -> list[tuple[str, Any]]:
    """Return a module's own parameters and buffers with their names, those that hold a number."""
    held = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return [(name, tensor) for name, tensor in held if tensor.numel()]


def _watched(network: Any, images: Any) -> tuple[list[Any], tuple[Any, ...]]:
    """Return the modules that hold tensors, in the order in which they are done, and the outputs; raise Unequal."""
    done: dict[Any, None] = {}
    holders = [module for module in network.modules() if _held(module)]
    for module in holders:
        module.register_forward_hook(lambda module, *_: done.setdefault(module))
    outputs = _outputs(network, images)
    idle = [type(module).__name__ for module in holders if module not in done]
    if idle:
        raise Unequal(f"{len(idle)} modules of torchvision's hold tensors and do not run: {', '.join(idle)}")
    return list(done), outputs


def _outputs(network: Any, images: Any) -> tuple[Any, ...]:
    """Return what a network gives, as a tuple."""
    with torch.no_grad():
        found = network(images)
    if isinstance(found, dict):
        return tuple(found.values())
    return found if isinstance(found, tuple) else (found,)


def _holders(network: Any) -> list[Any]:
    """Return the modules that hold tensors of a network that was built, in the graph's order.

    Of layers that share their tensors the first stands for all.
    """
    found, seen = [], set()
    for module in (part for node in network.nodes for part in node.modules()):
        mine = {id(tensor) for _, tensor in _held(module)}
        if mine - seen:
            found.append(module)
        seen |= mine
    return found


def _with_regions(graph: Graph, network: Any) -> Any:
    """Make the stand-ins of a network, layers that are stated only, give the regions that a detector's head gets."""
    for node, module in zip(graph.nodes, network.nodes, strict=True):
        if not node.op.derived:
            module.register_forward_hook(lambda _, __, result: regions(len(result), result))
    return network


def _sorted(network: Any, holders: list[Any], late: tuple[str, ...]) -> list[Any]:
    """Return the modules with each one whose name has a word of `late` in it behind the others around it."""
    names_of = {module: name for name, module in network.named_modules()}
    order = [names_of[module] for module in holders]
    for word in late:
        for around in dict.fromkeys(name.partition(word)[0] for name in order if word in name):
            moved = [name for name in order if name.startswith(around + word)]
            stay = [name for name in order if name not in moved]
            end = 1 + max(i for i, name in enumerate(stay) if name.startswith(around))
            order = [*stay[:end], *moved, *stay[end:]]
    return [network.get_submodule(name) for name in order]


def _paired(mine: list[Any], theirs: list[Any]) -> dict[int, Any]:
    """Return torchvision's tensor for each of costcalc's (its id), module by module; raise Unequal by shapes."""
    if len(mine) != len(theirs):
        raise Unequal(f"{len(mine)} modules hold tensors, and {len(theirs)} of torchvision's")
    pairs = {}
    for place, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        ours, others = ([tensor for _, tensor in _held(module)] for module in (one, other))
        shapes = [[_shape(tensor) for tensor in held] for held in (ours, others)]
        if shapes[0] != shapes[1]:
            raise Unequal(f"module {place} holds {shapes[0]}, and torchvision's {other} {shapes[1]}")
        for tensor, source in zip(ours, others, strict=True):
            value = source.detach().reshape(tensor.shape)
            pairs[id(tensor)] = torch.nn.Parameter(value) if isinstance(tensor, torch.nn.Parameter) else value
    return pairs


def _hand_over(network: Any, values: dict[int, Any]) -> None:
    """Put the values in the place of all tensors of a network; raise Unequal where there is none for one."""
    for module in network.modules():
        for key, tensor in _held(module):
            if id(tensor) not in values:
                raise Unequal(f"'{key}' of a {type(module).__name__} is no tensor of a node")
            setattr(module, key, values[id(tensor)])


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(size for size in tensor.shape if size != 1)


def _numbers(tensors: Iterable[Any]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _difference(given: tuple[Any, ...], wanted: tuple[Any, ...]) -> float:
    """Return the greatest difference, as a share of how far the outputs for two images are apart."""
    shapes = [[tuple(tensor.shape) for tensor in outputs] for outputs in (given, wanted)]
    if shapes[0] != shapes[1]:
        raise Unequal(f"the outputs are {shapes[0]}, and torchvision's {shapes[1]}")
    pairs = zip(given, wanted, strict=True)
    return max(float((a - b).abs().max() / (b[0] - b[1]).abs().max()) for a, b in pairs)


COLUMNS = ("network", "input", "params", "buffers", "macs", "difference", "verdict")


def line(proof: Proof) -> tuple[str, ...]:
    """Return a network's line of the table; of a pair of counts that differ, both."""
    counts = (str(a) if a == b else f"{a} and {b}" for a, b in (proof.params, proof.buffers, proof.macs))
    size = "x".join(str(n) for n in proof.image)
    difference = f"{proof.difference:.0e}" if proof.difference else "0"
    return (proof.name, size, *counts, difference, "equal" if proof.equal else "different")


def main(wanted: list[str]) -> int:
    """Print the table; return 1 if a network differs."""
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}", file=sys.stderr)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(COLUMNS)
    failed = 0
    for name in wanted or names():
        try:
            proof = prove(name)
        except Unequal as problem:
            table.writerow((name, "", "", "", "", "", problem))
            failed += 1
        else:
            table.writerow(line(proof))
            failed += not proof.equal
        sys.stdout.flush()
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
