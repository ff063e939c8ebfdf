import torch
from torch import nn

from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.encoders.resnet import ResNet
from scan_core.training.batches import shuffled_batches
from tests.clustering.test_frozen_encoder import VIEWS, two_kinds


def training(features: CachedFeatures, *, threshold: float = 0.6, **settings: object) -> SelfLabelTraining:
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=2, stem="3x3", channels=1), clusters=2, heads=1)
    return SelfLabelTraining(
        FrozenEncoder(model, features, precision="float32"),
        (torch.arange(24)[:, None] + torch.tensor([2, 4])) % 24,  # of the same class
        threshold=threshold,
        class_balance=True,
        batch_size=8,
        learning_rate=0.05,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
        **settings,
    )


def test_an_epoch_is_that_of_a_linear_layer_on_the_views():
    features = two_kinds()
    step = training(features, optimizer="sgd")
    linear = nn.Linear(16, 2)
    linear.load_state_dict({name: value[0] for name, value in step._learner.model.heads.state_dict().items()})
    metrics = step.run_epoch()

    generator = torch.Generator().manual_seed(0)
    rows = shuffled_batches(24, 8, generator)
    views = torch.randint(VIEWS, rows.shape, generator=generator)
    plain = torch.cat(list(features.plain()))
    optimizer = torch.optim.SGD(linear.parameters(), lr=0.05)
    taught = torch.zeros(2)
    for batch, seen in zip(rows, views, strict=True):
        optimizer.zero_grad()
        logits, augmented = linear(plain[batch]), linear(features.gather(batch, seen))
        loss, counts = pseudo_label_loss(logits, augmented, threshold=0.6, class_balance=True)
        loss.backward()
        optimizer.step()
        taught += counts
    torch.testing.assert_close(linear.weight.data, step._learner.model.heads.weight.data[0], rtol=1e-5, atol=1e-6)
    assert torch.equal(step.confident, taught)
    assert metrics["confident"] == taught.sum() > 0


def test_the_encoder_stays_and_the_head_becomes_more_confident():
    step = training(two_kinds(), optimizer="sgd")
    before = step.weights()
    first, *_, last = [step.run_epoch() for _ in range(10)]
    after = step.weights()
    assert last["confident"] > first["confident"]
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"heads.weight", "heads.bias"}


def test_no_confident_image_teaches_nothing():
    step = training(two_kinds(), threshold=0.999999)
    assert step.run_epoch()["confident"] == 0
    assert step.best()[:2] == ({}, 0)


def test_an_average_of_the_weights_is_what_is_kept_and_changes_no_step():
    plain, averaged = training(two_kinds()), training(two_kinds(), ema_decay=0.5)
    start = plain.weights()
    for step in (plain, averaged):
        step.run_epoch()
    assert torch.equal(plain._learner.model.heads.weight, averaged._learner.model.heads.weight)
    kept, last = averaged.weights(), plain.weights()
    assert not torch.equal(kept["heads.weight"], last["heads.weight"])
    # Between the weights at the start and the last ones, as they moved one way in these three steps of Adam.
    assert (kept["heads.bias"] - start["heads.bias"]).norm() < (last["heads.bias"] - start["heads.bias"]).norm()
