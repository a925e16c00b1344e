"""What a spec says beside its layers: the implementation that other tools are run on, and published figures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from costcalc.base.errors import nearest
from costcalc.language.document import knob_fault
from costcalc.language.items import ItemReader
from costcalc.language.source import YamlNode
from costcalc.operators.fields import CALLS, HELD

PUBLISHED = (
    "where", "source", "variant", "knobs", "of", "convention", "macs", "params", "top1", "top5", "digits", "rounding",
    "reproduces", "note",
)  # fmt: skip
_CLAIMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "rounding": (lambda v: v in ("nearest", "floor", "ceil"), "write nearest, floor or ceil"),
    "digits": (lambda v: type(v) is int and v > 0, "write how many digits of the figure count: 2"),
    "reproduces": (lambda v: isinstance(v, bool), "write true or false"),
    "variant": (lambda v: isinstance(v, str), "write the name of a variant"),
    "convention": (lambda v: isinstance(v, str), "write the name of a convention: costcalc conventions lists them"),
    "where": (lambda v: not isinstance(v, dict | bool), "write where the figure is printed: Table 1"),
    "source": (lambda v: isinstance(v, str), "write a paper, a repository"),
    "of": (
        lambda v: bool(v) and all(isinstance(part, str) for part in (v if isinstance(v, list) else [v])),
        "write a layer, a group of layers or a layer type, or a list of them: fire2, conv 1x1",
    ),
    "note": (lambda v: isinstance(v, str), "write a text"),
    "top1": (lambda v: isinstance(v, int | float) and not isinstance(v, bool), "write a percentage: 70.6"),
    "top5": (lambda v: isinstance(v, int | float) and not isinstance(v, bool), "write a percentage: 89.5"),
}
FIGURE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[KMGBT%]?)\Z")


class AsideReader(ItemReader):
    """Reads `reference` and `published`."""

    def reference(self, node: YamlNode | None) -> None:
        """Read which implementation other tools are run on, and which rows it does not call as modules."""
        section = self.mapping(node, "reference")
        if node is not None and node.is_map:
            self.keys(node, ("from", *CALLS, HELD), "key of reference:")
        if "from" in section:
            self.spec.meta["reference"] = section["from"].plain()
        self.spec.held = self.patterns(section.get(HELD))
        for word in CALLS:
            for one in self.patterns(section.get(word)):
                self.spec.reference.setdefault(word, []).append(one)

    def patterns(self, node: YamlNode | None) -> list[str]:
        """Return the patterns of a list: row names with * for any part."""
        items = [] if node is None else node.value if node.is_list else [node]
        for item in items:
            if not isinstance(item.value, str):
                self.problem("a pattern of row names belongs here", item.mark, "write stage*/relu")
        return [item.value for item in items if isinstance(item.value, str)]

    def published(self, node: YamlNode | None) -> None:
        section = self.mapping(node, "published")
        if node is not None and node.is_map:
            self.keys(node, ("source", "rows"), "key of published:")
        source = section["source"].plain() if "source" in section else ""
        rows = section.get("rows")
        if rows is None:
            return
        if not rows.is_list:
            self.problem("'rows' must be a list", rows.mark, "write - {where: Table 1, macs: 569M, params: 4.2M}")
            return
        for row in rows.value:
            if not row.is_map:
                self.problem("a published row is a mapping", row.mark, "write {where: Table 1, macs: 569M}")
                continue
            self.keys(row, PUBLISHED, "key of a published row:")
            self.claim(row, source)

    def claim(self, row: YamlNode, source: Any) -> None:
        values = {key: value.plain() for key, value in row.value.items()}
        marks = {key: value.mark for key, value in row.value.items()}
        variant = values.get("variant")
        if isinstance(variant, str) and variant not in self.spec.variants:
            hint = nearest(str(variant), self.spec.variants)
            hint = hint or f"variants: {', '.join(self.spec.variants) or 'none'}"
            self.problem(f"there is no variant '{variant!s:.60}'", marks["variant"], hint)
        for knob, value in self.mapping(row.value.get("knobs"), "knobs").items():
            if knob not in self.spec.knobs:
                hint = nearest(knob, self.spec.knobs) or f"knobs: {', '.join(self.spec.knobs) or 'none'}"
                self.problem(f"there is no knob '{knob}'", row.value["knobs"].keys[knob], hint)
            elif fault := knob_fault(knob, self.spec.knobs[knob], value.plain()):
                self.problem(fault.message, value.mark, fault.hint)
        for key, (right, hint) in _CLAIMS.items():
            if key in values and not right(values[key]):
                self.problem(f"{key} is {values[key]!s:.20}", marks[key], hint)
        if values.get("reproduces") is False and not values.get("note"):
            hint = "say why: a misprint of the paper, a detail that was never published"
            self.problem("a row that is not reproduced needs a 'note'", row.mark, hint)
        for key in ("macs", "params"):
            if key in values and not FIGURE.match(str(values[key])):
                self.problem(f"'{values[key]!s:.20}' is no figure", marks[key], "write 569M, 4.2M, 1.5G, 0.39B")
        self.spec.published.append({"source": source, **values})
        self.spec.published_marks.append(marks)
