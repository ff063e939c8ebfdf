"""What the tests of stages in two processes share."""

from pathlib import Path

import numpy as np

from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.features import read_features

TWO = "runtime.devices=2"
# Steps so small that rounding does not grow between one process and two.
SMALL_STEPS = ["pretext.learning_rate=1e-2", "scan.learning_rate=1e-4", "self_label.learning_rate=1e-4"]


def assert_embeds_as(by_one: Path) -> None:
    """The embeddings in the working directory are those that one process has made."""
    found, expected = (read_embeddings(folder / "data/artifacts/embeddings.npy") for folder in (Path(), by_one))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    features = [read_features(folder / "data/artifacts/features.npy", rows=len(found)) for folder in (Path(), by_one)]
    np.testing.assert_allclose(*features, atol=1e-4)
