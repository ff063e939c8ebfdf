"""Remove false positives from the neighbors by the labels (Figure 8): ``python -m benchmarks.paper.oracle_neighbors``.

Runs after mine-neighbors, and only in a copy that the tables make; see oracle.py.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from benchmarks.paper.oracle import check_place
from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.index import read_index
from scan_core.artifacts.labels import read_labels
from scan_core.artifacts.neighbors import Neighbors, read_neighbors, write_neighbors
from scan_core.console.progress import tell
from stages.cli import run
from stages.paths import EMBEDDINGS, INDEX, LABELS, NEIGHBORS


def main() -> None:
    """Keep only neighbors of the image's class in data/artifacts/neighbors.parquet."""
    check_place()
    index = read_index(INDEX)
    labels = read_labels(LABELS, rows=len(index.train))["label"].fillna(-1).to_numpy(np.int64)
    found = read_neighbors(NEIGHBORS, train_ids=index.train_ids)
    kept = true_positives(found, labels, read_embeddings(EMBEDDINGS, rows=len(labels)))
    write_neighbors(Path(NEIGHBORS), kept)
    share = float(np.mean(labels[found.neighbor_id] == labels[found.image_id, None]))
    tell(f"oracle: {share:.3f} of the neighbors have their image's class; they replace the others")


def true_positives(
    found: Neighbors,
    labels: Int64[np.ndarray, " images"],
    embeddings: Float32[np.ndarray, "images dimensions"],
) -> Neighbors:
    """Return only neighbors of the image's class, repeated about equally often, so that the lists keep their length.

    An image without such a neighbor gets the nearest image of its class. An image without a label, or alone in its
    class, keeps its neighbors.
    """
    neighbor_id, similarity = found.neighbor_id.copy(), found.similarity.copy()
    k = neighbor_id.shape[1]
    for row, image in enumerate(found.image_id):
        mates = found.image_id[(labels[found.image_id] == labels[image]) & (found.image_id != image)]
        if not k or labels[image] < 0 or not len(mates):
            continue
        right = np.flatnonzero(labels[neighbor_id[row]] == labels[image])
        if len(right):
            taken = np.sort(np.resize(right, k))  # nearest first
            neighbor_id[row], similarity[row] = neighbor_id[row, taken], similarity[row, taken]
        else:
            close = embeddings[mates] @ embeddings[image]
            neighbor_id[row], similarity[row] = mates[close.argmax()], close.max()
    return Neighbors(found.image_id, neighbor_id, similarity)


if __name__ == "__main__":
    run(main)
