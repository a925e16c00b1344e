"""JSON and zips that came from elsewhere are read within bounds, and refused in words."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from costcalc import SpecError
from costcalc.base import json_text, zip_file

WRONG_JSON = [
    ('{"a": 1, "b": {"c": 2, "c": 3}}', "x.json: 'c' stands twice in one mapping"),
    ("{" + ", ".join(f'"{k}": 1' for k in (*range(100_000), 99_999)) + "}", "x.json: '99999' stands twice"),  # at once
    ('{"a": NaN}', "NaN is no number that JSON has"),
    ('{"a": [-Infinity]}', "-Infinity is no number"),
    ('{"a": 1e999}', "1e999 is larger than any number"),
    ('{"a": ' + "9" * 5000 + "}", "a number of 5,000 digits"),
    ("[" * 201 + "]" * 201, "lists and mappings stand more than 200 deep"),
    ("[" * 100_000, "lists and mappings stand more than 200 deep"),
    ('{"a": ' * 100_000, "lists and mappings stand more than 200 deep"),
    ('{"a": 1,\n "b" 2}', "x.json:2:6: this is no JSON: expecting ':' delimiter"),
    ("", "x.json:1:1: this is no JSON: expecting value"),
    ('"' + "a" * 2**23, "has more than 8,388,608 characters"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_JSON, ids=[said for _, said in WRONG_JSON])
def test_json_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        json_text.parse(text, "x.json")
    assert said in str(caught.value)


def test_json_is_read() -> None:
    deep = "[" * 200 + "]" * 200
    assert json_text.parse('{"a": [1, 2.5, -3e2, true, null, "é"]}', "x") == {"a": [1, 2.5, -300.0, True, None, "é"]}
    assert json_text.parse("null", "x") is None
    assert json_text.parse(deep, "x")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a zip of a small file, a large one, one packed otherwise, and one that is named twice."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.txt", "text " * 100)
        made.writestr("bomb", bytes(2**24))
        made.writestr("odd", "text", zipfile.ZIP_BZIP2)
        made.writestr("two", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("two", "2")
    return path


def test_zips_are_read(archive: Path) -> None:
    assert zip_file.names(str(archive)) == ["a.txt", "bomb", "odd", "two", "two"]
    assert zip_file.read(str(archive), "a.txt") == b"text " * 100


WRONG_ZIPS = [
    ("bomb", "x.zip: bomb has more than 8,388,608 bytes"),
    ("odd", "x.zip: odd is packed otherwise than zips usually are"),
    ("two", "x.zip holds more than one two"),
    ("none", "x.zip holds no none"),
]


@pytest.mark.parametrize(("name", "said"), WRONG_ZIPS)
def test_zips_are_refused_in_words(name: str, said: str, archive: Path) -> None:
    with pytest.raises(SpecError) as caught:
        zip_file.read(str(archive), name)
    assert said in str(caught.value)


def test_broken_zips_are_refused_in_words(archive: Path) -> None:
    data = archive.read_bytes()
    spoilt = {
        "cut": data[:-30],
        "empty": b"",
        "other": b"PK\3\4" + bytes(100),
        "packed": data[:37] + bytes(4) + data[41:],
        "many": data[:-12] + b"\xff\xff" + data[-10:],
        "long": data[:-10] + b"\xff\xff\xff\x7f" + data[-6:],
    }
    for bad in spoilt.values():
        archive.write_bytes(bad)
        with pytest.raises(SpecError, match=r"x\.zip is no zip, or a part of one|x\.zip names more than 20,000 files"):
            zip_file.read(str(archive), "a.txt")
