"""Write digits of unequal frequency as pictures: ``python -m benchmarks.paper.unequal_digits FOLDER``.

These are the images of tables/unequal.yaml: 710 of scikit-learn's digits, the rarest a tenth as often as the most
frequent one, in a geometric series whose order is drawn at random.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from sklearn.datasets import load_digits

from scan_core.console.progress import tell
from scan_core.errors import ParamsError
from stages.cli import run

MOST = 174
"""Images of the most frequent digit."""
SHARES = tuple(round(MOST * 10 ** (-place / 9)) for place in range(10))
"""Images of each digit, the most frequent one first."""


def main(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Write the pictures to FOLDER/<digit>/; the pipeline takes the folders' names as classes, for scores alone."""
    if folder.exists():
        raise ParamsError(f"{folder}: exists; name a new folder")
    digits, random = load_digits(), np.random.default_rng(0)
    for label, count in zip(random.permutation(len(SHARES)), SHARES, strict=True):
        (folder / str(label)).mkdir(parents=True)
        for row in random.permutation(np.flatnonzero(digits.target == label))[:count]:
            pixels = np.rint(digits.images[row] * (255 / 16)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / str(label) / f"{row:04d}.png")
    tell(f"{sum(SHARES)} pictures in {folder}")


if __name__ == "__main__":
    run(main)
