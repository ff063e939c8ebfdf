from collections.abc import Iterator

import pytest
import torch

from tests.distributed.team import Team, team


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As each of the two processes has: more threads add up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", params=["memory", "gloo"])
def processes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Calls a function in two processes."""
    with team(tmp_path_factory.mktemp("team"), memory=request.param == "memory") as both:
        yield both
