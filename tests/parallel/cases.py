"""What one process computes, and two processes must compute together; each returns plain tensors and numbers."""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scan_core.augment.batches import STEPS_AT_ONCE
from scan_core.augment.draws import part_generator
from scan_core.augment.pipeline import Augmentation
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
from scan_core.images.images import ResidentImages
from scan_core.parallel.distributed import part_of_batch, rank, replicate, rows_of_part
from scan_core.pretext.nt_xent import nt_xent
from scan_core.pretext.training import PretextTraining
from scan_core.training.loop import train
from scan_core.training.resume import History, Resume
from scan_core.training.state import State
from scan_core.training.update import sgd, update
from tests.tasks import SMALL_TASKS

BATCH = 8
EVERYTHING = {
    "random_affine": {"degrees": 20.0, "translate": 0.1, "scale": (0.8, 1.2), "shear": 10.0},
    "random_resized_crop": {"scale": (0.3, 1.0), "ratio": (0.75, 1.33)},
    "random_horizontal_flip": {"p": 0.5},
    "random_crop": {"padding": 2},
    "color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8},
    "random_grayscale": {"p": 0.5},
    "strong_operations": {"count": 2},
    "cutout": {"max_half_length": 2},
}
# Each with its learning rate: at 0.1 a rounding error of 1e-7 in SimCLR's first weights grows to 0.08 in two epochs; a
# normalized head makes more of it still.
TASKS = {
    "simclr": (partial(SMALL_TASKS["simclr"], batch_norm=False), 1e-3),
    "simclr, normalized head": (SMALL_TASKS["simclr"], 1e-4),
    "nce": (SMALL_TASKS["nce"], 1e-3),
    "moco": (partial(SMALL_TASKS["moco"], batch_norm=False, norm_group=8), 1e-3),
    "rotnet": (SMALL_TASKS["rotnet"], 1e-3),
    "feature_decoupling": (SMALL_TASKS["feature_decoupling"], 1e-3),
    "byol": (SMALL_TASKS["byol"], 1e-4),
    "vicreg": (SMALL_TASKS["vicreg"], 1e-4),
}
SOME = {name: EVERYTHING[name] for name in ("random_affine", "color_jitter", "cutout")}


def losses_of(name: str, first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
    prior = torch.tensor([0.4, 0.3, 0.1, 0.1, 0.1])
    return {
        "nt_xent": lambda: (nt_xent(first, second, temperature=0.5).loss,),
        "scan": lambda: tuple(scan_loss(first, second, entropy_weight=3.0)),
        "scan with a prior": lambda: tuple(scan_loss(first, second, entropy_weight=3.0, prior=prior)),
        "pseudo-label": lambda: (pseudo_label_loss(first, second, threshold=0.6, class_balance=True).loss,),
        "pseudo-label, not balanced": lambda: (
            pseudo_label_loss(first, second, threshold=0.6, class_balance=False).loss,
        ),
    }[name]()


def loss_and_gradient(name: str, scales: list[float]) -> tuple[list[float], list[Tensor]]:
    """Of a linear model on 2 x BATCH inputs, of which an image's are as large as its entry of ``scales``."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, BATCH, 6, generator=generator) * torch.tensor(scales)[:, None]
    model = nn.Linear(6, 5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    network = replicate(model)
    own = inputs.flatten(0, 1)[rows_of_part(2 * BATCH, groups=2, device=inputs.device)]
    values = losses_of(name, *network(own).chunk(2))
    return [value.item() for value in values], gradients(values[0], model)


def gradients(loss: Tensor, model: nn.Module) -> list[Tensor]:
    """Those that :func:`scan_core.training.update.update` would follow."""
    loss.backward()
    return [parameter.grad for parameter in model.parameters()]


def images(channels: int = 1) -> ResidentImages:
    """26 images of two kinds: bright left half, bright right half, with noise."""
    pixels = np.random.default_rng(0).integers(0, 60, (26, channels, 8, 8), dtype=np.uint8)
    pixels[::2, :, :, :4] += 180
    pixels[1::2, :, :, 4:] += 180
    return ResidentImages(pixels, torch.device("cpu"))


def moco(batch_size: int) -> None:
    """Make the task, before any training."""
    make_task, _ = TASKS["moco"]
    make_task(ResNet("resnet10", width=4, stem="3x3", channels=1), images=26, batch_size=batch_size)


def training(name: str) -> Any:
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=4, stem="3x3", channels=1)
    data = (images(), torch.arange(26))
    augmentation = Augmentation(SOME, mean=[0.5], std=[0.25])
    common = {"batch_size": BATCH, "weight_decay": 1e-4, "generator": torch.Generator().manual_seed(1)}
    if name in TASKS:
        make_task, rate = TASKS[name]
        schedule = {"learning_rate": rate, "momentum": 0.9, "warmup_epochs": 1.0, "final_learning_rate": 0.01}
        # moco: each of two processes has four groups, of eight images; with two, gradients are rounding alone. byol: of
        # eight images, normalized twice over the batch, they differ by 0.3 %
        if name in ("moco", "byol"):
            data, common["batch_size"] = (images(), torch.arange(128) % 26), 8 * BATCH
        task = make_task(encoder, images=len(data[1]), batch_size=common["batch_size"])
        return PretextTraining(task, *data, augmentation, epochs=4, **schedule, precision="float32", **common)
    model = ClusteringModel(encoder, clusters=3, heads=2 if name == "scan" else 1)
    learner = WholeNetwork(model, *data, augmentation, precision="float32")
    neighbors = (torch.arange(26)[:, None] + torch.tensor([2, 4])) % 26
    if name == "scan":
        settings = {"objective": scan_objective(entropy_weight=2.0), "learning_rate": 1e-4}
        return ScanTraining(learner, neighbors, **settings, **common)
    settings = {"threshold": 0.4, "class_balance": True, "learning_rate": 1e-3, "ema_decay": 0.9}
    return SelfLabelTraining(learner, neighbors, **settings, **common)


def epochs(
    name: str, count: int, state: dict[str, Tensor] | None = None, at_once: int = 1
) -> tuple[list[dict[str, float]], Any]:
    """The metrics of ``count`` epochs, and the state after them; the images of ``at_once`` steps augmented together."""
    running = training(name)
    if state:
        running.load_state_dict(state)
    # oneDNN chooses the convolution by the number of images; with AVX-512 the losses then differ by 2e-4 in epoch 2.
    # Sums over other parts round differently: the input of a ReLU near 0 may change its sign, which changes a gradient
    # by 0.1. SiLU is smooth.
    with (
        patch.dict(STEPS_AT_ONCE, cpu=at_once),
        torch.backends.mkldnn.flags(enabled=False),
        patch("torch.relu_", F.silu),
        patch.object(nn.ReLU, "forward", lambda _, x: F.silu(x)),
    ):
        return [running.run_epoch() for _ in range(count)], running.state_dict()


def augmented() -> Tensor:
    """This process's part of an augmented batch of two views, every operation in it."""
    pixels = torch.randint(256, (2 * BATCH, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    own = pixels[rows_of_part(2 * BATCH, groups=2, device=pixels.device)]
    augmentation = Augmentation(EVERYTHING, mean=[0.5] * 3, std=[0.25] * 3)
    generator = part_generator(torch.Generator().manual_seed(0), groups=2)
    return augmentation(own, generator)


def normalized(
    precision: torch.dtype, options: dict[str, Any], first: type[nn.Module] = nn.BatchNorm2d
) -> list[Tensor]:
    """Of batch normalizations of images and of a vector: outputs, gradients (of the input, too), statistics.

    Args:
        first: the class of the first of them.
    """
    torch.manual_seed(0)
    norms = [first(3, **options), nn.BatchNorm2d(4, **options), nn.BatchNorm1d(5, **options)]
    for norm in norms:
        for parameter in norm.parameters():
            nn.init.normal_(parameter)
    model = nn.Sequential(norms[0], nn.Conv2d(3, 4, 3), norms[1], nn.Flatten(), nn.Linear(36, 5), norms[2])
    x = torch.randn(BATCH, 3, 5, 5) * 3 + torch.arange(BATCH)[:, None, None, None]
    target = torch.randn(BATCH, 5)
    own = part_of_batch(torch.arange(BATCH)[None])[0]
    network = replicate(model)
    x = x[own].requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        outputs = [network(x).float(), network(2 * x).float()]
    loss = sum(((output - target[own]) ** 3).mean() for output in outputs)
    of_weights = gradients(loss, model)
    buffers = [buffer.float() for buffer in model.buffers()]
    return [*(output.detach() for output in outputs), x.grad, *of_weights, *buffers]


def inferred(count: int) -> tuple[Tensor, list[Tensor]]:
    """Outputs for ``count`` images, with heads, and the selection loss of them."""
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=4, stem="3x3", channels=1), clusters=3, heads=2)
    ids = torch.arange(26).flip(0)[:count]
    logits = infer(model, images(), ids, mean=[0.5], std=[0.25], precision="float32")
    neighbors = (torch.arange(count)[:, None] + torch.tensor([1, 2])) % count
    return logits, [
        *map(
            torch.stack,
            zip(*(selection_loss(head, neighbors, entropy_weight=2.0, prior=None) for head in logits), strict=True),
        )
    ]


def update_with_a_bad_image() -> tuple[bool, bool]:
    """Whether the step was broken and the weights were left alone, where the last image of the batch is infinite."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    before = model.weight.clone()
    own = part_of_batch(torch.tensor([[1.0, 2.0, 3.0, torch.inf]]))[0]
    network = replicate(model)
    loss = network(own[:, None].expand(-1, 2)).mean()
    broken = update(sgd(model, momentum=0.9, weight_decay=0.0), loss, learning_rate=0.1)
    return bool(broken), torch.equal(before, model.weight)


def loss_of_two_halves() -> tuple[float, float]:
    """Consistency and entropy of the SCAN loss where process 0 has images of cluster 0, and process 1 of cluster 1."""
    logits = torch.zeros(4, 2)
    logits[:, rank()] = 20.0
    loss = scan_loss(logits, logits, entropy_weight=1.0)
    return float(loss.consistency), float(loss.entropy)


class Finished:
    """A training with nothing left to do."""

    def run_epoch(self) -> dict[str, float]:
        raise RuntimeError("trained again")

    def state_dict(self) -> State:
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        pass


def going_on_from_the_last_epoch(folder: Path) -> History:
    """The metrics, where rank 0 clears the state as soon as it has them, and rank 1 comes later to load it."""
    resume = Resume(folder)
    time.sleep(0.5 * rank())
    history = train(Finished(), report=folder.with_name("report"), epochs=1, resume=resume, shown=())
    if rank() == 0:
        resume.clear()
    return history
