import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from scan_core.encoders import feature_cache
from scan_core.encoders.feature_cache import content_keys, infer_new
from scan_core.images.images import ResidentImages

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 1, 4, 4), dtype=np.uint8)


class Encoder:
    """Gives the sums of an image's rows, and remembers which images it was asked for.

    With ``dies_after``, it hands over the outputs of so many images, and then is interrupted.
    """

    dies_after: int | None = None

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, path: Path, pixels: np.ndarray) -> torch.Tensor:
        images = ResidentImages(pixels, torch.device("cpu"))

        def infer(ids: torch.Tensor, save: Callable[[torch.Tensor], None] | None) -> torch.Tensor:
            self.asked.append(pixels[ids.numpy()].sum((1, 2, 3)).tolist())
            outputs = images.gather(ids).float().sum(3)[:, 0]
            if self.dies_after is not None and save:
                save(outputs[: self.dies_after])
                raise KeyboardInterrupt
            return outputs

        found, self.cached = infer_new(path, images, infer, width=4)
        assert torch.equal(found, torch.from_numpy(pixels.astype(np.float32)).sum(3)[:, 0])
        return found


@pytest.fixture
def encoder() -> Encoder:
    return Encoder()


def test_only_new_images_are_asked_for_wherever_they_stand(encoder: Encoder, tmp_path: Path):
    encoder(tmp_path / "features-a.safetensors", PIXELS[:4])
    encoder(tmp_path / "features-a.safetensors", PIXELS[[5, 2, 0, 4, 2]])
    encoder(tmp_path / "features-a.safetensors", PIXELS[[4, 5]])
    sums = PIXELS.sum((1, 2, 3)).tolist()
    assert encoder.asked == [sums[:4], [sums[5], sums[4]]]


def test_an_interrupted_run_goes_on_where_it_was(encoder: Encoder, tmp_path: Path):
    path, sums = tmp_path / "features-a.safetensors", PIXELS.sum((1, 2, 3)).tolist()
    encoder(path, PIXELS[1:2])
    encoder.dies_after = 2
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            encoder(path, PIXELS)
    encoder.dies_after = None
    encoder(path, PIXELS)
    assert encoder.asked == [sums[1:2], sums[:1] + sums[2:], sums[3:], sums[5:]]


def test_it_knows_the_last_images_alone_and_of_one_encoder(encoder: Encoder, tmp_path: Path):
    encoder(tmp_path / "features-a.safetensors", PIXELS)
    encoder(tmp_path / "features-a.safetensors", PIXELS[:2])
    encoder(tmp_path / "features-a.safetensors", PIXELS[2:3])
    assert len(encoder.asked) == 2
    left = tmp_path / ".features-a.safetensors.1.tmp"  # by a kill
    left.touch()
    encoder(tmp_path / "features-b.safetensors", PIXELS[2:3])
    assert len(encoder.asked) == 3
    assert len([*tmp_path.iterdir()]) == 3  # another run may be writing a
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    encoder(tmp_path / "features-b.safetensors", PIXELS[2:4])
    assert [path.name for path in tmp_path.iterdir()] == ["features-b.safetensors"]
    assert encoder.cached == 1


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_file_is_replaced(encoder: Encoder, tmp_path: Path, content: bytes, capsys):
    (tmp_path / "features-a.safetensors").write_bytes(content)
    encoder(tmp_path / "features-a.safetensors", PIXELS)
    assert "all images are embedded again" in capsys.readouterr().err
    encoder(tmp_path / "features-a.safetensors", PIXELS)
    assert len(encoder.asked) == 1


def test_more_than_the_limit_goes_without(encoder: Encoder, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(feature_cache, "LIMIT", 6 * 4 * 4 - 1)
    encoder(tmp_path / "features-a.safetensors", PIXELS)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(encoder: Encoder, tmp_path: Path, capsys):
    (tmp_path / "file").write_bytes(b"")
    encoder(tmp_path / "file" / "features-a.safetensors", PIXELS)
    assert "will be embedded again next time" in capsys.readouterr().err


def test_images_that_differ_by_one_level_have_other_keys():
    other = PIXELS.copy()
    other[3, 0, 2, 1] ^= 1
    keys = [content_keys(ResidentImages(pixels, torch.device("cpu"))) for pixels in (PIXELS, other)]
    assert np.flatnonzero((keys[0] != keys[1]).any(1)).tolist() == [3]
