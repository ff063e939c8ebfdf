"""Read and write weights as safetensors, with metadata that says how to build their model."""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import ArtifactError

SCHEMA_VERSION = "1"


def write_model(path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, object]) -> None:
    """Write ``weights`` and ``metadata`` (JSON values).

    Raises:
        ArtifactError: a weight is not finite, or the file cannot be written.
    """
    _check_finite(path, weights)
    header = {"schema_version": SCHEMA_VERSION, **{key: json.dumps(value) for key, value in metadata.items()}}
    tensors = {name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=header))  # a killed save_file leaves a temporary file behind
        _sort_header(temporary)


def _check_finite(path: Path, weights: Mapping[str, Tensor]) -> None:
    for name, weight in weights.items():
        if weight.is_floating_point() and not weight.isfinite().all():
            raise ArtifactError(f"{path}: {name} holds values that are not finite")


def _sort_header(path: Path) -> None:
    """Sort the header's keys: safetensors writes metadata in random order, and equal models must give equal bytes."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.dumps(json.loads(file.read(length)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        file.seek(8)
        file.write(header.encode().ljust(length))


def read_model(path: Path, *, keys: Collection[str] = ()) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read weights (on the CPU) and metadata.

    Args:
        keys: keys that the metadata must hold.

    Raises:
        ArtifactError: missing, no safetensors file, another schema version, a key missing, or a weight not finite.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = list(file.keys())
            weights = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the stage that writes it (dvc repro)") from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path}: not a readable safetensors file ({error}); run dvc repro") from error
    version = header.pop("schema_version", "none")
    if version != SCHEMA_VERSION:
        raise ArtifactError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; run dvc repro")
    if missing := sorted(set(keys) - header.keys()):
        raise ArtifactError(f"{path}: the metadata lacks {', '.join(missing)}; run dvc repro")
    _check_finite(path, weights)
    try:
        return weights, {key: json.loads(value) for key, value in header.items()}
    except ValueError as error:
        raise ArtifactError(f"{path}: metadata that is not JSON ({error}); run dvc repro") from None


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits.

    Raises:
        ArtifactError: missing.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the stage that writes it (dvc repro)") from None


def weights_checksum(weights: Mapping[str, Tensor]) -> str:
    """The SHA-256 of tensors on the CPU, by their names and bytes, in hexadecimal digits."""
    digest = hashlib.sha256(json.dumps(sorted(weights)).encode())
    for name in sorted(weights):
        digest.update(weights[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_weights(path: Path, module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy ``weights``, read from ``path``, into ``module``; every name, type and shape must match.

    Raises:
        ArtifactError: names the first weights that are missing, unexpected or of another type or shape.
    """
    expected = module.state_dict()
    missing, unexpected = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    reshaped = [
        f"{name} {weights[name].dtype} {tuple(weights[name].shape)} for {tensor.dtype} {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and (weights[name].shape, weights[name].dtype) != (tensor.shape, tensor.dtype)
    ]
    if missing or unexpected or reshaped:
        raise ArtifactError(
            f"{path}: does not fit the model: missing {missing[:3]}, unexpected {unexpected[:3]}, "
            f"other type or shape {reshaped[:3]}"
        )
    module.load_state_dict(dict(weights))
