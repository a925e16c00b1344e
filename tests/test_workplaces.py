"""Where people work: a pull request's comment, hooks before a commit, editors."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import generate
import in_process
import pytest
import yaml

from costcalc.cli import COMMANDS

ROOT = generate.ROOT
ACTION = ROOT / ".github" / "actions" / "costcalc"
SPEC = """costcalc: 1
name: Small
input: [3, 8, 8]
layers:
  - conv: {out: 8, kernel: 3, padding: 1, bias: false}
  - conv: {out: 4, kernel: 1, bias: false}
"""
COUNTED = "counted: params: learnable; MACs: conv + fc + matmul, no bias (costcalc 9c528e)"

# ---- the comment on a pull request ---------------------------------------------------------------

# What stands in place of GitHub's own command: it tells the comments that there are, and keeps what it is given.
GH = """#!/bin/sh
echo "$@" >> "$CALLS"
for word in "$@"; do case $word in body=@*) cp "${word#body=@}" "$BODY";; esac; done
case "$*" in *--paginate*) printf '%s' "$COMMENTS";; esac
"""


class Repository:
    """A repository with specs, in which a branch changes them, and the commands that the action needs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tools = folder / "repository", folder / "tools"
        self.body, self.calls, self.summary = folder / "body", folder / "calls", folder / "summary"
        (self.folder / "nets").mkdir(parents=True)
        self.tools.mkdir()
        start = "import sys; sys.argv[0] = 'costcalc'; from costcalc.cli import main; main()"
        for name, text in {"gh": GH, "costcalc": f'#!/bin/sh\nexec "{sys.executable}" -c "{start}" "$@"\n'}.items():
            (self.tools / name).write_text(text, encoding="utf-8")
            (self.tools / name).chmod(0o755)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for role in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env={**os.environ, **who}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None]) -> str:
        for name, text in files.items():
            if text is None:
                (self.folder / name).unlink()
            else:
                (self.folder / name).write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def comment(self, base: str, *, comments: str = "", specs: str = "nets/*.yaml", options: str = "--top 5") -> int:
        """Run the script of the action, and return its exit code."""
        given = {
            "BASE": base,
            "SPECS": specs,
            "OPTIONS": options,
            "PULL_REQUEST": "7",
            "GITHUB_REPOSITORY": "some/nets",
        }
        kept = {"BODY": self.body, "CALLS": self.calls, "GITHUB_STEP_SUMMARY": self.summary}
        path = os.pathsep.join((str(self.tools), os.environ["PATH"]))
        env = {**os.environ, **given, **{name: str(file) for name, file in kept.items()}, "COMMENTS": comments}
        env |= {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "NO_COLOR": "1"}
        done = subprocess.run(
            ["bash", str(ACTION / "comment.sh")], cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        return done.returncode


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if not (shutil.which("git") and shutil.which("bash")):
        pytest.skip("needs git and bash")
    return Repository(tmp_path)


def test_a_pull_request_gets_what_changes(repository: Repository) -> None:
    """64 places of 1x1 kernels: 4 * 8 become 6 * 8 weights. What main did since is no part of the branch."""
    base = repository.commit({"nets/a.yaml": SPEC, "nets/b.yaml": SPEC, "nets/gone.yaml": SPEC, "nets/same.yaml": SPEC})
    main = repository.commit({"nets/b.yaml": SPEC.replace("out: 8", "out: 16")})
    repository.git("checkout", "-q", "-b", "branch", base)
    changed = {"nets/a.yaml": SPEC.replace("out: 4", "out: 6"), "nets/same.yaml": f"# the same\n{SPEC}"}
    repository.commit({**changed, "nets/gone.yaml": None, "nets/new.yaml": SPEC, "other.yaml": "a: 1\n"})
    assert repository.comment(main) == 0
    body = repository.body.read_text(encoding="utf-8")
    assert body.startswith(
        "<!-- costcalc: costs -->\n### What changes of costs\n\n#### `nets/a.yaml`\n\nparams: 248 → 264"
    )
    assert "MACs: 15.87 K → 16.90 K (+1.024 K, +6.5 %)" in body
    assert "| ~ | conv2 | out 4 → 6 | +16 | 100.0 | +1.024 K | 100.0 |" in body
    assert "#### `nets/gone.yaml`\n\nremoved\n" in body
    assert "#### `nets/new.yaml`\n\n" in body
    assert COUNTED in body
    assert not re.search(r"b\.yaml|other\.yaml|same\.yaml|/tmp", body)
    assert repository.summary.read_text(encoding="utf-8") == body
    assert "api repos/some/nets/issues/7/comments -F body=@" in repository.calls.read_text(encoding="utf-8")
    assert repository.git("worktree", "list").count("\n") == 0


def test_a_comment_is_written_anew(repository: Repository) -> None:
    base = repository.commit({"nets/a.yaml": SPEC})
    repository.commit({"nets/a.yaml": SPEC.replace("out: 4", "out: 6")})
    assert repository.comment(base, comments="31\n") == 0
    assert "--method PATCH repos/some/nets/issues/comments/31" in repository.calls.read_text(encoding="utf-8")


def test_a_pull_request_without_another_cost_says_so(repository: Repository) -> None:
    base = repository.commit({"nets/a.yaml": SPEC})
    repository.commit({"nets/a.yaml": f"# said\n{SPEC}"})
    assert repository.comment(base) == 0
    assert repository.body.read_text(encoding="utf-8").endswith("nothing: no spec costs another number\n")


def test_a_mistake_is_told_and_ends_with_one(repository: Repository) -> None:
    base = repository.commit({"nets/a.yaml": SPEC})
    repository.commit({"nets/a.yaml": SPEC.replace("kernel", "kernal")})
    assert repository.comment(base) == 1
    body = repository.body.read_text(encoding="utf-8")
    assert "```text\nnets/a.yaml:5:20: conv has no field 'kernal'" in body
    assert "did you mean 'kernel'?" in body


def test_a_comment_fits_what_the_host_takes(repository: Repository) -> None:
    layers = "".join(f"  - conv: {{out: {8 + k % 5}, kernel: 1}}\n" for k in range(900))
    specs = {f"nets/{n}.yaml": f"costcalc: 1\ninput: [3, 8, 8]\nlayers:\n{layers}" for n in range(9)}
    base = repository.commit(specs)
    repository.commit({name: text.replace("kernel: 1", "kernel: 1, bias: false") for name, text in specs.items()})
    assert repository.comment(base, options="") == 0
    body = repository.body.read_text(encoding="utf-8")
    assert len(body) < 65_536
    assert "<details>" not in body
    assert "#### `nets/8.yaml`" in body


def test_the_action_hands_over_what_its_script_reads() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    script = (ACTION / "comment.sh").read_text(encoding="utf-8")
    given = action["runs"]["steps"][-1]["env"]
    assert set(given) == {"BASE", "PULL_REQUEST", "SPECS", "OPTIONS", "GH_TOKEN"}
    assert all(f"${name}" in script or f"${{{name}:" in script for name in set(given) - {"GH_TOKEN"})
    used = {name for value in given.values() for name in re.findall(r"inputs\.(\w+)", value)}
    assert used == set(action["inputs"])


# ---- hooks ---------------------------------------------------------------------------------------

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
FILES = [
    ("costcalc-validate", "nets/a.yaml", True),
    ("costcalc-validate", "vision/models/b.yml", True),
    ("costcalc-validate", ".pre-commit-config.yaml", False),
    ("costcalc-validate", "costs.json", False),
    ("costcalc-check", "a/specs/b.yaml", True),
    ("costcalc-check", "costs.json", True),
    ("costcalc-check", "nets.py", False),
]


@pytest.mark.parametrize(("hook", "file", "taken"), FILES)
def test_hooks_take_specs(hook: str, file: str, taken: bool) -> None:
    assert bool(re.search(HOOKS[hook]["files"], file)) is taken


def test_hooks_are_commands_that_pass_and_fail(tmp_path: Path) -> None:
    """As pre-commit runs them: the entry, its args, then the files unless they are not passed."""
    (tmp_path / "a.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(SPEC.replace("kernel", "kernal"), encoding="utf-8")
    in_process.costcalc("check", "a.yaml", "--baseline", "costs.json", "--update", folder=tmp_path)
    for files, codes in ((["a.yaml"], (0, 0)), (["a.yaml", "bad.yaml"], (2, 0))):
        for hook, code in zip(HOOKS.values(), codes, strict=True):
            words = [*hook["entry"].split()[1:], *hook.get("args", [])]
            assert words[0] in COMMANDS
            passed = files if hook.get("pass_filenames", True) else []
            assert in_process.costcalc(*words, *passed, folder=tmp_path).code == code
    baseline = json.loads((tmp_path / "costs.json").read_text(encoding="utf-8"))
    assert baseline["networks"]["a.yaml"]["params"] == 8 * 27 + 8 * 4
    (tmp_path / "a.yaml").write_text(SPEC.replace("out: 4", "out: 6"), encoding="utf-8")
    hook = HOOKS["costcalc-check"]
    assert in_process.costcalc(*hook["entry"].split()[1:], *hook["args"], folder=tmp_path).code == 1
