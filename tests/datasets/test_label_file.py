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


def test_empty_labels_and_repeated_rows(write):
    path = write("file,label\na/1.png,cat\na/2.png,  \na/1.png,cat\n")
    assert read_label_file(path, PICTURES) == ["cat", None, None]


@pytest.mark.parametrize(
    "content",
    [
        "file;label\na/1.png;NO\na/2.png;007\n",
        "file|label\na/1.png|NO\na/2.png|007\n",
        "File\tClass\na/1.png\tNO\na/2.png\t007\n",
        "\ufeffimage,label\r\na\\1.png,NO\r\na\\2.png,007\r\n",
        "filename,label\n1.png,NO\n./a/2.png,007\n",
        "label,id,file_size\nNO,1,9\n007,2,9\n",
        "image,label\nset\\a\\1,NO\nset\\a\\2,007\n",
        "file, label\na/1.png , NO\n a/2.png,007 \n",
        "image_path,Target\nA\\1.PNG,NO\nA/2.png,007\n",
        # Excel: its own first line, "Unicode text", and cells that once held something
        "sep=;\r\nfile;label\r\na/1.png;NO\r\na/2.png;007\r\n",
        "file\tlabel\r\na/1.png\tNO\r\na/2.png\t007\r\n".encode("utf-16"),
        "file;label;;\r\na/1.png;NO;;\r\na/2.png;007;;\r\n;;;\r\n ;;;\r\n",
        # numbers beside names
        "file,label,label_name\na/1.png,0,NO\na/2.png,1,007\n",
        "file,class_id,class_name\na/1.png,0,NO\na/2.png,1,007\n",
        "file,category,category_name\na/1.png,0,NO\na/2.png,1,007\n",
        # other spellings of the columns, and quotes behind a blank
        "ImageID,Class-Name\n1,NO\n2,007\n",
        '"Img Name", "Species"\n"1.png", "NO"\n"2.png", "007"\n',
        # folders around the source
        "path,label\nC:\\me\\data\\a\\1.png,NO\n/home/me/data/a/2.png,007\n",
        "path,label\nhttps://x.org/data/a/1.png,NO\ndata/a/2.png,007\n",
    ],
)
def test_label_file_of_other_layouts(write, content, capsys):
    assert read_label_file(write(content), PICTURES) == ["NO", "007", None]
    assert not capsys.readouterr().err


def test_label_file_of_pictures_in_other_folders(write):
    # It means a picture that is not there, and not the one of the same name elsewhere.
    with pytest.raises(DataError, match="none of its 1 rows"):
        read_label_file(write("path,label\ndata/b/1.png,x\n"), PICTURES)


def test_label_file_composed_and_decomposed_names(write):
    # macOS writes the umlaut as a letter and a mark.
    assert read_label_file(write("file,label\nK\u00e4fer.png,x\n"), ["Ka\u0308fer.png"]) == ["x"]


def test_label_file_composed_and_decomposed_labels(write):
    path = write("file,label\na/1.png,K\u00e4fer\na/2.png,Ka\u0308fer\n")
    assert read_label_file(path, PICTURES) == ["K\u00e4fer", "K\u00e4fer", None]


def test_label_file_prefers_the_very_name(write):
    pictures = ["Ka\u0308.png", "K\u00e4.png", "x/A.png", "y/A.png", "z/a.png"]
    path = write("file,label\nK\u00e4.png,composed\nKa\u0308.png,decomposed\nA.png,?\na.png,small\n")
    assert read_label_file(path, pictures) == ["decomposed", "composed", None, None, "small"]


def test_label_file_names_that_could_be_two_pictures_mean_none(write):
    with pytest.raises(DataError, match="none of its 1 rows"):
        read_label_file(write("file,label\n1.png,x\n"), ["a/1.png", "b/1.png"])


def test_label_file_rows_of_another_split_name_no_picture(write):
    table = write("file,label\ntest/1.png,dog\ntrain/1.png,cat\ndata/Train/2.png,owl\n")
    assert read_label_file(table, ["1.png", "2.png"], split="train") == ["cat", "owl"]
    assert read_label_file(table, ["1.png"], split="test") == ["dog"]
    only = write("file,label\ntest/1.png,dog\n")
    assert read_label_file(only, ["1.png"], split="train") == ["dog"]  # the table says nothing of train


def test_label_file_says_that_splits_are_not_read(write, capsys):
    path = write("file,label,split\na/1.png,cat,train\na/2.png,dog,test\n")
    assert read_label_file(path, PICTURES) == ["cat", "dog", None]
    assert "column split is ignored: splits are taken from the pictures' folders" in capsys.readouterr().err


def test_label_file_counts_rows_without_a_picture(write, capsys):
    path = write("file,label\n" + "".join(f"gone/{i}.png,x\n" for i in range(500)) + "a/1.png,cat\n")
    assert read_label_file(path, PICTURES) == ["cat", None, None]
    message = capsys.readouterr().err
    assert "1 picture named, 500 rows without one (line 2: 'gone/0.png', " in message
    assert "gone/3.png" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: columns none, expected a file (file, filename, "),
        ("name,label\na/1.png,cat\n", "line 1: columns 'name', 'label', expected a file (file, filename, "),
        ("file,label\n", "none of its 0 rows names one of the 3 pictures, expected paths below their folder"),
        (
            "file,label\na/3.png,cat\n../a/1.png,cat\n",
            "none of its 2 rows names one of the 3 pictures (line 2: 'a/3.png')",
        ),
        (
            "file,label\na/1.png,cat\na/2.png,cat\na/1.png,dog\na/2.png,\n",
            "2 rows with another label than an earlier one of the same picture (line 4: 'a/1.png' has 'dog', earlier "
            "'cat'; line 5: 'a/2.png' has 'no label', earlier 'cat'); keep one row for each",
        ),
        ("file,label\na/1.png,\na/2.png,  \n", "no row has a label; fill the column of labels"),
        ("file,label\na/1.png\n", "line 2: not 2 fields"),
        ("file,label,label\na/1.png,cat,dog\n", "line 1: several columns 'label'; rename all but one"),
        ("file,label\nb, c.png,dog\n", "line 2: not 2 fields; quote those that hold a separator"),
        ('file,label\n"a/1.png,cat\n', "line 2: not CSV (unexpected end of data)"),
        ('file,label\n"a\nb",cat\n', r"(line 3: 'a\nb')"),
        (b"PK\x03\x04" + bytes(99), "an Excel or zip file, expected a table as text; save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Excel file, expected a table as text; save it as CSV"),
        (b"\x1f\x8b\x08\x00", "a gzip file, expected a table as text; save it as CSV"),
        ("x" * 999 + ",label\n", f"line 1: columns '{'x' * 199}..., expected a file (file, filename, "),
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
        DataError,
        match=r"gone\.csv: cannot be read \(No such file or directory\); make it readable or give another one",
    ):
        read_label_file(tmp_path / "gone.csv", PICTURES)


def test_label_file_that_is_a_named_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"pipe\.csv: not a regular file, expected a CSV file"):
        read_label_file(tmp_path / "pipe.csv", PICTURES)
