"""Where the state of a killed training is kept: it goes on if nothing that it depends on has changed."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from pydantic import BaseModel

from scan_core.errors import ArtifactError
from scan_core.training.resume import Resume, hold
from stages.dependencies import ROOT, modules
from stages.paths import main_root


def resume(
    stage: str, *, params: Sequence[BaseModel | int], inputs: Iterable[Path], device: torch.device
) -> AbstractContextManager[Resume]:
    """Hold the state of ``stage`` for the time of one training; see :func:`scan_core.training.resume.hold`.

    Args:
        params: the sections and seed that the stage depends on.
        inputs: the artifacts that it reads (``data/artifacts/index.parquet`` stands for the images, whose digest it
        holds).
    """
    identity = {
        "params": [
            section.model_dump(mode="json") if isinstance(section, BaseModel) else section for section in params
        ],
        "inputs": {str(path): _digest(path) for path in inputs},
        "code": {name: _digest(ROOT / name) for name in modules(ROOT / "stages" / f"{stage}.py")},
        "machine": [torch.__version__, device.type],
    }
    name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    return hold(main_root() / ".resume" / f"{stage}-{name}")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the stage that writes it (dvc repro)") from None
