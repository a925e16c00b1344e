"""A device's file from measured networks: what was fitted, and how far it is off on networks left out."""

from __future__ import annotations

from fnmatch import fnmatchcase

from costcalc.asked import asked
from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.hardware.calibration import (
    TERMS,
    Errors,
    Sample,
    by_macs,
    device_file,
    errors,
    fit,
    held_out,
    lines,
    sample,
)  # fmt: skip


class Calibrated:
    """Rates fitted to the networks of a CSV file, and the errors on those that a fit did not see.

    only: the columns' values that a line must have. hold_out: a pattern of networks that are predicted only.
    Raises SpecError for a file or a network that is none, and for too few networks.
    """

    def __init__(self, path: str, only: dict[str, str], *, hold_out: str = "", **about: Datum) -> None:
        self.about = about
        found = [self._sample(line) for line in lines(path, only)]
        self.held = [one for one in found if hold_out and fnmatchcase(one.network, hold_out)]
        if hold_out and not self.held:
            raise stop(f"--hold-out: no network of {path} is called '{hold_out[:60]}'")
        self.samples = [one for one in found if one not in self.held]
        self.rates = fit(self.samples)
        self.alone = held_out(self.samples, lambda one: one.network, "networks left out one by one")
        self.families = held_out(self.samples, lambda one: one.family, "families left out one by one")
        self.unseen = self._unseen()

    def _sample(self, line: dict[str, str]) -> Sample:
        result = asked(line["network"], {}).result
        family = str(result.graph.spec.where).rsplit("/", 1)[-1]
        rows = [row.row for row in result.rows]
        return sample(line, rows, family, self.about["dtype"], self.about["fusion"])

    def _unseen(self) -> Errors | None:
        if not self.held:
            return None
        macs = by_macs(self.samples)
        predicted = [self.rates.seconds(one) for one in self.held]
        measured = [one.seconds for one in self.held]
        return errors("networks held out", predicted, [macs(one) for one in self.held], measured)

    def lines(self) -> list[str]:
        """Return what was fitted and how far it is off, in words; each network held out on a line of its own."""
        said = [f"fitted to {len(self.samples)} networks, {self.about['dtype']}, fusion {self.about['fusion']}:"]
        said += [
            f"  {_term(name, cost)}" for name, cost in zip(TERMS, self.rates.costs, strict=True) if self._has(name)
        ]
        said += [_told(one) for one in (self.alone, self.families, self.unseen) if one is not None]
        macs = by_macs(self.samples)
        for one in self.held:
            ms = [1e3 * seconds for seconds in (one.seconds, self.rates.seconds(one), macs(one))]
            said.append(f"  {one.network}: measured {ms[0]:.3g} ms, predicted {ms[1]:.3g}, by MACs alone {ms[2]:.3g}")
        return said

    def _has(self, name: str) -> bool:
        return any(one.amounts[TERMS.index(name)] for one in self.samples)

    def text(self) -> str:
        """Return the device's data file."""
        return device_file(self.about["title"], self.rates, self.samples, self.alone, batch=1, **self.about_file())

    def about_file(self) -> dict[str, Datum]:
        """Return what the file says of how it was measured."""
        return {name: self.about[name] for name in ("dtype", "fusion", "kind")}


def _term(name: str, cost: float) -> str:
    if name == "operators":
        return f"overhead {1e6 * cost:.3g} us an operator"
    what = "bandwidth" if name == "bytes" else name
    unit = "GB/s" if name == "bytes" else "GMACs/s"
    return f"{what} {1e-9 / cost:.3g} {unit}" if cost else f"{what}: no time of its own"


def _told(one: Errors) -> str:
    off = f"{100 * one.median:.1f} % off in the median, {100 * one.worst:.1f} % at most"
    alone = f"by MACs alone {100 * one.macs_median:.1f} %"
    ranks = f"; ranks {one.rank:.3f}, by MACs {one.macs_rank:.3f}" if one.networks > 2 else ""
    return f"{one.what} ({one.networks}): {off}; {alone}{ranks}"
