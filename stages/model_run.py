"""Say which run a model comes from, and whether params.yaml describes that run."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.artifacts.index import read_origin
from stages.params import Params
from stages.paths import EMBEDDING_NORMS, INDEX, NEIGHBORS

SECTIONS = ("seed", "data", "encoder", "pretext", "embed", "neighbors", "scan", "self_label")
LOCK = Path("dvc.lock")
WRITTEN = {"fetch": INDEX, "embed": EMBEDDING_NORMS, "mine-neighbors": NEIGHBORS}
"""A small file of each stage whose parameters no model holds."""
NAMED = 5
"""Number of differences that a message names."""


def start_of_run(index: Path, *, images: int, **params: BaseModel | int) -> dict[str, Any]:
    """Return what a model's metadata say about its run: the images, and the sections of params.yaml so far."""
    return {**read_origin(index), "images": images, "params": _plain(params)}


def further_run(run: Mapping[str, Any] | None, **params: BaseModel | int) -> dict[str, Any] | None:
    """Return ``run`` with further sections of params.yaml; None if the model has no metadata about its run."""
    if run is None:
        return None
    return {**run, "params": {**run["params"], **_plain(params)}}


def _plain(params: Mapping[str, BaseModel | int]) -> dict[str, Any]:
    return {
        name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value for name, value in params.items()
    }


def warning_of_another_run(config: Params, metadata: Mapping[str, Any], index: Path) -> str | None:
    """Return a warning if a model does not belong to the present parameters and images, else None.

    Args:
        metadata: of the model; None is also returned if they say nothing about its run.
    """
    run = metadata.get("run")
    if run is None:
        return None
    try:
        return _of_another_run(config, run, metadata["clusters"], index)
    except (AttributeError, KeyError, TypeError, ValueError):
        return "the model does not say of which run it is in a way that this version knows; dvc repro makes another"


def _of_another_run(config: Params, run: Mapping[str, Any], clusters: int, index: Path) -> str | None:
    found = list(dict.fromkeys([*_other_images(config, run, index), *_other_params(config, run["params"])]))
    if not found:
        return None
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        f"the model is not of the present parameters, but of a run on {run['images']:,} images of the dataset "
        f"{run['dataset']}, with seed {run['params']['seed']} and {clusters} clusters; other now: "
        f"{', '.join(found[:NAMED])}{more}; dvc repro makes one of the present parameters"
    )


def _other_images(config: Params, run: Mapping[str, Any], index: Path) -> Iterator[str]:
    if run["dataset"] != config.data.name:
        yield f"data.name (was {run['dataset']}, is {config.data.name})"
    elif index.exists() and read_origin(index)["pixels_digest"] != run["pixels_digest"]:
        yield f"the images in {index.parent}"


def _other_params(config: Params, params: Mapping[str, Any]) -> Iterator[str]:
    present = config.model_dump(mode="json")
    then = {**_recorded(LOCK), **params}
    for section in SECTIONS:
        if section in then:
            yield from _differences(section, then[section], present[section])
    if "self_label" not in params and config.self_label.epochs:
        yield f"self_label.epochs (was 0, is {config.self_label.epochs})"


def _recorded(lock: Path) -> dict[str, Any]:
    """Return the sections that no model holds, as DVC recorded them when their stages wrote the present files.

    Those of a stage are absent if the lock is of another run, as after ``python -m stages.fetch`` without DVC.
    """
    try:
        stages = YAML(typ="safe").load(lock)["stages"]
        recorded = [
            stages[stage]["params"]["params.yaml"] for stage, path in WRITTEN.items() if _wrote(stages[stage], path)
        ]
    except (OSError, YAMLError, AttributeError, KeyError, TypeError, ValueError):
        return {}
    return {section: values for stage in recorded for section, values in stage.items()}


def _wrote(stage: Mapping[str, Any], path: Path) -> bool:
    """Say whether the file at ``path`` is the one that DVC recorded as an output of ``stage``."""
    (output,) = (output for output in stage["outs"] if output["path"] == path.as_posix())
    if path.stat().st_size != output["size"]:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == output["md5"]


def _differences(key: str, then: object, now: object) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in then | now:
            yield from _differences(f"{key}.{name}", then.get(name), now.get(name))
    elif then != now:
        yield f"{key} (was {then}, is {now})"
