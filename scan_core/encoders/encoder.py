"""The interface of every encoder."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn


@runtime_checkable
class Encoder(Protocol):
    """Turns normalized images into features. Every encoder is also a ``torch.nn.Module``."""

    features: int
    """Number of features of an image."""

    def __call__(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]: ...
    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]: ...
    def eval(self) -> nn.Module: ...
    def get_submodule(self, target: str) -> nn.Module: ...
