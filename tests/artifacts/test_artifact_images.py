import errno
import os

import numpy as np
import pytest

from scan_core.artifacts.images import PIXELS, keep_rows, new_pixels, read_pixels
from scan_core.errors import ArtifactError
from tests.samples import write_pixels

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 3, 4, 4), dtype=np.uint8)


def test_pixels_round_trip(tmp_path):
    write_pixels(tmp_path, IMAGES)
    assert np.array_equal(read_pixels(tmp_path), IMAGES)


def test_new_pixels_gives_the_bytes_of_write_pixels(tmp_path):
    write_pixels(tmp_path / "whole", IMAGES)
    with new_pixels(tmp_path / "mapped", IMAGES.shape) as pixels:
        pixels[::2], pixels[1::2] = IMAGES[::2], IMAGES[1::2]
    assert (tmp_path / "mapped" / PIXELS).read_bytes() == (tmp_path / "whole" / PIXELS).read_bytes()


@pytest.mark.parametrize("dropped", [[], [0], [11], [2, 3, 7], list(range(2, 12))])
def test_keep_rows_gives_the_bytes_of_the_rest(tmp_path, dropped):
    keep = np.ones(12, bool)
    keep[dropped] = False
    write_pixels(tmp_path / "rest", IMAGES[keep])
    with new_pixels(tmp_path / "kept", IMAGES.shape) as pixels:
        pixels[:] = IMAGES
        keep_rows(pixels, keep)
    assert (tmp_path / "kept" / PIXELS).read_bytes() == (tmp_path / "rest" / PIXELS).read_bytes()


def test_new_pixels_leaves_the_old_file_after_a_failure(tmp_path):
    write_pixels(tmp_path, IMAGES)
    with pytest.raises(ZeroDivisionError), new_pixels(tmp_path, (1, 1, 4, 4)):
        raise ZeroDivisionError
    assert np.array_equal(read_pixels(tmp_path), IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == [PIXELS]


def test_new_pixels_full_disk(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ArtifactError, match=r"No space left on device.*free space"), new_pixels(tmp_path, (1, 1, 4, 4)):
        pytest.fail("went on without room")
    assert list(tmp_path.iterdir()) == []


def test_read_pixels_missing(tmp_path):
    with pytest.raises(ArtifactError, match="missing; run the fetch stage"):
        read_pixels(tmp_path)


def test_read_pixels_truncated(tmp_path):
    write_pixels(tmp_path, IMAGES)
    content = (tmp_path / PIXELS).read_bytes()
    (tmp_path / PIXELS).write_bytes(content[:-1])
    with pytest.raises(ArtifactError, match="not a readable NPY file"):
        read_pixels(tmp_path)


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 3, 4, 4), np.float32), np.zeros((2, 4, 4), np.uint8), np.zeros((2, 2, 4, 4), np.uint8),
     np.zeros((2, 3, 4, 5), np.uint8)],
)  # fmt: skip
def test_read_pixels_of_another_kind(tmp_path, pixels):
    np.save(tmp_path / PIXELS, pixels)
    with pytest.raises(ArtifactError, match=r"expected uint8 \[N, 1 or 3, size, size\]"):
        read_pixels(tmp_path)


def test_read_pixels_never_unpickles(tmp_path):
    np.save(tmp_path / PIXELS, np.array([{}]), allow_pickle=True)
    with pytest.raises(ArtifactError, match="not a readable NPY file"):
        read_pixels(tmp_path)
