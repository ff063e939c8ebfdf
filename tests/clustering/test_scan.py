import pytest
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet
from scan_core.errors import TrainingError
from scan_core.images.images import ResidentImages
from scan_core.training.chance import information

NEIGHBORS = (torch.arange(24)[:, None] + torch.tensor([2, 4])) % 24


def training(images: ResidentImages, *, learning_rate: float = 0.01, heads: int = 3) -> ScanTraining:
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=4, stem="3x3", channels=1), clusters=2, heads=heads)
    return ScanTraining(
        WholeNetwork(model, images, torch.arange(24), Augmentation({}, mean=[0.4], std=[0.3]), precision="float32"),
        NEIGHBORS,
        objective=scan_objective(entropy_weight=2.0),
        batch_size=8,
        learning_rate=learning_rate,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
    )


def test_separates_two_kinds_and_keeps_the_epoch_and_head_of_lowest_loss(tiny_images):
    scan = training(tiny_images)
    history = [scan.run_epoch() for _ in range(12)]
    weights, loss = scan.best()
    assert loss == pytest.approx(min(metrics["selection_loss"] for metrics in history))

    model = ClusteringModel(ResNet("resnet10", width=4, stem="3x3", channels=1), clusters=2, heads=1)
    model.load_state_dict(weights)
    (logits,) = infer(model, tiny_images, torch.arange(24), mean=[0.4], std=[0.3], precision="float32")
    best = min(history, key=lambda metrics: metrics["selection_loss"])
    assert best["selection_information"] == pytest.approx(information(logits.softmax(-1)), abs=1e-3)
    again = [scan_loss(logits, logits[NEIGHBORS[:, k]], entropy_weight=2.0).total.item() for k in range(2)]
    assert sum(again) / 2 == pytest.approx(loss, abs=1e-4)

    cluster = logits.argmax(1)
    assert (cluster[::2] == cluster[0]).all()
    assert (cluster[1::2] == 1 - cluster[0]).all()


def test_a_loss_that_is_never_finite_stops_with_the_learning_rate_named(tiny_images):
    scan = training(tiny_images)
    with torch.no_grad():
        scan._learner.model.heads.weight.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"not finite in 3 of 3 steps \(first: step 0 .* learning rate 0\.01\)"):
        scan.run_epoch()


def test_a_prior_moves_the_cluster_sizes(tiny_images):
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=4, stem="3x3", channels=1), clusters=2, heads=1)
    scan = ScanTraining(
        WholeNetwork(
            model, tiny_images, torch.arange(24), Augmentation({}, mean=[0.4], std=[0.3]), precision="float32"
        ),
        torch.empty(24, 0, dtype=torch.int64),
        objective=scan_objective(entropy_weight=50.0, prior=[3.0, 1.0]),
        batch_size=24,
        learning_rate=0.01,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
    )
    for _ in range(40):
        metrics = scan.run_epoch()
    # The prior's entropy, from shares of 3/4 and 1/4: 0.5623 nats.
    assert metrics["selection_entropy"] == pytest.approx(0.5623, abs=0.06)


def test_the_best_weights_do_not_change_with_the_model(tiny_images):
    scan = training(tiny_images)
    scan.run_epoch()
    before = {name: value.clone() for name, value in scan.best()[0].items()}
    with torch.no_grad():
        for parameter in scan._learner.model.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(before[name], value) for name, value in scan.best()[0].items())


def test_the_sizes_of_the_clusters_are_those_of_the_chosen_head(tiny_images):
    scan = training(tiny_images, learning_rate=0.0, heads=1)
    heads = scan._learner.model.heads
    with torch.no_grad():
        heads.weight.zero_()
        heads.bias.copy_(torch.tensor([[1.0, 0.0]]))
    metrics = scan.run_epoch()
    assert (metrics["clusters_used"], metrics["largest_cluster"]) == (1, 1)


def test_every_epoch_trains_with_the_statistics_of_its_batches(tiny_images):
    scan = training(tiny_images)  # selection, at the end of an epoch, is in evaluation mode
    scan.run_epoch()
    scan.run_epoch()
    assert int(scan._learner.model.encoder.bn1.num_batches_tracked) == 2 * 3
