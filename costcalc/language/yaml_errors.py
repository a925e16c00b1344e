"""What YAML's parser complains about, in words that say what to do."""

from __future__ import annotations

import re

_CLOSERS = {"{": "}", "[": "]"}

# What the parser says, what that means, and what to do; no meaning: its own words will do.
_SAID = (
    ("block end|expected key|'-' indicator", "the line does not fit the indentation around it",
     "items of one list begin in one column"),
    ("could not find expected ':'", "a key without ': value'", "write 'key: value', with a space after the colon"),
    ("sequence entries are not allowed", "a list of - cannot begin on this line",
     "begin it on the next line, or write [a, b]"),
    ("escape", "", "between single quotes, or without quotes, a \\ is only a \\"),
    ("alphabetic or numeric", "", "an expression that begins with * or & needs quotes"),
    ("anchor|alias", "", "an expression that begins with * or & needs quotes"),
)  # fmt: skip


def explained(said: str, line: str, above: str, column: int) -> tuple[str, str]:
    """Return message and hint for what YAML's parser says."""
    if "start any token" in said or "tab character" in said:
        if line[column : column + 1] == "\t" or (line[:column].isspace() and "\t" in line[:column]):
            said = "stands before this value" if line[:column].strip() else "indents this line"
            return f"a tab {said}", "YAML takes spaces only"
        return f"a value cannot begin with {line[column : column + 1]!r}", "quote it"
    if said.startswith("mapping values are not allowed"):
        return _unexpected_colon(above)
    at = line[column : column + 1]
    if said.startswith("not closed") and "expected ':'" not in said:
        return f"this {at} is not closed", f"close it with {_CLOSERS.get(at, at)}"
    if "',' or '}'" in said or "',' or ']'" in said:
        return f"a , or {said[-2]} is expected here", "quote an expression that holds , [ or { inside braces"
    if "expected key" in said and line[:column].strip():
        wrong = f"this {at} closes nothing" if at and at in "}]" else "the value has ended before this"
        return wrong, "remove it, or quote the whole value"
    for pattern, message, hint in _SAID:
        if re.search(pattern, said):
            return message or f"this is no YAML: {said}", hint
    return f"this is no YAML: {said}", ""


def _unexpected_colon(above: str) -> tuple[str, str]:
    """Say what the line above a misplaced ':' shows to be the cause."""
    message = "a ':' is not expected here"
    if re.match(r"\s*(- )?\w+:\S", above):
        return message, f"'{above.strip()}' has no space after its colon"
    if re.match(r"\s*- \w+\s*\Z", above):
        word = above.strip()[2:]
        return message, f"a bare word takes no modifier on the next line: write {{{word}, name: ...}}"
    return message, "the indentation is off, or text that holds ': ' needs quotes"
