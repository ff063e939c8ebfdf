import pytest
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.confident import count_confident
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.self_label import SelfLabelTraining, plateaued
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.data.batches import shuffled_batches
from scan_core.data.images import ResidentImages
from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet
from scan_core.errors import TrainingError


def training(
    images: ResidentImages, *, threshold: float, learning_rate: float = 0.01, **settings: object
) -> SelfLabelTraining:
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=4, stem="3x3", channels=1), clusters=2, heads=1)
    return SelfLabelTraining(
        WholeNetwork(model, images, torch.arange(24), Augmentation({}, mean=[0.4], std=[0.3]), precision="float32"),
        threshold=threshold,
        class_balance=True,
        batch_size=8,
        learning_rate=learning_rate,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
        **settings,
    )


def test_counts_the_confident_images_of_each_cluster(tiny_images):
    step = training(tiny_images, threshold=0.51)
    step.run_epoch()
    logits = infer(step._learner.model, tiny_images, torch.arange(24), mean=[0.4], std=[0.3], precision="float32")[0]
    confidence, cluster = logits.softmax(-1).max(-1)
    assert step.confident().tolist() == [int(((confidence > 0.51) & (cluster == c)).sum()) for c in range(2)]


def test_an_epoch_counts_the_images_that_taught_in_it(tiny_images):
    step = training(tiny_images, threshold=0.51, learning_rate=0.0)
    metrics = step.run_epoch()
    rows = shuffled_batches(24, 8, torch.Generator().manual_seed(0))
    step._learner.model.train()
    counts = torch.zeros(2, dtype=torch.int64)
    for batch in rows:
        logits = step._learner.model((tiny_images.gather(batch).float() / 255 - 0.4) / 0.3)[0]
        counts += count_confident(logits, threshold=0.51)
    assert [metrics["confident_smallest_cluster"], metrics["confident_largest_cluster"]] == sorted(counts.tolist())
    assert metrics["confident"] == counts.sum() > 0
    assert metrics["clusters_taught"] == 2


def test_becomes_more_confident(tiny_images):
    step = training(tiny_images, threshold=0.51)
    first, *_, last = [step.run_epoch() for _ in range(6)]
    assert last["confident"] >= first["confident"]
    assert last["loss"] < first["loss"]


def test_pseudo_labels_do_not_depend_on_running_statistics(tiny_images):
    # Those are of augmented images and past weights; here of something else altogether.
    rows = torch.arange(8)[None]
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    learners = [training(tiny_images, threshold=0.51)._learner for _ in generators]
    for name, buffer in learners[1].model.named_buffers():
        if name.endswith("running_mean"):
            buffer.fill_(100.0)
    (plain, _), (same, _) = (
        next(learner.plain_and_augmented(rows, generator))
        for learner, generator in zip(learners, generators, strict=True)
    )
    assert torch.equal(plain, same)
    assert not plain.requires_grad


def test_no_confident_image_in_an_epoch_names_the_remedies(tiny_images):
    step = training(tiny_images, threshold=0.999999)
    before = step.weights()
    with pytest.raises(TrainingError, match=r"above 0\.999999; lower self_label\.threshold, .*scan\.epochs"):
        step.run_epoch()
    parameters = {name for name, _ in step._learner.model.named_parameters()}
    assert all(torch.equal(before[name], step.weights()[name]) for name in parameters)


def test_running_statistics_are_those_of_both_passes(tiny_images):
    step = training(tiny_images, threshold=0.51)
    step.run_epoch()
    assert int(step._learner.model.encoder.bn1.num_batches_tracked) == 2 * 3


def test_an_average_of_the_weights_is_scored_and_kept_and_changes_no_step(tiny_images):
    plain, averaged = (training(tiny_images, threshold=0.51, **{"ema_decay": decay}) for decay in (None, 0.9))
    start = averaged.weights()
    metrics = [step.run_epoch() for step in (plain, averaged)]
    assert metrics[0]["loss"] == metrics[1]["loss"]
    last, kept = plain.weights(), averaged.weights()
    assert all(torch.equal(last[name], value) for name, value in averaged._learner.model.state_dict().items())
    # Three steps: 0.9^3 of the start is left, in the running statistics too.
    name = "encoder.bn1.running_mean"
    assert not torch.equal(kept[name], start[name])
    assert (kept[name] - start[name]).norm() < 0.3 * (last[name] - start[name]).norm()

    (logits,) = infer(
        averaged._average.module, tiny_images, torch.arange(24), mean=[0.4], std=[0.3], precision="float32"
    )
    assert int((logits.softmax(-1).amax(-1) > 0.51).sum()) == averaged.confident().sum()


def test_plateau():
    assert not plateaued([1.0, 2.0, 3.0], patience=3)
    assert plateaued([3.0, 2.0, 3.0], patience=2)
    assert not plateaued([3.0, 2.0, 4.0], patience=2)
    assert not plateaued([], patience=1)
