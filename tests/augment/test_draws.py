import pytest
import torch

from scan_core.augment.draws import chances, uniform


def test_uniform_fills_its_range(generator):
    numbers = uniform(1000, 2, low=-3.0, high=1.0, generator=generator)
    assert numbers.shape == (1000, 2)
    assert -3 <= numbers.min() < -2.9
    assert 0.9 < numbers.max() <= 1
    assert numbers.mean().item() == pytest.approx(-1, abs=0.1)


def test_uniform_of_an_empty_range_is_its_value(generator):
    assert (uniform(5, low=0.7, high=0.7, generator=generator) == torch.tensor(0.7)).all()


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_chances_respect_the_probability(p, generator):
    # The standard error of a share of 10000 draws is at most 0.005.
    assert chances(10000, p=p, generator=generator).float().mean().item() == pytest.approx(p, abs=0.02 * (0 < p < 1))
