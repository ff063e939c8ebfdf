import torch
import torchvision.transforms.v2.functional as tvf

from scan_core.augment.flip import horizontal_flip, random_horizontal_flip
from tests.augment.at_random import at_random


def test_only_the_chosen_are_mirrored(images):
    flipped = torch.arange(len(images)) % 3 == 0
    for image, flip, found in zip(images, flipped, horizontal_flip(images, flipped), strict=True):
        assert torch.equal(found, tvf.horizontal_flip(image) if flip else image)


def test_probability_zero_and_one(images, generator):
    assert torch.equal(at_random(random_horizontal_flip(p=0.0), images, generator), images)
    assert torch.equal(at_random(random_horizontal_flip(p=1.0), images, generator), images.flip(-1))


def test_images_are_flipped_independently(generator):
    images = torch.arange(2.0).expand(1000, 1, 1, 2)
    flipped = at_random(random_horizontal_flip(p=0.5), images, generator)[:, 0, 0, 0] == 1
    assert 0.45 < flipped.float().mean() < 0.55
