"""The file of a convention: YAML that says what is counted, read with every mistake's place."""

from __future__ import annotations

import os

from costcalc.base import Data
from costcalc.base.errors import Fault, Mark, Problems, nearest, stop
from costcalc.base.files import read
from costcalc.costs import formulas
from costcalc.costs.convention import LEARNABLE, UNITS, Convention, Rule
from costcalc.language.expr import Expr, parse
from costcalc.language.sections import Section
from costcalc.language.source import YamlNode
from costcalc.language.source import parse as parse_yaml
from costcalc.operators.op import find, operators

VERSION = "costcalc_convention"  # the key that says which form a file has: 1
COUNTS = tuple(UNITS)
TEXTS = ("name", "source", "measured", "unit", "things")
KEYS = (VERSION, "says", *TEXTS, "tool", "headline", "params", *COUNTS, "notes", "rules")
RULE = ("of", "params", *COUNTS, "note")


def load(path: str, *, added: bool = False) -> Convention:
    """Return the convention in a file; raise SpecError with every mistake found in it.

    added: its counts are added to another convention's, and may be below zero.
    """
    text = read(path)
    root, problems = parse_yaml(text, path)
    if root is None or not root.is_map:
        raise problems.error() if problems else stop(f"{path} is no convention", hint=f"begin with '{VERSION}: 1'")
    reader = ConventionReader(root, problems)
    convention = reader.convention(os.path.basename(path).rpartition(".")[0])
    if problems or convention is None:
        raise problems.error()
    for one in convention.others.values():
        one.added = added
    return convention


class ConventionReader:
    """Reads one file of a convention, and collects its mistakes."""

    def __init__(self, root: YamlNode, problems: Problems) -> None:
        self.root = root
        self.problems = problems
        self.note = problems.note
        self.marks: dict[str, Mark] = {}

    def convention(self, name: str) -> Convention | None:
        """Return the convention, each of its counts knowing the other; None where it counts nothing."""
        top = self.section(self.root, KEYS)
        version = top.get(VERSION)
        if version is None or version.value != 1:
            self.note(f"'{VERSION}: 1' is missing", self.root.mark, "it says which form this file has")
        texts = {key: top.text(key) for key in TEXTS}
        for key in ("says", "source"):
            if key not in top.values:
                self.note(f"'{key}' is missing", self.root.mark, "a number must say what it counts, and by whom")
        own = self.formulas(top, ())
        own.setdefault("params", parse(LEARNABLE))
        rules = self.rules(top.items("rules"), own)
        said: Data = texts | {"name": texts["name"] or name, "things": texts["things"] or "params"}
        said |= {"tool": top.flag("tool"), "notes": tuple(top.texts("notes")), "says": self.says(top)}
        return self.counts(top, own, rules, said | {"marks": self.marks})

    def section(self, node: YamlNode, known: tuple[str, ...]) -> Section:
        """Return the values by key."""
        return Section(node, known, "'{}' means nothing here", self.problems)

    def counts(self, top: Section, own: dict[str, Expr], rules: tuple[Rule, ...], said: Data) -> Convention | None:
        """Return the convention of the headline's number, which knows that of the other."""
        given = [count for count in COUNTS if count in own]
        first = top.text("headline", given[0] if given else "")
        if first not in given:
            mark = top.values.get("headline", self.root).mark
            self.note("it does not say how operations are counted", mark, "headline: macs, and macs: a formula")
            return None
        name, unit, says = said.pop("name"), said.pop("unit"), said.pop("says")
        made = {}
        for count in given:
            own_unit = unit if count == first and unit else UNITS[count]
            told = says.get("") or f"{said['things']}: {says.get('params', '')}; {own_unit}: {says.get(count, '')}"
            own_name = name if count == first else f"{name}:{count}"
            made[count] = Convention(own_name, count, own, rules=rules, unit=own_unit, says=told, **said)
        for one in made.values():
            one.others = made
        return made[first]

    def rules(self, items: list[YamlNode], own: dict[str, Expr]) -> tuple[Rule, ...]:
        """Return the rules; an operator stands in one of them only."""
        rules: list[Rule] = []
        taken: set[str] = set()
        for item in items:
            if not item.is_map:
                self.note("a rule is a mapping", item.mark, "write {of: conv, macs: macs}")
                continue
            rule = self.section(item, RULE)
            kinds = self.kinds(rule.get("of"), item.mark, taken)
            expressions = self.formulas(rule, kinds)
            for key in expressions.keys() - own.keys():
                mark = rule.values[key].mark
                self.note(f"'{key}' has no formula for all other rows", mark, f"add {key}: 0 above")
            rules.append(Rule(kinds, expressions, rule.text("note")))
        return tuple(rules)

    def kinds(self, node: YamlNode | None, mark: Mark, taken: set[str]) -> tuple[str, ...]:
        """Return the operators that a rule is about."""
        if node is None:
            self.note("a rule needs 'of', the operators that it is about", mark)
            return ()
        kinds = []
        for one in node.value if node.is_list else [node]:
            if not isinstance(one.value, str):
                self.note("the name of an operator belongs here", one.mark, "costcalc ops lists the operators")
                continue
            cls = find(one.value)
            if cls is None:
                hint = nearest(one.value, operators()) or "costcalc ops lists the operators"
                self.note(f"there is no operator '{one.value!s:.40}'", one.mark, hint)
            elif cls.kind in taken:
                self.note(f"'{one.value}' stands in two rules", one.mark)
            else:
                taken.add(cls.kind)
                kinds.append(cls.kind)
        return tuple(kinds)

    def formulas(self, section: Section, kinds: tuple[str, ...]) -> dict[str, Expr]:
        """Return the formulas of a section, by what they count."""
        given = section.values
        return {key: self.formula(given[key], kinds) for key in ("params", *COUNTS) if key in given}

    def formula(self, node: YamlNode, kinds: tuple[str, ...]) -> Expr:
        """Return a formula whose names all rows of these kinds have."""
        if node.is_list or node.is_map or node.value is None:
            self.note("a formula belongs here", node.mark, "write macs: 2 * outputs")
            return parse("0")
        text = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
        self.marks.setdefault(text, node.mark)
        try:
            expression = parse(text)
            value = 0 if expression.names or expression.calls else formulas.constant(expression)
        except Fault as fault:
            self.problems.add(fault.at(node.mark))
            return parse("0")
        if isinstance(value, bool) or value < 0:
            self.note(f"{text} is no number of operations or parameters", node.mark, "write 0, or a formula")
        for name, offset, hint in formulas.unknown(expression, kinds):
            self.note(f"a formula knows no '{name}' here", node.mark.shifted(offset, len(name)), hint)
        return expression

    def says(self, top: Section) -> dict[str, str]:
        """Return what is counted, in words: one text, or one for each quantity."""
        node = top.get("says")
        if node is None or not node.is_map:
            return {"": top.text("says")}
        each = self.section(node, ("params", *COUNTS))
        return {key: each.text(key) for key in each.values}
