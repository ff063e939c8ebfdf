import math

import pytest
import torch

from scan_core.pretext.nt_xent import chance_loss
from scan_core.training.chance import alike, at_chance, first_look, information, last_epoch, prior_entropy, undecided


def test_a_tenth_of_the_epochs_but_one():
    assert [first_look(epochs) for epochs in (1, 9, 10, 11, 50, 51)] == [1, 1, 1, 2, 5, 6]


def test_a_loss_within_two_percent_of_chance():
    assert [at_chance(loss, 5.541) for loss in (5.6, 5.5, 5.4, 4.9)] == [True, True, False, False]  # 0.98: 5.43


def test_the_last_epoch():
    assert [last_epoch(found) for found in ([True, False, True, False], [False], [])] == [3, 0, 0]


def test_what_chance_is():
    assert chance_loss(128) == pytest.approx(5.541, abs=5e-4)  # ln 255
    assert prior_entropy(10) == math.log(10)
    # -0.8 ln 0.4 - 0.2 ln 0.1
    assert prior_entropy(4, [4.0, 4.0, 1.0, 1.0]) == pytest.approx(1.1935, abs=1e-4)


@pytest.mark.parametrize(
    ("p", "q", "prior", "found"),
    [
        # entropies of the mean and of single predictions, in nats
        ([0.5, 0.5], [0.5, 0.5], None, True),  # 0.693, 0.693: uniform
        ([0.55, 0.45], [0.45, 0.55], None, True),  # 0.693, 0.688: 0.7 %
        ([0.6, 0.4], [0.4, 0.6], None, False),  # 0.693, 0.673: 2.9 %
        ([0.9, 0.1], [0.9, 0.1], [9.0, 1.0], True),  # the prior for all
        ([0.999, 0.001], [0.999, 0.001], None, False),  # 0.008: one cluster, of which others tell
        ([0.99, 0.01], [0.81, 0.19], [9.0, 1.0], False),  # 0.325, 0.271: shares of the prior, but of different images
        # less sure than by chance with this prior (0.325), but they tell the images apart
        ([0.8, 0.2], [0.2, 0.8], [9.0, 1.0], False),  # 0.693, 0.500
    ],
)
def test_predictions_that_tell_nothing(p, q, prior, found):
    probabilities = torch.tensor([p, q])
    told, entropy = information(probabilities), float(torch.special.entr(probabilities.mean(0)).sum())
    assert undecided(told, entropy, clusters=2, prior=prior) == found


def test_bounds_of_predictions_at_chance():
    # 1 % and 98 % of ln 10: 0.0230 and 2.2565 nats
    assert [alike(told, math.log(10)) for told in (0.0229, 0.0231)] == [True, False]
    assert [undecided(0.0, entropy, clusters=10) for entropy in (2.257, 2.256)] == [True, False]
    # the entropy of shares of 0.9 and 0.1
    assert [undecided(0.0, 0.3251, clusters=2, prior=prior) for prior in (None, [9.0, 1.0])] == [False, True]


def test_information_by_hand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scan_core.training.chance.CHUNK", 1)  # image by image
    assert information(torch.tensor([[0.75, 0.25], [0.75, 0.25]])) == pytest.approx(0, abs=1e-6)
    assert information(torch.eye(2)) == pytest.approx(math.log(2))
    # the mean is (0.5, 0.5): ln 2 + 0.8 ln 0.8 + 0.2 ln 0.2
    assert information(torch.tensor([[0.8, 0.2], [0.2, 0.8]])) == pytest.approx(0.1927, abs=1e-4)
