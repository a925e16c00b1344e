"""JSON, read within bounds: size, depth and numbers end, no key stands twice, and what is wrong has its place."""

from __future__ import annotations

import json
import math
from collections import Counter

from costcalc.base import Datum
from costcalc.base.errors import Mark, Problem, SpecError, stop

LARGEST = 2**23  # characters
DEEPEST = 200  # levels of lists and mappings
LONGEST_NUMBER = 40  # digits


class _Wrong(Exception):
    """What JSON allows, or Python's reader, and no file of a network needs."""


def parse(text: str, where: str) -> Datum:
    """Return the data of a JSON text; where: the file's name, for messages.

    Raises SpecError, with the place, for what is no JSON; and for more than is read, a key that stands twice in one
    mapping, and numbers without an end (NaN, Infinity, 1e999).
    """
    if len(text) > LARGEST:
        raise stop(f"{where} has more than {LARGEST:,} characters, the most that are read")
    try:
        found = json.loads(
            text, object_pairs_hook=_mapping, parse_constant=_constant, parse_int=_whole, parse_float=_real
        )
    except json.JSONDecodeError as error:
        mark = Mark(where, text, error.lineno - 1, error.colno - 1)
        raise SpecError([Problem(f"this is no JSON: {error.msg.lower()}", mark, "is the file cut?")]) from None
    except _Wrong as wrong:
        raise stop(f"{where}: {wrong}") from None
    except RecursionError:
        raise _deep(where) from None
    if _depth(found) > DEEPEST:
        raise _deep(where)
    return found


def _deep(where: str) -> SpecError:
    return stop(f"{where}: lists and mappings stand more than {DEEPEST} deep")


def _mapping(pairs: list[tuple[str, Datum]]) -> dict[str, Datum]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise _Wrong(f"'{twice[:60]}' stands twice in one mapping")
    return found


def _constant(word: str) -> float:
    raise _Wrong(f"{word} is no number that JSON has")


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _Wrong(f"a number of {len(digits):,} digits")
    return int(digits)


def _real(digits: str) -> float:
    if not math.isfinite(found := float(digits)):
        raise _Wrong(f"{digits[:60]} is larger than any number")
    return found


def _depth(data: Datum) -> int:
    """Return how many levels of lists and mappings there are, counted without recursion."""
    level, depth = [data], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        level = [part for one in level for part in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth
