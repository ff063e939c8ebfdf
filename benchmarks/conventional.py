"""The conventional way to train, for comparison; written only from the method's description.

PIL transforms on single images in DataLoader workers, float32, contiguous tensors, one forward pass for each view,
losses from probabilities, torch's optimizers with their defaults.
"""

import copy
import random
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset
from torchvision.models import resnet18

from benchmarks.pil_transforms import Transform


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of image ``i`` under one transform and one of ``candidates[i]`` (by default itself) under another."""

    def __init__(
        self,
        pixels: npt.NDArray[np.uint8],
        first: Transform,
        second: Transform,
        candidates: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._pixels, self._first, self._second = pixels, first, second
        self._candidates = np.arange(len(pixels))[:, None] if candidates is None else candidates

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        other = random.choice(self._candidates[row])
        return self._first(Image.fromarray(self._pixels[row])), self._second(Image.fromarray(self._pixels[other]))


class Rows(Dataset[tuple[Tensor, int]]):
    """Image ``i`` under a transform, and ``i``."""

    def __init__(self, pixels: npt.NDArray[np.uint8], transform: Transform) -> None:
        self._pixels, self._transform = pixels, transform

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._pixels[row])), row


def load(pairs: Pairs | Rows, batch_size: int, *, workers: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Return shuffled full batches from worker processes that persist between epochs."""
    return DataLoader(
        pairs,  # type: ignore[arg-type]
        batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def network(head: nn.Module, *, device: torch.device) -> nn.Module:
    """Return torchvision's ResNet-18 with the 3x3 stem for small images, without max-pool, and with ``head``."""
    model = resnet18()
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool, model.fc = nn.Identity(), head
    return model.to(device)


def simclr_loss(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    """Return the mean negative logarithm of each pair's share among all other views, by exponentials and a mask."""
    views = F.normalize(torch.cat([first, second]), dim=1)
    similarity = torch.exp(views @ views.T / temperature)
    others = similarity * (1 - torch.eye(len(views), device=views.device))
    pair = torch.exp((views * views.roll(len(first), dims=0)).sum(1) / temperature)
    return -torch.log(pair / others.sum(1)).mean()


class MemoryBank(nn.Module):
    """Noise-contrastive estimation with a memory bank (Wu et al., 2018); each image has its own negatives."""

    bank: Tensor

    def __init__(self, images: int, dimensions: int, *, negatives: int, temperature: float) -> None:
        super().__init__()
        self.negatives, self.temperature, self.partition = negatives, temperature, 0.0
        self.register_buffer("bank", F.normalize(torch.randn(images, dimensions), dim=1))

    def forward(self, views: Tensor, rows: Tensor) -> Tensor:
        """Return the loss, computed from probabilities; then move the bank half way to the views."""
        views, count = F.normalize(views, dim=1), len(self.bank)
        drawn = torch.randint(count, (len(rows), self.negatives), device=rows.device)
        vectors = self.bank[torch.cat([rows[:, None], drawn], dim=1)]
        likeness = torch.exp(torch.bmm(vectors, views[:, :, None])[:, :, 0] / self.temperature)
        self.partition = self.partition or count * likeness[:, 1:].mean().item()
        probability, noise = likeness / self.partition, self.negatives / count
        loss = -torch.log(probability[:, 0] / (probability[:, 0] + noise))
        loss = loss - torch.log(noise / (probability[:, 1:] + noise)).sum(1)
        self.bank[rows] = F.normalize(0.5 * self.bank[rows] + 0.5 * views.detach(), dim=1)
        return loss.mean()


class MomentumContrast(nn.Module):
    """MoCo (He et al., 2020, algorithm 1): a copy of the network that follows it, and a queue of the copy's outputs.

    Nothing prevents batch normalization from leaking; on one device, this would take additional time.
    """

    queue: Tensor

    def __init__(self, network: nn.Module, dimensions: int, *, queue: int, momentum: float, temperature: float) -> None:
        super().__init__()
        self.query, self.key = network, copy.deepcopy(network)
        self.momentum, self.temperature = momentum, temperature
        self.register_buffer("queue", F.normalize(torch.randn(queue, dimensions), dim=1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Update the copy, return the loss of the batch, and put the keys into the queue."""
        with torch.no_grad():
            for slow, fast in zip(self.key.parameters(), self.query.parameters(), strict=True):
                slow.data = self.momentum * slow.data + (1 - self.momentum) * fast.data
            keys = F.normalize(self.key(second), dim=1)
        queries = F.normalize(self.query(first), dim=1)
        logits = torch.cat([(queries * keys).sum(1, keepdim=True), queries @ self.queue.T], dim=1) / self.temperature
        self.queue = torch.cat([self.queue, keys])[len(keys) :]
        return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))


def scan_loss(anchors: Tensor, neighbors: Tensor, *, entropy_weight: float) -> Tensor:
    """Return binary cross-entropy of the softmaxes' dot product, minus the weighted entropy of the mean prediction."""
    p, q = anchors.softmax(1), neighbors.softmax(1)
    agreement = (p * q).sum(1)
    mean = p.mean(0).clamp(min=1e-8)
    entropy = -(mean * mean.log()).sum()
    return F.binary_cross_entropy(agreement, torch.ones_like(agreement)) - entropy_weight * entropy


def self_label_loss(logits: Tensor, augmented_logits: Tensor, *, threshold: float) -> Tensor:
    """Return cross-entropy on the confident images (at least one), with equally weighted clusters."""
    confidence, cluster = logits.softmax(1).max(1)
    chosen = confidence > threshold
    counts = cluster[chosen].bincount(minlength=logits.shape[1])
    weight = torch.where(counts > 0, chosen.sum() / counts, 0.0)
    return F.cross_entropy(augmented_logits[chosen], cluster[chosen], weight=weight)


def run_epoch(
    model: nn.Module,
    loader: DataLoader[tuple[Tensor, Tensor]],
    optimizer: Optimizer,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    *,
    predict_first: bool = False,
) -> float:
    """Train for one epoch and return its mean loss.

    Args:
        predict_first: compute the first image's logits without a gradient (self-labeling).
    """

    def loss(first: Tensor, second: Tensor) -> Tensor:
        with torch.set_grad_enabled(not predict_first):
            first_output = model(first)
        return loss_of(first_output, model(second))

    return run_steps(model, loader, optimizer, loss)


def run_steps(
    model: nn.Module,
    loader: DataLoader[tuple[Tensor, Tensor]],
    optimizer: Optimizer,
    loss_of: Callable[[Tensor, Tensor], Tensor],
) -> float:
    """Train ``model`` for one epoch by the loss of each batch's two tensors, and return its mean."""
    model.train()
    losses = []
    for first, second in _moved(loader, next(model.parameters()).device):
        loss = loss_of(first, second)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def _moved(loader: DataLoader[tuple[Tensor, Tensor]], device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    for first, second in loader:
        yield first.to(device, non_blocking=True), second.to(device, non_blocking=True)
