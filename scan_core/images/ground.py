"""Lay transparent pictures on a ground that they contrast with."""

import numpy as np
from PIL import Image

NEARLY_WHITE = 224
"""A transparent picture whose pixels, weighed by their opacity, are as bright in the mean is laid on black."""


def flattened(image: Image.Image) -> Image.Image:
    """Return an image of any mode of 8 bits as RGB, what is transparent laid on a ground that it contrasts with."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode == "La":  # gray multiplied by its opacity, which Pillow converts to LA alone
        image = image.convert("LA")
    return (_on_ground(image.convert("RGBA")) if image.has_transparency_data else image).convert("RGB")


def _on_ground(image: Image.Image) -> Image.Image:
    """Lay an RGBA image on white, or on black where on white nothing of it would be seen.

    Where all of it is transparent, the alpha channel is taken to be a fault, and left out.
    """
    brightness, alpha = np.asarray(image.convert("L")), np.asarray(image.getchannel("A"), np.float64)
    visible = alpha.sum()
    if not visible:
        return image
    ground = "black" if (brightness * alpha).sum() / visible >= NEARLY_WHITE else "white"
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image)
