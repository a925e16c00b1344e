"""The structure of the house: floors import only floors below, heavy imports are lazy, no operator has two homes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import costcalc
from costcalc import op

PACKAGE = Path(costcalc.__file__).parent

# A floor may import from itself and from those above it in this table. A new module gets its floor here.
FLOORS = [
    {"errors", "num", "shape", "symbol", "spread", "optional"},
    {"fields", "evaluate", "expr", "signature", "complaints", "source", "textfile"},
    {"op", "window"},
    {"ops"},
    {
        "context", "document", "values", "items", "aside", "reader", "zoo", "resolve",
        "graph", "scope", "binder", "placer", "tables", "expand", "grids",
    },
    {"counting", "conventions", "formulas", "profile", "published", "sweeping", "walking"},
    {
        "swept", "parts", "solving", "references", "comparing", "aligning", "diffing", "difftable", "budgets",
        "baselines", "account", "result", "report", "records", "frame", "explain", "disagreement", "reconciling",
        "schema", "reference", "render", "plots", "sparks",
    },
    {"interop", "transforms"},
    {"api", "cli", "torch"},
]  # fmt: skip
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# The rooms on a floor that import each other do so in one direction; this is the order on floor 4.
ORDER = "context document values items aside reader zoo resolve graph scope binder placer tables expand".split()

MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name not in ("__init__.py", "__main__.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, *, top_only: bool = False) -> set[str]:
    """Return the modules that a file imports; those under `if TYPE_CHECKING` are no imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        if not (top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            stack += ast.iter_child_nodes(node)
    return found


def rooms_used(path: Path) -> set[str]:
    own = (name.split(".")[1] for name in imports(path) if name.startswith("costcalc."))
    return {name for name in own if name in FLOOR_OF}


def test_every_room_has_a_floor() -> None:
    assert {room(path) for path in MODULES} == set(FLOOR_OF)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_floors_import_only_floors_below(path: Path) -> None:
    here = room(path)
    above = {used for used in rooms_used(path) if FLOOR_OF[used] > FLOOR_OF[here]}
    # The registry loads the operators by what lies in their folder: it names none of them.
    assert above <= ({"ops"} if here == "op" else set())


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) in ORDER], ids=lambda p: p.stem)
def test_rooms_of_the_document_floor_import_one_way(path: Path) -> None:
    here = ORDER.index(room(path))
    assert all(ORDER.index(used) <= here for used in rooms_used(path) if used in ORDER)


# What may be imported at the top of a module, beyond the standard library and costcalc itself.
THIRD_PARTY = {"click", "rich", "yaml", "numpy", "pandas", "torch", "matplotlib", "onnx", "pyarrow", "dask"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_imports_stand_in_functions(path: Path) -> None:
    heavy = {name.split(".")[0] for name in imports(path, top_only=True)} & THIRD_PARTY
    assert heavy <= ({"click"} if room(path) == "cli" else set())


def test_yaml_is_read_in_one_room_and_click_in_another() -> None:
    def users(package: str) -> set[str]:
        return {room(p) for p in MODULES if any(i.split(".")[0] == package for i in imports(p))}

    assert (users("yaml"), users("click")) == ({"source"}, {"cli"})


NOT_LOADED = THIRD_PARTY - {"click", "yaml"} | {"importlib.metadata", "dataclasses", "typing_extensions"}
COMMANDS = [
    (["report", "mobilenet_v1"], set()),
    (["report", "resnet50", "--format", "csv"], set()),
    (["report", "mobilenet_v2", "--format", "json"], set()),
    (["explain", "mobilenet_v1", "conv"], set()),
    (["validate", "alexnet"], set()),
]


@pytest.mark.parametrize(("arguments", "allowed"), COMMANDS, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_a_command_loads_only_what_it_needs(arguments: list[str], allowed: set[str]) -> None:
    code = (
        "import sys\nfrom costcalc.cli import main\nsys.argv[1:] = " + repr(arguments) + "\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('\\n' + ' '.join(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "costcalc.expand" in loaded
    assert loaded & NOT_LOADED == allowed


def test_importing_costcalc_loads_nothing() -> None:
    code = "import sys, costcalc; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & (THIRD_PARTY | NOT_LOADED)
    assert {name for name in loaded if name.startswith("costcalc")} == {"costcalc"}


# Words of the language that happen to be operators' names too, or Python's own.
COMMON = {
    "custom", "input", "pad", "scale", "slice", "split", "shift", "add", "crop", "identity", "multiply", "tanh",
    "fold", "maximum", "mean", "minimum", "opaque", "parameter",
}  # fmt: skip
# Importers and exporters translate between vocabularies, and transformations make other layers: they name operators.
ENGINE = [p for p in MODULES if room(p) not in ("ops", "interop", "transforms")]


@pytest.mark.parametrize("path", ENGINE, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_engine_names_no_operator(path: Path) -> None:
    """No operator's kind stands in the engine as a name or a whole text: no table, no if, no list of them."""
    words = {name for name in op.operators() if name not in COMMON}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    used |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert not used & words


def test_kinds_are_lower_snake_case_and_documented() -> None:
    for name, cls in op.operators().items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert cls.__doc__


LONGEST_FILE, LONGEST_FUNCTION = 400, 40


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_can_be_read_in_one_go(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"
