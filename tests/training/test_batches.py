import pytest
import torch

from scan_core.errors import TrainingError
from scan_core.training.batches import shuffled_batches, steps_per_epoch


def test_an_epoch_is_a_random_order_in_full_batches():
    generator = torch.Generator().manual_seed(0)
    first, second = (shuffled_batches(10, 3, generator).flatten() for _ in range(2))
    assert len(first) == 9
    assert len(set(first.tolist())) == 9
    assert not first.equal(second)


def test_fewer_images_than_a_batch_is_an_error():
    with pytest.raises(
        TrainingError,
        match="7 training images do not fill a batch of 8; lower batch_size to 7 or less",
    ):
        steps_per_epoch(7, 8)
