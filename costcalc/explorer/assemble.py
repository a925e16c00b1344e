"""The page as one file: its HTML with the style, the modules and the data inside, so that nothing is fetched."""

from __future__ import annotations

import os
import re

FOLDER = os.path.join(os.path.dirname(__file__), "page")
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)


def page(data: str, title: str) -> str:
    """Return the page that shows data (JSON, as page/types.js describes it), under a title."""
    parts = {
        "title": title.replace("&", "&amp;").replace("<", "&lt;"),
        "style": _text("page.css"),
        "data": data.replace("<", "\\u003c"),  # a name cannot end the script that it stands in
        "script": "\n".join(_modules("main.js", [])),
    }
    return re.sub(r"<!-- (\w+) -->", lambda found: parts[found[1]], _text("page.html"))


def _modules(name: str, seen: list[str]) -> list[str]:
    """Return the texts of a module and all that it imports, each once and after what it needs, as one module."""
    if name in seen:
        return []
    seen.append(name)
    text = _text(name)
    needed = [part for other in IMPORT.findall(text) for part in _modules(other, seen)]
    return [*needed, EXPORT.sub("", IMPORT.sub("", text))]


def _text(name: str) -> str:
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()
