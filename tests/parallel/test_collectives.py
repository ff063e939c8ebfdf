"""What two processes give each other, by way of shared memory and by gloo."""

import math
import os
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch

from stages import processes as stage_processes
from tests.parallel import cases
from tests.parallel.team import Team, team

pytestmark = pytest.mark.xdist_group("distributed")


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8]
)
@pytest.mark.parametrize("shape", [(), (0,), (3, 2), (2**20 + 1,)], ids=["scalar", "empty", "small", "many rounds"])
def test_each_has_what_all_gave(shape: tuple[int, ...], dtype: torch.dtype, processes: Team):
    count = math.prod(shape)
    given = [(torch.arange(count) % 50 + 100 * rank).view(shape).to(dtype) for rank in range(2)]
    for gathered, summed in processes(cases.exchanged, shape, dtype):
        assert torch.equal(gathered, torch.stack(given))
        assert torch.equal(summed, given[0] + given[1])
        assert gathered.dtype == summed.dtype == dtype


def test_values_that_are_not_contiguous(processes: Team):
    for gathered in processes(cases.exchanged_transposed):
        assert torch.equal(gathered, torch.stack([torch.arange(6).view(2, 3).T, torch.arange(6).view(2, 3).T + 100]))


def test_one_that_comes_late_is_waited_for_and_none_overtakes(processes: Team):
    # In round r process p gives 2 r + p: the sums are 4 r + 1, whoever sleeps.
    for sums in processes(cases.exchanged_at_different_times, 60):
        assert sums == [4 * number + 1 for number in range(60)]


@pytest.mark.parametrize(("first", "second"), [(5, 4), (0, 4)])
def test_one_that_gives_less_is_named(first: int, second: int, tmp_path: Path):
    with team(tmp_path, memory=True) as processes:
        assert processes(cases.exchanged_of_different_sizes, first, second) == [
            f"process 1 gives {4 * second} bytes, 0 {4 * first}",
            f"process 0 gives {4 * first} bytes, 1 {4 * second}",
        ]


def test_one_that_has_ended_is_not_waited_for(tmp_path: Path):
    with team(tmp_path, memory=True) as processes:
        first, second = processes.connections
        second.send((os._exit, (0,)))
        processes.members[1].join()
        first.send((cases.exchanged, ((3,), torch.float32)))
        failure, _ = first.recv()
        assert "process 1 has ended" in failure


@pytest.mark.parametrize(("own", "everyone", "shares"), [(2, 2, True), (2, 4, False)])
def test_stages_on_one_machine_share_memory(own: int, everyone: int, shares: bool, monkeypatch: pytest.MonkeyPatch):
    block = MagicMock()
    monkeypatch.setattr(stage_processes, "in_shared_memory", block)
    monkeypatch.setattr(stage_processes, "dist", MagicMock())
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(own))
    monkeypatch.setenv("WORLD_SIZE", str(everyone))
    stage_processes._join(lambda config, device: None, MagicMock(), torch.device("cpu"))
    assert block.called == shares
