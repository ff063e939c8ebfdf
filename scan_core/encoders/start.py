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
    """Of the file that the weights are from; of the weights themselves where they are from timm's hub; None where they
    are random."""

    def of_channels(self, channels: int) -> "Start":
        """Return the same for images of ``channels``; for gray ones, the normalization is the mean over the colors."""
        if self.normalization is None or len(self.normalization.mean) == channels:
            return self
        means = (sum(values) / len(values) for values in self.normalization)
        return self._replace(normalization=Normalization(*([mean] * channels for mean in means)))
