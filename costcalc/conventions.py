"""What a convention counts: data, a line a convention. Every number shown names the one it follows.

`params` and `macs` are expressions of the spec language over one row's components (`op.COMPONENTS`),
its numbers of input and output elements (`inputs`, `outputs`), and its operator's kind (`kind`).
"""

from __future__ import annotations

from typing import Any

from costcalc.errors import Fault, nearest, stop
from costcalc.expr import Expr, parse


class Convention:
    """One way of counting: two formulas over a row, what they leave out, and where they come from."""

    __slots__ = ("macs", "name", "params", "says", "source", "things", "unit")

    def __init__(
        self, name: str, *, params: str, macs: str, unit: str, says: str, source: str, things: str = "params"
    ) -> None:
        self.name = name
        self.params = params
        self.macs = macs
        self.unit = unit
        self.things = things  # what `params` counts, as `unit` says of `macs`
        self.says = says
        self.source = source

    @property
    def counted(self) -> str:
        """What every output says of its numbers: the convention in words, and its name."""
        return f"counted: {self.says} ({self.name})"

    def to_dict(self) -> dict[str, str]:
        """Return the convention as plain data."""
        return {slot: getattr(self, slot) for slot in ("name", "says", "params", "macs", "unit", "source")}


DEFAULT = "costcalc"

LEARNABLE = "weights + biases + norm_params"
_ALL = "params: all learnable"

CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention(
            DEFAULT,
            params=LEARNABLE,
            macs="macs",
            unit="MACs",
            says=f"{_ALL}; MACs: conv + fc + matmul, no bias",
            source="docs/conventions.md; what calflops' MACs and half of PyTorch's FlopCounterMode give for CNNs",
        ),
        Convention(
            "weights",
            params="weights",
            macs="macs",
            unit="mult-adds",
            says="params: kernels only, no bias, no norm; mult-adds: conv + fc + matmul, no bias",
            source="arXiv:1704.04861, Table 2",
        ),
        Convention(
            "no-norm",
            params="weights + biases",
            macs="macs",
            unit="MACs",
            says="params: kernels and biases, no norm; MACs: conv + fc + matmul, no bias",
            source="arXiv:1603.05027, Table 4 (its 10.2 M of ResNet-1001)",
        ),
        Convention(
            "pruned",
            # What is left of a kernel is rounded up; the small number keeps a float's dust out of that.
            params="ceil(weights * density - 0.000001) + biases + norm_params",
            macs="macs",
            unit="MACs",
            says="params: what density leaves of the kernels, all else whole; MACs: as if nothing were pruned",
            source="arXiv:1602.07360, Table 1",
        ),
        Convention(
            "lecture",
            params=LEARNABLE,
            macs="macs + outputs if macs else 0",
            unit="operations",
            says=f"{_ALL}; operations: MACs + one bias add per output of conv, fc and matmul",
            source="Representative CNNs (lecture, 2023): Ho·Wo·Co·Ci·Kh·Kw/G + Ho·Wo·Co",
        ),
        Convention(
            "activations",
            params=LEARNABLE,
            macs="outputs if macs else 0",
            unit="activations",
            says=f"{_ALL}; activations: output elements of conv, fc and matmul",
            source="arXiv:2003.13678 (acts); the neurons of Krizhevsky et al. 2012",
        ),
        Convention(
            "bytes",
            params="4 * (weights + biases + norm_params)",
            macs="macs",
            unit="MACs",
            things="bytes",
            says="bytes: of all learnable at 32 bits each; MACs: conv + fc + matmul, no bias",
            source="arXiv:1602.07360, Table 2",
        ),
        Convention(
            "flops",
            params=LEARNABLE,
            macs="2 * macs",
            unit="FLOPs",
            says=f"{_ALL}; FLOPs: two per MAC (a multiplication and an addition) of conv + fc + matmul",
            source="arXiv:1704.04861, Table 9 (its 1700 M of SqueezeNet)",
        ),
        Convention(
            "vgg",
            params=LEARNABLE,
            macs="0 if kind == 'fc' else macs",
            unit="mult-adds",
            says=f"{_ALL}; mult-adds: convolutions only, no fc",
            source="arXiv:1704.04861, Table 8 (its 15300 M of VGG-16)",
        ),
        Convention(
            "shufflenet-table1",
            params=LEARNABLE,
            macs="0 if kind == 'fc' else macs",
            unit="MACs",
            says=f"{_ALL}; MACs: convolutions only, no fc",
            source="arXiv:1707.01083, Table 1",
        ),
        Convention(
            "condensenet",
            params=LEARNABLE,
            macs="macs + (elementwise if kind in ['relu', 'avg_pool', 'global_avg_pool'] else 0)"
            " + (bias_adds if kind == 'fc' else 0)",
            unit="operations",
            says=f"{_ALL}; operations: MACs + ReLU's elements + average pools' windows + the fc's bias",
            source="arXiv:1711.09224, Table 3; ShichenLiu/CondenseNet",
        ),
        Convention(
            "igcv3",
            params=LEARNABLE,
            macs="outputs if kind == 'relu6' else macs",
            unit="operations",
            says=f"{_ALL}; operations: MACs + one per ReLU6 element",
            source="arXiv:1806.00178; homles11/IGCV3",
        ),
        Convention(
            "as-resnet",
            params=LEARNABLE,
            macs="outputs if kind == 'active_shift' else macs",
            unit="operations",
            says=f"{_ALL}; operations: MACs + one per shifted element",
            source="arXiv:1806.07370 (its 729 M of w68)",
        ),
        Convention(
            "as-resnet-bn",
            params=LEARNABLE,
            macs="outputs if kind in ['active_shift', 'batch_norm'] else macs",
            unit="operations",
            says=f"{_ALL}; operations: MACs + one per shifted and per normalized element",
            source="arXiv:1806.07370 (its 404 M of w50)",
        ),
    )
}


def get(name: str | Convention) -> Convention:
    """Return a convention by name; raise SpecError, with the nearest name, for an unknown one."""
    if isinstance(name, Convention):
        return name
    found = CONVENTIONS.get(name)
    if found is None:
        hint = nearest(name, CONVENTIONS) or f"known: {', '.join(CONVENTIONS)}"
        raise stop(f"unknown convention '{name}'", hint=hint)
    return found


class _Row:
    """The scope of a convention's formula: the row's own numbers, nothing else (`expr.Scope`)."""

    def __init__(self, row: Any) -> None:
        self.vars = row

    def word(self, name: str, *_: Any) -> Any:
        raise Fault(f"a convention knows no '{name}'")

    dim = dim_of = call = word


def evaluate(formula: str, names: dict[str, Any]) -> Any:
    """Return what a formula of a convention gives for one row's numbers."""
    expression: Expr = parse(formula)
    return expression.run(_Row(names))
