"""What a search may choose: the values of knobs, and of the elements of list knobs."""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.base.errors import Problems, SpecError, nearest
from costcalc.language.document import Searched, Spec, knob_fault
from costcalc.language.ranges import spanned
from costcalc.language.sections import mapping
from costcalc.language.source import YamlNode
from costcalc.language.yaml_text import inline

MOST_VALUES = 1_000  # of one choice
EACH = "each"
_HINT = "write the values in a list: [0.5, 1], or {each: [3, 5, 7]} for every element of a list knob by itself"


def read_search(spec: Spec, node: YamlNode | None, problems: Problems) -> None:
    """Read the section `search` into a spec."""
    for name, mark, value in mapping(node, "search", problems).entries():
        if name not in spec.knobs:
            if name not in spec.functions:  # a knob without a default, which is told
                hint = nearest(name, spec.knobs) or f"knobs: {', '.join(spec.knobs) or 'none'}"
                problems.note(f"'{name}' is searched, and is no knob", mark, hint)
            continue
        found = _searched(name, spec.knobs[name], value, problems)
        if found is not None:
            spec.search[name] = found


def _searched(name: str, default: Datum, node: YamlNode, problems: Problems) -> Searched | None:
    """Return the values of one knob; say what is wrong with them."""
    each = node.is_map and [*node.value] == [EACH]
    values = _values(name, node.value[EACH] if each else node, problems)
    if values is None:
        return None
    if each and not (isinstance(default, list) and default):
        problems.note(f"'{name}' is no list of which each element could be chosen", node.mark, "write [0.5, 1]")
        return None
    before = len(problems)
    own: list[Datum] = default if each else [default]
    plain = [value.plain() for value in values]
    for value, mark in zip(plain, (one.mark for one in values), strict=True):
        for one in own[:1]:
            if fault := knob_fault(f"{name}[0]" if each else name, one, value):
                problems.add(fault.at(mark))
        if sum(_same(value, other) for other in plain) > 1:
            problems.note(f"'{name}' has the value {inline(value)} twice", mark)
            break
    missing = [one for one in own if not any(_same(one, value) for value in plain)]
    if missing and len(problems) == before:
        problems.note(
            f"the spec's own network is not in the search: '{name}' is {inline(missing[0])}",
            node.mark,
            "add that value, or make another the knob's default",
        )
    return Searched(plain, node.mark, each=each) if len(problems) == before else None


def _values(name: str, node: YamlNode, problems: Problems) -> list[YamlNode] | None:
    """Return the nodes of some values, those of a range among them; None, with words, where they are none."""
    if isinstance(node.value, str) and ":" in node.value:
        try:
            return [YamlNode(value, node.mark) for value in spanned(node.value, name)][: MOST_VALUES + 1]
        except SpecError as error:
            problems.note(error.problems[0].message, node.mark, error.problems[0].hint)
            return None
    if not node.is_list or not node.value:
        problems.note(f"'{name}' is searched among {node.spoken}", node.mark, _HINT)
        return None
    if len(node.value) > MOST_VALUES:
        problems.note(f"'{name}' has {len(node.value):,} values", node.mark, f"a choice has {MOST_VALUES:,} at most")
        return None
    return list(node.value)


def _same(a: Datum, b: Datum) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)
