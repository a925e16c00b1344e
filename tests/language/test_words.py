"""What people write, and what we say: the words of other tools and papers, and the mistakes that everybody makes.

A row of `words.txt` is an item of a spec over 3x32x32 (or a whole of knobs, keys, options), and the hint.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import Run

import costcalc
from costcalc import SpecError
from costcalc.base.errors import Fault
from costcalc.base.vocabulary import plain, vocabulary
from costcalc.language import zoo
from costcalc.numbers.shape import Shape
from costcalc.operators import op

DATA = Path(__file__).parent / "words.txt"
MEANT = "did you mean '{}'?"


def rows() -> list[tuple[str, str]]:
    """Return what is written, and what is said; a word alone after the arrow is one that was meant."""
    found = []
    for line in DATA.read_text(encoding="utf-8").splitlines():
        written, arrow, said = line.partition(" -> ")
        if arrow and not line.startswith("#"):
            found.append((written.strip(), said if " " in said else MEANT.format(said)))
    return found


ROWS = rows()


def test_there_are_many_and_none_twice() -> None:
    assert len(ROWS) >= 150
    assert len({written for written, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("written", "said"), ROWS, ids=[written for written, _ in ROWS])
def test_other_words_are_known(written: str, said: str) -> None:
    head, layers = "input: [3, 32, 32]", f"layers: [{{conv: {{out: 8, kernel: 1}}, name: first}}, {{{written}}}]"
    if written.startswith("top "):
        head, layers = f"input: [3, 32, 32]\n{written.removeprefix('top ')}", "layers: [relu]"
    with pytest.raises(SpecError) as caught:
        costcalc.count(zoo.load_text(f"costcalc: 1\n{head}\n{layers}\n"))
    assert [problem.hint for problem in caught.value.problems] == [said], str(caught.value)


def test_our_words_in_the_vocabulary_are_ours() -> None:
    """A word of ours that nothing knows any more would never be said."""
    from costcalc.cli import COMMANDS
    from costcalc.cli.report import command as report
    from costcalc.measures.metric import OPTIONS, metrics
    from costcalc.operators.fields import AMBIENT, MODIFIERS, TOP

    known = {*op.operators(), *AMBIENT, *MODIFIERS, *OPTIONS, *TOP, *COMMANDS, *metrics(), "do", "output"}
    known |= {(param.name or "").rstrip("_") for param in report.params}
    for cls in op.operators().values():
        known |= {word for field in cls.fields.values() for word in (field.name, *field.words)}
    known |= {*op.role_words("norm"), "resolution", "width", "classes", "depths", "knob"}
    ours = {word for lines in vocabulary().values() for words, _ in lines for word in words}
    assert {word for word in ours if word not in known} == set()


@pytest.mark.parametrize(
    ("word", "same"),
    [
        ("nn.Conv2d", "conv"),
        ("tf.keras.layers.Conv2DTranspose", "convtranspose"),
        ("CONV_3D", "conv"),
        ("--batch-size", "batchsize"),
        ("MaxPool", "maxpool"),
        ("d", "d"),
    ],
)
def test_a_word_without_what_differs_from_tool_to_tool(word: str, same: str) -> None:
    assert plain(word) == same


HALF, AS_MANY = "windows without padding take 2 away: write padding: half there", "the branches have not as many axes: "
STRIDE = "stride 2 is in one branch only: give it to the other, or upsample: {scale: 2}"
CHANNELS = "a 1x1 convolution on one of them makes the channels equal"
BORDER = "a border is treated otherwise: a pool's ceil_mode, or padding on one side, gives the missing one"
GATE = "axes of length 1 are repeated; the others must be equal"


@pytest.mark.parametrize(
    ("kind", "a", "b", "said"),
    [
        ("add", (16, 30, 30), (16, 28, 28), HALF),
        ("add", (48, 112, 112), (3, 112, 112), CHANNELS),
        ("add", (64, 56, 56), (64, 28, 28), STRIDE),
        ("add", (64, 55, 55), (64, 28, 28), STRIDE),
        ("add", (64, 56, 56), (128, 28, 28), "a 1x1 convolution with the same stride on the shortcut makes them equal"),
        ("add", (16, 30, 30), (8, 28, 28), f"{HALF}; {CHANNELS}"),
        ("add", (16, 28, 28), (16, 27, 27), BORDER),
        ("add", (8, 4, 4), (128,), f"{AS_MANY}flatten, reshape or a global pool takes some away"),
        ("add", (8, 4, 4), (4, 4), f"{AS_MANY}flatten, reshape or a global pool takes some away"),
        ("add", (10,), (12,), CHANNELS),
        ("add", (8, 17), (8, 4), STRIDE.replace("2", "4")),
        ("concat", (64, 28, 28), (32, 14, 14), STRIDE),
        ("concat", (64, 28, 28), (32, 26, 26), HALF),
        ("concat", (64, 28, 28), (32,), "check the branches' strides and paddings"),
        ("multiply", (8, 30, 30), (8, 28, 28), HALF),
        ("multiply", (8, 30, 30), (4,), GATE),
        ("subtract", (8, 28, 28), (8, 14, 14), STRIDE),
        ("maximum", (8, 4, 4), (4, 4, 4), GATE),
    ],
)
def test_what_makes_branches_equal_follows_from_the_axes_that_differ(
    kind: str, a: tuple[int, ...], b: tuple[int, ...], said: str
) -> None:
    with pytest.raises(Fault) as caught:
        op.operators()[kind]().shape((Shape(*a), Shape(*b)))
    assert caught.value.hint == said


def test_a_folder_here_and_a_model_that_pytorch_wrote(tmp_path: Path, run: Run) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.yaml").write_text("")
    assert (
        "models is a directory, no spec\n        give a file: models/a.yaml"
        in run("report", "models", folder=tmp_path).err
    )
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "weights.bin")
    assert "weights.bin is a file of PyTorch" in run("report", "weights.bin", folder=tmp_path).err
