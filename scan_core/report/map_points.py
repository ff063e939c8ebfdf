"""The map's points, packed for the page, and their thumbnails: the first ones' in the page, others' in files beside."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Int

from scan_core.artifacts.atomic import atomic_path, write_text
from scan_core.evaluation.results import Results
from scan_core.report.pictures import Pictures
from scan_core.report.plane import encoded, packed
from scan_core.report.thumbnails import SMALL, picture_of, sheet

POINTS = 60_000
"""Upper limit of the points on the map."""
IN_PAGE = 1500
"""Upper limit of the thumbnails on the map that are in the page, so that it stays small."""
COLUMNS, ON_SHEET = 50, 2500
"""Thumbnails in a row of a sheet, and on a whole one."""
MOST_BYTES = 40_000_000
"""Of all sheets; further points have no thumbnail."""
PATH_CHARACTERS = 1_000_000
"""Of all paths in the page; further points have none."""


def drawn(count: int) -> Int[np.ndarray, " drawn"]:
    """Return which of ``count`` images are on the map, in a random order that is always the same."""
    return np.random.default_rng(0).permutation(count)[:POINTS]


def write_sheets(folder: Path, pictures: Pictures) -> list[Path]:
    """Write the thumbnails that the page has no room for, sheet by sheet, in the order of the map's points.

    Files of an earlier page are removed. ``folder`` is made in any case, and has one more file, since DVC warns of
    empty folders. Equal images give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "README.txt", f"Thumbnails of the map in report.html, beyond the first {IN_PAGE:,} pictures.\n")
    for stale in folder.glob("map-*"):
        stale.unlink()
    rows, written, total = drawn(len(pictures.ids))[IN_PAGE:], [], 0
    for number, start in enumerate(range(0, len(rows), ON_SHEET)):
        content, kind = picture_of(pictures.pixels(rows[start : start + ON_SHEET]), largest=SMALL, columns=COLUMNS)
        total += len(content)
        if total > MOST_BYTES:
            break
        written.append(folder / f"map-{number:02d}.{kind}")
        with atomic_path(written[-1]) as temporary:
            temporary.write_bytes(content)
    return written


def map_points(results: Results, pictures: Pictures, sheets: Sequence[str]) -> dict[str, Any]:
    """Pack the points that are on the map, and the thumbnails of the first ones.

    Args:
        sheets: addresses of the files with the further ones, as the page needs them.
    """
    final = results.self_label
    rows = drawn(len(pictures.ids))
    x, y = packed(pictures.plane.places[rows])
    pictured = rows[:IN_PAGE]
    columns = int(np.ceil(np.sqrt(len(pictured))))
    thumbnails = sheet(pictures.pixels(pictured), largest=SMALL, columns=columns)
    paths = [pictures.paths[row] for row in rows]
    named = int((np.cumsum([len(path) for path in paths]) <= PATH_CHARACTERS).sum())
    return {
        "x": x,
        "y": y,
        "cluster": encoded(final.clusters[rows]),
        "confidence": encoded(np.rint(final.confidence[rows] * 1000)),
        "points": len(rows),
        "paths": paths[:named],
        "pictured": len(pictured),
        "sheets": list(sheets),
        "folder": f"{PurePosixPath(sheets[0]).parent}/" if sheets else "",
        "each": ON_SHEET,
        "across": COLUMNS,
        "beside": min(ON_SHEET * len(sheets), len(rows) - len(pictured)),
        **thumbnails._asdict(),
    }
