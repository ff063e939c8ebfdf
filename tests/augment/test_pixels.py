import torch

from scan_core.augment.pixels import to_bytes, to_unit


def test_every_byte_survives_the_round_trip():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert to_unit(levels).max() == 1
    assert torch.equal(to_bytes(to_unit(levels)), levels)


def test_to_bytes_rounds_to_the_nearest():
    assert to_bytes(torch.tensor([0.4, 0.6, 254.7]).view(1, 1, 1, 3) / 255).flatten().tolist() == [0, 1, 255]
