"""Where in a spec something is expanded: what differs by place, as one value that is handed down."""

from __future__ import annotations

from typing import Any, NamedTuple


class Place(NamedTuple):
    """A place in the expansion. It is never changed: what lies deeper has a place of its own."""

    prefix: str = ""  # the path of the group, with its last slash
    trace: tuple[str, ...] = ()  # how it came here: calls, turns, rows, includes
    blocks: tuple[tuple[str, str], ...] = ()  # that are being run: words could call in a circle
    includes: tuple[tuple[str | None, str], ...] = ()  # the files that include one another, this one last
    bits: Any = None
    density: Any = None
    depth: int = 0  # blocks, branches and groups around

    def deeper(self, prefix: str | None = None) -> Place:
        """Return a place one level down, in a group of that prefix where it has one."""
        prefix = self.prefix if prefix is None else prefix
        return Place(prefix, self.trace, self.blocks, self.includes, self.bits, self.density, self.depth + 1)

    def reached(self, step: str) -> Place:
        """Return the place with one more step in how it came here."""
        trace = (*self.trace, step)
        return Place(self.prefix, trace, self.blocks, self.includes, self.bits, self.density, self.depth)

    def called(self, path: str, block: tuple[str, str], step: str) -> Place:
        """Return the place inside a block."""
        trace, blocks = (*self.trace, step), (*self.blocks, block)
        return Place(f"{path}/", trace, blocks, self.includes, self.bits, self.density, self.depth + 1)
