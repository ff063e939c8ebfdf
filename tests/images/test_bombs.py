"""Files that claim or unfold to far more than they are: refused, or passed over, with little memory."""

import hashlib
import os
import resource
import struct
import tarfile
import zlib
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scan_core.datasets import stl10 as module
from scan_core.datasets.imagenet import imagenet
from scan_core.datasets.imagenet_tars import TRAIN
from scan_core.datasets.parquet import parquet
from scan_core.datasets.stl10 import FILE, stl10
from scan_core.errors import DataError
from scan_core.images.decode import decode_rgb
from scan_core.images.formats import UnreadableImageError
from scan_core.images.preparation import Preparation
from scan_core.ingest.prepare import prepare
from tests.samples import encode, noise, stl10_members

MEBIBYTE = 2**20
BOMB = 2**27
COUNTS = {"test": 1, "train": 1, "unlabeled": 1}
PAGE = resource.getpagesize()


@contextmanager
def _memory(mebibytes):
    """Let the process have so much more memory than it has, where the system can tell that."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    size = int(statm.read_text().split()[0]) * PAGE
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + mebibytes * MEBIBYTE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _claiming(kind, side):
    """A small picture of ``kind`` whose header is changed to ``side`` x ``side`` pixels."""
    content = bytearray(encode(noise(16, 16, 3), kind))
    if kind == "PNG":
        content[16:24] = struct.pack(">II", side, side)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    elif kind == "BMP":
        content[18:26] = struct.pack("<ii", side, side)
    elif kind == "GIF":
        content[6:10] = struct.pack("<HH", side, side)
    elif kind == "JPEG":
        frame = content.index(b"\xff\xc0")
        content[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(content)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG"])
def test_picture_that_claims_gigabytes(kind):
    with _memory(256), pytest.raises(UnreadableImageError, match="pixels"):
        decode_rgb(_claiming(kind, 60_000))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_picture_that_unfolds_to_gigabytes():
    file = BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, format="PNG")
    assert len(file.getvalue()) < MEBIBYTE // 4
    with _memory(256), pytest.raises(UnreadableImageError, match="pixels"):
        prepare(file.getvalue(), Preparation(8, "crop"), encode=False)


def test_file_too_large_for_a_picture(tmp_path):
    (tmp_path / "film.jpg").write_bytes(encode(noise(8, 8, 3), "JPEG"))
    os.truncate(tmp_path / "film.jpg", 2**40)
    with _memory(256), pytest.raises(UnreadableImageError, match="1099511627776 bytes, at most 2147483648 are read"):
        prepare(tmp_path / "film.jpg", Preparation(8, "crop"), encode=False)


def _header(name, size, kind=tarfile.REGTYPE):
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def _gzip(parts):
    compress = zlib.compressobj(1, wbits=31)
    return b"".join([*map(compress.compress, parts), compress.flush()])


def _stl10_bomb(path, name, monkeypatch):
    """An archive that passes for the official one, with many zeros called ``name`` before its files."""
    parts = [_header(name, BOMB), *[bytes(MEBIBYTE)] * (BOMB // MEBIBYTE)]
    for member, content in stl10_members(COUNTS).items():
        parts += [_header(member, len(content)), content, bytes(-len(content) % 512)]
    path.write_bytes(_gzip([*parts, bytes(1024)]))
    assert path.stat().st_size < 2 * MEBIBYTE
    monkeypatch.setattr(module, "COUNTS", COUNTS)
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())


def test_gzip_bomb_in_place_of_a_member(tmp_path, monkeypatch):
    _stl10_bomb(tmp_path / FILE, "stl10_binary/train_X.bin", monkeypatch)
    with _memory(64), pytest.raises(DataError, match="134217728 bytes, expected 27648 bytes"):
        stl10(tmp_path, downloads=tmp_path)


def test_gzip_bomb_beside_the_members(tmp_path, monkeypatch):
    _stl10_bomb(tmp_path / FILE, "stl10_binary/other.bin", monkeypatch)
    with _memory(64):
        assert len(list(stl10(tmp_path, downloads=tmp_path).read(np.arange(3)))) == 3


CLASS = _header("n01000000.tar", 2**35)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([CLASS, _header("n01000000_1.JPEG", 2**34)], r"claims 17179869184 bytes, expected a picture of at most"),
        ([CLASS, _header("name", 2**34, tarfile.GNUTYPE_LONGNAME)], "a header of 17179869184 bytes"),
        ([_header("name", 2**34, tarfile.GNUTYPE_LONGNAME)], "a header of 17179869184 bytes"),
        ([_header("name", 2**34, tarfile.XHDTYPE)], "a header of 17179869184 bytes"),
    ],
)
def test_oversized_member(tmp_path, headers, message):
    (tmp_path / TRAIN).write_bytes(b"".join(headers))
    os.truncate(tmp_path / TRAIN, 2**36)  # takes no room on the disk
    with _memory(256), pytest.raises(DataError, match=message):
        imagenet(tmp_path, downloads=tmp_path, classes_file=None)


def test_parquet_of_more_rows_than_bytes(tmp_path):
    pq.write_table(pa.table({"image": pa.nulls(10**7, pa.binary())}), tmp_path / "a.parquet")
    with _memory(256), pytest.raises(DataError, match="claims 10000000 rows"):
        parquet(tmp_path)
