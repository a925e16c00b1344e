"""What is around an item while a spec is expanded, as one value that is handed down."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.language.document import Block
from costcalc.numbers.num import Dim


class Surroundings(NamedTuple):
    """What differs from item to item. It is never changed: what lies deeper has surroundings of its own."""

    prefix: str = ""  # the path of the group, with its last slash
    trace: tuple[str, ...] = ()  # how it came here: calls, turns, rows, includes
    blocks: tuple[Block, ...] = ()  # that are being run: words could call in a circle
    includes: tuple[tuple[str | None, str], ...] = ()  # the files that include one another, this one last
    bits: Dim = None
    density: Dim = None
    depth: int = 0  # blocks, branches and groups around

    def deeper(self, prefix: str | None = None) -> Surroundings:
        """Return the surroundings one level down, in a group of that prefix where it has one."""
        prefix = self.prefix if prefix is None else prefix
        return Surroundings(prefix, self.trace, self.blocks, self.includes, self.bits, self.density, self.depth + 1)

    def via(self, step: str) -> Surroundings:
        """Return the surroundings with one more step in how it came here."""
        trace = (*self.trace, step)
        return Surroundings(self.prefix, trace, self.blocks, self.includes, self.bits, self.density, self.depth)

    def in_block(self, path: str, block: Block, step: str) -> Surroundings:
        """Return the surroundings inside a block."""
        trace, blocks = (*self.trace, step), (*self.blocks, block)
        return Surroundings(f"{path}/", trace, blocks, self.includes, self.bits, self.density, self.depth + 1)
