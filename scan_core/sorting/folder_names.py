"""Names of folders for clusters, which every file system takes."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np
from pathvalidate import sanitize_filename

from scan_core.naming.groups import Groups

UNSURE = "unsure"
"""The folder of the pictures below the minimum confidence."""
MOST_BYTES = 100
"""Of a folder's name, as UTF-8; file systems take 143 to 255."""
LEAST_DIGITS = 3
BIDIRECTIONAL = str.maketrans("", "", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Removes what turns the direction of text, by which a path would look otherwise than it is."""


def folder_names(names: Sequence[str], grouped: Groups, *, reserved: Iterable[str]) -> tuple[str, ...]:
    """Return the name of each group's folder: that of its clusters, ``cluster-003`` where they have none.

    Characters that a file system may not take become ``_``, and marks of direction go; what is the same then, or
    without regard to case, gets a number. The group of junk and those without a name come first in this, the others in
    the order of their clusters.

    Args:
        names: of each cluster; empty for one without a name.
        grouped: the same clusters by name.
        reserved: names of files and folders that no group gets.
    """
    taken = {same(name) for name in reserved}
    digits = max(LEAST_DIGITS, len(str(len(names) - 1)))
    first = [int(np.flatnonzero(grouped.of_cluster == group)[0]) for group in range(len(grouped.names))]
    found = [""] * len(first)
    for group in sorted(range(len(first)), key=lambda group: (group != grouped.junk, names[first[group]] != "")):
        cluster = first[group]
        wanted = _safe(names[cluster]) if names[cluster] else f"cluster-{cluster:0{digits}d}"
        found[group] = _free(wanted, taken)
        taken.add(same(found[group]))
    return tuple(found)


def same(name: str) -> str:
    """Two names are one where a file system ignores case, or how a character is composed, if this text is the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _safe(name: str) -> str:
    text = unicodedata.normalize("NFC", name).translate(BIDIRECTIONAL)
    safe = sanitize_filename(text, platform="universal", replacement_text="_", max_len=MOST_BYTES)
    return f"_{safe.lstrip('.')}" if not safe or safe.startswith(".") else safe


def _free(wanted: str, taken: set[str]) -> str:
    numbered = (f"{wanted}-{number}" for number in count(2))
    return wanted if same(wanted) not in taken else next(name for name in numbered if same(name) not in taken)
