"""Read a text file of classes: each line has a WordNet id, then optionally a name."""

import hashlib
import re
from pathlib import Path

from scan_core.datasets.download import download
from scan_core.errors import DataError

LINE = re.compile(r"(n[0-9]{8})(?:\s+(\S.*))?")
LARGEST = 2**20
"""Upper limit of the file's bytes, twenty times what ImageNet's classes take."""


def read_classes(source: Path | str, *, downloads: Path) -> dict[str, str]:
    """Return WordNet id -> name of each class, in the file's order; the id is the name if the line has no other.

    Args:
        source: a local path, or an http(s) URL; its file stays in ``downloads`` (delete it to download again).

    Raises:
        DataError: no such file, more than 1 MiB, a line without a WordNet id at its beginning, a repeated id, or none.
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
        raise DataError(f"{path}: empty, expected a line for each class; give another list", argument="classes_file")
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
        message = f"{path}: cannot be read ({error.strerror}); make it readable or give another list"
        raise DataError(message, argument="classes_file") from error
