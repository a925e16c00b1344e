"""The site of the pages (docs/conf.py): no warning, whole, nothing is fetched when a page opens."""

from __future__ import annotations

import inspect
import os
import posixpath
import re
import subprocess
import sys
import zlib
from collections.abc import Iterable
from functools import lru_cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import generate
import house
import pytest

import costcalc
from costcalc.cli import COMMANDS

ROOT = generate.ROOT
HOST = "https://github.com/costcalc/costcalc/blob/main/"


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_is_whole(tmp_path: Path) -> None:
    """Every warning is an error; then each check below says what is wrong."""
    for package in ("sphinx", "furo", "myst_nb"):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(tmp_path / "site")], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 0)
    checks = (
        without_a_page,
        returned_without_a_page,
        commands_without_a_page,
        missing_pages,
        broken_links,
        broken_links_to_the_code_host,
        fetched_from_elsewhere,
        not_found_by_the_search,
        rooms_that_are_not_drawn,
    )
    wrong = {check.__name__: sorted(check(tmp_path / "site")) for check in checks}
    assert {name: found for name, found in wrong.items() if found} == {}


# ---- functions and commands ----------------------------------------------------------------------


def public() -> list[str]:
    """Return every public function and class, by the name that users import."""
    found = [f"costcalc.{name}" for name in costcalc.__all__ if name != "__version__"]
    for room in ("estimates", "plots", "torch"):
        module = import_module(f"costcalc.{room}")
        own = [
            name for name, one in inspect.getmembers(module, inspect.isfunction) if one.__module__ == module.__name__
        ]
        named = getattr(module, "__all__", [name for name in own if not name.startswith("_")])
        found += [f"costcalc.{room}.{name}" for name in named]
    assert len(found) > 30
    return found


def documented(site: Path) -> set[str]:
    """Return the names of Python that the site has an entry for."""
    entries = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    return {line.split(" ")[0] for line in entries.splitlines() if " py:" in line}


def without_a_page(site: Path) -> Iterable[str]:
    known = documented(site)
    return [name for name in public() if name not in known or not (site / "functions" / f"{name}.html").is_file()]


def returned_without_a_page(site: Path) -> Iterable[str]:
    """What a public function returns is a class that has one."""
    returned: set[str] = set()
    for name in public():
        module, _, own = name.rpartition(".")
        thing = getattr(import_module(module), own)
        if inspect.isfunction(thing):
            returned |= set(re.findall(r"\b[A-Z]\w+", str(inspect.signature(thing).return_annotation)))
    anything = {"DataFrame", "Figure", "Any", "Datum", "None"}
    return returned - {name.rpartition(".")[2] for name in documented(site)} - anything


def commands_without_a_page(site: Path) -> Iterable[str]:
    report = (site / "commands" / "report.html").read_text(encoding="utf-8")
    missing = [name for name in COMMANDS if not (site / "commands" / f"{name}.html").is_file()]
    return missing + [option for option in ("--receptive-field", "--KNOB", "--knob") if option not in report]


# ---- pages and links -----------------------------------------------------------------------------


class Opened(HTMLParser):
    """What a page links, what it loads, and the anchors that it has."""

    LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.anchors.add(said.get("id", ""))
        if tag == "a" and said.get("href"):
            self.links.append(said["href"])
        if said.get(self.LOADS.get(tag, "")):
            self.loads.append(said[self.LOADS[tag]])


@lru_cache
def opened(site: Path) -> dict[str, Opened]:
    found = sorted(site.rglob("*.html"))
    return {path.relative_to(site).as_posix(): Opened(path.read_text(encoding="utf-8")) for path in found}


def missing_pages(site: Path) -> Iterable[str]:
    pages = [path.stem for path in ROOT.glob("docs/*.md")]
    pages += [f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/*.ipynb")]
    pages += ["project/readme", "project/changes", "project/contributing"]
    return {f"{page}.html" for page in pages} - opened(site).keys()


def broken_links(site: Path) -> Iterable[str]:
    for name, page in opened(site).items():
        for link in page.links:
            parts = urlsplit(link)
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path) or Path(name).name))
            anchors = opened(site)[path].anchors if path in opened(site) else set()
            held = (site / path).is_file() and (not parts.fragment or unquote(parts.fragment) in anchors)
            if not parts.scheme and link != "#" and not held:
                yield f"{name}: {link}"


def broken_links_to_the_code_host(site: Path) -> Iterable[str]:
    linked = {link.removeprefix(HOST) for page in opened(site).values() for link in page.links if link.startswith(HOST)}
    return [path for path in linked if not (ROOT / urlsplit(path).path).exists()]


def fetched_from_elsewhere(site: Path) -> Iterable[str]:
    for name, page in opened(site).items():
        yield from (f"{name}: {one}" for one in page.loads if re.match(r"(https?:)?//", one))
    for path in site.rglob("*.css"):
        yield from re.findall(r"(?:url\(|@import )[\"']?https?:[^)\"']*", path.read_text(encoding="utf-8"))


def not_found_by_the_search(site: Path) -> Iterable[str]:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    return [word for word in ("costcalc.scale_compound", "functions/costcalc.count", "receptive") if word not in index]


def rooms_that_are_not_drawn(site: Path) -> Iterable[str]:
    design = (site / "design.html").read_text(encoding="utf-8")
    return [room for floor in house.FLOORS for room in floor if not re.search(rf"<text [^>]*>{room}</text>", design)]
