import errno
import hashlib
from pathlib import Path

import pytest

from scan_core.datasets import download as module
from scan_core.datasets.download import download
from scan_core.errors import DataError
from tests.server import Behavior, serving

CONTENT = bytes(range(256)) * 40  # 10,240 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "archive.tar.gz"


def _names(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} - {"archive.tar.gz.lock"}


def test_download_whole_file_once(target):
    with serving(Behavior(CONTENT)) as (url, requests):
        assert download(url, target, sha256=SHA256) == target
        assert download(url, target, sha256=SHA256) == target
    assert target.read_bytes() == CONTENT
    assert requests == [None]
    assert _names(target) == {"archive.tar.gz"}


def test_download_resumes_within_a_run(target):
    with serving(Behavior(CONTENT, cut_after=4000)) as (url, requests):
        download(url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert requests == [None, "bytes=4000-", "bytes=8000-"]


def test_download_resumes_in_a_later_run(target):
    target.parent.mkdir()
    target.with_name("archive.tar.gz.part").write_bytes(CONTENT[:1000])
    with serving(Behavior(CONTENT)) as (url, requests):
        download(url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert requests == ["bytes=1000-"]


def test_download_goes_on_where_only_the_name_was_missing(target):
    target.parent.mkdir()
    target.with_name("archive.tar.gz.part").write_bytes(CONTENT)
    with serving(Behavior(CONTENT)) as (url, _):
        download(url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("announce_length", [True, False])
def test_download_starts_over_where_the_server_cannot_resume(target, announce_length):
    target.parent.mkdir()
    target.with_name("archive.tar.gz.part").write_bytes(b"x" * 1000)
    with serving(Behavior(CONTENT, ranges=False, announce_length=announce_length)) as (url, _):
        download(url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 500])
def test_download_refused(target, status):
    with serving(Behavior(CONTENT, status=status)) as (url, _), pytest.raises(DataError, match=f"answered {status}"):
        download(url, target, sha256=SHA256)
    assert _names(target) <= {"archive.tar.gz.part"}


def test_download_html_page(target):
    page = Behavior(b"<html>log in first</html>", kind="text/html; charset=utf-8")
    with serving(page) as (url, _), pytest.raises(DataError, match="HTML page, expected the file itself"):
        download(url, target, sha256=SHA256)
    assert not target.exists()


def test_download_wrong_checksum(target):
    with serving(Behavior(CONTENT[::-1])) as (url, _), pytest.raises(DataError, match="wrong checksum") as error:
        download(url, target, sha256=SHA256)
    assert "\n" not in str(error.value)
    assert _names(target) == set()


def test_download_without_a_checksum_starts_anew(target):
    target.parent.mkdir()
    target.with_name("archive.tar.gz.part").write_bytes(b"of an older version")
    with serving(Behavior(CONTENT)) as (url, requests):
        download(url, target, sha256=None, max_bytes=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert requests == [None]


@pytest.mark.parametrize("announce_length", [True, False])
def test_download_larger_than_allowed(target, announce_length):
    behavior = Behavior(CONTENT, announce_length=announce_length)
    with serving(behavior) as (url, _), pytest.raises(DataError, match="more than 10239 bytes, expected a smaller"):
        download(url, target, sha256=None, max_bytes=len(CONTENT) - 1)
    assert not target.exists()


def test_download_short_body_keeps_what_arrived(target):
    short = Behavior(CONTENT, cut_after=4000, ranges=False)
    with serving(short) as (url, requests), pytest.raises(DataError, match=r"ended early \(4000 bytes so far\)"):
        download(url, target, sha256=SHA256)
    assert len(requests) == 1 + module.ATTEMPTS
    assert _names(target) == {"archive.tar.gz.part"}


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/archive.tar.gz", "file:///etc/passwd"])
def test_download_follows_no_redirection_to_another_scheme(target, location):
    with serving(Behavior(CONTENT, status=302, location=location)) as (url, _), pytest.raises(DataError):
        download(url, target, sha256=SHA256)
    assert not target.exists()


def test_download_no_server(target):
    with serving(Behavior()) as (url, _):
        pass
    with pytest.raises(DataError, match="no connection"):
        download(url, target, sha256=SHA256)


def test_download_full_disk(target, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_continue", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)"):
        download("http://127.0.0.1/", target, sha256=SHA256)
