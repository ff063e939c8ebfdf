"""Fetching whatever a test puts there, with the checks that hold for any of it."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from scan_core.artifacts.index import read_index
from scan_core.artifacts.labels import read_labels
from scan_core.errors import ScanError
from stages import fetch
from stages.params import DataParams
from tests.samples import encode, noise, read_files
from tests.stages.fetching import DIGITS

WRITABLE = ("data", "reports", ".downloads")


@pytest.fixture
def _project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))


@pytest.fixture
def run_fetch(_project, monkeypatch):
    def run(*, global_seed=0, pretext_splits=(), **data):
        config = SimpleNamespace(  # all that fetch may read
            seed=global_seed,
            data=DataParams(**{**DIGITS, **data}),
            pretext=SimpleNamespace(train_splits=pretext_splits),
            runtime=SimpleNamespace(threads=2),
        )
        monkeypatch.setattr(fetch, "load_params", lambda _: config)
        fetch.main()
        return json.loads(Path("reports/fetch/details.json").read_text())

    return run


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A project with images from before, and a function that fetches others and returns the error's message or None.

    What it fetches are ``files`` by their names in the folder ``../source``, where given; ``data`` are parameters.
    """
    project, source = tmp_path / "project", tmp_path / "source"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("DVC_ROOT", str(project))

    def run(files: dict[str, bytes] | None = None, **data: object) -> str | None:
        if files is not None:
            shutil.rmtree(source, ignore_errors=True)
        for name, content in (files or {}).items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        config = SimpleNamespace(
            seed=0,
            data=DataParams(**{**DIGITS, "source": "../source", "image_size": 8, **data}),
            pretext=SimpleNamespace(train_splits=()),
            runtime=SimpleNamespace(threads=1),
        )
        monkeypatch.setattr(fetch, "load_params", lambda _: config)
        earlier, outside = read_files(Path("data")), _outside(tmp_path)
        try:
            fetch.main()
        except ScanError as error:
            message = str(error)
            assert message
            assert message.isprintable()  # which a line break is not
            assert read_files(Path("data")) == earlier
        else:
            message = None
            read_labels(
                Path("data/artifacts/labels.parquet"), rows=len(read_index(Path("data/artifacts/index.parquet")).split)
            )
        assert _outside(tmp_path) == outside
        return message

    assert run({f"{i}.png": encode(noise(8, 8, 3, seed=i)) for i in range(3)}, name="folder") is None
    shutil.rmtree(source)
    return run


def _outside(root: Path) -> dict[str, bytes]:
    writable = (*(f"project/{name}/" for name in WRITABLE), "project/.resume/last_times.json")
    return {name: content for name, content in read_files(root).items() if not name.startswith(writable)}
