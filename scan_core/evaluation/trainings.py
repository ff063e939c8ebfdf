"""What the trainings behind a model said of themselves, in the metadata of its file."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from scan_core.clustering.scan_loss import chance_consistency
from scan_core.console.advice import pretext_at_chance, scan_at_chance, self_label_refused
from scan_core.training.chance import last_at_chance


class Trainings(NamedTuple):
    """How the model came about that is evaluated."""

    self_label_epochs: int = 0
    """Of self-labeling, that the final model went through; 0 where the SCAN step's model passed through."""
    scan_consistency: float = 0.0
    """Of the SCAN step's model, in nats; the logarithm of the number of clusters by chance."""
    warnings: tuple[str, ...] = ()
    """What a person was told during the trainings."""

    def scan_is_trivial(self, *, clusters: int) -> bool:
        """Whether the SCAN step's predictions are uniform: an image and its neighbors agree no more than by chance."""
        return bool(last_at_chance([self.scan_consistency], chance_consistency(clusters)))


def read_trainings(metadata: Mapping[str, Any]) -> Trainings:
    """From the final model's ``metadata``; what is not there, in a model from elsewhere, is not told."""
    pretext, scan = metadata.get("pretext"), metadata.get("scan")
    self_label = metadata.get("self_label") or {"epochs": 0, "refused": None}
    told = []
    if pretext:
        message = pretext_at_chance(
            until=pretext["at_chance_until"], epochs=pretext["epochs"], chance=pretext["chance"]
        )
        told += [f"pretext-train: {message}"] if message else []
    if scan:
        message = scan_at_chance(until=scan["at_chance_until"], epochs=scan["epochs"])
        told += [f"scan-train: {message}"] if message else []
    if self_label["refused"]:
        told.append(self_label_refused(**self_label["refused"]))
    consistency = scan["consistency"] if scan else 0.0
    return Trainings(self_label["epochs"], consistency, tuple(told))
