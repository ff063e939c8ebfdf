"""What only a GPU can show: the same numbers as on the CPU, and no host waiting for the device within a step.

``benchmarks/gpu.sh tests`` runs them.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from benchmarks import ours
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.make_learner import Learner
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import selection_loss
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet
from scan_core.errors import TrainingError
from scan_core.images.images import HostImages, Images, ResidentImages
from scan_core.neighbors.mine import mine_neighbors
from scan_core.pretext.nt_xent import nt_xent
from scan_core.pretext.small_crops import SmallCrops
from scan_core.pretext.tasks import TASKS
from scan_core.pretext.training import PretextTraining
from scan_core.training.meter import Meter
from stages.devices import prepare
from tests.pipeline import FROZEN, STORED, run_stages, write_params

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
]
CPU, GPU = torch.device("cpu"), torch.device("cuda")
BATCH = 32


@pytest.fixture
def images() -> ResidentImages:
    return ResidentImages(ours.random_pixels(4 * BATCH), GPU)


@contextmanager
def no_synchronization() -> Iterator[None]:
    """Within, whatever makes the host wait for the device raises."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def logits(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("operations", [ours.SIMCLR, ours.STRONG], ids=["simclr", "strong"])
def test_augmentations_equal_those_on_the_cpu(operations):
    # Equal draws; sums in another order move a pixel by a rounding. The strong list works on bytes: where that rounding
    # falls on the border between two levels, or on a level that an operation inverts, single pixels differ by more.
    pixels = torch.from_numpy(ours.random_pixels(256))
    augmentation = ours.augmentation(operations)
    expected = augmentation(pixels, torch.Generator().manual_seed(0))
    found = augmentation(pixels.to(GPU), torch.Generator().manual_seed(0)).cpu()
    differs = (found - expected).abs() > 1e-4
    assert differs.float().mean() < 1e-3


@pytest.mark.parametrize("operations", [ours.SIMCLR, ours.STRONG], ids=["simclr", "strong"])
def test_augmentations_do_not_synchronize(operations, images):
    augmentation: Augmentation = ours.augmentation(operations)
    pixels, generator = images.gather(torch.arange(64)), torch.Generator().manual_seed(0)
    augmentation(pixels, generator)  # tables are moved to the device once
    with no_synchronization():
        augmentation(pixels, generator)


def test_losses_and_gradients_equal_those_on_the_cpu():
    first, second = logits(2, 64, 10)

    def all_losses(device: torch.device) -> list[Tensor]:
        a, b = (part.to(device).requires_grad_() for part in (first, second))
        losses = [
            nt_xent(a, b, temperature=0.1).loss,
            scan_loss(a, b, entropy_weight=5.0).total,
            pseudo_label_loss(a, b, threshold=0.9, class_balance=True).loss,
        ]
        sum(losses, torch.zeros((), device=device)).backward()
        return [value.detach().cpu() for value in (*losses, a.grad, b.grad)]

    for found, expected in zip(all_losses(GPU), all_losses(CPU), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_selection_loss_equals_that_on_the_cpu():
    rows = torch.arange(100)[:, None].add(torch.arange(1, 4)) % 100
    found = selection_loss(logits(100, 10).to(GPU), rows.to(GPU), entropy_weight=5.0, prior=None)
    expected = selection_loss(logits(100, 10), rows, entropy_weight=5.0, prior=None)
    torch.testing.assert_close(found.total.cpu(), expected.total, rtol=1e-4, atol=1e-6)


def whole(images: ResidentImages, heads: int, *, compile: bool = False, precision: str = "bfloat16") -> WholeNetwork:
    model = ClusteringModel(small_encoder(), clusters=ours.CLUSTERS, heads=heads).to(GPU)
    rows, augmentation = torch.arange(len(images)), ours.augmentation(ours.STRONG)
    return WholeNetwork(model, images, rows, augmentation, precision=precision, compile=compile)


def frozen(images: ResidentImages, heads: int) -> FrozenEncoder:
    model = ClusteringModel(small_encoder(), clusters=ours.CLUSTERS, heads=heads).to(GPU)
    values = np.random.default_rng(0).standard_normal((1 + 3, len(images), model.encoder.features)).astype(np.float16)
    return FrozenEncoder(model, CachedFeatures(values, GPU), precision="bfloat16")


def small_encoder() -> ResNet:
    torch.manual_seed(0)
    return ResNet("resnet10", width=8, stem="3x3", channels=3)


def scan(learner: Learner) -> ScanTraining:
    rows = torch.arange(len(learner))[:, None].add(torch.arange(1, 6)) % len(learner)
    return ScanTraining(learner, rows, objective=scan_objective(entropy_weight=2.0), **common())


def self_label(learner: Learner, ema_decay: float | None) -> SelfLabelTraining:
    threshold = ours.LOW_THRESHOLD
    rows = torch.arange(len(learner))[:, None].add(torch.arange(1, 6)) % len(learner)
    return SelfLabelTraining(learner, rows, threshold=threshold, class_balance=True, ema_decay=ema_decay, **common())


def common() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    return {"batch_size": BATCH, "learning_rate": 1e-3, "weight_decay": 1e-4, "generator": generator}


def pretext(task: str, images: ResidentImages, **settings: Any) -> PretextTraining:
    return ours.pretext(task, images, batch_size=BATCH, epochs=4, network=small_encoder(), **settings)


simclr = partial(pretext, "simclr")


def simclr_of_small_crops(images: ResidentImages, **settings: Any) -> PretextTraining:
    crop = {**ours.SIMCLR["random_resized_crop"], "size": 24}
    small = SmallCrops(ours.augmentation({**ours.SIMCLR, "random_resized_crop": crop}), epochs=1, cost=0.5625)
    return simclr(images, small_crops=small, **settings)


TRAININGS: dict[str, Callable[[ResidentImages], Any]] = {
    "simclr": simclr,
    "simclr_of_small_crops": simclr_of_small_crops,
    "nce": partial(pretext, "nce"),
    "moco": partial(pretext, "moco"),
    "simclr_float32": partial(simclr, precision="float32"),
    "scan": lambda images: scan(whole(images, heads=3)),
    "scan_float32": lambda images: scan(whole(images, heads=1, precision="float32")),
    "frozen_scan": lambda images: scan(frozen(images, heads=3)),
    "self_label": lambda images: self_label(whole(images, heads=1), ema_decay=None),
    "averaged_self_label": lambda images: self_label(whole(images, heads=1), ema_decay=0.9),
    "frozen_self_label": lambda images: self_label(frozen(images, heads=1), ema_decay=None),
}
STAGES_ON_GPU: dict[str, list[str]] = {
    "frozen": FROZEN,
    "stored": STORED,
    "entropy": ["scan.objective=entropy", "scan.prior=[9, 1, 1, 1, 1, 1, 1, 1, 1, 1]", "self_label.ema_decay=0.9"],
    "baselines": ["baselines.methods=[autoencoder, variational_autoencoder, dec, iic, deepcluster, dac, spectral]"],
    **{task: [f"pretext.task={task}", "pretext.learning_rate=0.05"] for task in TASKS},
}
COMPILED: dict[str, Callable[[ResidentImages], Any]] = {
    "simclr": partial(simclr, compile=True),
    "self_label": lambda images: self_label(whole(images, heads=1, compile=True), ema_decay=None),
}


@pytest.fixture
def run_without_synchronizing(monkeypatch) -> Callable[[Any], None]:
    """A function that runs the steps of an epoch and fails where one of them waits for the device."""

    def run(training: Any) -> None:
        steps: list[int] = []

        def stop(meter: Meter, *_: object, **__: object) -> dict[str, float]:
            """In place of the epoch's one reading, which does wait."""
            torch.cuda.set_sync_debug_mode("default")
            steps.append(meter._steps)
            raise TrainingError("after the steps")

        monkeypatch.setattr(Meter, "read", stop)
        with no_synchronization(), pytest.raises(TrainingError, match="after the steps"):
            training.run_epoch()
        assert steps == [4]

    return run


@pytest.mark.parametrize("name", TRAININGS)
def test_steps_do_not_synchronize(name, images, run_without_synchronizing):
    training = TRAININGS[name](images)
    training.run_epoch()  # whatever is set up once
    run_without_synchronizing(training)


@pytest.mark.parametrize("name", TRAININGS)
def test_the_same_bytes_twice(name, images):
    prepare(torch.device("cuda"))  # which asks for reproducible convolutions
    first, second = (TRAININGS[name](images) for _ in range(2))
    assert [first.run_epoch() for _ in range(2)] == [second.run_epoch() for _ in range(2)]
    states = first.state_dict(), second.state_dict()
    assert [key for key, value in states[0].items() if not torch.equal(value, states[1][key])] == []


@pytest.mark.parametrize("name", STAGES_ON_GPU)
def test_all_stages(name: str, empty: Path):
    write_params(empty, *STAGES_ON_GPU[name], "runtime.device=cuda")
    run_stages()
    assert json.loads((empty / "reports/metrics/evaluate.json").read_text())["clusters"] == 10


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """What is traced for compiling is no tensor to beartype."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.usefixtures("shapes_unchecked")
def test_compiled_trainings(name, images, run_without_synchronizing):
    """They are compiled, start as the others do, give the same bytes twice, and do not wait in a step."""
    torch._dynamo.reset()
    counters["stats"].clear()
    plain, first, second = TRAININGS[name](images), COMPILED[name](images), COMPILED[name](images)
    losses = [training.run_epoch() for training in (plain, first, second)]
    assert counters["stats"]["unique_graphs"] >= 1
    assert losses[1]["loss"] == pytest.approx(losses[0]["loss"], rel=0.02)
    assert losses[1] == losses[2]
    run_without_synchronizing(first)


@pytest.mark.usefixtures("shapes_unchecked")
def test_a_compiled_training_whose_crops_grow(images):
    torch._dynamo.reset()
    plain, first, second = (simclr_of_small_crops(images, compile=compile) for compile in (False, True, True))
    epochs = [[training.run_epoch() for _ in range(2)] for training in (plain, first, second)]
    assert [epoch["loss"] for epoch in epochs[1]] == pytest.approx([epoch["loss"] for epoch in epochs[0]], rel=0.02)
    assert epochs[1] == epochs[2]


@pytest.mark.parametrize("kind", [ResidentImages, HostImages])
def test_batches_equal_the_pixels(kind):
    pixels = ours.random_pixels(4 * BATCH)
    images: Images = kind(pixels, GPU)
    ids = torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).view(-1, BATCH)
    for rows, batch in zip(ids, images.batches(ids.unbind()), strict=True):
        assert batch.device.type == "cuda"
        assert torch.equal(batch.cpu(), torch.from_numpy(pixels[rows.numpy()]))


def test_mining_equals_that_on_the_cpu():
    points = torch.nn.functional.normalize(logits(5000, 32)).numpy()
    points[1000:1040] = points[0]  # duplicates
    found, expected = (mine_neighbors(points, np.arange(5000), k=20, gpus=gpus).neighbors for gpus in ([0], []))
    np.testing.assert_allclose(found.similarity, expected.similarity, atol=1e-5)
    unique = np.setdiff1d(np.arange(5000), [0, *range(1000, 1040)])
    agree = (np.sort(found.neighbor_id[unique], 1) == np.sort(expected.neighbor_id[unique], 1)).mean()
    assert agree > 0.999  # sums in another order swap near ties
    assert not (found.neighbor_id == np.arange(5000)[:, None]).any()


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-3), ("bfloat16", 3e-2)])
def test_embeddings_equal_those_on_the_cpu(precision, tolerance, images):
    """Unit vectors; the float32 tolerance leaves room for TF32 convolutions, which torch allows by default."""
    torch.manual_seed(0)
    network = ours.encoder(16)
    on_cpu = ResidentImages(ours.random_pixels(len(images)), CPU)

    def embed(source: ResidentImages, precision: str) -> Tensor:
        ids = torch.arange(len(source))
        features = infer(network.to(source.device), source, ids, mean=ours.MEAN, std=ours.STD, precision=precision)
        return torch.nn.functional.normalize(features.cpu())

    expected = embed(on_cpu, "float32")
    torch.testing.assert_close(embed(images, precision), expected, rtol=0, atol=tolerance)
