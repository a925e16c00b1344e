"""How a reader's modules enter their rules: each beside what it is about, found by the words of the format."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def entering(rules: dict[str, R]) -> Callable[..., Callable[[R], R]]:
    """Return the decorator that enters a function in `rules`, by each of the words that it is given."""

    def rule(*names: str) -> Callable[[R], R]:
        def enter(function: R) -> R:
            rules.update(dict.fromkeys(names, function))
            return function

        return enter

    return rule
