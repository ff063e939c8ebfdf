import math

import pytest

from stages.advice import (
    BALANCE,
    collapse_warning,
    first_epoch_warnings,
    pretext_at_chance,
    scan_at_chance,
    self_label_refused,
    told,
)


def warning(remedy: str = "change a parameter", entropy: float = 1.0, **sizes: float) -> str | None:
    return collapse_warning(**sizes, entropy=entropy, remedy=remedy)


def test_even_clusters_need_no_warning():
    assert warning(used=10, clusters=10, largest=0.2) is None
    assert warning(used=2, clusters=2, largest=0.7) is None  # 1.5 times an equal share is 0.75


def test_an_empty_or_a_huge_cluster_is_told():
    assert "9 of 10 clusters hold an image" in str(warning(used=9, clusters=10, largest=0.2))
    assert "this is right if there are no more classes" in str(warning(used=9, clusters=10, largest=0.2))
    assert "the largest holds 60% of them" in str(warning(used=10, clusters=10, largest=0.6))
    assert "if you do not want that, change a parameter, or lower scan.clusters" in str(
        warning(used=10, clusters=10, largest=0.6)
    )


def test_a_higher_entropy_weight_is_no_advice_for_undecided_predictions():
    sizes = {"used": 3, "clusters": 10, "largest": 0.8}
    assert "raise scan.entropy_weight" in str(warning(BALANCE, entropy=0.9 * math.log(10), **sizes))
    undecided = str(warning(BALANCE, entropy=0.99 * math.log(10), **sizes))
    assert "entropy_weight" not in undecided
    assert "scan.epochs" in undecided


@pytest.mark.parametrize(
    ("confident", "taught", "said"),
    [
        (50, 10, []),
        (49, 10, ["in the first epoch only 49 of 1,000 images had a probability above 0.9, too few"]),
        (
            50,
            3,
            ["in the first epoch only 3 of 10 clusters that hold images had one with a probability above 0.9, and"],
        ),
    ],
)
def test_a_first_epoch_with_little_to_learn_from_is_told(confident: int, taught: int, said: list[str]):
    found = first_epoch_warnings(confident=confident, images=1000, taught=taught, clusters=10, threshold=0.9)
    assert all(message.startswith(start) for message, start in zip(found, said, strict=True))
    assert all("lower self_label.threshold" in message for message in found)


def test_chance_is_told_after_a_tenth_of_the_epochs():
    assert pretext_at_chance(until=4, done=50, epochs=50, chance=5.541) is None
    message = str(pretext_at_chance(until=30, done=30, epochs=50, chance=5.541))
    assert "no better than chance (5.541 nats) until epoch 30 of 50, so the encoder has learned nothing; " in message
    assert "lower pretext.learning_rate (raise it where it is far below the preset's)" in message
    assert pretext_at_chance(until=49, done=50, epochs=50, chance=None) is None
    message = str(pretext_at_chance(until=50, done=50, epochs=50, chance=None))
    assert message.startswith("up to the last epoch (50), an image's two views resembled each other no more than")
    assert "nats" not in message
    assert scan_at_chance(until=1, done=15, epochs=15) is None
    message = str(scan_at_chance(until=15, done=15, epochs=15))
    assert "until epoch 15 of 15, all images had nearly the same prediction, no better than chance" in message
    assert "raise scan.learning_rate" in message
    assert "raise scan.entropy_weight" not in message


def test_a_training_that_left_chance_late_is_not_said_to_have_learned_nothing():
    message = str(pretext_at_chance(until=30, done=50, epochs=50, chance=5.541))
    assert "until epoch 30 of 50, and the encoder has learned only since; if the clusters are bad, lower" in message
    message = str(scan_at_chance(until=3, done=15, epochs=15))
    assert message.endswith(
        "no better than chance, and different ones since; if the clusters are bad, raise scan.epochs or "
        "scan.learning_rate"
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"failure": "loss not finite"}, "loss not finite"),
        ({"confident": 0, "threshold": 0.9}, "no image is assigned with a probability above 0.9; lower self_label."),
        ({"confident": 9, "taught": 1, "threshold": 0.9}, "above 0.9 lie in one cluster; lower self_label.learning"),
        ({"confident": 9, "taught": 1, "used": 1}, "that step has put all images into one cluster; see its warning"),
        (
            {"confident": 9, "taught": 3, "lost": 2, "trained": 7},
            "2 clusters lost nearly all images in 7 epochs",
        ),
        (
            {"confident": 9, "taught": 3, "trained": 7, "agreement": [0.5, 0.25], "entropy": [1.5, 1.49]},
            "neighbors agree less (0.250 after 7 epochs instead of 0.500)",
        ),
        (
            {"confident": 9, "taught": 3, "trained": 7, "agreement": [0.5, 0.4], "entropy": [1.5, 1.25]},
            "at the expense of others (entropy 1.250 after 7 epochs instead of 1.500 nats)",
        ),
    ],
)
def test_why_self_labeling_is_not_taken(facts: dict[str, float | str], said: str):
    message = self_label_refused(**facts)
    assert message.startswith("self-labeling is not taken, and the SCAN step's model is the result: ")
    assert said in message


LEARNED = {
    "pretext": {"epochs": 50, "at_chance_until": 2, "chance": 5.5},
    "scan": {"epochs": 15, "at_chance_until": 0},
    "self_label": {"epochs": 4, "refused": None},
}


def test_nothing_is_told_again_of_trainings_that_learned():
    assert told(LEARNED) == told({}) == []


def test_chance_and_refusal_are_told_again():
    refused = {"trained": 3, "confident": 0, "taught": 0, "lost": 0, "threshold": 0.8}
    again = told(
        {
            "pretext": {**LEARNED["pretext"], "at_chance_until": 30},
            "scan": {**LEARNED["scan"], "at_chance_until": 15},
            "self_label": {"epochs": 0, "refused": refused},
        }
    )
    assert [message.split(":")[0] for message in again[:2]] == ["pretext-train", "scan-train"]
    assert "no image is assigned with a probability above 0.8" in again[2]


def test_collapse_warning_knows_the_prior():
    # 84 % where 90 % were asked for is no collapse; where 40 % were, it is.
    sizes = {"used": 3, "clusters": 3, "largest": 0.84, "entropy": 0.4}
    assert collapse_warning(**sizes, prior=[18.0, 1.0, 1.0]) is None
    assert "holds 84% of them" in collapse_warning(**sizes, prior=[0.4, 0.3, 0.3])
    assert "2 of 3 clusters" in collapse_warning(**sizes | {"used": 2}, prior=[18.0, 1.0, 1.0])


@pytest.mark.parametrize("used", [1, 2])
def test_a_large_share_in_the_prior_hides_no_collapse(used: int):
    message = collapse_warning(used=used, clusters=2, largest=0.99, entropy=0.05, prior=[0.7, 0.3])
    assert "raise scan.entropy_weight" in message
    assert "this is right" not in message
