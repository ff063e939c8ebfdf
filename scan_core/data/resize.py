"""The one definition of resizing: short side to the wanted size, then the square in the middle."""

from PIL import Image

INTERPOLATION = "bilinear, antialiased; short side to image_size, then center crop"


def resize_and_crop(image: Image.Image, size: int) -> Image.Image:
    """Return the middle of ``image`` as ``size`` x ``size`` pixels; untouched where its short side is ``size``.

    The square is cut and scaled in one step, so a 1 x 10,000 image needs no large intermediate one; the filter still
    sees the pixels beyond the square's edge. Where the margins cannot be equal, the first is the smaller by a pixel.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = (left, top, left + side, top + side)
    if image.size == (size, size):
        return image
    if side == size:
        return image.crop(square)
    return image.resize((size, size), Image.Resampling.BILINEAR, box=square)
