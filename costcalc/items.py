"""Reading items: operators, blocks, tables, branches; the middle third of the reader of documents."""

from __future__ import annotations

import re

from costcalc import op as ops
from costcalc.context import Context, LayerNames
from costcalc.document import (
    Branch,
    CallItem,
    GroupItem,
    IncludeItem,
    Item,
    OpItem,
    TableItem,
    Value,
    WordItem,
)
from costcalc.errors import Fault, Mark, nearest
from costcalc.fields import MODIFIERS, REQUIRED, Field, Role, Text
from costcalc.source import Node
from costcalc.values import ValueReader, spoken


class ItemReader(ValueReader):
    """Reads lists of items."""

    def collect(self, node: Node, names: LayerNames) -> None:
        """Note every name that the items below a node give, those inside groups and branches too."""
        if node.is_list:
            for item in node.value:
                self.collect(item, names)
        if not node.is_map:
            return
        for key, value in node.value.items():
            if key == "name" and isinstance(value.value, str | int | float):
                self.collect_name(str(value.value), value.mark, names)
            elif key == "include" and value.is_map:
                alias = value.value.get("as") or value.value.get("spec")
                names.prefixes.add(str(alias.value) if alias else "")
            elif key not in MODIFIERS and key != "table":
                self.collect(value, names)

    def collect_name(self, text: str, mark: Mark, names: LayerNames) -> None:
        stem, bracket, _ = text.partition("(")
        if bracket:
            names.indexed.add(stem)
        elif text in names.exact:
            line = names.exact[text].line + 1
            self.problem(
                f"two layers are called '{text}'", mark, f"the first is on line {line}; p(k) is p3 where k is 3"
            )
        else:
            names.exact[text] = mark

    def items(self, node: Node, context: Context) -> list[Item]:
        if not node.is_list:
            self.problem("a list of items is expected here", node.mark, "write - conv: {...}")
            return []
        items = [self.item(n, context) for n in node.value]
        return [item for item in items if item is not None]

    def item(self, node: Node, context: Context) -> Item | None:
        """Read one item: a bare word, or a mapping of one key and its modifiers."""
        if isinstance(node.value, str):
            return self.keyed(node.value, Node(None, node.mark), node.mark, {}, {}, context)
        if not node.is_map:
            self.problem(f"{spoken(node)} is no item", node.mark, "an item is a word, or {operator: {fields}}")
            return None
        keys = [k for k in node.value if k not in MODIFIERS and not (k == "do" and "table" in node.value)]
        if len(keys) != 1:
            self.not_one(node, keys)
            return None
        key = keys[0]
        modifiers = {k: v for k, v in node.value.items() if k in MODIFIERS}
        extra = {"do": node.value["do"]} if key == "table" and "do" in node.value else {}
        return self.keyed(key, node.value[key], node.keys[key], modifiers, extra, context)

    def not_one(self, node: Node, keys: list[str]) -> None:
        if not keys:
            self.problem("an item without an operator", node.mark, "write {relu, name: x}, or {do: [...], repeat: 2}")
            return
        known = [k for k in keys if k in ops.operators() or k in self.spec.blocks]
        strange = [k for k in keys if k not in known]
        if known and strange:
            for key in strange:
                hint = nearest(key, MODIFIERS) or f"modifiers: {', '.join(MODIFIERS)}; fields go inside {{ }}"
                self.problem(f"unknown modifier '{key}' beside '{known[0]}'", node.keys[key], hint)
        else:
            self.problem(
                f"one item holds {' and '.join(keys)}", node.keys[keys[1]], "write an item, with its own -, for each"
            )

    def keyed(
        self,
        key: str,
        value: Node,
        mark: Mark,
        modifiers: dict[str, Node],
        extra: dict[str, Node],
        context: Context,
    ) -> Item | None:
        """Read an item by its key, then its modifiers (which see a table's columns and `row`)."""
        item: Item | None
        inner = context.also(["i"]) if "repeat" in modifiers else context
        if key == "table":
            item, inner = self.table(value, mark, extra.get("do"), inner)
        else:
            item = self.plain_item(key, value, mark, inner)
        if item is not None:
            self.modifiers(item, modifiers, context, inner)
        return item

    def plain_item(self, key: str, value: Node, mark: Mark, context: Context) -> Item | None:
        if key == "do":
            group = GroupItem(mark)
            group.items = self.items(value, context)
            return group
        if key == "include":
            return self.include(value, mark, context)
        if key in self.spec.blocks:
            return self.call(key, value, mark, context)
        cls = ops.operators().get(key)
        if cls is None and key in context.variables:
            self.read_names.add(key)
            return WordItem(key, mark, value, context)
        cls = cls or ops.find(key)
        if cls is None:
            self.unknown_item(key, mark, context)
            return None
        return self.operator(key, value, mark, cls, context)

    def unknown_item(self, key: str, mark: Mark, context: Context) -> None:
        if re.match(r"[a-z_]+:\S", key):
            self.problem(f"'{key}' is one word to YAML", mark, f"write '{key.replace(':', ': ', 1)}', with a space")
            return
        hint = nearest(key, (*ops.operators(), *self.spec.blocks, "table", "do", "include", *context.variables))
        if not hint and context.layers.may_be(key):
            hint = f"'{key}' is a layer's name: write from: {key} beside the operator that it feeds"
        self.problem(f"unknown operator or block '{key}'", mark, hint or "costcalc ops lists the operators")

    def modifiers(self, item: Item, nodes: dict[str, Node], outer: Context, inner: Context) -> None:
        for key, node in nodes.items():
            if node.value is None:
                self.problem(f"'{key}' is empty", node.mark, MODIFIERS[key])
            elif key == "name":
                item.name = self.ref(node, inner, "name", new=True)
            elif key == "share":
                item.share = self.ref(node, inner, "share", new=True)
            elif key == "from":
                item.source = self.refs(node, outer, "from")
            else:
                value = self.value(node, outer if key == "repeat" else inner)
                setattr(item, "when" if key == "if" else key, value)

    def operator(self, key: str, node: Node, mark: Mark, cls: type[ops.Op], context: Context) -> Item:
        item = OpItem(key, mark, cls)
        if cls.inputs != 1:
            item.branches = self.branches(node, mark, cls, context)
            return item
        given = self.fields(cls, node, context)
        item.values = {**self.spec.defaults.get(cls.kind, {}), **given}
        for name, field in cls.fields.items():
            if field.default is REQUIRED and name not in item.values and name not in (node.keys or {}):
                self.problem(f"{key} needs '{name}' ({field.doc})", mark, f"write {key}: {{{name}: ...}}")
        return item

    def fields(self, cls: type[ops.Op], node: Node, context: Context) -> dict[str, Value]:
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
            elif value.value is None:
                self.problem(f"'{name}' is empty", value.mark, f"{name}: {field.doc}")
            else:
                values[name] = self.field(field, value, context)
        return values

    def unknown_field(self, cls: type[ops.Op], name: str, mark: Mark) -> None:
        if name in MODIFIERS:
            hint = f"'{name}' stands beside {cls.kind}, not inside its braces: {{{cls.kind}: {{...}}, {name}: ...}}"
        else:
            fields = ", ".join(cls.fields) or "none"
            hint = nearest(name, cls.fields) or f"fields of {cls.kind}: {fields}"
        self.problem(f"{cls.kind} has no field '{name}'", mark, hint)

    def field(self, field: Field, node: Node, context: Context) -> Value:
        """Read one field's value; what needs no scope is checked at once."""
        if isinstance(field, Text):
            return Value(node.mark, str(node.plain()))
        words = field.words
        if isinstance(field, Role):
            words = words | ops.role_words(field.role).keys()
        if isinstance(node.value, str) and node.value in words and node.value not in context.variables:
            return Value(node.mark, node.value)
        value = self.value(node, context, words=words)
        if value.fixed:
            try:
                field.parse(value.constant)
                if isinstance(field, Role) and value.constant not in words:
                    raise field.fault(f"'{value.constant}' is not known", nearest(value.constant, words))
            except Fault as fault:
                self.problem(fault.message, node.mark, fault.hint)
                return Value(node.mark, field.default if field.default is not REQUIRED else 1)
        return value

    def branches(self, node: Node, mark: Mark, cls: type[ops.Op], context: Context) -> list[Branch]:
        if node.is_map:
            pairs = list(node.value.items())
        elif node.is_list:
            pairs = [("", n) for n in node.value]
        else:
            self.problem(f"{cls.kind} joins branches", mark, f"write {cls.kind}: [input, []], or a mapping of them")
            return []
        if cls.inputs is not None and len(pairs) != cls.inputs:
            self.problem(f"{cls.kind} takes {cls.inputs} branches, not {len(pairs)}", mark)
        elif not pairs:
            self.problem(f"{cls.kind} has no branches", mark, f"write {cls.kind}: [input, []]")
        return [self.branch(label, n, context) for label, n in pairs]

    def branch(self, label: str, node: Node, context: Context) -> Branch:
        if node.is_list:
            return Branch(label, self.items(node, context), None)
        if node.is_map:
            item = self.item(node, context)
            return Branch(label, [item] if item else [], None)
        if isinstance(node.value, str) and (node.value in ops.operators() or node.value in self.spec.blocks):
            hint = f"a word that is a branch is an earlier layer; for the operator or block write [{node.value}]"
            self.problem(f"no layer is called '{node.value}'", node.mark, hint)
            return Branch(label, [], None)
        ref = self.ref(node, context, "a branch")
        return Branch(label, None if ref else [], ref)

    def call(self, name: str, node: Node, mark: Mark, context: Context) -> CallItem:
        self.calls.setdefault(self.body, set()).add(name)
        item = CallItem(name, mark)
        block = self.spec.blocks[name]
        names = [n for n, _ in block.arguments]
        if node.is_map:
            for key, value in node.value.items():
                if key not in names:
                    hint = nearest(key, names) or f"arguments of {name}: {', '.join(names) or 'none'}"
                    self.problem(f"block '{name}' has no argument '{key}'", node.keys[key], hint)
                else:
                    item.named[key] = self.value(value, context)
        elif node.value is not None:
            values = node.value if node.is_list else [node]
            item.positional = [self.value(value, context) for value in values]
        if len(item.positional) > len(names):
            self.problem(
                f"block '{name}' takes {len(names)} arguments, not {len(item.positional)}",
                node.mark,
                f"they are: {', '.join(names) or 'none'}",
            )
        given = {*names[: len(item.positional)], *item.named, *(node.keys or {})}
        for argument, default in block.arguments:
            if default is None and argument not in given:
                self.problem(f"block '{name}' needs '{argument}'", mark, f"its arguments: {', '.join(names)}")
        return item

    def include(self, node: Node, mark: Mark, context: Context) -> IncludeItem | None:
        if not node.is_map:
            node = Node({"spec": node}, node.mark, {"spec": node.mark}) if isinstance(node.value, str) else node
        spec = node.value.get("spec") if node.is_map else None
        if spec is None or not isinstance(spec.value, str):
            self.problem("include needs 'spec'", mark, "write include: {spec: resnet50, until: stage4, as: backbone}")
            return None
        self.keys(node, ("spec", "until", "as", "knobs"), "key of include:")
        item = IncludeItem(spec.mark, spec.value)
        if "as" in node.value:
            item.alias = str(node.value["as"].value)
        if "until" in node.value:
            item.until = self.ref(node.value["until"], context, "until", new=True)
        for key, value in self.mapping(node.value.get("knobs"), "knobs").items():
            item.knobs[key] = self.value(value, context)
        return item

    def table(self, node: Node, mark: Mark, do: Node | None, context: Context) -> tuple[TableItem | None, Context]:
        item = TableItem(mark)
        if node.is_map:
            header = [(name, node.keys[name]) for name in node.value]
        elif node.is_list and node.value and node.value[0].is_list:
            header = [(str(n.value), n.mark) for n in node.value[0].value]
        else:
            self.problem(
                "a table is a header row and rows, or a mapping of columns", node.mark, "write [[c, n], [64, 1]]"
            )
            return None, context
        # Each column is a variable for the cells to its right in no way: cells see what is around the table.
        taken: set[str] = set(context.variables)
        for name, name_mark in header:
            self.new_name(name, name_mark, "column", taken)
            taken.add(name)
        item.columns = [name for name, _ in header]
        cells = context.also(["row"])
        if node.is_map:
            item.whole = [self.column(n, cells) for n in node.value.values()]
            self.equal_columns(item, mark)
        else:
            item.rows = [self.row(n, len(header), cells) for n in node.value[1:]]
        inner = context.also([*item.columns, "row"])
        if do is None:
            self.problem("a table needs 'do'", mark, "write do: beside it, with the items to run for each row")
        else:
            item.items = self.items(do, inner)
        return item, inner

    def row(self, node: Node, width: int, context: Context) -> list[Value]:
        if not node.is_list:
            self.problem(f"a row is a list, not {spoken(node)}", node.mark)
            return [Value(node.mark, 1)] * width
        if len(node.value) != width:
            hint = "each row has a cell for each column of the header"
            self.problem(f"this row has {len(node.value)} cells, the header has {width}", node.mark, hint)
        cells = [self.value(n, context) for n in node.value[:width]]
        return cells + [Value(node.mark, 1)] * (width - len(cells))

    def column(self, node: Node, context: Context) -> Value | list[Value]:
        if node.is_list:
            return [self.value(n, context) for n in node.value]
        return self.value(node, context)

    def equal_columns(self, item: TableItem, mark: Mark) -> None:
        lengths = {n: len(c) for n, c in zip(item.columns, item.whole, strict=True) if isinstance(c, list)}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            self.problem(f"the columns are not equally long: {said}", mark)
