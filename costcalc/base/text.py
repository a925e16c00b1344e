"""Text that others wrote (names, sources, notes), made harmless where it is shown; one thing, or several."""

from __future__ import annotations

from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@")  # what a spreadsheet opens as a formula

SPECIAL = {
    "text": {},
    "markdown": {sign: f"\\{sign}" for sign in "\\|*_<`"},
    "latex": {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "…": r"\ldots{}", "·": r"$\cdot$",
    },
    "html": {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"},
}  # fmt: skip


def printable(text: str) -> str:
    """Return a text without the characters that could steer a terminal: escapes, line ends, marks of direction."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def clean(text: str, format_: str = "text") -> str:
    """Return a text as it may stand in a format: on one line, its special characters escaped, no formula in a CSV."""
    shown = printable(text)
    if format_ == "csv":
        return f"'{shown}" if shown.lstrip().startswith(FORMULA) or text.startswith("\t") else shown
    special = SPECIAL[format_]
    return "".join(special.get(c, c) for c in shown) if special else shown


def lines(said: Iterable[str]) -> str:
    """Return lines as one text, each harmless."""
    return "\n".join(map(printable, said))


def is_identifier(text: str) -> bool:
    """Say whether a text is an ASCII letter or _, then letters, digits and _."""
    return text.isascii() and text.isidentifier()


def is_word(text: str) -> bool:
    """Say whether a text is letters, digits, and any of _ . - only, one at least."""
    return bool(text) and all(c.isalnum() or c in "_.-" for c in text)


def plural(number: int, thing: str) -> str:
    """Return '1 argument', '2 arguments'."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
