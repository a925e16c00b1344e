"""Measure what docs/benchmarks.md shows of search spaces: `python benchmarks/spaces.py [--two]`.

CPU seconds of one process, in order, so that what a question leaves behind serves the next; `--two` adds the
count under two budgets at once, which takes minutes.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import costcalc
from costcalc.spaces.space import Space

FITS = "macs <= 300M"


def timed(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def memory() -> int:
    """Return the most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6


def questions(*, two: bool) -> list[tuple[str, str, str]]:
    """Return what each question of Once-for-All's space takes."""
    spaces: list[Space] = []
    rows = []

    def ends() -> None:
        space = costcalc.space("ofa_mobilenet_v3")
        spaces.append(space)
        _ = space.size, space.least(), space.most(), space.mean()

    def ask(what: str, call: Callable[[], object], most: str) -> None:
        rows.append((what, f"{timed(call):.2f} s, {memory()} MB", most))

    ask("Once-for-All MobileNetV3: size, least, most, mean of MACs", ends, "2 s")
    (space,) = spaces
    ask(f"the most params where {FITS}", lambda: space.most("params", FITS), "2 s")
    ask(f"how many networks have {FITS}", lambda: space.count(FITS), "10 s, 1 GB")
    ask("one more threshold", lambda: space.count("macs <= 301M"), "0.2 s")
    ask("ten quantiles", lambda: [space.quantile("macs", tenth / 11) for tenth in range(1, 11)], "15 s")
    ask("10,000 uniform samples under that budget", lambda: space.sample(10_000, FITS), "10 s")
    if two:
        ask("two budgets at once, params <= 6M too", lambda: space.count(f"{FITS} and params <= 6M"), "150 s, 2 GB")
    return rows


def by_torch() -> list[tuple[str, str, str]]:
    """Return what a network of the space takes by PyTorch's own counter on `meta`; nothing without PyTorch."""
    try:
        import torch
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError:
        return []
    from costcalc import torch as twins

    torch.set_num_threads(1)
    drawn = costcalc.space("ofa_mobilenet_v3").sample(11)
    settings = [{knob: line[knob] for knob in ("kernels", "expands", "depths")} for line in drawn.to_dict("records")]

    def built(knobs: dict[str, list[int]]) -> None:
        with torch.device("meta"), FlopCounterMode(display=False), torch.no_grad():
            twins.build("ofa_mobilenet_v3", **knobs).eval()(torch.zeros(1, 3, 224, 224))

    built(settings[0])
    each = timed(lambda: [built(knobs) for knobs in settings[1:]]) / 10
    said = f"{1 / each:.1f} networks a second"
    return [("a sampled network built of PyTorch's modules and counted by FlopCounterMode on `meta`", said, "")]


def main() -> None:
    print("| what | measured | at most |\n| --- | --- | --- |")
    for row in [*questions(two="--two" in sys.argv[1:]), *by_torch()]:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
