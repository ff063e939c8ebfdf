import numpy as np
import pytest
import torch

from scan_core.artifacts.shards import ShardFormat, Shards, shard_path, write_shard
from scan_core.errors import ArtifactError
from scan_core.images import decoded
from scan_core.images.images import HostImages, ResidentImages
from scan_core.images.open_images import open_images
from scan_core.images.preparation import Preparation
from scan_core.images.resize import FITS
from scan_core.images.stored import first_images
from scan_core.images.streamed import StreamedImages
from scan_core.ingest import store
from scan_core.ingest.prepare import prepare
from scan_core.ingest.store import shard_store
from tests.samples import encode, noise, write_pixels

CPU = torch.device("cpu")
SIZE = 24
FILES = [encode(noise(16, 20, 3, seed=i), "JPEG" if i % 2 else "PNG") for i in range(50)]
PREPARED = [prepare(file, Preparation(SIZE, "crop"), encode=True) for file in FILES]
PIXELS = np.stack([image.pixels for image in PREPARED])


@pytest.fixture
def shards(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SHARD_BYTES", 20 * 3 * SIZE**2)
    with shard_store(tmp_path / "shards", len(FILES), ShardFormat(3, SIZE, "crop")) as images:
        for row, image in enumerate(PREPARED):
            images.put(row, image)
        images.keep(np.ones(len(FILES), bool))
    return tmp_path / "shards"


@pytest.mark.parametrize("task_bytes", [1, 5 * 3 * SIZE**2, 2**30])
def test_the_same_batches_from_all_three(shards, monkeypatch, task_bytes):
    monkeypatch.setattr(decoded, "TASK_BYTES", task_bytes)
    ids = torch.randint(50, (9, 7), generator=torch.Generator().manual_seed(0))
    batches = [*ids.unbind(), torch.tensor([3, 3])]  # a shorter one at the end, as in inference
    for images in (
        ResidentImages(PIXELS, CPU),
        HostImages(PIXELS, CPU),
        StreamedImages(Shards(shards), CPU, workers=3),
    ):
        assert (len(images), images.channels, images.size) == (50, 3, SIZE)
        found = list(images.batches(batches))
        assert [batch.numpy().tolist() for batch in found] == [PIXELS[b.numpy()].tolist() for b in batches]
        assert images.gather(torch.tensor([4, 0, 4])).numpy().tolist() == PIXELS[[4, 0, 4]].tolist()


@pytest.mark.parametrize("fit", FITS)
def test_streamed_images_become_squares_as_when_fetched(tmp_path, fit):
    prepared = [prepare(file, Preparation(SIZE, fit), encode=True) for file in FILES[:4]]
    assert prepared[1].encoded == FILES[1]
    with shard_store(tmp_path, 4, ShardFormat(3, SIZE, fit)) as images:
        for row, image in enumerate(prepared):
            images.put(row, image)
        images.keep(np.ones(4, bool))
    expected = np.stack([image.pixels for image in prepared])
    assert np.array_equal(open_images(tmp_path, CPU, workers=1).gather(torch.arange(4)).numpy(), expected)
    assert np.array_equal(first_images(tmp_path, 4), expected)


def test_by_another_filter_no_file_is_kept_that_would_be_resized_again(tmp_path):
    prepared = prepare(FILES[1], Preparation(SIZE, "crop", interpolation="lanczos"), encode=True)
    assert not np.array_equal(prepared.pixels, prepare(FILES[1], Preparation(SIZE, "crop"), encode=False).pixels)
    with shard_store(tmp_path, 1, ShardFormat(3, SIZE, "crop")) as images:
        images.put(0, prepared)
        images.keep(np.ones(1, bool))
    assert np.array_equal(first_images(tmp_path, 1)[0], prepared.pixels)


def test_streamed_gray_images(tmp_path):
    with shard_store(tmp_path, 5, ShardFormat(1, 8, "crop")) as images:
        for row, pixels in enumerate(noise(5, 1, 8, 8)):
            images.put(row, prepare(pixels, Preparation(8, "crop"), encode=True))
        images.keep(np.ones(5, bool))
    found = open_images(tmp_path, CPU, workers=1).gather(torch.tensor([2, 0]))
    assert found.numpy().tolist() == noise(5, 1, 8, 8)[[2, 0]].tolist()


@pytest.mark.parametrize("damaged", [b"\x89PNG but no picture", FILES[1][:200]])
def test_streamed_damaged_image(tmp_path, damaged):
    write_shard(
        shard_path(tmp_path, 0), iter([damaged]), first_id=0, lengths=[len(damaged)], format=ShardFormat(3, 24, "crop")
    )
    with pytest.raises(ArtifactError, match=r"image 0 is damaged .*run dvc repro fetch"):
        open_images(tmp_path, CPU, workers=1).gather(torch.tensor([0]))


def test_open_images_takes_what_is_there(tmp_path, shards):
    assert isinstance(open_images(shards, CPU, workers=1), StreamedImages)
    write_pixels(tmp_path / "pixels", PIXELS)
    assert isinstance(open_images(tmp_path / "pixels", CPU, workers=1), ResidentImages)
    with pytest.raises(ArtifactError, match="missing; run the fetch stage"):
        open_images(tmp_path / "gone", CPU, workers=1)
