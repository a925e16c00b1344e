"""Whatever a user gives is counted, or refused in words: every sort of value at every place that is read.

Where there are very many places, a part of them is tried here, another in each test, and all of them by
`python tests/tools/payloads.py`.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import payloads
import pytest

from costcalc.base.errors import Mark, Problem, SpecError

# Every how many cases one is tried, by what is read.
STEPS = {"operators": 3, "sections": 29, "files": 61, "tables": 5, "options": 41, "functions": 29}


@pytest.mark.parametrize("part", STEPS)
def test_any_value_is_counted_or_refused(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tried, wrong = 0, []
    for case in islice(payloads.parts(tmp_path)[part](), None, None, STEPS[part]):
        tried += 1
        found = payloads.tried(case, seconds=10)  # a machine may be busy
        wrong += [found] if found else []
    assert not wrong
    assert tried > 50


def test_a_traceback_is_found() -> None:
    """The check itself can fail: an error of Python's, a refusal without a word, and too long a time are told."""

    def raises(error: Exception) -> object:
        raise error

    bare = SpecError([Problem("", Mark(""))])
    for error, why in ((TypeError("unhashable"), "TypeError: unhashable"), (bare, "refused without a word")):
        found = payloads.tried(payloads.Case("here", 1, lambda error=error: raises(error)))  # type: ignore[misc]
        assert found is not None
        assert found.why == why
