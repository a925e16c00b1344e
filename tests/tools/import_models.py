"""Import networks of torchvision and timm, and hold each against a direct count of the original.

    python tests/tools/import_models.py torchvision           every classification and segmentation network
    python tests/tools/import_models.py timm                  100 convolutional networks, drawn by the rule below
    python tests/tools/import_models.py timm resnest14d ...   these alone
    python tests/tools/import_models.py draw                  the 100 names

    python tests/tools/import_models.py same TARGET ...       how far outputs are apart, with the same weights

CSV goes to the standard output, a line a network as soon as it is there. What is compared with:
the parameters that PyTorch's dispatcher sees used while the original runs (and, for the record, all that it has),
and the multiplications that PyTorch's own counter sees. docs/data/imports.csv holds both tables.
"""

from __future__ import annotations

import copy
import csv
import random
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import costcalc
from costcalc.base.errors import SpecError
from costcalc.graph.expand import expand
from costcalc.interop.torch.importer import from_torch
from costcalc.interop.torch.target import load_target, usual_input
from costcalc.interop.torch.verify import verify

# ---- the 100 networks of timm ----------------------------------------------------------------------
#
# 1. NAMED: one for each way to build that is hard to import.
# 2. The first network of each module of timm, in timm's own order.
# 3. The first of each family (a module's names that begin with the same letters), in an order that is shuffled
#    with a fixed seed, until there are 100.
#
# Of all, only networks in which convolutions make at least half of the multiplications, and whose name does not say
# that they are for timm's own tests.

NAMED = """
mixnet_s resnest14d ecaresnet26t tf_efficientnet_b0 tf_mixnet_s dm_nfnet_f0 nf_resnet26 resnetv2_50x1_bit
hrnet_w18_small repvgg_a0 mobileone_s0 repghostnet_050 fastvit_t8 cspresnet50 cspdarknet53 resnetblur18 resnetaa34d
tf_efficientnet_cc_b0_4e skresnet18 lambda_resnet26t halonet26t botnet26t_256 sebotnet33ts_256 bat_resnext26ts
gcresnext26ts efficientvit_m0
""".split()
SEED, NUMBER = 4, 100


def draw() -> Iterator[str]:
    """Give the names, in the order of the rule."""
    import timm

    families: dict[tuple[str, str], str] = {}
    for module in timm.list_modules():
        for name in timm.list_models(module=module):
            if not name.startswith("test_"):
                families.setdefault((module, re.match("[a-z_]*[a-z]", name)[0]), name)  # type: ignore[index]
    firsts = {module: name for (module, _), name in reversed(families.items())}
    rest = sorted(families.values())
    random.Random(SEED).shuffle(rest)
    drawn: dict[str, None] = {}
    for name in (*NAMED, *firsts.values(), *rest):
        if len(drawn) < NUMBER and name not in drawn and convolutional(f"timm:{name}"):
            drawn[name] = None
            yield name


def convolutional(target: str) -> bool:
    """Say whether convolutions make at least half of a network's multiplications."""
    network = load_target(target)
    try:
        flops = Direct(network, usual_input(network) or (3, 224, 224)).by_operation
    except RuntimeError:
        return False  # it does not run on one image of that size
    total = sum(flops.values())
    return total > 0 and 2 * sum(n for name, n in flops.items() if "convolution" in str(name)) >= total


# ---- the direct count ------------------------------------------------------------------------------


class Direct:
    """What a network itself was seen to do on one image: parameters used, operations.

    A copy runs on PyTorch's meta device: there every operation that is counted shows. (On the CPU attention is one
    operation that PyTorch's counter does not know.)
    """

    def __init__(self, network: Any, shape: tuple[int, ...]) -> None:
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode
        from torch.utils._pytree import tree_leaves
        from torch.utils.flop_counter import FlopCounterMode

        network = copy.deepcopy(network).to("meta").eval().requires_grad_(False)
        sizes = {id(parameter): parameter.numel() for parameter in network.parameters()}
        seen: set[int] = set()

        class Watch(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                seen.update(id(leaf) for leaf in tree_leaves((args, kwargs)))
                return func(*args, **(kwargs or {}))

        def times_vector(matrix: Any, vector: Any, *_: Any, **__: Any) -> int:
            return 2 * int(torch.Size(matrix).numel())

        aten = torch.ops.aten  # products that PyTorch's counter passes over
        counter = FlopCounterMode(display=False, custom_mapping={aten.mv: times_vector, aten.dot: times_vector})
        with torch.no_grad(), counter, Watch():
            network(torch.zeros(1, *shape, device="meta"))
        self.params = sum(size for key, size in sizes.items() if key in seen)
        self.all_params = sum(sizes.values())
        self.macs = counter.get_total_flops() // 2
        self.by_operation = dict(counter.get_flop_counts().get("Global", {}))


# ---- the same numbers ------------------------------------------------------------------------------


def difference(network: Any, flat: Any, shape: tuple[int, ...]) -> float:
    """Build the imported spec, give it the network's weights, and return how far the outputs are apart.

    Of two images, in float64, relative to the largest output. Weights are drawn anew, those of norms too, so that
    each one matters. Raises AssertionError where a row holds weights that the network has not under its name.
    """
    import torch

    from costcalc.interop.torch.build import build

    torch.manual_seed(0)
    graph = expand(costcalc.load(flat.data()))
    network, built = network.double().eval(), build(graph).double().eval()
    with torch.no_grad():
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            if tensor.is_floating_point():
                low = 0.5 if "var" in name or tensor.dim() == 1 else -1.0
                spread = 1.0 if tensor.dim() == 1 else (6 / max(tensor[0].numel(), 1)) ** 0.5
                tensor.copy_((torch.rand_like(tensor) * (1.0 - low) + low) * spread)
        for node, module in zip(graph.nodes, built.nodes, strict=True):
            if node.shared is None:
                give(network, node.name, module)
        images = torch.rand(2, *shape, dtype=torch.float64)
        ours, theirs = built(images), network(images)
    ours = ours if isinstance(ours, tuple) else (ours,)
    theirs = list(theirs.values()) if isinstance(theirs, dict) else [theirs]
    assert all(float(x.std()) > 0 and bool(x.isfinite().all()) for x in theirs)
    pairs = zip(ours, theirs, strict=True)
    return max(float((x.reshape(y.shape) - y).abs().max() / y.abs().max()) for x, y in pairs)


def give(network: Any, name: str, module: Any) -> None:
    """Copy what the network holds under a row's name into the row's module, in order, each into its own shape."""
    mine = [*module.parameters(), *module.buffers()]
    if not mine:
        return
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    if name.endswith("_") and not any(key.startswith(name) for key in tensors):
        name = name[:-1]  # a layer called as an operator is gets a `_`
    if name in tensors:
        theirs = [tensors[name]]
    else:
        prefix = name.removesuffix("in_proj")
        theirs = [t for key, t in tensors.items() if re.fullmatch(re.escape(prefix) + r"\.?(in_proj_)?\w+", key)]
    assert len(mine) == len(theirs), f"{name}: {len(mine)} tensors, but the network has {len(theirs)}"
    for tensor, given in zip(mine, theirs, strict=True):
        assert tensor.numel() == given.numel(), f"{name}: {tuple(tensor.shape)}, but {tuple(given.shape)}"
        given = given.squeeze() if given.dim() > 1 and tensor.dim() < given.dim() else given  # noqa: PLW2901
        turned = tensor.dim() == given.dim() == 2 and tensor.shape != given.shape  # channels first
        tensor.copy_((given.T if turned else given).reshape(tensor.shape))


# ---- the table -------------------------------------------------------------------------------------

COLUMNS = """
library network input params params_direct params_unused macs macs_direct rows verdict seconds
""".split()


def compared(target: str, shape: tuple[int, ...] | None = None) -> list[Any]:
    """Return a line of the table: what the import counts beside what the network itself does."""
    began = time.perf_counter()
    network = load_target(target)
    shape = shape or usual_input(network) or (3, 224, 224)
    module, _, name = target.partition(":")
    head = [module.partition(".")[0], name, "x".join(str(n) for n in shape)]
    try:
        flat = from_torch(network, shape, name=target)
    except SpecError as error:
        said = str(error).partition("\n")[0]
        return [*head, *[""] * 6, f"refused: {said}", ""]
    spec = costcalc.load(flat.data())
    result = costcalc.count(spec)
    seconds = time.perf_counter() - began
    direct = Direct(network, shape)
    exact = (result.params, result.macs) == (direct.params, direct.macs)
    verified = verify(expand(spec)).agrees
    verdict = "exact" if exact and verified else "exact, but verify differs" if exact else "differs"
    params = [result.params, direct.params, direct.all_params - direct.params]
    return [*head, *params, result.macs, direct.macs, len(flat.steps), verdict, f"{seconds:.1f}"]


def targets(which: str, names: list[str]) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    """Give the networks to import, and their inputs where they don't say one themselves."""
    if which == "timm":
        yield from ((f"timm:{name}", None) for name in names or draw())
        return
    import torchvision

    for module, side in ((torchvision.models, 224), (torchvision.models.segmentation, 520)):
        for name in torchvision.models.list_models(module=module):
            if not names or name in names:
                own = 299 if name == "inception_v3" else side
                yield f"{module.__name__}:{name}", (3, own, own)


def main(arguments: list[str]) -> None:
    """Print the names that are drawn, or a table."""
    if arguments[:1] == ["draw"]:
        print(*draw())
        return
    table = csv.writer(sys.stdout, lineterminator="\n")
    if arguments[:1] == ["same"]:
        for target in arguments[1:]:
            network = load_target(target)
            network = network.to_empty(device="cpu")
            shape = (3, 96, 96)
            table.writerow([target, f"{difference(network, from_torch(network, shape), shape):.1e}"])
            sys.stdout.flush()
        return
    import torch

    which, *names = arguments or ["torchvision"]
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {which} {__import__(which).__version__}", file=sys.stderr)
    table.writerow(COLUMNS)
    for target, shape in targets(which, names):
        table.writerow(compared(target, shape))
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
