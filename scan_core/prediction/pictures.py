"""New pictures, in whatever form a program has them, decoded while a network looks at those before."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

from scan_core.datasets.walk import printable
from scan_core.errors import DataError
from scan_core.images.decode import MOST_PIXELS, to_rgb
from scan_core.images.decoded import DecodedImages
from scan_core.images.formats import UnreadableImageError
from scan_core.images.preparation import Preparation
from scan_core.images.resize import channels_first, picture_of
from scan_core.ingest.prepare import prepare

Picture: TypeAlias = str | Path | bytes | npt.NDArray[Any] | Image.Image
"""The path of a file, the file's bytes, pixels as uint8 [H, W, 3] or gray [H, W], or a picture of Pillow's."""

OnUnreadable: TypeAlias = Callable[[int, str], None]
"""Called, from any thread, with the number of a picture that cannot be read and the reason."""


class NewPictures(DecodedImages):
    """Pictures as the model of ``preparation`` takes them; one that cannot be read is black.

    Args:
        channels: of the model's images: a single one is the brightness of a picture's colors.
        on_unreadable: hears of what cannot be read, and may raise.
        workers: threads that decode.
        most_pixels: of a picture that is decoded at all.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        preparation: Preparation,
        device: torch.device,
        *,
        channels: int,
        on_unreadable: OnUnreadable,
        workers: int,
        most_pixels: int = MOST_PIXELS,
    ) -> None:
        size = preparation.image_size
        super().__init__((len(pictures), channels, size, size), device, workers=workers)
        self._pictures, self._preparation, self._most_pixels = pictures, preparation, most_pixels
        self._on_unreadable = on_unreadable

    def pixels(self, image_id: int) -> npt.NDArray[np.uint8]:
        try:
            stored = _stored(self._pictures[image_id], self._preparation)
            prepared = prepare(stored, self._preparation, encode=False, most_pixels=self._most_pixels).pixels
        except UnreadableImageError as error:
            self._on_unreadable(image_id, str(error))
            return np.zeros((self.channels, self.size, self.size), np.uint8)
        return _with_channels(prepared, self.channels)


def refuse(pictures: Sequence[Picture], *, first: int) -> OnUnreadable:
    """What raises DataError with the name of the picture that cannot be read.

    Args:
        first: the number of ``pictures[0]`` among all.
    """

    def on_unreadable(row: int, reason: str) -> None:
        picture = pictures[row]
        name = printable(str(picture)) if isinstance(picture, str | Path) else f"pictures[{first + row}]"
        raise DataError(f"{name}: {reason}")

    return on_unreadable


def as_list(pictures: Picture | Sequence[Picture]) -> Sequence[Picture]:
    """All of them, where there may be but one, or an array of several.

    Raises:
        DataError: an array of another shape than [N, H, W, 3], [N, H, W, 1] or [N, H, W].
    """
    if isinstance(pictures, np.ndarray):
        if pictures.ndim not in (3, 4) or (pictures.ndim == 3 and pictures.shape[-1] in (1, 3, 4)):
            raise DataError(
                f"an array of shape {list(pictures.shape)}, expected [N, H, W, 3] or, of gray pictures, [N, H, W]; "
                "put a single picture into a list"
            )
        return list(pictures)
    return [pictures] if isinstance(pictures, str | Path | bytes | Image.Image) else pictures


def _stored(picture: Picture, preparation: Preparation) -> bytes | Path | npt.NDArray[np.uint8]:
    """As :func:`prepare` takes it."""
    if isinstance(picture, str):
        return Path(picture)
    if isinstance(picture, Image.Image):
        return channels_first(to_rgb(ImageOps.exif_transpose(picture), preparation.levels))
    if isinstance(picture, np.ndarray):
        gray = picture[..., 0] if picture.ndim == 3 and picture.shape[-1] == 1 else picture
        whole = gray.dtype == np.uint8 and gray.size and (gray.ndim == 2 or (gray.ndim == 3 and gray.shape[-1] == 3))
        if not whole:
            raise UnreadableImageError(
                f"an array of {picture.dtype} {list(picture.shape)}, expected uint8 [H, W, 3] or, if it is gray, [H, W]"
            )
        return channels_first(gray)
    if not isinstance(picture, bytes | Path):
        raise UnreadableImageError(f"a {type(picture).__name__}, expected a path, an array or a picture of Pillow's")
    return picture


def _with_channels(pixels: npt.NDArray[np.uint8], channels: int) -> npt.NDArray[np.uint8]:
    if len(pixels) == channels:
        return pixels
    if channels == 1:
        return np.array(picture_of(pixels).convert("L"))[None]
    return np.repeat(pixels, channels, axis=0)
