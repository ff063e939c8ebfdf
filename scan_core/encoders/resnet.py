"""Residual networks (He et al., 2016) of torchvision's blocks, with stems for small images; named as there."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

STAGES = {"resnet10": (1, 1, 1, 1), "resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}


class Stem(NamedTuple):
    """The first convolution, and whether a 3x3 max-pool of stride 2 follows."""

    kernel: int
    stride: int
    pool: bool


STEMS = {
    "3x3": Stem(3, 1, pool=False),
    "3x3-pool": Stem(3, 1, pool=True),
    "3x3-stride2": Stem(3, 2, pool=False),
    "7x7-pool": Stem(7, 2, pool=True),
}


class ResNet(nn.Module):
    """A residual network without a classifier, which turns images into pooled features.

    Args:
        name: one of ``STAGES``.
        width: channels of the first stage (64 in the paper); each later stage has twice as many.
        stem: one of ``STEMS``; ``7x7-pool`` is the paper's, ``3x3`` the usual one at 32 px.
        channels: channels of the images.

    Raises:
        ValueError: no such network.
    """

    features: int

    def __init__(self, name: str, *, width: int, stem: str, channels: int) -> None:
        super().__init__()
        if name not in STAGES or stem not in STEMS:
            raise ValueError(f"no {name} with a stem {stem}; there are {', '.join(STAGES)} with {', '.join(STEMS)}")
        if width < 1:
            raise ValueError(f"a width of {width}, expected at least 1")
        kernel, stride, pool = STEMS[stem]
        block: type[BasicBlock | Bottleneck] = Bottleneck if name == "resnet50" else BasicBlock
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1) if pool else nn.Identity()
        inputs = width
        for stage, blocks in enumerate(STAGES[name]):
            layers = []
            outputs = (width << stage) * block.expansion
            for index in range(blocks):
                stride = 2 if stage and not index else 1
                layers.append(block(inputs, width << stage, stride, _shortcut(inputs, outputs, stride)))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.features = inputs
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Return the features: the mean over all pixels after the fourth stage."""
        x = images.contiguous(memory_format=torch.channels_last)
        x = self.maxpool(torch.relu_(self.bn1(self.conv1(x))))
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return x.mean(dim=(2, 3))


def resnet(name: str, *, channels: int, image_size: int, width: int, stem: str) -> ResNet:
    """Return a :class:`ResNet`, which takes images of any size."""
    if isinstance(width, bool) or not isinstance(width, int) or not isinstance(stem, str):
        raise TypeError(f"width {width!r} and stem {stem!r}, expected a whole number and a name")
    return ResNet(name, width=width, stem=stem, channels=channels)


class _Projection(nn.Conv2d):
    """A 1x1 convolution of every ``stride``-th pixel.

    oneDNN's strided weight gradient writes past its memory if there are few channels (2 or 4 with AVX2, up to 8 with
    AVX-512). So on a CPU the pixels are picked before the convolution, by average pooling with windows of one pixel:
    unlike that of a slice, its gradient is channels_last, as all others in the network.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        return F.conv2d(F.avg_pool2d(x, 1, self.stride), self.weight)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(_Projection(inputs, outputs, stride), nn.BatchNorm2d(outputs))
