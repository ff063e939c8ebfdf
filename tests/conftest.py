"""What many tests need: tiny images, and a check that skips have a named reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from scan_core.images.images import ResidentImages
from tests.evaluated import make_results

__all__ = ["make_results"]


@pytest.fixture
def tiny_images() -> ResidentImages:
    """24 images, 1x8x8, of two kinds: bright left half, bright right half, with noise."""
    pixels = np.random.default_rng(0).integers(0, 60, (24, 1, 8, 8), dtype=np.uint8)
    pixels[::2, :, :, :4] += 180
    pixels[1::2, :, :, 4:] += 180
    return ResidentImages(pixels, torch.device("cpu"))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As processes that tests start have: more threads add up in another order."""
    with on_one_thread():
        yield


@contextmanager
def on_one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def dvc_project(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which DVC knows the results of the tiny pipeline."""
    from tests.pipeline import clone, copy_data, dvc, write_params

    folder = clone(tmp_path_factory.mktemp("clone"))
    write_params(folder)
    copy_data(finished, folder)
    dvc(folder, "commit", "--force")
    return folder


@pytest.fixture(scope="session")
def recorded_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[str]]]:
    """A tiny project in which all stages have run, and the leaves of params.yaml that each has read."""
    from tests.pipeline import STAGES, enter, run_stages, write_params
    from tests.reads import recorded

    folder, reads = tmp_path_factory.mktemp("finished"), {}
    with pytest.MonkeyPatch.context() as patch, on_one_thread():
        enter(folder, patch)
        write_params(folder)
        for stage in STAGES:
            with recorded(stage) as reads[stage.__name__.removeprefix("stages.")]:
                run_stages(stage)
    return folder, reads


@pytest.fixture(scope="session")
def finished(recorded_run: tuple[Path, dict[str, set[str]]]) -> Path:
    """A tiny project in which all stages have run, in this process; no test changes it."""
    return recorded_run[0]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder: the working directory."""
    from tests.pipeline import enter

    enter(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def project(empty: Path) -> Path:
    """A tiny project in which no stage has run: the working directory."""
    from tests.pipeline import write_params

    write_params(empty)
    return empty


@pytest.fixture
def ran(finished: Path, project: Path) -> Path:
    """A copy of the project in which all stages have run: the working directory."""
    from tests.pipeline import copy_data

    copy_data(finished, project)
    return project
