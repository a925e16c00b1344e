"""What was worked out is kept for the next time, bounded."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any


class Kept:
    """Values by key. Where they come to weigh more than `most`, all are forgotten, and it begins anew."""

    __slots__ = ("most", "values", "weight")

    def __init__(self, most: int) -> None:
        self.most = most
        self.values: dict[Hashable, Any] = {}
        self.weight = 0

    def __len__(self) -> int:
        return len(self.values)

    def __reduce__(self) -> tuple[type[Kept], tuple[int]]:
        return Kept, (self.most,)  # another process works it out itself

    def get(self, key: Hashable) -> Any:
        """Return what is kept under a key, None for nothing."""
        return self.values.get(key)

    def put(self, key: Hashable, value: Any, weight: int = 0) -> None:
        """Keep a value."""
        self.weight += weight
        if self.weight > self.most:
            self.values, self.weight = {}, weight
        self.values[key] = value
