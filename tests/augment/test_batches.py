import pytest
import torch

from scan_core.augment import batches
from scan_core.augment.batches import augmented_batches
from scan_core.augment.pipeline import Augmentation
from scan_core.images.images import ResidentImages

CPU = torch.device("cpu")


@pytest.mark.parametrize("at_once", [1, 2, 4])
@pytest.mark.parametrize("views", [1, 2])
def test_each_step_gets_its_images_and_their_views(monkeypatch, at_once, views):
    monkeypatch.setattr(batches, "STEPS_AT_ONCE", {"cpu": at_once})
    pixels = torch.arange(30, dtype=torch.uint8).view(30, 1, 1, 1).expand(30, 1, 4, 4).contiguous()
    ids = torch.randperm(30, generator=torch.Generator().manual_seed(0))[:15].view(5, 3)
    as_they_are = Augmentation({}, mean=[0.0], std=[1.0])
    found = list(
        augmented_batches(ResidentImages(pixels.numpy(), CPU), ids, as_they_are, torch.Generator(), views=views)
    )
    assert len(found) == 5
    for (plain, augmented), wanted in zip(found, ids, strict=True):
        assert torch.equal(plain, pixels[wanted])
        assert torch.equal(augmented, torch.cat([pixels[wanted] / 255] * views))


def test_several_steps_at_once_draw_for_each_image(monkeypatch):
    monkeypatch.setattr(batches, "STEPS_AT_ONCE", {"cpu": 4})
    pixels = torch.randint(256, (1, 3, 8, 8), dtype=torch.uint8).expand(8, 3, 8, 8)
    augmentation = Augmentation(
        {"random_resized_crop": {"scale": (0.2, 1.0), "ratio": (0.7, 1.4)}}, mean=[0.0] * 3, std=[1.0] * 3
    )
    images = ResidentImages(pixels.numpy(), CPU)
    generator = torch.Generator().manual_seed(0)
    steps = [
        views for _, views in augmented_batches(images, torch.arange(8).view(4, 2), augmentation, generator, views=2)
    ]
    assert len(torch.cat(steps).flatten(1).unique(dim=0)) == 16
