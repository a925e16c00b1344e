"""Links as the code host has them, turned to where the site has the page; and which page stands under which.

A page may link any file of the repository. On the site some of them are pages, under other names; data files of the
pages are downloads; the others are on the code host.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

HOST = "https://github.com/costcalc/costcalc/blob/main"
ROOT = Path(__file__).resolve().parent.parent.parent
# Pages that lie elsewhere in the repository, and what they are called on the site.
ELSEWHERE = {
    "README.md": "project/readme",
    "CHANGELOG.md": "project/changes",
    ".github/CONTRIBUTING.md": "project/contributing",
    "notebooks/README.md": "notebooks/index",
}
NOTEBOOKS = {path.relative_to(ROOT).as_posix(): f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/*.ipynb")}
PLACES = ELSEWHERE | NOTEBOOKS  # of a file, the page's name
ORIGINS = {page: file for file, page in PLACES.items()}
LINK = re.compile(r"(```.*?```|`[^`\n]*`)|(?<=\]\()([^)\s]+)(?=\))", re.DOTALL)
# What is made for the site alone, by the page that it stands under.
UNDER = {
    "python": ("Each function and class", "functions/index"),
    "commands": ("Each command's options", "commands/index"),
}


def turn(page: str, source: list[str]) -> None:
    """Turn the links of one of the pages, and put the tree of pages under it that it is the door of."""
    if page in ORIGINS or page.startswith(("functions/", "commands/")):
        return  # turned when it was made
    text = turned(source[0], f"docs/{page}.md", page)
    if page == "index":
        text += tree_of_index(text)
    if page in UNDER:
        title, under = UNDER[page]
        text += f"\n\n## {title}\n\n{toctree(['/' + under])}"
    source[0] = text


def turned(text: str, file: str, page: str) -> str:
    """Return the text of a page, which is a file of the repository, with links to where things are on the site."""

    def link(found: re.Match[str]) -> str:
        return found[1] or target(found[2], file, page)

    return LINK.sub(link, text)


def target(link: str, file: str, page: str) -> str:
    """Return where a link of a file leads from the page that the file is on the site."""
    if "://" in link or link.startswith("#"):
        return link
    path, hash_, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if path in PLACES:
        path = f"docs/{PLACES[path]}{'.ipynb' if path in NOTEBOOKS else '.md'}"
    if not path.startswith("docs/"):
        return f"{HOST}/{path}{hash_}{anchor}"
    return posixpath.relpath(path, posixpath.dirname(f"docs/{page}")) + hash_ + anchor


def tree_of_index(text: str) -> str:
    """Return the tree of all pages as the index has them: a heading in bold, and the pages that are linked under it."""
    parts = re.split(r"^\*\*(.+)\*\*$", text, flags=re.MULTILINE)
    seen: set[str] = set()
    trees = []
    for title, part in [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]:
        found = re.findall(r"\[([^\]]+)\]\(([\w/-]+)\.(?:md|ipynb)\)", part)
        pages = [f"{said[0].upper()}{said[1:]} </{page}>" for said, page in found if page not in seen]
        seen.update(page for _, page in found)
        trees.append(toctree(pages, title, hidden=True))
    return "\n\n" + "\n".join(trees)


def toctree(pages: list[str], title: str = "", *, hidden: bool = False) -> str:
    """Return MyST's tree of pages."""
    options = [f":caption: {title}"] if title else []
    options += [":hidden:"] if hidden else [":maxdepth: 2"]
    return "\n".join(["```{toctree}", *options, "", *pages, "```", ""])
