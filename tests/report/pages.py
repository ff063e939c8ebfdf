"""A page of a few random pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from scan_core.evaluation.csv_tables import prediction_names
from scan_core.evaluation.results import Results
from scan_core.images.images import ResidentImages
from scan_core.report.page import Listing, Run, write_page
from scan_core.report.pictures import Pictures
from scan_core.report.plane import plane

RUN = Run(
    "nothing",
    ["raise scan.epochs"],
    [],
    [],
    {"skipped files": 1},
    [Listing("Skipped files", "skipped.csv", ["file", "reason"], [["ä<i>.png", "empty"]], False)],
    "a: 1",
    {"scan": "12" * 32, "self_label": "0a" * 32},
)


def random_pictures(count: int, *, size: int = 8) -> Pictures:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    embeddings = generator.normal(size=(count, 4)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    paths = [f"<u>{row}/é.png" for row in range(count)]
    images = ResidentImages(pixels, torch.device("cpu"))
    return Pictures(
        images,
        np.arange(count),
        embeddings,
        plane(embeddings, projection="pca"),
        np.zeros(count, dtype=np.int32),
        paths,
    )


def draw(
    path: Path,
    results: Results,
    pictures: Pictures | None = None,
    run: Run = RUN,
    given: Sequence[str] = (),
    sheets: Sequence[Path] = (),
) -> str:
    pictures = pictures or random_pictures(len(results.truth.labels))
    final = results.self_label
    names = prediction_names(final.mapping, results.truth, cluster_count=len(final.sizes))
    write_page(path, results, pictures, run, names, given=given, sheets=sheets)
    return path.read_text(encoding="utf-8")
