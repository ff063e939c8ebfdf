"""What is exported: pixels to probabilities, with everything between inside."""

from jaxtyping import Float, UInt8
from torch import Tensor, nn

from scan_core.augment.normalize import normalize
from scan_core.clustering.model import ClusteringModel


class PixelsToProbabilities(nn.Module):
    """Normalization, encoder, standardization where the model has one, head and softmax, in float32.

    Args:
        model: with one head.
        mean: of each channel, in units of white.
        std: likewise.
    """

    def __init__(self, model: ClusteringModel, *, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.model, self.mean, self.std = model, mean, std
        self.eval()

    def forward(self, images: UInt8[Tensor, "batch channels height width"]) -> Float[Tensor, "batch clusters"]:
        """Rows sum to 1."""
        features = self.model.encoder(normalize(images, self.mean, self.std))
        if self.model.standardization is not None:
            features = self.model.standardization(features)
        heads = self.model.heads  # not called, since it would fix the number of images
        return nn.functional.linear(features, heads.weight[0], heads.bias[0]).softmax(-1)
