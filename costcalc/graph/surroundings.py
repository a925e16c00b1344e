"""What is around an item while a spec is expanded, as one value that is handed down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.language.document import Block
from costcalc.numbers.num import Dim

if TYPE_CHECKING:
    from costcalc.graph.block_graph import GraphBody


class TraceStep(tuple[Any, ...]):
    """One step in how it came here; made a text only where it is told."""

    __slots__ = ()

    def __str__(self) -> str:
        return "".join(map(str, self))


class Surroundings(NamedTuple):
    """What differs from item to item. It is never changed: what lies deeper has surroundings of its own."""

    body: GraphBody  # what its rows are put in: the network's, or of a call of a block
    prefix: str = ""  # the path of the group in that body, with its last slash
    trace: tuple[TraceStep, ...] = ()  # how it came here: calls, turns, rows, includes
    blocks: tuple[Block, ...] = ()  # that are being run: words could call in a circle
    includes: tuple[tuple[str | None, str], ...] = ()  # the files that include one another, this one last
    bits: Dim = None
    density: Dim = None
    depth: int = 0  # blocks, branches and groups around
    shared: bool = False  # whether the weights of its rows are shared by a name

    def deeper(self, prefix: str | None = None) -> Surroundings:
        """Return the surroundings one level down, in a group of that prefix where it has one."""
        body, own, trace, blocks, includes, bits, density, depth, shared = self
        prefix = own if prefix is None else prefix
        return Surroundings(body, prefix, trace, blocks, includes, bits, density, depth + 1, shared)

    def via(self, *step: object) -> Surroundings:
        """Return the surroundings with one more step in how it came here."""
        body, prefix, trace, blocks, includes, bits, density, depth, shared = self
        trace = (*trace, TraceStep(step))
        return Surroundings(body, prefix, trace, blocks, includes, bits, density, depth, shared)

    def in_block(self, path: str, block: Block, *step: object) -> Surroundings:
        """Return the surroundings inside a block whose rows are put here."""
        trace, blocks = (*self.trace, TraceStep(step)), (*self.blocks, block)
        return self._replace(prefix=f"{path}/", trace=trace, blocks=blocks, depth=self.depth + 1)

    def in_call(self, body: GraphBody, block: Block) -> Surroundings:
        """Return the surroundings inside a block whose rows are put in a body of their own."""
        blocks = (*self.blocks, block)
        return Surroundings(body, "", (), blocks, self.includes, self.bits, self.density, self.depth + 1)
