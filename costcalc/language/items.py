"""Reading items: operators, calls of blocks, tables, groups, branches, includes, and the modifiers beside them."""

from __future__ import annotations

import re

from costcalc.base.errors import Fault, Mark, Problem, Problems, closest, nearest
from costcalc.base.text import plural
from costcalc.language.context import Context
from costcalc.language.document import (
    Branch,
    CallItem,
    GroupItem,
    IncludeItem,
    Item,
    MistakenItem,
    OpItem,
    Ref,
    Spec,
    StatedFields,
    TableItem,
    Value,
    Values,
    VariableItem,
    mistaken,
)
from costcalc.language.names import SpecNames, is_operator, joins, prefix_of
from costcalc.language.sections import Section, mapping
from costcalc.language.sharing import Share
from costcalc.language.source import YamlNode
from costcalc.language.values import LONGEST_NAME, ValueReader
from costcalc.operators import op as ops
from costcalc.operators.fields import AMBIENT, LATER, MODIFIERS, REQUIRED, Field, Role, Text

LEARNED = {"weights", "biases", "norm_params"}  # the components that layers may share


def read_variable_item(spec: Spec, item: VariableItem, word: str) -> tuple[Item, list[Problem]]:
    """Return what an item whose key is a variable is when that holds a word, and what is wrong with it then."""
    reader = ItemReader(ValueReader(SpecNames(spec, Problems())))
    found = reader.by_key(word, item.node, item.mark, item.context)
    found.name = item.name
    return found, reader.problems.found


class ItemReader:
    """Reads lists of items."""

    def __init__(self, values: ValueReader) -> None:
        self.values = values
        self.names = values.names
        self.problems = values.problems
        self.note = values.problems.note
        self.spec = values.names.spec
        self.calls: dict[str, set[str]] = {}  # block -> the blocks that it calls
        self.calls_by_word = False  # whether a variable says which block is called
        self.shares: list[Share] = []  # where a `share` stands

    def items(self, node: YamlNode, context: Context) -> list[Item]:
        """Read a list of items."""
        if not node.is_list:
            self.note(f"a list of items is expected here, not {node.spoken}", node.mark, "write - conv: {...}")
            return [MistakenItem("", node.mark)]
        return [self.item(n, context) for n in node.value]

    def item(self, node: YamlNode, context: Context) -> Item:
        """Read one item: a bare word, or a mapping of one key and its modifiers."""
        if isinstance(node.value, str):
            return self.by_key(node.value, YamlNode(None, node.mark), node.mark, context)
        if not node.is_map:
            said = "this item is empty" if node.value is None else f"{node.spoken} is no item"
            self.note(said, node.mark, "an item is a word, or {operator: {fields}}")
            return MistakenItem("", node.mark)
        node = self.mended(node)
        keys = [k for k in node.value if k not in MODIFIERS and not (k == "do" and "table" in node.value)]
        if not keys:  # a spec's own block or variable wins over a modifier that came after version 1
            own = (*self.spec.blocks, *context.variables)
            keys = [k for k in node.value if k in LATER and k in own][:1]
        key = keys[0] if len(keys) == 1 else self.main_key(node, keys)
        modifiers = {k: v for k, v in node.value.items() if k in MODIFIERS and k != key}
        if key is None:
            return self.with_modifiers(MistakenItem("", node.mark), modifiers, context, context.also(("i", "row")))
        value = node.value[key]
        fields = self.inside(key)
        outside = {k: node.value[k] for k in keys if k in fields}
        if outside and (value.is_map or value.value is None):  # told already: they are read as if inside
            value = YamlNode({**(value.value or {}), **outside}, value.mark, {**value.keys, **node.keys})
        inner = context.also(("i",), repeated=True) if "repeat" in modifiers else context
        if key != "table":
            item = self.by_key(key, value, node.keys[key], inner)
        else:  # its modifiers see its columns and `row`
            item, inner = self.table(value, node.keys[key], node.value.get("do"), inner)
            if isinstance(item, MistakenItem):  # the columns are not known
                return item
        return self.with_modifiers(item, modifiers, context, inner)

    def mended(self, node: YamlNode) -> YamlNode:
        """Report the misspelt modifiers of an item, and return it as it was meant."""
        meant = self.names.meant_keys(node)
        if not meant:
            return node
        beside = next(iter(k for k in node.value if k not in MODIFIERS and k not in meant), "")
        for key, right in meant.items():
            said = f"unknown operator or block '{key}'" if right == "table" else f"unknown modifier '{key}'"
            said += f" beside '{beside}'" if beside and right != "table" else ""
            self.note(said, node.keys[key], f"did you mean '{right}'?")
        values = {meant.get(key, key): value for key, value in node.value.items()}
        return YamlNode(values, node.mark, {meant.get(key, key): mark for key, mark in node.keys.items()})

    def main_key(self, node: YamlNode, keys: list[str]) -> str | None:
        """Say what is wrong with an item of no key or of several; return the one that was meant, if it is clear."""
        if not keys:
            self.note("an item without an operator", node.mark, "write {relu, name: x}, or {do: [...], repeat: 2}")
            return None
        known = [k for k in keys if self.names.is_item(k)]
        if len(known) != 1:
            said = " and ".join(f"'{key[:40]}'" for key in keys[:5])
            self.note(f"one item holds {said}", node.keys[keys[1]], "write an item, with its own -, for each")
            return None
        for key in keys:
            if key != known[0]:
                hint = f"modifiers: {', '.join(MODIFIERS)}"
                if key in self.inside(known[0]):
                    hint = f"it goes inside the braces: {known[0]}: {{{key}: ...}}"
                self.note(f"unknown modifier '{key}' beside '{known[0]}'", node.keys[key], hint)
        return known[0]

    def inside(self, key: str) -> list[str]:
        """Return what may stand inside the braces of an operator or a block."""
        if key in self.spec.blocks:
            return [name for name, _ in self.spec.blocks[key].arguments]
        cls = ops.operators().get(key)
        return list(cls.fields) if cls else []

    def with_modifiers(self, item: Item, nodes: dict[str, YamlNode], outer: Context, inner: Context) -> Item:
        """Read the modifiers beside an item: `repeat` and `from` see what is around it, the others its turns too."""
        for key, node in nodes.items():
            slot = "when" if key == "if" else key
            if node.value is None:
                self.note(f"'{key}' is empty", node.mark, MODIFIERS[key])
                if key in ("repeat", "if"):
                    setattr(item, slot, mistaken(node.mark))
            elif key == "name":
                item.name = self.values.new_ref(node, inner, "name")
            elif key == "share":
                item.share = self.values.new_ref(node, inner, "share")
                if item.share is not None:
                    alone = "repeat" in nodes and not outer.repeated and str(node.value).endswith("(i)")
                    self.shared(item, item.share, inner, again=inner.repeated and not alone)
            elif key == "from":
                item.source = self.values.refs(node, outer, "from")
            elif key == "into":
                item.into = self.values.new_ref(node, inner, "into")
            elif key == "sets":
                item.sets = self.values.given_ref(node, inner)
            else:
                setattr(item, slot, self.values.value(node, outer if key == "repeat" else inner))
        return item

    def shared(self, item: Item, ref: Ref, context: Context, *, again: bool) -> None:
        """Note where a `share` stands, and whether turns meet there; refuse it beside what never has weights."""
        if isinstance(item, OpItem) and item.branches is None and not (item.cls.roles or LEARNED & {*item.cls.counted}):
            self.note(f"{item.key} has no weights to share", ref.mark, "share stands beside layers that learn")
            again = True  # which is told; no more of it
        self.shares.append(Share(ref, context.block, again, context.layers))

    def by_key(self, key: str, value: YamlNode, mark: Mark, context: Context) -> Item:
        """Read an item, less its modifiers, by its key."""
        if key == "table":
            return self.table(value, mark, None, context)[0]
        if key == "do":
            group = GroupItem(mark)
            group.items = self.items(value, context)
            return group
        if key == "include":
            return self.include(value, mark, context)
        if key in self.spec.blocks:
            return self.call(key, value, mark, context)
        if key in context.variables and not is_operator(key):
            self.names.used |= {key, *value.words()}  # which of them are names depends on what the key holds
            self.calls_by_word = True
            for node in value.under("share"):  # whether branches stand there is known later
                stem, index, _ = node.written.partition("(")
                ref = Ref(stem, node.mark, mistaken(node.mark) if index else None)
                self.shares.append(Share(ref, context.block, repeated=True, layers=context.layers))
            return VariableItem(key, mark, value, context)
        cls = ops.find(key)
        if cls is not None:
            return self.operator(key, value, mark, cls, context)
        if key not in self.names.mistaken_blocks:
            self.refuse(key, mark, context)
        return MistakenItem(key, mark)

    def refuse(self, key: str, mark: Mark, context: Context) -> None:
        """Say what is wrong with a key that is no operator and no block."""
        if re.match(r"[a-z_]+:\S", key):
            self.note(f"'{key}' is one word to YAML", mark, f"write '{key.replace(':', ': ', 1)}', with a space")
            return
        call = re.match(r"(\w+)\((.*)\)\Z", key)
        if call and call[1] in self.spec.blocks:
            self.note(f"'{key}' is no item", mark, f"a block is called by {call[1]}: [{call[2]}]")
            return
        hint = nearest(key, (*ops.operators(), *self.spec.blocks, "table", "do", "include", *context.variables))
        if not hint and context.layers.may_be(key):
            hint = f"'{key}' is a layer's name: write from: {key} beside the operator that it feeds"
        self.note(f"unknown operator or block '{key}'", mark, hint or "costcalc ops lists the operators")

    # ---- operators and their branches ------------------------------------------------------------

    def operator(self, key: str, node: YamlNode, mark: Mark, cls: type[ops.Op], context: Context) -> Item:
        """Read an operator with its fields, or a join with its branches."""
        item = OpItem(key, mark, cls)
        values = dict(self.spec.defaults.get(cls.kind, {}))
        if joins(cls, node):
            item.fields = StatedFields(cls, values)
            item.branches = self.branches(node, mark, cls, context)
            return item if item.branches else MistakenItem(key, mark)
        values |= self.fields(cls, node, context)
        for name, field in cls.fields.items():
            if field.default is REQUIRED and name not in values:
                if node.value is None or (node.is_map and name not in node.keys):
                    self.note(f"{key} needs '{name}' ({field.doc})", mark, f"write {key}: {{{name}: ...}}")
                values[name] = mistaken(mark)
        item.fields = StatedFields(cls, values)
        return item

    def fields(self, cls: type[ops.Op], node: YamlNode, context: Context) -> dict[str, Value]:
        """Read the fields that are given to an operator."""
        if node.value is None:
            return {}
        if not node.is_map:
            wanted = ", ".join(f"{n}: ..." for n, f in cls.fields.items() if f.default is REQUIRED) or "field: ..."
            said = f"{cls.kind} takes a mapping of fields, not {node.spoken}"
            self.note(said, node.mark, f"write {cls.kind}: {{{wanted}}}")
            return {}
        found = {}
        for name, value in node.value.items():
            field = cls.fields.get(name)
            if field is None:
                self.refuse_field(cls, name, node.keys[name])
                found[closest(name, cls.fields)] = mistaken(value.mark)
            elif value.value is None:
                self.note(f"'{name}' is empty", value.mark, f"{name}: {field.doc}")
                found[name] = mistaken(value.mark)
            else:
                found[name] = self.field(field, value, context)
        found.pop("", None)
        return found

    def refuse_field(self, cls: type[ops.Op], name: str, mark: Mark) -> None:
        """Say what is wrong with a field that an operator does not have."""
        if name in MODIFIERS:
            hint = f"'{name}' stands beside {cls.kind}, not inside its braces: {{{cls.kind}: {{...}}, {name}: ...}}"
        else:
            hint = nearest(name, cls.fields) or f"fields of {cls.kind}: {', '.join(cls.fields) or 'none'}"
        self.note(f"{cls.kind} has no field '{name}'", mark, hint)

    def field(self, field: Field, node: YamlNode, context: Context) -> Value:
        """Read one field's value; what needs no scope is checked at once."""
        if isinstance(field, Text):
            return Value(node.mark, str(node.plain()))
        words = field.words
        if isinstance(field, Role):
            words = words | ops.role_words(field.role).keys()
        given = node.value
        if words and isinstance(given, str) and given not in context.variables and given not in AMBIENT:
            if given in words:
                return Value(node.mark, given)
            if re.match(r"[A-Za-z_]\w*\Z", given):
                if isinstance(field, Role) and given in ops.role_words(field.role, given):
                    return Value(node.mark, given)  # another package's
                hint = nearest(given, {*words, *context.variables}) or f"known: {', '.join(sorted(words))}"
                self.note(f"{field.name}: '{given}' is not known here", node.mark, hint)
                return mistaken(node.mark)
        value = self.values.value(node, context, words=words)
        if value.fixed:
            try:
                field.parse(value.constant)
                if isinstance(field, Role) and value.constant not in words:
                    raise field.fault(f"'{value.constant}' is not known", nearest(value.constant, words))
            except Fault as fault:
                self.problems.add(fault.at(node.mark))
                return mistaken(node.mark)
        return value

    def branches(self, node: YamlNode, mark: Mark, cls: type[ops.Op], context: Context) -> list[Branch]:
        """Read the branches of a join, in a list or by their labels; none where they are not what it takes."""
        example = f"write {cls.kind}: [input, []]"
        context = context._replace(branch=True)
        if isinstance(node.value, str):
            every = self.branch("", node, context)
            every.whole = True
            return [every]
        if not node.is_map and not node.is_list:
            self.note(f"{cls.kind} joins branches", mark, f"{example}, or a mapping of them")
            return []
        for label, place, branch in node.entries() if node.is_map else ():
            if not self.values.fits(label, place) or not self.problems.visible(label, place):
                return []
            if branch.value is None:
                hint = f"write {cls.kind}: [{', '.join(node.value)[:60]}], or items after each label"
                if cut := next((key for key in node.value if key in cls.fields), ""):
                    hint = f'quote a text that holds a comma: {cut}: "{node.value[cut].written},{label[:60]}"'
                self.note(f"branch '{label}' is empty", place, hint)
                return []
        pairs = list(node.value.items()) if node.is_map else [("", n) for n in node.value]
        if cls.inputs is not None and len(pairs) != cls.inputs:
            self.note(f"{cls.kind} takes {cls.inputs} branches, not {len(pairs)}", mark)
            return []
        if not pairs:
            self.note(f"{cls.kind} has no branches", mark, example)
        return [self.branch(label, n, context) for label, n in pairs]

    def branch(self, label: str, node: YamlNode, context: Context) -> Branch:
        """Read a branch: items, one item, or the name of an earlier layer."""
        if node.is_list:
            return Branch(label, self.items(node, context), None)
        if node.is_map:
            source = node.value.get("from")
            if source is None or source.is_list or not set(node.value) <= set(MODIFIERS):
                return Branch(label, [self.item(node, context)], None)
            hint = f"a word alone is a branch: write {source.value}"
            self.note("a branch without an operator", node.mark, hint)
            return Branch(label, [MistakenItem("", node.mark)], None)
        word = node.value
        known = word in context.variables or context.layers.may_be(word) if isinstance(word, str) else True
        if not known and (word in self.spec.blocks or word in ops.operators()):
            return Branch(label, [self.item(node, context)], None)
        if known and isinstance(self.spec.knobs.get(word), str | list):
            self.calls_by_word = True  # the knob may hold a block
        ref = self.values.ref(node, context, "a branch")
        chosen = ref.choice is not None or ref.text in context.variables
        word = VariableItem(ref.text, ref.mark, YamlNode(None, ref.mark), context) if chosen else None
        return Branch(label, None, ref, word)

    # ---- blocks and specs that are run -----------------------------------------------------------

    def call(self, name: str, node: YamlNode, mark: Mark, context: Context) -> CallItem:
        """Read the call of a block with its arguments."""
        self.calls.setdefault(context.block, set()).add(name)
        item = CallItem(name, mark)
        block = self.spec.blocks[name]
        names = [n for n, _ in block.arguments]
        if node.is_map:
            for key, place, value in node.entries():
                if key not in names:
                    hint = nearest(key, names) or f"arguments of {name}: {', '.join(names) or 'none'}"
                    self.note(f"block '{name}' has no argument '{key}'", place, hint)
                    item.named.setdefault(closest(key, names), mistaken(value.mark))
                else:
                    item.named[key] = self.values.value(value, context)
        elif node.value is not None:
            item.positional = [self.values.value(n, context) for n in (node.value if node.is_list else [node])]
        if len(item.positional) > len(names):
            said = f"block '{name}' takes {plural(len(names), 'argument')}, not {len(item.positional)}"
            self.note(said, node.mark, f"they are: {', '.join(names)}" if names else f"write {name} alone")
        given = {*names[: len(item.positional)], *item.named}
        for argument, default in block.arguments:
            if default is None and argument not in given:
                self.note(f"block '{name}' needs '{argument}'", mark, f"its arguments: {', '.join(names)}")
                item.named[argument] = mistaken(mark)
        return item

    def include(self, node: YamlNode, mark: Mark, context: Context) -> Item:
        """Read which spec is included, how its layers are called, up to which they go, with which knobs."""
        if isinstance(node.value, str):
            node = YamlNode({"spec": node}, node.mark, {"spec": node.mark})
        spec = node.value.get("spec") if node.is_map else None
        if spec is None or not isinstance(spec.value, str):
            self.note("include needs 'spec'", mark, "write include: {spec: resnet50, until: stage4, as: backbone}")
            return MistakenItem("include", mark)
        section = Section(node, ("spec", "until", "as", "knobs"), "unknown key of include: '{}'", self.problems)
        item = IncludeItem(spec.mark, spec.value, prefix_of(node))
        alias = section.get("as")
        named = alias is None or (not isinstance(alias.value, bool | None) and re.match(r"[\w-]+\Z", alias.written))
        if alias and (not named or len(item.alias) > LONGEST_NAME):
            self.note(f"'as' takes a name, not {alias.spoken}", alias.mark, "its layers are called NAME.stage3")
        if until := section.get("until"):
            item.until = self.values.new_ref(until, context, "until")
        for key, place, value in mapping(section.get("knobs"), "knobs", self.problems).entries():
            item.knobs[key] = self.handed(value, context)
            item.keys[key] = place
        return item

    def handed(self, node: YamlNode, context: Context) -> Value:
        """Read a knob's value for another spec: a word that is no variable here is that spec's, no layer of ours."""
        if node.is_list and not self.values.too_long(node):
            return Value(node.mark, source=Values([self.handed(part, context) for part in node.value]))
        word = isinstance(node.value, str) and re.match(r"[A-Za-z_]\w*\Z", node.value)
        if word and node.value not in context.variables and node.value not in AMBIENT:
            return Value(node.mark, node.value)
        return self.values.value(node, context)

    # ---- tables ----------------------------------------------------------------------------------

    def table(self, node: YamlNode, mark: Mark, do: YamlNode | None, around: Context) -> tuple[Item, Context]:
        """Read a table and what is done for each of its rows; return it, and what its items and modifiers see."""
        around = around.also(("row",), repeated=True)  # a cell sees what is around the table, not the cells beside it
        item = TableItem(mark)
        if node.is_map:
            header = [(name, place) for name, place, _ in node.entries()]
        elif node.is_list and node.value and node.value[0].is_list:
            header = [(str(n.plain()), n.mark) for n in node.value[0].value]
        else:
            self.note("a table is a header row and rows, or a mapping of columns", node.mark, "write [[c, n], [64, 1]]")
            return MistakenItem("table", mark), around
        taken: set[str] = set(around.variables)
        for name, name_mark in header:
            self.names.may_be_given(name, name_mark, "column", taken)
            if around.layers.may_be(name):
                said = "it is a layer's name: shadowing is refused"
                self.note(f"a column cannot be called '{name}'", name_mark, said)
            taken.add(name)
        item.columns = [name for name, _ in header]
        if node.is_map:
            item.by_column = [self.column(n, around) for n in node.value.values()]
            self.refuse_unequal(item, mark)
        else:
            item.rows = [self.row(n, len(header), around) for n in node.value[1:]]
        if not header or item.rows == []:
            self.note(f"the table has no {'rows' if header else 'columns'}", mark, "write [[c, n], [64, 1]]")
        inner = around.also(item.columns)
        if do is None:
            self.note("a table needs 'do'", mark, "write do: beside it, with the items to run for each row")
        else:
            item.items = self.items(do, inner)
        return item, inner

    def row(self, node: YamlNode, width: int, context: Context) -> list[Value]:
        """Read the cells of a row."""
        if node.is_list and len(node.value) == width:
            return [self.values.value(n, context) for n in node.value]
        if not node.is_list:
            self.note(f"a row is a list, not {node.spoken}", node.mark)
        else:
            said = f"this row has {plural(len(node.value), 'cell')}, the header has {width}"
            self.note(said, node.mark, "each row has a cell for each column of the header")
        return [mistaken(node.mark)] * width

    def column(self, node: YamlNode, context: Context) -> Value | list[Value]:
        """Read the cells of a column, or the one value that holds them all."""
        if node.is_list:
            return [self.values.value(n, context) for n in node.value]
        return self.values.value(node, context)

    def refuse_unequal(self, item: TableItem, mark: Mark) -> None:
        """Refuse columns of several lengths, as far as those are known."""
        lengths = {n: len(c) for n, c in zip(item.columns, item.by_column, strict=True) if isinstance(c, list)}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            self.note(f"the columns are not equally long: {said}", mark)
