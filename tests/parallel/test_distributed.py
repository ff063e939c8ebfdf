"""Alone; tests/parallel has two processes."""

import torch
from torch import nn

from scan_core.augment.draws import part_generator
from scan_core.parallel import distributed


def test_a_single_process_is_all_there_is():
    values, batch, model = torch.randn(3, 2), torch.arange(6).view(2, 3), nn.Linear(2, 2)
    generator = torch.Generator()
    assert (distributed.processes(), distributed.rank()) == (1, 0)
    distributed.wait_for_all()
    for function in (distributed.gather, distributed.total, distributed.average, distributed.log_total):
        assert function(values) is values
    assert distributed.replicate(model) is model
    assert part_generator(generator, groups=2) is generator
    assert torch.equal(distributed.part_of_batch(batch), batch)
    assert batch[distributed.share(2)].shape == batch.shape
    assert distributed.rows_of_part(4, groups=2, device=batch.device).tolist() == [0, 1, 2, 3]
