"""Hugging Face's config.json: what transformers builds from one, without transformers."""

from __future__ import annotations

import csv
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc import SpecError
from costcalc.interop.huggingface.families import FAMILIES
from costcalc.language.source import parse

# Measured with transformers 5.24: all parameters, and half of what PyTorch's FlopCounterMode counts, attention eager.
DATA = Path(__file__).parent.parent / "data" / "huggingface.csv"
SPECS = Path(costcalc.__file__).parent / "interop" / "huggingface" / "families"


def rows() -> list[Any]:
    with DATA.open(encoding="utf-8") as file:
        found = [(json.loads(row["config"]), row) for row in csv.DictReader(file)]
    names = [f"{number}-{config['architectures'][0]}" for number, (config, _) in enumerate(found, 2)]
    return [pytest.param(*values, id=name) for values, name in zip(found, names, strict=True)]


def written(folder: Path, config: Any) -> str:
    path = folder / "config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config, indent=2), encoding="utf-8")
    return str(path)


def shape(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("x")))


@pytest.mark.parametrize(("config", "row"), rows())
def test_counts_are_those_of_transformers(tmp_path: Path, config: dict[str, Any], row: dict[str, str]) -> None:
    result = costcalc.count(written(tmp_path, config), input=shape(row["input"]))
    assert (result.params, result.macs) == (int(row["params"]), int(row["macs"]))


@pytest.mark.parametrize(("config", "row"), rows())
def test_the_table_is_what_transformers_gives(config: dict[str, Any], row: dict[str, str]) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    if "timm_backbone" in str(config):
        pytest.importorskip("timm")
    from torch.utils.flop_counter import FlopCounterMode

    made = transformers.AutoConfig.for_model(**{k: v for k, v in config.items() if k != "architectures"})
    looks = "detr" in made.model_type or "table-" in made.model_type  # at numbers, which tensors without data have not
    with torch.device("cpu" if looks else "meta"):
        network = getattr(transformers, config["architectures"][0])._from_config(made, attn_implementation="eager")
        texts = len(shape(row["input"])) == 1
        image = torch.zeros(1, *shape(row["input"]), dtype=torch.long if texts else None)
    network.eval()
    (name,) = list(inspect.signature(network.forward).parameters)[:1]
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        network(**{name: image})
    assert sum(p.numel() for p in network.parameters()) == int(row["params"])
    assert counted.get_total_flops() == 2 * int(row["macs"])


def test_every_spec_is_of_a_model_type() -> None:
    known = {family.spec for family in FAMILIES.values()} | {"upernet_convnext", "upernet_swin"}  # a spec a backbone
    assert known == {path.stem for path in SPECS.glob("*.yaml")}


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_family_is_read_whatever_stands_on_it(tmp_path: Path, kind: str) -> None:
    family = FAMILIES[kind]
    root, problems = parse((SPECS / f"{family.spec}.yaml").read_text(encoding="utf-8"), "")
    assert root is not None
    assert not problems
    knobs = root.plain()["knobs"]
    assert not (family.idle | family.only.keys()) & knobs.keys() - family.only.keys()
    assert family.knobs.keys() | family.derived.keys() <= knobs.keys()
    path = written(tmp_path, {"model_type": kind})
    counts = {head: costcalc.count(path, head=head) for head in family.heads}
    plain = costcalc.count(path)
    assert (plain.params, plain.macs) == (counts[family.heads[0]].params, counts[family.heads[0]].macs)


# What is wrong with a config, and what is said of it.
WRONG: list[tuple[Any, str]] = [
    ('{"model_type": "vit", "hidden', "config.json:1:23: this is no JSON"),
    ('{"model_type": 3}', "a config has a model_type, a word"),
    ({"model_type": "vlt"}, "config.json:2:3: model type 'vlt' is not known here"),
    ({"model_type": "sam"}, 'transformers builds it, which runs its code: costcalc.from_torch("hf:'),
    ({"model_type": "bert", "position_embedding_type": "relative_key"}, "only absolute can be expressed"),
    ({"model_type": "bert", "hidden_size": 770}, "770x128 has 98560 elements, which can't be 12x64x?"),
    (
        {"model_type": "depth_anything", "backbone_config": {"model_type": "dinov2", "out_features": ["stem"]}},
        "backbone_config: out_features is a list of 4 of its stages, from stage1",
    ),
    ({"model_type": "rt_detr", "encode_proj_layers": [1, 2]}, "encode_proj_layers: only [2] can be expressed"),
    ({"model_type": "timm_wrapper", "architecture": "resnet18"}, 'it is timm\'s: costcalc.from_torch("timm:resnet18"'),
    ({"model_type": "detr", "backbone_config": {"model_type": "swin"}}, "only a config of resnet or timm_backbone"),
    ({"model_type": "detr", "backbone": "convnext_tiny"}, "backbone: of timm's only resnet18, resnet34, resnet50"),
    ({"model_type": "upernet", "backbone_config": {"model_type": "swin"}}, "only a backbone of four stages"),
    ({"model_type": "vit", "hidden_sizes": 8}, "hidden_sizes: is not known here, and may change the network"),
    ({"model_type": "vit", "hidden_size": "8"}, "config.json:3:3: hidden_size: is a number"),
    ({"model_type": "vit", "hidden_size": True}, "hidden_size: is a number"),
    ({"model_type": "vit", "qkv_bias": 1}, "qkv_bias: is true or false"),
    ({"model_type": "vit", "hidden_act": "prelu"}, "hidden_act: an activation is one of gelu, "),
    ({"model_type": "vit", "image_size": [224, 192]}, "image_size: sides that differ can't be expressed"),
    ({"model_type": "vit", "image_size": 10**12}, "image_size: is a number below 1,000,000,000"),
    ('{"model_type": "vit", "image_size": Infinity}', "Infinity is no number that JSON has"),
    ({"model_type": "vit", "num_hidden_layers": 10**8}, "a repeat is 10,000 times at most"),
    ({"model_type": "vit", "num_labels": -1}, "num_labels: is a whole number"),
    ({"model_type": "vit", "architectures": ["ViTForPoseEstimation"]}, "its heads: classification, model, masked"),
    ({"model_type": "resnet", "depths": 3}, "depths: is a list of at most 200 values"),
    ({"model_type": "resnet", "depths": [3, 4]}, "depths"),
    (
        {"model_type": "resnet", "layer_type": "wide"},
        'layer_type: only basic or bottleneck can be expressed, not "wide"',
    ),
    ({"model_type": "convnext", "num_stages": 3}, "num_stages: 3 where depths has 4 values"),
]


@pytest.mark.parametrize(("config", "words"), WRONG)
def test_what_is_wrong_is_told(tmp_path: Path, config: Any, words: str) -> None:
    with pytest.raises(SpecError) as told:
        costcalc.count(written(tmp_path, config))
    assert words in str(told.value)


def test_a_number_of_classes_is_that_of_their_names(tmp_path: Path) -> None:
    named = {"model_type": "resnet", "id2label": {str(n): f"class {n}" for n in range(7)}}
    assert costcalc.count(written(tmp_path, named)).params == 23512130 + 5 * 2049


def test_a_folder_stands_for_its_config(tmp_path: Path) -> None:
    written(tmp_path, {"model_type": "resnet"})
    assert costcalc.count(f"{tmp_path}/").params == 23512130
    assert costcalc.count(f"{tmp_path}/", head="model").params == 23508032


def test_sizes_of_a_config_are_knobs(tmp_path: Path) -> None:
    path = written(tmp_path, {"model_type": "vit", "hidden_size": 384, "num_attention_heads": 6})
    assert costcalc.count(path, hidden_size=192, num_attention_heads=3).params < costcalc.count(path).params


def test_the_page_names_every_model_type() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = page.partition("| heads | model types |\n")[2].partition("\n\n")[0].splitlines()[1:]
    said = {
        (kind.strip("`"), heads)
        for heads, kinds in (row.strip("| ").split(" | ") for row in rows)
        for kind in kinds.split(", ")
    }
    assert said == {(kind, ", ".join(family.heads)) for kind, family in FAMILIES.items()}


def test_spoiled_configs_are_read_or_refused_in_words() -> None:
    """`tests/tools/fuzz_formats.py` does the same for thousands."""
    from fuzz_formats import spoil

    assert spoil("huggingface", 200, 0) == 0


@pytest.mark.parametrize("kind", ["resnet", "donut-swin"])
def test_transformers_builds_what_the_reader_of_pytorch_reads(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    path = written(tmp_path, {"model_type": kind, "depths": [1, 1, 1, 1]})
    spec = costcalc.from_torch(f"hf:{path}", (3, 64, 64))
    made = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(kind, depths=[1, 1, 1, 1]))
    assert costcalc.count(spec).params == sum(p.numel() for p in made.parameters())


def test_a_text_of_another_length(tmp_path: Path, run: Run) -> None:
    """A text's only axis is its length, and no channels."""
    path = written(tmp_path, {"model_type": "bert", "num_hidden_layers": 1})
    longer = run("report", path, "--input", "384")
    assert "channels" not in longer.out + longer.err
    assert costcalc.count(path, input=(384,)).macs == costcalc.count(path, length=384).macs
    with pytest.raises(SpecError, match="512"):
        costcalc.count(path, input=(600,))


def test_an_imported_config_is_a_spec_with_its_sizes(tmp_path: Path, run: Run) -> None:
    path = written(tmp_path, {"model_type": "resnet", "_name_or_path": "microsoft/resnet-50", "num_labels": 10})
    text = run("import", path).out
    assert text.startswith("costcalc: 1\nname: resnet-50\n")
    assert "\n  classes: 10\n" in text
    assert "# no config says it\n" in text
    assert costcalc.count(text).params == costcalc.count(path).params


# Keys that configs of earlier versions carry, and that change nothing.
EARLIER = [
    {"model_type": "swin", "path_norm": True, "hidden_size": 768, "torch_dtype": "float32", "torchscript": False},
    {"model_type": "segformer", "downsampling_rates": [1, 4, 8, 16], "reshape_last_stage": True, "num_beams": 1},
    {
        "model_type": "detr",
        "backbone": "resnet50",
        "use_timm_backbone": True,
        "backbone_config": None,
        "max_length": 20,
    },
    {"model_type": "dpt", "expand_channels": False, "is_hybrid": False, "classifier_dropout": 0.1},
]


@pytest.mark.parametrize("config", EARLIER, ids=lambda config: config["model_type"])
def test_keys_of_earlier_versions_change_nothing(tmp_path: Path, config: dict[str, Any]) -> None:
    counted = costcalc.count(written(tmp_path, config))
    plain = costcalc.count(written(tmp_path, {"model_type": config["model_type"]}))
    assert (counted.params, counted.macs) == (plain.params, plain.macs)
