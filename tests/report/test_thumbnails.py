import base64
import io

import numpy as np
import pytest
from PIL import Image

from scan_core.report.thumbnails import sheet


def _read(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2]))))


@pytest.mark.parametrize("channels", [1, 3])
def test_sheet_has_the_images_row_by_row(channels: int):
    # Tiles of 4 px shrink to 2 px, which PNG keeps exactly.
    gray = np.array([10, 20, 30], dtype=np.uint8)
    images = np.broadcast_to(gray[:, None, None, None], (3, channels, 4, 4)).copy()
    found = sheet(images, largest=2, columns=2)
    pixels = _read(found.uri).reshape(4, 4, channels)
    assert (found.columns, found.rows) == (2, 2)
    assert [int(pixels[row, column, 0]) for row, column in ((0, 0), (1, 3), (2, 1), (3, 3))] == [10, 20, 30, 255]


def test_photographs_become_jpeg():
    noise = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    found = sheet(noise, largest=32, columns=4)
    assert found.uri.startswith("data:image/jpeg;base64,")
    assert _read(found.uri).shape == (32, 128, 3)
