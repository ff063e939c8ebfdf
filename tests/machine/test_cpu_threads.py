import time
from collections.abc import Iterator

import pytest
import torch

from scan_core.machine import cpu_threads
from scan_core.machine.cpu_threads import FittingThreads, choose_threads, fastest, halves


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(cpu_threads, "MOST", 4)
    yield
    torch.set_num_threads(before)


def test_halves():
    assert halves(1) == [1]
    assert halves(2) == [2, 1]
    assert halves(12) == [12, 6, 3, 1]


@pytest.mark.parametrize(
    ("seconds", "count"),
    [
        ({2: 0.55, 1: 1.0}, 2),
        ({2: 0.85, 1: 1.0}, 1),  # hardly a gain: by luck, beside another program
        ({2: 8.0, 1: 1.0}, 1),
        ({8: 0.2, 4: 0.3, 2: 0.5, 1: 1.0}, 8),
        ({8: 0.2, 4: 0.18, 2: 0.5, 1: 1.0}, 8),  # longer work gains more
        ({8: 9.0, 4: 0.3, 2: 0.5, 1: 1.0}, 4),  # others have half of the cores
        ({8: 9.0, 4: 5.0, 2: 0.95, 1: 1.0}, 1),
    ],
)
def test_the_fastest_number_of_threads(seconds: dict[int, float], count: int):
    assert fastest(seconds) == count


def test_few_threads_where_many_are_slow(
    four_threads: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def work() -> None:
        time.sleep(0.001 if torch.get_num_threads() == 1 else 0.01)

    monkeypatch.setattr(cpu_threads, "_small_network", lambda: work)
    torch.set_num_threads(4)
    choose_threads()
    choose_threads()
    assert torch.get_num_threads() == 1
    said = capsys.readouterr().err
    assert said.startswith("computing on 1 of 4 threads: all take ")
    assert said.count("\n") == 1
    monkeypatch.setattr(cpu_threads, "_small_network", lambda: lambda: time.sleep(0.01 / torch.get_num_threads()))
    choose_threads()
    assert torch.get_num_threads() == 4
    assert capsys.readouterr().err == "computing on all 4 threads again\n"


def test_a_number_that_the_user_set_stays(four_threads: None, monkeypatch: pytest.MonkeyPatch):
    torch.set_num_threads(3)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    choose_threads()
    assert torch.get_num_threads() == 3


def test_the_trial_leaves_random_state_alone(four_threads: None):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    choose_threads()
    assert torch.equal(torch.get_rng_state(), before)


def run(
    seconds: list[float],
    monkeypatch: pytest.MonkeyPatch,
    *,
    device: str = "cpu",
    epochs: int = 1,
    share: float = 1.0,
) -> list[int]:
    """The steps, which take so long by the clock, after which the number of threads was chosen again.

    All threads get ``share`` of the time of their cores.
    """
    now, chosen = [0.0], list[int]()
    monkeypatch.setattr(cpu_threads.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cpu_threads.time, "process_time", lambda: now[0] * share * cpu_threads.MOST)
    watcher, step = FittingThreads(torch.device(device)), 0
    monkeypatch.setattr(cpu_threads, "choose_threads", lambda: chosen.append(step))
    per_epoch = len(seconds) // epochs
    for epoch in range(epochs):
        for duration in watcher.watch(seconds[epoch * per_epoch : (epoch + 1) * per_epoch]):
            step += 1
            now[0] += duration
        now[0] += 100  # between epochs nothing counts
    return chosen


def test_steps_that_take_far_longer_are_a_reason_to_choose_again(monkeypatch: pytest.MonkeyPatch):
    assert run([1.0] * 9 + [4.0] + [4.0] * 5, monkeypatch) == [10]  # then 4 s are the measure
    assert run([1.0] * 9 + [2.9] * 9, monkeypatch) == []
    assert run([1.0] * 4 + [5.0] * 4, monkeypatch, epochs=2) == [
        6
    ]  # windows reach into the next epoch: 3 x 1, 1 + 5, 5
    assert run([1.0] * 9 + [50.0] * 9, monkeypatch, device="meta") == []


def test_few_threads_are_tried_again_after_a_minute(four_threads: None, monkeypatch: pytest.MonkeyPatch):
    torch.set_num_threads(1)
    assert run([10.0] * 13, monkeypatch) == [1, 7, 13]
    torch.set_num_threads(4)
    assert run([10.0] * 13, monkeypatch) == []


def test_threads_that_wait_for_others_are_tried_again(four_threads: None, monkeypatch: pytest.MonkeyPatch):
    torch.set_num_threads(4)
    assert run([10.0] * 13, monkeypatch, share=0.7) == [1]  # all are the fastest, so that is usual
    assert run([10.0] * 13, monkeypatch, share=0.8) == []
    assert run([1.0] * 9, monkeypatch, share=0.7) == [3]  # the first window of three seconds


@pytest.mark.parametrize(("more", "kept"), [(9.0, 4), (11.0, 1)])
def test_more_threads_that_are_slower_are_given_up(
    four_threads: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: float, kept: int
):
    now, trials, threads = [0.0], list[float](), list[int]()

    def trial() -> None:
        trials.append(now[0])
        torch.set_num_threads(4)

    monkeypatch.setattr(cpu_threads.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cpu_threads.time, "process_time", lambda: now[0] * cpu_threads.MOST)
    monkeypatch.setattr(cpu_threads, "choose_threads", trial)
    torch.set_num_threads(1)
    for _ in FittingThreads(torch.device("cpu")).watch(range(4)):
        threads.append(torch.get_num_threads())
        now[0] += 10.0 if torch.get_num_threads() == 1 else more
    assert threads == [1, 4, kept, kept]
    assert trials == [10.0]  # the next one a minute later
    assert ("computing on 1 of 4 threads again: steps took 1.1 times as long" in capsys.readouterr().err) == (kept == 1)
