import os
from pathlib import Path

import pytest

from scan_core.errors import DataError
from stages.picture_paths import find_pictures
from tests.samples import encode, noise

PNG = encode(noise(4, 4, 3))
NAMES = ["a/1.png", "a/b/2.png", "c/3.png", "4 ü日[5].png"]


@pytest.fixture(autouse=True)
def _pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(PNG)
    Path("a/notes.txt").write_text("no picture")


def found(*given, stdin=b""):
    pictures = find_pictures(given, stdin.splitlines(keepends=True))
    assert all(Path(file).read_bytes() == PNG for file in pictures.files if not file.startswith(("gone", "a/notes")))
    return pictures.paths


def test_a_single_folder_and_a_single_file_are_called_by_what_is_in_them():
    assert found("a") == ["1.png", "b/2.png"]
    assert found("a/b/2.png") == ["2.png"]


def test_several_are_called_as_they_are_given():
    assert found("a/", "c/3.png") == ["a/1.png", "a/b/2.png", "c/3.png"]
    assert find_pictures(["a"], ()).left_out == {".txt": 1}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a/*.png", ["a/1.png"]),
        ("**/*.png", ["4 ü日[5].png", "a/1.png", "a/b/2.png", "c/3.png"]),
        ("[ac]", ["a/1.png", "a/b/2.png", "c/3.png"]),
        ("a/**", ["a/1.png", "a/b/2.png"]),
        ("**", NAMES),
        ("a/**/b/**/*.png", ["a/b/2.png"]),
        ("*/**/2.png", ["a/b/2.png"]),
        ("a/*", ["a/1.png", "a/b/2.png", "a/notes.txt"]),
    ],
)
def test_patterns(pattern, names):
    assert sorted(found(pattern)) == sorted(names)


def test_a_name_with_brackets_is_no_pattern():
    assert found("4 ü日[5].png") == ["4 ü日[5].png"]
    assert found("4 ü日[5].png", "c") == ["4 ü日[5].png", "c/3.png"]


def test_each_picture_once():
    assert found("a", "a/1.png", "./a", "a/*.png") == ["a/1.png", "a/b/2.png"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_a_list(end):
    listed = end.join([b"a", "4 ü日[5].png".encode(), b"gone.png", b""])
    assert found("-", stdin=listed) == ["a/1.png", "a/b/2.png", "4 ü日[5].png", "gone.png"]


def test_names_that_are_no_utf8_or_hold_line_breaks():
    odd = [os.fsdecode(b"caf\xe9.png"), "new\nline.png"]
    for name in odd:
        Path(name).write_bytes(PNG)
    assert found("-", stdin=b"caf\xe9.png\0new\nline.png\0") == ["caf\\xe9.png", "new\nline.png"]


def test_nothing_there():
    with pytest.raises(DataError, match=r"PICTURES: nothing at .*gone, expected a folder of pictures"):
        found("a", "gone")
    with pytest.raises(DataError, match=r"PICTURES: nothing matches gone/\*\.png in .*; correct the pattern"):
        found("gone/*.png")
    with pytest.raises(DataError, match="nothing is listed on standard input, expected a path in each line"):
        found("-", stdin=b"\n\n")


def test_a_folder_without_pictures_among_others_is_told_of():
    Path("empty").mkdir()
    pictures = find_pictures(["c", "empty"], ())
    assert pictures.paths == ["c/3.png"]
    assert [path for path, _ in pictures.skipped] == ["empty"]
    with pytest.raises(DataError, match="no picture in"):
        find_pictures(["empty"], ())


def test_links_in_a_circle_end():
    for name in ("one", "two"):  # together, they lead to 2^40 places
        Path("a", name).symlink_to(Path("a").absolute())
    assert found("a/**/*.png") == ["a/1.png", "a/b/2.png"]
    assert found(str(Path("a/**/2.png").absolute())) == [str(Path("a/b/2.png").absolute())]


def test_what_is_no_picture_in_one_of_several_folders_is_called_as_the_folder_is():
    Path("a/b/gone.png").symlink_to("nowhere")
    assert [path for path, _ in find_pictures(["a", "c"], ()).skipped] == ["a/b/gone.png"]
    assert [path for path, _ in find_pictures(["a"], ()).skipped] == ["b/gone.png"]
