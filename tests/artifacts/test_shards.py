from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.artifacts.shards import ROW_GROUP, ShardFormat, Shards, shard_path, write_shard
from scan_core.errors import ArtifactError

RGB = ShardFormat(channels=3, image_size=32, fit="crop")
COUNT = 3 * ROW_GROUP + 5
IMAGES = [np.random.default_rng(i).bytes(1 + 37 * i) for i in range(COUNT)]


def _write(folder, *, cuts=(0, 40, COUNT), format=RGB):
    for number, (start, stop) in enumerate(pairwise(cuts)):
        lengths = [len(image) for image in IMAGES[start:stop]]
        path = shard_path(folder, number)
        write_shard(path, iter(IMAGES[start:stop]), first_id=start, lengths=lengths, format=format)


def test_any_image_in_any_order(tmp_path):
    _write(tmp_path)
    shards = Shards(tmp_path)
    assert (len(shards), shards.format) == (len(IMAGES), RGB)
    for image_id in np.random.default_rng(0).permutation(len(IMAGES)):
        assert shards.read(int(image_id)) == IMAGES[image_id]


def test_a_large_image_in_one_page(tmp_path):
    large = np.random.default_rng(0).bytes(3 * 2**20)
    write_shard(shard_path(tmp_path, 0), iter([large, b"x"]), first_id=0, lengths=[len(large), 1], format=RGB)
    assert (Shards(tmp_path).read(0), Shards(tmp_path).read(1)) == (large, b"x")


def test_other_readers_see_a_plain_table_of_small_row_groups(tmp_path):
    _write(tmp_path)
    table = pq.read_table(tmp_path)
    assert table["image_id"].to_pylist() == list(range(len(IMAGES)))
    assert table["image"].to_pylist() == IMAGES
    assert pq.ParquetFile(shard_path(tmp_path, 0)).metadata.row_group(0).num_rows == ROW_GROUP


def test_same_bytes_twice(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        _write(tmp_path / name)
    assert shard_path(tmp_path / "a", 1).read_bytes() == shard_path(tmp_path / "b", 1).read_bytes()


def test_no_shard(tmp_path):
    with pytest.raises(ArtifactError, match=r"no images-\*\.parquet; run the fetch stage"):
        Shards(tmp_path)


def test_a_missing_shard(tmp_path):
    _write(tmp_path)
    shard_path(tmp_path, 0).unlink()
    with pytest.raises(ArtifactError, match="begins with image_id 40, expected 0; run dvc repro fetch"):
        Shards(tmp_path)


def test_shards_of_different_formats(tmp_path):
    _write(tmp_path)
    _write(tmp_path, cuts=(0, 40), format=ShardFormat(channels=3, image_size=64, fit="crop"))
    with pytest.raises(ArtifactError, match="shards of different formats"):
        Shards(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_shard(tmp_path, keep):
    _write(tmp_path)
    path = shard_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtifactError, match=r"images-00001\.parquet: not a readable shard"):
        Shards(tmp_path)


def test_a_foreign_parquet_file(tmp_path):
    pq.write_table(pa.table({"image_id": [0], "image": [b"x"]}), shard_path(tmp_path, 0))
    with pytest.raises(ArtifactError, match="not a shard of schema version 1"):
        Shards(tmp_path)


def test_a_shard_overwritten_while_open(tmp_path):
    _write(tmp_path)
    shards = Shards(tmp_path)
    path = shard_path(tmp_path, 1)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    with pytest.raises(ArtifactError, match="image 41 is not where it was; run dvc repro fetch"):
        shards.read(41)
