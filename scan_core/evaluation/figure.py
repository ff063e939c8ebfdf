"""One style for all figures, and reproducible PNG files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from scan_core.artifacts.atomic import atomic_path
from scan_core.evaluation.fonts import families

DPI = 100
BLUE, ORANGE, GRAY = "#2b6ca3", "#e08214", "#b8bcc2"


@contextmanager
def look() -> Iterator[None]:
    """Use this project's style inside the block, whatever the user's matplotlibrc; ``$`` in names is not math."""
    settings = {
        "figure.dpi": DPI,
        "font.family": families(),
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "text.parse_math": False,
    }
    with matplotlib.style.context(["default", settings]):
        yield


def save_png(path: Path, figure: Figure) -> None:
    """Write ``figure`` atomically, without the time and version that Matplotlib adds."""
    with look(), atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def shorten(name: str, length: int) -> str:
    """Return ``name``, cut to ``length`` characters if it is longer, with an ellipsis at the end."""
    return name if len(name) <= length else f"{name[: length - 1]}…"
