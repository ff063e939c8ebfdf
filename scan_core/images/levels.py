"""Images of more than 8 bits: which values become black and white."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

WHITE = 255
BEYOND_DATA = 1e30
"""Real numbers as far from 0 stand for no value, as geographers' -3.4e38 does."""
OUTLIERS = 1e-4
"""At either end, this share of an image's values does not count: a camera's hot or dead pixels, for instance."""
FEWEST = 1_000
"""Of so many values and more, at least one at either end does not count."""
NARROW = 1 / 8
"""A band that is narrower than this share of its bits' range takes all levels; it would have fewer than 32 of 256."""
FEW = 32
"""Of 256 levels, or of whole numbers: too few to show much."""
NEARLY_ALL = 0.9
"""If at least this share of the images would be left with fewer than ``FEW`` levels, they alone set the levels."""
AT_A_TIME = 2**20
"""Values that are scaled together; they take 8 bytes each, several times."""


class Levels(NamedTuple):
    """The values that become 0 and 255 in images of more than 8 bits; further ones are clipped."""

    lowest: int = 0
    highest: int = 2**16 - 1
    """Of integers."""
    lowest_real: float = 0.0
    highest_real: float = 1.0
    """Of floating-point numbers."""


class Values(NamedTuple):
    """The finite values of an image, without outliers."""

    lowest: float
    highest: float
    whole: bool
    """Whether they are integers by their type."""


def is_deep(image: Image.Image) -> bool:
    """Whether it is gray and its mode has more than 8 bits for a pixel."""
    return image.mode.startswith("I") or image.mode == "F"


def values_of(pixels: npt.NDArray[Any], no_data: float = math.nan) -> Values | None:
    """The lowest and highest of ``pixels`` without ``OUTLIERS``, None where none is finite.

    Args:
        no_data: a further number that stands for no value.
    """
    complete = pixels.dtype.kind != "f" and math.isnan(no_data)
    finite = pixels if complete else pixels[_has_value(pixels) & (pixels != no_data)]
    if not finite.size:
        return None
    flat, spare = finite.reshape(-1), math.ceil(finite.size * OUTLIERS) if finite.size >= FEWEST else 0
    ends = np.partition(flat, (spare, flat.size - 1 - spare))
    return Values(float(ends[spare]), float(ends[-1 - spare]), whole=pixels.dtype.kind in "iu")


def common_levels(images: Iterable[Values | None]) -> Levels:
    """The levels that suit the values of all ``images``: none is clipped, or only a few that reach much farther.

    These few do not count where they would leave fewer than ``FEW`` levels to nearly all others (``NEARLY_ALL``), and
    keep as many themselves if they are clipped.

    Integers are taken to have as many bits as the highest of them needs, at least 8 (12, for instance, as cameras and
    scanners have); real numbers to lie between 0 and 255 where they do, or, if that is less, the next higher power of
    two (1, or 1/32 for instance). All others lie between their extremes, as do those in a narrow band of more than 8
    bits (a thermal camera's) and negative ones.
    """
    found = [values for values in images if values]
    whole, real = ([values for values in found if values.whole == kind] for kind in (True, False))
    return _levels_of(_without_few(whole) + _without_few(real))


def _without_few(found: list[Values]) -> list[Values]:
    """Return ``found``, all whole or all real, without a few that would leave nearly all others faint."""
    levels = _levels_of(found)
    faint = [values for values in found if is_faint(values, levels)]
    few = [values for values in found if _has_room(values) and not is_faint(values, levels)]
    others = [values for values in found if not _has_room(values) or is_faint(values, levels)]
    fitting = _levels_of(others)
    rare = NEARLY_ALL * (len(faint) + len(few)) <= len(faint)
    return others if rare and all(_covers(values, fitting) for values in few) else found


def _levels_of(found: list[Values]) -> Levels:
    """The levels by which no value of ``found`` is clipped."""
    levels = Levels()
    if whole := [values for values in found if values.whole]:
        low, high = _extremes(whole)
        bits = max(8, int(high).bit_length())
        narrow = high > WHITE and _is_narrow(low, high, float(FEW), 2.0**bits)
        lowest, highest = (int(low), int(high)) if low < 0 or narrow else (0, 2**bits - 1)
        levels = levels._replace(lowest=lowest, highest=highest)
    if real := [values for values in found if not values.whole]:
        low, high = _extremes(real)
        below = 2.0 ** math.ceil(math.log2(high)) if high > 0 else 1.0
        own = low < 0 or high > WHITE or _is_narrow(low, high, below / 1000, below)
        lowest_real, highest_real = (low, high) if own else (0.0, min(below, 255.0))
        levels = levels._replace(lowest_real=lowest_real, highest_real=highest_real)
    return levels


def _is_narrow(low: float, high: float, least: float, reach: float) -> bool:
    """Return whether values from ``low`` to ``high`` are few of those up to ``reach``, but differ by ``least``."""
    return least <= high - low < NARROW * reach


def is_faint(values: Values, levels: Levels) -> bool:
    """Return whether ``levels`` leave fewer than ``FEW`` of 256 to an image whose ``values`` have room for more."""
    return _has_room(values) and not _covers(values, levels)


def is_clipped(values: Values, levels: Levels) -> bool:
    """Return whether an image's ``values`` lie beyond ``levels``."""
    low, high = _reach(levels, whole=values.whole)
    return values.lowest < low or values.highest > high


def _has_room(values: Values) -> bool:
    return values.highest - values.lowest > (FEW if values.whole else 0)


def _covers(values: Values, levels: Levels) -> bool:
    """Return whether ``values``, clipped to ``levels``, have at least ``FEW`` of 256."""
    low, high = _reach(levels, whole=values.whole)
    return (min(values.highest, high) - max(values.lowest, low)) * 256 >= FEW * (high - low)


def _reach(levels: Levels, *, whole: bool) -> tuple[float, float]:
    return (float(levels.lowest), float(levels.highest)) if whole else (levels.lowest_real, levels.highest_real)


def _extremes(images: list[Values]) -> tuple[float, float]:
    return min(values.lowest for values in images), max(values.highest for values in images)


def _has_value(pixels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.isfinite(pixels) & (np.abs(pixels) < np.float64(BEYOND_DATA))


def to_8_bits(
    pixels: npt.NDArray[Any], levels: Levels, no_data: float = math.nan, *, white_is_0: bool = False
) -> npt.NDArray[np.uint8]:
    """``pixels`` [H, ...], integers or real numbers, by ``levels``; what is no number or ``no_data`` becomes 0, black.

    Args:
        white_is_0: whether the lowest value is white.
    """
    if pixels.dtype == np.uint16:
        return _scaled(np.arange(2**16), levels, no_data, white_is_0)[pixels]
    scaled = np.empty(pixels.shape, np.uint8)
    rows = max(1, AT_A_TIME * len(pixels) // max(pixels.size, 1))
    for row in range(0, len(pixels), rows):
        scaled[row : row + rows] = _scaled(pixels[row : row + rows], levels, no_data, white_is_0)
    return scaled


def _scaled(pixels: npt.NDArray[Any], levels: Levels, no_data: float, white_is_0: bool) -> npt.NDArray[np.uint8]:
    real = pixels.dtype.kind == "f"
    scaled = (_real_to_8_bits if real else _whole_to_8_bits)(pixels, levels).astype(np.uint8)
    valid = pixels != no_data
    return (~scaled if white_is_0 else scaled) * (valid & _has_value(pixels) if real else valid)


def _real_to_8_bits(pixels: npt.NDArray[Any], levels: Levels) -> npt.NDArray[np.float64]:
    span = levels.highest_real - levels.lowest_real or 1.0
    filled = np.where(_has_value(pixels), pixels.astype(np.float64), levels.lowest_real)
    return np.rint(np.clip((filled - levels.lowest_real) / span, 0, 1) * WHITE)


def _whole_to_8_bits(pixels: npt.NDArray[Any], levels: Levels) -> npt.NDArray[np.int64]:
    above = np.clip(pixels.astype(np.int64), levels.lowest, levels.highest) - levels.lowest
    return above * 256 // (levels.highest - levels.lowest + 1)
