"""A bar on stderr while a command works for longer than a second: on a terminal only, and gone before other text."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from costcalc.base import progress
from costcalc.base.progress import Progress

PATIENCE = 1.0  # seconds without a bar: of what takes no longer, none is seen
EVERY = 0.2
BAR = 24  # characters


class Bar:
    """The bar of a command: a thread draws it, and whoever writes takes it away before."""

    def __init__(self, stream: TextIO) -> None:
        import threading

        self.stream = stream
        self.began = time.monotonic()
        self.due = self.began + PATIENCE
        self.width = 0  # of what stands there now
        self.lock = threading.Lock()
        self.ended = threading.Event()
        threading.Thread(target=self._draw, daemon=True).start()

    def _draw(self) -> None:
        while not self.ended.wait(EVERY):
            with self.lock:
                if time.monotonic() >= self.due:
                    self._put(line(progress.now, time.monotonic(), self.began))

    def _put(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a bar that can't be drawn is no mistake
            self.stream.write(f"\r{text:{self.width}}" if text else f"\r{'':{self.width}}\r")
            self.stream.flush()
            self.width = len(text)

    def clear(self, until: float) -> None:
        """Take the bar away; another is drawn so many seconds later at the earliest."""
        with self.lock:
            self.due = time.monotonic() + until
            if self.width:
                self._put("")


_bars: list[Bar] = []  # of the commands that run: one, or none


@contextmanager
def shown() -> Iterator[None]:
    """Show a bar while the body works, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    bar = Bar(sys.stderr)
    _bars.append(bar)
    try:
        yield
    finally:
        _bars.remove(bar)
        bar.ended.set()
        bar.clear(float("inf"))


def clear(until: float = PATIENCE) -> None:
    """Take the bar away, if one stands there: what is written next needs its line."""
    for bar in _bars:
        bar.clear(until)


def line(work: Progress, at: float, began: float) -> str:
    """Return the bar of some work: how far it has come and how long it takes; the time alone where nobody tells."""
    if not work.what or not work.total:
        left = int(4 * (at - began)) % (BAR - 3)
        return f"[{'-' * left}###{'-' * (BAR - 3 - left)}] {at - began:.0f} s"
    from costcalc.numbers.text import figure

    full = int(BAR * min(work.done / work.total, 1))
    said = f"[{'#' * full}{'-' * (BAR - full)}] {figure(int(work.done))} of {figure(int(work.total))} {work.what}"
    rate = (work.done - work.first) / max(at - work.began, 1e-9)
    return f"{said}, {(work.total - work.done) / rate:.0f} s left" if rate else said
