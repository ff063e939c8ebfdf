import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering import self_label
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pseudo_label_loss import PseudoLabelLoss, pseudo_label_loss
from scan_core.clustering.self_label import SelfLabelTraining, why_over
from scan_core.clustering.verdict import Clustering, describe
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages
from scan_core.training.batches import shuffled_batches


def training(
    images: ResidentImages,
    *,
    threshold: float,
    learning_rate: float = 0.01,
    batch_size: int = 8,
    weight_decay: float = 0.0,
    **settings: object,
) -> SelfLabelTraining:
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=4, stem="3x3", channels=1), clusters=2, heads=1)
    return SelfLabelTraining(
        WholeNetwork(model, images, torch.arange(24), Augmentation({}, mean=[0.4], std=[0.3]), precision="float32"),
        (torch.arange(24)[:, None] + torch.tensor([2, 4])) % 24,  # of the same class
        threshold=threshold,
        class_balance=True,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        generator=torch.Generator().manual_seed(0),
        **settings,
    )


def test_an_epoch_counts_the_images_that_taught_in_its_full_batches(tiny_images):
    step = training(tiny_images, threshold=0.51, learning_rate=0.0, batch_size=10)
    metrics = step.run_epoch()
    rows = shuffled_batches(24, 10, torch.Generator().manual_seed(0))
    counts = [0, 0]
    step._learner.model.train()
    with torch.no_grad():
        for batch in rows:
            logits = step._learner.model((tiny_images.gather(batch).float() / 255 - 0.4) / 0.3)[0]
            for probabilities in logits.softmax(-1).tolist():
                counts[probabilities[1] > probabilities[0]] += max(probabilities) > 0.51
    assert step.confident.tolist() == counts
    assert [metrics["confident_smallest_cluster"], metrics["confident_largest_cluster"]] == sorted(counts)
    assert 0 < metrics["confident"] == sum(counts) < 20
    assert metrics["clusters_taught"] == 2


def test_a_broken_step_teaches_nobody(tiny_images, monkeypatch):
    whole = training(tiny_images, threshold=0.51, learning_rate=0.0, batch_size=2)
    whole.run_epoch()
    step = training(tiny_images, threshold=0.51, learning_rate=0.0, batch_size=2)
    losses = []

    def broken_at_first(*args: object, **settings: object) -> PseudoLabelLoss:
        found = pseudo_label_loss(*args, **settings)
        losses.append(found)
        return found if len(losses) > 1 else found._replace(loss=found.loss * torch.nan)

    monkeypatch.setattr(self_label, "pseudo_label_loss", broken_at_first)
    assert step.run_epoch()["skipped_steps"] == 1
    assert losses[0].counts.sum() > 0
    assert torch.equal(step.confident, whole.confident - losses[0].counts)


def test_becomes_more_confident(tiny_images):
    step = training(tiny_images, threshold=0.6)
    first, *_, last = [step.run_epoch() for _ in range(6)]
    assert last["confident"] > first["confident"]
    assert last["loss"] < first["loss"]


def test_the_counts_of_the_last_epoch_are_part_of_the_state(tiny_images):
    step, other = (training(tiny_images, threshold=0.51) for _ in range(2))
    step.run_epoch()
    other.load_state_dict(step.state_dict())
    assert torch.equal(other.confident, step.confident)


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


def test_an_epoch_without_a_confident_image_teaches_nothing(tiny_images):
    step = training(tiny_images, threshold=0.999999, weight_decay=0.1)
    before = step.weights()
    metrics = step.run_epoch()
    assert (metrics["confident"], metrics["clusters_taught"], metrics["loss"]) == (0, 0, 0)
    parameters = {name for name, _ in step._learner.model.named_parameters()}
    assert all(torch.equal(before[name], step.weights()[name]) for name in parameters)
    assert step.best()[:2] == ({}, 0)


def test_the_loss_is_the_mean_over_steps_with_confident_images(tiny_images, monkeypatch):
    step, losses = training(tiny_images, threshold=0.51, learning_rate=0.0), iter([2.0, 0.0, 4.0])

    def given(plain: torch.Tensor, augmented: torch.Tensor, **_: object) -> PseudoLabelLoss:
        loss = next(losses)
        return PseudoLabelLoss(0 * augmented.sum() + loss, torch.tensor([1.0, 1.0]) if loss else torch.zeros(2))

    monkeypatch.setattr(self_label, "pseudo_label_loss", given)
    assert step.run_epoch()["loss"] == 3


def test_an_epoch_whose_confident_images_are_in_one_cluster_is_not_kept(tiny_images):
    step = training(tiny_images, threshold=0.51, learning_rate=0.0)
    with torch.no_grad():
        step._learner.model.heads.weight.zero_()
        step._learner.model.heads.bias.copy_(torch.tensor([[9.0, 0.0]]))
    step.scan = step._describe()  # no cluster is lost
    metrics = step.run_epoch()
    assert (metrics["clusters_taught"], metrics["clusters_lost"], metrics["kept"]) == (1, 0, 0)


def test_the_last_epoch_is_kept_that_is_no_worse_than_before(tiny_images, monkeypatch):
    step = training(tiny_images, threshold=0.51)
    sizes = torch.tensor([12, 12])
    step.scan = Clustering(sizes, 0.69, 0.5, 0.4)
    after = iter(
        [
            Clustering(sizes, 0.69, 0.6, 0.4),
            Clustering(sizes, 0.60, 0.48, 0.3),
            Clustering(torch.tensor([23, 1]), 0.69, 0.9, 0.4),  # a cluster is lost
            Clustering(sizes, 0.69, 0.37, 0.4),  # neighbors agree less
            Clustering(sizes, 0.66, 0.9, 0.1),  # one grows at the expense of the other
        ]
    )
    monkeypatch.setattr(step, "_describe", lambda: next(after))
    history, weights = [], []
    for _ in range(5):
        history.append(step.run_epoch())
        weights.append(step.weights())
    kept, epoch, _ = step.best()
    assert epoch == 2
    assert [metrics["kept"] for metrics in history] == [1, 1, 0, 0, 0]
    assert [metrics["clusters_lost"] for metrics in history] == [0, 0, 1, 0, 0]
    assert [metrics["confident_share"] for metrics in history] == [0.4, 0.3, 0.4, 0.4, 0.1]
    assert kept.keys() == weights[1].keys()
    assert all(torch.equal(kept[name], value) for name, value in weights[1].items())


def test_running_statistics_are_those_of_both_passes(tiny_images):
    step = training(tiny_images, threshold=0.51)
    step.run_epoch()
    assert int(step._learner.model.encoder.bn1.num_batches_tracked) == 2 * 3


def test_an_average_of_the_weights_is_kept_and_changes_no_step(tiny_images):
    plain, averaged = (training(tiny_images, threshold=0.51, ema_decay=decay) for decay in (None, 0.9))
    start = averaged.weights()
    metrics = [step.run_epoch() for step in (plain, averaged)]
    assert metrics[0]["loss"] == metrics[1]["loss"]
    last, kept = plain.weights(), averaged.weights()
    assert all(torch.equal(last[name], value) for name, value in averaged._learner.model.state_dict().items())
    # Three steps: 0.9^3 of the start is left, in the running statistics too.
    name = "encoder.bn1.running_mean"
    assert not torch.equal(kept[name], start[name])
    assert (kept[name] - start[name]).norm() < 0.3 * (last[name] - start[name]).norm()


def test_what_is_judged_is_what_is_kept(tiny_images):
    step = training(tiny_images, threshold=0.51, ema_decay=0.9)
    metrics = step.run_epoch()
    before = {name: value.clone() for name, value in step._learner.model.state_dict().items()}
    step._learner.model.load_state_dict(step.weights())
    (logits,) = step._learner.of_images()
    expected = describe(logits, step._sample.neighbors, threshold=0.51)
    found = [metrics[name] for name in ("agreement", "entropy", "confident_share")]
    assert found == [expected.agreement, expected.entropy, expected.confident]
    step._learner.model.load_state_dict(before)
    step._describe()
    assert all(torch.equal(before[name], value) for name, value in step._learner.model.state_dict().items())


def over(confident: list[float], *, patience: int, kept: list[float] | None = None, taught: float = 2.0) -> bool:
    kept = kept or [1.0] * len(confident)
    history = [
        {"confident": count, "kept": keep, "clusters_taught": taught}
        for count, keep in zip(confident, kept, strict=True)
    ]
    return why_over(history, patience=patience) is not None


def test_a_plateau_of_confident_images_is_the_end():
    assert not over([1.0, 2.0, 3.0], patience=3)
    assert over([3.0, 2.0, 3.0], patience=2)
    assert not over([3.0, 2.0, 4.0], patience=2)
    assert not over([], patience=1)


def test_so_is_nobody_to_learn_from_or_one_cluster_or_nothing_to_keep():
    assert over([1.0, 0.0], patience=9)
    assert over([1.0, 2.0], patience=9, taught=1.0)
    assert over([1.0, 2.0, 3.0], kept=[1.0, 0.0, 0.0], patience=2)
    assert not over([1.0, 2.0, 3.0], kept=[0.0, 1.0, 0.0], patience=2)
