"""Read from a model's metadata how it was trained."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from scan_core.clustering.scan_loss import chance_consistency
from scan_core.training.chance import last_at_chance


class Trainings(NamedTuple):
    """How the evaluated model was trained."""

    self_label_epochs: int = 0
    """Epochs of self-labeling in the final model; 0 if it is the SCAN step's model."""
    scan_consistency: float = 0.0
    """Consistency of the SCAN step's model, in nats; by chance, the logarithm of the number of clusters."""

    def scan_is_trivial(self, *, clusters: int) -> bool:
        """Return whether the SCAN step's predictions are uniform: images agree with their neighbors no more than by
        chance."""
        return bool(last_at_chance([self.scan_consistency], chance_consistency(clusters)))


def read_trainings(metadata: Mapping[str, Any]) -> Trainings:
    """Read from the final model's ``metadata``; models from other projects may lack any of it."""
    scan, self_label = metadata.get("scan"), metadata.get("self_label")
    return Trainings(self_label["epochs"] if self_label else 0, scan["consistency"] if scan else 0.0)
