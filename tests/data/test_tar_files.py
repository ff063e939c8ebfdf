import tarfile
from io import BytesIO

import numpy as np
import pytest

from scan_core.data import tar_files
from scan_core.data.tar_files import check_picture_size, read_stretches, readable_tar, regular_files
from scan_core.errors import DataError
from tests.data.samples import write_tar

MEMBERS = {"a": b"first", "b": b"", "c": b"x" * 1000}


@pytest.fixture
def tar(tmp_path):
    write_tar(tmp_path / "a.tar", MEMBERS)
    return tmp_path / "a.tar"


def _list(path, size=None):
    with readable_tar(path) as archive:
        files = regular_files(archive, "here", size=path.stat().st_size if size is None else size)
        return [(member.name, member.offset_data, member.size) for member in files]


def test_offsets_lead_to_the_contents(tar):
    # A header takes 512 bytes, and so do the 5 bytes of the first file.
    assert _list(tar) == [("a", 512, 5), ("b", 1536, 0), ("c", 2048, 1000)]
    stretches = np.array([[512, 5], [1536, 0], [2048, 1000]])
    assert list(read_stretches(tar, stretches)) == list(MEMBERS.values())


def test_folders_are_passed_over(tmp_path):
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(folder)
    assert _list(tmp_path / "a.tar") == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    member = tarfile.TarInfo("n.JPEG")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(member)
    with pytest.raises(DataError, match=r"here: 'n\.JPEG' is a link, a device or sparse"):
        _list(tmp_path / "a.tar")


def test_a_file_that_ends_after_the_archive(tar):
    with pytest.raises(DataError, match="here: 'c' ends after the archive, which has 3000 bytes"):
        _list(tar, size=3000)


def test_a_truncated_archive(tar):
    tar.write_bytes(tar.read_bytes()[:2500])
    with pytest.raises(DataError, match=r"a\.tar: not a readable tar|ends after the archive"):
        _list(tar)


def test_damage_in_the_middle_is_no_end(tar):
    content = bytearray(tar.read_bytes())
    content[1024:1536] = b"\xff" * 512  # the second header
    tar.write_bytes(content)
    with pytest.raises(DataError, match="damaged at byte 1024"):
        _list(tar)


@pytest.mark.parametrize("content", [b"", b"no tar" * 200])
def test_another_file(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar: not a readable tar"):
        _list(tmp_path / "a.tar")


def test_a_compressed_tar_is_not_opened(tmp_path):
    write_tar(tmp_path / "a.tar", MEMBERS, mode="w:gz")
    with pytest.raises(DataError, match="not a readable tar"):
        _list(tmp_path / "a.tar")


def test_a_picture_that_claims_too_much(monkeypatch):
    monkeypatch.setattr(tar_files, "LARGEST", 10)
    member = tarfile.TarInfo("n.JPEG")
    member.size = 10
    check_picture_size(member, "here")
    member.size = 11
    with pytest.raises(DataError, match=r"here: 'n\.JPEG' claims 11 bytes, expected a picture of at most 10"):
        check_picture_size(member, "here")


def test_read_stretches_of_a_file_that_has_shrunk(tar):
    with pytest.raises(DataError, match="ends within the 10 bytes from"):
        list(read_stretches(tar, np.array([[tar.stat().st_size - 5, 10]])))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_stretches(tar.with_name("gone"), np.array([[0, 1]])))


def test_a_tar_within_a_tar(tmp_path):
    write_tar(tmp_path / "inner.tar", MEMBERS)
    write_tar(tmp_path / "a.tar", {"pad": b"x" * 600, "inner.tar": (tmp_path / "inner.tar").read_bytes()})
    (_, (_, offset, size)) = _list(tmp_path / "a.tar")
    inner = (tmp_path / "a.tar").read_bytes()[offset : offset + size]
    with tarfile.open(fileobj=BytesIO(inner), mode="r:") as archive:
        assert [member.name for member in regular_files(archive, "here", size=size)] == ["a", "b", "c"]
