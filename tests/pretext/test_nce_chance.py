import torch

from scan_core.encoders.resnet import ResNet
from scan_core.pretext.nce import NCE


def test_a_loss_above_chance_is_no_chance_where_views_find_their_vectors():
    torch.manual_seed(0)
    settings = {"projection_dim": 4, "batch_norm": False, "temperature": 0.1, "bank_momentum": 0.5}
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    task = NCE(encoder, images=50, batch_size=8, negatives=99, proximal_weight=0.0, **settings)
    above = 1.1 * task.chance
    # By chance a view finds its own vector, one of 50, once in 50 times; six times as often is learning.
    assert task.at_chance({"loss": above, "contrastive_accuracy": 0.11})
    assert not task.at_chance({"loss": above, "contrastive_accuracy": 0.13})
    assert not task.at_chance({"loss": 0.9 * task.chance, "contrastive_accuracy": 0.0})
