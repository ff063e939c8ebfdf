import hashlib

from scan_core.data.digests import count_duplicates, pixels_digest
from tests.data.samples import noise


def test_pixels_digest_is_that_of_the_bytes():
    pixels = noise(5, 3, 4, 4)
    assert pixels_digest(pixels) == hashlib.sha256(pixels.tobytes()).hexdigest()


def test_count_duplicates():
    pixels = noise(6, 3, 4, 4)
    assert count_duplicates(pixels) == 0
    pixels[4] = pixels[5] = pixels[0]
    pixels[1] = pixels[2]
    assert count_duplicates(pixels) == 3
