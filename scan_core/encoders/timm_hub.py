"""Load the weights that timm publishes on its hub; the hub's client downloads them once and caches them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from scan_core.artifacts.model import weights_checksum
from scan_core.encoders.start import Start
from scan_core.encoders.timm_encoder import TimmEncoder, size_arguments
from scan_core.errors import WeightsError

SECONDS = 5
"""Time to wait for the hub's answer; without an answer, only the cache is used."""


def load_published(encoder: TimmEncoder) -> Start:
    """Load the published weights into ``encoder``; the tag at the end of their name says what they were trained with.

    Raises:
        WeightsError: timm publishes none, or they are not in the cache and cannot be fetched.
    """
    import timm

    cfg = timm.get_pretrained_cfg(encoder.name)
    if cfg is None or not cfg.has_weights:
        raise WeightsError(f"hub: timm publishes no weights of {encoder.name}")
    name = f"{cfg.architecture}.{cfg.tag}" if cfg.tag else encoder.name
    arguments = size_arguments(encoder.name, encoder.image_size)
    try:
        with _without_retries():
            network = timm.create_model(encoder.name, num_classes=0, pretrained=True, **arguments)
    except Exception as error:  # almost anything, from the hub's client or from loading
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"hub: {name} is not in the cache and cannot be fetched ({reason})") from None
    weights = network.state_dict()
    encoder.network.load_state_dict(weights)
    digest = weights_checksum(weights)
    return Start(f"what timm's {name} was (from the hub, sha256 {digest[:12]})", encoder.normalization, digest)


@contextmanager
def _without_retries() -> Iterator[None]:
    """Use only the cache if the hub does not answer: the hub's client would retry for most of a minute."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _answers(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _answers(url: str) -> bool:
    try:
        urlopen(Request(url, method="HEAD"), timeout=SECONDS).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True
