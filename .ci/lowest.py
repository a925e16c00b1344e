"""Print the lowest versions that pyproject.toml states for costcalc's dependencies and its tests' ones."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
stated = project["dependencies"] + project["optional-dependencies"]["test"]
print(*(one.replace(">=", "==") for one in stated))
