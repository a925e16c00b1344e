"""What others say of a network: its published figures, and the implementation that other tools are run on."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.base import Datum
from costcalc.base.errors import Problems, nearest
from costcalc.base.hints import function, said
from costcalc.language.document import Spec, knob_fault
from costcalc.language.sections import Section, mapping
from costcalc.language.source import YamlNode
from costcalc.numbers import num
from costcalc.operators.fields import CALLS, HELD

# What a figure of cost may be of: what a convention counts, a metric, a time.
COSTS = ("macs", "params", "activations", "bytes", "compressed_bytes", "ms")
PUBLISHED = (
    "where", "source", "variant", "knobs", "of", "convention", "options", *COSTS, "top1", "top5", "digits", "rounding",
    "reproduces", "note",
)  # fmt: skip
EXPLAINED = "explained"  # of a figure that no count gives, whose note shows how it comes about
_CLAIMS: dict[str, tuple[Callable[[Datum], bool], str]] = {
    "rounding": (lambda v: v in ("nearest", "floor", "ceil"), "write nearest, floor or ceil"),
    "digits": (lambda v: type(v) is int and v > 0, "write how many digits of the figure count: 2"),
    "reproduces": (lambda v: isinstance(v, bool) or v == EXPLAINED, f"write true, false or {EXPLAINED}"),
    "options": (lambda v: isinstance(v, dict), "write options of metrics: {bits: 8}, {device: pixel1_big_core}"),
    "variant": (lambda v: isinstance(v, str), "write the name of a variant"),
    "convention": (
        lambda v: isinstance(v, str),
        said("write the name of a convention: {} lists them", function("conventions")),
    ),
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
# What may stand behind a figure, and the size of it.
UNITS = {"": 1, "%": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
UNITS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def cut(text: str) -> tuple[str, str] | None:
    """Return the number and the unit of a figure, 4.2 and M; None where a text is none."""
    number = text.rstrip("KMGTBi%")
    whole, point, part = number.partition(".")
    digits = number.isascii() and whole.isdecimal() and (part.isdecimal() or not point)
    unit = text[len(number) :]
    return (number, unit) if digits and unit in UNITS else None


def read_reference(spec: Spec, node: YamlNode | None, problems: Problems) -> None:
    """Read which implementation other tools are run on, and which rows it does not call as modules."""
    known = ("from", *CALLS, HELD)
    section = Section(mapping(node, "reference", problems), known, "unknown key of reference: '{}'", problems)
    if source := section.get("from"):
        spec.meta["reference"] = source.plain()
    spec.held = _patterns(spec, section.get(HELD), problems)
    spec.reference = {word: patterns for word in CALLS if (patterns := _patterns(spec, section.get(word), problems))}


def _patterns(spec: Spec, node: YamlNode | None, problems: Problems) -> list[str]:
    """Return the patterns of a list: row names with * for any part."""
    items = [] if node is None else node.value if node.is_list else [node]
    for item in items:
        if not isinstance(item.value, str):
            problems.note("a pattern of row names belongs here", item.mark, "write stage*/relu")
        else:
            spec.pattern_marks.setdefault(item.value, item.mark)
    return [item.value for item in items if isinstance(item.value, str)]


def read_published(spec: Spec, node: YamlNode | None, problems: Problems) -> None:
    """Read the figures that a paper prints of the network and its variants."""
    unknown = "unknown key of published: '{}'"
    section = Section(mapping(node, "published", problems), ("source", "rows"), unknown, problems)
    source, rows = section.get("source"), section.get("rows")
    if rows is None:
        return
    if not rows.is_list:
        hint = "write - {where: Table 1, macs: 569M, params: 4.2M}"
        problems.note("'rows' must be a list", rows.mark, hint)
        return
    for one in rows.value:
        if not one.is_map:
            problems.note("a published row is a mapping", one.mark, "write {where: Table 1, macs: 569M}")
            continue
        variant = one.value.get("variant")
        if variant is not None and variant.text:
            variant.value = variant.written  # 1.0 is a name, as the variant's key is
        row = Section(one, PUBLISHED, "unknown key of a published row: '{}'", problems)
        _check_row(spec, row)
        spec.published.append({"source": source.plain() if source else "", **row.plain()})
        spec.published_marks.append({key: value.mark for key, value in row.values.items()})


def _check_row(spec: Spec, row: Section) -> None:
    """Refuse what a row says wrongly of the network, its knobs or its figures."""
    values, note = row.plain(), row.problems.note
    marks = {key: value.mark for key, value in row.values.items()}
    variant = values.get("variant")
    if isinstance(variant, str) and variant not in spec.variants:
        hint = nearest(variant, spec.variants) or f"variants: {', '.join(spec.variants) or 'none'}"
        note(f"there is no variant '{variant!s:.60}'", marks["variant"], hint)
    for knob, mark, value in mapping(row.get("knobs"), "knobs", row.problems).entries():
        if knob not in spec.knobs:
            hint = nearest(knob, spec.knobs) or f"knobs: {', '.join(spec.knobs) or 'none'}"
            note(f"there is no knob '{knob}'", mark, hint)
        elif fault := knob_fault(knob, spec.knobs[knob], value.plain()):
            row.problems.add(fault.at(value.mark))
    check_claims(row)
    for key in COSTS:
        if key in values and cut(str(values[key])) is None:
            note(f"{num.describe(values[key])} is no figure", marks[key], "write 569M, 4.2M, 1.5G, 0.39B")


def check_claims(row: Section) -> None:
    """Refuse what is wrongly said of figures, whatever network they are of."""
    values, note = row.plain(), row.problems.note
    for key, (right, hint) in _CLAIMS.items():
        if key in values and not right(values[key]):
            note(f"{key} is {num.describe(values[key])}", row.values[key].mark, hint)
    if values.get("reproduces") in (False, EXPLAINED) and not values.get("note"):
        hint = "say why: a misprint of the paper, a detail that was never published"
        note("a row that is not reproduced needs a 'note'", row.node.mark, hint)
