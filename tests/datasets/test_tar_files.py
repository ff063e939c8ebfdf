import tarfile
from io import BytesIO

import numpy as np
import pytest

from scan_core.datasets import tar_files
from scan_core.datasets.tar_files import check_picture_size, read_stretches, readable_tar, regular_files
from scan_core.errors import DataError
from tests.samples import write_tar

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
    with pytest.raises(DataError, match="here: 'c' claims 1000 bytes and ends after the archive of 3000 bytes"):
        _list(tar, size=3000)


def test_a_truncated_archive(tar):
    tar.write_bytes(tar.read_bytes()[:2500])
    with pytest.raises(DataError, match=r"a\.tar: not a readable tar|ends after the archive of 2500 bytes"):
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


def _header(*, size=b"00000000000\0", kind=b"0", extended=b"\0"):
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    header[124:136], header[156:157], header[482:483], header[148:156] = size, kind, extended, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _number(value):
    """As GNU tar writes those that are negative or too large for octal digits."""
    return (b"\xff" if value < 0 else b"\x80") + (value % 256**11).to_bytes(11, "big")


def _extended(record):
    padded = record + bytes(-len(record) % 512)
    return _header(size=b"%011o\0" % len(record), kind=b"x") + padded + _header()


@pytest.mark.parametrize(
    "content",
    [
        _header(size=_number(-1024)),  # tarfile would begin anew, for ever
        _extended(b"14 size=-2048\n"),
        _header(size=_number(2**80)),
        _header(size=_number(2**80), kind=tarfile.GNUTYPE_LONGNAME),
        _header(size=_number(-512), kind=tarfile.XHDTYPE),
        _header(kind=tarfile.GNUTYPE_SPARSE, extended=b"\1"),
        _extended(b"26 GNU.sparse.size=number\n"),
        _extended(b"99999999999999999999999 a=b\n"),
        (_header(size=b"00000001000\0", kind=tarfile.GNUTYPE_LONGNAME) + b"x" * 512) * 2000,
    ],
)
def test_headers_that_mislead_tarfile(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(_header() + content)
    with pytest.raises(DataError, match=r"here: 'a' claims|not a readable tar|damaged at byte"):  # by Python's version
        _list(tmp_path / "a.tar")
