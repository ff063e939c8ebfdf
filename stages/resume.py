"""Find the state of a killed training, which continues if nothing that it depends on has changed."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from pydantic import BaseModel

from scan_core.artifacts.model import checksum
from scan_core.training.resume import Resume, hold
from stages.dependencies import ROOT, modules
from stages.paths import main_root


def resume(
    stage: str, *, params: Sequence[BaseModel | int], inputs: Iterable[Path], device: torch.device
) -> AbstractContextManager[Resume]:
    """Hold the state of ``stage`` for the time of one training; see :func:`scan_core.training.resume.hold`.

    Args:
        params: the sections and seed that the stage depends on.
        inputs: the artifacts that it reads. Large ones are not read for that: ``data/artifacts/index.parquet`` stands
            for the images, and ``data/artifacts/standardization.safetensors`` for the features, whose digests they
            hold.
    """
    return hold(main_root() / ".resume" / f"{stage}-{identity(stage, params=params, inputs=inputs, device=device)}")


def identity(
    stage: str, *, params: Sequence[BaseModel | int | str], inputs: Iterable[Path], device: torch.device
) -> str:
    """Return a name for the results of ``stage``: other parameters, inputs, code or device give another name."""
    found = {
        "params": [
            section.model_dump(mode="json") if isinstance(section, BaseModel) else section for section in params
        ],
        "inputs": {str(path): checksum(path) for path in inputs},
        "code": {name: checksum(ROOT / name) for name in modules(ROOT / "stages" / f"{stage}.py")},
        "machine": [torch.__version__, device.type],
    }
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
