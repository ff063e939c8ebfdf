"""Load weights of another project into a network of the same architecture."""

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from scan_core.console.progress import say
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.timm_encoder import TimmEncoder
from scan_core.errors import WeightsError

PREFIXES = ("module.", "encoder_q.", "backbone.", "encoder.", "network.")
"""Prefixes that wrappers add to the names of a network's weights. If one is found, names without it are left out."""
HEADS = ("fc", "head", "heads", "head_dist", "classifier", "projection", "projector", "projection_head", "prototypes")
"""Modules after the pooled features; their weights are left out."""
NAMED = 3
"""Number of weights to name in a message."""


def fit_weights(encoder: Encoder, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load ``tensors`` of the file ``path`` into ``encoder``, or into the network of timm that it holds.

    Prefixes are removed. Where timm has a conversion, names are converted to timm's, and position embeddings to the
    network's image size. Then all weights of the network must be there. Weights of a head or of another module are left
    out, with a message.

    Raises:
        WeightsError: weights are missing, left over, of another shape, or not finite; the message names the first.
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
        say(f"{path.name}: {len(expected)} weights are loaded; left out: {_some(left)}")


def _wrong(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Return what does not fit, by kind. ``num_batches_tracked`` may be missing, as in old files of PyTorch."""
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
    """Return the combination of ``PREFIXES`` that precedes the names of the network's weights."""
    prefix = ""
    while not any(name.startswith(prefix) and name.removeprefix(prefix) in expected for name in names):
        further = (each for each in PREFIXES if any(name.startswith(prefix + each) for name in names))
        if not (more := next(further, "")):
            break
        prefix += more
    return prefix


def _as_timm_names(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convert weights from their authors' names to those of ``network``, if timm has a function for it."""
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return tensors
    try:
        return dict(convert(dict(tensors), network))
    except (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        return tensors  # weights of another network; the comparison reports it


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
