from collections.abc import Iterator

import pytest

from tests.distributed.team import Team, team


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Calls a function in two processes."""
    with team(tmp_path_factory.mktemp("team")) as both:
        yield both
