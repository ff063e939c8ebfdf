"""Ways to damage a file, and a picture of each format to damage."""

import random
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from tests.samples import encode, noise

BLOCK = 512
KINDS = ("overwrite", "overwrite", "insert", "delete", "repeat", "truncate")
ODD = (b"\xff" * 8, b"\0" * 8, b"\x80" + b"\0" * 11, b"\n", b'"', b"\xef\xbb\xbf", b"{", b"[", b": ", b"-1", b"1e400")


class Edit(NamedTuple):
    kind: str
    at: int
    """Counted from the end where negative; beyond the end it begins anew."""
    length: int
    fresh: bytes

    def apply(self, content: bytes) -> bytes:
        at = self.at % (len(content) + 1)
        stop = at + self.length
        return {
            "overwrite": content[:at] + self.fresh + content[at + len(self.fresh) :],
            "insert": content[:at] + self.fresh + content[at:],
            "delete": content[:at] + content[stop:],
            "repeat": content[:stop] + content[at:],
            "truncate": content[:at],
        }[self.kind]


def damage(content: bytes, edits: list[Edit]) -> bytes:
    for edit in edits:
        content = edit.apply(content)
    return content


def damage_at_random(content: bytes, draw: random.Random) -> bytes:
    """``content`` after one to four edits; half of the time within its first 200 bytes, where headers are."""
    edits = [
        Edit(
            draw.choice(KINDS),
            draw.randrange(200) if draw.random() < 0.5 else draw.randrange(len(content) + 1),
            draw.choice((1, 2, 8, 64, BLOCK)),
            draw.choice(ODD) if draw.random() < 0.5 else draw.randbytes(draw.randint(1, 8)),
        )
        for _ in range(draw.randint(1, 4))
    ]
    return damage(content, edits)


def pictures() -> dict[str, bytes]:
    """A small picture of each format that is read, and of each way to store more or fewer than 8 bits."""
    rgb, deep = noise(12, 9, 3), noise(12, 9).astype(np.uint16) * 16
    formats = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF")
    found = {kind: encode(rgb, kind) for kind in formats}
    found |= {"deep PNG": encode(deep), "deep TIFF": encode(deep, "TIFF"), "deep PPM": encode(deep, "PPM")}
    found |= {"real TIFF": encode(deep.astype(np.float32), "TIFF"), "gray JPEG": encode(noise(9, 9), "JPEG")}
    found |= {"transparent PNG": encode(noise(9, 9, 4)), "TIFF by LZW": encode(rgb, "TIFF", compression="tiff_lzw")}
    file = BytesIO()
    frames = [Image.fromarray(noise(9, 9, seed=seed)) for seed in range(3)]
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[274] = 6
    return found | {"animated GIF": file.getvalue(), "turned JPEG": encode(rgb, "JPEG", exif=exif)}
