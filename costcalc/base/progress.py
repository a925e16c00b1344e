"""How far long work has come: a loop tells it here, and a command on a terminal shows it (`cli/progress`).

It is one value of the process, as a log is: nothing that is counted reads it, and what shows it lies floors above.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Progress:
    """What is under way: `done` of `total` things, `first` of them before it began; no `what` where nobody tells."""

    __slots__ = ("began", "done", "first", "total", "what")

    def __init__(self, what: str = "", total: float = 0, first: float = 0) -> None:
        self.what = what
        self.total = total
        self.first = self.done = first
        self.began = time.monotonic()


now = Progress()


def steps(
    items: Iterable[T], what: str, total: float, *, first: float = 0, each: Callable[[T], float] = lambda _: 1
) -> Iterator[T]:
    """Yield the items of a loop, and tell how far it has come; within a loop that tells so, only yield them.

    what: things, of which there are `total`, `first` of them done before; each: how many an item is.
    """
    global now  # noqa: PLW0603
    if now.what:
        yield from items
        return
    now = Progress(what, total, first)
    try:
        for item in items:
            yield item
            now.done += each(item)
    finally:
        now = Progress()
