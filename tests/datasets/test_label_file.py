import os
import re

import pytest

from scan_core.datasets.label_file import read_label_file
from scan_core.errors import DataError

PICTURES = ["a/1.png", "a/2.png", "b, c.png"]


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "labels.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_label_file(write):
    path = write('file,label\n"b, c.png",Hund\na/1.png,Käfer\n')
    assert read_label_file(path, PICTURES) == ["Käfer", None, "Hund"]


def test_label_file_as_spreadsheets_write_it(write):
    path = write("\ufefflabel,note,file\r\ncat,,a/2.png\r\n\r\n")
    assert read_label_file(path, PICTURES) == [None, "cat", None]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: columns none, expected file and label"),
        ("name,label\na/1.png,cat\n", "line 1: columns 'name', 'label', expected file and label"),
        ("file;label\na/1.png;cat\n", "line 1: columns 'file;label', expected file and label"),
        ("file,label\n", "no line below the header"),
        ("file,label\na/1.png,cat\na/3.png,cat\n", "line 3: no picture 'a/3.png' in data.source; write its path"),
        ("file,label\na\\1.png,cat\n", "line 2: no picture 'a\\\\1.png'"),
        ("file,label\n../a/1.png,cat\n", "line 2: no picture '../a/1.png'"),
        ("file,label\na/1.png,cat\na/1.png,cat\n", "line 3: 'a/1.png' for the second time"),
        ("file,label\na/1.png,\n", "line 2: no label; remove the line"),
        ("file,label\na/1.png\n", "line 2: not 2 fields"),
        ("file,label\nb, c.png,dog\n", "line 2: not 2 fields; quote those with a comma"),
        ('file,label\n"a/1.png,cat\n', "line 2: not CSV (unexpected end of data)"),
        ('file,label\n"a\nb",cat\n', r"line 3: no picture 'a\nb'"),
        (b"file,label\na/1.png,K\xe4fer\n", "not UTF-8 (invalid continuation byte at byte 20); save it as UTF-8"),
    ],
)
def test_label_file_errors(write, content, message):
    path = write(content)
    with pytest.raises(DataError, match=re.escape(message)) as error:
        read_label_file(path, PICTURES)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_label_file_missing(tmp_path):
    with pytest.raises(
        DataError, match=r"gone\.csv: cannot be read \(No such file or directory\); correct data\.labels"
    ):
        read_label_file(tmp_path / "gone.csv", PICTURES)


def test_label_file_that_is_a_named_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"pipe\.csv: not a regular file, expected a CSV file"):
        read_label_file(tmp_path / "pipe.csv", PICTURES)
