"""A table as LaTeX, for a paper: booktabs rules, escaped text."""

from __future__ import annotations

from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "…": r"\ldots{}", "·": r"$\cdot$",
}  # fmt: skip


def escaped(text: str) -> str:
    """Return a text with LaTeX's special characters made harmless."""
    return "".join(_SPECIAL.get(c, c) for c in text)


def render(table: Table, notes: list[str], *, exact: bool = False) -> str:
    r"""Return the table as a tabular that needs \usepackage{booktabs}; the notes stand as comments."""
    heads, texts = cells(table, exact=exact)
    titles = [f"{escaped(title)} [{unit}]" if unit else escaped(title) for title, unit in heads]
    spec = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    rows = [" & ".join(escaped(text) for text in row) + r" \\" for row in texts]
    return "\n".join(
        [
            *(f"% {note}" for note in notes),
            rf"\begin{{tabular}}{{{spec}}}",
            r"\toprule",
            " & ".join(titles) + r" \\",
            r"\midrule",
            *rows[:-1],
            r"\midrule",
            rows[-1],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )
