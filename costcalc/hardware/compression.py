"""What compressed weights take to store: fewer bits, zeros left out with their positions, shared values.

Sizes are whole bits of a row. Where they depend on how zeros lie, they are a range: the least that the
count of non-zero numbers needs, and what zeros that lie at random need. Huffman coding depends on the data, and
is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, expm1, log1p
from typing import NamedTuple

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.costs.rows import Row
from costcalc.hardware.words import FLOAT
from costcalc.numbers.num import UNKNOWN, Dim, ceil_div

DUST = Fraction(1, 10**6)  # what a float's last digit may add to a share
MOST_BITS = 64
SCALES = ("none", "tensor", "channel", "codebook")


class StoredRow(NamedTuple):
    """What is stored of a row: its kernel as a matrix of `lines` output channels, and its other numbers whole."""

    row: Row
    weights: int
    lines: int
    nonzero: int
    density: Fraction
    bits: int  # of a weight
    others: int  # biases and the numbers of norms

    @property
    def dense(self) -> bool:
        """Whether no weight is pruned."""
        return self.nonzero == self.weights

    @property
    def macs(self) -> Dim:
        """The multiply-accumulates that are left where hardware skips every zero weight."""
        if self.row.macs is UNKNOWN or self.density == 1:
            return self.row.macs
        node = self.row.node
        weights = node.op.weights(node.x, node.y)  # an earlier row's, where weights are shared
        return ceil_div(self.row.macs * ceil(weights * self.density - DUST), weights) if weights else self.row.macs


Span = tuple[int, int]  # least and most


class Coding(NamedTuple):
    """How kernels are coded: relative indices, N of M kept, and what a quantizer stores beside the numbers."""

    gap: int = 4  # bits of a relative index
    pattern: tuple[int, int] | None = None
    scales: str = "none"


def kept(rows: Sequence[Row], bits: Mapping[str, int], density: Mapping[str, float]) -> list[StoredRow]:
    """Return what is stored of every row: bits and densities by the row's name, else as the spec states them."""
    found = []
    for row in rows:
        owner = row.node.shared or row.node  # weights that are shared have the bits and the density of their first row
        of = bits.get(owner.name, owner.bits), density.get(owner.name, owner.density)
        found.append(_kept(row, *of))
    return found


def _kept(row: Row, bits: int | None, density: float | None) -> StoredRow:
    share = Fraction(1) if density is None else Fraction(str(density))
    nonzero = ceil(row.weights * share - DUST)
    y = row.node.y
    channels = getattr(y, "c", 1)
    lines = channels if channels and row.weights % channels == 0 else 1
    return StoredRow(row, row.weights, lines, nonzero, share, bits or FLOAT, row.biases + row.norm_params)


# ---- forms: the bits of a kernel ------------------------------------------------------------------------


def float_bits(one: StoredRow, coding: Coding) -> Span:
    """All weights, of 32 bits."""
    return _exactly(one.weights * FLOAT)


def dense_bits(one: StoredRow, coding: Coding) -> Span:
    """All weights, zeros too, at their bits."""
    return _exactly(one.weights * one.bits)


def csr_bits(one: StoredRow, coding: Coding) -> Span:
    """non-zero weights, each with its column, and where each output channel begins."""
    if one.dense or not one.weights:
        return dense_bits(one, coding)
    columns = one.weights // one.lines
    return _exactly(one.nonzero * (one.bits + _index(columns)) + (one.lines + 1) * _index(one.nonzero + 1))


def relative_bits(one: StoredRow, coding: Coding) -> Span:
    """non-zero weights, each with the gap to the one before; too long a gap takes a zero as filler.

    The gap has k bits. No filler is the least. Where zeros lie at random, of density d are stored
    nonzero / (1 - (1 - d)^(2^k)): a filler stands where 2^k weights in a row are zero (Han et al. 2016,
    arXiv:1510.00149, figure 2).
    """
    if one.dense or not one.weights:
        return dense_bits(one, coding)
    each = one.bits + coding.gap
    near = -expm1(2**coding.gap * log1p(-float(one.density)))  # 1 - (1 - d)^(2^k), exact where d is tiny
    stored = min(ceil(one.nonzero / near), one.weights) if near else one.weights
    return one.nonzero * each, stored * each


def pattern_bits(one: StoredRow, coding: Coding) -> Span:
    """N of every M weights of an output channel, each with its place among the M."""
    if coding.pattern is None or not one.weights:
        return dense_bits(one, coding)
    least, of = coding.pattern
    columns = one.weights // one.lines
    stored = one.lines * (columns // of * least + min(columns % of, least))
    return _exactly(stored * (one.bits + _index(of)))


FORMS: dict[str, Callable[[StoredRow, Coding], Span]] = {
    "fp32": float_bits,
    "quantized": dense_bits,
    "csr": csr_bits,
    "relative": relative_bits,
    "pattern": pattern_bits,
}


def beside(one: StoredRow, coding: Coding) -> int:
    """Return the bits that a quantizer stores beside a kernel: scales and zero points, or a codebook of floats."""
    if not one.weights or one.bits >= FLOAT:
        return 0
    if coding.scales == "codebook":
        return (1 << one.bits) * FLOAT
    count = {"none": 0, "tensor": 1, "channel": one.lines}[coding.scales]
    return count * (FLOAT + one.bits)


def stored(one: StoredRow, form: str, coding: Coding) -> Span:
    """Return the least and the most bytes that a row takes in a form, its biases and norms at 32 bits."""
    return whole([one], form, coding)


def whole(rows: Sequence[StoredRow], form: str, coding: Coding) -> Span:
    """Return the least and the most bytes of a network in a form: of all its bits together, rounded up once."""
    least = most = 0
    for one in rows:
        extra = one.others * FLOAT + (0 if form == "fp32" else beside(one, coding))
        few, many = FORMS[form](one, coding)
        least, most = least + few + extra, most + many + extra
    return ceil_div(least, 8), ceil_div(most, 8)


def pattern_of(text: str) -> tuple[int, int]:
    """Return (2, 4) for 2:4; raise SpecError for what is no pattern."""
    least, colon, of = text.partition(":")
    if not (colon and least.isascii() and of.isascii() and least.isdigit() and of.isdigit() and len(of) < 4):
        raise stop(f"'{text[:40]}' is no pattern", hint="2:4 keeps two of every four weights")
    if not 0 < int(least) <= int(of):
        raise stop(f"a pattern keeps 1 to {int(of)} of {int(of)} weights, not {int(least)}")
    return int(least), int(of)


def checked_bits(value: Datum) -> int:
    """Return the bits of a weight; raise SpecError for none."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_BITS):
        raise stop(f"'{text[:40]}' is no number of bits", hint=f"a whole number from 1 to {MOST_BITS}: 8")
    return int(text)


def checked_density(value: Datum) -> float:
    """Return the share of weights that is not zero; raise SpecError for none."""
    try:
        found = float(str(value))
    except ValueError:
        found = -1.0
    if not 0 < found <= 1:
        raise stop(f"'{str(value)[:40]}' is no density", hint="a share above 0, 1 at most: 0.3")
    return found


def _exactly(bits: int) -> Span:
    return bits, bits


def _index(count: int) -> int:
    """Return the bits that tell one of so many apart."""
    return max(count - 1, 0).bit_length()
