"""The lecture's tables come back whole: titles, rows and columns in their order, each cell as it is printed."""

from __future__ import annotations

import csv
import io
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.base.errors import SpecError
from costcalc.language import printed_tables, zoo
from costcalc.published import printed, verdicts
from costcalc.published.figures import published
from costcalc.reports.lines import Line

FE_NET = "comparison table"  # of arXiv:1903.05285
GOOGLE = "Model | ImageNet Accuracy | Million Mult-Adds | Million Parameters"

# What the papers print, copied from them: the headings, then the rows; and what comes of their figures of cost.
TABLES: dict[tuple[str, str], tuple[str, Counter[str]]] = {
    ("Krizhevsky", "2"): (
        """Model | Top-1 (val) | Top-5 (val) | Top-5 (test)
        SIFT + FVs | — | — | 26.2%
        1 CNN | 40.7% | 18.2% | —
        5 CNNs | 38.1% | 16.4% | 16.4%
        1 CNN* | 39.0% | 16.6% | —
        7 CNNs* | 36.7% | 15.4% | 15.3%""",
        Counter(),
    ),
    ("1512.00567", "3"): (
        """Network | Top-1 Error | Top-5 Error | Cost Bn Ops
        GoogLeNet | 29% | 9.2% | 1.5
        BN-GoogLeNet | 26.8% | - | 1.5
        BN-Inception | 25.2% | 7.8 | 2.0
        Inception-v2 | 23.4% | - | 3.8
        Inception-v2 RMSProp | 23.1% | 6.3 | 3.8
        Inception-v2 Label Smoothing | 22.8% | 6.1 | 3.8
        Inception-v2 Factorized 7×7 | 21.6% | 5.8 | 4.8
        Inception-v2 BN-auxiliary | 21.2% | 5.6% | 4.8""",
        Counter(rounded=3, missed=5),
    ),
    ("1512.03385", "6"): (
        """method | # layers | # params | error (%)
        Maxout | | | 9.38
        NIN | | | 8.81
        DSN | | | 8.22
        FitNet | 19 | 2.5M | 8.39
        Highway | 19 | 2.3M | 7.54 (7.72±0.16)
        Highway | 32 | 1.25M | 8.80
        ResNet | 20 | 0.27M | 8.75
        ResNet | 32 | 0.46M | 7.51
        ResNet | 44 | 0.66M | 7.17
        ResNet | 56 | 0.85M | 6.97
        ResNet | 110 | 1.7M | 6.43 (6.61±0.16)
        ResNet | 1202 | 19.4M | 7.93""",
        Counter(rounded=6),
    ),
    ("1602.07360", "1"): (
        """layer name/type | output size | filter size / stride | depth | s1x1 | e1x1 | e3x3 | s1x1 sparsity \
 | e1x1 sparsity | e3x3 sparsity | # bits | #parameter before pruning | #parameter after pruning
        input image | 224x224x3 | | | | | | | | | | - | -
        conv1 | 111x111x96 | 7x7/2 (x96) | 1 | | | | 100% (7x7) | | | 6bit | 14,208 | 14,208
        maxpool1 | 55x55x96 | 3x3/2 | 0 | | | | | | | | |
        fire2 | 55x55x128 | | 2 | 16 | 64 | 64 | 100% | 100% | 33% | 6bit | 11,920 | 5,746
        fire3 | 55x55x128 | | 2 | 16 | 64 | 64 | 100% | 100% | 33% | 6bit | 12,432 | 6,258
        fire4 | 55x55x256 | | 2 | 32 | 128 | 128 | 100% | 100% | 33% | 6bit | 45,344 | 20,646
        maxpool4 | 27x27x256 | 3x3/2 | 0 | | | | | | | | |
        fire5 | 27x27x256 | | 2 | 32 | 128 | 128 | 100% | 100% | 33% | 6bit | 49,440 | 24,742
        fire6 | 27x27x384 | | 2 | 48 | 192 | 192 | 100% | 50% | 33% | 6bit | 104,880 | 44,700
        fire7 | 27x27x384 | | 2 | 48 | 192 | 192 | 50% | 100% | 33% | 6bit | 111,024 | 46,236
        fire8 | 27x27x512 | | 2 | 64 | 256 | 256 | 100% | 50% | 33% | 6bit | 188,992 | 77,581
        maxpool8 | 13x12x512 | 3x3/2 | 0 | | | | | | | | |
        fire9 | 13x13x512 | | 2 | 64 | 256 | 256 | 50% | 100% | 30% | 6bit | 197,184 | 77,581
        conv10 | 13x13x1000 | 1x1/1 (x1000) | 1 | | | | 20% (3x3) | | | 6bit | 513,000 | 103,400
        avgpool10 | 1x1x1000 | 13x13/1 | 0 | | | | | | | | |
        total | | | | | | | | | | | 1,248,424 | 421,098""",
        Counter(exact=22),
    ),
    ("1602.07360", "2"): (
        """CNN architecture | Compression Approach | Data Type | Original → Compressed Model Size \
 | Reduction in Model Size vs. AlexNet | Top-1 ImageNet Accuracy | Top-5 ImageNet Accuracy
        AlexNet | None (baseline) | 32 bit | 240MB | 1x | 57.2% | 80.3%
        AlexNet | SVD (Denton et al., 2014) | 32 bit | 240MB → 48MB | 5x | 56.0% | 79.4%
        AlexNet | Network Pruning (Han et al., 2015b) | 32 bit | 240MB → 27MB | 9x | 57.2% | 80.3%
        AlexNet | Deep Compression (Han et al., 2015a) | 5-8 bit | 240MB → 6.9MB | 35x | 57.2% | 80.3%
        SqueezeNet (ours) | None | 32 bit | 4.8MB | 50x | 57.5% | 80.3%
        SqueezeNet (ours) | Deep Compression | 8 bit | 4.8MB → 0.66MB | 363x | 57.5% | 80.3%
        SqueezeNet (ours) | Deep Compression | 6 bit | 4.8MB → 0.47MB | 510x | 57.5% | 80.3%""",
        Counter(rounded=4, missed=2),
    ),
    ("1603.05027", "4"): (
        """method | error (%)
        CIFAR-10
        NIN | 8.81
        DSN | 8.22
        FitNet | 8.39
        Highway | 7.72
        All-CNN | 7.25
        ELU | 6.55
        FitResNet, LSUV | 5.84
        ResNet-110 (1.7M) | 6.61
        ResNet-1202 (19.4M) | 7.93
        ResNet-164 [ours] (1.7M) | 5.46
        ResNet-1001 [ours] (10.2M) | 4.92 (4.89 ± 0.14)
        ResNet-1001 [ours] (10.2M)† | 4.62 (4.69 ± 0.20)
        CIFAR-100
        NIN | 35.68
        DSN | 34.57
        FitNet | 35.04
        Highway | 32.39
        All-CNN | 33.71
        ELU | 24.28
        FitNet, LSUV | 27.66
        ResNet-164 (1.7M) | 25.16
        ResNet-1001 (10.2M) | 27.82
        ResNet-164 [ours] (1.7M) | 24.33
        ResNet-1001 [ours] (10.2M) | 22.71 (22.68 ± 0.22)""",
        Counter(rounded=9),
    ),
    ("1603.05027", "5"): (
        """method | augmentation | train crop | test crop | top-1 | top-5
        ResNet-152, original Residual Unit | scale | 224×224 | 224×224 | 23.0 | 6.7
        ResNet-152, original Residual Unit | scale | 224×224 | 320×320 | 21.3 | 5.5
        ResNet-152, pre-act Residual Unit | scale | 224×224 | 320×320 | 21.1 | 5.5
        ResNet-200, original Residual Unit | scale | 224×224 | 320×320 | 21.8 | 6.0
        ResNet-200, pre-act Residual Unit | scale | 224×224 | 320×320 | 20.7 | 5.3
        ResNet-200, pre-act Residual Unit | scale+asp ratio | 224×224 | 320×320 | 20.1† | 4.8†
        Inception v3 | scale+asp ratio | 299×299 | 299×299 | 21.2 | 5.6""",
        Counter(),
    ),
    ("1612.03144", "1"): (
        """RPN | feature | # anchors | lateral? | top-down? | AR¹⁰⁰ | AR¹ᵏ | AR¹ᵏₛ | AR¹ᵏₘ | AR¹ᵏₗ
        (a) baseline on conv4 | C4 | 47k | | | 36.1 | 48.3 | 32.0 | 58.7 | 62.2
        (b) baseline on conv5 | C5 | 12k | | | 36.3 | 44.9 | 25.3 | 55.5 | 64.2
        (c) FPN | {Pk} | 200k | ✓ | ✓ | 44.0 | 56.3 | 44.9 | 63.4 | 66.2
        Ablation experiments follow:
        (d) bottom-up pyramid | {Pk} | 200k | ✓ | | 37.4 | 49.5 | 30.5 | 59.9 | 68.0
        (e) top-down pyramid, w/o lateral | {Pk} | 200k | | ✓ | 34.5 | 46.1 | 26.5 | 57.4 | 64.7
        (f) only finest level | P2 | 750k | ✓ | ✓ | 38.4 | 51.3 | 35.1 | 59.7 | 67.6""",
        Counter(exact=2, rounded=4),
    ),
    ("1612.03144", "2"): (
        """Fast R-CNN | proposals | feature | head | lateral? | top-down? | AP@0.5 | AP | APₛ | APₘ | APₗ
        (a) baseline on conv4 | RPN, {Pk} | C4 | conv5 | | | 54.7 | 31.9 | 15.7 | 36.5 | 45.5
        (b) baseline on conv5 | RPN, {Pk} | C5 | 2fc | | | 52.9 | 28.8 | 11.9 | 32.4 | 43.4
        (c) FPN | RPN, {Pk} | {Pk} | 2fc | ✓ | ✓ | 56.9 | 33.9 | 17.8 | 37.7 | 45.8
        Ablation experiments follow:
        (d) bottom-up pyramid | RPN, {Pk} | {Pk} | 2fc | ✓ | | 44.9 | 24.9 | 10.9 | 24.4 | 38.5
        (e) top-down pyramid, w/o lateral | RPN, {Pk} | {Pk} | 2fc | | ✓ | 54.0 | 31.3 | 13.3 | 35.2 | 45.3
        (f) only finest level | RPN, {Pk} | P2 | 2fc | ✓ | ✓ | 56.3 | 33.4 | 17.3 | 37.3 | 45.6""",
        Counter(),
    ),
    ("1612.03144", "3"): (
        """Faster R-CNN | proposals | feature | head | lateral? | top-down? | AP@0.5 | AP | APₛ | APₘ | APₗ
        (*) baseline from He et al.† | RPN, C4 | C4 | conv5 | | | 47.3 | 26.3 | - | - | -
        (a) baseline on conv4 | RPN, C4 | C4 | conv5 | | | 53.1 | 31.6 | 13.2 | 35.6 | 47.1
        (b) baseline on conv5 | RPN, C5 | C5 | 2fc | | | 51.7 | 28.0 | 9.6 | 31.9 | 43.1
        (c) FPN | RPN, {Pk} | {Pk} | 2fc | ✓ | ✓ | 56.9 | 33.9 | 17.8 | 37.7 | 45.8""",
        Counter(),
    ),
    ("1704.04861", "2"): (
        """Type | Mult-Adds | Parameters
        Conv 1×1 | 94.86% | 74.59%
        Conv DW 3×3 | 3.06% | 1.06%
        Conv 3×3 | 1.19% | 0.02%
        Fully Connected | 0.18% | 24.33%""",
        Counter(rounded=7, explained=1),
    ),
    ("1704.04861", "6"): (
        f"""{GOOGLE.replace("Model", "Width Multiplier")}
        1.0 MobileNet-224 | 70.6% | 569 | 4.2
        0.75 MobileNet-224 | 68.4% | 325 | 2.6
        0.5 MobileNet-224 | 63.7% | 149 | 1.3
        0.25 MobileNet-224 | 50.6% | 41 | 0.5""",
        Counter(rounded=8),
    ),
    ("1704.04861", "7"): (
        f"""{GOOGLE.replace("Model", "Resolution")}
        1.0 MobileNet-224 | 70.6% | 569 | 4.2
        1.0 MobileNet-192 | 69.1% | 418 | 4.2
        1.0 MobileNet-160 | 67.2% | 290 | 4.2
        1.0 MobileNet-128 | 64.4% | 186 | 4.2""",
        Counter(rounded=8),
    ),
    ("1704.04861", "8"): (
        f"""{GOOGLE}
        1.0 MobileNet-224 | 70.6% | 569 | 4.2
        GoogleNet | 69.8% | 1550 | 6.8
        VGG 16 | 71.5% | 15300 | 138""",
        Counter(rounded=4, explained=1, missed=1),
    ),
    ("1704.04861", "9"): (
        f"""{GOOGLE}
        0.50 MobileNet-160 | 60.2% | 76 | 1.32
        Squeezenet | 57.5% | 1700 | 1.25
        AlexNet | 57.2% | 720 | 60""",
        Counter(rounded=6),
    ),
    ("1707.01083", "5"): (
        """Model | Complexity (MFLOPs) | Cls err. (%) | Δ err. (%)
        1.0 MobileNet-224 | 569 | 29.4 | -
        ShuffleNet 2× (g = 3) | 524 | 26.3 | 3.1
        ShuffleNet 2× (with SE, g = 3) | 527 | 24.7 | 4.7
        0.75 MobileNet-224 | 325 | 31.6 | -
        ShuffleNet 1.5× (g = 3) | 292 | 28.5 | 3.1
        0.5 MobileNet-224 | 149 | 36.3 | -
        ShuffleNet 1× (g = 8) | 140 | 32.4 | 3.9
        0.25 MobileNet-224 | 41 | 49.4 | -
        ShuffleNet 0.5× (g = 4) | 38 | 41.6 | 7.8
        ShuffleNet 0.5× (shallow, g = 3) | 40 | 42.8 | 6.6""",
        Counter(rounded=8, missed=2),
    ),
    ("1712.09913", "Figure 5"): (
        """network | error
        (a) ResNet-20 | 7.37%
        (b) ResNet-56 | 5.89%
        (c) ResNet-110 | 5.79%
        (d) ResNet-20-NS | 8.18%
        (e) ResNet-56-NS | 13.31%
        (f) ResNet-110-NS | 16.44%""",
        Counter(),
    ),
    ("1801.04381", "4"): (
        """Network | Top 1 | Params | MAdds | CPU
        MobileNetV1 | 70.6 | 4.2M | 575M | 113ms
        ShuffleNet (1.5) | 71.5 | 3.4M | 292M | -
        ShuffleNet (x2) | 73.7 | 5.4M | 524M | -
        NasNet-A | 74.0 | 5.3M | 564M | 183ms
        MobileNetV2 | 72.0 | 3.4M | 300M | 75ms
        MobileNetV2 (1.4) | 74.7 | 6.9M | 585M | 143ms""",
        Counter(rounded=9, missed=3, modelled=4),
    ),
    ("1903.05285", FE_NET): (
        """Networks | MAdds | Params | Top-1
        MobileNetV1 0.75x | 325M | 2.6M | 68.4%
        MobileNetV2 1.0x | 300M | 3.4M | 72.0%
        ShuffleNetV1 1.5x(g=3) | 292M | 3.4M | 69.0%
        ShuffleNetV2 1.5x | 299M | 3.5M | 72.6%
        IGCV3-D | 318M | 3.6M | 72.2%
        CondenseNet(G=C=8) | 274M | 2.9M | 71.0%
        ShiftNet-B | 371M | 1.1M | 61.2%
        AS-ResNet-w50 | 404M | 1.96M | 69.9%
        FE-Net (ours) 1.0x | 301M | 3.7M | 72.9%
        MobileNetV1 1.0x | 569M | 4.2M | 70.6%
        MobileNetV2 1.4x | 585M | 6.9M | 74.7%
        ShuffleNetV1 2x | 524M | 5.4M | 70.9%
        ShuffleNetV2 2x | 591M | 7.4M | 74.9%
        IGCV3-D 1.4x | 610M | 7.2M | 74.55%
        CondenseNet(G=C=4) | 529M | 4.8M | 73.8%
        PNASNet | 588M | 5.1M | 74.2%
        DARTS | 595M | 4.9M | 73.1%
        ShiftNet-A | 1400M | 4.1M | 70.1%
        AS-ResNet-w68 | 729M | 3.42M | 72.2%
        FE-Net (ours) 1.375x | 563M | 5.9M | 75.0%""",
        Counter(rounded=33, explained=1, missed=6),
    ),
    ("1905.02244", "3"): (
        """Network | Top-1 | MAdds | Params | P-1 | P-2 | P-3
        V3-Large 1.0 | 75.2 | 219 | 5.4M | 51 | 61 | 44
        V3-Large 0.75 | 73.3 | 155 | 4.0M | 39 | 46 | 40
        MnasNet-A1 | 75.2 | 315 | 3.9M | 71 | 86 | 61
        Proxyless | 74.6 | 320 | 4.0M | 72 | 84 | 60
        V2 1.0 | 72.0 | 300 | 3.4M | 64 | 76 | 56
        V3-Small 1.0 | 67.4 | 56 | 2.5M | 15.8 | 19.4 | 14.4
        V3-Small 0.75 | 65.4 | 44 | 2.0M | 12.8 | 15.6 | 11.7
        Mnas-small | 64.9 | 65.1 | 1.9M | 20.3 | 24.2 | 17.2
        V2 0.35 | 60.8 | 59.2 | 1.6M | 16.6 | 19.6 | 13.9""",
        Counter(rounded=13, missed=5, modelled=27),
    ),
}
WORDS = {"missed": verdicts.MISSED}


@cache
def judged(source: str, where: str) -> tuple[printed_tables.PrintedTable, list[printed.JudgedRow]]:
    table = printed.find(source, where)
    return table, printed.judge(table)


@pytest.mark.parametrize(("source", "where"), TABLES)
def test_a_table_is_as_it_is_printed(source: str, where: str) -> None:
    """Its columns in their order, its rows in their order under their names, each cell letter for letter."""
    table, lines = judged(source, where)
    shown = [[column.heading for column in table.columns], *([cell.text for cell in line.cells] for line in lines)]
    expected = [[cell.strip() for cell in f"{line} ".split(" |")] for line in TABLES[source, where][0].splitlines()]
    assert shown == expected


@pytest.mark.parametrize(("source", "where"), TABLES)
def test_as_many_figures_of_a_table_hold(source: str, where: str) -> None:
    said = Counter(
        verdicts.verdict(cell.claim) for line in judged(source, where)[1] for cell in line.cells if cell.claim
    )
    assert said == {WORDS.get(word, word): number for word, number in TABLES[source, where][1].items()}


@pytest.mark.parametrize("path", printed_tables.paths(), ids=lambda path: Path(path).stem)
def test_a_table_has_a_source_a_place_and_a_title(path: str) -> None:
    table = printed_tables.load(path)
    assert table.source
    assert table.where
    assert table.title
    assert (table.source, table.where) in {(t.source, t.where) for t in printed_tables.tables()}


def test_no_two_tables_are_of_one_place() -> None:
    places = [(table.source, table.where) for table in printed_tables.tables()]
    assert len(set(places)) == len(places)


def test_a_figure_is_written_once() -> None:
    """What a table's file holds stands in no spec beside it."""
    places = {(table.source, table.where) for table in printed_tables.tables()}
    twice = [
        (zoo.stem(spec.where), row)
        for spec in zoo.specs()
        for row in spec.published
        for where in verdicts.places(row)
        if (row.get("source"), where) in places
    ]
    assert twice == []


# ---- tables of which the zoo has single figures ------------------------------------------------------

# A network of a table, and what the table prints of it: MACs, parameters, top-1 accuracy.
SINGLE: dict[tuple[str, str], dict[str, tuple[str, str, str]]] = {
    ("1512.03385", "Table 1"): {
        "resnet18": ("1.8G", "", ""),
        "resnet34": ("3.6G", "", ""),
        "resnet50_v1": ("3.8G", "", ""),
        "resnet101_v1": ("7.6G", "", ""),
        "resnet152_v1": ("11.3G", "", ""),
    },
}


@cache
def rows() -> list[tuple[str, dict[str, Any]]]:
    return [(verdicts.network(spec, row), row) for spec in zoo.specs() for row, _ in published(spec)]


@pytest.mark.parametrize(("source", "where"), SINGLE)
def test_single_figures_of_a_table(source: str, where: str) -> None:
    found = [
        (name, tuple(str(row.get(key, "")) for key in ("macs", "params", "top1")))
        for name, row in rows()
        if row["source"] == f"arXiv:{source}" and where in verdicts.places(row)
    ]
    assert sorted(found) == sorted(SINGLE[source, where].items())


# ---- how a table is shown ----------------------------------------------------------------------------


def test_a_table_on_a_page_of_80_columns(run: Run) -> None:
    """Ours beside each figure of cost, marks that lead to notes, and what was counted where it differs."""
    said = run("table", "1704.04861", "9", env={"COLUMNS": "80"}).out.splitlines()
    assert said[0] == "Table 9. Smaller MobileNet Comparison to Popular Models"
    assert [line.split() for line in said[6:9]] == [
        "0.50 MobileNet-160 60.2% 76 76.52 ¹ 1.32 1.320".split(),
        "Squeezenet 57.5% 1700 1722.7 ² 1.25 1.248".split(),
        "AlexNet 57.2% 720 724.4 ³ 60 60.97 ¹".split(),
    ]
    assert "¹ cut, not rounded" in said
    text = " ".join(said)
    assert "counted: Million Mult-Adds of Squeezenet: FLOPs: two per MAC" in text
    assert "counted: Million Parameters of 0.50 MobileNet-160: params: kernels only" in text
    assert said[-1] == "6 rounded"


@pytest.mark.parametrize(
    ("source", "where"), [key for key in TABLES if key not in {("1602.07360", "1"), ("1905.02244", "3")}]
)
def test_a_table_fits_a_terminal(source: str, where: str, run: Run) -> None:
    assert max(map(len, run("table", source, where, env={"COLUMNS": "80"}).out.splitlines())) <= 80


def test_records_hold_ours_the_verdict_the_note_and_the_convention(run: Run) -> None:
    records = list(csv.DictReader(io.StringIO(run("table", "1704.04861", "8", "--format", "csv").out)))
    assert len(records) == 9  # three rows of three cells
    (one,) = (r for r in records if r["printed"] == "1550")
    assert (one["row"], one["column"], one["ours"]) == ("GoogleNet", "Million Mult-Adds", "1582671872")
    assert (one["verdict"], one["convention"], one["network"]) == ("not reproduced", "costcalc", "googlenet_caffe")
    assert one["note"].startswith("no convention")
    (accuracy,) = (r for r in records if r["printed"] == "71.5%")
    assert (accuracy["ours"], accuracy["verdict"], accuracy["convention"]) == ("", "", "")


def test_bytes_of_the_table_of_compression_have_one_unit_and_their_ratios(run: Run) -> None:
    """MB are 10^6 bytes, MiB are said; each ratio is AlexNet's bytes over the row's."""
    text = " ".join(run("table", "1602.07360", "2").out.split())
    sizes = ("243.9MB", "27.23MB", "9.592MB", "4.762MiB", "0.568MiB", "0.468MiB")
    assert [one for one in sizes if one not in text] == []
    claims = [cell.claim for line in judged("1602.07360", "2")[1] for cell in line.cells if cell.claim]
    ratios = [claims[0].ours / claim.ours for claim in claims]
    assert ", ".join(f"{ratio:.{1 if ratio < 10 else 0}f}x" for ratio in ratios) + "." in text


def test_the_list_of_tables(run: Run) -> None:
    records = list(csv.DictReader(io.StringIO(run("table", "--format", "csv").out)))
    found = {(one["source"].removeprefix("arXiv:"), one["where"].removeprefix("Table ")): one for one in records}
    found |= {("Krizhevsky", where): one for (source, where), one in found.items() if source.startswith("Krizhevsky")}
    for place, (_, said) in TABLES.items():
        counts = {"counts": said.total() - said["modelled"], "hold": said["exact"] + said["rounded"]}
        assert {key: int(found[place][key]) for key in counts} == counts
        assert int(found[place]["times"]) == said["modelled"]


NAMES = {
    ("1603.05027", "4"): ["CIFAR-10", "CIFAR-10: NIN", "CIFAR-10: DSN", "CIFAR-10: FitNet"],
    ("1602.07360", "2"): ["AlexNet, None (baseline)", "AlexNet, SVD (Denton et al., 2014)"],
    ("1512.03385", "6"): ["Maxout", "NIN", "DSN", "FitNet", "Highway, 19", "Highway, 32", "ResNet, 20"],
    ("1704.04861", "6"): ["1.0 MobileNet-224", "0.75 MobileNet-224"],
}


@pytest.mark.parametrize(("source", "where"), NAMES)
def test_a_row_is_called_as_it_is_told_from_the_others(source: str, where: str) -> None:
    names = [line.name for line in judged(source, where)[1]]
    assert names[: len(NAMES[source, where])] == NAMES[source, where]
    assert len(set(names)) == len(names)


# ---- a table of one's own ----------------------------------------------------------------------------

# A 1x1 convolution of 2 -> 3 channels with bias on 4x4: 9 parameters, 96 MACs, 48 activations, 36 bytes.
SPEC = """\
costcalc: 1
name: small
knobs: {out: 3}
input: [2, 4, 4]
layers:
  - conv: {out: out, kernel: 1}
"""
OWN = """\
costcalc_table: 1
source: a paper
where: Table 1
columns:
  Net:
  Ops: {is: macs}
  Size: {is: COLUMN}
rows:
  - cells: [one, CELLS]
    network: SPEC
    Ops: {rounding: floor}
"""
CELLS = [
    ("params", "96, 9", ["96", "96", "9", "9"]),
    ("params", "90, 9", ["90", "96", "≠", "9", "9"]),
    ("activations", "0.09K, 48", ["0.09K", "0.096K", "¹", "48", "48"]),
    ("bytes", "96, 36B", ["96", "96", "36B", "36"]),
    ("bytes", "96, 1kB → 36B", ["96", "96", "1kB", "→", "36B", "36"]),
    ("ms", "96, 7ms", ["96", "96", "7ms"]),  # of no device
    ("top1_error", "96, 7 ± 1", ["96", "96", "7", "±", "1"]),
]


@pytest.mark.parametrize(("column", "cells", "shown"), CELLS)
def test_a_table_of_ones_own(column: str, cells: str, shown: list[str], tmp_path: Path, run: Run) -> None:
    (tmp_path / "small.yaml").write_text(SPEC, encoding="utf-8")
    text = OWN.replace("COLUMN", column).replace("CELLS", cells).replace("SPEC", str(tmp_path / "small.yaml"))
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    said = run("table", str(tmp_path / "mine.yaml")).out.splitlines()
    assert next(line for line in said if line.startswith("one")).split()[1:] == shown


WRONG = [
    ("is: COLUMN", "is: speed", "7:14: is is one of macs, params, activations, bytes"),
    ("is: COLUMN", "is: params, in: m", "7:26: 'm' is no unit"),
    ("is: COLUMN", "is: params, rounds: floor", "7:22: unknown key of a column: 'rounds'"),
    ("[one, CELLS]", "[one, 96]", "9:5: the row has 2 cells, the table 3 columns"),
    ("network: SPEC", "network: small", "9:5: no network of the zoo is called 'small'"),
    ("    network: SPEC\n", "", "9:5: a row of which more is said than its cells names its network"),
    ("network: SPEC", "network: SPEC\n    knobs: {outt: 3}", "9:18: published, Table 1: small has no knob 'outt'"),
    ("rounding: floor", "rounding: down", "11:21: rounding is 'down'"),
    ("rounding: floor", "reproduces: false", "11:10: a row that is not reproduced needs a 'note'"),
    ("Ops: {rounding", "Opz: {rounding", "11:5: unknown key of a row: 'Opz'"),
    ("  Ops: {is", "  of: {is", "6:7: a row says 'of' of itself"),
    ("where: Table 1\n", "", "1:1: a printed table needs 'where'"),
    ("source: a paper", "sauce: a paper", "2:1: unknown key 'sauce' in a printed table"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG)
def test_a_mistake_in_a_table_is_told_at_its_place(old: str, new: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SPEC, encoding="utf-8")
    text = OWN.replace(old, new).replace("COLUMN", "params").replace("CELLS", "96, 9")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("SPEC", str(tmp_path / "small.yaml")), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        printed.page(printed_tables.load(str(path)))
    assert f"mine.yaml:{says}" in caught.value.problems[0].head


@pytest.mark.parametrize("text", ["", "- a list", "costcalc: 1", "costcalc_table: 2\nsource: a paper"])
def test_what_is_no_printed_table(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"mine\.yaml is (empty|no printed table)"):
        printed_tables.load(str(tmp_path / "mine.yaml"))


def test_a_printed_table_is_no_spec(tmp_path: Path, run: Run) -> None:
    (tmp_path / "mine.yaml").write_text(OWN, encoding="utf-8")
    done = run("report", str(tmp_path / "mine.yaml"))
    assert f"{tmp_path}/mine.yaml is a printed table, no spec" in done.err
    assert f"costcalc table {tmp_path}/mine.yaml" in done.err


MISSING = [
    (("1704.04861", "12"), "there is no printed table '12' of arXiv:1704.04861"),
    (("9999.0001", "1"), "there is no printed table of '9999.0001'"),
    (("9999.0001",), "there is no printed table of '9999.0001'"),
    (("arXiv", "1"), "'arXiv' is a part of several sources"),
]


@pytest.mark.parametrize(("words", "says"), MISSING)
def test_a_table_that_is_not_there(words: tuple[str, ...], says: str, run: Run) -> None:
    done = run("table", *words)
    assert done.code == 2
    assert says in done.err


# ---- tables of layers ----------------------------------------------------------------------------

# Table 1 of SqueezeNet: what each row outputs, and its parameters before pruning and after.
SQUEEZENET = [
    ("conv1", "96x111x111", 14_208, 14_208),
    ("pool1", "96x55x55", 0, 0),
    ("fire2", "128x55x55", 11_920, 5_746),
    ("fire3", "128x55x55", 12_432, 6_258),
    ("fire4", "256x55x55", 45_344, 20_646),
    ("pool4", "256x27x27", 0, 0),
    ("fire5", "256x27x27", 49_440, 24_742),
    ("fire6", "384x27x27", 104_880, 44_700),
    ("fire7", "384x27x27", 111_024, 46_236),
    ("fire8", "512x27x27", 188_992, 77_581),
    ("pool8", "512x13x13", 0, 0),  # printed as 13x12
    ("fire9", "512x13x13", 197_184, 77_581),
    ("dropout", "512x13x13", 0, 0),
    ("conv10", "1000x13x13", 513_000, 103_400),
    ("pool10", "1000", 0, 0),
]


def folded(network: str, convention: str = "costcalc") -> list[Line]:
    return costcalc.count(network, convention=convention).lines("layer", 1)


def test_squeezenet_before_and_after_pruning() -> None:
    dense, pruned = folded("squeezenet1_0_pruned"), folded("squeezenet1_0_pruned", "pruned")
    pairs = zip(dense, pruned, strict=True)
    assert [(line.name, line.output, line.cost.params, left.cost.params) for line, left in pairs] == SQUEEZENET
    assert (sum(row[2] for row in SQUEEZENET), sum(row[3] for row in SQUEEZENET)) == (1_248_424, 421_098)


# The input of each row as the papers' tables of layers print it, here with the channels first. A row that stands for
# several modules is written out, and so are Inception-v2's reductions between its stages.
BODIES = {
    "inception_v2": """
        3x299x299 32x149x149 32x147x147 64x147x147 64x73x73 80x71x71 192x35x35
        288x35x35 288x35x35 288x35x35 288x35x35 768x17x17 768x17x17 768x17x17 768x17x17
        768x17x17 1280x8x8 2048x8x8 2048x8x8 2048 1000""",
    "mobilenet_v3_large": """
        3x224x224 16x112x112 16x112x112 24x56x56 24x56x56 40x28x28 40x28x28 40x28x28
        80x14x14 80x14x14 80x14x14 80x14x14 112x14x14 112x14x14 160x7x7 160x7x7 160x7x7 960x7x7 960 1280 1280""",
}


@pytest.mark.parametrize("network", BODIES)
def test_a_body_has_the_inputs_that_are_printed(network: str) -> None:
    assert [line.input for line in folded(network)] == BODIES[network].split()
