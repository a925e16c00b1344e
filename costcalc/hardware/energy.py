"""Energy, relative: compute, on-chip memory, DRAM, from a table of what one operation and one access take.

For comparing layers and networks under one table. No chip was measured: control, leakage, and the traffic
between a chip's own memories beyond one access a word are left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.costs.rows import Row
from costcalc.hardware.compression import Coding, StoredRow, kept, stored, whole
from costcalc.hardware.reading import SUFFIX, free_keys, located, named, number, numbers, opened, part
from costcalc.hardware.traffic import known_dtype, works
from costcalc.hardware.words import DTYPES
from costcalc.language.sections import Section
from costcalc.numbers.num import UNKNOWN, Dim

FOLDER = "energies"
VERSION = "costcalc_energy"
DEFAULT = "horowitz_45nm"
PLACES = ("compute", "onchip", "dram")
_FILE = ("title", "unit", "word_bits", "macs", "onchip", "dram")
LEAST = 0.001  # units of an operation or access: energies of rows are whole numbers of the unit


class EnergyTable:
    """What operations and accesses take, in a unit of the table's own; accesses are of words of so many bits."""

    def __init__(self, name: str, top: Section) -> None:
        self.name = name
        self.title = top.text("title", name)
        self.unit = top.text("unit", "units")
        word, dram = number(top, "word_bits"), number(top, "dram", zero=True)
        self.source = top.inherited("source")
        macs, onchip = part(top, "macs"), part(top, "onchip")
        self.macs = numbers(macs, free_keys(macs), zero=True)
        sizes = numbers(onchip, free_keys(onchip), zero=True)
        self.onchip = sorted((_kib(key, onchip), size) for key, size in sizes.items())
        if not (free_keys(macs) and free_keys(onchip) and word and dram):
            top.problems.note("the table needs word_bits, macs, onchip and dram", top.node.mark)
        self.word_bits = word.value if word else 1.0
        self.dram = dram.value if dram else 0.0
        for one in (*self.macs.values(), *sizes.values(), dram):
            if one and 0 < one.value < LEAST:
                said = f"{one.value:g} {self.unit} is too little: energies are told in whole numbers of the unit"
                top.problems.note(said, top.node.mark, "take a smaller unit")
        if top.problems:
            raise top.problems.error()

    def mac(self, dtype: str) -> float:
        """Return what one MAC takes; raise SpecError for a dtype that the table has not."""
        if known_dtype(dtype) not in self.macs:
            raise stop(f"{self.name} has no MAC of {dtype}", hint=f"it has: {', '.join(self.macs)}")
        return self.macs[dtype].value

    def access(self, capacity: int) -> float:
        """Return what a word takes in an on-chip memory of so many bytes: the least listed that is as large."""
        return next((n.value for kib, n in self.onchip if kib * 1024 >= capacity), self.onchip[-1][1].value)

    def words(self, size: float) -> float:
        """Return how many words so many bytes are."""
        return size * 8 / self.word_bits


def _kib(key: str, onchip: Section) -> int:
    if not (key.isascii() and key.isdigit()):
        onchip.problems.note(f"onchip: '{key[:40]}' is no size in KiB", onchip.node.mark)
        return 0
    return int(key)


def load(word: str = DEFAULT) -> EnergyTable:
    """Return a table of energies by name, or from a file by its path; raise SpecError with every mistake in it."""
    path, shown = located(word, FOLDER, "energy table")
    return EnergyTable(os.path.basename(shown).removesuffix(SUFFIX), opened(path, shown, VERSION, _FILE))


def tables() -> list[str]:
    """Return the names of the tables in the package."""
    return named(FOLDER)


class Chip(NamedTuple):
    """How a network is run: the numbers' type, images at once, fusion, and the bytes of memory on the chip."""

    dtype: str = "fp32"
    batch: int = 1
    fusion: str = "ideal"
    onchip: int = 0


class OnChip(NamedTuple):
    """What stays on the chip: weights where all of them fit, activations where their peak fits beside."""

    weight_bytes: int
    peak_bytes: int | None
    weights: bool
    activations: bool


class Spent(NamedTuple):
    """What one row takes for the whole batch, whole numbers in the table's unit, so that sums are exact.

    `weights` is the weights' part of both memories.
    """

    row: Row
    compute: Dim
    onchip: int
    dram: int
    weights: int

    @property
    def total(self) -> Dim:
        """All of it."""
        return self.compute + self.onchip + self.dram


def placed(rows: Sequence[Row], chip: Chip, peak_bytes: int | None = None) -> OnChip:
    """Return what stays on the chip: all weights as they are stored, then the activations' peak if it is known."""
    weights = whole(stored_rows(rows, chip), "relative", Coding())[1]
    left = chip.onchip - weights if weights <= chip.onchip else chip.onchip
    fits = peak_bytes is not None and 0 < peak_bytes <= left
    return OnChip(weights, peak_bytes, 0 < weights <= chip.onchip, fits)


def stored_rows(rows: Sequence[Row], chip: Chip) -> list[StoredRow]:
    """Return what is stored of every row, at the spec's bits and density, else at the dtype's bits."""
    bits = {row.name: row.node.bits or DTYPES[chip.dtype] * 8 for row in rows}
    return kept(rows, bits, {})


def _weight_bytes(one: StoredRow) -> int:
    """Return the bytes of a row's learned numbers: pruned kernels with their indices, others of at most 32 bits."""
    return stored(one, "relative", Coding())[1]


def spent(rows: Sequence[Row], chip: Chip, table: EnergyTable, peak_bytes: int | None = None) -> list[Spent]:
    """Return what every row takes: each word once, from DRAM unless it stays on the chip."""
    fits, access = placed(rows, chip, peak_bytes), table.access(chip.onchip)
    size = DTYPES[known_dtype(chip.dtype)]
    found = []
    for work, one in zip(works(rows, chip.fusion), stored_rows(rows, chip), strict=True):
        read = _weight_bytes(one) if work.launched else 0
        weights = table.words(read) * (access if fits.weights else table.dram)
        moved = table.words(work.elements * chip.batch * size) * (access if fits.activations else table.dram)
        compute = work.macs if work.macs is UNKNOWN else round(work.macs * chip.batch * table.mac(chip.dtype))
        near = weights * fits.weights + moved * fits.activations
        found.append(Spent(work.row, compute, round(near), round(weights + moved - near), round(weights)))
    return found
