"""Read the features that embed has computed with the present encoder."""

import numpy as np
from jaxtyping import Float32

from scan_core.artifacts.features import read_features
from scan_core.artifacts.model import checksum
from scan_core.artifacts.standardization import Standardization, read_standardization
from stages.paths import ENCODER, FEATURES, STANDARDIZATION


def read_stored(*, images: int) -> tuple[Float32[np.ndarray, "images width"], Standardization]:
    """Return the encoder's features of so many images, memory-mapped, and what standardizes them.

    Raises:
        ArtifactError: missing, malformed, or of another encoder.
    """
    standardization = read_standardization(STANDARDIZATION, encoder_sha256=checksum(ENCODER))
    return read_features(FEATURES, rows=images), standardization
