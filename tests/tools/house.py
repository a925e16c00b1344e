"""The floors of the house, and its picture in docs/design.md, made from the imports as they are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "costcalc"

# From the ground up: what a folder (or a file beside them) imports lies in itself or on a floor before its own.
# Folders of one floor stand side by side and do not know each other.
FLOORS = [
    ["base"],
    ["numbers"],
    ["operators"],
    ["language"],
    ["graph"],
    ["costs"],
    ["hardware"],
    ["measures"],
    ["sweeps", "reports"],
    ["published"],
    ["comparisons", "explanations", "transforms", "interop", "spaces"],
    ["asked"],
    ["estimates"],
    ["explorer"],
    ["plots"],
    ["api"],
    ["torch", "cli"],
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.parent.name != "parsed"  # data that is generated
}


def room(module: str) -> str:
    """Return the folder that a module lies in, or its own name where it lies beside the folders; '' for costcalc."""
    return module.split(".")[1] if "." in module else ""


@cache
def tree(module: str) -> ast.Module:
    """Return what a module's text says."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str, *, typing: bool = True, functions: bool = True) -> frozenset[str]:
    """Return all that a module imports: names with their module, and the module itself.

    typing: those under `if TYPE_CHECKING` too. functions: those inside functions too.
    """
    found: set[str] = set()
    stack: list[ast.AST] = [tree(module)]
    while stack:
        node = stack.pop()
        if not typing and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
        if functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stack += ast.iter_child_nodes(node)
    return frozenset(found)


@cache
def uses(module: str, *, typing: bool = True) -> frozenset[str]:
    """Return the modules of costcalc that a module imports, in functions too."""
    return imports(module, typing=typing) & MODULES.keys() - {module, "costcalc"}


def circles() -> list[list[str]]:
    """Return the circles of modules that import each other, in whatever place; imports for typing are none."""
    graph = {module: uses(module, typing=False) for module in MODULES}
    reached = {}
    for start in graph:
        seen: set[str] = set()
        stack = [start]
        while stack:
            for used in graph[stack.pop()] - seen:
                seen.add(used)
                stack.append(used)
        reached[start] = seen
    rings = {tuple(sorted(m for m in reached[one] if one in reached[m])) for one in graph if one in reached[one]}
    return [list(ring) for ring in sorted(rings)]


def arrows() -> dict[str, set[str]]:
    """Return which rooms each room imports from the floors below its own."""
    found: dict[str, set[str]] = {name: set() for name in FLOOR_OF}
    for module in MODULES:
        here = room(module)
        if here in found:
            found[here] |= {room(used) for used in uses(module) if FLOOR_OF[room(used)] < FLOOR_OF[here]}
    return found


def climbing() -> list[str]:
    """Return the imports that lead up, or aside."""
    return [
        f"{module} -> {used}"
        for module in MODULES
        for used in sorted(uses(module))
        if room(module) in FLOOR_OF and room(used) != room(module) and FLOOR_OF[room(used)] >= FLOOR_OF[room(module)]
    ]


@cache
def picture() -> str:
    """Return the floors as a Mermaid diagram: an arrow for each import that no longer way stands for."""
    graph = arrows()
    lines = ["flowchart TD"]
    for floor in reversed(FLOORS):
        for name in floor:
            below = graph[name] - {far for near in graph[name] for far in _all_below(near, graph)}
            lines += [f"    {name} --> {' & '.join(sorted(below, key=_high_first))}"] if below else []
    return "\n".join(lines) + "\n"


def _all_below(name: str, graph: dict[str, set[str]]) -> set[str]:
    return graph[name].union(*(_all_below(one, graph) for one in graph[name]))


def _high_first(name: str) -> tuple[int, str]:
    return (-FLOOR_OF[name], name)


def with_picture(page: str) -> str:
    """Return a page with the picture in its Mermaid block as it is now."""
    return re.sub(r"^(```mermaid floors\n).*?(```)$", rf"\1{picture()}\2", page, flags=re.DOTALL | re.MULTILINE)
