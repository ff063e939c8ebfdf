import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages import embed, fetch, mine_neighbors, pretext_train, scan_train, self_label
from tests.parallel.team import Team, team
from tests.parallel.two_devices import SMALL_STEPS, TWO
from tests.pipeline import enter, run_stages, write_params


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """In each of the tests here."""


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Calls a function in two processes."""
    with team(tmp_path_factory.mktemp("team")) as both:
        yield both


@pytest.fixture(scope="session")
def by_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All trainings have run in one process."""
    folder = tmp_path_factory.mktemp("by_one")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch)
        write_params(folder, *SMALL_STEPS)
        run_stages(fetch, pretext_train, embed, mine_neighbors, scan_train, self_label)
    return folder


@pytest.fixture
def project(by_one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which asks for two devices."""
    folder = shutil.copytree(by_one, tmp_path / "project")
    enter(folder, monkeypatch)
    write_params(folder, *SMALL_STEPS, TWO)
    return folder
