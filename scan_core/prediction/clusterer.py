"""A finished model, as a program uses it: ``load_clusterer(path).predict(pictures)``."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64

from scan_core.clustering.model import ClusteringModel, read_clustering
from scan_core.errors import DataError
from scan_core.images.decode import MOST_PIXELS
from scan_core.images.images import Images
from scan_core.images.preparation import Preparation, preparation_of
from scan_core.naming.groups import groups, ranked
from scan_core.naming.names import model_digest, read_names
from scan_core.prediction.features import Outputs, features_and_probabilities
from scan_core.prediction.pictures import NewPictures, Picture, as_list, refuse

AT_ONCE = 8192
"""Pictures whose features are in memory together."""
ENCODER_BESIDE = ("encoder.safetensors", "../pretext/encoder.safetensors")
"""Where the encoder of a model is looked for that holds its heads alone, relative to the model's folder."""


class Predicted(NamedTuple):
    """What a model says of N pictures."""

    cluster: Int64[np.ndarray, " pictures"]
    """The most probable cluster; of a name that several have, the most probable of these."""
    name: list[str]
    """Of that cluster; ``cluster 3`` where none was given."""
    confidence: Float32[np.ndarray, " pictures"]
    """The probability of that name, in (0, 1]: where clusters share it, the sum of theirs."""
    probabilities: Float32[np.ndarray, "pictures clusters"]
    """Of each of the model's clusters; rows sum to 1."""


class Part(NamedTuple):
    """Some of many pictures, those of them that can be read."""

    rows: Int64[np.ndarray, " readable"]
    """Their numbers among all."""
    features: Float32[np.ndarray, "readable features"]
    """As the cluster heads take them."""
    probabilities: Float32[np.ndarray, "readable clusters"]
    unreadable: dict[int, str]
    """The others: number and reason."""


class Clusterer:
    """Pictures to clusters. :func:`load_clusterer` makes one; several threads may not share it.

    Args:
        names: of each cluster, empty for one without; clusters of the same name count as one.
    """

    def __init__(
        self,
        model: ClusteringModel,
        metadata: Mapping[str, Any],
        preparation: Preparation,
        *,
        names: Sequence[str],
        device: torch.device,
    ) -> None:
        self.model, self.metadata, self.preparation = model.to(device).eval(), metadata, preparation
        self.device = device
        self.rename(names)

    def rename(self, names: Sequence[str]) -> None:
        """Give each cluster another name.

        Raises:
            DataError: more or fewer names than clusters.
        """
        clusters: int = self.metadata["clusters"]
        if isinstance(names, str) or len(names) != clusters:
            raise DataError(f"names: {len(names)} given, expected {clusters}, one for each cluster of the model")
        self.names, self.groups = tuple(names), groups(names)

    @property
    def clusters(self) -> int:
        """Return the number of clusters."""
        return len(self.names)

    def predict(self, pictures: Picture | Sequence[Picture], *, threads: int | None = None) -> Predicted:
        """Say which cluster each of the ``pictures`` belongs to.

        Args:
            pictures: paths, files' bytes, arrays of uint8 [H, W, 3] or gray [H, W], or Pillow's pictures, of any sizes,
                mixed at will; or an array [N, H, W, 3] or [N, H, W]. A model of gray images takes the brightness.
            threads: that decode; None is one for each processor.

        Raises:
            DataError: one of them cannot be read; the message names it.
        """
        listed = as_list(pictures)
        workers = threads or os.cpu_count() or 1
        parts = [
            self._part(listed, range(start, min(start + AT_ONCE, len(listed))), workers, MOST_PIXELS, strict=True)
            for start in range(0, len(listed), AT_ONCE)
        ]
        none = np.empty((0, self.clusters), np.float32)
        probabilities = np.concatenate([none, *(part.probabilities for part in parts)])
        best = ranked(probabilities, self.groups, most=1)
        names = [self.groups.names[group] for group in best.group[:, 0]]
        return Predicted(best.cluster[:, 0], names, best.confidence[:, 0], probabilities)

    def parts(self, pictures: Sequence[Picture], *, threads: int, most_pixels: int = MOST_PIXELS) -> Iterator[Part]:
        """Yield what the model says of so many pictures at once that they fit into memory, with progress.

        What cannot be read is left out, and told in ``Part.unreadable``.
        """
        for start in range(0, len(pictures), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(pictures)))
            yield self._part(pictures, rows, threads, most_pixels, strict=False)

    def _part(self, pictures: Sequence[Picture], rows: range, threads: int, most_pixels: int, *, strict: bool) -> Part:
        chosen = pictures[rows.start : rows.stop]
        unreadable: dict[int, str] = {}
        images = NewPictures(
            chosen,
            self.preparation,
            self.device,
            channels=self.metadata["channels"],
            on_unreadable=refuse(chosen, first=rows.start) if strict else unreadable.__setitem__,
            workers=threads,
            most_pixels=most_pixels,
        )
        description = None if strict else _progress(rows, len(pictures))
        outputs = self.outputs(images, np.arange(len(chosen)), description=description)
        read = np.array([row not in unreadable for row in range(len(chosen))])
        return Part(
            rows.start + np.flatnonzero(read),
            outputs.features[read],
            outputs.probabilities[read],
            {rows.start + row: reason for row, reason in sorted(unreadable.items())},
        )

    def outputs(self, images: Images, image_ids: Int64[np.ndarray, " images"], *, description: str | None) -> Outputs:
        """The features and the probabilities of ``images``.

        Args:
            description: what to call the work in a progress bar; without it there is none.
        """
        return features_and_probabilities(self.model, self.metadata, images, image_ids, description=description)


def load_clusterer(
    path: str | Path,
    *,
    encoder: str | Path | None = None,
    names: Sequence[str] | Path | None = None,
    device: str | torch.device = "cpu",
) -> Clusterer:
    """Open the model of a run: ``data/artifacts/self_label/model.safetensors``.

    Args:
        path: the file.
        encoder: the file of the pretext task's encoder, where the model was made with it frozen and holds its heads
            alone; None looks for ``encoder.safetensors`` in the model's folder, and in ``pretext`` beside that folder.
        names: of each cluster, empty for one without, or the path of the ``clusters.yaml`` that has them; clusters of
            the same name count as one.
        device: on which to compute.

    Raises:
        ArtifactError: the model or its encoder is missing, malformed, or of another version.
        DataError: more or fewer names than clusters, or those of another model.
    """
    path = Path(path)
    beside = [path.parent / place for place in ENCODER_BESIDE]
    found = next((place for place in beside if place.exists()), beside[-1])
    model, metadata = read_clustering(path, encoder=found if encoder is None else Path(encoder))
    given = _names_of(names, path) if isinstance(names, Path) else names or ("",) * metadata["clusters"]
    return Clusterer(model, metadata, preparation_of(path, metadata), names=given, device=torch.device(device))


def _progress(rows: range, total: int) -> str:
    return "predict" if len(rows) == total else f"predict, from picture {rows.start + 1:,} of {total:,}"


def _names_of(path: Path, model: Path) -> Sequence[str]:
    found = read_names(path)
    if found.model != model_digest(model):
        raise DataError(f"{path}: names for the clusters of another model than {model}")
    return found.names
