"""A device's rates from networks that were timed on it: non-negative least squares on relative errors.

    time = MACs of dense, grouped, depthwise layers / their rates + bytes / bandwidth + operators * overhead

Each equation is divided by its measured time, so that a network of 2 ms counts as much as one of 200 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.costs.rows import Row
from costcalc.hardware.lut import milliseconds, table
from costcalc.hardware.traffic import works
from costcalc.hardware.words import GROUPINGS
from costcalc.language.yaml_text import inline
from costcalc.numbers.num import UNKNOWN

TERMS = (*GROUPINGS, "bytes", "operators")
NEEDED = ("network", "latency_ms")
LEAST = 4  # networks that a fit needs


class Sample(NamedTuple):
    """A network that was timed: its word, its family, what it asks of the device, its seconds."""

    network: str
    family: str
    amounts: tuple[float, ...]  # of each of TERMS
    seconds: float

    @property
    def macs(self) -> float:
        """All its MACs."""
        return sum(self.amounts[: len(GROUPINGS)])


class Rates(NamedTuple):
    """Seconds of one unit of each term; zero where the fit gave it no time of its own."""

    costs: tuple[float, ...]

    def seconds(self, sample: Sample) -> float:
        """Return what these rates predict for a network."""
        return sum(cost * amount for cost, amount in zip(self.costs, sample.amounts, strict=True))


class Errors(NamedTuple):
    """How far predictions of networks that a fit did not see are off, in shares; MACs alone beside them."""

    what: str
    networks: int
    median: float
    worst: float
    macs_median: float
    rank: float  # Spearman's correlation of predicted and measured times
    macs_rank: float


def lines(path: str, only: dict[str, str]) -> list[dict[str, str]]:
    """Return the lines of a CSV of measured networks whose columns are as `only` says; raise SpecError for no CSV."""
    names, whole = table(path)
    missing = [name for name in (*NEEDED, *only) if name not in names]
    if missing:
        raise stop(f"{path} has no column '{missing[0]}'", hint=f"it needs {' and '.join(NEEDED)}")
    found = [line for line in whole if all(line[key] == value for key, value in only.items())]
    if not found:
        raise stop(f"{path} has no line with {', '.join(f'{k}={v}' for k, v in only.items()) or 'anything'}")
    return found


def sample(line: dict[str, str], rows: Sequence[Row], family: str, dtype: str, fusion: str) -> Sample:
    """Return a network that was timed; a `batch` column says how many images that was for."""
    batch = line.get("batch") or "1"
    if not (batch.isascii() and batch.isdigit() and int(batch) > 0):
        raise stop(f"{line['network']}: '{batch[:40]}' is no batch")
    asked = works(rows, fusion)
    total = sum(work.macs for work in asked)
    if total is UNKNOWN or not total:
        raise stop(
            f"{line['network']}: its MACs are {'unknown' if total is UNKNOWN else 'none'}, so nothing can be fitted"
        )
    images = int(batch)
    macs = [sum(w.macs * images for w in asked if w.grouping == grouping) for grouping in GROUPINGS]
    moved = sum(w.bytes(dtype, images) for w in asked)
    amounts = (*map(float, macs), float(moved), float(sum(w.launched for w in asked)))
    return Sample(line["network"], family, amounts, milliseconds(line["latency_ms"], line["network"]))


def fit(samples: Sequence[Sample]) -> Rates:
    """Return the rates with the least squared relative error, none below zero.

    With five terms all choices of those that are above zero can be tried: the best of them that has no rate
    below zero is the answer. Raises SpecError for fewer than four networks.
    """
    import numpy as np

    if len(samples) < LEAST:
        raise stop(f"{len(samples)} networks are too few to fit rates to", hint=f"measure {LEAST} or more, better 10")
    amounts = np.array([one.amounts for one in samples]) / np.array([[one.seconds] for one in samples])
    scales = np.maximum(np.abs(amounts).max(axis=0), 1e-300)
    scaled, ones = amounts / scales, np.ones(len(samples))
    there = [k for k in range(len(TERMS)) if amounts[:, k].any()]
    best, found = float("inf"), np.zeros(len(TERMS))
    for size in range(1, len(there) + 1):
        for chosen in map(list, combinations(there, size)):
            costs = np.linalg.lstsq(scaled[:, chosen], ones, rcond=None)[0]
            error = float(((scaled[:, chosen] @ costs - ones) ** 2).sum())
            if costs.min() >= 0 and error < best * (1 - 1e-9):
                best, found = error, np.zeros(len(TERMS))
                found[chosen] = costs
    return Rates(tuple(float(cost) for cost in found / scales))


def by_macs(samples: Sequence[Sample]) -> Callable[[Sample], float]:
    """Return what predicts times from MACs alone: the median of seconds a MAC."""
    from statistics import median

    each = median(one.seconds / one.macs for one in samples)
    return lambda one: each * one.macs


def held_out(samples: Sequence[Sample], key: Callable[[Sample], str], what: str) -> Errors | None:
    """Return the errors of predicting each group by rates fitted to all others; None where there is one group only."""
    groups = list(dict.fromkeys(map(key, samples)))
    predicted, plain, measured = [], [], []
    for group in groups:
        rest = [one for one in samples if key(one) != group]
        if len(rest) < LEAST:
            return None
        rates, macs = fit(rest), by_macs(rest)
        for one in (one for one in samples if key(one) == group):
            predicted.append(rates.seconds(one))
            plain.append(macs(one))
            measured.append(one.seconds)
    return errors(what, predicted, plain, measured) if len(groups) > 1 else None


def errors(what: str, predicted: Sequence[float], plain: Sequence[float], measured: Sequence[float]) -> Errors:
    """Return how far predictions, and those from MACs alone, are off."""
    from statistics import median

    off, plain_off = ([abs(p / m - 1) for p, m in zip(found, measured, strict=True)] for found in (predicted, plain))
    ranks = (rank_correlation(predicted, measured), rank_correlation(plain, measured))
    return Errors(what, len(measured), median(off), max(off), median(plain_off), *ranks)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation; ties take their mean rank."""
    a, b = _ranks(first), _ranks(second)
    mean = (len(a) - 1) / 2
    spread = [sum((x - mean) ** 2 for x in ranks) for ranks in (a, b)]
    together = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    return together / (spread[0] * spread[1]) ** 0.5 if all(spread) else float("nan")


def _ranks(values: Sequence[float]) -> list[float]:
    return [(sum(v < value for v in values) + sum(v <= value for v in values) - 1) / 2 for value in values]


def device_file(title: str, rates: Rates, samples: Sequence[Sample], told: Errors | None, **about: Datum) -> str:
    """Return a device's data file: the rates that were fitted, and how far to trust them."""
    costs = dict(zip(TERMS, rates.costs, strict=True))
    there = {name: any(one.amounts[k] for one in samples) for k, name in enumerate(TERMS)}
    lines_ = [
        "costcalc_device: 1",
        f"title: {inline(title)}",
        f"kind: {about['kind']}",
        "measured:",
        f"  {about['dtype']}:",
    ]
    lines_ += [f'    source: "non-negative least squares over {len(samples)} networks"', "    confidence: calibration"]
    lines_ += [f"    {name}_gmacs: {_rate(costs[name])}" for name in GROUPINGS if there[name]]
    lines_ += [f"    bandwidth_gbs: {_rate(costs['bytes'])}", f"    overhead_us: {costs['operators'] * 1e6:.4g}"]
    lines_ += [f"    fusion: {about['fusion']}", f"    batch: {about['batch']}"]
    if told:
        lines_ += [f'    error_percent: {{value: {100 * told.median:.3g}, source: "median of {told.what}"}}']
        off = f"{100 * told.median:.0f} % off in the median, {100 * told.worst:.0f} % at most"
        lines_ += [f'    trust: "{told.what} came out {off}"']
    return "\n".join(lines_) + "\n"


def _rate(cost: float) -> str:
    """Return a cost in seconds as billions a second; a term that took no time of its own is free."""
    return f"{1e-9 / cost:.4g}" if cost else "free"
