"""Reading items: operators, blocks, tables, branches; the middle third of the reader of documents."""

from __future__ import annotations

import re

from costcalc.base.errors import Fault, Mark, closest, nearest
from costcalc.language.context import Context
from costcalc.language.document import (
    Branch,
    CallItem,
    GroupItem,
    IncludeItem,
    Item,
    LostItem,
    OpItem,
    TableItem,
    Value,
    WordItem,
    lost,
)
from costcalc.language.sharing import Share
from costcalc.language.source import YamlNode
from costcalc.language.values import LONGEST_NAME, ValueReader, joins, several, spoken
from costcalc.operators import op as ops
from costcalc.operators.fields import AMBIENT, MODIFIERS, REQUIRED, Field, Role, Text


class ItemReader(ValueReader):
    """Reads lists of items."""

    def items(self, node: YamlNode, context: Context) -> list[Item]:
        if not node.is_list:
            self.problem(f"a list of items is expected here, not {spoken(node)}", node.mark, "write - conv: {...}")
            return [LostItem("", node.mark)]
        return [self.item(n, context) for n in node.value]

    def item(self, node: YamlNode, context: Context) -> Item:
        """Read one item: a bare word, or a mapping of one key and its modifiers."""
        if isinstance(node.value, str):
            return self.keyed(node.value, YamlNode(None, node.mark), node.mark, {}, {}, context)
        if not node.is_map:
            said = "this item is empty" if node.value is None else f"{spoken(node)} is no item"
            self.problem(said, node.mark, "an item is a word, or {operator: {fields}}")
            return LostItem("", node.mark)
        node = self.mended(node)
        keys = [k for k in node.value if k not in MODIFIERS and not (k == "do" and "table" in node.value)]
        key = keys[0] if len(keys) == 1 else self.not_one(node, keys)
        modifiers = {k: v for k, v in node.value.items() if k in MODIFIERS}
        if key is None:
            item = LostItem("", node.mark)
            self.modifiers(item, modifiers, context, context.also(["i", "row"]))
            return item
        extra = {"do": node.value["do"]} if key == "table" and "do" in node.value else {}
        value = node.value[key]
        outside = {k: node.value[k] for k in keys if k in self.inside(key)}
        if outside and (value.is_map or value.value is None):  # told already: they are read as if inside
            value = YamlNode({**(value.value or {}), **outside}, value.mark, {**value.keys, **node.keys})
        return self.keyed(key, value, node.keys[key], modifiers, extra, context)

    def mended(self, node: YamlNode) -> YamlNode:
        """Report the misspelt modifiers of an item, and return it as it was meant."""
        meant = self.meant_keys(node)
        if not meant:
            return node
        beside = next(iter(k for k in node.value if k not in MODIFIERS and k not in meant), "")
        for key, right in meant.items():
            said = f"unknown operator or block '{key}'" if right == "table" else f"unknown modifier '{key}'"
            said += f" beside '{beside}'" if beside and right != "table" else ""
            self.problem(said, node.keys[key], f"did you mean '{right}'?")
        values = {meant.get(key, key): value for key, value in node.value.items()}
        return YamlNode(values, node.mark, {meant.get(key, key): mark for key, mark in node.keys.items()})

    def not_one(self, node: YamlNode, keys: list[str]) -> str | None:
        """Say what is wrong with an item of no key or of several; return the one that was meant, if it is clear."""
        if not keys:
            self.problem("an item without an operator", node.mark, "write {relu, name: x}, or {do: [...], repeat: 2}")
            return None
        known = [k for k in keys if self.is_item(k)]
        if len(known) != 1:
            said = " and ".join(f"'{key[:40]}'" for key in keys[:5])
            self.problem(f"one item holds {said}", node.keys[keys[1]], "write an item, with its own -, for each")
            return None
        for key in keys:
            if key != known[0]:
                fields = self.inside(known[0])
                hint = f"modifiers: {', '.join(MODIFIERS)}"
                if key in fields:
                    hint = f"it goes inside the braces: {known[0]}: {{{key}: ...}}"
                self.problem(f"unknown modifier '{key}' beside '{known[0]}'", node.keys[key], hint)
        return known[0]

    def inside(self, key: str) -> list[str]:
        """Return what may stand inside the braces of an operator or a block."""
        if key in self.spec.blocks:
            return [name for name, _ in self.spec.blocks[key].arguments]
        cls = ops.operators().get(key)
        return list(cls.fields) if cls else []

    def keyed(
        self,
        key: str,
        value: YamlNode,
        mark: Mark,
        modifiers: dict[str, YamlNode],
        extra: dict[str, YamlNode],
        context: Context,
    ) -> Item:
        """Read an item by its key, then its modifiers (which see a table's columns and `row`)."""
        item: Item
        again = "repeat" in modifiers or key == "table"
        inner = context.also(["i"]) if "repeat" in modifiers else context
        self.turns += again
        if key == "table":
            item, inner = self.table(value, mark, extra.get("do"), inner)
            if isinstance(item, LostItem):  # its modifiers may read columns that are not known
                modifiers = {}
        else:
            item = self.plain_item(key, value, mark, inner)
        self.modifiers(item, modifiers, context, inner)
        self.turns -= again
        return item

    def plain_item(self, key: str, value: YamlNode, mark: Mark, context: Context) -> Item:
        if key == "do":
            group = GroupItem(mark)
            group.items = self.items(value, context)
            return group
        if key == "include":
            return self.include(value, mark, context)
        if key in self.spec.blocks:
            return self.call(key, value, mark, context)
        if key in context.variables and key not in ops.operators():
            self.read_names.add(key)
            return WordItem(key, mark, value, context)
        cls = ops.find(key)
        if cls is None:
            if key not in self.lost_blocks:
                self.unknown_item(key, mark, context)
            return LostItem(key, mark)
        return self.operator(key, value, mark, cls, context)

    def unknown_item(self, key: str, mark: Mark, context: Context) -> None:
        if re.match(r"[a-z_]+:\S", key):
            self.problem(f"'{key}' is one word to YAML", mark, f"write '{key.replace(':', ': ', 1)}', with a space")
            return
        hint = nearest(key, (*ops.operators(), *self.spec.blocks, "table", "do", "include", *context.variables))
        if not hint and context.layers.may_be(key):
            hint = f"'{key}' is a layer's name: write from: {key} beside the operator that it feeds"
        self.problem(f"unknown operator or block '{key}'", mark, hint or "costcalc ops lists the operators")

    def modifiers(self, item: Item, nodes: dict[str, YamlNode], outer: Context, inner: Context) -> None:
        for key, node in nodes.items():
            if node.value is None:
                self.problem(f"'{key}' is empty", node.mark, MODIFIERS[key])
                if key in ("repeat", "if"):
                    setattr(item, "when" if key == "if" else key, lost(node.mark))
            elif key == "name":
                item.name = self.new_ref(node, inner, "name")
            elif key == "share":
                item.share = self.new_ref(node, inner, "share")
                if item.share is not None:
                    self.shares.append(Share(item.share, self.body, self.turns > 0, inner.layers))
            elif key == "from":
                item.source = self.refs(node, outer, "from")
            else:
                value = self.value(node, outer if key == "repeat" else inner)
                setattr(item, "when" if key == "if" else key, value)

    def operator(self, key: str, node: YamlNode, mark: Mark, cls: type[ops.Op], context: Context) -> Item:
        item = OpItem(key, mark, cls)
        if joins(cls, node):
            item.branches = self.branches(node, mark, cls, context)
            return item if item.branches else LostItem(key, mark)
        given = self.fields(cls, node, context)
        item.values = {**self.spec.defaults.get(cls.kind, {}), **given}
        for name, field in cls.fields.items():
            if field.default is REQUIRED and name not in item.values:
                if node.value is None or (node.is_map and name not in node.keys):
                    self.problem(f"{key} needs '{name}' ({field.doc})", mark, f"write {key}: {{{name}: ...}}")
                item.values[name] = lost(mark)
        return item

    def fields(self, cls: type[ops.Op], node: YamlNode, context: Context) -> dict[str, Value]:
        if node.value is None:
            return {}
        if not node.is_map:
            wanted = ", ".join(f"{n}: ..." for n, f in cls.fields.items() if f.default is REQUIRED) or "field: ..."
            self.problem(
                f"{cls.kind} takes a mapping of fields, not {spoken(node)}",
                node.mark,
                f"write {cls.kind}: {{{wanted}}}",
            )
            return {}
        values = {}
        for name, value in node.value.items():
            field = cls.fields.get(name)
            if field is None:
                self.unknown_field(cls, name, node.keys[name])
                values[closest(name, cls.fields)] = lost(value.mark)
            elif value.value is None:
                self.problem(f"'{name}' is empty", value.mark, f"{name}: {field.doc}")
                values[name] = lost(value.mark)
            else:
                values[name] = self.field(field, value, context)
        values.pop("", None)
        return values

    def unknown_field(self, cls: type[ops.Op], name: str, mark: Mark) -> None:
        if name in MODIFIERS:
            hint = f"'{name}' stands beside {cls.kind}, not inside its braces: {{{cls.kind}: {{...}}, {name}: ...}}"
        else:
            fields = ", ".join(cls.fields) or "none"
            hint = nearest(name, cls.fields) or f"fields of {cls.kind}: {fields}"
        self.problem(f"{cls.kind} has no field '{name}'", mark, hint)

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
                hint = nearest(given, {*words, *context.variables}) or f"known: {', '.join(sorted(words))}"
                self.problem(f"{field.name}: '{given}' is not known here", node.mark, hint)
                return lost(node.mark)
        value = self.value(node, context, words=words)
        if value.fixed:
            try:
                field.parse(value.constant)
                if isinstance(field, Role) and value.constant not in words:
                    raise field.fault(f"'{value.constant}' is not known", nearest(value.constant, words))
            except Fault as fault:
                self.problem(fault.message, node.mark, fault.hint)
                return lost(node.mark)
        return value

    def branches(self, node: YamlNode, mark: Mark, cls: type[ops.Op], context: Context) -> list[Branch]:
        if node.is_map:
            pairs = list(node.value.items())
        elif node.is_list:
            pairs = [("", n) for n in node.value]
        else:
            self.problem(f"{cls.kind} joins branches", mark, f"write {cls.kind}: [input, []], or a mapping of them")
            return []
        for label, branch in pairs if node.is_map else ():
            if len(label) > LONGEST_NAME:
                self.problem(f"a name of {len(label):,} characters", node.keys[label], f"the limit is {LONGEST_NAME}")
                return []
            if branch.value is None:
                hint = f"write {cls.kind}: [{', '.join(node.value)[:60]}], or items after each label"
                self.problem(f"branch '{label}' is empty", node.keys[label], hint)
                return []
        if cls.inputs is not None and len(pairs) != cls.inputs:
            self.problem(f"{cls.kind} takes {cls.inputs} branches, not {len(pairs)}", mark)
            return []
        if not pairs:
            self.problem(f"{cls.kind} has no branches", mark, f"write {cls.kind}: [input, []]")
        return [self.branch(label, n, context) for label, n in pairs]

    def branch(self, label: str, node: YamlNode, context: Context) -> Branch:
        if node.is_list:
            return Branch(label, self.items(node, context), None)
        if node.is_map:
            source = node.value.get("from")
            if source is not None and not source.is_list and set(node.value) <= set(MODIFIERS):
                hint = f"a word alone is a branch: write {source.value}"
                self.problem("a branch without an operator", node.mark, hint)
                return Branch(label, [LostItem("", node.mark)], None)
            return Branch(label, [self.item(node, context)], None)
        kind = isinstance(node.value, str) and (node.value in ops.operators() or node.value in self.spec.blocks)
        if kind and not context.layers.may_be(node.value):
            hint = f"a word that is a branch is an earlier layer; for the operator or block write [{node.value}]"
            self.problem(f"no layer is called '{node.value}'", node.mark, hint)
            return Branch(label, [LostItem("", node.mark)], None)
        return Branch(label, None, self.ref(node, context, "a branch"))

    def call(self, name: str, node: YamlNode, mark: Mark, context: Context) -> CallItem:
        self.calls.setdefault(self.body, set()).add(name)
        item = CallItem(name, mark)
        block = self.spec.blocks[name]
        names = [n for n, _ in block.arguments]
        if node.is_map:
            for key, value in node.value.items():
                if key not in names:
                    hint = nearest(key, names) or f"arguments of {name}: {', '.join(names) or 'none'}"
                    self.problem(f"block '{name}' has no argument '{key}'", node.keys[key], hint)
                    item.named.setdefault(closest(key, names), lost(value.mark))
                else:
                    item.named[key] = self.value(value, context)
        elif node.value is not None:
            values = node.value if node.is_list else [node]
            item.positional = [self.value(value, context) for value in values]
        if len(item.positional) > len(names):
            self.problem(
                f"block '{name}' takes {several(len(names), 'argument')}, not {len(item.positional)}",
                node.mark,
                f"they are: {', '.join(names)}" if names else f"write {name} alone",
            )
        given = {*names[: len(item.positional)], *item.named}
        for argument, default in block.arguments:
            if default is None and argument not in given:
                self.problem(f"block '{name}' needs '{argument}'", mark, f"its arguments: {', '.join(names)}")
                item.named[argument] = lost(mark)
        return item

    def include(self, node: YamlNode, mark: Mark, context: Context) -> Item:
        if not node.is_map:
            node = YamlNode({"spec": node}, node.mark, {"spec": node.mark}) if isinstance(node.value, str) else node
        spec = node.value.get("spec") if node.is_map else None
        if spec is None or not isinstance(spec.value, str):
            self.problem("include needs 'spec'", mark, "write include: {spec: resnet50, until: stage4, as: backbone}")
            return LostItem("include", mark)
        meant = self.keys(node, ("spec", "until", "as", "knobs"), "key of include:")
        parts = {meant.get(key) or key: value for key, value in node.value.items()}
        item = IncludeItem(spec.mark, spec.value)
        if "as" in parts:
            alias = parts["as"]
            item.alias = str(alias.value)
            if not re.match(rf"[\w-]{{1,{LONGEST_NAME}}}\Z", item.alias):
                self.problem(f"'as' takes a name, not {spoken(alias)}", alias.mark, "its layers are called NAME.stage3")
        if "until" in parts:
            item.until = self.new_ref(parts["until"], context, "until")
        for key, value in self.mapping(parts.get("knobs"), "knobs").items():
            item.knobs[key] = self.value(value, context)
            item.keys[key] = parts["knobs"].keys[key]
        return item

    def table(self, node: YamlNode, mark: Mark, do: YamlNode | None, context: Context) -> tuple[Item, Context]:
        item = TableItem(mark)
        if node.is_map:
            header = [(name, node.keys[name]) for name in node.value]
        elif node.is_list and node.value and node.value[0].is_list:
            header = [(str(n.plain()), n.mark) for n in node.value[0].value]
        else:
            self.problem(
                "a table is a header row and rows, or a mapping of columns", node.mark, "write [[c, n], [64, 1]]"
            )
            return LostItem("table", mark), context.also(["row"])
        taken: set[str] = set(context.variables)
        for name, name_mark in header:
            self.new_name(name, name_mark, "column", taken)
            taken.add(name)
        item.columns = [name for name, _ in header]
        cells = context.also(["row"])  # a cell sees what is around the table, not the cells beside it
        if node.is_map:
            item.whole = [self.column(n, cells) for n in node.value.values()]
            self.equal_columns(item, mark)
        else:
            item.rows = [self.row(n, len(header), cells) for n in node.value[1:]]
        if not header or item.rows == []:
            self.problem(f"the table has no {'rows' if header else 'columns'}", mark, "write [[c, n], [64, 1]]")
        inner = context.also([*item.columns, "row"])
        if do is None:
            self.problem("a table needs 'do'", mark, "write do: beside it, with the items to run for each row")
        else:
            item.items = self.items(do, inner)
        return item, inner

    def row(self, node: YamlNode, width: int, context: Context) -> list[Value]:
        if not node.is_list:
            self.problem(f"a row is a list, not {spoken(node)}", node.mark)
            return [lost(node.mark)] * width
        if len(node.value) != width:
            hint = "each row has a cell for each column of the header"
            self.problem(f"this row has {several(len(node.value), 'cell')}, the header has {width}", node.mark, hint)
            return [lost(node.mark)] * width
        return [self.value(n, context) for n in node.value]

    def column(self, node: YamlNode, context: Context) -> Value | list[Value]:
        if node.is_list:
            return [self.value(n, context) for n in node.value]
        return self.value(node, context)

    def equal_columns(self, item: TableItem, mark: Mark) -> None:
        lengths = {n: len(c) for n, c in zip(item.columns, item.whole, strict=True) if isinstance(c, list)}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            self.problem(f"the columns are not equally long: {said}", mark)
