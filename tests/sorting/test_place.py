import errno
import json
import os
from pathlib import Path

import pytest

from scan_core.errors import DataError
from scan_core.sorting.manifest import MANIFEST, Head, read_manifest
from scan_core.sorting.place import alone, place_pictures
from scan_core.sorting.undo import undo
from tests.pipeline import largest_file

MODES = ("copy", "hardlink", "symlink")
TARGETS = {"a/1.jpg": "cat/1.jpg", "a/2.jpg": "dog/2.jpg", "b/caf\udce9\n.jpg": "cat/caf\udce9\n.jpg"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number, path in enumerate(TARGETS):
        (tmp_path / "source" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / path).write_bytes(bytes([number]) * 3_000_000)
    return tmp_path / "source"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sorted"


def head(source: Path) -> Head:
    return Head("sha256:0", ("cat", "dog"), 0.0, str(source))


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def names(folder: Path) -> list[str]:
    return sorted({*tree(folder)} - {MANIFEST})


ALL = sorted(["cat", "dog", *TARGETS.values()])


@pytest.mark.parametrize("mode", MODES)
def test_pictures_are_placed_and_undone(source, folder, mode):
    before = tree(source)
    assert place_pictures(folder, head(source), TARGETS, mode=mode) == []
    assert names(folder) == ALL
    for path, target in TARGETS.items():
        assert (folder / target).read_bytes() == (source / path).read_bytes()
        assert (folder / target).is_symlink() == (mode == "symlink")
        assert (folder / target).samefile(source / path) == (mode != "copy")
        assert (folder / target).stat().st_mtime_ns == (source / path).stat().st_mtime_ns
    undone = undo(folder)
    assert (undone.removed, undone.kept, undone.whole) == (3, [], True)
    assert not folder.exists()
    assert tree(source) == before


def test_a_folder_and_files_that_were_there_stay(source, folder):
    (folder / "cat").mkdir(parents=True)
    (folder / "cat/1.jpg").write_text("mine")
    place_pictures(folder, head(source), TARGETS, mode="copy")
    assert (folder / "cat/1.jpg").read_text() == "mine"
    (folder / "dog/notes.txt").write_text("mine")
    undo(folder)
    assert tree(folder) == {"cat": None, "cat/1.jpg": b"mine", "dog": None, "dog/notes.txt": b"mine"}


@pytest.mark.parametrize("mode", MODES)
def test_a_second_run_adds_what_is_missing_and_leaves_the_rest(source, folder, mode):
    place_pictures(folder, head(source), dict(list(TARGETS.items())[:2]), mode=mode)
    (folder / "cat/1.jpg").unlink()
    (folder / "dog/2.jpg").unlink()
    (folder / "dog/2.jpg").write_text("mine")
    place_pictures(folder, head(source), TARGETS, mode="copy")
    assert names(folder) == ALL
    assert (folder / "dog/2.jpg").read_text() == "mine"
    undone = undo(folder)
    assert (undone.removed, undone.kept) == (2, [("dog/2.jpg", "changed since")])
    assert names(folder) == ["dog", "dog/2.jpg"]
    assert undone.whole


def test_a_copy_that_has_changed_is_kept_even_where_size_and_date_are_as_before(source, folder):
    place_pictures(folder, head(source), TARGETS, mode="copy")
    status = (folder / "cat/1.jpg").stat()
    (folder / "cat/1.jpg").write_bytes(b"x" * status.st_size)
    os.utime(folder / "cat/1.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert undo(folder).kept == [("cat/1.jpg", "changed since")]


@pytest.mark.parametrize("mode", ["copy", "hardlink"])
def test_the_last_of_a_picture_is_kept_until_its_original_is_back(source, folder, mode):
    place_pictures(folder, head(source), TARGETS, mode=mode)
    away = (source / "a/1.jpg").rename(source.parent / "away")
    undone = undo(folder)
    assert (undone.removed, undone.kept, undone.whole) == (2, [("cat/1.jpg", "the original is gone")], False)
    away.rename(source / "a/1.jpg")
    assert undo(folder).whole
    assert not folder.exists()


@pytest.mark.parametrize("mode", ["copy", "hardlink"])
def test_the_last_of_a_picture_is_kept_where_another_is_in_place_of_its_original(source, folder, mode):
    place_pictures(folder, head(source), TARGETS, mode=mode)
    (source / "new").write_bytes(bytes([9]) * 3_000_000)  # as large as the original
    (source / "new").replace(source / "a/1.jpg")
    undone = undo(folder)
    assert (undone.removed, undone.kept, undone.whole) == (2, [("cat/1.jpg", "the original has changed since")], False)
    assert (folder / "cat/1.jpg").read_bytes() == bytes(3_000_000)


def test_a_folder_that_is_now_a_link_is_not_followed(source, folder):
    place_pictures(folder, head(source), TARGETS, mode="copy")
    moved = (folder / "cat").rename(folder.parent / "moved")
    (folder / "cat").symlink_to(moved)
    assert len(undo(folder).kept) == 2
    assert len(tree(moved)) == 2


def test_nothing_to_undo(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=f"no {MANIFEST} in it, so nothing here is known to be made by this"):
            undo(folder)


@pytest.mark.parametrize("mode", MODES)
def test_originals_that_have_gone_are_told(source, folder, mode):
    (source / "a/1.jpg").unlink()
    skipped = place_pictures(folder, head(source), TARGETS, mode=mode)
    assert skipped == [("a/1.jpg", "no longer there")]
    assert names(folder) == sorted({*ALL} - {"cat/1.jpg"})


def test_an_original_that_cannot_be_read_is_told(source, folder):
    (source / "a/1.jpg").unlink()
    (source / "a/1.jpg").mkdir()
    ((path, reason),) = place_pictures(folder, head(source), TARGETS, mode="copy")
    assert (path, reason) == ("a/1.jpg", "cannot be read (Is a directory)")


def test_a_hard_link_of_a_link_is_one_of_the_picture(source, folder):
    (source / "a/1.jpg").rename(source.parent / "real")
    (source / "a/1.jpg").symlink_to(source.parent / "real")
    place_pictures(folder, head(source), TARGETS, mode="hardlink")
    assert not (folder / "cat/1.jpg").is_symlink()
    undo(folder)
    assert not folder.exists()


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(source, folder):
    with largest_file(2_000_000), pytest.raises(DataError, match=r"sorted: the disk is full; free space, and run"):
        place_pictures(folder, head(source), TARGETS, mode="copy")
    assert names(folder) == ["cat", "dog"]
    place_pictures(folder, head(source), TARGETS, mode="copy")
    undo(folder)
    assert not folder.exists()


def test_a_manifest_that_the_disk_has_no_room_for_is_none_for_the_files(source, folder):
    with largest_file(400), pytest.raises(DataError, match="the disk is full"):
        place_pictures(folder, head(source), TARGETS, mode="symlink")
    assert len(names(folder)) < len(ALL)
    place_pictures(folder, head(source), TARGETS, mode="symlink")
    assert names(folder) == ALL
    undo(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("mode", "number", "message"),
    [
        ("hardlink", errno.EXDEV, "not on the file system of the pictures, which hard links cannot leave; take --mode"),
        ("hardlink", errno.EPERM, "this file system does not allow a hardlink here .*; take --mode copy"),
        ("symlink", errno.EOPNOTSUPP, "this file system does not allow a symlink here .*; take --mode copy"),
    ],
)
def test_file_systems_without_such_links(source, folder, monkeypatch, mode, number, message):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        patch.setattr(os, "symlink", refuse)
        with pytest.raises(DataError, match=message):
            place_pictures(folder, head(source), TARGETS, mode=mode)
    place_pictures(folder, head(source), TARGETS, mode="copy")
    undo(folder)
    assert not folder.exists()


def test_a_file_where_a_folder_should_be(source, folder):
    folder.mkdir()
    (folder / "dog").write_text("mine")
    with pytest.raises(DataError, match="sorted/dog: a file, where a cluster's folder was expected; rename it"):
        place_pictures(folder, head(source), TARGETS, mode="copy")


def test_one_at_a_time(source, folder):
    folder.mkdir()
    with alone(folder), pytest.raises(DataError, match="another run is sorting pictures here"):
        place_pictures(folder, head(source), TARGETS, mode="copy")


def test_a_line_that_a_kill_has_cut_off_does_not_count(source, folder):
    place_pictures(folder, head(source), TARGETS, mode="copy")
    content = (folder / MANIFEST).read_bytes()
    for cut in (1, 20):
        (folder / MANIFEST).write_bytes(content[:-cut])
        (folder / "cat/caf\udce9\n.jpg").unlink()
        place_pictures(folder, head(source), TARGETS, mode="copy")
        assert (folder / MANIFEST).read_bytes() == content
    undo(folder)
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "shopping list\n", "{}\n", "[1]\n", '{"version": 2}\n', "caf\xe9\n"])
def test_a_file_of_that_name_that_is_no_manifest(source, folder, text):
    folder.mkdir()
    (folder / MANIFEST).write_text(text, encoding="latin-1")
    for call in (lambda: place_pictures(folder, head(source), TARGETS, mode="copy"), lambda: undo(folder)):
        with pytest.raises(DataError, match=f"{MANIFEST}: .*move it away, or give another folder"):
            call()
    assert names(folder) == []


@pytest.mark.parametrize("line", ["x", "[]", '{"folder": ".."}', '{"folder": "/tmp"}', '{"target": "a/b"}'])
def test_a_damaged_manifest(source, folder, line):
    place_pictures(folder, head(source), TARGETS, mode="copy")
    with (folder / MANIFEST).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=f"{MANIFEST}: line 7 is damaged"):
        undo(folder)


@pytest.mark.parametrize("target", ["../x", "a/../x", "/etc/x", "a", "a/b/c"])
def test_a_manifest_does_not_lead_out_of_its_folder(source, folder, target):
    place_pictures(folder, head(source), TARGETS, mode="copy")
    last = json.loads((folder / MANIFEST).read_text().splitlines()[-1])
    with (folder / MANIFEST).open("a") as file:
        file.write(f"{json.dumps({**last, 'target': target})}\n")
    with pytest.raises(DataError, match="is damaged"):
        read_manifest(folder)
