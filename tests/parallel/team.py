"""Two processes with a gloo group between them, which a test gives functions to call."""

import multiprocessing
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

PROCESSES = 2


class Team:
    def __init__(self, members: list[SpawnProcess], connections: list[Connection]) -> None:
        self.members, self.connections = members, connections

    def __call__(self, function: Callable[..., Any], *arguments: object) -> list[Any]:
        """What ``function`` (of a module) returns in each process; fails where it fails."""
        for connection in self.connections:
            connection.send((function, arguments))
        for connection in self.connections:
            assert connection.poll(180), "no answer within three minutes: does one process wait for the other?"
        answers = [connection.recv() for connection in self.connections]
        for failure, _ in answers:
            assert not failure, failure
        return [answer for _, answer in answers]


@contextmanager
def team(folder: Path) -> Iterator[Team]:
    """The two processes, until the end of the block."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(PROCESSES)]
    members = [
        context.Process(target=_work, args=(rank, folder / "store", pipe[1]), daemon=True)
        for rank, pipe in enumerate(pipes)
    ]
    for member in members:
        member.start()
    yield Team(members, [pipe[0] for pipe in pipes])
    for member in members:
        member.kill()
        member.join()


def _work(rank: int, store: Path, connection: Connection) -> None:
    torch.set_num_threads(1)
    method = f"file://{store}"
    dist.init_process_group("gloo", init_method=method, rank=rank, world_size=PROCESSES, timeout=timedelta(seconds=60))
    while True:
        function, arguments = connection.recv()
        try:
            connection.send((None, function(*arguments)))
        except Exception:
            connection.send((traceback.format_exc(), None))
