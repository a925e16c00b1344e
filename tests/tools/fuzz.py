"""Spoil specs by the hundred thousand: `python tests/tools/fuzz.py 100000`, and a seed where one is wanted.

Each text gives a result or a SpecError, in two seconds and 500 MB at most; anything else ends the run,
cut down to the smallest text that does it. The test suite does the same for some hundreds.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import strategies
from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent.parent))
from test_properties import TEXTS, read, timed

MOST_BYTES = 500_000_000


def main(number: int, start: int) -> None:
    done = 0

    @seed(start)
    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.mutated(TEXTS))
    def spoil(text: str) -> None:
        nonlocal done
        timed(read, text)
        done += 1
        if done % 10_000 == 0:
            print(f"{done:,} of {number:,}", flush=True)

    spoil()
    print(f"{done:,} texts, each a result or a SpecError; at most {peak() // 10**6} MB")
    assert peak() < MOST_BYTES


def peak() -> int:
    """Return the most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
