"""The structure of the house: floors import only floors below, heavy imports are lazy, no operator has two homes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import house
import pytest
from house import FLOOR_OF, MODULES, room

import costcalc
from costcalc.operators import op

MODULE_NAMES = [name for name in MODULES if room(name)]


def test_every_folder_has_a_floor() -> None:
    assert {room(name) for name in MODULE_NAMES} == {*FLOOR_OF, "__main__"}


def test_floors_import_only_floors_below() -> None:
    assert house.climbing() == []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert house.circles() == []


def test_the_house_has_a_short_hall() -> None:
    assert len([path for path in MODULES.values() if path.parent == house.PACKAGE]) <= 6


def test_no_class_name_stands_twice() -> None:
    homes: dict[str, list[str]] = {}
    for name in MODULES:
        for node in ast.walk(house.tree(name)):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_public_name_is_a_module() -> None:
    """`import costcalc.measures.work` would put a module where a function of that name stood."""
    assert {*costcalc.__all__} & {room(name) for name in MODULES} == set()


def test_every_floor_says_what_lives_there() -> None:
    folders = [name for name, path in MODULES.items() if path.name == "__init__.py"]
    assert [name for name in folders if not ast.get_docstring(house.tree(name))] == []


# What may be imported at the top of a module, beyond the standard library and costcalc itself.
USED_THROUGHOUT = {"cli": {"click"}, "spaces": {"numpy"}}  # rooms that are themselves imported where they are asked
THIRD_PARTY = {"click", "rich", "yaml", "numpy", "pandas", "torch", "matplotlib", "onnx", "pyarrow", "dask"}


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_heavy_imports_stand_in_functions(name: str) -> None:
    heavy = {used.split(".")[0] for used in house.imports(name, typing=False, functions=False)} & THIRD_PARTY
    assert heavy <= USED_THROUGHOUT.get(room(name), set())


def test_yaml_is_read_in_one_module_and_click_in_one_folder() -> None:
    def users(package: str) -> list[str]:
        found = MODULE_NAMES
        return [
            name for name in found if any(used.split(".")[0] == package for used in house.imports(name, typing=False))
        ]

    assert users("yaml") == ["costcalc.language.source"]
    assert {room(name) for name in users("click")} == {"cli"}


NOT_LOADED = THIRD_PARTY - {"click"} | {"importlib.metadata", "dataclasses", "typing_extensions"}
# What a plain report has no use for: bars, columns of words, and what words for networks and knobs mean.
UNUSED = {
    "reports.sparklines", "reports.body", "measures.field", "comparisons.networks", "sweeps.grids",
    "language.yaml_errors", "hardware.roofline", "operators.families.join", "operators.families.view",
}  # fmt: skip
COMMANDS = [
    (["report", "mobilenet_v1"], set()),
    (["report", "mobilenet_v1", "--width", "0.5"], set()),
    (["report", "resnet50", "--format", "csv"], set()),
    (["report", "mobilenet_v2", "--format", "json"], set()),
    (["explain", "mobilenet_v1", "conv"], set()),
    (["validate", "alexnet"], set()),
    (["size", "alexnet", "--bits", "8"], set()),
    (["latency", "mobilenet_v1", "--device", "pixel1_big_core"], {"yaml"}),  # which the device's file needs
    (["energy", "alexnet"], {"yaml"}),
]


@pytest.mark.parametrize(("arguments", "allowed"), COMMANDS, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_a_command_loads_only_what_it_needs(arguments: list[str], allowed: set[str]) -> None:
    code = (
        "import sys\nfrom costcalc.cli import main\nsys.argv[1:] = " + repr(arguments) + "\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('\\n' + ' '.join(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "costcalc.graph.expand" in loaded
    assert loaded & NOT_LOADED == allowed
    assert arguments != ["report", "mobilenet_v1"] or not loaded & {f"costcalc.{name}" for name in UNUSED}


def test_importing_costcalc_loads_nothing() -> None:
    code = "import sys, costcalc; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & (THIRD_PARTY | NOT_LOADED)
    assert {name for name in loaded if name.startswith("costcalc")} == {"costcalc"}


# Words of the language that happen to be operators' names too, or Python's own.
COMMON = {
    "custom", "input", "pad", "scale", "slice", "split", "shift", "add", "crop", "identity", "multiply", "tanh",
    "fold", "maximum", "mean", "minimum", "opaque", "parameter", "where", "compare", "scan",
}  # fmt: skip
# Importers and exporters translate between vocabularies, and transformations make other layers: they name operators.
ENGINE = [
    name
    for name in MODULE_NAMES
    if room(name) not in ("interop", "transforms") and not name.startswith("costcalc.operators.families")
]


@pytest.mark.parametrize("name", ENGINE)
def test_the_engine_names_no_operator(name: str) -> None:
    """No operator's kind stands in the engine as a name or a whole text: no table, no if, no list of them."""
    words = {kind for kind in op.operators() if kind not in COMMON}
    tree = house.tree(name)
    used = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    used |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert not used & words


def test_kinds_are_lower_snake_case_and_documented() -> None:
    for name, cls in op.operators().items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert cls.__doc__
