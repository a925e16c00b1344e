"""The bar of long work: when it is drawn, what it says, and that nothing else is touched."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from costcalc.base import progress
from costcalc.base.progress import Progress, steps
from costcalc.cli.progress import line

# Of how many, how many before it began, how many now, seconds it has run; the command began at 0, the work at 1.
LINES = [
    (None, 3, "[------------###---------] 3 s"),
    (("networks", 4, 0, 0), 3, "[------------------------] 0 of 4 networks"),
    (("networks", 4, 0, 1), 3, "[######------------------] 1 of 4 networks, 6 s left"),  # 2 s each, and 3 to come
    (
        ("settings", 4_000_000, 2_000_000, 3_000_000),
        11,
        "[##################------] 3.000 M of 4.000 M settings, 10 s left",
    ),
    (("networks", 4, 0, 4), 5, "[########################] 4 of 4 networks, 0 s left"),
    (("networks", 0, 0, 0), 1, "[----###-----------------] 1 s"),
]


@pytest.mark.parametrize(("told", "at", "shown"), LINES)
def test_what_a_bar_says(told: tuple[str, float, float, float] | None, at: float, shown: str) -> None:
    work = Progress()
    if told:
        what, total, first, done = told
        work = Progress(what, total, first)
        work.began, work.done = 1.0, done
    assert line(work, at, 0.0) == shown


def test_a_loop_tells_how_far_it_has_come_and_one_within_it_does_not() -> None:
    seen = []
    for outer in steps("ab", "letters", 2):
        for _ in steps(range(3), "numbers", 3):
            seen.append((outer, progress.now.what, progress.now.done))
    assert seen == [("a", "letters", 0)] * 3 + [("b", "letters", 1)] * 3
    assert progress.now.what == ""


def test_a_loop_that_is_left_is_no_longer_under_way() -> None:
    def refused() -> None:
        for _ in steps([1, 2], "things", 2):
            raise KeyError

    with pytest.raises(KeyError):
        refused()
    assert [progress.now.done for _ in steps([5, 7], "things", 12, each=float)] == [0, 5]


# The time without a bar, what is done, whether a bar is seen.
DRAWN = [
    (0.0, ["reconcile", "resnet50", "4.12G"], True),
    (0.0, ["report", "resnet50", "--depths", "[3]"], True),  # refused
    (60.0, ["report", "resnet50"], False),
]


@pytest.mark.parametrize(("patience", "words", "seen"), DRAWN)
def test_a_bar_is_drawn_on_a_terminal_and_taken_away(patience: float, words: list[str], seen: bool) -> None:
    code = (
        f"import sys, time; from costcalc.cli import group, main, progress; progress.PATIENCE = {patience}; "
        f"progress.EVERY = 0.001; sys.argv[1:] = {words}; old = group.main; "
        f"group.main = lambda **k: (time.sleep({0.2 * seen}), old(**k))[1]; main()"
    )
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    main, side = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=side) as process:
        os.close(side)
        assert process.stdout
        out = process.stdout.read()
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:  # the process has closed its side
            pass
    os.close(main)
    assert (out, process.returncode) == (plain.stdout, plain.returncode)
    assert (b"###" in shown) is seen
    assert b"###" not in plain.stderr
    # What stays on the terminal is what stands after the bar was written over with blanks.
    left = [part.strip() for part in shown.replace(b"\r\n", b"\n").split(b"\r")][-1]
    assert left == plain.stderr.strip()
