"""Write and read NPY files."""

from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import ArtifactError


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write ``array`` atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path, *, stage: str, mmap_mode: Literal["r", "c"] | None = None) -> npt.NDArray[Any]:
    """Read, or open memory-mapped, an NPY file that ``stage`` writes.

    Raises:
        ArtifactError: missing, or not an NPY file.
    """
    try:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the {stage} stage (dvc repro {stage})") from None
    except (ValueError, OSError, SyntaxError, TokenError, EOFError, BadZipFile) as error:
        raise ArtifactError(f"{path}: not a readable NPY file ({error}); run dvc repro {stage}") from error
