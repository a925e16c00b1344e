"""What tensors and parameters take: elements, bytes, what crosses the memory's bus."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from costcalc.base.errors import stop
from costcalc.costs import conventions
from costcalc.costs.counting import cost
from costcalc.costs.rows import Row
from costcalc.graph.graph import Graph, Tensor
from costcalc.graph.widths import widths
from costcalc.hardware.words import FLOAT
from costcalc.measures.metric import Metric, Setup, counted
from costcalc.numbers.num import UNKNOWN, Dim, ceil_div

if TYPE_CHECKING:
    from costcalc.hardware.compression import StoredRow


def activation_bits(setup: Setup) -> int:
    """Return the bits of an activation: 32 unless told, on a microcontroller 8."""
    return int(setup.bits or (8 if setup.mode == "mcu" else FLOAT))


def in_bytes(elements: Dim, bits: Dim) -> Dim:
    """Return the whole bytes that so many numbers of so many bits take."""
    return elements * (bits // 8) if bits % 8 == 0 else ceil_div(elements * bits, 8)


def weight_bits(row: Row, setup: Setup) -> Dim:
    """Return the bits of a row's weights: those that its spec states, else those asked for."""
    stated = row.node.bits
    return stated if stated is not None else setup.weight_bits or activation_bits(setup)


def stored_bits(row: Row, setup: Setup) -> Dim:
    """Return the bits that a row's learned numbers take: of kernels what `density` leaves; all else at 32 bits."""
    others = row.biases + row.norm_params
    kept = cost(row, conventions.get("pruned")).params - others
    return kept * weight_bits(row, setup) + others * FLOAT


def held(graph: Graph, setup: Setup) -> list[StoredRow]:
    """Return what is stored of every row: its spec's bits and density, those asked for where it states none."""
    from costcalc.costs.layer_patterns import assigned, valued
    from costcalc.hardware.compression import checked_density, kept

    rows = counted(graph)
    choices = [valued(part, checked_density) for part in setup.density.split(";") if part.strip()]
    if setup.density and not choices:
        raise stop(f"'{setup.density[:40]}' is no density", hint='0.3, or "conv 3x3=0.3; fc=0.1"')
    return kept(rows, {row.name: weight_bits(row, setup) for row in rows}, assigned(rows, choices, "density"))


class InBytes(Metric):
    """What metrics of bytes share: the bits of a number are told beside them."""

    unit = "bytes"
    uses: ClassVar[tuple[str, ...]] = ("bits", "batch")
    vectorised = True

    def says(self, setup: Setup) -> str:
        both = f", weights {setup.weight_bits}" if setup.weight_bits and "weight_bits" in self.uses else ""
        batch = f", batch {setup.batch}" if setup.batch > 1 and "batch" in self.uses else ""
        return f"{activation_bits(setup)} bits a number{both}{batch}"


class Activations(Metric, name="activations"):
    """Output elements of the layers that have multiply-accumulates: convolutions, fully connected, matrix products."""

    unit, title = "activations", "activations"
    source = "arXiv:2003.13678 (acts), as fvcore and timm count"
    uses = ("batch",)
    local = True
    vectorised = True

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        rule = conventions.get("activations")
        return [cost(row, rule, setup.batch).operations for row in counted(graph)]


class ActivationBytes(InBytes, name="activation_bytes"):
    """Bytes of every row's output, each row by itself."""

    title = "output bytes"
    source = "elements * bits / 8, rounded up to whole bytes a row"

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        own = widths(graph)
        return [tensor_bytes(row.outputs, row.node.outputs, own, setup) for row in counted(graph)]


class Bytes(InBytes, name="bytes"):
    """Bytes of the learned numbers: kernels at their bits, less what density prunes; biases and norms at 32 bits."""

    title = "bytes"
    source = "docs/memory.md"
    uses = ("bits", "weight_bits", "density")

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [ceil_div(bits, 8) for bits in self.bits(graph, setup)]

    def total(self, graph: Graph, setup: Setup) -> Dim:
        """Return the bytes of all numbers packed, rounded up once."""
        return ceil_div(sum(self.bits(graph, setup)), 8)

    def bits(self, graph: Graph, setup: Setup) -> list[Dim]:
        """Return the bits of each row's numbers, of a density that is asked for what it leaves."""
        if setup.density:
            return [one.nonzero * one.bits + one.others * FLOAT for one in held(graph, setup)]
        return [stored_bits(row, setup) for row in counted(graph)]

    def vectorises(self, setup: Setup) -> bool:
        """Say whether its rules run on a sweep's numbers: which layers a density means is looked up in each network."""
        return not setup.density

    def says(self, setup: Setup) -> str:
        return f"{super().says(setup)}{f', density {setup.density}' if setup.density else ''}"


def tensor_bytes(elements: Dim, tensors: Sequence[Tensor], own: dict[Tensor, int], setup: Setup) -> Dim:
    """Return the bytes of a batch of tensors that have so many elements in all; `own`: bytes of some's elements."""
    others = [(tensor.shape.size, own[tensor]) for tensor in tensors if tensor in own and tensor.shape]
    for size, _ in others:
        elements = elements - size
    extra = sum(size * width for size, width in others)
    return in_bytes(elements * setup.batch, activation_bits(setup)) + extra * setup.batch


def moved(row: Row, own: dict[Tensor, int], setup: Setup) -> Dim:
    """Return the bytes that a row must move: its inputs, outputs and parameters, once each."""
    tensors = [*row.node.inputs, *row.node.outputs]
    through = tensor_bytes(row.inputs + row.outputs, tensors, own, setup)
    # Weights that are shared are read by each row that uses them, though they are counted once.
    node = row.node
    alone = row if node.shared is None else counted_alone(row)
    return through + ceil_div(stored_bits(alone, setup), 8)


def counted_alone(row: Row) -> Row:
    """Return a row with the parameters that it shares as its own."""
    node = row.node
    found = Row(node)
    for name in node.op.counted:
        setattr(found, name, getattr(node.op, name)(node.x, node.y))
    return found


class Traffic(InBytes, name="traffic"):
    """Bytes that each row must move at least: its inputs, outputs and parameters cross the memory's bus once each."""

    title = "traffic"
    source = "arXiv:1807.11164, section 2 (memory access cost); compulsory: a chip moves more"
    uses = ("bits", "weight_bits", "batch")

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        own = widths(graph)
        return [moved(row, own, setup) for row in counted(graph)]


class Intensity(InBytes, name="intensity"):
    """Multiply-accumulates for each byte of the compulsory traffic."""

    unit, title, kind = "MACs a byte", "MACs/byte", "ratio"
    source = "Williams et al. 2009 (roofline); two FLOPs to a MAC"
    uses = ("bits", "weight_bits", "batch")
    vectorised = False

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        own = widths(graph)
        return [_ratio([row], own, setup) for row in counted(graph)]

    def over(self, graph: Graph, setup: Setup, values: Sequence[Dim], indices: Sequence[int]) -> Dim:
        """Return the MACs of the rows in all over their bytes in all."""
        rows = counted(graph)
        return _ratio([rows[index] for index in indices], widths(graph), setup)


def _ratio(rows: Sequence[Row], own: dict[Tensor, int], setup: Setup) -> Dim:
    """Return the MACs over the bytes of some rows; None where no byte moves."""
    macs, size = sum(row.macs for row in rows), sum(moved(row, own, setup) for row in rows)
    if macs is UNKNOWN or not size:
        return macs if macs is UNKNOWN else None
    return Fraction(macs * setup.batch, size)
