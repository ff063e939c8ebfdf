"""What every encoder offers, whatever network is inside."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn


@runtime_checkable
class Encoder(Protocol):
    """Images, normalized, to features. Every encoder is a ``torch.nn.Module``, too."""

    features: int
    """How many numbers describe an image."""

    def __call__(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]: ...
    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]: ...
    def eval(self) -> nn.Module: ...
    def get_submodule(self, target: str) -> nn.Module: ...
