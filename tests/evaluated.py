from collections.abc import Callable, Sequence

import numpy as np
import pytest

from scan_core.evaluation.results import Results, score_baselines, step_result
from scan_core.evaluation.truth import truth_from

MakeResults = Callable[..., Results]


def predictions(clusters: Sequence[int] | np.ndarray, *, cluster_count: int, confidence: float = 0.9) -> np.ndarray:
    """Probabilities that choose ``clusters``, the rest shared equally."""
    probabilities = np.full((len(clusters), cluster_count), (1 - confidence) / (cluster_count - 1), dtype=np.float32)
    probabilities[np.arange(len(clusters)), clusters] = confidence
    return probabilities


@pytest.fixture
def make_results() -> MakeResults:
    def make(
        labels: Sequence[int],
        scan: Sequence[int],
        self_label: Sequence[int],
        *,
        cluster_count: int,
        baselines: dict[str, list[int]] | None = None,
        purity: Sequence[float] = (),
        **further: object,
    ) -> Results:
        truth = truth_from(np.array(labels), [f"class {label}" if label >= 0 else None for label in labels])
        steps = [
            step_result(predictions(clusters, cluster_count=cluster_count), truth, selection_loss=loss)
            for clusters, loss in ((scan, -1.5), (self_label, None))
        ]
        methods = {method: np.array(clusters, dtype=np.int32) for method, clusters in (baselines or {}).items()}
        scores = score_baselines(methods, truth)
        return Results(truth, steps[0], steps[1], scores, np.array(purity, dtype=np.float64), **further)

    return make
