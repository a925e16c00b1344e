"""Zips, read within bounds: how many files they name, how large one is unpacked; nothing is written anywhere."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from costcalc.base.errors import SpecError, stop
from costcalc.base.files import refuse_output

MOST_FILES = 20_000
LARGEST_DIRECTORY = 2**22  # bytes that name the files
LARGEST = 2**23  # bytes of a file, unpacked
_END, _LONG_END, _LONG_PLACE = 22, 56, 20  # bytes of the records at the end
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError)


def names(path: str) -> list[str]:
    """Return the names of the files in a zip; raise SpecError for what is none, or names too many."""
    with _opened(path) as archive:
        return archive.namelist()


def read(path: str, name: str, largest: int = LARGEST) -> bytes:
    """Return a file of a zip; raise SpecError where there is none of the name, two, a larger or a broken one."""
    with _opened(path) as archive:
        found = [info for info in archive.infolist() if info.filename == name]
        if len(found) != 1:
            raise stop(f"{path} holds {'no' if not found else 'more than one'} {name}")
        if found[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without bounds
            raise stop(f"{path}: {name} is packed otherwise than zips usually are", hint="pack it anew, with deflate")
        with archive.open(found[0]) as file:
            data = file.read(largest + 1)
    if len(data) > largest:
        raise stop(f"{path}: {name} has more than {largest:,} bytes, the most that are read")
    return data


def head(path: str, name: str, length: int) -> bytes:
    """Return the first bytes of a file of a zip, however large it is; errors as `read`."""
    with _opened(path) as archive:
        info = archive.getinfo(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise stop(f"{path}: {name} is packed otherwise than zips usually are", hint="pack it anew, with deflate")
        with archive.open(info) as file:
            return file.read(length)


@contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    """Yield a zip whose directory is small enough; what is broken in it is told in words."""
    refuse_output(path, path)
    try:
        with open(path, "rb") as file:
            _refuse_large(path, file)
            with zipfile.ZipFile(file) as archive:
                yield archive
    except SpecError:
        raise
    except OSError as error:
        raise stop(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except _BROKEN as error:
        raise stop(f"{path} is no zip, or a part of one: {str(error)[:100].lower()}") from None


def _refuse_large(path: str, file: BinaryIO) -> None:
    """Raise SpecError for a zip whose directory, which is read whole, is too large; by the record at its end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END - 2**16))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + _END:
        raise zipfile.BadZipFile("its end is missing")
    count, long = struct.unpack_from("<HL", tail, at + 10)
    if at >= _LONG_PLACE and tail[at - _LONG_PLACE :].startswith(b"PK\6\7"):  # of more than 4 GiB
        file.seek(max(0, size - len(tail) + at - _LONG_PLACE - _LONG_END))
        record = file.read(_LONG_END)
        if record.startswith(b"PK\6\6"):
            count, long = struct.unpack_from("<QQ", record, 32)
    if count > MOST_FILES or long > LARGEST_DIRECTORY:
        raise stop(f"{path} names more than {MOST_FILES:,} files, or at too great a length")
