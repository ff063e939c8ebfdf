"""Make the encoder that params.yaml describes, with the weights that it starts from."""

from pathlib import Path

from scan_core.datasets.source import locate
from scan_core.encoders.build import make_encoder
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretrained import HUB, PACKAGED, start_from
from scan_core.encoders.start import Start
from scan_core.errors import ParamsError, WeightsError
from stages.params import EncoderParams
from stages.paths import main_root

OTHERWISE = (
    "; fetch them once where there is a network, or set encoder.weights to packaged (with encoder.name: "
    "timm/tf_efficientnet_lite0) or to the path of a file"
)


def new_encoder(encoder: EncoderParams, *, channels: int, image_size: int) -> Encoder:
    """Make the encoder with random weights; see :func:`scan_core.encoders.build.make_encoder`.

    Raises:
        ParamsError: there is no such encoder, or none for images of this size.
    """
    try:
        return make_encoder(encoder.name, encoder.arguments(), channels=channels, image_size=image_size)
    except ValueError as error:
        raise ParamsError(f"encoder.name: found {encoder.name} with data.image_size {image_size}: {error}") from None


def started_encoder(encoder: EncoderParams, *, channels: int, image_size: int) -> tuple[Encoder, Start]:
    """Make the encoder with the weights that ``encoder.weights`` names; see :func:`new_encoder`.

    Raises:
        ParamsError: as there; or the weights cannot be had, or are those of another network.
    """
    made = new_encoder(encoder, channels=channels, image_size=image_size)
    described = {"architecture": encoder.name, "arguments": encoder.arguments()}
    file = weights_file(encoder)
    try:
        return made, start_from(made, file or encoder.weights, described=described, channels=channels)
    except WeightsError as error:
        raise ParamsError(f"encoder.weights: {error}{OTHERWISE if encoder.weights == HUB else ''}") from None


def weights_file(encoder: EncoderParams) -> Path | None:
    """Return the file that ``encoder.weights`` names, relative to the main repository's root; None where it is none.

    Raises:
        ParamsError: a URL.
    """
    if encoder.weights in (None, PACKAGED, HUB):
        return None
    path = locate(encoder.weights, root=main_root(), key="encoder.weights")
    if not isinstance(path, Path):
        raise ParamsError(f"encoder.weights: found {encoder.weights}, expected {PACKAGED}, {HUB} or the path of a file")
    return path
