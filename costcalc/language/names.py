"""The names in a spec: which may be given, what each means where it is read, and which are read at all."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from costcalc.base.errors import Mark, Problems, closest, nearest
from costcalc.base.text import is_identifier, plural
from costcalc.language.context import Context, LayerNames
from costcalc.language.document import Spec
from costcalc.language.expr import Expr, wrong_count
from costcalc.language.source import YamlNode
from costcalc.language.version_1 import words
from costcalc.operators import op as ops
from costcalc.operators.fields import AMBIENT, FUNCTIONS, LATER, MODIFIERS, RESERVED, TENSORS

# What YAML 1.1 read as true and false; in YAML 1.2 they are words.
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


class SpecNames:
    """The names of the spec that is being read. What is wrong with one becomes a problem."""

    def __init__(self, spec: Spec, problems: Problems) -> None:
        self.spec = spec
        self.problems = problems
        self.note = problems.note
        self.used: set[str] = set()  # what expressions, references and items ask for
        self.definitions: set[str] = set()  # all names under `define`, those below the one being read too
        self.mistaken_blocks: set[str] = set()  # blocks whose heads could not be read

    def everywhere(self) -> frozenset[str]:
        """Return the variables that are seen everywhere: knobs, and constants under `define`."""
        constants = (name for name, f in self.spec.functions.items() if not f.arguments)
        return frozenset((*self.spec.knobs, *constants))

    # ---- names that are given --------------------------------------------------------------------

    def may_be_given(self, name: str, mark: Mark, what: str, taken: Iterable[str] = ()) -> bool:
        """Say whether a name may be given to a variable or a block; say why not where it may not."""
        spec, thing = self.spec, f"an {what}" if what[0] in "aeiou" else f"a {what}"
        shadows = what != "definition" and name in self.definitions
        if not is_identifier(name):
            self.note(f"'{name}' is no name for {thing}", mark, "a name is a letter, then letters, digits, _")
        elif name in RESERVED or keyword.iskeyword(name):
            self.note(f"{thing} cannot be called '{name}'", mark, "the language has a meaning for this word")
        elif shadows or any(name in names for names in (taken, spec.knobs, spec.functions, self.mistaken_blocks)):
            self.used.add(name)  # nothing can read a knob that shares its name
            whose, place = self.owner(name)
            said = f"'{name}' is {whose} name already{place and f', {place}'}"
            self.note(said, mark, "shadowing is refused: choose another name")
        elif what != "block" and (name in spec.blocks or is_operator(name)):
            self.note(f"{thing} cannot be called '{name}'", mark, self.shadowed(name))
        else:
            return True
        return False

    def owner(self, name: str) -> tuple[str, str]:
        """Return whose a name is that is given again, and the place where it is."""
        top = self.spec.root.value if self.spec.root else {}
        for key, whose in (("knobs", "a knob's"), ("define", "a definition's"), ("blocks", "a block's")):
            section = top.get(key)
            for text, mark in section.keys.items() if section else ():
                if re.split(r"\W", text.strip(), maxsplit=1)[0] == name:
                    return whose, f"on line {mark.line + 1}" if mark.line >= 0 else f"at {mark.path}"
        return "a variable's", ""

    def refuse_as_layer(self, name: str, mark: Mark, context: Context, *, indexed: bool = False) -> None:
        """Refuse a layer's name that means something else; with an index it is another word: rpn2, not rpn."""
        said = f"a layer cannot be called '{name}'"
        if name in RESERVED:
            self.note(said, mark, "the language has a meaning for this word: shadowing is refused")
        elif name in context.variables or name in self.spec.functions:
            kind = "a variable's" if name in context.variables else "a function's"
            self.note(said, mark, f"it is {kind} name: shadowing is refused")
        elif not indexed and (name in self.spec.blocks or is_operator(name)):
            self.note(said, mark, self.shadowed(name))

    def shadowed(self, name: str) -> str:
        """Return what to do about a name that is a block's or an operator's."""
        kind, place = self.owner(name) if name in self.spec.blocks else ("an operator's", "")
        return f"it is {kind} name{place and f', {place}'}: shadowing is refused"

    def collect(self, node: YamlNode, layers: LayerNames) -> None:
        """Put every name that the items below a node give to `layers`, those inside groups and branches too."""
        if node.is_list:
            for item in node.value:
                self.collect(item, layers)
        if not node.is_map:
            return
        meant = self.meant_keys(node)
        for given, value in node.value.items():
            key = meant.get(given, given)
            if key == "name" and isinstance(value.value, str | int | float):
                self.give(value.written, value.mark, layers)
            elif key == "into" and key not in self.spec.blocks and isinstance(value.value, str):
                self.give_list(value.value, value.mark, layers)
            elif key == "include":
                layers.prefixes.add(prefix_of(value))
            elif key not in MODIFIERS and key not in self.spec.blocks and key != "table":
                cls = ops.operators().get(key)
                labelled = value.is_map and (cls is None or joins(cls, value))  # a variable may hold what joins
                for part in value.value.values() if labelled else value.value if value.is_list else ():
                    self.collect(part, layers)

    def give(self, text: str, mark: Mark, layers: LayerNames) -> None:
        """Put a layer's name to those of its body."""
        stem, bracket, _ = text.partition("(")
        if bracket:
            layers.indexed.add(stem)
        elif text in layers.lists:
            self.note(f"a layer and a list of layers are called '{text}'", mark, f"{text} is a list: into: {text}")
        elif text in layers.exact:
            first = f"the first is on line {layers.exact[text].line + 1}; " if mark.line >= 0 else ""
            self.note(f"two layers are called '{text}'", mark, f"{first}p(k) is p3 where k is 3")
        else:
            layers.exact[text] = mark

    def give_list(self, text: str, mark: Mark, layers: LayerNames) -> None:
        """Put the name of a list of layers to those of its body."""
        stem, bracket, _ = text.partition("(")
        if bracket:
            layers.indexed.add(stem)
        elif text in layers.exact:
            self.note(f"a layer and a list of layers are called '{text}'", mark, f"sets: {text} gives the layer anew")
        else:
            layers.lists.setdefault(text, mark)

    def meant_keys(self, node: YamlNode) -> dict[str, str]:
        """Return what the misspelt modifiers of an item mean, and a misspelt table beside its `do`."""
        keys = [key for key in node.value if key not in MODIFIERS]
        known = [key for key in keys if self.is_item(key)]
        meant = {}
        for key in keys if len(keys) > 1 else ():
            if key in known:
                continue
            if "do" in known and "table" not in known and closest(key, ("table",)):
                meant[key] = "table"
            elif (found := closest(key, MODIFIERS)) and found not in node.value:
                meant[key] = found
        return meant

    def is_item(self, key: str) -> bool:
        """Say whether a key says by itself what an item is."""
        return key in ops.operators() or key in self.spec.blocks or key in ("table", "do", "include")

    # ---- names that are read ---------------------------------------------------------------------

    def check(
        self, expression: Expr, context: Context, mark: Mark, *, ambient: bool = True, words: Iterable[str] = ()
    ) -> bool:
        """Check the names that an expression reads, as far as they can be known; say whether all are right."""
        before = len(self.problems)
        for name, start in expression.names:
            self.used.add(name)
            if not self.known(name, context, ambient=ambient) and name not in words:
                compared = bool(re.search(r"[=!]=|\bin\b", expression.text))
                place = mark.shifted(start, len(name))
                self.refuse_name(name, context, place, words, compared=compared, ambient=ambient)
        for name, start, count in expression.calls:
            place = mark.shifted(start, len(name))
            if name in self.spec.functions:
                self.used.add(name)
                arguments = self.spec.functions[name].arguments
                if arguments is not None and count != len(arguments):
                    hint = f"write {name}({', '.join(arguments)})" if arguments else f"it is a constant: write {name}"
                    self.note(f"{name} takes {plural(len(arguments), 'argument')}, not {count}", place, hint)
            elif name in context.layers.indexed:
                if count != 1:
                    self.note(f"{name}(...) is a layer's name with one index, not {count}", place)
            elif name not in FUNCTIONS and name not in TENSORS:
                self.refuse_function(name, context, place)
            elif wrong := wrong_count(name, count):
                self.note(wrong, place)
        return len(self.problems) == before

    def known(self, name: str, context: Context, *, ambient: bool) -> bool:
        """Say whether a name may mean something here; `ambient`: whether a tensor enters (`c_in`)."""
        if name in context.variables:
            return True
        if name in ("i", "row"):
            return False
        if name in AMBIENT and name not in LATER:
            return ambient
        return (
            context.layers.may_be(name)
            or name in self.spec.blocks
            or known_word(name)
            or (name in AMBIENT and ambient and (name != "joined" or context.branch))
        )

    def refuse_name(
        self,
        name: str,
        context: Context,
        mark: Mark,
        words: Iterable[str],
        *,
        compared: bool = False,
        ambient: bool = True,
    ) -> None:
        """Say what is wrong with a name that means nothing here."""
        if name == "i":
            self.note("'i' is the turn of a repeat, and there is none here", mark)
        elif name == "row":
            self.note("'row' is the row of a table, and there is none here", mark)
        elif name == "joined" and ambient:
            self.note("'joined' is what enters the branches of a join, and there is none here", mark)
        elif name in AMBIENT:
            self.note(f"'{name}' has no meaning here", mark, "no tensor enters here: knobs and define are seen only")
        elif name in self.spec.functions or name in FUNCTIONS or name in TENSORS:
            self.note(f"'{name}' is a function", mark, f"write {name}(...)")
        elif name.lower() in _TRUTHS:
            self.note(f"unknown name '{name}'", mark, f"write {_TRUTHS[name.lower()]}")
        else:
            known = {*context.variables, *context.layers.known(), *self.spec.blocks, *self.spec.functions, *AMBIENT}
            known.update(words)
            hint = nearest(name, known)
            if not hint and compared:
                hint = f"a word that is compared and names nothing here is quoted: '{name}'"
            if not hint and "." in name:
                hint = "a dot stands only in a layer's name: backbone.stage3"
            self.used.update(knob for knob in self.spec.knobs if hint == f"did you mean '{knob}'?")
            variables = sorted(context.variables)
            here = f"variables here: {', '.join(variables)}" if variables else "there are no variables here"
            self.note(f"unknown name '{name}'", mark, hint or here)

    def refuse_function(self, name: str, context: Context, mark: Mark) -> None:
        """Say what is wrong with a call of what is no function."""
        known = (*self.spec.functions, *FUNCTIONS, *TENSORS, *sorted(context.layers.indexed))
        hint = nearest(name, known) or f"known: {', '.join(known)}"
        if name in self.definitions:
            hint = "a definition sees those above it, and not itself"
        elif name in context.variables:
            hint = f"'{name}' is a variable: write {name} * (...) for a product"
        self.note(f"unknown function '{name}'", mark, hint)


def is_operator(name: str) -> bool:
    """Say whether a name is an operator's, so that nothing else may have it: of those of version 1."""
    return name in ops.operators() and name in words("Operators")


def prefix_of(include: YamlNode) -> str:
    """Return under which name an include's layers stand: the one given, else the spec's, less folder and suffix."""
    if not include.is_map:
        return re.sub(r".*[/\\]|\.ya?ml\Z", "", include.written)
    alias, spec = include.value.get("as"), include.value.get("spec")
    return alias.written if alias else prefix_of(spec) if spec and not spec.is_map else ""


def joins(cls: type[ops.Op], node: YamlNode) -> bool:
    """Say whether an operator's value is its branches: it takes several tensors, and they stand in place of fields."""
    if not cls.joins:
        return False
    if not node.is_map or not node.value:
        return node.value is not None
    return not all(key in cls.fields or _meant_field(cls, key, value) for key, value in node.value.items())


def _meant_field(cls: type[ops.Op], key: str, value: YamlNode) -> bool:
    """Say whether a key beside a number or truth is a field by another tool's name, and labels no branch."""
    return isinstance(value.value, bool | int | float) and bool(closest(key, cls.fields))


_FIELD_WORDS: set[str] = set()


def known_word(name: str) -> bool:
    """Say whether a name is an operator's, or a word of a field (`half`, `none`, `batch`): cells may hold both."""
    if not _FIELD_WORDS:
        for cls in set(ops.operators().values()):
            for field in cls.fields.values():
                _FIELD_WORDS.update(field.words)
        _FIELD_WORDS.update(ops.role_words("norm"))
    return name in _FIELD_WORDS or name in ops.operators()
