"""`costcalc reconcile`: which settings give a claimed number."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

import costcalc
from costcalc.cli import group


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["reconcile", *arguments], catch_exceptions=False)


# network, claim, what must be among the first answers, and the number behind it (from papers and other tools)
ANSWERS = [
    ("resnet50", "4.09G", "as costcalc counts it", 4_089_184_256),
    ("resnet50", "8.2G", "two FLOPs a MAC", 8_178_368_512),
    ("resnet50", "4.13G", "as thop", 4_133_742_592),
    ("resnet50", "4.11G", "as fvcore", 4_111_512_576),
    ("resnet50", "4.12G", "as onnx-tool", 4_117_342_184),
    # He et al. 2015 cut 3.86 G to 3.8, of the network with its stride in the first 1x1
    ("resnet50", "3.8G", "printed in arXiv:1512.03385, Table 1: resnet50_v1, cut, not rounded", 3_857_973_248),
    ("resnet50", "3.8G", "G is 1,073,741,824", 4_089_184_256),
    ("mobilenet_v2", "320M", "as ptflops", 320_300_008),
    ("mobilenet_v2", "300M", "as costcalc counts it; cut, not rounded", 300_774_272),
    ("mobilenet_v2", "301M", "as costcalc counts it", 300_774_272),
    ("googlenet", "1.5G", "as costcalc counts it", 1_498_376_192),
    # 224 * 224 / (152 * 152) times less in the convolutions, the same in the fully connected layers
    ("vgg16", "7.2G", "resolution 152", 15_346_630_656 * 152**2 // 224**2 + 123_633_664),
    ("vgg16", "15.35G", "the fully connected layers left out, but those of squeeze-and-excite", 15_346_630_656),
    ("vgg16", "138M", "as costcalc counts it; cut, not rounded", 138_357_544),
    ("mobilenet_v1", "149M", "width 0.5", 149_497_088),
    ("mobilenet_v1", "418M", "resolution 192", 418_161_664),
    ("inception_v3", "5.7G", "as costcalc counts it", 5_713_216_096),
    ("mobilenet_v3_large", "4.2M", "the layers of blocks called se left out; cut, not rounded", 0),
]


@pytest.mark.parametrize(("network", "claim", "how", "number"), ANSWERS, ids=[f"{r[0]} {r[1]}" for r in ANSWERS])
def test_a_claim_is_explained(network: str, claim: str, how: str, number: int) -> None:
    found = costcalc.reconcile(network, claim).matches
    told = {"; ".join(match.steps) or "as costcalc counts it": match for match in found}
    assert how in told
    assert told[how].number == number
    assert len(found[0].steps) <= 1
