"""The documentation holds: generated files are fresh, examples run, nothing is left undocumented."""

from __future__ import annotations

import csv
import doctest
import json
import os
import re
import subprocess
import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click
import generate
import pytest
from house import FLOORS

import costcalc
from costcalc import api
from costcalc.cli import group
from costcalc.costs import conventions
from costcalc.graph.expand import expand
from costcalc.language import zoo
from costcalc.language.published_figures import PUBLISHED
from costcalc.language.schema import spec_schema
from costcalc.language.standalone import HOST, SCHEMA, for_an_editor, standalone
from costcalc.measures.metric import COUNTED
from costcalc.operators.fields import AMBIENT, FUNCTIONS, MODIFIERS, TENSORS, TOP
from costcalc.operators.op import COMPONENTS, REGISTRY, Op, operators, require_well_defined
from costcalc.reports.lines import VIEWS
from costcalc.reports.schema import report_schema

ROOT = generate.ROOT
PAGES = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in generate.pages()}
REFERENCE = (ROOT / generate.REFERENCE).read_text(encoding="utf-8")
EVERYTHING = "\n".join([*PAGES.values(), REFERENCE])
BLOCKS = [(page, fence) for page, text in PAGES.items() for fence in generate.FENCE.finditer(text)]


# ---- generated is fresh --------------------------------------------------------------------------


@pytest.mark.parametrize("file", generate.targets())
def test_what_is_generated_is_fresh(file: str) -> None:
    """A line that says what to run, no difference of whole files."""
    if generate.targets()[file]() != (ROOT / file).read_text(encoding="utf-8"):
        pytest.fail(f"{file} is stale: run python tests/tools/generate.py {file}", pytrace=False)


CHOSEN = [
    (["README", "reference"], {"README.md", generate.REFERENCE}),
    (["/parsed/mobilenet_v1."], {f"{generate.PARSED}/mobilenet_v1.py"}),
    (["schema"], set(generate.SCHEMAS)),
    (["README"], {"README.md"}),
    ([], set(generate.targets())),
]


@pytest.mark.parametrize(("words", "files"), CHOSEN)
def test_what_is_generated_is_chosen_by_words_of_its_names(words: list[str], files: set[str]) -> None:
    assert set(generate.chosen(words)) == files


def test_a_word_of_no_generated_file_is_told() -> None:
    with pytest.raises(SystemExit, match=r"'nonsuch' is in no name of costcalc/operators/"):
        generate.chosen(["README", "nonsuch"])


def test_each_operator_of_costcalc_is_well_defined() -> None:
    for cls in set(REGISTRY.values()):
        require_well_defined(cls)


CUTS = [
    ("a\n", "x\ny\n", "x\ny\n"),
    ("a\n...\n", "x\ny\nz\n", "x\n...\n"),
    ("a\n...\nb\n", "x\ny\nz\n", "x\n...\nz\n"),
    ("  ...\nb\n", "x\ny\n", "  ...\ny\n"),
    ("", "", ""),
]


@pytest.mark.parametrize(("shown", "whole", "made"), CUTS)
def test_a_cut_keeps_as_many_lines_before_and_after(shown: str, whole: str, made: str) -> None:
    assert generate.cut(shown, whole) == made


# ---- examples run --------------------------------------------------------------------------------

# Files that a page shows to be wrong; the outputs under them say how.
OTHERS = {"mistakes.yaml", "groups.yaml", "yolov8n-mine.yaml"}  # with mistakes, or of another format
SPECS = [(page, fence["file"] or "", fence["body"]) for page, fence in BLOCKS if fence["kind"] == "yaml"]
RIGHT = [(page, file, body) for page, file, body in SPECS if file not in OTHERS]


def wrapped(file: str, body: str) -> str:
    """Return a whole spec: a fragment is a list of items, or top-level keys."""
    if file != "fragment":
        return body
    head = "input: [16, 32, 32]\nlayers:\n" if body.startswith("- ") else ""
    return f"costcalc: 1\n{head}{body}"


@pytest.mark.parametrize(("page", "file", "body"), RIGHT, ids=[f"{p}-{n}" for n, (p, _, _) in enumerate(RIGHT)])
def test_every_spec_shown_is_a_spec(page: str, file: str, body: str) -> None:
    spec = zoo.load_text(wrapped(file, body), file)
    assert spec.problems == []
    assert expand(spec).nodes
    for variant in spec.variants:
        assert expand(spec.chosen(variant)).nodes


def files_of(page: str, folder: Path) -> None:
    for owner, fence in BLOCKS:
        if owner == page and fence["file"] and "." in fence["file"] and "/" not in fence["file"]:
            (folder / fence["file"]).write_text(fence["body"], encoding="utf-8")


def python(code: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own: an example may define operators."""
    path = os.pathsep.join((str(folder), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, env={**os.environ, "PYTHONPATH": path}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def doctests(page: str) -> str:
    return "\n".join(f["body"] for p, f in BLOCKS if p == page and f["kind"] == "python" and ">>> " in f["body"])


@pytest.mark.parametrize("page", [page for page in PAGES if doctests(page)])
def test_python_examples_give_what_they_show(page: str, tmp_path: Path) -> None:
    files_of(page, tmp_path)
    (tmp_path / "examples.txt").write_text(doctests(page), encoding="utf-8")
    code = "import doctest, sys; sys.exit(doctest.testfile('examples.txt', module_relative=False)[0])"
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_operator_of_ones_own_has_a_true_example_and_is_explained(tmp_path: Path) -> None:
    files_of("docs/from-a-paper.md", tmp_path)
    code = (
        "from blur import BlurPool as B\nfrom costcalc.operators import Shape\n"
        "for e in B.examples:\n"
        "    op, x = B(len(e.x) - 1, **e.fields), Shape(*e.x)\n"
        "    y = op.shape(x)\n"
        "    assert y == Shape(*e.y) and op.macs(x, y) == e.counts['macs']\n"
    )
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_operator_of_another_package_needs_no_import(tmp_path: Path) -> None:
    files_of("docs/from-a-paper.md", tmp_path)
    info = tmp_path / "blur-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blur\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[costcalc.operators]\nblur = blur\n", encoding="utf-8")
    spec = {"costcalc": 1, "input": [64, 112, 112], "layers": ["blur_pool"]}
    (tmp_path / "net.yaml").write_text(json.dumps(spec), encoding="utf-8")
    run = generate.shell(tmp_path, tmp_path / "bin")
    page = run("costcalc explain net.yaml blur_pool")
    assert "macs = " in page
    assert "0 params, 1,806,336 MACs" in page


ADDED = """
import runpy, sys, costcalc
from costcalc.hardware import device
from costcalc.operators.op import operators
from costcalc.operators import Shape
from costcalc.published.figures import check

runpy.run_path("costcalc/operators/families/smooth.py")
smooth_pool = operators()["smooth_pool"]
assert [example.mistake(smooth_pool) for example in smooth_pool.examples] == [""]

runpy.run_path("costcalc/measures/depth.py")
assert costcalc.count("resnet50").metric("weight_layers").total == 50 + 4

biased = costcalc.count("mobilenet_v1", convention="costcalc/data/conventions/biased.yaml")
assert biased.operations == 568_740_352 + 1000

board = device.load("costcalc/data/devices/my_board.yaml")
assert (board.kind, board.to_dict()["datasheet"]["bandwidth_gbs"]["value"]) == ("cpu", 12.8)

from pathlib import Path
from costcalc.interop.format import Head, ReadOptions
reader, file, first = runpy.run_path("costcalc/interop/chain/read.py"), Path("chain.csv"), "name,kind,out,kernel,stride"
file.write_text(first + "\\nc1,Conv2D,8,3,2\\nr1,ReLU,,,\\nc2,Conv2D,4,3,\\n")
assert reader["FORMAT"].is_it(Head("chain.csv"))
chain = costcalc.count(reader["read"]("chain.csv", ReadOptions((3, 16, 16))).data())
assert (chain.params, chain.macs) == (9*3*8 + 8 + 9*8*4 + 4, 7*7 * 9*3*8 + 5*5 * 9*8*4)
for cell, said in (("Conv3D", "did you mean 'Conv2D'?"), ("Conv2D,x", "'out' is a whole number, not 'x'")):
    file.write_text(f"{first}\\nc1,{cell}\\n")
    try:
        reader["read"]("chain.csv", ReadOptions())
    except costcalc.SpecError as error:
        assert said in str(error) and "chain.csv:2:1" in str(error)
    else:
        raise AssertionError(cell)

spec = costcalc.load("specs/all_cnn_c.yaml")
found = costcalc.count(spec)
assert found.params == 9*96*(3 + 96 + 96 + 192) + 9*192*192*3 + 192*192 + 192*10 + 3*96 + 5*192 + 10
assert [verdict.holds for verdict in check(spec)] == [True]

if "torch" in sys.argv:
    import torch
    sys.path.append(sys.argv[-1])
    from test_twins import test_an_operator_is_what_its_twin_is as held
    held("smooth_pool", smooth_pool)
    op, x, y = smooth_pool(2), Shape(4, 7, 6), Shape(4, 4, 3)
    assert op.torch(torch, x, y)(torch.rand(2, 4, 7, 6)).shape == (2, *op.shape(x).dims) == (2, *y.dims)
"""


def test_what_contributing_adds_is_right(tmp_path: Path) -> None:
    """Its examples are whole files; the numbers are by hand."""
    for page, fence in BLOCKS:
        if page == generate.CONTRIBUTING and "/" in (fence["file"] or ""):
            (tmp_path / fence["file"]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / fence["file"]).write_text(fence["body"], encoding="utf-8")
    done = python(ADDED, tmp_path, *(["torch", str(ROOT / "tests/operators")] if find_spec("torch") else []))
    assert done.returncode == 0, done.stderr


def test_the_examples_in_docstrings_are_true() -> None:
    found = doctest.testmod(api)
    assert found.attempted > 5
    assert found.failed == 0


# ---- nothing is undocumented ---------------------------------------------------------------------


@lru_cache
def commands() -> list[str]:
    from costcalc.cli import COMMANDS

    return list(COMMANDS)


def options() -> list[tuple[str, str]]:
    found = []
    for name in commands():
        command = group.get_command(click.Context(group), name)
        assert command is not None
        for part in (command, *getattr(command, "commands", {}).values()):
            found += [(name, option) for param in part.params for option in param.opts if option.startswith("--")]
    return found


def test_the_operators_of_each_component_are_named() -> None:
    """Of each but `elementwise`, which most have."""
    table = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGES["docs/conventions.md"], re.MULTILINE)
    named = {
        name: set(re.findall(r"`(\w+)`", text)) & set(operators()) for name, text in table if name in COMPONENTS[:6]
    }
    having = {name: {op.kind for op in operators().values() if name in op.counted} for name in COMPONENTS[:6]}
    assert named == having


def test_every_rule_of_an_operator_is_in_its_table() -> None:
    """What a class may say; the others are found out by the class itself, or help its rules."""
    own = {"kind", "aliases", "fields", "joins", "roles", "required", "settled", "checks", "counted", "examples"}
    own |= {"lacks", "learned", "learns", "of", "parsed", "plain"}
    rules = {name for name in vars(Op) if not name.startswith("_")} - own - {"defaults", "apart", "spatial"}
    assert rules <= set(re.findall(r"\w+", (Op.__doc__ or "").partition("---")[2]))


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented(name: str) -> None:
    assert re.search(rf"^\| \[`costcalc {name}\b[^`]*`\]\([^)]+\) \| \w", PAGES["docs/commands.md"], re.MULTILINE)


@pytest.mark.parametrize(("command", "option"), options())
def test_every_option_is_documented(command: str, option: str) -> None:
    assert re.search(rf"{option}\b", EVERYTHING), f"costcalc {command} {option}"


def code_words(page: str) -> set[str]:
    """Return the words that a page sets as code, outside its blocks."""
    text = generate.FENCE.sub("", PAGES[page])
    return {word for span in re.findall(r"`([^`\n]+)`", text) for word in [span, *re.findall(r"\w+", span)]}


DOCUMENTED = [
    ("docs/language.md", {*TOP, *MODIFIERS, *FUNCTIONS, *TENSORS, *AMBIENT, *PUBLISHED, "table", "do", "include"}),
    ("docs/conventions.md", {*COMPONENTS, *conventions.names()} - {"lecture", "costcalc"}),
    ("docs/words.md", {*VIEWS, *COUNTED, "params", "knobs", "options", "limits", "rows"}),
    ("docs/design.md", {folder for floor in FLOORS for folder in floor}),
]


@pytest.mark.parametrize(("page", "words"), DOCUMENTED, ids=[page for page, _ in DOCUMENTED])
def test_every_word_has_its_place_in_a_page(page: str, words: set[str]) -> None:
    assert words - code_words(page) == set()


def test_every_operator_is_in_the_reference() -> None:
    for name, cls in operators().items():
        assert f"### `{cls.kind}`" in REFERENCE
        assert f"`{name}`" in REFERENCE
    fields = {(cls.kind, field.name) for cls in operators().values() for field in cls.fields.values()}
    assert all(f"| `{name}` |" in REFERENCE for _, name in fields)


LIMITS = {
    "base.files": "LARGEST_FILE",
    "base.errors": "MOST_PROBLEMS",
    "language.source": "DEEPEST MOST_VALUES",
    "language.values": "LONGEST_LIST LONGEST_NAME",
    "language.reader": "MOST_AXES MOST_CALLS MOST_NAMES",
    "graph.evaluator": "MOST_WORK",
    "graph.includes": "MOST_INCLUDES",
    "language.expr": "LONGEST DEEPEST",
    "language.arithmetic": "LARGEST_POWER MOST_HELD",
    "numbers.num": "LARGEST LARGEST_TOTAL",
    "graph.expand": "MOST_ROWS MOST_STEPS MOST_TURNS DEEPEST",
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, said in LIMITS.items() for name in said.split()]
)
def test_the_limits_are_those_of_the_code(module: str, name: str) -> None:
    section = PAGES["docs/language.md"].split("\n## Limits\n")[1].split("\n## ")[0]
    value = getattr(import_module(f"costcalc.{module}"), name)
    assert re.search(rf"(?<![\d,]){value:,}(?![\d,])", section)


# ---- the schemas hold ----------------------------------------------------------------------------


def keys(schema: dict[str, object]) -> set[str]:
    """Return every key that a schema declares, at any depth."""
    found: set[str] = set()
    stack: list[object] = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            properties = part.get("properties")
            found |= set(properties) if isinstance(properties, dict) else set()
            stack += part.values()
        elif isinstance(part, list):
            stack += part
    return found


def test_every_key_of_the_reports_json_is_documented() -> None:
    assert keys(report_schema()) - code_words("docs/report-json.md") == set()


REPORTS = ["mobilenet_v1", "mobilenet_v2", "alexnet_grouped", "googlenet", "resnet50", "densenet121"]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(("convention", "batch"), [("costcalc", 1), ("lecture", 8)])
def test_reports_follow_their_schema(name: str, convention: str, batch: int) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    made = costcalc.count(name, convention=convention, batch=batch).to_dict()
    jsonschema.validate(json.loads(json.dumps(made)), report_schema())


@lru_cache
def of_specs() -> Any:
    """Return what validates specs: the schema itself is checked once."""
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(spec_schema())
    return jsonschema.Draft202012Validator(spec_schema())


@pytest.mark.parametrize("path", zoo.files(), ids=zoo.stem)
def test_the_zoos_specs_follow_the_schema_of_specs(path: str) -> None:
    root = zoo.load_file(path).root
    assert root is not None
    of_specs().validate(root.plain())


WRONG = {"costcalc": 1, "input": [3, 8, 8], "layers": [{"conv": {"out": 8, "kernal": 3}}]}


def test_the_schema_of_specs_refuses_an_unknown_field() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(WRONG, spec_schema())


def test_the_schema_for_editors_takes_the_zoo_and_refuses_an_unknown_field() -> None:
    """In the words of draft 07 alone, which older servers read: a `$ref` leads to `definitions`."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / SCHEMA).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    assert "$defs" not in json.dumps(schema)
    editor = jsonschema.Draft7Validator(schema)
    for path in zoo.files():
        root = zoo.load_file(path).root
        assert root is not None
        assert [error.message for error in editor.iter_errors(root.plain())] == [], path
    assert not editor.is_valid(WRONG)
    assert not editor.is_valid({"costcalc": 1, "input": [3, 8, 8], "layers": [], "layer": []})


@pytest.mark.parametrize("path", zoo.files(), ids=zoo.stem)
def test_an_editor_finds_the_schema_of_a_spec(path: str) -> None:
    """The zoo's files name it beside them, what `show` prints names it wherever the file will lie."""
    first = Path(path).read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=../{SCHEMA}"
    shown = for_an_editor(standalone(zoo.load_file(path))).splitlines()[0]
    assert shown == f"# yaml-language-server: $schema={HOST}/{SCHEMA}"


def test_what_has_no_line_for_editors_gets_one_unless_it_is_json() -> None:
    assert for_an_editor("costcalc: 1\n") == f"# yaml-language-server: $schema={HOST}/{SCHEMA}\ncostcalc: 1\n"
    assert for_an_editor('{"costcalc": 1}') == '{"costcalc": 1}'
    assert for_an_editor(own := "# yaml-language-server: $schema=mine.json\ncostcalc: 1\n") == own


# ---- facts and links -----------------------------------------------------------------------------

TABLE = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \|", PAGES["docs/conventions.md"], re.MULTILINE)


@pytest.mark.parametrize(("name", "macs", "doubled"), TABLE)
def test_the_comparison_with_tools_holds(name: str, macs: str, doubled: str) -> None:
    ours = costcalc.count(name).macs
    assert (f"{ours:,}", f"{2 * ours:,}") == (macs, doubled)


CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
LINKED = {**PAGES, "CHANGELOG.md": CHANGES, generate.REFERENCE: REFERENCE}
LINKS = [
    (page, link)
    for page, text in LINKED.items()
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL))
]


def anchors(text: str) -> set[str]:
    """Return the anchors that headings give, as code hosts make them."""
    heads = re.findall(r"^#+ (.*)$", generate.FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(("page", "link"), [(p, link) for p, link in LINKS if "://" not in link])
def test_relative_links_lead_somewhere(page: str, link: str) -> None:
    file, _, anchor = link.partition("#")
    target = (ROOT / page).parent / file if file else ROOT / page
    assert target.is_file()
    assert not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


# What names parts of the repository: pages, and the text of every module.
NAMING = {generate.CONTRIBUTING: generate.FENCE.sub("", PAGES[generate.CONTRIBUTING])} | {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for pattern in (
        "*.md",
        "docs/*.md",
        "notebooks/*.md",
        "tests/**/*.md",
        "benchmarks/*.py",
        "costcalc/**/*.py",
        "tests/**/*.py",
    )
    for path in sorted(ROOT.glob(pattern))
}
HERE = re.compile(r"(?<![\w/.*-])(?:benchmarks|costcalc(?!/costcalc/)|docs|notebooks|specs|tests|\.ci)/[\w./*-]*")
ROOMS = "|".join(room for floor in FLOORS for room in floor if room != "torch")  # which is PyTorch's name too
PART = re.compile(rf"`(?:costcalc[./])?((?:{ROOMS})(?:[./][a-z_]\w*)+)`")


def test_every_file_and_folder_that_is_named_is_there() -> None:
    named = {(name, word.rstrip("./")) for name, text in NAMING.items() for word in HERE.findall(text)}
    assert len(named) > 100
    shown = {fence["file"] for page, fence in BLOCKS if page == generate.CONTRIBUTING}
    assert {(name, word) for name, word in named if word not in shown and not any(ROOT.glob(word))} == set()


def resolves(part: str) -> bool:
    """Say whether `language/source` or `numbers.num.prod` is a module of costcalc, or stands in one, or is a file."""
    if (ROOT / "costcalc" / part).is_file():
        return True
    try:
        resolve_name(f"costcalc.{part.replace('/', '.')}")
    except (ImportError, AttributeError):
        return False
    return True


def test_every_module_that_is_named_is_there() -> None:
    named = {(name, part) for name, text in NAMING.items() for part in PART.findall(text)}
    assert len(named) > 5
    assert {(name, part) for name, part in named if not resolves(part)} == set()


HOSTS = {
    "arxiv.org",
    "github.com",
    "raw.githubusercontent.com",
    "json-schema.org",
    "no-color.org",
    "pjreddie.com",
    "semver.org",
}


def test_pages_name_no_unexpected_host_and_no_absolute_path() -> None:
    for page, text in LINKED.items():
        assert set(re.findall(r"https?://([\w.-]+)", text)) <= HOSTS, page
        assert re.findall(r"(?<![\w.:/<)\]*~`·])/[a-z]+/[\w./-]+", text) == [], page


def test_every_page_is_in_the_index() -> None:
    named = {f"docs/{link}" for page, link in LINKS if page == "docs/index.md"}
    assert {page for page in LINKED if page.startswith("docs/")} - named == {"docs/index.md"}


# ---- tables beside the pages: what was measured is what is counted -------------------------------


def beside(name: str) -> list[dict[str, str]]:
    with (ROOT / "docs" / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dims(size: str) -> list[int]:
    return [int(number) for number in size.split("x")]


def test_every_table_is_linked() -> None:
    linked = {link for _, link in LINKS if link.startswith("data/")}
    assert linked == {f"data/{path.name}" for path in (ROOT / "docs" / "data").iterdir()}


def test_imported_networks_are_exact_and_those_of_the_zoo() -> None:
    table, names = beside("imports"), set(zoo.names())
    assert [sum(row["library"] == library for row in table) for library in ("torchvision", "timm")] == [86, 100]
    for row in table:
        assert (row["params"], row["macs"], row["verdict"]) == (row["params_direct"], row["macs_direct"], "exact")
    # torchvision's own names; a variant with auxiliary heads is another network.
    ours = [row for row in table if row["library"] == "torchvision" and row["network"] in names]
    assert len(ours) >= 70
    for row in ours:
        found = costcalc.count(row["network"], input=dims(row["input"]))
        assert (row["params"], row["macs"]) == (str(found.params), str(found.macs)), row


def test_exported_networks_are_those_of_the_zoo() -> None:
    names = set(zoo.names())
    ours = [row for row in beside("imports_onnx") if row["network"] in names]
    assert len(ours) >= 15
    for row in ours:
        found = costcalc.count(row["network"], input=dims(row["input"]))
        assert (row["params"], row["macs"]) == (str(found.params), str(found.macs)), row


def test_networks_equal_to_torchvisions_have_these_counts() -> None:
    """They were run with auxiliary heads, where they have them; a detector with 5 regions."""
    table = beside("equivalence")
    assert len(table) == 78
    for row in table:
        has = zoo.load(row["network"]).knobs
        knobs = {"aux": True} if "aux" in has else {"rois": 5} if "rois" in has else {}
        found = costcalc.count(row["network"], input=dims(row["input"]), **knobs)
        counted = (found.params, sum(one.buffers for one in found.rows), found.macs, "equal")
        assert (row["params"], row["buffers"], row["macs"], row["verdict"]) == tuple(map(str, counted)), row


def test_what_tools_gave_adds_up() -> None:
    equal, of = (sum(int(row[column]) for row in beside("tools_equal")) for column in ("equal", "of"))
    assert f"**{equal:,} of {of:,} numbers are equal.**" in PAGES["docs/believe.md"]
    assert len(beside("tools_differ")) == of - equal


def test_readme_is_no_longer_than_a_shop_window() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 200


def test_the_citation_names_this_version_and_licence() -> None:
    said = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE))
    assert (said["title"], said["version"], said["license"]) == ("costcalc", costcalc.__version__, "MIT")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")
