"""The files of ``benchmarks/paper/results``: a folder per dataset, a file per setting, a line per seed."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.paper.tables import MODEL, Setting
from benchmarks.record import device_name
from scan_core.artifacts.atomic import write_text
from scan_core.datasets.table import DATASETS
from scan_core.errors import ArtifactError

RESULTS = Path(__file__).resolve().parent / "results"
LONGEST = 80
"""Upper limit of the characters of a file's name, without the suffix."""
KEPT = re.compile(r"(.*_)?(acc|nmi|ari|ami|acc_many_to_one|top5|purity|clusters|clusters_used)|purity_at_\d+|.*_epochs")
"""The metrics of evaluate that are recorded."""


def folder_name(preset: str, values: Iterable[str], *, dataset: str) -> str:
    """Return the folder of the results of ``preset`` with further ``values`` (KEY=VALUE): ``cifar10-10000``.

    The path of a dataset is no part of the name, but the name of a folder of pictures is. Of several values of a key,
    the last one counts.
    """
    words = [preset]
    for key, text in sorted(dict(value.split("=", 1) for value in values).items()):
        if key == "data.source":
            words += [Path(text).name] if DATASETS[dataset].needs_source else []
        elif key == "data.classes_file":
            words.append(Path(text).stem)
        else:
            words.append(text if key == "data.limit" else f"{key}={text}")
    return _file_name("-".join(words))


def read(where: Path, setting: Setting) -> dict[int, dict[str, Any]]:
    """Return the finished seeds of ``setting``, each with its figures, and the commit and machine that they are of.

    Older records do not name the machine.

    Raises:
        ArtifactError: a line that is none of ours.
    """
    path = where / f"{_name(setting)}.jsonl"
    found = {}
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], 1):
        try:
            entry = json.loads(line)
            machine = {"machine": str(entry["machine"])} if "machine" in entry else {}
            figures = _numbers(entry["figures"])
            found[int(entry["seed"])] = {"commit": str(entry["commit"]), **machine, "figures": figures}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ArtifactError(
                f"{path}: line {number} is no result; remove the line, and queue runs that seed again"
            ) from None
    return found


def _numbers(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``figures`` as they are, so that adding a seed changes no other line.

    Raises:
        ValueError: one is no number.
    """
    for value in figures.values():
        float(value or 0)
    return dict(figures)


def add(where: Path, setting: Setting, seed: int, figures: Mapping[str, Any], *, commit: str) -> None:
    """Add the figures of one seed, with this machine's name; stages from DVC's cache may have run on another."""
    known = read(where, setting)
    known[seed] = {
        "commit": commit,
        "machine": device_name(),
        "figures": {name: value for name, value in figures.items() if KEPT.fullmatch(name)},
    }
    what = {"set": list(setting.values), **({"oracle": setting.oracle} if setting.oracle else {})}
    lines = [json.dumps({"seed": each, **what, **known[each]}, sort_keys=False) + "\n" for each in sorted(known)]
    write_text(where / f"{_name(setting)}.jsonl", "".join(lines))


def figure(entry: Mapping[str, Any], step: str, metric: str) -> float | None:
    """Return a metric of a step in percent, by the names that evaluate gives them; None if there is none."""
    value = entry["figures"].get(metric if step == MODEL else f"{step}_{metric}")
    return None if value is None else 100 * float(value)


def _name(setting: Setting) -> str:
    words = [*([f"oracle={setting.oracle}"] if setting.oracle else []), *setting.values]
    return _file_name(",".join(words) or "preset")


def _file_name(text: str) -> str:
    """Return ``text`` as the name of a file; what is long or has odd characters ends with a digest."""
    plain = re.sub(r"[^\w.,=+-]+", "_", text, flags=re.ASCII)
    if plain == text and len(plain) <= LONGEST:
        return plain
    return f"{plain[: LONGEST - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
