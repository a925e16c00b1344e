"""A baseline: the costs of networks in a file that is committed, so that a change of them is seen and held.

The file is JSON in a fixed order, a line a number, so that a diff of it can be read: the convention, and for
each network its totals and what each top-level block costs. None stands for what is unknown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fractions import Fraction

from costcalc.base import Data, Datum
from costcalc.base.errors import SpecError, stop
from costcalc.base.files import locked, write
from costcalc.base.files import read as read_text
from costcalc.base.hints import argument, function, limit, said
from costcalc.comparisons.budgets import COSTLIEST, Breach, Checked, over
from costcalc.comparisons.comparing import measures, usual
from costcalc.comparisons.networks import Network, cut
from costcalc.costs.convention import Convention
from costcalc.measures.metric import named
from costcalc.numbers.num import UNKNOWN, or_none
from costcalc.reports.lines import Line

VERSION = 1
KEY = "costcalc_baseline"

Entry = Data


class Baseline:
    """The costs that networks are held to, by the word for each, under one convention."""

    def __init__(self, path: str, rule: Convention, networks: Mapping[str, Entry]) -> None:
        self.path = path
        self.rule = rule
        self.networks = dict(networks)

    def entry(self, network: Network) -> Entry:
        """Return what is held of a network; raise SpecError where it is not in the file."""
        if network.label not in self.networks:
            raise stop(f"{self.path} has no '{network.label}'", hint=said("add {} to put it in", argument(update=True)))
        return self.networks[network.label]

    def text(self) -> str:
        """Return the file's text."""
        said = [_network(name, self.networks[name], usual(self.rule)) for name in sorted(self.networks)]
        head = f'{{\n  "{KEY}": {VERSION},\n  "convention": {_json(self.rule.name)},\n'
        head += f'  "hash": {_json(self.rule.stamp)},\n  "networks": {{'
        return "\n".join([head, ",\n".join(said), "  }", "}", ""]) if said else f"{head}}}\n}}\n"

    def write(self) -> None:
        """Write the file; raise SpecError where it can't be."""
        write(self.path, self.text())


def measured(network: Network) -> Entry:
    """Return what the file holds of a network as it is now."""
    names = network.result.convention.quantities
    blocks = {
        line.name: dict(zip(names, map(or_none, (line.cost.params, line.cost.operations)), strict=True))
        for line in _blocks(network)
    }
    totals = {name: or_none(value) for name, value in measures(network.result).items()}
    # What costs nothing says nothing, and would make the file long.
    return totals | {"blocks": {name: block for name, block in blocks.items() if any(v != 0 for v in block.values())}}


def _blocks(network: Network) -> list[Line]:
    return network.result.lines("block")


def _json(value: Datum) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _network(name: str, entry: Entry, quantities: tuple[str, ...]) -> str:
    totals = [f'      "{quantity}": {_json(entry[quantity])},' for quantity in quantities]
    blocks = [f"        {_json(block)}: {_json(costs)}" for block, costs in entry["blocks"].items()]
    inner = ['      "blocks": {', ",\n".join(blocks), "      }"] if blocks else ['      "blocks": {}']
    return "\n".join([f"    {_json(name)}: {{", *totals, *inner, "    }"])


# ---- reading -------------------------------------------------------------------------------------


def read(path: str, rule: Convention) -> Baseline:
    """Return the baseline in a file; raise SpecError where it is none, or of another convention."""
    if not os.path.exists(path):
        raise stop(f"{path}: there is no such file", hint=said("add {} to begin it", argument(update=True)))
    data = _parsed(path)
    if not isinstance(data, dict) or data.get(KEY) != VERSION:
        raise _none(path, f'it has no "{KEY}": {VERSION}')
    convention, stamp, networks = data.get("convention"), data.get("hash"), data.get("networks")
    if not isinstance(convention, str) or not isinstance(networks, dict):
        raise _none(path, "it has no convention, or no networks")
    held = f"{convention} {stamp}" if stamp else convention
    if convention != rule.name or stamp not in (None, rule.stamp):
        raise stop(
            f"{path} was counted under the convention '{held}', not '{rule.label}': such numbers cannot be compared",
            hint=said("add {}, or write another file", argument(convention=convention)),
        )
    for name, entry in networks.items():
        _require_entry(path, name, entry, rule)
    return Baseline(path, rule, networks)


def _parsed(path: str) -> Datum:
    import json

    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _none(path, f"it is no JSON from line {error.lineno}, column {error.colno} on") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists without end
        raise _none(path, "it is no JSON that can be read") from None


def _none(path: str, why: str) -> SpecError:
    return stop(
        f"{path} is no baseline: {why}", hint=said("{} writes one", argument(baseline="costs.json", update=True))
    )


def _require_entry(path: str, name: str, entry: Datum, rule: Convention) -> None:
    """Raise SpecError unless an entry has every number, and no other."""
    keys = usual(rule)
    if not isinstance(entry, dict) or set(entry) != {*keys, "blocks"} or not isinstance(entry["blocks"], dict):
        raise _none(path, f"'{name}' has other keys than {', '.join(keys)}, blocks")
    costs = [(name, {key: entry[key] for key in keys}), *((f"{name}: {k}", v) for k, v in entry["blocks"].items())]
    for where, numbers in costs:
        if not isinstance(numbers, dict) or (where != name and set(numbers) != set(rule.quantities)):
            raise _none(path, f"'{where}' has other keys than {', '.join(rule.quantities)}")
        for key, number in numbers.items():
            if number is not None and (type(number) is not int or number < 0):
                raise _none(path, f"'{where}': {key} is no whole number")


def opened(path: str | None, rule: Convention, *, update: bool = False) -> Baseline | None:
    """Return the baseline in a file, None where none is asked for; one to be updated need not be there yet."""
    if not path:
        if update:
            raise stop(
                "there is no baseline to update", hint=said("say which file: {}", argument(baseline="costs.json"))
            )
        return None
    return None if update and not os.path.exists(path) else read(path, rule)


def words(baseline: Baseline | None) -> tuple[str, ...]:
    """Return the networks that a file names, which it may only by the zoo's names and by paths below this folder.

    What a file says is not trusted: a module to import, or a path that leads elsewhere, is named by whoever asks.
    Raises SpecError for such a word, and where there is no network at all.
    """
    if baseline is None or not baseline.networks:
        raise stop("there is no network to check", hint=said("name one: {}", function("check", "mobilenet_v1")))
    for word in baseline.networks:
        name = cut(word).name
        if name == "-" or os.path.isabs(name) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise stop(
                f"{baseline.path} names '{word[:80]}', which is no network of the zoo and no file below this folder",
                hint="name the networks that are to be checked",
            )
    return tuple(baseline.networks)


# ---- holding -------------------------------------------------------------------------------------


def tolerance_of(text: str) -> Fraction:
    """Return a tolerance, 1% or 0.5%, as a part of one; raise SpecError for anything else."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?) ?%", text, re.ASCII)
    if not found:
        raise stop(f"'{text[:60]}' is no tolerance", hint="write it in per cent: 1%")
    return Fraction(found[1]) / 100


def refuse_unused(path: str | None, tolerance: Fraction, *, batch: int, update: bool) -> None:
    """Raise SpecError for a tolerance that nothing is compared under, and for a batch that no baseline holds."""
    if tolerance and (update or not path):
        said = "an update writes the costs as they are" if update else "a budget is held as it is given"
        raise stop(f"a tolerance is about a baseline that is held, and {said}", hint="leave the tolerance out")
    if path and batch != 1:
        raise stop(f"a baseline holds the costs of one image, not of {batch:,}", hint="leave the batch out")


def check(
    networks: list[Network],
    limits: Mapping[str, int],
    baseline: Baseline | None = None,
    tolerance: Fraction = Fraction(0),
    **options: Datum,
) -> Checked:
    """Return whether networks are within the limits, and not above what the baseline holds and tolerates.

    limits: metric -> the most; options are the metrics'. Raises SpecError where a network is not in the baseline.
    """
    if not limits and baseline is None:
        raise stop(
            "there is no budget to check",
            hint=said("give {}, or {}", limit(params="5M", macs="600M"), argument(baseline="costs.json")),
        )
    breaches: list[Breach] = []
    held: list[Mapping[str, int]] = []
    for network in networks:
        breaches += over(network, limits, **options)
        entry = baseline.entry(network) if baseline else {}
        whole = {name: value for name, value in entry.items() if name != "blocks" and value is not None}
        most = {name: int(value * (1 + tolerance)) for name, value in whole.items()}
        breaches += grown(network, entry, most)
        both = limits.keys() | most.keys()
        held.append({name: min(bound[name] for bound in (limits, most) if name in bound) for name in both})
    return Checked(networks, breaches, held, options)


def grown(network: Network, entry: Entry, most: Mapping[str, int]) -> list[Breach]:
    """Return the totals that are above what is tolerated, with the blocks that have grown most."""
    found = [network.result.metric(name) for name in usual(network.result.convention) if name in most]
    return [
        Breach(
            network.label, one.name, named(one.metric, one.setup), one.total, entry[one.name],
            _grown(network, entry, one.name), grown=True,
        )
        for one in found
        if one.total > most[one.name]
    ]  # fmt: skip


def _grown(network: Network, entry: Entry, quantity: str) -> list[tuple[str, Datum]]:
    """Return the blocks that have grown most, or whose cost is unknown now."""
    quantities = network.result.convention.quantities
    if quantity not in quantities:
        return []
    costs = [
        (line.name, line.cost.params if quantity == "params" else line.cost.operations) for line in _blocks(network)
    ]
    unknown = [pair for pair in costs if pair[1] is UNKNOWN]
    if unknown:
        return unknown[:COSTLIEST]
    nothing = dict.fromkeys(quantities, 0)
    more = [(name, value - (entry["blocks"].get(name, nothing)[quantity] or 0)) for name, value in costs]
    return sorted((pair for pair in more if pair[1] > 0), key=lambda pair: -pair[1])[:COSTLIEST]


def updated(networks: list[Network], path: str, rule: Convention) -> tuple[Baseline, bool]:
    """Write these networks as they are now into a file, and return it; and whether it is another now.

    The others in it stay as they were; a file that is not there yet is begun. Raises SpecError as `read` does.
    """
    now = {network.label: measured(network) for network in networks}
    with locked(path):  # others may update theirs in the same file
        before = read(path, rule) if os.path.exists(path) else None
        made = Baseline(path, rule, {**(before.networks if before else {}), **now})
        new = before is None or made.text() != before.text()
        if new:
            made.write()
    return made, new
