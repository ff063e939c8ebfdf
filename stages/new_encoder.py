"""The encoder that params.yaml describes, and what to say where there can be none."""

from scan_core.encoders.build import make_encoder
from scan_core.encoders.encoder import Encoder
from scan_core.errors import ParamsError
from stages.params import EncoderParams


def new_encoder(encoder: EncoderParams, *, channels: int, image_size: int) -> Encoder:
    """Make it, with random weights; see :func:`scan_core.encoders.build.make_encoder`.

    Raises:
        ParamsError: there is no such encoder, or none for images of this size.
    """
    try:
        return make_encoder(encoder.name, encoder.arguments(), channels=channels, image_size=image_size)
    except ValueError as error:
        raise ParamsError(f"encoder.name: found {encoder.name} with data.image_size {image_size}: {error}") from None
