import pytest
import torch

from scan_core.augment import batches, draws
from scan_core.augment.batches import augmented_batches
from scan_core.augment.draws import part_generator
from scan_core.augment.pipeline import Augmentation
from scan_core.images.images import ResidentImages
from tests.parallel.cases import EVERYTHING

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


def test_large_batches_are_augmented_one_at_a_time(monkeypatch):
    sizes = []

    class Counting(Augmentation):
        def apply(self, pixels, drawn):
            sizes.append(len(pixels))
            return super().apply(pixels, drawn)

    monkeypatch.setattr(batches, "STEPS_AT_ONCE", {"cpu": 4})
    images = ResidentImages(torch.zeros(12, 3, 4, 4, dtype=torch.uint8).numpy(), CPU)
    for largest in (2**20, 2 * 2 * 3 * 3 * 4 * 4 * 4, 1):  # enough for all, for two batches of three in two views, none
        monkeypatch.setattr(batches, "LARGEST", largest)
        steps = Counting({}, mean=[0.0] * 3, std=[1.0] * 3)
        assert len([*augmented_batches(images, torch.arange(12).view(4, 3), steps, torch.Generator(), views=2)]) == 4
    assert sizes == [24, 12, 12, 6, 6, 6, 6]


SMALL_CROP = {"random_resized_crop": EVERYTHING["random_resized_crop"] | {"size": 6}}
LISTS = {name: {name: settings} for name, settings in EVERYTHING.items()}
LISTS |= {"everything": EVERYTHING, "everything after a small crop": EVERYTHING | SMALL_CROP}


@pytest.mark.parametrize("operations", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("processes", [1, 2])
def test_several_steps_at_once_equal_one_at_a_time(monkeypatch, processes, views, operations):
    monkeypatch.setattr(draws, "processes", lambda: processes)
    monkeypatch.setattr(draws, "rank", lambda: processes - 1)
    pixels = torch.randint(256, (30, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    augmentation = Augmentation(operations, mean=[0.5] * 3, std=[0.25] * 3)

    def epoch(at_once):
        monkeypatch.setattr(batches, "STEPS_AT_ONCE", {"cpu": at_once})
        generator = part_generator(torch.Generator().manual_seed(1), groups=views)
        images, ids = ResidentImages(pixels.numpy(), CPU), torch.arange(30).view(6, 5)
        steps = augmented_batches(images, ids, augmentation, generator, views=views)
        return torch.stack([augmented for _, augmented in steps]), generator.get_state()

    (expected, state), (found, state_after) = epoch(1), epoch(4)
    assert torch.equal(found, expected)
    assert torch.equal(state_after, state)
