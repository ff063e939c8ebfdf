import pytest

from scan_core.planning.sizes import Sizes
from scan_core.planning.times import EVALUATE_SECONDS, PerTraining, Rates, stage_seconds, stage_steps

SIZES = Sizes(images=1000, pretext=900, train=600, evaluate=400)
EPOCHS = PerTraining(pretext=10, scan=5, self_label=2)
BATCHES = PerTraining(pretext=100, scan=128, self_label=200)
RATES = Rates(
    start=1.0, prepare=0.01, decode=0.0, pretext=0.02, scan=0.03, self_label=0.04, infer=0.005, pair=1e-5, kmeans=0.05
)


def test_steps_leave_incomplete_batches_out():
    # 900 / 100 = 9; 600 / 128 = 4.7; 600 / 200 = 3; 1000 / 512 = 1.95, whose last batch counts.
    expected = {"pretext-train": 90, "embed": 2, "scan-train": 20, "self-label": 6}
    assert stage_steps(SIZES, EPOCHS, BATCHES) == expected


def test_seconds_of_each_stage():
    assert stage_seconds(SIZES, EPOCHS, BATCHES, RATES, decoding_beside=False) == pytest.approx(
        {
            "fetch": 1 + 10,
            "pretext-train": 1 + 90 * 100 * 0.02,
            "embed": 1 + 5,
            "mine-neighbors": 1 + 3.6,
            "baselines": 1 + 30,
            "scan-train": 1 + 20 * 128 * 0.03,
            "self-label": 1 + 6 * 200 * 0.04,
            "evaluate": 1 + 4 + EVALUATE_SECONDS,
        }
    )


def test_decoding_adds_to_the_same_processors_and_hides_behind_another_device():
    rates = RATES._replace(decode=0.015)
    here = stage_seconds(SIZES, EPOCHS, BATCHES, rates, decoding_beside=False)
    beside = stage_seconds(SIZES, EPOCHS, BATCHES, rates, decoding_beside=True)
    assert here["scan-train"] == pytest.approx(1 + 20 * 128 * (3 * 0.015 + 0.03))
    assert beside["scan-train"] == pytest.approx(1 + 20 * 128 * 3 * 0.015)  # decoding is the slower
    assert beside["pretext-train"] == pytest.approx(1 + 90 * 100 * 0.02)  # training is
