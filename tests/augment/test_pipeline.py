import pytest
import torch
import torchvision.transforms.v2.functional as tvf

from scan_core.augment.color import draw_jitter
from scan_core.augment.crops import draw_boxes
from scan_core.augment.draws import chances
from scan_core.augment.normalize import normalize
from scan_core.augment.pipeline import ON_NORMALIZED, ON_PIXELS, Augmentation
from stages.augmentation_params import AugmentationParams

CROP = {"scale": (0.2, 1.0), "ratio": (3 / 4, 4 / 3)}
JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8}
SIMCLR = {
    "random_resized_crop": CROP,
    "random_horizontal_flip": {"p": 0.5},
    "color_jitter": JITTER,
    "random_grayscale": {"p": 0.2},
}
STRONG = {
    "random_horizontal_flip": {"p": 0.5},
    "random_crop": {"padding": 4},
    "strong_operations": {"count": 4},
    "cutout": {"max_half_length": 8},
}
AFFINE = {"random_affine": {"degrees": 10.0, "translate": 0.1, "scale": (0.9, 1.1), "shear": 5.0}}
LISTS = {"simclr": SIMCLR, "strong": STRONG, "affine": AFFINE, "none": {}}


def build(operations, channels: int) -> Augmentation:
    return Augmentation(operations, mean=[0.45] * channels, std=[0.25] * channels)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_knows_every_operation_of_the_parameters():
    assert set(ON_PIXELS | ON_NORMALIZED) == set(AugmentationParams.model_fields)


def test_unknown_operation():
    with pytest.raises(ValueError, match=r"unknown augmentation blur; known: random_affine, .*cutout"):
        Augmentation({"blur": {}}, mean=(0.5,), std=(0.5,))


@pytest.mark.parametrize("operations", LISTS.values(), ids=LISTS)
def test_output_is_finite_float32_and_seeded(operations, pixels):
    augmentation = build(operations, pixels.shape[1])
    first, again, other = (augmentation(pixels, seeded(seed)) for seed in (1, 1, 2))
    assert first.dtype == torch.float32
    assert first.isfinite().all()
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (not operations)
    assert first.min() >= (0 - 0.45) / 0.25 - 1e-5
    assert first.max() <= (1 - 0.45) / 0.25 + 1e-5


@pytest.mark.parametrize("operations", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_batch_of_one(operations, channels, generator):
    pixels = torch.randint(0, 256, (1, channels, 9, 12), generator=generator).to(torch.uint8)
    assert build(operations, channels)(pixels, generator).shape == pixels.shape


@pytest.mark.parametrize("operations", LISTS.values(), ids=LISTS)
def test_an_image_does_not_depend_on_the_others(operations, pixels):
    augmentation = build(operations, pixels.shape[1])
    others_changed = pixels.clone()
    others_changed[1:] = pixels[1:].flip(0)
    first, second = augmentation(pixels, seeded(1))[0], augmentation(others_changed, seeded(1))[0]
    torch.testing.assert_close(first, second, atol=1e-6, rtol=0)


@pytest.mark.parametrize("operations", [SIMCLR, STRONG, AFFINE])
def test_images_of_a_batch_get_different_parameters(operations, generator):
    pixels = torch.randint(0, 256, (1, 3, 32, 32), generator=generator).to(torch.uint8).expand(16, -1, -1, -1)
    augmented = build(operations, 3)(pixels, generator)
    assert len({image.numpy().tobytes() for image in augmented}) == 16


def test_without_operations_it_normalizes(pixels, generator):
    channels = pixels.shape[1]
    expected = normalize(pixels, [0.45] * channels, [0.25] * channels)
    assert torch.equal(build({}, channels)(pixels, generator), expected)


def test_cutout_holes_are_the_mean(generator):
    pixels = torch.randint(0, 256, (50, 3, 16, 16), generator=generator).to(torch.uint8)
    augmented = build({"cutout": {"max_half_length": 4}}, 3)(pixels, generator)
    holes = (augmented == 0).all(1)
    assert holes.flatten(1).any(1).all()
    expected = normalize(pixels, [0.45] * 3, [0.25] * 3)
    assert torch.equal(augmented, expected.masked_fill(holes[:, None], 0))


def test_simclr_list_matches_torchvision(pixels):
    batch, channels, height, width = pixels.shape
    generator = seeded(7)
    boxes = draw_boxes(batch, height, width, **CROP, generator=generator).tolist()
    flips = chances(batch, p=0.5, generator=generator)
    jitters = draw_jitter(batch, **JITTER, generator=generator)
    grays = chances(batch, p=0.2, generator=generator)
    adjusts = [tvf.adjust_brightness, tvf.adjust_contrast, tvf.adjust_saturation, tvf.adjust_hue]
    found = build(SIMCLR, channels)(pixels, seeded(7))
    for i, image in enumerate(pixels / 255):
        image = tvf.resized_crop(image, *boxes[i], size=[height, width], antialias=False)
        image = tvf.horizontal_flip(image) if flips[i] else image
        for operation, value in zip(jitters.ids[i].tolist(), jitters.values[i].tolist(), strict=True):
            image = adjusts[operation](image, value) if operation < len(adjusts) else image
        image = tvf.rgb_to_grayscale(image, channels) if grays[i] else image
        expected = tvf.normalize(image, [0.45] * channels, [0.25] * channels)
        torch.testing.assert_close(found[i], expected, atol=5e-5, rtol=0)


@pytest.mark.parametrize("operations", LISTS.values(), ids=LISTS)
def test_the_pixels_given_are_left_alone(operations, pixels):
    before = pixels.clone()
    build(operations, pixels.shape[1])(pixels, seeded(1))
    assert torch.equal(pixels, before)


def test_operations_after_a_crop_see_its_size(generator):
    crop = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0), "size": 4}
    operations = {"random_resized_crop": crop, "cutout": {"max_half_length": 1}}
    drawn = Augmentation(operations, mean=[0.5], std=[0.5]).draw((500, 16, 16), generator)
    (holes,) = drawn["cutout"]
    assert holes[:, :2].unique().tolist() == [0, 1, 2, 3]
