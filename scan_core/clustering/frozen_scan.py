"""The clustering step on a frozen encoder: many heads on cached features, as one matrix product."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import linear

from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.neighbor_consistency import neighbor_consistency
from scan_core.clustering.pairs import draw_partners
from scan_core.clustering.scan import normalized_prior
from scan_core.clustering.scan_loss import ScanLoss, combine, scan_loss
from scan_core.clustering.selection import check_selection, selection_metrics
from scan_core.data.batches import shuffled_batches
from scan_core.runtime.meter import Meter
from scan_core.runtime.precision import autocast
from scan_core.runtime.progress import steps
from scan_core.runtime.state import State, capture, part, restore
from scan_core.runtime.update import make_optimizer, update


class FrozenScanTraining:
    """As ``ScanTraining``, for the heads of ``model`` alone.

    Instead of a fresh augmentation in each step, an image shows one of its V cached views, drawn at random; where an
    image is its own partner, another one. So a training of many epochs meets the same V views again and again.

    Args:
        features: of the M images to learn from, at least two views, by the encoder of ``model``.
        neighbor_rows: the neighbors of each, as rows of ``features``.
        prior: known shares of the clusters, or None for equal ones.
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
    """

    def __init__(
        self,
        model: ClusteringModel,
        features: CachedFeatures,
        neighbor_rows: Int64[Tensor, "images neighbors"],
        *,
        entropy_weight: float,
        prior: Sequence[float] | None,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        precision: str,
        generator: torch.Generator,
        optimizer: str = "adam",
        momentum: float = 0.0,
    ) -> None:
        self._encoder, self._heads = model.encoder, model.heads
        self._features, self._neighbor_rows, self._generator = features, neighbor_rows, generator
        self._entropy_weight, self._prior = entropy_weight, normalized_prior(prior, features.device)
        self._batch_size, self._learning_rate, self._precision = batch_size, learning_rate, precision
        self._optimizer = make_optimizer(optimizer, self._heads, momentum=momentum, weight_decay=weight_decay)
        self._best: State = {"loss": torch.tensor(torch.inf)}

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; returns its averages and the loss on the images as they are, of the best head.

        Raises:
            TrainingError: the loss is not finite.
        """
        meter = Meter(self._features.device)
        rows = shuffled_batches(len(self._features), self._batch_size, self._generator)
        partners = draw_partners(rows, self._neighbor_rows, self._generator)
        views = draw_views(rows == partners, self._features.views, self._generator)
        for pair, seen in steps(zip(torch.cat([rows, partners], dim=1), views, strict=True), total=len(rows)):
            with autocast(self._features.device, self._precision):
                logits = self._heads(self._features.gather(pair, seen))
            anchor, neighbor = logits.chunk(2, dim=1)
            loss = scan_loss(anchor, neighbor, entropy_weight=self._entropy_weight, prior=self._prior)
            broken = update(self._optimizer, loss.total.sum(), learning_rate=self._learning_rate)
            meter.add(broken, loss=loss.total.mean(), consistency=loss.consistency.mean(), entropy=loss.entropy.mean())
        return {**meter.read(self._heads, learning_rate=self._learning_rate), **self._select()}

    @torch.no_grad()
    def _select(self) -> dict[str, float]:
        """Score every head on the images as they are, one after the other, and keep the best one seen."""
        neighbor_rows = self._neighbor_rows.to(self._features.device)
        losses, sizes = [], []
        for head in range(len(self._heads.weight)):
            log_p = self._logits(head).log_softmax(-1)
            consistency = neighbor_consistency(log_p, neighbor_rows)
            log_mean = log_p.logsumexp(0) - math.log(len(log_p))
            losses.append(combine(consistency, log_mean, entropy_weight=self._entropy_weight, prior=self._prior))
            sizes.append(log_p.argmax(-1).bincount(minlength=log_p.shape[-1]))
        loss = ScanLoss(*(torch.stack(parts) for parts in zip(*losses, strict=True)))
        head = check_selection(loss, learning_rate=self._learning_rate)
        if loss.total[head] < self._best["loss"].item():
            weights = {name: value[head : head + 1].clone() for name, value in self._heads.state_dict().items()}
            self._best = {"loss": loss.total[head].cpu(), **{f"heads.{name}": w for name, w in weights.items()}}
        return selection_metrics(loss, sizes[head], head=head)

    def _logits(self, head: int) -> Float[Tensor, "images clusters"]:
        weight, bias = self._heads.weight[head], self._heads.bias[head]
        with autocast(self._features.device, self._precision):
            chunks = [linear(features, weight, bias).float() for features in self._features.as_they_are()]
        return torch.cat(chunks)

    def best(self) -> tuple[State, float]:
        """The weights, with one head, of the epoch and head with the lowest selection loss, and that loss."""
        weights = {f"encoder.{name}": value for name, value in self._encoder.state_dict().items()}
        heads = {f"heads.{name}": value for name, value in part(self._best, "heads").items()}
        return weights | heads, float(self._best["loss"])

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically; the encoder does not change."""
        state = capture(self._heads, self._optimizer, self._generator)
        return state | {f"best.{name}": value for name, value in self._best.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._heads, self._optimizer, self._generator)
        self._best = part(state, "best")


def draw_views(
    itself: Bool[Tensor, "steps batch"], views: int, generator: torch.Generator
) -> Int64[Tensor, "steps batch_twice"]:
    """Which of ``views`` views the anchors (first half) and their partners show, uniform.

    Args:
        itself: where an image is its own partner: the two views are then different ones.
    """
    anchor, partner = torch.randint(views, (2, *itself.shape), generator=generator)
    another = (anchor + torch.randint(1, views, itself.shape, generator=generator)) % views
    return torch.cat([anchor, torch.where(itself, another, partner)], dim=1)
