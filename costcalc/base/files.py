"""Files: the text of a spec's file, read safely; and the one writer of files, which loses nothing.

A file that is read is regular, not too large, UTF-8; anything else is refused, devices unread. A file that is
written is the old one or the new one, whole, whatever stops the writer. What goes wrong is a SpecError that names
the file. And where the files are that costcalc brings.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import BinaryIO

from costcalc.base.errors import stop

LARGEST_FILE = 1_000_000  # bytes
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# ---- reading -------------------------------------------------------------------------------------


def read(path: str, shown: str = "", *, largest: int | None = LARGEST_FILE, hint: str = "name a file") -> str:
    """Return the text of a regular file, no larger than the limit; raise SpecError, with the hint, if it is none."""
    return decode(contents(path, shown, largest=largest, hint=hint), shown or path, largest=largest)


def contents(
    path: str, shown: str = "", *, largest: int | None, hint: str = "name a file", what: str = "a spec"
) -> bytes:
    """Return the bytes of a regular file, no larger than the limit; raise SpecError, with the hint, if it is none."""
    shown = shown or path
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise stop(f"{shown}: {_reason(error)}") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise stop(f"{shown} is {kind}", hint=hint)
    if largest and status.st_size > largest:
        raise stop(f"{shown} has {status.st_size:,} bytes: {what} has at most {largest:,}")
    refuse_output(path, shown)
    try:
        with open(path, "rb") as file:
            return file.read(largest + 1 if largest else -1)
    except OSError as error:
        raise stop(f"{shown}: {_reason(error)}") from None


def shipped(name: str) -> str:
    """Return a folder of the data that costcalc brings."""
    return os.path.join(PACKAGE, "data", name)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    return str(getattr(error, "strerror", None) or error).lower()


def decode(data: bytes, shown: str, *, largest: int | None = LARGEST_FILE) -> str:
    """Return bytes as text; raise SpecError where they are too many, or no UTF-8 text."""
    if largest and len(data) > largest:
        raise stop(f"{shown} has more than {largest:,} bytes, the most that a spec may have")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")  # the codec utf-8-sig would be one more import
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise stop(f"{shown} is no text file: line {line} is not UTF-8") from None
    return text


# ---- an output is no input -----------------------------------------------------------------------

_output: ContextVar[os.stat_result | None] = ContextVar("output", default=None)


@contextmanager
def written_over(path: str | None) -> Iterator[None]:
    """Refuse, while it lasts, to read the file that will be written over: an output is none of the inputs."""
    status = None
    with suppress(OSError, ValueError):
        status = os.stat(path) if path and path != "-" else None
    token = _output.set(status if status and stat.S_ISREG(status.st_mode) else None)
    try:
        yield
    finally:
        _output.reset(token)


def refuse_output(path: str | int, shown: str) -> None:
    """Raise SpecError where a file, about to be read, is the one that will be written over, by whatever name."""
    output = _output.get()
    if output is None:
        return
    with suppress(OSError):
        if os.path.samestat(output, os.stat(path)):
            raise stop(f"{shown} is read, and would be written over", hint="name another file with -o")


# ---- writing -------------------------------------------------------------------------------------

STANDARD = ("/dev/std", "/dev/fd/", "/proc/")  # links to what a process has open already
BESIDE = ".costcalc-"  # how the name begins of what is not whole yet
MOST_LINKS = 40


@contextmanager
def writing(path: str) -> Iterator[BinaryIO]:
    """Yield a file whose bytes become those of `path` at once, when all went well: else it stays as it was.

    As SQLite and git do it: they are written beside, and take the name when they are on the disk. A file that is
    there keeps its mode, a link leads where it led, and what is no regular file (a pipe, a device) is written to.
    """
    with in_words(path):
        place = _behind(path)
        before = _status(place)
        if place.startswith(STANDARD) or (before and not stat.S_ISREG(before.st_mode)):
            with open(place, "ab") as file:  # what a shell has written there before stays
                yield file
            return
        if before and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        folder = os.path.dirname(place) or "."
        beside = os.path.join(folder, f"{BESIDE}{os.urandom(8).hex()}.tmp")
        try:
            with open(beside, "xb") as file:
                if before:
                    _like(beside, before)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
        _settle(folder)


def write(path: str, text: str) -> None:
    """Write a text, whole or not at all."""
    with writing(path) as file:
        file.write(text.encode())


@contextmanager
def in_words(path: str) -> Iterator[None]:
    """Make what goes wrong while a file or folder is written a SpecError that names it."""
    try:
        yield
    except BrokenPipeError:  # whoever read it has gone, which is no mistake
        raise
    except OSError as error:
        raise stop(f"{path} cannot be written: {error.strerror or error}") from None


def _behind(path: str) -> str:
    """Return the file behind symbolic links; those to what is open already are not followed."""
    for _ in range(MOST_LINKS):
        if os.path.abspath(path).startswith(STANDARD):
            return os.path.abspath(path)
        if not os.path.islink(path):
            return path
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
    except ValueError as error:  # a name that no file can have
        raise OSError(str(error)) from None


def _like(path: str, before: os.stat_result) -> None:
    """Give a new file the owner and mode of the one whose place it takes."""
    made = os.stat(path)
    if sys.platform != "win32" and (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
        with suppress(OSError):  # which only its owner, or the system's, may
            os.chown(path, before.st_uid, before.st_gid)
    os.chmod(path, stat.S_IMODE(before.st_mode))


def _settle(folder: str) -> None:
    """Have a folder's names on the disk, where the system lets folders be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---- one at a time -------------------------------------------------------------------------------

PATIENCE = 10.0  # seconds
_HOLDER = 200  # bytes that say who it is


@contextmanager
def locked(path: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a file while it is read, changed and written, or a folder by a file in it; others wait, then are told who.

    The system's lock on a file `PATH.lock`, which ends with its process, however that ends. Where a file system has
    no locks nothing is held, and each file is still whole.
    """
    import time

    with in_words(path):
        lock = f"{_behind(path)}.lock"
        until = time.monotonic() + patience
        while (handle := _locked(lock)) is None:
            if time.monotonic() > until:
                raise stop(f"{path} is in use{_holder(lock)}", hint="wait until that has ended")
            time.sleep(0.02)
    try:
        yield
    finally:
        if sys.platform == "win32":
            os.close(handle)  # what is open there can't be removed
        with suppress(OSError):
            os.unlink(lock)
        if sys.platform != "win32":
            os.close(handle)


def _locked(lock: str) -> int | None:
    """Return the lock's file, held; None where another process holds it."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _hold(handle)
        if not os.path.samestat(os.fstat(handle), os.stat(lock)):
            raise BlockingIOError  # who held it has removed it meanwhile
        host = os.environ.get("COMPUTERNAME", "") if sys.platform == "win32" else os.uname().nodename
        with suppress(OSError):  # on a full disk it is held too
            os.ftruncate(handle, 0)
            os.write(handle, f"by process {os.getpid()} on {host}".encode()[:_HOLDER])
    except (BlockingIOError, PermissionError, FileNotFoundError):
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def _hold(handle: int) -> None:
    """Lock an open file; raise BlockingIOError (PermissionError) where another process has."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, 1 << 30, os.SEEK_SET)  # far behind what others shall read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
            raise


def _holder(lock: str) -> str:
    """Return who holds a lock, as far as it is said; it is shown, so it is what a line can hold."""
    with suppress(OSError, UnicodeDecodeError), open(lock, "rb") as file:
        said = file.read(_HOLDER).decode()
        return f" {said}" if said.isprintable() and said else ""
    return ""
