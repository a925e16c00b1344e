"""A TFLite file -> its graphs: tensors, operators and their options, by the field numbers of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.base.errors import Fault
from costcalc.interop.tflite.flatbuffer import Broken, FlatBytes, FlatTable, elements
from costcalc.interop.tflite.schema import BITS, CODES, FLOATING, OPERATORS, OPTIONS, TYPES
from costcalc.numbers.num import LARGEST

MAGIC = b"TFL3"
MOST_AXES = 8
MOST_OPERATORS = 20_000
MOST_TENSORS = 30_000
MOST_VALUES = 2**12  # elements of a constant that are read
Dims = tuple[int, ...]


class FileTensor:
    """A tensor of a graph: its shape and type, and where its numbers lie in the file, if they are stored."""

    __slots__ = ("data", "key", "name", "open", "scale", "shape", "source", "sparse", "type", "variable")

    def __init__(self, table: FlatTable, key: str, buffers: list[FlatTable]) -> None:
        self.key = key
        self.source = table.source
        self.shape: Dims = table.numbers(0, "i")
        signature: Dims = table.numbers(7, "i")
        self.open = [n < 0 for n in signature] if len(signature) == len(self.shape) else [False] * len(self.shape)
        self.type = TYPES.get(table.number(1, "b"), "")
        self.name = table.text(3)
        self.variable = bool(table.number(5, "b"))
        self.sparse = table.table(6) is not None
        self.scale = _scale(table.table(4))
        number = table.number(2, "I")
        if number >= max(1, len(buffers)):
            raise Broken(f"the tensor '{self.name[:80]}' has a buffer of number {number:,}, and there is none")
        self.data = _stored(buffers[number]) if number else (0, 0)
        if len(self.shape) > MOST_AXES or min(self.shape, default=1) < -1:
            raise Broken(f"the tensor '{self.name[:80]}' has a shape of {list(self.shape)[:9]}")
        if elements(tuple(max(n, 1) for n in self.shape)) >= LARGEST:
            raise Broken(f"the tensor '{self.name[:80]}' has more elements than can be counted")

    @property
    def bits(self) -> int:
        """Bits of a number; 0 of what is none."""
        return BITS.get(self.type, 0)

    @property
    def real(self) -> bool:
        """Say whether its numbers stand for real ones: of floating point, or whole ones with a scale."""
        return self.type in FLOATING or self.scale is not None

    @property
    def stored(self) -> bool:
        """Say whether its numbers stand in the file."""
        return self.data[1] > 0

    def held(self) -> None:
        """Raise Fault where fewer bytes are stored than the shape takes."""
        if min(self.shape, default=1) < 0 or not self.bits:
            raise Fault(f"'{self.name[:80]}' is stored, and has no shape, or no type of numbers")
        wanted = -(-elements(self.shape) * self.bits // 8)
        if not self.sparse and self.data[1] < wanted:
            raise Fault(f"'{self.name[:80]}' has {self.data[1]:,} bytes, and its shape takes {wanted:,}")

    def values(self) -> list[Any] | None:
        """Return the numbers in a row, scaled; None where they are many, or of a type that is not computed with."""
        code, size = CODES.get(self.type, ""), elements(self.shape)
        if not code or size > MOST_VALUES or self.sparse or not self.stored:
            return None
        found = list(self.source.values(code, self.data[0], size))
        if self.scale is None:
            return found
        factor, zero = self.scale
        return [(n - zero) * factor for n in found]

    @property
    def density(self) -> float:
        """The share of the numbers that is stored: less than 1 where zeros are left out."""
        size = elements(self.shape)
        return min(1.0, self.data[1] * 8 / self.bits / size) if self.sparse and self.bits and size else 1.0

    def zero(self) -> bool:
        """Say whether all its numbers are zero."""
        start, length = self.data
        return bytes(self.source.data[start : start + length]).count(0) == length


def _scale(table: FlatTable | None) -> tuple[float, int] | None:
    """Return the factor and the zero of whole numbers that stand for real ones; None where they do not.

    Of several, one a channel, the first: numbers that are computed with have one.
    """
    start, count = (0, 0) if table is None else table.vector(2, 4)
    if table is None or not count:
        return None
    zeros, several = table.vector(3, 8)
    return table.source.value("f", start), table.source.value("q", zeros) if several else 0


def _stored(buffer: FlatTable) -> tuple[int, int]:
    """Return where a buffer's bytes begin, and how many there are: in it, or behind the flatbuffer in large files."""
    start, length = buffer.vector(0, 1)
    if not length and buffer.number(2, "Q") > 1:
        start, length = buffer.number(1, "Q"), buffer.number(2, "Q")
        if start + length > buffer.source.size:
            raise Broken("a buffer lies behind the end")
    return start, length


class FileOperator:
    """One operator: its name in the schema, what it takes and gives by numbers of tensors (-1: left out), options."""

    __slots__ = ("custom", "given", "inputs", "name", "outputs")

    def __init__(self, table: FlatTable, codes: list[tuple[str, str]], tensors: int) -> None:
        number = table.number(0, "I")
        if number >= len(codes):
            raise Broken(f"an operator has the code {number:,}, and there are {len(codes):,}")
        self.name, self.custom = codes[number]
        self.inputs: Dims = table.numbers(1, "i")
        self.outputs: Dims = table.numbers(2, "i")
        if not all(-1 <= k < tensors for k in (*self.inputs, *self.outputs)):
            raise Broken(f"{self.name} takes or gives a tensor that is not there")
        field = 12 if self.name.startswith("STABLEHLO") else 4
        self.given = _options(self.name, table.table(field))


def _options(name: str, table: FlatTable | None) -> dict[str, Any]:
    """Return an operator's options by their names; those that are left out with the schema's defaults."""
    return {word: _option(table, *option) for word, option in OPTIONS.get(name, {}).items()}


def _option(table: FlatTable | None, field: int, code: str, default: int) -> Any:
    if table is None:
        return default
    if code in ("s", "*"):
        return table.text(field) if code == "s" else table.numbers(field, "i")
    return table.number(field, code, default)


class FileGraph:
    """A graph: its tensors, what enters and leaves by their numbers, its operators in the order in which they run."""

    def __init__(self, table: FlatTable, number: int, codes: list[tuple[str, str]], buffers: list[FlatTable]) -> None:
        every = table.tables(0)
        if len(every) > MOST_TENSORS:
            raise Broken(f"it has more than {MOST_TENSORS:,} tensors")
        self.tensors = [FileTensor(one, f"{number}.{k}", buffers) for k, one in enumerate(every)]
        self.inputs: Dims = table.numbers(1, "i")
        self.outputs: Dims = table.numbers(2, "i")
        if not all(0 <= k < len(every) for k in (*self.inputs, *self.outputs)):
            raise Broken("it takes or gives a tensor that is not there")
        self.operators = [FileOperator(one, codes, len(every)) for one in table.tables(3)]


class ModelFile:
    """A model: its graphs, of which the first is the network, and others are the bodies of its loops and conditions."""

    def __init__(self, data: Any) -> None:
        if data[4:8] != MAGIC:
            raise Broken("it does not begin as one")
        root = FlatBytes(data).root()
        codes = list(_codes(root.tables(1)))
        buffers = root.tables(4)
        self.graphs = [FileGraph(one, k, codes, buffers) for k, one in enumerate(root.tables(2))]
        if not self.graphs:
            raise Broken("it holds no graph")
        if sum(len(graph.operators) for graph in self.graphs) > MOST_OPERATORS:
            raise Broken(f"it has more than {MOST_OPERATORS:,} operators")


def _codes(tables: list[FlatTable]) -> Iterator[tuple[str, str]]:
    """Yield the operators that a model uses: the schema's name, and that of one that is custom."""
    for one in tables:
        number = max(one.number(0, "b"), one.number(3, "i"))  # the first is of files before there were 128 operators
        yield OPERATORS.get(number, f"operator {number}"), one.text(1)
