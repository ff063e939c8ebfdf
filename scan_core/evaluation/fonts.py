"""Which characters figures can show, by the fonts that are installed."""

from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from scan_core.console.progress import warn

USUAL = "DejaVu Sans"
"""Which comes with Matplotlib."""

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
"""Fonts of further scripts, asked where the usual one lacks a character."""


@cache
def families() -> list[str]:
    """The usual font, and the further ones that are installed."""
    installed = {font.name for font in fontManager.ttflist}
    return [USUAL, *(name for name in FURTHER if name in installed)]


def drawable(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` as figures show them: a class whose name no installed font can write is shown by its number.

    One warning says so.
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
