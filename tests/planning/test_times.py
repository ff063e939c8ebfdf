import pytest

from scan_core.planning.sizes import Sizes
from scan_core.planning.times import EVALUATE_SECONDS, PerTraining, Rates, stage_seconds, stage_steps

SIZES = Sizes(images=1000, pretext=900, train=600, evaluate=400)
EPOCHS = PerTraining(pretext=10, scan=5, self_label=2)
BATCHES = PerTraining(pretext=100, scan=128, self_label=200)
RATES = Rates(
    start=1.0,
    prepare=0.01,
    decode=0.0,
    pretext=0.02,
    scan=0.03,
    self_label=0.04,
    scan_augment=0.002,
    self_label_augment=0.003,
    infer=0.005,
    pair=1e-5,
    kmeans=0.05,
)


def seconds(
    rates: Rates = RATES, *, scan_views: int = 0, exact_up_to: int = 600, devices: int = 1, beside: bool = False
) -> dict[str, float]:
    return stage_seconds(
        SIZES,
        EPOCHS,
        BATCHES,
        rates,
        views=PerTraining(0, scan_views, 0),
        exact_up_to=exact_up_to,
        devices=devices,
        decoding_beside=beside,
    )


def test_steps_leave_incomplete_batches_out():
    # 900 / 100 = 9; 600 / 128 = 4.7; 600 / 200 = 3; 1000 / 512 = 1.95, whose last batch counts.
    expected = {"pretext-train": 90, "embed": 2, "scan-train": 20, "self-label": 6}
    assert stage_steps(SIZES, EPOCHS, BATCHES) == expected


def test_seconds_of_each_stage():
    assert seconds() == pytest.approx(
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
    here = seconds(rates)
    beside = seconds(rates, beside=True)
    assert here["scan-train"] == pytest.approx(1 + 20 * 128 * (3 * 0.015 + 0.03))
    assert here["self-label"] == pytest.approx(1 + 6 * 200 * (0.015 + 0.04))
    assert beside["scan-train"] == pytest.approx(1 + 20 * 128 * 3 * 0.015)  # decoding is the slower
    assert beside["pretext-train"] == pytest.approx(1 + 90 * 100 * 0.02)  # training is


def test_a_frozen_encoder_sees_each_view_once():
    # 600 images as they are and in 3 views, 3 augmentations, and then steps on features.
    passes = 600 * (4 * 0.005 + 3 * 0.002)
    assert seconds(scan_views=3)["scan-train"] == pytest.approx(1 + passes + 20 * 128 * 0.03)
    decoding = seconds(RATES._replace(decode=0.015), scan_views=3)["scan-train"]
    assert decoding == pytest.approx(1 + passes + 600 * 4 * 0.015 + 20 * 128 * 0.03)


def test_several_devices_share_what_trains_an_encoder():
    one, two = seconds(scan_views=3), seconds(scan_views=3, devices=2)
    for stage in ("pretext-train", "embed", "self-label"):
        assert two[stage] - 1 == pytest.approx((one[stage] - 1) / 2)
    for stage in ("fetch", "mine-neighbors", "scan-train", "evaluate"):
        assert two[stage] == one[stage]


def test_approximate_mining_compares_fewer():
    # 600 images have 15 lists of 40. Ten passes over all to learn the centers; then each image is filed, finds its
    # lists and visits 16 of them (as many as all images, here), and a thousandth as many exact queries as images.
    compared = 10 * 600 * 15 + 600 * (2 * 15 + 16 * 40 + 1000)
    assert seconds(exact_up_to=599)["mine-neighbors"] == pytest.approx(1 + compared * 1e-5)
