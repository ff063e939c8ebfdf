import pytest
import torch
import torchvision

from scan_core.encoders.resnet import STEMS, ResNet


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_equals_torchvision_with_the_same_weights(name: str):
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)()
    weights = {key: value for key, value in theirs.state_dict().items() if not key.startswith("fc.")}
    ours = ResNet(name, width=64, stem="7x7-pool", channels=3)
    ours.load_state_dict(weights)
    theirs.fc = torch.nn.Identity()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(images), theirs.eval()(images), atol=1e-4)


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_stem_takes_small_images(stem: str, channels: int):
    encoder = ResNet("resnet10", width=8, stem=stem, channels=channels)
    assert encoder(torch.randn(2, channels, 16, 16)).shape == (2, encoder.features)
    assert encoder.features == 64


def test_first_convolution_sees_the_full_image_at_32_pixels():
    encoder = ResNet("resnet18", width=64, stem="3x3", channels=3)
    assert encoder.conv1.weight.shape == (64, 3, 3, 3)
    assert encoder.conv1(torch.zeros(1, 3, 32, 32)).shape == (1, 64, 32, 32)
    assert isinstance(encoder.maxpool, torch.nn.Identity)


def test_gradients_lie_as_activations_do():
    """Otherwise the next operation is ten times slower."""
    encoder = ResNet("resnet10", width=8, stem="3x3", channels=3)
    seen = []

    def see_gradient(stage: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        output.register_hook(seen.append)

    for stage in (encoder.layer1, encoder.layer2, encoder.layer3):
        stage.register_forward_hook(see_gradient)
    encoder(torch.randn(2, 3, 32, 32)).square().mean().backward()
    assert [gradient.is_contiguous(memory_format=torch.channels_last) for gradient in seen] == [True] * 3


@pytest.mark.parametrize("channels", [2, 4, 8])
def test_gradients_of_few_channels_are_the_same_each_time(channels: int):
    # oneDNN's kernel for 1x1 convolutions with a stride reads and writes memory that is not its own.
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=channels, stem="3x3", channels=1)
    images, weights = torch.randn(16, 1, 8, 8), encoder.layer2[0].downsample[0].weight

    def gradient() -> torch.Tensor:
        elsewhere = [torch.full((size,), torch.nan) for size in (10, 100, 1000, 5000, 20000)]
        del elsewhere  # what a kernel finds that reads too far
        encoder.zero_grad()
        encoder(images).square().mean().backward()
        return weights.grad.clone()

    first = gradient()
    assert all(torch.equal(first, gradient()) for _ in range(4))
    assert first.isfinite().all()
