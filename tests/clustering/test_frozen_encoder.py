import numpy as np
import pytest
import torch
from torch import nn

from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder, draw_views
from scan_core.clustering.merge_heads import merge_heads
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.pairs import draw_partners
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.scan_loss import scan_loss
from scan_core.encoders.resnet import ResNet
from scan_core.errors import TrainingError
from scan_core.training.batches import shuffled_batches

NEIGHBORS = (torch.arange(24)[:, None] + torch.tensor([2, 4])) % 24
VIEWS = 3


def two_kinds() -> CachedFeatures:
    """24 images whose 16 features lie around one center for the even ones, around another for the odd ones."""
    generator = np.random.default_rng(0)
    centers = generator.standard_normal((2, 16))
    values = centers[np.arange(24) % 2] + 0.2 * generator.standard_normal((1 + VIEWS, 24, 16))
    return CachedFeatures(values.astype(np.float16), torch.device("cpu"))


def training(features: CachedFeatures, *, heads: int = 3, **settings: object) -> ScanTraining:
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=2, stem="3x3", channels=1), clusters=2, heads=heads)
    given = {"learning_rate": 0.05, "optimizer": "sgd", "momentum": 0.9, "batch_size": 8, **settings}
    generator = torch.Generator().manual_seed(0)
    fixed = {"objective": scan_objective(entropy_weight=2.0), "weight_decay": 0.0, "generator": generator}
    return ScanTraining(FrozenEncoder(model, features, precision="float32"), NEIGHBORS, **fixed, **given)


def test_heads_together_are_heads_one_after_another():
    features = two_kinds()
    scan = training(features)
    alone = [nn.Linear(16, 2) for _ in range(3)]
    for head, linear in enumerate(alone):
        linear.load_state_dict({name: value[head] for name, value in scan._learner.model.heads.state_dict().items()})
    scan.run_epoch()

    for head, linear in enumerate(alone):
        generator = torch.Generator().manual_seed(0)
        rows = shuffled_batches(24, 8, generator)
        partners = draw_partners(rows, NEIGHBORS, generator)
        views = draw_views(rows == partners, VIEWS, generator)
        optimizer = torch.optim.SGD(linear.parameters(), lr=0.05, momentum=0.9)
        for anchors, others, seen in zip(rows, partners, views, strict=True):
            logits = linear(features.gather(anchors, seen[:8])), linear(features.gather(others, seen[8:]))
            optimizer.zero_grad()
            scan_loss(*logits, entropy_weight=2.0).total.backward()
            optimizer.step()
        torch.testing.assert_close(
            linear.weight.data, scan._learner.model.heads.weight.data[head], rtol=1e-5, atol=1e-6
        )
        torch.testing.assert_close(linear.bias.data, scan._learner.model.heads.bias.data[head], rtol=1e-5, atol=1e-6)


def test_separates_two_kinds_and_keeps_the_epoch_and_head_of_lowest_loss():
    features = two_kinds()
    scan = training(features)
    before = {name: value.clone() for name, value in scan._learner.model.encoder.state_dict().items()}
    history = [scan.run_epoch() for _ in range(12)]
    weights, loss = scan.best()
    assert loss == pytest.approx(min(metrics["selection_loss"] for metrics in history))

    model = ClusteringModel(ResNet("resnet10", width=2, stem="3x3", channels=1), clusters=2, heads=1)
    model.load_state_dict(weights)
    assert all(torch.equal(before[name], value) for name, value in model.encoder.state_dict().items())
    (logits,) = model.heads(torch.cat(list(features.plain())))
    again = [scan_loss(logits, logits[NEIGHBORS[:, k]], entropy_weight=2.0).total.item() for k in range(2)]
    assert sum(again) / 2 == pytest.approx(loss, abs=1e-4)
    cluster = logits.argmax(1)
    assert (cluster[::2] == cluster[0]).all()
    assert (cluster[1::2] == 1 - cluster[0]).all()


def test_a_loss_that_is_never_finite_stops_with_the_learning_rate_named():
    scan = training(two_kinds(), learning_rate=0.01)
    with torch.no_grad():
        scan._learner.model.heads.weight.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"not finite in 3 of 3 steps \(first: step 0 .* learning rate 0\.01\)"):
        scan.run_epoch()


def test_without_views_an_image_shows_itself():
    values = np.random.default_rng(0).standard_normal((1, 24, 16)).astype(np.float32)
    learner = training(CachedFeatures(values, torch.device("cpu")))._learner
    rows, partners = torch.tensor([[3, 1]]), torch.tensor([[3, 5]])
    expected = learner.model.heads(torch.from_numpy(values[0]))
    (logits,) = learner.pairs(rows, partners, torch.Generator())
    torch.testing.assert_close(logits, expected[:, [3, 1, 3, 5]])


def test_merging_keeps_the_mean_of_the_better_heads():
    scan = training(two_kinds(), heads=4, merges=True)
    shown = scan.run_epoch()
    logits = list(scan._learner.of_images())
    losses = torch.stack([scan_objective(entropy_weight=2.0).selection(head, NEIGHBORS).total for head in logits])
    weights, together = merge_heads(scan._learner.learned.state_dict(), logits, losses.argsort()[:2])
    kept, loss = scan.best()
    assert torch.equal(kept["heads.weight"], weights["heads.weight"])
    assert loss == shown["selection_loss"]
    assert loss == float(scan_objective(entropy_weight=2.0).selection(together, NEIGHBORS).total)
    assert int(shown["clusters_used"]) == len(together.argmax(1).unique())


def test_views_are_uniform_and_those_of_an_image_with_itself_differ():
    itself = torch.arange(6000).view(10, 600) % 2 == 0
    views = draw_views(itself, 3, torch.Generator().manual_seed(0))
    anchor, partner = views.chunk(2, dim=1)
    assert (anchor != partner)[itself].all()
    # Among the 3,000 others, a third agree: 1,000 with a deviation of 26. Each view: 2,000 of 6,000, deviation 37.
    assert abs(int((anchor == partner)[~itself].sum()) - 1000) < 130
    assert all(abs(count - 2000) < 190 for half in (anchor, partner) for count in half.flatten().bincount().tolist())
