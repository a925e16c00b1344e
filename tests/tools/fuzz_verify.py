"""Verify random graphs by the ten thousand: `python tests/tools/fuzz_verify.py 20000`, and a seed where one is wanted.

Each is built in PyTorch and compared row by row; a difference ends the run, cut down to the smallest graph that
has it. The test suite does the same for two thousand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import strategies
from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent.parent))
from test_properties import by_both_roads


def main(number: int, start: int) -> None:
    done = rows = 0

    @seed(start)
    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.specs())
    def check(data: dict[str, Any]) -> None:
        nonlocal done, rows
        rows += len(by_both_roads(data).nodes)
        done += 1
        if done % 1000 == 0:
            print(f"{done:,} of {number:,}", flush=True)

    check()
    print(f"{done:,} graphs of {rows:,} rows, and no difference")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
