"""DeepCluster (Caron et al., 2018): alternate k-means on the features and training a classifier on its clusters."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, Int64
from sklearn.decomposition import PCA
from torch import Tensor, nn

from scan_core.baselines.learner import Batch, Learner, Pictures
from scan_core.encoders.encoder import Encoder
from scan_core.kmeans.kmeans import kmeans

FINER = 10
"""Pseudo-labels for each cluster (section 4.1 takes 10,000 for 1,000 classes)."""
COMPONENTS = 256
"""Largest number of principal components (section 3.3); at most a quarter of the features are taken."""
LEAST = 30
"""Smallest mean number of images per pseudo-label."""
LEARNING_RATE = 1e-3


def whitened(
    features: Float32[np.ndarray, "images features"], *, fit_ids: Int64[np.ndarray, " fit"]
) -> Float32[np.ndarray, "images components"]:
    """Return whitened principal components, L2-normalized (section 3.3)."""
    rows = features[fit_ids]
    pca = PCA(min(COMPONENTS, max(2, rows.shape[1] // 4), len(rows)), svd_solver="full").fit(rows)
    scale = np.sqrt(pca.explained_variance_.clip(min=1e-6 * pca.explained_variance_[0] + 1e-12))
    components = pca.transform(features) / scale
    return (components / np.linalg.norm(components, axis=1, keepdims=True).clip(min=1e-12)).astype(np.float32)


def equal_sample(labels: Int64[Tensor, " fit"], generator: torch.Generator) -> Int64[Tensor, " fit"]:
    """Draw as many positions as there are ``labels``, each label with equal probability, so that frequent labels do not
    dominate (section 3.2, "trivial parametrization")."""
    weights = 1 / labels.bincount()[labels].double()
    return torch.multinomial(weights, len(labels), replacement=True, generator=generator)


def deepcluster(
    pictures: Pictures, encoder: Encoder, *, clusters: int, epochs: int, generator: torch.Generator
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image: k-means on the features after the last epoch."""
    fit_ids, device = pictures.fit_ids, pictures.images.device
    count = max(clusters, min(FINER * clusters, len(fit_ids) // LEAST))
    features = encoder.get_submodule("")
    classifier = nn.Linear(encoder.features, count)
    network = nn.Sequential(features, classifier)
    sizes = {"clusters": clusters, "epochs": epochs}
    learner = Learner(network, pictures, **sizes, learning_rate=LEARNING_RATE, generator=generator)

    def cluster(into: int, *, inits: int) -> Int64[np.ndarray, " images"]:
        found = whitened(pictures.outputs(features).cpu().numpy(), fit_ids=fit_ids)
        return kmeans(found, fit_ids=fit_ids, clusters=into, seed=generator.initial_seed(), inits=inits)

    for _ in learner.epochs("deepcluster"):
        labels = torch.from_numpy(cluster(count, inits=1)[fit_ids])
        sample = equal_sample(labels, generator)
        with torch.no_grad():  # clusters are numbered differently in each epoch
            classifier.weight.copy_(torch.randn(classifier.weight.shape, generator=generator) * 0.01)
            classifier.bias.zero_()
        labels = labels.to(device)

        def loss(batch: Batch, labels: Tensor = labels) -> Tensor:
            return F.cross_entropy(network(batch.augmented), labels[batch.rows])

        learner.run_epoch(loss, sample=sample)
    return cluster(clusters, inits=10)
