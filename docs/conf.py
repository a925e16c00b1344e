"""The site of these pages: `python -m sphinx -W docs SITE`. What stands on the code host is what is built here.

What the pages do not hold is made when Sphinx starts (`building/made`): a page for each function and class, for each
command, for each notebook. Links are those of the code host; `building/links` turns them to where a page is here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pygments.lexers.data import YamlLexer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from building import docstrings, formulas, links, made, mermaid  # noqa: E402 - from beside this file

import costcalc  # noqa: E402 - of this checkout

project, author, copyright = "costcalc", "costcalc contributors", "costcalc contributors"  # noqa: A001 - Sphinx's words
release = version = costcalc.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

myst_heading_anchors = 6  # the anchors that code hosts give
myst_enable_extensions = ["dollarmath"]
myst_dmath_allow_digits = False  # $5 and $6 are no formula
myst_fence_as_directive = ["mermaid"]
smartquotes = False
nb_execution_mode = "off"  # the saved outputs are held fresh by a test

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_type_aliases = {
    name: name for name in "NetworkLike Knobs Rule Options Limits GivenShape InputShape Datum Data Dim Dims".split()
} | {"Shape": "GivenShape"}  # of `api`, where it is no class
maximum_signature_line_length = 90
add_module_names = False
toc_object_entries = False

html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"costcalc {release}"
html_static_path = ["building/static"]
html_css_files = ["site.css"]
html_show_sphinx = html_show_sourcelink = html_copy_source = False


def setup(app: Any) -> None:
    """Make the pages that are made, and say what becomes of links, docstrings and pictures."""
    made.write(HERE)
    app.connect("source-read", lambda _, page, source: links.turn(page, source))
    app.connect("autodoc-process-docstring", lambda *given: docstrings.as_rst(given[-1]))
    app.add_html_math_renderer("mathml", (formulas.inline, None), (formulas.displayed, None))
    app.add_lexer("convention", YamlLexer)  # a fence that says what file it is
    app.add_directive("mermaid", mermaid.Flowchart)
