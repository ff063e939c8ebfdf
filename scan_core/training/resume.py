"""Keep a training's state on disk, so that a killed one continues after the last saved epoch."""

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from scan_core.artifacts.model import read_model, weights_checksum, write_model
from scan_core.console.progress import say, warn
from scan_core.errors import ArtifactError
from scan_core.parallel.distributed import rank, wait_for_all
from scan_core.training.lock import exclusive
from scan_core.training.state import State

History = list[dict[str, float]]
SHARE_OF_TIME = 0.05
"""Share of a training's time that saving may take; if epochs are too short for that, some are not saved."""


class Resume:
    """The state of one training on disk, outside the artifacts: ``saved_epochs`` of it are done.

    Args:
        awaited: tells whether other runs wait for this one's result.
    """

    def __init__(self, folder: Path, *, awaited: Callable[[], bool] = lambda: False) -> None:
        self._folder, self._awaited = folder, awaited
        self._file = folder / "state.safetensors"
        self._quickest = math.inf
        self._next_save = 0.0
        self.saved_epochs = 0
        self.resumed = False
        """Whether a training goes on from what was saved before."""

    def __str__(self) -> str:
        return str(self._file)

    def path(self, name: str) -> Path:
        """Return the path for a further file of this training, which another run of the same training finds."""
        return self._folder / name

    def load(self) -> tuple[State, History] | None:
        """Return the state after the last saved epoch and the metrics so far, or None to start from scratch."""
        if not self._file.exists():
            return None
        try:
            state, metadata = read_model(self._file, keys=["history", "checksum"])
            history: History = metadata["history"]
            if metadata["checksum"] != _checksum(state, history):
                raise ArtifactError(f"{self._file}: damaged, its checksum differs")
        except ArtifactError as error:
            warn(f"{error}; starting anew")
            return None
        self.saved_epochs, self.resumed = len(history), True
        say(f"going on after epoch {len(history)} ({self._file})")
        return state, history

    def save(self, state: Callable[[], State], history: History, *, last: bool = False) -> None:
        """Replace the state by that after one more epoch, unless the last saving was too recent.

        The ``last`` epoch is always saved.
        """
        started = time.monotonic()
        if last or started >= self._next_save:
            taken = {name: value.cpu() for name, value in state().items()}
            write_model(self._file, taken, {"history": history, "checksum": _checksum(taken, history)})
            self.saved_epochs = len(history)
            finished = time.monotonic()
            self._quickest = min(self._quickest, finished - started)  # one slow saving says little about the next
            self._next_save = finished + self._quickest / SHARE_OF_TIME

    def clear(self) -> None:
        """Remove the state: the training has succeeded and its artifacts are written.

        If another run waits, the state stays: that run has nothing left to train, and removes it in turn.
        """
        if not self._awaited():
            shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def hold(folder: Path) -> Iterator[Resume]:
    """Hold the state in ``folder`` during one training, exclusively.

    Several processes are one run, of which rank 0 saves; another number of processes can continue from the same state.
    """
    with exclusive(folder.with_suffix(".lock")) if rank() == 0 else nullcontext(lambda: False) as awaited:
        wait_for_all()
        yield Resume(folder, awaited=awaited)


def _checksum(state: State, history: History) -> str:
    return hashlib.sha256(json.dumps([weights_checksum(state), history]).encode()).hexdigest()
