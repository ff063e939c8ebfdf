"""Read the classes of pictures from a CSV file: UTF-8 or UTF-16, with a column of files and one of labels."""

import codecs
import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from scan_core.console.progress import warn
from scan_core.console.words import counted
from scan_core.datasets.dataset import class_of, split_of
from scan_core.errors import DataError

FILE_COLUMNS = (
    "file", "filename", "path", "filepath", "image", "imagepath", "imagename", "imagefile", "imageid", "img", "imgpath",
    "imgname", "imgid", "id",
)  # fmt: skip
LABEL_COLUMNS = (
    "labelname", "classname", "label", "labels", "class", "classid", "categoryname", "category", "target",
    "speciesname", "species", "breed",
)  # fmt: skip
"""Names of columns, as ``find_column`` compares them; the first that exists is used, so names go before numbers."""
BINARY = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"\x1f\x8b": "a gzip file",
}
"""What a file is that begins with these bytes."""
SHOWN = 3
HEADER_SHOWN = 200
"""Number of characters of a wrong header in its message."""
WHOLE_PATHS = (1, 3)
"""Which of ``_Finder``'s names are paths, with and without suffix."""


def read_label_file(path: Path, pictures: Sequence[str], *, split: str | None = None) -> list[str | None]:
    """Return the label of each of ``pictures`` (paths relative to their root, with ``/``), None if the file has none.

    A row names a picture by its path, or by the end of a longer path. If there is no such path, it is the only picture
    of that file name, whatever its folder, suffix, or case. Backslashes equal slashes, composed characters equal
    decomposed ones, and blanks around a name or label are ignored. A picture whose label is empty has none. A warning
    reports rows that name no picture.

    Args:
        split: the split that the name of the pictures' folder stands for; if the table names it, rows of other splits
            name no picture.

    Raises:
        DataError: no such file, another layout, a picture with two labels, no label, or no row that names a picture.
    """
    find, rows = _Finder(pictures), list(_rows(path))
    own = split if any(_split(name) == split for _, name, _ in rows) else None
    labels: dict[str, str | None] = {}
    unknown, contrary = [], []
    for line, name, label in rows:
        picture = find(name) if own is None or _split(name) in (None, own) else None
        if picture is None:
            unknown.append(f"line {line}: {name!r}")
            continue
        if labels.setdefault(picture, label) != label:
            earlier = labels[picture] or "no label"
            contrary.append(f"line {line}: {picture!r} has {label or 'no label'!r}, earlier {earlier!r}")
    if contrary:
        raise DataError(
            f"{path}: {counted(len(contrary), 'row')} with another label than an earlier one of the same picture "
            f"({'; '.join(contrary[:SHOWN])}); keep one row for each picture"
        )
    if not labels:
        raise DataError(
            f"{path}: none of its {len(unknown)} rows names one of the {len(pictures)} pictures"
            f"{f' ({unknown[0]})' if unknown else ''}, expected paths below their folder, such as {pictures[0]}",
            argument="labels",
        )
    if not any(labels.values()):
        raise DataError(f"{path}: no row has a label; fill the column of labels", argument="labels")
    if unknown:
        warn(
            f"{path}: {counted(len(labels), 'picture')} named, {counted(len(unknown), 'row')} without one "
            f"({', '.join(unknown[:SHOWN])}); these rows are ignored"
        )
    return [labels.get(picture) for picture in pictures]


class _Finder:
    """Finds the picture that a row of the table names."""

    def __init__(self, pictures: Sequence[str]) -> None:
        paths = {picture: PurePosixPath(_plain(picture)) for picture in pictures}
        names = [
            [(str(path), picture) for picture, path in paths.items()],
            [(path.name, picture) for picture, path in paths.items()],
            [(str(path.with_suffix("")), picture) for picture, path in paths.items()],
            [(path.stem, picture) for picture, path in paths.items()],
        ]
        self._names = [dict(zip(pictures, pictures, strict=True)), *map(_unique, names)]
        self._in_any_case = [_unique((name.lower(), picture) for name, picture in pairs) for pairs in names]

    def __call__(self, name: str) -> str | None:
        path = name.strip().replace("\\", "/").removeprefix("./")
        plain = _plain(path)
        found = [names.get(key) for names in self._names for key in (path, plain)]
        found += [self._names[whole].get(part) for part in _below(plain) for whole in WHOLE_PATHS]
        found += [names.get(plain.lower()) for names in self._in_any_case]
        return next(filter(None, found), None)


def _below(path: str) -> list[str]:
    """Return ``path`` without its first folder, its first two, ...: tables often name folders around the source."""
    parts = path.split("/")
    return [] if ".." in parts else ["/".join(parts[start:]) for start in range(1, len(parts))]


def _split(path: str) -> str | None:
    """Return the split that the last folder of ``path`` with such a name stands for."""
    return next(filter(None, map(split_of, reversed(path.replace("\\", "/").split("/")[:-1]))), None)


def _unique(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the pictures by their names, without names that several pictures have."""
    pairs = list(names)
    count = Counter(name for name, _ in pairs)
    return {name: picture for name, picture in pairs if count[name] == 1}


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _rows(path: Path) -> Iterator[tuple[int, str, str | None]]:
    """Yield line number, file and class; None if there is no class."""
    if path.exists() and not path.is_file():  # reading from a named pipe would wait forever
        raise DataError(f"{path}: not a regular file, expected a CSV file; give another one", argument="labels")
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            start = 0
            header = file.readline()
            if header.lower().startswith("sep="):  # so Excel is told of the separator
                start, header = file.tell(), file.readline()
            file.seek(start)
            reader = csv.DictReader(file, delimiter=_delimiter(header), skipinitialspace=True, strict=True)
            found = reader.fieldnames or ()
            picture, label = _column(path, found, FILE_COLUMNS), _column(path, found, LABEL_COLUMNS)
            if twice := [name for name in (picture, label) if list(found).count(name) > 1]:
                raise DataError(f"{path}, line 1: several columns {twice[0]!r}; rename all but one", argument="labels")
            if split := find_column(found, ("split",)):
                warn(f"{path}: column {split} is ignored: splits are taken from the pictures' folders")
            for row in reader:
                if None in row or None in row.values():
                    raise DataError(
                        f"{path}, line {reader.line_num}: not {len(found)} fields; quote those that hold a separator"
                    )
                if any(value.strip() for value in row.values()):
                    yield reader.line_num + bool(start), row[picture], class_of(row[label])
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.reader.line_num}: not CSV ({error}); correct it") from error
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); make it readable or give another one"
        raise DataError(message, argument="labels") from error


def _encoding(path: Path) -> str:
    """Return UTF-8, or UTF-16 if the file begins with its mark (Excel's "Unicode text")."""
    with path.open("rb") as file:
        start = file.read(4)
    for magic, kind in BINARY.items():
        if start.startswith(magic):
            raise DataError(f"{path}: {kind}, expected a table as text; save it as CSV", argument="labels")
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _delimiter(header: str) -> str:
    """Return the most frequent of comma, semicolon, tab and vertical bar in the header."""
    return max(",;\t|", key=header.count)


def find_column(found: Iterable[str], names: Iterable[str]) -> str | None:
    """Return the column of ``found`` with the first of ``names`` that occurs, None if none does.

    Upper or lower case, ``_``, ``-`` and blanks make no difference.
    """
    plain = {re.sub(r"[\s_-]", "", column).lower(): column for column in reversed(list(found))}
    return next((plain[name] for name in names if name in plain), None)


def _column(path: Path, found: Sequence[str], names: Sequence[str]) -> str:
    if (column := find_column(found, names)) is not None:
        return column
    columns = ", ".join(map(repr, found)) or "none"
    raise DataError(
        f"{path}, line 1: columns {columns[:HEADER_SHOWN]}{'...' * (len(columns) > HEADER_SHOWN)}, expected a file "
        f"({', '.join(FILE_COLUMNS)}) and a label ({', '.join(LABEL_COLUMNS)}); correct the header"
    )
