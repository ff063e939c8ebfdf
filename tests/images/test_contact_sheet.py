import numpy as np
import pytest
from PIL import Image

from scan_core.images.contact_sheet import write_contact_sheet
from tests.samples import noise


@pytest.mark.parametrize(
    ("count", "channels", "size", "width", "height"),
    [
        (100, 1, 8, 10 * 66 + 2, 10 * 66 + 2),  # enlarged 8 times, 2 pixels between
        (5, 3, 32, 3 * 66 + 2, 2 * 66 + 2),
        (1, 3, 100, 104, 104),
        (2, 1, 300, 2 * 258 + 2, 258 + 2),  # reduced to 256
    ],
)
def test_contact_sheet_size(tmp_path, count, channels, size, width, height):
    write_contact_sheet(tmp_path / "sheet.png", noise(count, channels, size, size))
    assert Image.open(tmp_path / "sheet.png").size == (width, height)


def test_contact_sheet_shows_the_pixels(tmp_path):
    images = noise(2, 3, 64, 64)
    write_contact_sheet(tmp_path / "sheet.png", images)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert np.array_equal(sheet[2:66, 2:66], images[0].transpose(1, 2, 0))
    assert np.array_equal(sheet[2:66, 68:132], images[1].transpose(1, 2, 0))
