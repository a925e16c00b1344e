"""Old specs mean what they meant: a spec's own names win over the words that came after version 1 of the language."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.language import zoo
from costcalc.language.names import known_word
from costcalc.language.version_1 import later, words
from costcalc.operators.fields import AMBIENT, FUNCTIONS, LATER, MODIFIERS, TENSORS
from costcalc.operators.op import operators

NEW = sorted(name for name in operators() if name not in words("Operators"))


def counted(text: str) -> int:
    return costcalc.count(zoo.load_text(f"costcalc: 1\ninput: [4]\n{text}\n")).params


def test_no_word_of_version_1_is_gone_and_what_came_later_is_named() -> None:
    named = {*FUNCTIONS, *TENSORS, *AMBIENT, *MODIFIERS}
    assert {word for word in words() if word not in named and not known_word(word)} == set()
    assert {word for word in named if later(word)} == LATER - {"sum"}  # which a field had


@pytest.mark.parametrize("word", sorted({*LATER, *NEW}))
def test_a_specs_own_name_wins(word: str) -> None:
    """Each is 4 * 3 weights: as a block, a knob that is an item, a layer that is an argument, a function."""
    fc = "fc: {out: 3, bias: false}"
    assert counted(f"blocks: {{{word}: [{fc}]}}\nlayers: [{word}]") == 12
    assert counted(f"knobs: {{{word}: 3}}\nlayers: [fc: {{out: {word}, bias: false}}]") == 12
    assert counted(f"knobs: {{{word}: b}}\nblocks: {{b: [{fc}]}}\nlayers: [{word}]") == 12
    assert counted(f"layers: [{{{fc}, name: {word}}}, {{relu, from: {word}}}]") == 12
    block = "b(x): [{add: [x, []]}]"
    if later(word):  # else the word of a field is meant
        assert counted(f"blocks: {{{block}}}\nlayers: [{{{fc}, name: {word}}}, {{b: [{word}]}}]") == 12
    assert counted(f"define: {{{word}(a): a + 1}}\nlayers: [fc: {{out: {word}(2), bias: false}}]") == 12
    assert counted(f"layers: [{{{fc}, name: {word}(1)}}, {{fc: {{out: c_of({word}(1)), bias: false}}}}]") == 12 + 9
