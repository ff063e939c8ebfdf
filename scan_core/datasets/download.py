"""Download one file over http(s): resume after a broken connection, check the checksum, then rename."""

import fcntl
import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from io import BufferedReader
from pathlib import Path
from urllib import request
from urllib.error import HTTPError

from scan_core.console.progress import track
from scan_core.errors import DataError

ATTEMPTS = 3
"""Number of consecutive attempts without a new byte before giving up."""
RETRY_SECONDS = 1.0
TIMEOUT_SECONDS = 30.0
MEBIBYTE = 2**20
RANGE_NOT_SATISFIABLE = 416


class _BrokenConnectionError(Exception):
    pass


def download(url: str, target: Path, *, sha256: str | None, max_bytes: int | None = None) -> Path:
    """Download ``url`` to ``target`` unless it exists; an unfinished download is in ``target``.part.

    Args:
        sha256: the expected checksum; if None, an earlier run's unfinished download is not continued.
        max_bytes: the upper limit of the file's size.

    Raises:
        DataError: the server refuses, the connection breaks repeatedly, the file is another one, or the disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_name(f"{target.name}.lock")):
            if not target.exists():
                if sha256 is None:
                    part.unlink(missing_ok=True)
                _complete(url, part, max_bytes)
                if sha256 is not None:
                    _check_arrived(url, part, sha256)
                part.replace(target)
    except OSError as error:
        raise DataError(f"{part}: cannot be written ({error.strerror}); free space, then run again") from error
    return target


def check_sha256(path: Path, file: BufferedReader, expected: str) -> None:
    """Raise DataError unless ``file``, opened from ``path``, has this SHA-256; then rewind it."""
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    if found != expected:
        raise DataError(
            f"{path}: SHA-256 {found}, expected {expected}: not the official file, so it was not opened; "
            "delete it and run again, or give another source",
            argument="source",
        )


def _check_arrived(url: str, part: Path, sha256: str) -> None:
    try:
        with part.open("rb") as file:
            check_sha256(part, file, sha256)
    except DataError:
        size = part.stat().st_size
        part.unlink()
        raise DataError(
            f"{url}: wrong checksum (SHA-256 of the {size} bytes is not {sha256}), so the download was deleted; "
            "run again, or take another mirror or a local copy",
            argument="source",
        ) from None


def _complete(url: str, part: Path, max_bytes: int | None) -> None:
    """Call :func:`_continue` until the whole file is there."""
    most, failures = 0, 0
    while True:
        try:
            _continue(url, part, max_bytes)
            return
        except _BrokenConnectionError as error:
            size = part.stat().st_size if part.exists() else 0
            failures = 0 if size > most else failures + 1
            most = max(most, size)
            if failures == ATTEMPTS:
                raise DataError(
                    f"{url}: {error} ({most} bytes so far); check the connection and run again, or "
                    "use a mirror or a local copy"
                ) from error
        time.sleep(RETRY_SECONDS)


def _continue(url: str, part: Path, max_bytes: int | None) -> None:
    """Download the rest of ``part``."""
    offset = part.stat().st_size if part.exists() else 0
    response = _open(url, offset=offset)
    if response is None:
        return
    with response, part.open("ab") as file:
        if response.headers.get_content_type() == "text/html":
            raise DataError(f"{url}: the server sent an HTML page, expected the file itself; correct the URL")
        if not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            file.truncate(0)
        length = response.length or 0
        total = file.seek(0, 2) + length
        chunks = _read(response)
        total_mib = math.ceil(length / MEBIBYTE)
        for chunk in track(chunks, description=f"download {part.stem}", total=total_mib, unit="MiB"):
            file.write(chunk)
            if max_bytes is not None and file.tell() > max_bytes:
                raise DataError(f"{url}: more than {max_bytes} bytes, expected a smaller file; correct the URL")
        if length and file.tell() < total:
            raise _BrokenConnectionError("the connection ended early")


def _open(url: str, *, offset: int) -> HTTPResponse | None:
    """Return the response from byte ``offset`` on (from 0 if it has no such Content-Range); None if nothing is left."""
    opener = request.OpenerDirector()  # build_opener would also follow a redirect to ftp
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    try:
        return opener.open(request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE:
            return None
        raise DataError(
            f"{url}: the server answered {error.code} {error.reason}, expected a file; correct the URL or try later"
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise _BrokenConnectionError(f"no connection ({getattr(error, 'reason', error)})") from error


def _read(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(MEBIBYTE):
            yield chunk
    except (OSError, HTTPException) as error:
        raise _BrokenConnectionError("the connection broke") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock; other processes wait for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
