"""A text file of classes: a WordNet id at the beginning of each line, then optionally a name."""

import hashlib
import re
from pathlib import Path

from scan_core.datasets.download import download
from scan_core.errors import DataError

LINE = re.compile(r"(n[0-9]{8})(?:\s+(\S.*))?")
LARGEST = 2**20
"""Bytes of such a file; all of ImageNet's classes take a twentieth."""


def read_classes(source: Path | str, *, downloads: Path) -> dict[str, str]:
    """The name of each class (its id where the line has no other) by its WordNet id, in the file's order.

    Args:
        source: a local path, or an http(s) URL whose file is kept in ``downloads`` (delete it to have it anew).

    Raises:
        DataError: no such file, one over 1 MiB, a line that does not begin with a WordNet id, an id twice, or none.
    """
    path = source if isinstance(source, Path) else _download(source, downloads)
    classes = dict[str, str]()
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line.rstrip())
        if found is None:
            raise DataError(f"{path}, line {number}: {line[:40]!r}, expected a WordNet id such as n01440764 first")
        if found[1] in classes:
            raise DataError(f"{path}, line {number}: {found[1]} for the second time; remove one of the lines")
        classes[found[1]] = found[2] or found[1]
    if not classes:
        raise DataError(f"{path}: empty, expected a line for each class; correct data.classes_file")
    return classes


def _download(url: str, downloads: Path) -> Path:
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return download(url, downloads / f"classes-{name}.txt", sha256=None, max_bytes=LARGEST)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path}: {path.stat().st_size} bytes, expected a list of at most {LARGEST}")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); correct data.classes_file") from error
