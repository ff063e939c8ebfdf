"""The page that a person opens after a run: one HTML file, which loads nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64, Integer, UInt8
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scan_core.artifacts.atomic import write_text
from scan_core.evaluation.results import Results
from scan_core.images.images import Images
from scan_core.report.cards import Card, cards
from scan_core.report.charts import Picture, result_charts
from scan_core.report.lines import LineChart
from scan_core.report.map_table import Plane
from scan_core.report.matrix import cluster_sizes_chart, confusion_matrix
from scan_core.report.members import surest_members
from scan_core.report.plane import encoded, packed
from scan_core.report.thumbnails import Sheet, sheet
from scan_core.report.verdict import verdict

TEMPLATES = Path(__file__).parent / "templates"
MOST = 8
"""Upper limit of the pictures of a kind (typical, random, least certain) on a card."""
ON_CARDS, ON_MAP = 2400, 1500
"""Upper limits of the thumbnails on all cards (or three a cluster) and on the map, so that the page stays small."""
POINTS = 60_000
"""Upper limit of the points on the map."""
SMALL, LARGE = 40, 64
"""Upper limits of a thumbnail's side in pixels: on the map and where there are many clusters; else."""
FEW = 100
"""Upper limit of the clusters whose cards have large thumbnails."""


class Listing(NamedTuple):
    """Rows of a table that lies elsewhere."""

    title: str
    file: str
    """Where all rows are."""
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """At most some of them."""
    more: bool
    """Whether there are others."""


class Run(NamedTuple):
    """What the page says beside the results."""

    taught: str
    """What the encoder was trained with."""
    warnings: Sequence[str]
    pictures: Sequence[Picture]
    curves: Sequence[LineChart]
    fetched: Mapping[str, Any]
    """Figures of the stage fetch."""
    listings: Sequence[Listing]
    """Files that were skipped, and duplicates."""
    parameters: str
    digests: Mapping[str, str]
    """SHA-256 of each model; names belong to that of ``self_label``."""


class Pictures(NamedTuple):
    """The evaluated images."""

    images: Images
    """All images; only those shown are read."""
    ids: Int64[np.ndarray, " evaluated"]
    embeddings: Float32[np.ndarray, "evaluated dimensions"]
    plane: Plane
    """The map."""
    kmeans: Integer[np.ndarray, " evaluated"]
    """Each image's cluster by k-means on the embeddings."""
    paths: Sequence[str]
    """The origin of each."""

    def pixels(self, rows: Integer[np.ndarray, " shown"]) -> UInt8[np.ndarray, "shown channels size size"]:
        """Return some of them."""
        return self.images.gather(torch.from_numpy(self.ids[rows])).cpu().numpy()


def write_page(
    path: Path,
    results: Results,
    pictures: Pictures,
    run: Run,
    names: Sequence[str],
    *,
    given: Sequence[str] = (),
) -> None:
    """Write the page; equal inputs give equal bytes.

    Args:
        names: of each cluster's class, or ``cluster 7``.
        given: the name that a person has given each cluster, empty where it has none.
    """
    final = results.self_label
    given = given or [""] * len(final.sizes)
    count = max(1, min(MOST, ON_CARDS // (3 * len(final.sizes))))
    found = cards(final, results.truth, pictures.embeddings, names, count=count)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["percent"] = lambda share: f"{share:.{0 if share >= 0.01 else 1}%}"
    page = environment.get_template("page.html").render(
        verdict=verdict(results, pictures.kmeans),
        results=results,
        steps=_steps(results),
        run=run,
        cards=found,
        empty=sum(not card.size for card in found),
        mixed=[] if results.meaningless else [card for card in found if card.mixed],
        sheets=[_card_sheet(card, pictures, len(found)) for card in found],
        given=given,
        naming={"names": names, "given": given, **_naming(results, pictures, run.digests["self_label"], given)},
        shown=count,
        confidence=final.confidence,
        paths=pictures.paths,
        map=_map(results, pictures),
        plane=pictures.plane,
        charts=[*result_charts(results), *run.curves],
        sizes=cluster_sizes_chart(results),
        matrix=confusion_matrix(results),
        pixelated=pictures.images.size <= SMALL,
    )
    write_text(path, page)


def _steps(results: Results) -> dict[str, Any]:
    steps = {"final": results.self_label}
    steps |= {} if results.passed_through else {"SCAN step": results.scan}
    return {**steps, "self-labeling, not taken": results.rejected} if results.rejected else steps


def _card_sheet(card: Card, pictures: Pictures, clusters: int) -> Sheet | None:
    if not card.size:
        return None
    largest = LARGE if clusters <= FEW else SMALL
    return sheet(pictures.pixels(card.shown), largest=largest, columns=len(card.shown))


def _naming(results: Results, pictures: Pictures, digest: str, given: Sequence[str]) -> dict[str, Any]:
    """What ``clusters.yaml`` needs beside the names, and under which key the browser keeps those that are typed."""
    final = results.self_label
    members = surest_members(final.clusters, final.confidence, pictures.paths, cluster_count=len(final.sizes))
    base = hashlib.sha256("\n".join(given).encode()).hexdigest()[:12]
    return {"model": f"sha256:{digest}", "members": members, "key": f"names of {digest} after {base}"}


def _map(results: Results, pictures: Pictures) -> dict[str, Any]:
    """Choose points at random, the first ones with thumbnails, and pack them."""
    final = results.self_label
    rows = np.random.default_rng(0).permutation(len(pictures.ids))[:POINTS]
    x, y = packed(pictures.plane.places[rows])
    pictured = rows[:ON_MAP]
    columns = int(np.ceil(np.sqrt(len(pictured))))
    thumbnails = sheet(pictures.pixels(pictured), largest=SMALL, columns=columns)
    return {
        "x": x,
        "y": y,
        "cluster": encoded(final.clusters[rows]),
        "confidence": encoded(np.rint(final.confidence[rows] * 1000)),
        "points": len(rows),
        "paths": [pictures.paths[row] for row in pictured],
        **thumbnails._asdict(),
    }
