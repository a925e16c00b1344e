"""Kill a command at each step of what it writes: usage: killed.py FOLDER TARGET WORDS..., on a system that forks.

The command is run whole, over an old TARGET; then anew from the same folder, and killed before the first call that
touches a file of the folder, before the second, and so on; then with a limit of a file's size in the middle of what
it writes, where the system kills it, and where it is an error. Each time TARGET must be the old one or the new one,
whole, and the same command must then run well. Prints how many steps there were, and what the error said.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costcalc.cli import main as command

EVENTS = ("open", "os.rename", "os.remove", "os.chmod", "os.chown", "os.mkdir", "os.truncate")
KILLED = 99


def main() -> None:
    """Run the command, and kill it in each way."""
    folder, target, *words = sys.argv[1:]
    kept = f"{folder}.kept"
    shutil.copytree(folder, kept, symlinks=True)
    os.chdir(folder)
    run(words)  # here, so that what it imports is imported for all
    old, new = content(os.path.join(kept, target)), content(os.path.join(folder, target))
    if old == new:
        raise SystemExit(f"{target} is as it was: the command shows nothing")

    def tried(way: Callable[[], None]) -> int:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder, symlinks=True)
        code = forked(words, folder, way)
        left = content(os.path.join(folder, target))
        if not (left in (old, new) or (isinstance(left, dict) and parts_of(left, new))):
            raise SystemExit(f"{target} is neither the old one nor the new one")
        whole(words, folder)
        if content(os.path.join(folder, target)) != new:
            raise SystemExit(f"{target} is another after the next run")
        return code

    steps = 0
    while tried(lambda: stop_before(folder, steps)) == KILLED:  # noqa: B023 - called at once
        steps += 1
    largest = max(map(len, new.values())) if isinstance(new, dict) else len(new or b"")
    if tried(lambda: limited(largest // 2, kill=True)) != -signal.SIGXFSZ:
        raise SystemExit("the system has not killed it")
    if tried(lambda: limited(largest // 2, kill=False)) != 2:
        raise SystemExit("a full disk is no error")
    print(steps)


def content(path: str) -> Any:
    """Return a file's bytes, those of a folder's files by name, or None."""
    found = Path(path)
    if found.is_dir():
        return {one.name: one.read_bytes() for one in found.iterdir() if not one.name.startswith((".", "_sweep.json."))}
    return found.read_bytes() if found.exists() else None


def parts_of(left: dict[str, bytes], new: Any) -> bool:
    """Say whether a folder holds some of the files that it comes to hold, each of them whole."""
    return all(new.get(name) == data for name, data in left.items())


def forked(words: list[str], folder: str, way: Callable[[], None]) -> int:
    """Run the command in a process of its own, after something was done to it; return its exit code, or -signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        os.chdir(folder)
        way()
        code = run(words)
    finally:
        os._exit(code)


def run(words: list[str]) -> int:
    """Run the command in this process; return its exit code."""
    sys.argv = ["costcalc", *words]
    try:
        command()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    finally:
        sys.stdout.flush()
    return 0


def whole(words: list[str], folder: str) -> None:
    """Run the command as it is; it must end well."""
    if code := forked(words, folder, lambda: None):
        raise SystemExit(f"{' '.join(words)} ends with {code}")


def stop_before(folder: str, number: int) -> None:
    """End this process before the call of this number that touches a file in a folder."""
    calls = iter(range(number))

    def call(event: str, args: tuple[Any, ...]) -> None:
        counts = event == "os.fsync" or (event in EVENTS and touches(folder, args[0]))
        if counts and next(calls, None) is None:
            os._exit(KILLED)

    fsync = os.fsync

    def settled(handle: int) -> None:
        call("os.fsync", (handle,))
        fsync(handle)

    os.fsync = settled
    sys.addaudithook(call)


def touches(folder: str, path: Any) -> bool:
    """Say whether a path lies in a folder."""
    return isinstance(path, str) and os.path.realpath(path).startswith(os.path.realpath(folder))


def limited(size: int, *, kill: bool) -> None:
    """Let no file be larger: the system kills whoever writes more, or it is an error as of a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if kill else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
