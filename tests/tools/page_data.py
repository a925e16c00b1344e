"""A page's data read as the page reads it, in Python: numbers where the sliders stand, sums, peaks, times."""

from __future__ import annotations

from math import prod
from typing import Any


class Stand:
    """One network of a page with its sliders and lists at some places."""

    def __init__(self, page: dict[str, Any], network: dict[str, Any], places: list[int], at: list[int]) -> None:
        self.page, self.network = page, network
        self.knobs = {
            knob["name"]: knob["values"][place]
            for knobs, chosen in ((network["sliders"], places), (network["lists"], at))
            for knob, place in zip(knobs, chosen, strict=True)
        }
        (self.form,) = (
            form
            for form in network["forms"]
            if list(form["at"]) == at and all(k in where for k, where in zip(places, form["where"], strict=True))
        )
        self.local = [where.index(k) for k, where in zip(places, self.form["where"], strict=True)]
        lengths = [len(where) for where in self.form["where"]]
        self.vectors = [values[self._flat(axes, lengths)] for axes, values in self.form["vectors"]]
        self.numbers = [self._number(number) for number in self.form["numbers"]]
        self.kinds = [kind for _, kind, *_ in self.form["rows"]]

    def _flat(self, axes: int | list[int], lengths: list[int]) -> int:
        place = 0
        for axis in [axes] if isinstance(axes, int) else axes:
            place = place * lengths[axis] + self.local[axis]
        return place

    def _number(self, number: Any) -> int | None:
        if not isinstance(number, list):
            return number
        found = sum(times * prod(self.vectors[one] for one in vectors) for times, *vectors in number)
        assert abs(found) < 1 << 53
        return found

    def rows(self, column: list[int]) -> list[int | None]:
        """A column's number for every row."""
        return [self.numbers[column[kind]] for kind in self.kinds]

    def costs(self, convention: str) -> tuple[list[int | None], list[int | None]] | None:
        """The rows' parameters and operations; None where the convention refuses the network."""
        names = [one["name"] for one in self.page["conventions"]]
        params, operations = self.form["conventions"][names.index(convention)]
        if params < 0:
            assert self.form["refuses"][convention]
            return None
        counts = self.form["counts"]
        return self.rows(counts[params]), self.rows(counts[operations])

    def metric(self, name: str, batch: int) -> int:
        return batch * sum(self.rows(self.form["metrics"][name]))

    def alive(self, batch: int) -> list[int]:
        """The bytes alive at each row."""
        made = [0] * len(self.kinds)
        memory = self.form["memory"]
        for elements, bits, _, first, last in memory["storages"]:
            for row in range(first, last + 1):
                made[row] += -(-self.numbers[elements] * batch * bits // 8)
        for row, elements, bits in memory["beside"]:
            made[row] += -(-self.numbers[elements] * batch * bits // 8)
        return made

    def fields(self) -> list[Any]:
        lengths = [len(where) for where in self.form["where"]]
        found = []
        for field in self.form["fields"]:
            found.append(field["values"][self._flat(field["axes"], lengths)] if isinstance(field, dict) else field)
        return [found[row[3]] for row in self.form["rows"]]

    def seconds(self, device: str, dtype: str, batch: int) -> tuple[float, float | None]:
        """The least and the most time; no most of a lower bound."""
        rates = next(
            one
            for one in self.page["rates"]
            if one["device"] == device and one["dtype"] == dtype and one["batch"] <= batch
        )
        least = most = 0.0
        for kind in (self.form["kinds"][k] for k in self.kinds):
            work = kind["work"].get(rates["fusion"], kind["work"]["eager"])
            elements, parameters = (self.numbers[k] for k in work[:2])
            compute = self.numbers[kind["macs"]] * batch / rates["rate"][kind["grouping"]]
            memory = (elements * batch + parameters) * rates["size"] / (rates["bandwidth"] or float("inf"))
            overhead = rates["overhead"] * work[2]
            least += max(compute, memory) + overhead
            most += compute + memory + overhead
        return least, None if rates["bounded"] else most
