"""Every operator of the registry against its PyTorch twin, whatever its fields; only exceptions are listed by kind.

A new operator is held to it by being there: its examples, and its fields over what `VALUES` draws for them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from test_operators import CLASSES, each, made, shapes

from costcalc.base.errors import Fault
from costcalc.base.torch_compat import in_steps
from costcalc.numbers import num
from costcalc.numbers.shape import Shape
from costcalc.operators import fields as kinds
from costcalc.operators.op import PARAMETERS, Op

torch: Any = pytest.importorskip("torch")

# What is drawn for a field of this name; of other fields only flags and words are.
VALUES: dict[str, list[Any]] = {
    "hidden": [3, 4],
    "count": [2, 3],
    "layers": [1, 2, 3],
    "projection": [0, 2],
    "kernel": [1, 2, 3, 4, [1, 4], [4, 1], [2, 3], [1, 2, 3], [3, 1, 1], [2, 3, 1]],
    "stride": [1, 2, [2, 1], [1, 2, 2]],
    "padding": [0, 1, "same", "half", [0, 1, 2, 1], [1, 0], [0, 1, 1], [1, 0, 0, 1, 2, 0]],
    "dilation": [1, 2],
    "groups": [1, 2, 4],
    "out": [4, 8],
    "output_padding": [0, 1],
    "multiplier": [1, 2],
    "scale": [2],
    "size": [3, [2, 3], [2, 3, 1], [1, 1, 1]],
}
DRAWS = 60  # of all fields together, beside each field alone

# What an operator is not held to, and why; what stands here without need fails.
EXCEPT = {
    ("active_shift", "saved"): "its output is a view of the whole map, which counts as what follows keeps it",
    ("conv_transpose", "real_macs"): "its twin crops what uneven padding cuts; tests/measures counts it by ones",
    ("conv_transpose", "share"): "where groups differ, the same numbers join other channels",
    ("deform_conv", "saved"): "torchvision's own operator keeps what enters; its twin is composed of others",
    ("roi_align", "saved"): "torchvision's own operator keeps the boxes; its twin is composed of others",
    ("roi_pool", "saved"): "torchvision's own operator keeps the boxes and the places",
    ("custom", "macs"): "stated, and its twin is a stand-in",
    ("custom", "real_macs"): "not stated",
}


def values(field: kinds.Field) -> list[Any]:
    """Return what is drawn for a field."""
    if isinstance(field, kinds.Flag):
        return [False, True]
    if isinstance(field, kinds.Word):
        return sorted(field.words)
    return VALUES.get(field.name, [])


def for_axes(found: list[Any], base: Any) -> list[Any]:
    """Return the values that go with the spatial axes of an example's input: a number for each, or two."""
    axes = len(each(shapes(base.x))[0].space)
    return [value for value in found if not isinstance(value, list) or len(value) in (axes, 2 * axes)]


def cases(kind: str, cls: type[Op]) -> Iterator[tuple[Op, Any, Any]]:
    """Yield an operator with its input and output: its examples, then what is drawn and has an output."""
    offered = {name: found for name, field in cls.fields.items() if (found := values(field))}
    dice = random.Random(kind)
    bases = list({len(each(shapes(example.x))[0].dims): example for example in cls.examples if example.x}.values())
    drawn = {base: {name: for_axes(found, base) for name, found in offered.items()} for base in bases}
    alone = [(base, {name: value}) for base in bases for name, found in drawn[base].items() for value in found]
    together = [
        (base, {name: dice.choice(found) for name, found in drawn[base].items()})
        for base in (dice.choices(bases, k=DRAWS) if offered and bases else [])
    ]
    for example, given in [*((example, {}) for example in cls.examples), *alone, *together]:
        x = shapes(example.x)
        if given and isinstance(x, Shape):  # small, of even sides: the middle of coordinates is none of its pixels
            x = Shape(dice.choice([4, 8]), *(dice.choice([6, 8, 10]) for _ in x.space))
        try:
            op = made(cls, example.fields | given, x)
            y = op.shape(x)
            op.check(x, y)
        except Fault:
            if not given:
                raise
            continue
        yield op, x, y


def flat(parts: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(n for part in parts for n in (flat(part) if isinstance(part, tuple) else (part,)))


class Products(torch.utils._python_dispatch.TorchDispatchMode):  # type: ignore[misc]
    """Counts the products of convolutions that fall on no zero of their input."""

    real = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default:
            ones = ((args[0] != 0).double(), torch.ones_like(args[1], dtype=torch.double), None)
            self.real += int(func(*ones, *args[3:]).sum())
        return func(*args, **(kwargs or {}))


def products(module: Any, x: Any) -> tuple[int, int]:
    """Return a twin's multiply-accumulates of an image, and those of them whose factor is no zero of a padding."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), in_steps(torch), Products() as mode, FlopCounterMode(display=False) as flops:
        module(*(torch.rand(2, *shape.dims) + 1 for shape in each(x)))  # two images, which normalization needs
    convolutions = flops.get_flop_counts().get("Global", {}).get(torch.ops.aten.convolution, 0)
    return flops.get_total_flops() // 4, (flops.get_total_flops() - convolutions) // 4 + mode.real // 2


def kept(module: Any, own: set[int], x: Any, batch: int) -> int:
    """Return the bytes of the storages that autograd keeps of a twin, parameters and buffers left out."""
    found: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            found[storage._cdata] = storage  # held, so that no other has its number
        return tensor

    # What enters is the result of something, as in a network: a twin may write over it.
    tensors = [torch.rand(batch, *shape.dims, requires_grad=True).mul(2) for shape in each(x)]
    with in_steps(torch), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = module(*(tensors or [torch.rand(batch, 3)]))
    del result
    return sum(storage.nbytes() for storage in found.values())


def stated(op: Op, x: Any, y: Any, batch: int) -> Any:
    """Return the bytes that `saved` says."""
    rule = op.saved(x, y)
    whole = [each(x)[n].size * op.reads_as.get(n, 4) for n in {*rule.operands, *rule.learned}]
    whole += [4 * each(y)[0].size] * rule.result
    return batch * (sum(whole, 4 * rule.elements) + rule.bytes) + rule.fixed


def differences(op: Op, module: Any, x: Any, y: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is compared, what the operator says, and what its twin has."""
    learned, buffers = parts(module)
    with torch.no_grad(), in_steps(torch):
        out = module(*[torch.rand(2, *shape.dims) for shape in each(x)] or [torch.rand(2, 3)])
    yield (
        "shape",
        [(2, *one.dims) for one in each(y)],
        [tuple(t.shape) for t in (out if isinstance(y, tuple) else [out])],
    )
    yield "parameters", sum(getattr(op, n)(x, y) for n in PARAMETERS[:3]), sum(p.numel() for p in learned)
    yield "buffers", op.buffers(x, y), sum(b.numel() for b in buffers)
    if x and op.macs(x, y) is not num.UNKNOWN:
        macs, real = products(module, x)
        yield "macs", op.macs(x, y), macs
        yield "real_macs", op.real_macs(x, y), real
    if (said := stated(op, x, y, 2)) is not num.UNKNOWN:
        yield "saved", said, kept(module, {t.untyped_storage()._cdata for t in [*learned, *buffers]}, x, 2)


def parts(module: Any) -> tuple[list[Any], list[Any]]:
    """Return a twin's parameters and buffers."""
    whole = isinstance(module, torch.nn.Module)
    return (list(module.parameters()), list(module.buffers())) if whole else ([], [])


@pytest.mark.parametrize(("kind", "cls"), CLASSES)
def test_an_operator_is_what_its_twin_is(kind: str, cls: type[Op]) -> None:
    """Its shape, counts and memory; and that layers may share weights where their parameters have the same shapes."""
    excused = {what for name, what in EXCEPT if name == kind}
    needed, ours, theirs = set(), dict[Any, Any](), dict[Any, Any]()
    for op, x, y in cases(kind, cls):
        module = op.torch(torch, x, y)
        learned, buffers = parts(module)
        there, here = tuple(tuple(p.shape) for p in [*learned, *buffers]), flat(op.tensors(x, y))
        found = [*differences(op, module, x, y), ("tensors", any(here), any(p.numel() for p in learned))]
        if learned:
            found += [("tensors", ours.setdefault(here, there), there), ("share", theirs.setdefault(there, here), here)]
        for what, mine, its in found:
            assert mine == its or what in excused, f"{what}: {mine}, its twin {its}: {op} over {x}"
            needed |= {what} if mine != its else set()
    assert needed == excused
