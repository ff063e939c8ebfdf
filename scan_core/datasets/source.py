"""Interpret a source: a path, or an http(s) or file URL."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from scan_core.datasets.dataset import Source
from scan_core.errors import DataError


def locate(source: str | None, *, root: Path, key: str) -> Source:
    """Return a local path (relative ones start from ``root``), an unchanged http(s) URL, or None.

    Args:
        key: name of the parameter, for messages.

    Raises:
        DataError: a URL of another scheme, a file URL on another host, or the home of an unknown user.
    """
    if source is None:
        return None
    try:
        if "://" not in source:
            return root / Path(source).expanduser()
        url = urlsplit(source)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{key}: {source}: {error}; correct it") from error
    if url.scheme in ("http", "https"):
        return source
    if url.scheme == "file" and url.netloc in ("", "localhost"):
        return Path(unquote(url.path))
    raise DataError(f"{key}: {source}, expected a path or a URL that starts with http://, https:// or file:///")


def local_path(source: Source, *, name: str, expected: str) -> Path:
    """Return ``source`` as an existing path.

    Args:
        name: the dataset's name, for messages.
        expected: what should be there, for messages.

    Raises:
        DataError: no source, a URL, nothing at that path, or nothing readable.
    """
    if not isinstance(source, Path):
        raise _wrong(f"found {source or 'none'}, expected for {name} the local path of {expected}")
    try:
        found = source.exists()
        regular = source.is_file() or source.is_dir()
    except OSError as error:
        raise _wrong(f"{source} cannot be read ({error.strerror}), expected {expected}") from error
    if not found:
        raise _wrong(f"nothing at {source}, expected {expected}; correct the path")
    if not regular:
        raise _wrong(f"{source} is neither a file nor a folder, expected {expected}")
    if not os.access(source, os.R_OK | (os.X_OK if source.is_dir() else 0)):
        raise _wrong(f"{source} cannot be read (Permission denied); make it readable")
    return source


def _wrong(message: str) -> DataError:
    return DataError(message, argument="source")
