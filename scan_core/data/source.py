"""Reading ``data.source``: a path or an http(s) or file URL."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from scan_core.data.dataset import Source
from scan_core.errors import DataError


def locate(source: str | None, *, root: Path) -> Source:
    """A local path (``root`` completes a relative one), an http(s) URL as it is, or None.

    Raises:
        DataError: a URL of another scheme, or a file URL on another host.
    """
    if source is None:
        return None
    if "://" not in source:
        return root / Path(source).expanduser()
    url = urlsplit(source)
    if url.scheme in ("http", "https"):
        return source
    if url.scheme == "file" and url.netloc in ("", "localhost"):
        return Path(unquote(url.path))
    raise DataError(f"data.source: {source}, expected a path or a URL that starts with http://, https:// or file:///")


def local_path(source: Source, *, name: str, expected: str) -> Path:
    """``source`` as an existing path; ``name`` is the dataset's and ``expected`` says what should be there.

    Raises:
        DataError: no source, a URL, or nothing there.
    """
    if not isinstance(source, Path):
        raise DataError(f"data.source: {source or 'null'}, expected for data.name {name} the local path of {expected}")
    try:
        found = source.exists()
    except OSError as error:
        raise DataError(f"data.source: {source} cannot be read ({error.strerror}), expected {expected}") from error
    if not found:
        raise DataError(
            f"data.source: nothing at {source}, expected {expected}; correct the path (a relative one starts at the "
            "main repository's root)"
        )
    return source
