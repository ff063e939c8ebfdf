"""Train the encoder with labels, as an upper bound (Table 4): ``python -m benchmarks.paper.oracle_supervised``.

Runs after baselines, and only in a copy that the tables make; see oracle.py.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from benchmarks.paper.oracle import check_place
from scan_core.artifacts.clusters import read_baselines, write_baselines
from scan_core.artifacts.index import read_index, read_normalization
from scan_core.artifacts.labels import read_labels
from scan_core.augment.batches import augmented_batches
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import tell
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.inference import infer
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.training.batches import shuffled_batches, steps_per_epoch
from scan_core.training.precision import autocast
from scan_core.training.schedule import warmup_cosine
from scan_core.training.update import sgd, update
from stages.cli import run
from stages.devices import choose_device
from stages.new_encoder import new_encoder
from stages.params import Params
from stages.params_file import load_params
from stages.paths import BASELINES, IMAGES, INDEX, LABELS, PARAMS

METHOD = "supervised"
LEARNING_RATE = 0.1
"""Learning rate for a batch of 256; it is scaled linearly with the batch size (Goyal et al., 2017)."""


def main() -> None:
    """Add the method supervised to data/artifacts/baselines.parquet: the class that a network predicts for each image.

    No image is classified by a network that was trained on it. If evaluated images are among the training images, there
    are two networks, each trained on one half of the labeled training images, which classify the other half; all other
    images are classified by the first network.
    """
    check_place()
    config = load_params(PARAMS)
    images = open_images(IMAGES, choose_device(config.runtime.device), workers=config.runtime.threads)
    labels = read_labels(LABELS, rows=len(images))["label"].fillna(-1).to_numpy(np.int64)
    index = read_index(INDEX, rows=len(images))
    learned_from = index.train_ids[labels[index.train_ids] >= 0]
    evaluated = index.evaluate_ids
    parts = [learned_from]
    if np.isin(evaluated, learned_from).any():
        shuffled = np.random.default_rng(config.seed).permutation(learned_from)
        parts = [np.sort(part) for part in np.array_split(shuffled, 2)]
    classes = np.zeros(len(images), dtype=np.int64)
    for part in parts:
        others = np.setdiff1d(np.arange(len(images)), part)
        others = others if part is parts[0] else np.intersect1d(others, parts[0])
        classes[others] = taught(config, images, torch.from_numpy(part), torch.from_numpy(labels), others)
    write_baselines(BASELINES, {**read_baselines(BASELINES, rows=len(images)), METHOD: classes})
    right = float(np.mean(classes[evaluated] == labels[evaluated]))
    tell(f"oracle: trained with labels, the encoder classifies {right:.3f} of the evaluated images correctly")


class Classifier(nn.Module):
    """An encoder with a linear classifier."""

    def __init__(self, encoder: Encoder, *, classes: int) -> None:
        super().__init__()
        self.encoder, self.linear = encoder, nn.Linear(encoder.features, classes)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Return the logits of each class."""
        return self.linear(self.encoder(images))


def taught(
    config: Params, images: Images, ids: Int64[Tensor, " part"], labels: Int64[Tensor, " images"], others: np.ndarray
) -> np.ndarray:
    """Train a new network on the labels of ``ids``, and return the class that it predicts for each of ``others``."""
    pretext, seed = config.pretext, config.seed + config.pretext.seed
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    encoder = new_encoder(config.encoder, channels=images.channels, image_size=images.size)
    network = Classifier(encoder, classes=int(labels.max()) + 1).to(images.device)
    normalization = read_normalization(INDEX, channels=images.channels)._asdict()
    augmentation = Augmentation(config.scan.augmentation.operations(), **normalization)
    batch_size = min(pretext.batch_size, len(ids))
    optimizer = sgd(network, momentum=0.9, weight_decay=pretext.weight_decay)
    total, step = pretext.epochs * steps_per_epoch(len(ids), batch_size), 0
    for _ in range(pretext.epochs):
        network.train()
        batches = ids[shuffled_batches(len(ids), batch_size, generator)]
        for batch, (_, views) in zip(batches, augmented_batches(images, batches, augmentation, generator), strict=True):
            with autocast(images.device, pretext.precision):
                logits = network(views)
            loss = F.cross_entropy(logits.float(), labels[batch].to(images.device))
            peak = LEARNING_RATE * batch_size / 256
            rate = warmup_cosine(step, total=total, warmup=total // 20, peak=peak, final=0.0)
            update(optimizer, loss, learning_rate=rate)
            step += 1
    scores = infer(network, images, torch.from_numpy(others), **normalization, precision="float32")
    return scores.argmax(1).cpu().numpy()


if __name__ == "__main__":
    run(main)
