"""Load weights from elsewhere into a network of the same architecture."""

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from scan_core.console.progress import say
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.timm_encoder import TimmEncoder
from scan_core.errors import WeightsError

PREFIXES = ("module.", "encoder_q.", "backbone.", "encoder.", "network.")
"""Prefixes that wrappers put before the names of a network's weights; names without it belong to something else."""
HEADS = ("fc", "head", "heads", "head_dist", "classifier", "projection", "projector", "projection_head", "prototypes")
"""Modules behind the pooled features; their weights may be left over."""
NAMED = 3
"""Number of weights that a message names."""


def fit_weights(encoder: Encoder, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load ``tensors`` of the file ``path`` into ``encoder``, or into the network of timm that it holds.

    Prefixes are removed. If timm can, it converts other names into its own, and positions to the network's image size.
    Then all weights of the network must be there; those of a head, or of something else, are named and left out.

    Raises:
        WeightsError: names the first weights that are missing, left over, of another shape or not finite.
    """
    network: nn.Module = encoder.network if isinstance(encoder, TimmEncoder) else encoder.get_submodule("")
    expected = network.state_dict()
    prefix = _prefix(tensors, expected)
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    found = _as_timm_names(network, own)
    if wrong := _wrong(found, expected):
        listed = "; ".join(f"{what}: {_some(names)}" for what, names in wrong.items())
        raise WeightsError(f"{path}: does not fit the network: {listed}")
    network.load_state_dict({name: found.get(name, tensor) for name, tensor in expected.items()})
    left = [name for name in found if name not in expected] + [name for name in tensors if not name.startswith(prefix)]
    if left:
        say(f"{path.name}: {len(expected)} weights are taken; left out: {_some(left)}")


def _wrong(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Return what does not fit, by kind. Old files of PyTorch lack ``num_batches_tracked``, which is fine."""
    wrong = {
        "missing": [name for name in expected if name not in found and not name.endswith("num_batches_tracked")],
        "left over": [name for name in found if name not in expected and name.partition(".")[0] not in HEADS],
        "of another shape": [
            f"{name} {tuple(found[name].shape)} for {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ],
        "not finite": [
            name for name, tensor in found.items() if tensor.is_floating_point() and not tensor.isfinite().all()
        ],
    }
    return {what: names for what, names in wrong.items() if names}


def _prefix(names: Collection[str], expected: Collection[str]) -> str:
    """Return the ``PREFIXES``, one after the other, that stand before the names of the network's weights."""
    prefix = ""
    while not any(name.startswith(prefix) and name.removeprefix(prefix) in expected for name in names):
        further = (each for each in PREFIXES if any(name.startswith(prefix + each) for name in names))
        if not (more := next(further, "")):
            break
        prefix += more
    return prefix


def _as_timm_names(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Turn weights as their authors name them into those of ``network``, where timm has a function for it."""
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return tensors
    try:
        return dict(convert(dict(tensors), network))
    except (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        return tensors  # they are of another network: the comparison will say so


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
