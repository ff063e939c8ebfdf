import math

import pytest
import torch
import torchvision.transforms.v2 as tv
import torchvision.transforms.v2.functional as tvf
from PIL import Image

from scan_core.augment.crops import draw_boxes, padded_crop, random_crop, random_resized_crop, resized_crop
from scan_core.augment.flip import horizontal_flip
from tests.augment.at_random import at_random

SIMCLR = {"scale": (0.2, 1.0), "ratio": (3 / 4, 4 / 3)}


def extreme_boxes(height: int, width: int) -> list[list[int]]:
    return [[0, 0, height, width], [height - 1, width - 1, 1, 1], [0, 0, 1, width], [0, width - 1, height, 1]]


@pytest.mark.parametrize("size", [None, 6, 40])
def test_resized_crop_matches_torchvision(images, size, generator):
    height, width = images.shape[-2:]
    boxes = draw_boxes(len(images), height, width, scale=(0.01, 1.0), ratio=(0.2, 5.0), generator=generator)
    boxes[:4] = torch.tensor(extreme_boxes(height, width))
    for image, box, found in zip(images, boxes.tolist(), resized_crop(images, boxes, size=size), strict=True):
        expected = tvf.resized_crop(image, *box, size=[size, size] if size else [height, width], antialias=False)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_resized_crop_ignores_pixels_outside_its_box():
    images = torch.zeros(1, 1, 8, 8)
    images[..., 2:5, 3:7] = 1
    assert (resized_crop(images, torch.tensor([[2, 3, 3, 4]])) > 1 - 1e-6).all()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 40), (8, 8)])
def test_boxes_lie_inside_the_image(height, width, generator):
    top, left, box_height, box_width = draw_boxes(5000, height, width, **SIMCLR, generator=generator).unbind(1)
    assert min(top.min(), left.min()) == 0
    assert min(box_height.min(), box_width.min()) > 0
    assert (top + box_height).max() == height
    assert (left + box_width).max() == width


def test_boxes_are_distributed_as_torchvisions(generator):
    # 4000 boxes of 32 pixels: the standard error of a mean is below 9 / sqrt(4000) = 0.15.
    torch.manual_seed(0)
    transform = tv.RandomResizedCrop(32, **SIMCLR)
    image = Image.new("L", (32, 32))
    drawn = [transform.make_params([image]) for _ in range(4000)]
    expected = torch.tensor([[box[key] for key in ("top", "left", "height", "width")] for box in drawn]).float()
    found = draw_boxes(4000, 32, 32, **SIMCLR, generator=generator).float()
    torch.testing.assert_close(found.mean(0), expected.mean(0), atol=0.75, rtol=0)
    torch.testing.assert_close(found.std(0), expected.std(0), atol=0.75, rtol=0)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ((3.0, 4.0), [20, 0, 20, 60]),  # 60 / 3 rows of the 60; full scale fits no such box
        ((0.25, 0.5), [0, 15, 60, 30]),
    ],
)
def test_no_box_fits_takes_the_largest_central_one(ratio, expected, generator):
    boxes = draw_boxes(3, 60, 60, scale=(1.0, 1.0), ratio=ratio, generator=generator)
    assert boxes.tolist() == [expected] * 3


def test_area_and_ratio_ranges(generator):
    _, _, height, width = draw_boxes(3000, 500, 500, scale=(0.1, 0.4), ratio=(0.5, 2.0), generator=generator).unbind(1)
    areas, log_ratios = height * width / 500**2, (width / height).log()
    assert areas.min().item() == pytest.approx(0.1, abs=0.01)
    assert areas.max().item() == pytest.approx(0.4, abs=0.01)
    assert log_ratios.min().item() == pytest.approx(-math.log(2), abs=0.02)
    assert log_ratios.max().item() == pytest.approx(math.log(2), abs=0.02)
    assert log_ratios.mean().item() == pytest.approx(0, abs=0.04)


def test_random_resized_crop_differs_between_images(generator):
    images = torch.rand(1, 3, 32, 32, generator=generator).expand(8, -1, -1, -1)
    crops = at_random(random_resized_crop(**SIMCLR), images, generator)
    assert crops.shape == images.shape
    assert len({crop.sum().item() for crop in crops}) == 8


def test_padded_crop_matches_torchvision(images, generator):
    height, width = images.shape[-2:]
    offsets = torch.randint(0, 9, (len(images), 2), generator=generator)
    offsets[:3] = torch.tensor([[0, 0], [8, 8], [0, 8]])
    padded = tvf.pad(images, [4], padding_mode="reflect")
    for image, (top, left), found in zip(
        padded, offsets.tolist(), padded_crop(images, offsets, padding=4), strict=True
    ):
        assert torch.equal(found, tvf.crop(image, top, left, height, width))


def test_random_crop_reaches_every_offset(generator):
    images = torch.arange(25.0).view(1, 1, 5, 5).expand(500, 1, 5, 5)
    crops = at_random(random_crop(padding=1), images, generator)
    assert sorted(set(crops[:, 0, 2, 2].tolist())) == [6, 7, 8, 11, 12, 13, 16, 17, 18]


def test_random_crop_without_padding_changes_nothing(images, generator):
    assert torch.equal(at_random(random_crop(padding=0), images, generator), images)


def test_random_crop_padding_as_large_as_the_image(generator):
    with pytest.raises(ValueError, match="padding is 8, expected less than the image's 8 pixels"):
        at_random(random_crop(padding=8), torch.zeros(1, 1, 8, 9), generator)


def test_flipped_crops_are_the_mirrored_ones(images, generator):
    boxes = draw_boxes(len(images), *images.shape[2:], scale=(0.1, 1.0), ratio=(0.5, 2.0), generator=generator)
    flipped = torch.arange(len(images)) % 3 == 0
    expected = horizontal_flip(resized_crop(images, boxes), flipped)
    assert torch.equal(resized_crop(images, boxes, flipped=flipped), expected)


def test_padded_crop_of_bytes_is_that_of_floats(pixels, images, generator):
    offsets = torch.randint(0, 7, (len(pixels), 2), generator=generator)
    assert torch.equal(padded_crop(pixels, offsets, padding=3) / 255, padded_crop(images, offsets, padding=3))


def test_flipped_padded_crops_are_those_of_the_mirrored_images(images, generator):
    offsets = torch.randint(0, 7, (len(images), 2), generator=generator)
    flipped = torch.arange(len(images)) % 3 == 0
    expected = padded_crop(horizontal_flip(images, flipped), offsets, padding=3)
    assert torch.equal(padded_crop(images, offsets, padding=3, flipped=flipped), expected)


def test_the_ratio_is_of_width_to_height(generator):
    # A quarter of 60 x 60 at a ratio of 4: 15 rows of 60.
    boxes = draw_boxes(3, 60, 60, scale=(0.25, 0.25), ratio=(4.0, 4.0), generator=generator)
    assert boxes[:, 2:].tolist() == [[15, 60]] * 3


def test_a_box_of_no_pixel_does_not_fit(generator):
    # 0.002 * 64 = 0.13 pixels, a square of 0.36, rounded to 0.
    boxes = draw_boxes(3, 8, 8, scale=(0.002, 0.002), ratio=(1.0, 1.0), generator=generator)
    assert boxes.tolist() == [[0, 0, 8, 8]] * 3


def test_a_box_as_high_as_the_image_fits(generator):
    # Half of 20 x 40 as a square: 20 x 20 at any column from 0 to 20; the fallback is at 10.
    boxes = draw_boxes(500, 20, 40, scale=(0.5, 0.5), ratio=(1.0, 1.0), generator=generator)
    assert boxes[:, 1].unique().tolist() == list(range(21))
    assert boxes[:, [0, 2, 3]].unique(dim=0).tolist() == [[0, 20, 20]]


def test_ten_tries(generator):
    # Areas are uniform in 200 to 1,600, and squares of up to 20.5^2 = 420 fit: 0.157. None of ten fits with 0.843^10 =
    # 0.181, and the fallback is central. So are others by chance: sides of 19.5 to 20.5 are 40 of the 220 areas that
    # fit, at one of 21 columns.
    boxes = draw_boxes(20_000, 20, 40, scale=(0.25, 2.0), ratio=(1.0, 1.0), generator=generator)
    central = (boxes == torch.tensor([0, 10, 20, 20])).all(1).float().mean().item()
    assert central == pytest.approx(0.181 + 0.819 * 40 / 220 / 21, abs=0.015)


def test_random_crop_padding_as_large_as_the_width(generator):
    with pytest.raises(ValueError, match="padding is 8, expected less than the image's 8 pixels"):
        at_random(random_crop(padding=8), torch.zeros(1, 1, 9, 8), generator)
