"""Formulas of notebooks as MathML, which a browser draws itself: no script is fetched."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def inline(writer: Any, node: nodes.Element) -> None:
    """Write a formula within a line."""
    write(writer, node, display=False)


def displayed(writer: Any, node: nodes.Element) -> None:
    """Write a formula on a line of its own."""
    write(writer, node, display=True)


def write(writer: Any, node: nodes.Element, *, display: bool) -> None:
    """Write a formula."""
    writer.body.append(tex2mathml(node.astext(), as_block=display))
    raise nodes.SkipNode
