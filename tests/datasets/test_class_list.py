import re

import pytest

from scan_core.datasets import class_list
from scan_core.datasets.class_list import read_classes
from scan_core.errors import DataError
from tests.server import Behavior, serving

LIST = "n02000000 robin, American robin, Turdus migratorius\r\nn01000000\n\nn03000000\t hat \n"
NAMES = {"n02000000": "robin, American robin, Turdus migratorius", "n01000000": "n01000000", "n03000000": "hat"}


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "classes.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_read_classes_in_order(write, tmp_path):
    classes = read_classes(write(LIST), downloads=tmp_path)
    assert list(classes.items()) == list(NAMES.items())


def test_read_classes_downloads_once(tmp_path):
    with serving(Behavior(LIST.encode(), kind="text/plain")) as (url, requests):
        for _ in range(2):
            assert read_classes(url, downloads=tmp_path / "downloads") == NAMES
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty, expected a line for each class"),
        ("\n \n", "empty, expected a line for each class"),
        ("n01000000\nrobin n02000000\n", "line 2: 'robin n02000000', expected a WordNet id such as n01440764 first"),
        ("n0100000\n", "line 1: 'n0100000', expected a WordNet id"),
        ("n010000000\n", "line 1: 'n010000000', expected a WordNet id"),
        ("n01000000,robin\n", "line 1: 'n01000000,robin', expected a WordNet id"),
        ("<!DOCTYPE html>\n", "line 1: '<!DOCTYPE html>', expected a WordNet id"),
        ("n01000000\nn01000000 robin\n", "line 2: n01000000 for the second time"),
        (b"n01000000 K\xe4fer\n", "not UTF-8 (invalid continuation byte at byte 11)"),
    ],
)
def test_read_classes_errors(write, tmp_path, content, message):
    path = write(content)
    with pytest.raises(DataError, match=re.escape(message)) as error:
        read_classes(path, downloads=tmp_path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_read_classes_missing(tmp_path):
    with pytest.raises(DataError, match=r"gone: cannot be read .* give another list"):
        read_classes(tmp_path / "gone", downloads=tmp_path)


def test_read_classes_too_large(write, tmp_path, monkeypatch):
    monkeypatch.setattr(class_list, "LARGEST", 20)
    with pytest.raises(DataError, match="21 bytes, expected a list of at most 20"):
        read_classes(write(b"n01000000 " + b"x" * 11), downloads=tmp_path)


def test_read_classes_download_too_large(tmp_path):
    behavior = Behavior(b"n01000000\n" * 200_000, kind="text/plain")
    with serving(behavior) as (url, _), pytest.raises(DataError, match="more than 1048576 bytes"):
        read_classes(url, downloads=tmp_path)
    assert not list(tmp_path.glob("*.txt"))
