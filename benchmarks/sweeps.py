"""Measure sweeps: `python benchmarks/sweeps.py`, in one process each, as ratios wherever a limit is set.

The opponent of the first line is the same arithmetic written by hand in numpy with broadcasting.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import costcalc
from costcalc.graph.expand import expand
from costcalc.sweeps import chunks

ROUNDS = 5
WIDTHS = [round(0.1 + 0.0019 * k, 4) for k in range(1000)]
RESOLUTIONS = list(range(32, 1032))
# Table 1 of arXiv:1704.04861: output channels, stride.
SEPARABLE = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


def by_hand(widths: Any, resolutions: Any) -> tuple[Any, Any]:
    """Return parameters and MACs of MobileNetV1, an array each: every layer's formula, broadcast."""
    w, n = np.asarray(widths)[:, None], np.asarray(resolutions)[None, :]
    n = (n + 2 - 3) // 2 + 1
    c = (32 * w).astype(np.int64)
    params, macs = 27 * c + 2 * c, n * n * (27 * c)
    for out, stride in SEPARABLE:
        n = (n + 2 - 3) // stride + 1
        params, macs = params + 9 * c + 2 * c, macs + n * n * (9 * c)
        wide = (out * w).astype(np.int64)
        params, macs = params + c * wide + 2 * wide, macs + n * n * (c * wide)
        c = wide
    return np.broadcast_to(params + 1000 * c + 1000, macs.shape), macs + 1000 * c


def ours(name: str) -> Any:
    return costcalc.sweep_arrays(name, width=WIDTHS, resolution=RESOLUTIONS)


def seconds(call: Callable[[], object]) -> float:
    """Return the best time of a call, over several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def grids() -> list[tuple[str, str, str]]:
    """Compare a million settings with numpy by hand, and other networks with MobileNetV1, a layer."""
    made = ours("mobilenet_v1")
    params, macs = by_hand(WIDTHS, RESOLUTIONS)
    assert (made.macs == macs).all()
    assert (made.params == params).all()
    hand, one = seconds(lambda: by_hand(WIDTHS, RESOLUTIONS)), seconds(lambda: ours("mobilenet_v1"))
    rows = [("MobileNetV1, 1000 widths x 1000 resolutions, by hand in numpy", f"{1000 * hand:.0f} ms", "")]
    rows.append(("the same as a sweep", f"{1000 * one:.0f} ms, {one / hand:.2f} of it", "1.00"))
    layers = len(expand(costcalc.load("mobilenet_v1")).nodes)
    for name in ("mobilenet_v2", "resnet50", "efficientnet_b0"):
        taken, rows_of = seconds(lambda n=name: ours(n)), len(expand(costcalc.load(name)).nodes)
        times = (taken / rows_of) / (one / layers)
        rows.append(
            (f"{name}, the same grid", f"{1000 * taken:.0f} ms, {times:.1f} of MobileNetV1's time a row", "3.0")
        )
    return rows


def frames() -> list[tuple[str, str, str]]:
    """Time 10,000 settings as a DataFrame; beside it, building torchvision's model for each, where that is there."""
    widths, resolutions = [round(0.3 + 0.012 * k, 3) for k in range(100)], list(range(32, 232, 2))

    def swept() -> None:
        chunks._READY.clear()  # nothing is kept from the round before
        costcalc.sweep("mobilenet_v2", width=widths, resolution=resolutions)

    taken = seconds(swept)
    rows = [("MobileNetV2, 10,000 settings as a DataFrame", f"{taken:.2f} s, {1e4 / taken:,.0f} a second", "0.5 s")]
    try:
        import torch
        from torch.utils.flop_counter import FlopCounterMode
        from torchvision.models import mobilenet_v2
    except ImportError:
        return rows

    def built() -> None:
        with torch.device("meta"), FlopCounterMode(display=False):
            mobilenet_v2(width_mult=0.5).eval()(torch.empty(1, 3, 160, 160))

    rows.append(("the same by torchvision and FlopCounterMode on meta", f"{1 / seconds(built):,.0f} a second", ""))
    return rows


def peak(settings: int) -> int:
    """Return the peak memory, in KB, of a process that folds a sweep of so many settings."""
    third = settings // 1_000_000
    code = (
        "import resource, costcalc\n"
        f"axes = dict(width=[0.1 + 0.0019 * k for k in range(1000)], resolution=list(range(32, 1032)))\n"
        f"axes['classes'] = list(range(1, {third} + 1))\n"
        "costcalc.sweep('mobilenet_v1', **axes, where='macs < 300M and params < 4M', top=10)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def memory() -> list[tuple[str, str, str]]:
    small, large = peak(10**6), peak(10**8)
    return [
        ("peak memory of 10^6 settings, folded", f"{small / 1024:.0f} MB", ""),
        ("of 10^8", f"{large / 1024:.0f} MB, {large / small:.2f} of it", "1.20"),
    ]


def main() -> None:
    print("| what | measured | at most |\n| --- | --- | --- |")
    for row in [*grids(), *frames(), *memory()]:
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
