"""The JSON Schema of specs, made from the operators' classes: editors complete and check with it."""

from __future__ import annotations

import json

from costcalc.base import Data, Datum
from costcalc.language.document import VERSION
from costcalc.language.published_figures import PUBLISHED
from costcalc.operators import op as ops
from costcalc.operators.fields import CALLS, HELD, MODIFIERS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"
_ANY: dict[str, Datum] = {}


def spec_schema() -> Data:
    """Return the JSON Schema of specs. Blocks have names of their own, so other keys stay open in items."""
    kinds = {name: _operator(cls) for name, cls in sorted(ops.operators().items())}
    items = {"type": "array", "items": {"$ref": "#/$defs/item"}}
    branches = {"type": ["array", "object", "string", "null"]}  # named branches, or the fields; a list by an expression
    several = {name: cls for name, cls in ops.operators().items() if cls.joins}
    joins = {name: branches | {"description": _first(cls)} for name, cls in several.items()}
    modifiers = {name: {"description": doc} for name, doc in MODIFIERS.items()}
    table = {"description": "a header row and rows, or a mapping of columns", "type": ["array", "object"]}
    item = {
        "anyOf": [
            {"type": "string", "description": "a bare operator, block or variable"},
            {
                "type": "object",
                "properties": {
                    **kinds,
                    **joins,
                    **modifiers,
                    "do": items | {"description": "items under one set of modifiers, or done for each row of a table"},
                    "table": table,
                    "include": _include(),
                },
            },
        ]
    }
    return {
        "$schema": DRAFT,
        "title": "costcalc spec",
        "description": "A convolutional network as pure data; docs/language.md explains every part.",
        "type": "object",
        "required": ["costcalc", "input", "layers"],
        "additionalProperties": False,
        "properties": _top(items),
        "$defs": {"item": item},
    }


def in_draft_07(schema: Data) -> Data:
    """Return a schema in the words of draft 07, which the YAML servers of editors read: definitions are called so."""
    text = json.dumps(schema).replace(f'"{DRAFT}"', f'"{DRAFT_07}"').replace("$defs", "definitions")
    found: Data = json.loads(text)
    return found


def _top(items: Data) -> Data:
    text = {"type": "string"}
    knobs = {"type": "object", "description": "what a sweep may vary: a number, word or list, with its default"}
    number = {"anyOf": [{"type": "number"}, {"type": "string"}]}
    rows = {
        "type": "array",
        "items": {"type": "object", "properties": dict.fromkeys(PUBLISHED, _ANY), "additionalProperties": False},
    }
    published = {"type": "object", "properties": {"source": _ANY, "rows": rows}, "additionalProperties": False}
    shape = {"type": "array", "items": number, "minItems": 1, "description": "[channels, height, width]"}
    return {
        "costcalc": {"const": VERSION, "description": "the version of the language"},
        "name": text,
        "family": text,
        "year": {"type": ["integer", "string"]},
        "task": text,
        "source": text | {"description": "where the architecture is written: paper, table, repository"},
        "reference": _reference(),
        "knobs": knobs,
        "variants": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
        "search": {"type": "object", "description": "what a search may choose: {kernels: {each: [3, 5, 7]}}"},
        "define": {"type": "object", "description": "functions of the knobs, ch(c): int(c * width), and constants"},
        "input": {"anyOf": [shape, {"type": "object", "additionalProperties": shape, "minProperties": 1}]},
        "defaults": {"type": "object", "properties": {n: _operator(c) for n, c in sorted(ops.operators().items())}},
        "blocks": {"type": "object", "description": "templates with arguments: separable(out, stride=1): [...]"},
        "layers": items,
        "outputs": {"type": ["array", "string"], "description": "the layers that are the network's results"},
        "min_resolution": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]},
        "published": published,
    }


def _operator(cls: type[ops.Op]) -> Data:
    return {
        "description": _first(cls),
        "type": ["object", "null"],
        "properties": {name: field.schema() for name, field in cls.fields.items()},
        "additionalProperties": False,
    }


def _include() -> Data:
    text = {"type": "string"}
    parts = {"spec": text, "until": text, "as": text, "knobs": {"type": "object"}}
    return {
        "description": "another spec's layers",
        "type": ["object", "string"],
        "properties": parts,
        "required": ["spec"],
    }


def _first(cls: type[ops.Op]) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0]


def _reference() -> Data:
    """Return the schema of `reference`: the implementation that other tools are run on."""
    patterns = {"type": ["array", "string"], "items": {"type": "string"}}
    words = {word: patterns | {"description": f"rows that it calls {said}"} for word, said in CALLS.items()}
    held = patterns | {"description": "layers whose input it holds until norm and activation are done"}
    return closed({"from": {"type": "string"}, **words, HELD: held}) | {"required": []}


def closed(properties: dict[str, Datum], **asked: Datum) -> Data:
    """Return the schema of an object that has just these keys, and those that are there where they were asked for."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": {**properties, **asked},
    }
