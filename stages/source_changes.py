"""Notice pictures that came or went since fetch has read the folder, which DVC does not watch."""

import json

from scan_core.console.words import counted
from scan_core.datasets.source import locate
from scan_core.datasets.table import open_dataset
from scan_core.errors import DataError
from scan_core.ingest.report import files_found
from stages.params import DataParams
from stages.paths import REPORTS, main_root


def changed_since_fetch(data: DataParams) -> str | None:
    """Return a warning if the folder ``data.source`` holds more or fewer pictures than fetch has found; else None.

    Pictures that were replaced one by one are not noticed, nor is any change where the folder cannot be read now.
    """
    if data.name != "folder":
        return None
    root = main_root()
    try:
        before = json.loads((REPORTS / "fetch/details.json").read_text(encoding="utf-8"))["files_found"]
        source = locate(data.source, root=root, key="data.source")
        now = files_found(open_dataset(data.name, source, downloads=root, labels="none", classes_file=None))
    except (DataError, OSError, ValueError, KeyError, TypeError):
        return None
    if now == before:
        return None
    return (
        f"data.source: {data.source} holds {counted(now, 'picture')} now, and held {before:,} when fetch read it: make "
        "refetch brings the changes in"
    )
