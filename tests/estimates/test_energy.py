"""Energy by place: worked numbers of five networks, what stays on a chip, what tables are refused."""

from __future__ import annotations

import json

import pytest

import costcalc
from costcalc.base.errors import SpecError
from costcalc.estimates.powering import Energy
from costcalc.hardware import energy
from costcalc.hardware.energy import Chip

# Worked apart from costcalc, in mJ, with 4.6 (int8: 0.3) pJ a MAC and 640 pJ a word of 32 bits: compute; all
# parameters from DRAM; inputs and outputs of convolutions and fully connected layers from DRAM.
WORKED = [
    ("alexnet", "fp32", 3.29, 39.10, 0.54), ("alexnet", "int8", 0.21, 9.78, 0.14),
    ("squeezenet1_0", "fp32", 3.77, 0.80, 4.67), ("squeezenet1_0", "int8", 0.25, 0.20, 1.17),
    ("mobilenet_v2", "fp32", 1.38, 2.24, 8.61), ("mobilenet_v2", "int8", 0.09, 0.56, 2.15),
    ("vgg16", "fp32", 71.2, 88.5, 14.5), ("vgg16", "int8", 4.6, 22.1, 3.6),
    ("resnet50", "fp32", 18.8, 16.4, 13.9), ("resnet50", "int8", 1.2, 4.1, 3.5),
]  # fmt: skip


def rows(name):
    return [row.row for row in costcalc.count(name).rows]


@pytest.mark.parametrize(("name", "dtype", "compute", "weights", "activations"), WORKED)
def test_worked_numbers(name, dtype, compute, weights, activations) -> None:
    table = energy.load()
    found = energy.spent(rows(name), Chip(dtype), table)
    places = max(len(f"{number}".partition(".")[2]) for number in (compute, weights, activations))
    assert round(sum(one.compute for one in found) / 1e9, places) == compute
    moved = sum(one.onchip + one.dram - one.weights for one in found if one.row.macs) / 1e9
    assert round(moved, places) == activations
    # All parameters: batch norms, which fold into the layer before, are not read where fusion is ideal.
    bits = 8 if dtype == "int8" else 32
    every = sum(one.row.learnable for one in found)
    assert round(table.words(every * bits / 8) * table.dram / 1e9, places) == weights


def test_squeezenet_needs_no_dram_for_weights_at_6_bits() -> None:
    """The lecture's claim: pruned or whole, 6 bits a weight, in 1 MB on the chip."""
    whole = Energy(costcalc.count("squeezenet1_0_pruned"), chip=Chip("int8", onchip=10**6))
    assert whole.fits.weights
    # 1,244,448 weights of 6 bits and 3,976 biases of 32 bits: 949,240 bytes before pruning
    assert whole.fits.weight_bytes < 949_240 < 10**6
    assert not Energy(costcalc.count("squeezenet1_0"), chip=Chip("int8", onchip=10**6)).fits.weights


def test_weights_on_the_chip_cost_its_memory() -> None:
    """1,248,424 numbers at 50 pJ a word of 1 MiB: 0.0624 mJ, from DRAM 0.799."""
    found = [energy.spent(rows("squeezenet1_0"), Chip(onchip=room), energy.load()) for room in (0, 8 * 2**20)]
    weights = [sum(one.weights for one in each) / 1e9 for each in found]
    assert weights == [pytest.approx(1_248_424 * 640 / 1e9), pytest.approx(1_248_424 * 50 / 1e9)]


def test_activations_stay_where_their_peak_fits_beside_the_weights() -> None:
    table = energy.load("eyeriss")
    fits = energy.spent(rows("squeezenet1_0"), Chip("int8", onchip=3 * 10**6), table, peak_bytes=1_492_992)
    assert sum(one.dram for one in fits) == 0
    over = energy.spent(rows("squeezenet1_0"), Chip("int8", onchip=2 * 10**6), table, peak_bytes=1_492_992)
    assert sum(one.dram for one in over) > 0


ROOM = [(3 * 10**6, True, True), (2 * 10**6, True, False), (10**6, False, False)]


@pytest.mark.parametrize(("room", "weights", "activations"), ROOM)
def test_what_fits_on_the_chip(room, weights, activations) -> None:
    """SqueezeNet in int8: 1,260,352 bytes of weights (biases of 32 bits), 1,492,992 of activations at their peak."""
    found = Energy(costcalc.count("squeezenet1_0"), chip=Chip("int8", onchip=room))
    assert (found.fits.weight_bytes, found.fits.peak_bytes) == (1_244_448 + 4 * 3_976, 1_492_992)
    assert (found.fits.weights, found.fits.activations) == (weights, activations)
    assert (found.of("dram") == 0) == activations
    metric = found.result.metric("energy_dram", dtype="int8", onchip=room)
    assert metric.total == pytest.approx(found.of("dram"), abs=len(found.rows))


def test_shares_sum_to_a_hundred_and_name_their_table() -> None:
    found = Energy(costcalc.count("mobilenet_v2"))
    total = found.table().totals
    assert sum(total[2:5]) == pytest.approx(100)
    assert any("Horowitz" in line for line in found.notes())
    assert any("no battery life" in line for line in found.notes())


WRONG = [
    ("costcalc_energy: 1\n", "the table needs word_bits, macs, onchip and dram"),
    (
        "costcalc_energy: 1\nword_bits: 32\nmacs: {fp32: 1}\nonchip: {big: 3}\ndram: 5\n",
        "'big' is no size in KiB",
    ),
    (
        "costcalc_energy: 1\nword_bits: 32\nmacs: {fp32: 1}\nonchip: {source: me}\ndram: 5\n",
        "the table needs word_bits",
    ),
    ("costcalc_energy: 1\nword_bits: 32\nmacs: {fp32: much}\nonchip: {8: 3}\ndram: 5\n", "fp32 is a number 0 or more"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_wrong_tables_are_refused(tmp_path, text, message) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        energy.load(str(path))


def test_the_source_of_a_part_is_that_of_its_numbers(tmp_path) -> None:
    path = tmp_path / "table.yaml"
    text = "costcalc_energy: 1\nword_bits: 32\nmacs: {source: me, fp32: 1, int8: {value: 2, source: you}}\n"
    path.write_text(f"{text}onchip: {{8: 3}}\ndram: 5\n", encoding="utf-8")
    assert [number.source for number in energy.load(str(path)).macs.values()] == ["me", "you"]


@pytest.mark.parametrize("name", energy.tables())
def test_the_command_names_the_table(name, run) -> None:
    told = json.loads(run("energy", "alexnet", "--energy-table", name, "--format", "json").out)
    assert told["table"]["name"] == name
    assert sum(told[place] for place in energy.PLACES) == pytest.approx(told["total"])
