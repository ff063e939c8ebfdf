"""The page that a person opens after a run: one HTML file, which loads nothing."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scan_core.artifacts.atomic import write_text
from scan_core.evaluation.results import Results
from scan_core.report.cards import Card, cards
from scan_core.report.charts import Picture, result_charts
from scan_core.report.lines import LineChart
from scan_core.report.map_points import map_points
from scan_core.report.matrix import cluster_sizes_chart, confusion_matrix
from scan_core.report.members import surest_members
from scan_core.report.pictures import Pictures
from scan_core.report.thumbnails import SMALL, Sheet, sheet
from scan_core.report.verdict import verdict

TEMPLATES = Path(__file__).parent / "templates"
MOST = 8
"""Upper limit of the pictures of a kind (typical, random, least certain) on a card."""
ON_CARDS = 2400
"""Upper limit of the thumbnails on all cards (or three a cluster), so that the page stays small."""
LARGE = 64
"""Upper limit of a thumbnail's side in pixels, where there are few clusters."""
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


def write_page(
    path: Path,
    results: Results,
    pictures: Pictures,
    run: Run,
    names: Sequence[str],
    *,
    given: Sequence[str] = (),
    sheets: Sequence[Path] = (),
) -> None:
    """Write the page; equal inputs give equal bytes.

    Args:
        names: of each cluster's class, or ``cluster 7``.
        given: the name that a person has given each cluster, empty where it has none.
        sheets: what ``write_sheets`` has written of the same images.
    """
    final = results.self_label
    names = [
        name if size else f"cluster {cluster}"
        for cluster, (name, size) in enumerate(zip(names, final.sizes.tolist(), strict=True))
    ]
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
        map=map_points(results, pictures, [os.path.relpath(sheet, path.parent) for sheet in sheets]),
        plane=pictures.plane,
        charts=[*result_charts(results), *run.curves],
        sizes=cluster_sizes_chart(results),
        matrix=confusion_matrix(results),
        pixelated=pictures.images.size <= SMALL,
    )
    write_text(path, page)


def _steps(results: Results) -> dict[str, Any]:
    steps = {"final model": results.self_label}
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
