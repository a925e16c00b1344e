"""The file of a convention: YAML that says what is counted, read with every mistake's place."""

from __future__ import annotations

import os
from typing import Any

from costcalc.base.errors import Fault, Mark, Problem, SpecError, nearest, stop
from costcalc.base.files import read
from costcalc.costs import formulas
from costcalc.costs.convention import LEARNABLE, UNITS, Convention, Rule
from costcalc.language.expr import Expr, parse
from costcalc.language.source import YamlNode
from costcalc.language.source import parse as parse_yaml
from costcalc.operators.op import find, operators

VERSION = 1
COUNTS = tuple(UNITS)
TEXTS = ("name", "source", "measured", "unit", "things")
KEYS = ("profile", "says", *TEXTS, "tool", "headline", "params", *COUNTS, "notes", "rules")
RULE = ("of", "params", *COUNTS, "note")


def load(path: str, *, added: bool = False) -> Convention:
    """Return the convention in a file; raise SpecError with every mistake found in it.

    added: its counts are added to another convention's, and may be below zero.
    """
    text = read(path)
    root, problems = parse_yaml(text, path)
    if root is None or not root.is_map:
        raise SpecError(problems) if problems else stop(f"{path} is no convention", hint="begin with 'profile: 1'")
    reader = ConventionReader(root, problems)
    found = reader.convention(os.path.basename(path).rpartition(".")[0])
    if problems or found is None:
        raise SpecError(problems)
    for one in found.others.values():
        one.added = added
    return found


class ConventionReader:
    """Reads one file of a convention, and collects its mistakes."""

    def __init__(self, root: YamlNode, problems: list[Problem]) -> None:
        self.root = root
        self.problems = problems
        self.marks: dict[str, Mark] = {}

    def problem(self, message: str, mark: Mark, hint: str = "") -> None:
        """Note a mistake."""
        self.problems.append(Problem(message, mark, hint))

    def convention(self, name: str) -> Convention | None:
        """Return the convention, each of its counts knowing the other; None where it counts nothing."""
        top = self.keys(self.root, KEYS)
        if "profile" not in top or top["profile"].value != VERSION:
            self.problem("'profile: 1' is missing", self.root.mark, "it says which form this file has")
        texts = {key: self.text(top.get(key)) for key in TEXTS}
        for key in ("says", "source"):
            if key not in top:
                self.problem(f"'{key}' is missing", self.root.mark, "a number must say what it counts, and by whom")
        own = {key: self.formula(top[key], ()) for key in ("params", *COUNTS) if key in top}
        own.setdefault("params", parse(LEARNABLE))
        rules = self.rules(top.get("rules"), own)
        said: dict[str, Any] = texts | {"name": texts["name"] or name, "tool": self.flag(top.get("tool"))}
        said |= {"notes": tuple(self.texts(top.get("notes"))), "things": texts["things"] or "params"}
        said["marks"] = self.marks
        said["says"] = self.says(top.get("says"))
        return self.counts(top.get("headline"), own, rules, said)

    def counts(
        self, headline: YamlNode | None, own: dict[str, Expr], rules: tuple[Rule, ...], said: dict[str, Any]
    ) -> Convention | None:
        """Return the convention of the headline's number, which knows that of the other."""
        given = [count for count in COUNTS if count in own]
        first = given[0] if headline is None and given else self.text(headline)
        if first not in given:
            mark = headline.mark if headline else self.root.mark
            self.problem("it does not say how operations are counted", mark, "headline: macs, and macs: a formula")
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

    def rules(self, node: YamlNode | None, own: dict[str, Expr]) -> tuple[Rule, ...]:
        """Return the rules; an operator stands in one of them only."""
        found: list[Rule] = []
        taken: set[str] = set()
        for item in self.listed(node):
            if not item.is_map:
                self.problem("a rule is a mapping", item.mark, "write {of: conv, macs: macs}")
                continue
            parts = self.keys(item, RULE)
            kinds = self.kinds(parts.get("of"), item.mark, taken)
            expressions = {key: self.formula(parts[key], kinds) for key in ("params", *COUNTS) if key in parts}
            for key in expressions.keys() - own.keys():
                self.problem(f"'{key}' has no formula for all other rows", parts[key].mark, f"add {key}: 0 above")
            found.append(Rule(kinds, expressions, self.text(parts.get("note"))))
        return tuple(found)

    def kinds(self, node: YamlNode | None, mark: Mark, taken: set[str]) -> tuple[str, ...]:
        """Return the operators that a rule is about."""
        if node is None:
            self.problem("a rule needs 'of', the operators that it is about", mark)
            return ()
        found = []
        for one in node.value if node.is_list else [node]:
            if not isinstance(one.value, str):
                self.problem("the name of an operator belongs here", one.mark, "costcalc ops lists the operators")
                continue
            cls = find(one.value)
            if cls is None:
                hint = nearest(one.value, operators()) or "costcalc ops lists the operators"
                self.problem(f"there is no operator '{one.value!s:.40}'", one.mark, hint)
            elif cls.kind in taken:
                self.problem(f"'{one.value}' stands in two rules", one.mark)
            else:
                taken.add(cls.kind)
                found.append(cls.kind)
        return tuple(found)

    def formula(self, node: YamlNode, kinds: tuple[str, ...]) -> Expr:
        """Return a formula whose names all rows of these kinds have."""
        if node.is_list or node.is_map or node.value is None:
            self.problem("a formula belongs here", node.mark, "write macs: 2 * outputs")
            return parse("0")
        text = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
        self.marks.setdefault(text, node.mark)
        try:
            expression = parse(text)
            if not expression.names and not expression.calls:
                self.constant(expression, node.mark)
        except Fault as fault:
            mark = node.mark.shifted(fault.offset, 1) if fault.offset >= 0 else node.mark
            self.problem(fault.message, mark, fault.hint)
            return parse("0")
        for name, offset, hint in formulas.unknown(expression, kinds):
            self.problem(f"a formula knows no '{name}' here", node.mark.shifted(offset, len(name)), hint)
        return expression

    def says(self, node: YamlNode | None) -> dict[str, str]:
        """Return what is counted, in words: one text, or one for each quantity."""
        if node is None or not node.is_map:
            return {"": self.text(node)}
        return {key: self.text(value) for key, value in self.keys(node, ("params", *COUNTS)).items()}

    def constant(self, expression: Expr, mark: Mark) -> None:
        """Note a constant that counts nothing."""
        value = formulas.constant(expression)
        if isinstance(value, bool) or value < 0:
            self.problem(f"{expression.text} is no number of operations or parameters", mark, "write 0, or a formula")

    def keys(self, node: YamlNode, known: tuple[str, ...]) -> dict[str, YamlNode]:
        """Return the values by key; note the keys that mean nothing."""
        for key, mark in node.keys.items():
            if key not in known:
                hint = nearest(key, known) or f"known: {', '.join(known)}"
                self.problem(f"'{key}' means nothing here", mark, hint)
        return {key: value for key, value in node.value.items() if key in known}

    def listed(self, node: YamlNode | None) -> list[YamlNode]:
        """Return the items of a list."""
        if node is None:
            return []
        if not node.is_list:
            self.problem("a list belongs here", node.mark)
            return []
        items: list[YamlNode] = node.value
        return items

    def texts(self, node: YamlNode | None) -> list[str]:
        """Return a list of texts."""
        return [self.text(item) for item in self.listed(node)]

    def text(self, node: YamlNode | None) -> str:
        """Return a text, empty for none."""
        if node is None:
            return ""
        if node.is_map or node.is_list or node.value is None:
            self.problem("a text belongs here", node.mark)
            return ""
        return str(node.value)

    def flag(self, node: YamlNode | None) -> bool:
        """Return true or false."""
        if node is not None and not isinstance(node.value, bool):
            self.problem("true or false belongs here", node.mark)
        return node is not None and node.value is True
