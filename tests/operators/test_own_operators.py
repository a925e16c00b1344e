"""Operators of other packages: each mistake in a class is told, and none counts before its examples hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import generate
import in_process
import pytest

import costcalc
from costcalc.base.errors import SpecError
from costcalc.operators import op
from costcalc.operators.families.homes import HOMES

NET = {"costcalc": 1, "input": [64, 112, 112], "layers": ["blur_pool"]}
PAGE = (generate.ROOT / "docs" / "from-a-paper.md").read_text(encoding="utf-8")
BLUR = next(fence["body"] for fence in generate.FENCE.finditer(PAGE) if fence["file"] == "blur.py")
EXAMPLE = BLUR[BLUR.index("    examples = ") :]


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the operators that a test defines, and the packages that it looked at."""
    monkeypatch.setattr(op, "_packages", [])
    yield
    for name in op.REGISTRY.defined.keys() - HOMES.keys():
        del op.REGISTRY.defined[name]


def defined(old: str, new: str) -> None:
    """Define the page's operator with a mistake in it."""
    assert old in BLUR
    exec(BLUR.replace(old, new), {"__name__": "blur"})


DEFINITIONS = [
    (
        '"""Fixed low-pass filter on each channel, then a stride (arXiv:1904.11486)."""',
        "",
        "BlurPool needs a docstring",
    ),
    ('kind="blur_pool"', 'kind="Blur-Pool"', "called like blur_pool, in small letters, not 'Blur-Pool'"),
    (
        'kind="blur_pool"',
        'kind="conv"',
        "two operators are called 'conv': costcalc.operators.families.conv.Conv and blur.",
    ),
    ('BlurPool(Windowed, kind="blur_pool")', 'Conv(Windowed, kind="conv")', "two operators are called 'conv'"),
    ("    kernel = ", "    norm_word = 'batch'\n    kernel = ", "two operators are 'norm: batch': costcalc"),
    ('filter", 3', 'filter", "three"', "BlurPool: the default of kernel: 'three' is not a whole number"),
    ('filter", 3', 'filter", 0', "BlurPool: the default of kernel: must be at least 1, not 0"),
    ("stride = ", "type = ", "BlurPool.type: every operator has this already"),
    ("stride = ", "repeat = ", "BlurPool.repeat: stands beside every operator (how many times"),
]


@pytest.mark.parametrize(("old", "new", "said"), DEFINITIONS, ids=[said for _, _, said in DEFINITIONS])
def test_a_wrong_definition_fails_at_import(old: str, new: str, said: str) -> None:
    with pytest.raises(TypeError, match=re.escape(said)):
        defined(old, new)


RULES = [
    (EXAMPLE, "", "needs an example that is counted by hand"),
    (" macs(self", " mac(self", "macs gives 0, the example says 1806336"),
    ("def shape", "def shapes", "shape gives Shape(64, 112, 112), the example says Shape(64, 56, 56)"),
    ("return Shape(x.c", "return (x.c", "shape gives (64, 56, 56), the example says Shape(64, 56, 56)"),
    ("return y.size", "return y.size / 1", "macs gives 1806336.0, the example says 1806336"),
    ("return y.size", "return -y.size", "macs gives -1806336, the example says 1806336"),
    ("return y.size", "y.size", "macs gives None, the example says 1806336"),
    (" macs(self, x, y)", " macs(self, x)", "TypeError: BlurPool.macs() takes 2 positional arguments but 3 were given"),
    ("prod(self.kernel)", "prod(self.size)", "AttributeError: 'BlurPool' object has no attribute 'size'"),
    ("Example({}", 'Example({"kernal": 3}', "'kernal' is none of its fields: kernel, stride, padding"),
    ("macs=1806336", "mac=1806336", "'mac' is none of its counts: weights, "),
]


@pytest.mark.parametrize(("old", "new", "said"), RULES, ids=[said for _, _, said in RULES])
def test_nothing_is_counted_before_an_example_holds(old: str, new: str, said: str) -> None:
    defined(old, new)
    for _ in range(2):  # the second time too
        with pytest.raises(SpecError) as caught:
            costcalc.count(NET)
        assert str(caught.value).startswith("the operator 'blur_pool' (blur.BlurPool) ")
        assert said in str(caught.value)


def test_what_holds_is_counted_and_may_be_defined_again() -> None:
    for _ in range(2):
        defined("filter", "filter")
        assert costcalc.count(NET).macs == 64 * 56 * 56 * 9


def test_what_it_counts_is_told_beside_what_the_convention_says() -> None:
    defined("filter", "filter")
    notes = costcalc.count(NET).notes()
    assert notes[1] == "and the MACs of blur_pool, as that operator's own definition counts them"
    assert len(costcalc.count({**NET, "layers": ["relu"]}).notes()) == 1


PACKAGES = [
    ("no_such_module", "", "ModuleNotFoundError: No module named"),
    ("twice", BLUR.replace("blur_pool", "conv"), "two operators are called 'conv': costcalc.operators.families.conv.C"),
    ("also", BLUR.replace('"blur_pool"', '"blur_pool", aliases=("fc",)'), "two operators are called 'fc': costcalc."),
]


@pytest.mark.parametrize(("module", "code", "why"), PACKAGES, ids=[module for module, _, _ in PACKAGES])
def test_a_package_that_cannot_be_loaded_is_told(
    module: str, code: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged(tmp_path, "broken", module, code, monkeypatch)
    said = f"the package of operators 'broken' ({module}) can't be loaded: {why}"
    for _ in range(2):
        with pytest.raises(SpecError, match=re.escape(said)):
            costcalc.count(NET)
    done = in_process.costcalc("ops")  # which lists them, so that their author sees it at once
    assert (done.code, done.err[: len(said)]) == (2, said)


def test_words_for_norms_and_activations_of_a_package_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = BLUR.replace('stride", 2', 'stride", 1').replace("(64, 56, 56)", "(64, 112, 112)")
    code = code.replace("1806336", "64 * 112 * 112 * 9").replace("    kernel = ", "    is_act = True\n    kernel = ")
    packaged(tmp_path, "mine", "mine", code, monkeypatch)
    net = {"costcalc": 1, "input": [64, 112, 112], "layers": [{"conv": {"out": 64, "kernel": 1, "act": "blur_pool"}}]}
    assert costcalc.count(net).macs == 64 * 112 * 112 * 64 + 64 * 112 * 112 * 9


def packaged(folder: Path, name: str, module: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a package of operators that is installed for the test."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[costcalc.operators]\n{name} = {module}\n", encoding="utf-8")
    if code:
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
