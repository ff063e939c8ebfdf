"""Describe the weights that an encoder starts from."""

from typing import NamedTuple

from scan_core.artifacts.index import Normalization


class Start(NamedTuple):
    """The origin of an encoder's first weights."""

    trained_with: str = "nothing (random weights)"
    """What the weights were trained with, in words."""
    normalization: Normalization | None = None
    """Normalization of the images that the weights expect; None takes that of the images themselves."""
    sha256: str | None = None
    """SHA-256 of the file that the weights are from, or of the weights themselves if they are from timm's hub; None if
    they are random."""

    def of_channels(self, channels: int) -> "Start":
        """Return the same for images of ``channels``; gray images get the mean of the channels' normalization."""
        if self.normalization is None or len(self.normalization.mean) == channels:
            return self
        means = (sum(values) / len(values) for values in self.normalization)
        return self._replace(normalization=Normalization(*([mean] * channels for mean in means)))
