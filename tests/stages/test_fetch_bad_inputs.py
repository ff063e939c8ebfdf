"""What people really have: each ends in one line that says what to do, or in a skip that is counted and listed."""

import csv
import errno
import json
import os
from pathlib import Path

import pytest

from scan_core.datasets import cifar10
from scan_core.datasets import download as download_module
from tests.pipeline import largest_file
from tests.samples import encode, noise, read_files, write_cifar_archive, write_picture
from tests.server import Behavior, serving

JPEG = encode(noise(64, 64, 3), "JPEG")


def _content(content):
    return lambda path: path.write_bytes(content)


def _oversized(path):
    path.touch()
    os.truncate(path, 2**40)


@pytest.fixture
def source(tmp_path, fetched):
    """A folder with three sound pictures in two classes."""
    folder = tmp_path / "source"
    for i in range(3):
        write_picture(folder / ("cat" if i else "dog") / f"{i}.png", noise(8, 8, 3, seed=i))
    return folder


def _skipped():
    with Path("reports/fetch/skipped.csv").open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (Path.touch, "empty (0 bytes)"),
        (_content(JPEG[:1500]), "image file is truncated"),
        (_content(b"Dear diary,\n"), "not a picture in one of the formats"),
        (os.mkfifo, "not a file, or a link to nothing"),
        (lambda path: path.symlink_to("nothing.jpg"), "not a file, or a link to nothing"),
        (lambda path: path.symlink_to(path.name), "not a file, or a link to nothing"),
        (_oversized, "1099511627776 bytes, at most 2147483648 are read"),
    ],
)
def test_unreadable_picture(fetched, source, capsys, write, reason):
    write(source / "cat/bad.jpg")
    assert fetched(name="folder") is None
    ((name, found),) = _skipped()
    assert name == "bad.jpg"
    assert reason in found
    assert json.loads(Path("reports/fetch/details.json").read_text())["skipped"] == 1
    assert "warning: skipped cat/bad.jpg: " in capsys.readouterr().err
    message = fetched(name="folder", on_bad_image="fail")
    assert message.startswith("cat/bad.jpg: ")
    assert reason in message
    assert "on_bad_image: skip" in message


def test_picture_without_permission(fetched, source, monkeypatch):
    read_bytes = Path.read_bytes

    def refuse(path):
        if path.name == "1.png":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert fetched(name="folder") is None
    assert _skipped() == [("1.png", "cannot be read (Permission denied)")]


def test_line_break_in_a_name(fetched, source, capsys):
    (source / "cat/two\nlines.jpg").write_text("woof")
    assert fetched(name="folder") is None
    assert "skipped cat/two\\nlines.jpg: not a picture" in capsys.readouterr().err
    assert fetched(name="folder", on_bad_image="fail").startswith("cat/two\\nlines.jpg: not a picture")


@pytest.mark.parametrize("link", [lambda path: path.symlink_to("gone.JPEG"), Path.mkdir, os.mkfifo])
def test_imagenet_picture_that_is_no_file(fetched, tmp_path, link):
    for i in range(3):
        write_picture(tmp_path / f"source/train/n01000000/{i}.JPEG", noise(8, 8, 3, seed=i))
    link(tmp_path / "source/train/n01000000/bad.JPEG")
    assert fetched(name="imagenet") is None
    ((name, reason),) = _skipped()
    assert name == "bad.JPEG"
    assert reason in ("cannot be read (No such file or directory)", "not a file")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"source": "../gone"}, "expected a folder of pictures"),
        ({"source": "../a\0b"}, "nothing at"),
        ({"source": "../fifo", "name": "cifar10"}, "is neither a file nor a folder"),
        ({"labels": "~nobody_of_this_name/labels.csv"}, "data.labels: ~nobody_of_this_name/labels.csv: Could not"),
        ({"labels": "https://host/a.csv"}, "data.labels: https://host/a.csv is a URL, expected the path of a CSV file"),
    ],
)
def test_parameters_that_lead_nowhere(fetched, source, tmp_path, data, message):
    os.mkfifo(tmp_path / "fifo")
    assert message in fetched(**{"name": "folder", **data})


def test_source_without_permission(fetched, source, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "cannot be read (Permission denied)" in fetched(name="folder")


@pytest.mark.parametrize("budget", [1.0, 1e-9], ids=["pixels", "shards"])
def test_full_disk(fetched, budget):
    pictures = {f"{i}.png": encode(noise(32, 32, 3, seed=i)) for i in range(40)}  # 3 kB each, as pixels and as files
    data = {"name": "folder", "image_size": 32, "pixels_budget": budget}
    assert fetched(pictures, **data) is None
    expected = read_files(Path("data"))
    assert fetched({name: pictures[name] for name in ("1.png", "2.png")}, name="folder") is None
    for size in (2**16, 2**14):
        with largest_file(size):
            message = fetched(pictures, **data)
        assert "cannot be written (File too large); free space" in message
        assert not any(path.name.startswith((".", "heap")) for path in Path("data").rglob("*"))
    assert fetched(**data) is None
    assert read_files(Path("data")) == expected


@pytest.mark.parametrize(
    ("behavior", "message"),
    [
        ({"status": 404}, "the server answered 404"),
        ({"cut_after": 1000, "ranges": False}, "the connection ended early (1000 bytes so far)"),
    ],
)
def test_server_that_fails(fetched, tmp_path, monkeypatch, behavior, message):
    archive = tmp_path / cifar10.OFFICIAL.file
    sha256 = write_cifar_archive(archive)
    monkeypatch.setattr(cifar10, "OFFICIAL", cifar10.OFFICIAL._replace(sha256=sha256))
    monkeypatch.setattr(download_module, "RETRY_SECONDS", 0.0)
    data = {"name": "cifar10", "train_splits": ["train"], "evaluate_splits": ["test"]}
    with serving(Behavior(**{"content": archive.read_bytes(), **behavior})) as (url, _):
        assert message in fetched(source=url, **data)
    with serving(Behavior(archive.read_bytes())) as (url, _):
        assert fetched(source=url, **data) is None
