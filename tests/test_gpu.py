"""What only a GPU can show: the same numbers as on the CPU, and no host waiting for the device within a step.

``benchmarks/gpu.sh tests`` runs them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import ours
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import selection_loss
from scan_core.data.images import ResidentImages
from scan_core.encoders.inference import infer
from scan_core.errors import TrainingError
from scan_core.neighbors.mine import mine_neighbors
from scan_core.pretext.nt_xent import nt_xent
from scan_core.runtime.meter import Meter

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
    found = selection_loss(logits(2, 100, 10).to(GPU), rows.to(GPU), entropy_weight=5.0, prior=None)
    expected = selection_loss(logits(2, 100, 10), rows, entropy_weight=5.0, prior=None)
    torch.testing.assert_close(found.total.cpu(), expected.total, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("stage", ["simclr", "scan", "self_label"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_steps_do_not_synchronize(stage, precision, images, monkeypatch):
    torch.manual_seed(0)
    network = ours.encoder(8)
    neighbors = torch.arange(len(images))[:, None].add(torch.arange(1, 6)) % len(images)
    training = {
        "simclr": lambda: ours.simclr(images, batch_size=BATCH, epochs=2, precision=precision, network=network),
        "scan": lambda: ours.scan(images, neighbors, batch_size=BATCH, precision=precision, network=network),
        "self_label": lambda: ours.self_label(images, batch_size=BATCH, precision=precision, network=network),
    }[stage]()
    training.run_epoch()  # whatever is set up once
    steps: list[int] = []

    def stop(meter: Meter, *_: object, **__: object) -> dict[str, float]:
        """In place of the epoch's one reading, which does wait."""
        torch.cuda.set_sync_debug_mode("default")
        steps.append(meter._steps)
        raise TrainingError("after the steps")

    monkeypatch.setattr(Meter, "read", stop)
    with no_synchronization(), pytest.raises(TrainingError, match="after the steps"):
        training.run_epoch()
    assert steps == [len(images) // BATCH]


def test_resident_batches_equal_the_pixels(images):
    ids = torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).view(-1, BATCH)
    pixels = torch.from_numpy(ours.random_pixels(len(images)))
    for rows, batch in zip(ids, images.batches(ids.unbind()), strict=True):
        assert batch.device.type == "cuda"
        assert torch.equal(batch.cpu(), pixels[rows])


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
