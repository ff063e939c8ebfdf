"""Read a CSV file that names the classes of images: UTF-8, with the columns ``file`` and ``label``."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from scan_core.errors import DataError

COLUMNS = ("file", "label")


def read_label_file(path: Path, pictures: Sequence[str]) -> list[str | None]:
    """Return the label of each of ``pictures`` (paths relative to their root, with ``/``), None if the file has none.

    Raises:
        DataError: no such file, another layout, an image that does not exist or is named twice, or no label at all.
    """
    known, labels = set(pictures), dict[str, str]()
    for line, picture, label in _rows(path):
        if picture not in known:
            raise DataError(
                f"{path}, line {line}: no picture {picture!r} in data.source; write its path relative to that folder, "
                "with / between the parts, or remove the line"
            )
        if picture in labels:
            raise DataError(f"{path}, line {line}: {picture!r} for the second time; leave one line for each picture")
        if not label:
            raise DataError(f"{path}, line {line}: no label; remove the line if {picture!r} has none")
        labels[picture] = label
    if not labels:
        raise DataError(f"{path}: no line below the header, expected one for each labeled picture; set data.labels")
    return [labels.get(picture) for picture in pictures]


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, file and label."""
    if path.exists() and not path.is_file():  # reading from a named pipe would wait forever
        raise DataError(f"{path}: not a regular file, expected a CSV file; correct data.labels")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_header(path, reader.fieldnames or ())
            for row in reader:
                if None in row or None in row.values():
                    expected = len(reader.fieldnames or ())
                    raise DataError(f"{path}, line {reader.line_num}: not {expected} fields; quote those with a comma")
                yield reader.line_num, row["file"], row["label"]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.reader.line_num}: not CSV ({error}); correct it") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); correct data.labels") from error


def _check_header(path: Path, found: Sequence[str]) -> None:
    if set(COLUMNS) - set(found):
        names = ", ".join(map(repr, found)) or "none"
        raise DataError(f"{path}, line 1: columns {names}, expected file and label; correct the header")
