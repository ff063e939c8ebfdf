"""Tensors by way of shared memory, of every kind that two processes give each other."""

import math
from collections.abc import Iterator

import pytest
import torch

from tests.distributed import cases
from tests.distributed.team import Team, team

pytestmark = pytest.mark.xdist_group("distributed")


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Two processes that share memory."""
    with team(tmp_path_factory.mktemp("sharing"), memory=True) as both:
        yield both


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8])
@pytest.mark.parametrize("shape", [(), (0,), (3, 2), (2**20 + 1,)], ids=["scalar", "empty", "small", "many rounds"])
def test_each_has_what_all_gave(shape: tuple[int, ...], dtype: torch.dtype, sharing: Team):
    count = math.prod(shape)
    given = [(torch.arange(count) % 50 + 100 * rank).view(shape).to(dtype) for rank in range(2)]
    for gathered, summed in sharing(cases.exchanged, shape, dtype):
        assert torch.equal(gathered, torch.stack(given))
        assert torch.equal(summed, given[0] + given[1])
        assert gathered.dtype == summed.dtype == dtype


def test_values_that_are_not_contiguous(sharing: Team):
    for gathered in sharing(cases.exchanged_transposed):
        assert torch.equal(gathered, torch.stack([torch.arange(6).view(2, 3).T, torch.arange(6).view(2, 3).T + 100]))


def test_one_that_comes_late_is_waited_for_and_none_overtakes(sharing: Team):
    # In round r process p gives 2 r + p: the sums are 4 r + 1, whoever sleeps.
    for sums in sharing(cases.exchanged_at_different_times, 60):
        assert sums == [4 * number + 1 for number in range(60)]


def test_no_file_is_left(sharing: Team):
    for names in sharing(cases.mapped_files):
        (name,) = names
        assert name.endswith(" (deleted)")
