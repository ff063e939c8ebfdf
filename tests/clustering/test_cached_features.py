from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures, cache_features
from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet
from scan_core.errors import ArtifactError, TrainingError
from scan_core.machine import cpu_threads

IDS = torch.tensor([3, 1, 20, 7, 9])
FLIPS = {"random_horizontal_flip": {"p": 0.5}}
NORMALIZATION = {"mean": [0.4], "std": [0.3]}


@pytest.fixture
def encoder() -> ResNet:
    torch.manual_seed(0)
    return ResNet("resnet10", width=2, stem="3x3", channels=1)


@pytest.fixture
def cache(tiny_images, encoder, tmp_path: Path) -> Callable[..., CachedFeatures]:
    def call(name: str = "features", *, operations: dict = FLIPS, views: int = 3) -> CachedFeatures:
        return cache_features(
            tmp_path / name,
            encoder,
            tiny_images,
            IDS,
            Augmentation(operations, **NORMALIZATION),
            views=views,
            precision="float32",
            generator=torch.Generator().manual_seed(0),
        )

    return call


def test_images_as_they_are_and_views_by_row(cache, tiny_images, encoder):
    expected = infer(encoder, tiny_images, IDS, **NORMALIZATION, precision="float32").half().float()
    features = cache(operations={})
    assert (len(features), features.views) == (5, 3)
    assert torch.equal(torch.cat(list(features.plain())), expected)
    rows, views = torch.tensor([4, 0, 4]), torch.tensor([-1, 0, 2])
    assert torch.equal(features.gather(rows, views), expected[rows])  # without operations, all views are alike


def test_a_view_is_the_augmented_image(cache, tiny_images, encoder):
    plain = torch.cat(list(cache("plain", operations={}).plain()))
    encoder.eval()
    mirrored = encoder((tiny_images.gather(IDS).flip(-1) / 255 - 0.4) / 0.3).detach()
    features = cache(views=12)
    seen = torch.stack([features.gather(torch.arange(5), torch.full((5,), view)) for view in range(12)])
    as_it_is, flipped = ((seen - image).abs().amax(-1) < 2e-3 for image in (plain, mirrored))
    assert (as_it_is ^ flipped).all()
    assert 15 < flipped.sum() < 45  # of 60 at one half: four deviations


def test_many_views_try_the_threads_again_when_they_get_far_slower(cache, monkeypatch: pytest.MonkeyPatch):
    tried: list[bool] = []
    monkeypatch.setattr(cpu_threads, "choose_threads", lambda: tried.append(True))
    monkeypatch.setattr(cpu_threads, "WINDOW_SECONDS", 0.0)
    monkeypatch.setattr(cpu_threads, "FAR_LONGER", 0.0)
    cache()
    assert tried


def test_batch_norm_keeps_its_statistics(cache, encoder):
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.train()
    cache()
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize("whole_views", [0, 2])
def test_a_file_that_was_cut_short_goes_on_after_its_last_whole_view(cache, tmp_path: Path, monkeypatch, whole_views):
    cache("whole")
    complete = (tmp_path / "whole").read_bytes()
    view = len(complete) // 4
    (tmp_path / "cut").write_bytes(complete[: whole_views * view + view // 2])
    calls = []
    forward = ResNet.forward
    monkeypatch.setattr(ResNet, "forward", lambda self, images: (calls.append(len(images)), forward(self, images))[1])
    cache("cut")
    assert (tmp_path / "cut").read_bytes() == complete
    assert len(calls) == 4 - whole_views


def test_a_disk_that_is_too_small_is_said_at_once(cache, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(ArtifactError, match=r"features: the features take .* lower views"):
        cache()


def test_a_folder_that_is_none(cache, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"file/features: cannot be written .* lower views"):
        cache("file/features")


def test_features_beyond_float16(cache, encoder):
    with torch.no_grad():
        encoder.layer4[0].bn2.bias.fill_(1e5)
    with pytest.raises(TrainingError, match="not finite in float16"):
        cache()
