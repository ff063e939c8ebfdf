"""Damaged origins of every format: fetch takes what is left of them or says in one line why not, and harms nothing."""

import gzip
import hashlib
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagecodecs import jpeg2k_encode

from scan_core.datasets import cifar10, cifar100, imagenet_tars, stl10
from tests.damage import BLOCK, KINDS, Edit, damage
from tests.samples import (
    encode,
    noise,
    read_files,
    stl10_members,
    write_cifar100_archive,
    write_cifar100_parquet,
    write_cifar_archive,
    write_imagenet_devkit,
    write_imagenet_tars,
    write_parquet,
    write_tar,
)

STL10_COUNTS = {"test": 1, "train": 2, "unlabeled": 1}
WNIDS = {"n02000000": 2, "n01000000": 1}
TRAIN_TAR, VAL_TAR = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
PIXELS, SHARDS = 1.0, 1e-9
"""Values of data.pixels_budget for which small images are stored so."""

Files = dict[str, bytes]


positions = st.integers(0, 1000) | st.integers(-1000, -1) | st.integers(0, 2**20)
edits = st.lists(
    st.builds(
        Edit,
        st.sampled_from(KINDS),
        positions,
        st.integers(1, 64) | st.sampled_from([BLOCK, 2 * BLOCK, 4096]),
        st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\x80" + b"\0" * 11]),
    ),
    min_size=1,
    max_size=4,
)


header_edits = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from([0, 100, 124, 156, 157, 257, 345, 482]),
        st.sampled_from(
            [b"L", b"x", b"g", b"S", b"2", b"5", b"7", b"\0", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"00000001000\0"]
        )
        | st.binary(min_size=1, max_size=12),
    ),
    max_size=3,
)
"""Block, offset in it (of a header's name, size, kind, link, ...), and what is written there."""


def damage_headers(tar: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Overwrite parts of blocks, and make their checksums right as if they were headers."""
    content = bytearray(tar)
    for block, offset, fresh in edits:
        start = block * BLOCK % len(content)
        content[start + offset : start + offset + len(fresh)] = fresh
        header = content[start : start + BLOCK]
        header[148:156] = b" " * 8
        content[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    return bytes(content)


def quick(examples: int):
    """The same examples each time, so that no run fails by chance; raise the number by hand to look for more."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@cache
def _written(write) -> Files:
    with TemporaryDirectory() as folder:
        write(Path(folder))
        return read_files(Path(folder))


def _imagenet(root: Path) -> None:
    write_imagenet_tars(root, WNIDS, [1, 2])
    write_imagenet_devkit(root, list(WNIDS), [1, 2])


def _pictures_parquet(root: Path) -> None:
    pictures = [encode(noise(6, 7, 3, seed=i)) for i in range(4)]
    write_parquet(root / "train.parquet", pictures[:3], [1, 0, None], ("cat", "dog"), paths=["a", "b", "c"])
    write_parquet(root / "plain.parquet", pictures[2:], [0, 1], ("cat", "dog"), plain=True)


stores = st.sampled_from([PIXELS, SHARDS])
PICTURES = {kind: encode(noise(12, 9, 3), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")}
DEEP = noise(12, 9, 3).astype(np.uint16) * 16
PICTURES["PPM of 16 bits"] = b"P6 9 12 65535\n" + DEEP.astype(">u2").tobytes()
PICTURES["JPEG 2000 of 16 bits"] = jpeg2k_encode(DEEP, level=0, reversible=True)
kinds = st.sampled_from([*PICTURES])


@quick(40)
@given(kind=kinds, edits=edits, budget=stores)
def test_damaged_picture(fetched, kind, edits, budget):
    files = {f"{i}.png": encode(noise(9, 8, 3, seed=i)) for i in range(2)}
    damaged = damage(PICTURES[kind], edits)
    assert fetched({**files, "damaged.jpg": damaged}, name="folder", pixels_budget=budget) is None
    message = fetched({**files, "damaged.jpg": damaged}, name="folder", on_bad_image="fail")
    assert message is None or message.startswith("damaged.jpg: ")


@quick(40)
@given(edits=edits, rename=st.booleans(), budget=stores)
def test_damaged_parquet(fetched, edits, rename, budget):
    files = _written(_pictures_parquet)
    name = "plain.parquet" if rename else "train.parquet"
    fetched({**files, name: damage(files[name], edits)}, name="parquet", pixels_budget=budget)


@quick(20)
@given(edits=edits)
def test_damaged_cifar_parquet(fetched, edits):
    files = _written(partial(write_cifar100_parquet, train=2, test=1))
    name = "train-00000-of-00001.parquet"
    fetched({**files, name: damage(files[name], edits)}, name="cifar20")


@quick(20)
@given(edits=edits, name=st.sampled_from(["cifar10", "cifar100"]))
def test_damaged_archive_of_pickles_is_not_opened(fetched, monkeypatch, edits, name):
    module, write = {"cifar10": (cifar10, write_cifar_archive), "cifar100": (cifar100, write_cifar100_archive)}[name]
    file = module.OFFICIAL.file
    content = _written(lambda root: write(root / file))[file]
    monkeypatch.setattr(module, "OFFICIAL", module.OFFICIAL._replace(sha256=hashlib.sha256(content).hexdigest()))
    damaged = damage(content, edits)
    with monkeypatch.context() as patch:
        patch.setattr("pickle.loads", lambda *_, **__: pytest.fail("unpickled"))
        message = "" if damaged == content else fetched({file: damaged}, name=name)
    assert damaged == content or "not the official file, so it was not opened" in message


@quick(40)
@given(edits=edits, inside=st.booleans())
def test_damaged_stl10_with_the_right_checksum(fetched, monkeypatch, edits, inside):
    archive = _stl10_tar()
    damaged = gzip.compress(damage(archive, edits), 1) if inside else damage(gzip.compress(archive, 1), edits)
    monkeypatch.setattr(stl10, "COUNTS", STL10_COUNTS)
    monkeypatch.setattr(stl10, "SHA256", hashlib.sha256(damaged).hexdigest())
    splits = {"train_splits": ["train", "unlabeled"], "evaluate_splits": ["test"]}
    fetched({stl10.FILE: damaged}, name="stl10", **splits)


@cache
def _stl10_tar() -> bytes:
    return _written(lambda root: write_tar(root / "tar", stl10_members(STL10_COUNTS)))["tar"]


@quick(60)
@given(edits=edits, fields=header_edits, name=st.sampled_from([TRAIN_TAR, VAL_TAR]))
def test_damaged_imagenet(fetched, monkeypatch, edits, fields, name):
    files = _written(_imagenet)
    sha256 = hashlib.sha256(files[imagenet_tars.DEVKIT]).hexdigest()
    monkeypatch.setattr(imagenet_tars, "DEVKIT_SHA256", sha256)
    damaged = damage_headers(files[name], fields) if fields else damage(files[name], edits)
    splits = {"train_splits": ["train"], "evaluate_splits": ["val"]}
    fetched({**files, name: damaged}, name="imagenet", **splits)
    kit = damage(files[imagenet_tars.DEVKIT], edits)
    if kit != files[imagenet_tars.DEVKIT]:
        assert "not the official file" in fetched({**files, imagenet_tars.DEVKIT: kit}, name="imagenet", **splits)


@quick(40)
@given(edits=edits)
def test_damaged_label_file(fetched, tmp_path, edits):
    (tmp_path / "labels.csv").write_bytes(
        damage(b'file,label\na/1.png,cat\n"b, c.png",dog\r\n2.png,"K\xc3\xa4fer"\n', edits)
    )
    files = {name: encode(noise(8, 8, 3, seed=i)) for i, name in enumerate(["a/1.png", "b, c.png", "2.png"])}
    fetched(files, name="folder", labels="../labels.csv")


@quick(40)
@given(edits=edits)
def test_damaged_list_of_classes(fetched, tmp_path, edits):
    (tmp_path / "classes.txt").write_bytes(damage(b"n02000000 hat, cap\r\n\nn01000000\tK\xc3\xa4fer\n", edits))
    files = {f"train/{wnid}/{i}.JPEG": encode(noise(8, 8, 3, seed=i)) for wnid in WNIDS for i in range(2)}
    splits = {"train_splits": ["train"], "evaluate_splits": ["train"]}
    fetched(files, name="imagenet", classes_file="../classes.txt", **splits)
