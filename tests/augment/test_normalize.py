import pytest
import torch

from scan_core.augment.normalize import normalize


def test_normalize_by_hand():
    # (255 / 255 - 0.5) / 0.25 = 2 and (51 / 255 - 0.1) / 0.5 = 0.2.
    images = torch.tensor([[255], [51], [0]], dtype=torch.uint8).view(1, 3, 1, 1)
    normalized = normalize(images, (0.5, 0.1, 0.0), (0.25, 0.5, 1.0))
    assert normalized.flatten().tolist() == pytest.approx([2, 0.2, 0])
    assert normalized.dtype == torch.float32


def test_normalize_leaves_its_input_alone(pixels):
    before = pixels.clone()
    channels = pixels.shape[1]
    normalize(pixels, [0.4] * channels, [0.2] * channels)
    assert torch.equal(pixels, before)


@pytest.mark.parametrize(("mean", "std"), [((0.5,), (0.2, 0.2, 0.2)), ((0.5, 0.5, 0.5), (0.2,))])
def test_one_value_per_channel(mean, std):
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"expected one for each of the 3 channels"):
        normalize(images, mean, std)
