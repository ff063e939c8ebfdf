"""What an encoder knows before anything here trains it."""

from typing import NamedTuple

from scan_core.artifacts.index import Normalization


class Start(NamedTuple):
    """Where an encoder's first weights are from."""

    trained_with: str = "nothing (random weights)"
    """In words: what taught it."""
    normalization: Normalization | None = None
    """Of the images that it expects; None leaves it to the images themselves."""
    sha256: str | None = None
    """Of the file that the weights are from; of the weights themselves where they are from timm's hub; None where they
    are random."""

    def of_channels(self, channels: int) -> "Start":
        """Return the same for images of ``channels``: where they are gray, with the mean over those of color."""
        if self.normalization is None or len(self.normalization.mean) == channels:
            return self
        means = (sum(values) / len(values) for values in self.normalization)
        return self._replace(normalization=Normalization(*([mean] * channels for mean in means)))
