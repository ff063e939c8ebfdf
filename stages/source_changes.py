"""Notice pictures that came or went since fetch has read the folder, which DVC does not watch."""

import json
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.console.words import counted
from scan_core.datasets.source import locate
from scan_core.datasets.table import open_dataset
from scan_core.datasets.walk import UNREADABLE
from scan_core.errors import DataError
from stages.paths import REPORTS, main_root


def changed_since_fetch(params: Path) -> str | None:
    """Return a warning if the folder ``data.source`` holds more or fewer pictures than fetch has found; else None.

    Pictures that were replaced one by one are not noticed, nor is any change where the folder, or one in it, cannot be
    read now.

    Args:
        params: the parameter file. It is not checked, which would import PyTorch.
    """
    try:
        data = YAML(typ="safe").load(params)["data"]
        if data["name"] != "folder":
            return None
        before = json.loads((REPORTS / "fetch/details.json").read_text(encoding="utf-8"))["found"]
        source = locate(data["source"], root=main_root(), key="data.source")
        dataset = open_dataset("folder", source, downloads=Path(), labels="none", classes_file=None)
    except (DataError, OSError, ValueError, KeyError, TypeError, RecursionError, YAMLError):
        return None
    now = dataset.found
    if now == before or not isinstance(before, int) or any(why.startswith(UNREADABLE) for _, why in dataset.skipped):
        return None
    return (
        f"data.source: {data['source']} holds {counted(now, 'picture')} now, and held {before:,} when fetch read it: "
        "make refetch brings the changes in"
    )
