"""Read a file of weights, from this project or from another."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from scan_core.errors import WeightsError

CONTAINERS = ("state_dict", "model_state_dict", "model", "teacher", "student")
"""Entries of a checkpoint that may hold the network's weights, in order of preference."""


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a safetensors or torch file, and its metadata, which are empty unless it is this project's.

    If the file is a checkpoint, they are the tensors in the first of ``CONTAINERS``.

    Raises:
        WeightsError: no such file, not readable, or a torch file that contains more than tensors, which could run code.
    """
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: nothing is there, expected a file of weights") from None
    except pickle.UnpicklingError:
        raise WeightsError(
            f"{path}: holds more than tensors, which could run code; expected safetensors, or a torch file with only a "
            "state_dict: if you trust the file, load it and save its state_dict"
        ) from None
    except Exception as error:  # a damaged file can raise almost anything
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{path}: not a readable file of weights ({reason})") from None
    return _innermost(path, found), {}


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    own = "schema_version" in header
    return tensors, {key: json.loads(value) for key, value in header.items()} if own else {}


def _innermost(path: Path, found: object) -> dict[str, Tensor]:
    while isinstance(found, Mapping):
        key = next((key for key in CONTAINERS if isinstance(found.get(key), Mapping)), None)
        if key is None:
            return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
        found = found[key]
    raise WeightsError(f"{path}: holds a {type(found).__name__}, expected a dictionary of tensors")
