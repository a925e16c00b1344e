"""Finding specs: a path, a name of the zoo, text, or a dict; and the specs that another includes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from costcalc.base import Data, Datum, hints
from costcalc.base.errors import Mark, Problems, nearest, stop
from costcalc.base.files import PACKAGE, decode, read, refuse_output, shipped
from costcalc.base.text import is_word
from costcalc.language.document import Spec
from costcalc.language.reader import read as read_spec
from costcalc.language.source import YamlNode, from_data, parse
from costcalc.language.yaml_text import inline

if TYPE_CHECKING:
    Reader: TypeAlias = Callable[[str], Spec | None]

SUFFIX = ".yaml"


@lru_cache(maxsize=1)
def folder() -> str:
    """Return the folder of the zoo's specs: inside the installed package, or beside it in a checkout."""
    inside = shipped("specs")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(PACKAGE), "specs")


def files() -> list[str]:
    """Return the paths of the zoo's files, by name."""
    return [os.path.join(folder(), file) for file in sorted(os.listdir(folder())) if file.endswith(SUFFIX)]


def is_own(spec: Spec) -> bool:
    """Say whether a spec is of a file of the zoo, and no user's."""
    return spec.folder is None and os.path.isfile(os.path.join(folder(), os.path.basename(spec.where)))


def fingerprint() -> str:
    """Return a hash of all files of the zoo, and of the tables that print its networks."""
    import hashlib

    printed = shipped("tables")
    tables = (os.path.join(printed, file) for file in sorted(os.listdir(printed)))
    texts = (f"{os.path.basename(path)}\n{read(path)}" for path in (*files(), *tables))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def index() -> Data:
    """Return what was counted of the zoo when costcalc was made; nothing where one of its files is another now.

    `python tests/tools/generate.py` writes it, and a test holds it to what is counted.
    """
    import json

    path = shipped("zoo.json")
    found: dict[str, Datum] = json.loads(read(path)) if os.path.isfile(path) else {}
    return found if found.get("zoo") == fingerprint() else {}


def stem(path: str) -> str:
    """Return the name of a file of the zoo, without its suffix."""
    return os.path.basename(path).removesuffix(SUFFIX)


def load(source: Datum, foreign: Reader | None = None) -> Spec:
    """Return the spec for a zoo name, a path, `-` (standard input), a YAML text of lines, a dict, or a loaded spec.

    A variant of a file is `vit.yaml@vit_small`. foreign: reads a file that doesn't look like ours, by its path, or
    returns None. Raises SpecError, with every mistake found, when there is no such spec or it is wrong.
    """
    if isinstance(source, Spec):
        return source
    if isinstance(source, Mapping):
        return _checked(Spec("spec"), *from_data(source))
    if isinstance(source, os.PathLike):
        return load_file(os.fspath(source), foreign)
    if not isinstance(source, str):
        raise stop(f"a spec is a name, a path or a dict, not a {type(source).__name__}")
    if source == "-":
        import sys

        refuse_output(0, "standard input")
        return load_text(decode(sys.stdin.buffer.read(2_000_000), "-"), "-")
    return load_text(source) if "\n" in source else _named(source, foreign)


def _named(source: str, foreign: Reader | None) -> Spec:
    """Return the spec of a path or a name, or a variant of it."""
    if _is_path(source):
        return load_file(source, foreign)
    path, at, variant = source.rpartition("@")
    if at and path and "=" not in variant:
        if says_variant(path):
            raise stop(f"'{source[:80]}' names two variants", hint="one is in force: NAME@VARIANT")
        return of_a_name(_named(path, foreign), variant)
    found = find(source.removesuffix(SUFFIX).removesuffix(".yml"))
    if found is None:
        if os.path.isdir(source):
            return load_file(source, foreign)  # which says what is in it
        raise stop(*_missing(source))
    return found


def says_variant(name: str) -> bool:
    """Say whether a word for a network names a variant: `vit.yaml@vit_small`; a file's name may hold an @ too."""
    return "@" in name and not os.path.exists(name)


def chosen(spec: Spec, variant: str) -> Spec:
    """Return a spec with a variant's knob values in force; raise SpecError where it has none of that name."""
    if variant not in spec.variants:
        hint = nearest(variant, spec.variants) or f"its variants: {', '.join(spec.variants) or 'none'}"
        hint = f"a knob takes a value: {variant}={inline(spec.knobs[variant])}" if variant in spec.knobs else hint
        raise stop(f"{spec.name} has no variant '{variant[:60]}'", hint=hint)
    return spec.chosen(variant)


def of_a_name(spec: Spec, variant: str) -> Spec:
    """Return a variant of the spec that a name stands for; raise SpecError where the name is another's already."""
    if spec.variant not in ("", variant):
        raise stop(f"{spec.variant} is a variant already, and {variant[:60]} another", hint="name one of them alone")
    return chosen(spec, variant)


def _is_path(source: str) -> bool:
    """Say whether the text names a file rather than a network: it exists, or has a folder in it and no variant.

    A folder that happens to be called as a network is no spec.
    """
    try:
        if os.path.exists(source):
            return not os.path.isdir(source) or "/" in source or os.sep in source
        return ("/" in source or os.sep in source) and "@" not in os.path.basename(source)
    except ValueError:
        return False


def _beside(path: str) -> str:
    """Return which spec was most likely meant by the path of a file that is not there."""
    import difflib

    folder, name = os.path.split(path)
    known: list[str] = []
    with suppress(OSError):
        known = [one for one in sorted(os.listdir(folder or ".")) if one.endswith((SUFFIX, ".yml"))]
    scale = re.match(r"yolo(?:e-)?v?\d+([nslmx])", name)  # Ultralytics: yolov8n.yaml is a scale of yolov8.yaml
    whole = name[: scale.end() - 1] + name[scale.end() :] if scale else name
    if scale and whole in known:
        return f"{os.path.join(folder, whole)} has all scales: give {os.path.join(folder, whole)}@scale={scale[1]}"
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"did you mean '{os.path.join(folder, found[0])}'?" if found else ""


def _missing(source: str) -> tuple[str, str, str]:
    shown = source if len(source) < 80 else f"{source[:80]}..."
    name = source.removesuffix(SUFFIX).removesuffix(".yml")
    beside = _beside(source)
    hint = beside if "@scale=" in beside else nearest(name, names()) or beside
    hint = hint or hints.said("{} shows the networks of the zoo", hints.function("networks"))
    if re.fullmatch(r"[\d.]+", source):
        hint = "values of a knob are joined by commas: 0.5,1"
    if re.fullmatch(r"[A-Za-z_]\w*=\S+", name):
        knob = hints.Hint(name, f"--{name.replace('=', ' ', 1)}")
        hint = hints.said("a knob is given as {}, or for one network as {}", knob, f"NAME@{name}")
    elif (
        re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name)
        and ("." in name or not hint.startswith("did"))
        and hint != beside
    ):
        module, _, last = name.rpartition(".")
        target = f"{module or 'torchvision.models'}:{last}"
        model = hints.Hint(
            f'a model of PyTorch is read by costcalc.from_torch("{target}", (3, 224, 224))',
            f"a model of PyTorch is given as MODULE:NAME, {target}",
        )
        hint = hints.Hint(hint, hints.in_shell(hint)) + (" " if hint.endswith("?") else "; ") + model
    return f"{shown}: no file and no network of the zoo is called so", "", hint


_SPEC = "give the path of a YAML file, or the name of a network of the zoo"
# What costcalc's other files are, and how they are given.
_OTHERS = {
    "baseline": ("a baseline", "costcalc check SPEC... --baseline {path}"),
    "convention": ("a convention", "costcalc report SPEC --convention {path}"),
    "device": ("a device", "costcalc devices {path}"),
    "energy": ("a table of energies", "costcalc energy SPEC --energy-table {path}"),
    "report": ("a report", "give the spec that it was made from"),
    "table": ("a printed table", "costcalc table {path}"),
}


def says_costcalc(text: str) -> bool:
    """Say whether a text is a file of costcalc's: `costcalc: 1`, `"costcalc_baseline": 1`."""
    key = r"""(?m)^[\s{"']*costcalc(_\w+)?["']?\s*:"""
    return text.startswith("costcalc") or re.search(key, text) is not None


def load_file(path: str, foreign: Reader | None = None) -> Spec:
    """Return the spec in a file, one that doesn't look like ours as `foreign` reads it."""
    if foreign and not path.endswith((SUFFIX, ".yml")) and (found := foreign(path)):
        return found
    if not os.path.lexists(path):
        raise stop(f"{path}: there is no such file", hint=_beside(path))
    spec = Spec(path, read(path, hint=_SPEC))
    if foreign and not says_costcalc(spec.text) and (found := foreign(path)):
        return found
    kind = re.search(r'^[{\s"]*costcalc_(\w+)"?\s*:', spec.text)
    if kind:
        what, hint = _OTHERS.get(kind[1], ("another file of costcalc's", ""))
        raise stop(f"{path} is {what}, no spec", hint=hint.format(path=path))
    spec.folder = os.path.dirname(path) or "."
    return _checked(spec, *parse(spec.text, spec.where))


def load_text(text: str, where: str = "spec") -> Spec:
    """Return the spec in a YAML text."""
    return _checked(Spec(where, text), *parse(text, where))


def load_nodes(root: YamlNode, where: str) -> Spec:
    """Return the spec that nodes hold, each with its place in a file."""
    return _checked(Spec(where, root.mark.text), root, Problems())


def _checked(spec: Spec, root: YamlNode | None, problems: Problems) -> Spec:
    """Read the data into the spec, which keeps the mistakes; raise SpecError where nothing is left to be run."""
    if root is not None and root.value is not None:
        read_spec(spec, root, problems)
    elif root is not None or not problems:
        mark = root.mark if root else Mark(spec.where, spec.text, 0)
        problems.note("the spec is empty", mark, "begin with 'costcalc: 1'")
    spec.problems = problems.found
    if problems and not spec.layers:
        raise problems.error()
    return spec


def find(name: str) -> Spec | None:
    """Return the zoo's spec of that name, a file's or a variant's; None if there is none."""
    path = os.path.join(folder(), f"{name}{SUFFIX}")
    if is_word(name) and os.path.isfile(path):
        return _zoo_file(path)
    for path in files():
        # The text is searched first, since parsing every file of the zoo would take its time.
        if re.search(rf"^  {re.escape(name)}\s*:", read(path), re.MULTILINE):
            spec = _zoo_file(path)
            if name in spec.variants:
                return spec.chosen(name)
    return None


def _zoo_file(path: str) -> Spec:
    """Return a file of the zoo, shown by its name: where the package lies tells a reader nothing.

    It is the caller's own: what is changed in it changes no later one.
    """
    spec = _zoo_text(os.path.basename(path), read(path)).copy()
    for part in ("knobs", "variants", "meta", "reference", "published"):
        setattr(spec, part, _own(getattr(spec, part)))
    return spec


def _own(value: Datum) -> Datum:
    """Return a copy of plain data, the lists and mappings below too."""
    if isinstance(value, dict):
        return {key: _own(part) for key, part in value.items()}
    return [_own(part) for part in value] if isinstance(value, list) else value


@lru_cache(maxsize=64)
def _zoo_text(where: str, text: str) -> Spec:
    """Return the spec in a text of the zoo, read once: a table of a paper and a search ask for each many times."""
    return _checked(Spec(where, text), *parse(text, where))


def names() -> list[str]:
    """Return every name that the zoo answers to: the files' and the variants'."""
    found = set()
    for path in files():
        found.add(stem(path))
        section = re.search(r"^variants:[^\n]*\n((?:(?:  .*|\s*(?:#.*)?)\n)+)", read(path), re.MULTILINE)
        if section:
            found.update(re.findall(r"^  ([\w.-]+)\s*:", section[1], re.MULTILINE))
    return sorted(found)


def specs() -> list[Spec]:
    """Return the specs of all files of the zoo, each with its own default knobs."""
    return [_zoo_file(path) for path in files()]


def networks() -> dict[str, Spec]:
    """Return the zoo's networks by name: every variant, and the files' own defaults that no variant repeats."""
    found = {}
    for spec in specs():
        if not any({**spec.knobs, **values} == spec.knobs for values in spec.variants.values()):
            found[stem(spec.where)] = spec
        found |= {name: spec.chosen(name) for name in spec.variants}
    return found


def include(name: str, host: Spec) -> Spec:
    """Return the spec that another includes: of the zoo, or a regular file under the host's folder.

    Absolute paths, `..`, links that lead out, and devices are refused unread. Raises SpecError.
    """
    looks = name.endswith((SUFFIX, ".yml")) or "/" in name or "\\" in name
    if not looks:
        found = find(name)
        if found is None:
            raise stop(f"no network of the zoo is called '{name[:80]}'", hint=nearest(name, names()))
        return found
    if os.path.isabs(name) or ".." in re.split(r"[/\\]", name) or "\0" in name:
        raise stop(f"include refuses '{name[:80]}'", hint="a path is relative to this file's folder, and has no '..'")
    if host.folder is None:
        found = find(stem(name)) if "/" not in name else None
        if found is None:
            raise stop(f"include finds no '{name[:80]}'", hint="only a spec in a file can include other files")
        return found
    base = os.path.realpath(host.folder)
    real = os.path.realpath(os.path.join(base, name))
    if os.path.commonpath([base, real]) != base:
        raise stop(f"include refuses '{name[:80]}'", hint="the link leads out of this file's folder")
    spec = Spec(os.path.normpath(os.path.join(host.folder, name)), read(real, name, hint=_SPEC))
    spec.folder = os.path.dirname(spec.where) or "."
    return _checked(spec, *parse(spec.text, spec.where))
