"""Fonts for figures, and the characters that they can show."""

from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from scan_core.console.progress import warn

USUAL = "DejaVu Sans"
"""The default font, which comes with Matplotlib."""

FURTHER = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
"""Fonts of other scripts, used if the default font lacks a character."""


@cache
def families() -> list[str]:
    """Return the default font, and those of ``FURTHER`` that are installed."""
    installed = {font.name for font in fontManager.ttflist}
    return [USUAL, *(name for name in FURTHER if name in installed)]


def drawable(names: Sequence[str]) -> tuple[str, ...]:
    """Return ``names`` as figures show them: by its number if no installed font has all characters of a name.

    One warning reports such names.
    """
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families()]

    def lacking(name: str) -> set[str]:
        return {each for each in name if not any(font.get_char_index(ord(each)) for font in fonts)}

    shown = [f"class {number}" if lacking(name) else name for number, name in enumerate(names)]
    if missing := sorted(set().union(*map(lacking, names))):
        warn(
            f"no installed font has {''.join(missing[:5])}: figures show {sum(map(bool, map(lacking, names)))} classes "
            "by their numbers, which are the rows of confusion.csv; tables have the names"
        )
    return tuple(shown)
