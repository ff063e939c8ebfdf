import errno
import os
import subprocess
import sys

import pytest

from scan_core.artifacts.atomic import atomic_path, write_text
from scan_core.errors import ArtifactError


def _fail_halfway(path, error):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error


def test_write_text_makes_its_folder(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "é")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "é".encode()


def test_atomic_path_final_name_comes_last(tmp_path):
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_atomic_path_failure_keeps_the_old_file(tmp_path, error):
    write_text(tmp_path / "a", "old")
    with pytest.raises(error):
        _fail_halfway(tmp_path / "a", error)
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_atomic_path_full_disk(tmp_path):
    with pytest.raises(ArtifactError, match=r"a: cannot be written \(No space left.*run the same command again"):
        _fail_halfway(tmp_path / "a", OSError(errno.ENOSPC, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_atomic_path_folder_is_a_file(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(ArtifactError, match="cannot be written"):
        write_text(tmp_path / "a" / "b", "text")


def test_atomic_path_replaces_neither_folder_nor_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, what in (("pipe", "no regular file"), ("folder", "a folder")):
        with pytest.raises(ArtifactError, match=rf"{name}: is {what}, expected the name of a file to write"):
            write_text(tmp_path / name, "text")
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_atomic_path_removes_what_a_killed_process_left(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (tmp_path / f".a.{ended.pid}.tmp").touch()
    write_text(tmp_path / "a", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_atomic_path_leaves_what_another_process_is_writing(tmp_path):
    writing = tmp_path / f".a.{os.getppid()}.tmp"
    writing.touch()
    write_text(tmp_path / "a", "text")
    assert writing.exists()
