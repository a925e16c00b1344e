"""A config.json as the PyTorch model that transformers builds of it: for model types without a spec of ours."""

from __future__ import annotations

from typing import Any

from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.interop.huggingface.config import Config


def built(path: str) -> Any:
    """Return the module that transformers builds: the first of `architectures`, else the model alone.

    This runs transformers' code, and none that a config names. Attention is built as its steps.

    Raises SpecError where transformers is missing, or knows no such model.
    """
    transformers = need("transformers", "transformers")
    config = Config(path)
    kind, classes = config.keys.get("model_type"), config.keys.get("architectures") or [""]
    if not isinstance(kind, str) or not hasattr(transformers.AutoConfig, "for_model"):
        raise stop(f"{config.path}: a config has a model_type, a word")
    said = {key: value for key, value in config.keys.items() if key not in ("model_type", "auto_map")}
    made = transformers.AutoConfig.for_model(kind, **said)
    build = getattr(transformers, str(classes[0]), None) if isinstance(classes, list) else None
    build = build or transformers.AutoModel
    make = getattr(build, "_from_config", None) or build.from_config
    return make(made, attn_implementation="eager")
