"""Execute the notebooks and write their outputs.

    python tests/tools/notebooks.py [FILE ...]            write
    python tests/tools/notebooks.py --check [FILE ...]    say what is stale, and exit with 1 if anything is

Jupyter is not needed: the code cells of a notebook run in order, in one namespace. What a cell gives is what
it prints, and the value of an expression that stands last. Several notebooks run in a process each, so that
none sees another's settings. A file is written as Jupyter writes it.

A picture's dots hang on matplotlib's version and its fonts. So what a picture draws is written down beside it
as a digest, and a saved picture stays as it is while that is the same.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import copy
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PNG = "image/png"


class CellError(Exception):
    """A cell that failed: which, and how."""


def text(notebook: dict[str, Any]) -> str:
    """Return a notebook as the file holds it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def executed(notebook: dict[str, Any], **known: Any) -> dict[str, Any]:
    """Return a notebook with the outputs that its cells give now; `known` are names that they know beforehand.

    Raises CellError for the first cell that fails.
    """
    made = copy.deepcopy(notebook)
    names: dict[str, Any] = {"__name__": "__main__", **known}
    code = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, 1):
        try:
            found = outputs("".join(cell["source"]), names, number)
        except Exception as error:
            raise CellError(f"cell '{cell['id']}' failed: {type(error).__name__}: {error}") from error
        cell["outputs"] = [kept(one, cell["outputs"]) for one in found]
        cell["execution_count"] = number
    return made


def kept(fresh: dict[str, Any], saved: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a cell's output, as it is saved where that is another picture of the same things."""
    same = [one for one in saved if PNG in one.get("data", {}) and without_dots(one) == without_dots(fresh)]
    return same[0] if same and PNG in fresh.get("data", {}) else fresh


def without_dots(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output without the dots of its picture."""
    return output | {"data": {kind: shown for kind, shown in output.get("data", {}).items() if kind != PNG}}


def outputs(source: str, names: dict[str, Any], number: int = 1) -> list[dict[str, Any]]:
    """Run a cell; return what it printed, and the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "<cell>", "exec"), names)  # the notebooks are the repository's own
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    found: list[dict[str, Any]] = []
    if printed.getvalue():
        found.append({"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())})
    if value is not None:
        about = {"drawn": digest(value)} if hasattr(value, "_repr_png_") else {}
        found.append(
            {"data": shown(value), "execution_count": number, "metadata": about, "output_type": "execute_result"}
        )
    return found


def shown(value: Any) -> dict[str, Any]:
    """Return a value as text, and as HTML or a picture where it has such a form."""
    page = value._repr_html_() if hasattr(value, "_repr_html_") else None
    found: dict[str, Any] = {"text/plain": lines(repr(value))} | ({"text/html": lines(page)} if page else {})
    if hasattr(value, "_repr_png_"):
        found[PNG] = base64.b64encode(value._repr_png_()).decode()
    return found


def digest(figure: Any) -> str:
    """Return what a figure draws, in a few letters: its words and its data, which no font changes."""
    return hashlib.sha256("\n".join(drawn(figure)).encode()).hexdigest()[:12]


def drawn(figure: Any) -> Iterator[str]:
    """Yield the words of a figure and of its panels, and the numbers of all lines, points, bars and maps."""
    from matplotlib.ticker import FixedLocator

    yield figure.get_supxlabel()
    for axes in figure.axes:
        yield from (axes.get_title(), axes.get_xlabel(), axes.get_ylabel())
        if isinstance(axes.yaxis.get_major_locator(), FixedLocator):
            yield from (label.get_text() for label in axes.get_yticklabels())  # the names of bars
        for line in axes.lines:
            yield f"{line.get_label()} {numbers(line.get_xydata())}"
        for patch in axes.patches:
            yield f"{patch.get_label()} {numbers(patch.get_patch_transform().transform(patch.get_path().vertices))}"
        for points in axes.collections:
            yield f"{points.get_label()} {numbers(points.get_offsets())} {numbers(points.get_array())}"


def numbers(array: Any) -> str:
    return "" if array is None else " ".join(f"{value:.6g}" for value in array.ravel())


def lines(written: str) -> list[str]:
    return written.splitlines(keepends=True)


def stale(notebook: dict[str, Any]) -> list[str]:
    """Return the ids of the cells whose saved outputs are not what they give now."""
    pairs = zip(notebook["cells"], executed(notebook)["cells"], strict=True)
    return [saved["id"] for saved, now in pairs if saved != now]


def settle(path: Path, *, check: bool) -> bool:
    """Write a notebook's outputs, or with `check` say what is stale; return whether all is well."""
    saved = path.read_text(encoding="utf-8")
    notebook = json.loads(saved)
    try:
        fresh = text(executed(notebook))
        if fresh == saved:
            return True
        if not check:
            path.write_text(fresh, encoding="utf-8")
            print(f"{path.name} written")
            return True
        cells = ", ".join(stale(notebook))
    except CellError as error:
        print(f"{path.name}: {error}")
        return False
    print(f"{path.name} is stale{f' in {cells}' if cells else ''}: run python tests/tools/notebooks.py")
    return False


def alone(path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Settle one notebook in a process of its own, where a warning is an error."""
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    settings = {**os.environ, "PYTHONPATH": search, "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", __file__, *flags, str(path)], env=settings, check=False, timeout=300,
        text=True, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def main() -> int:
    flags = [word for word in sys.argv[1:] if word.startswith("-")]
    paths = [Path(word) for word in sys.argv[1:] if not word.startswith("-")] or NOTEBOOKS
    if len(paths) == 1:
        return 0 if settle(paths[0], check="--check" in flags) else 1
    done = [alone(path, *flags) for path in paths]
    print("".join(run.stdout for run in done), end="")
    return max(run.returncode for run in done)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
