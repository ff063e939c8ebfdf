"""What the trainings behind a model said of themselves, in the metadata of its file."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from scan_core.clustering.scan_loss import chance_consistency
from scan_core.training.chance import last_at_chance


class Trainings(NamedTuple):
    """How the model came about that is evaluated."""

    self_label_epochs: int = 0
    """Of self-labeling, that the final model went through; 0 where the SCAN step's model passed through."""
    scan_consistency: float = 0.0
    """Of the SCAN step's model, in nats; the logarithm of the number of clusters by chance."""

    def scan_is_trivial(self, *, clusters: int) -> bool:
        """Whether the SCAN step's predictions are uniform: an image and its neighbors agree no more than by chance."""
        return bool(last_at_chance([self.scan_consistency], chance_consistency(clusters)))


def read_trainings(metadata: Mapping[str, Any]) -> Trainings:
    """From the final model's ``metadata``; a model from elsewhere may hold nothing of it."""
    scan, self_label = metadata.get("scan"), metadata.get("self_label")
    return Trainings(self_label["epochs"] if self_label else 0, scan["consistency"] if scan else 0.0)
