"""Protocol buffers' text format -> groups of settings with places, without a schema.

Written after https://protobuf.dev/reference/protobuf/textformat-spec/, for what network definitions
use: fields, messages in braces, lists in brackets, comments. One pass, no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from costcalc.base.errors import Mark
from costcalc.interop.options import Options, wrong
from costcalc.language.source import DEEPEST

MOST_VALUES = 100_000
_TOKEN = re.compile(
    r"""\s+ | \#.*
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)[fF]?)
    | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<sign>[{}<>:;,\[\]])""",
    re.ASCII | re.VERBOSE,
)
_OPENED = {"}": "{", ">": "<"}


class Token(NamedTuple):
    """A piece of the text: its sort (`word`, `number`, `string`, `sign`, or `end`), its text and its place."""

    sort: str
    text: str
    mark: Mark


def parse(text: str, where: str) -> Options:
    """Return the message that a text holds; raise SpecError where it is none."""
    return _Parser(text, where).message()


class _Parser:
    def __init__(self, text: str, where: str) -> None:
        self.tokens = _tokens(text, where)
        self.token = next(self.tokens)
        self.open = [(Options("the network", Mark(where, text, 0, 0)), "")]
        self.values = 0

    def take(self) -> Token:
        """Return the next token and go on behind it."""
        token = self.token
        if token.sort != "end":
            self.token = next(self.tokens)
        return token

    def skip(self, sign: str) -> bool:
        """Go behind a sign if it comes next."""
        found = self.token.sort == "sign" and self.token.text == sign
        if found:
            self.take()
        return found

    def message(self) -> Options:
        """Read fields to the end of the text."""
        while self.token.sort != "end":
            token = self.take()
            if token.sort == "word":
                self.field(token)
            elif token.text in _OPENED and self.open[-1][1] == _OPENED[token.text]:
                self.open.pop()
            elif token.text not in (",", ";"):
                raise wrong(f"a field's name belongs here, not '{token.text[:40]}'", token.mark)
        if len(self.open) > 1:
            raise wrong(f"'{self.open[-1][0].what}' is never closed", self.open[-1][0].mark)
        return self.open[0][0]

    def field(self, key: Token) -> None:
        """Read what follows a field's name: a value, a list of them, or the opening of a message."""
        colon = self.skip(":")
        for sign in _OPENED.values():
            if self.skip(sign):
                self.enter(key, sign)
                return
        if not colon:
            raise wrong(f"'{key.text[:60]}' needs a value, or braces", key.mark)
        if not self.skip("["):
            self.put(key, self.value(key))
            return
        while not self.skip("]"):
            self.put(key, self.value(key))
            self.skip(",")

    def enter(self, key: Token, sign: str) -> None:
        """Open a message."""
        if len(self.open) >= DEEPEST:
            raise wrong(f"messages are nested more than {DEEPEST} deep", key.mark)
        group = Options(key.text, key.mark)
        self.put(key, group)
        self.open.append((group, sign))

    def value(self, key: Token) -> str:
        """Read a word, a number, or strings side by side, which are one."""
        token = self.take()
        if token.sort in ("sign", "end"):
            raise wrong(f"'{key.text[:60]}' needs a value", key.mark)
        if token.sort != "string":
            return token.text
        parts = [token.text[1:-1]]
        while self.token.sort == "string":
            parts.append(self.take().text[1:-1])
        return "".join(parts)

    def put(self, key: Token, value: str | Options) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            raise wrong(f"more than {MOST_VALUES:,} values", key.mark)
        self.open[-1][0].put(key.text, value, key.mark)


def _tokens(text: str, where: str) -> Iterator[Token]:
    """Yield the tokens line by line, the end last; raise SpecError at a character that begins none."""
    number, line = 0, ""
    for number, line in enumerate(text.splitlines()):
        place = 0
        while place < len(line):
            found = _TOKEN.match(line, place)
            mark = Mark(where, text, number, place, max(1, found.end() - place if found else 1))
            if found is None:
                raise wrong(
                    f"'{line[place]}' has no place here", mark, "is a quote not closed?" * (line[place] in "\"'")
                )
            if found.lastgroup:
                yield Token(found.lastgroup, found[0], mark)
            place = found.end()
    yield Token("end", "", Mark(where, text, number, len(line)))
