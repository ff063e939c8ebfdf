"""The loop over epochs of every training: run the remaining ones, show and save them."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from dvclive.live import Live
from torch import Tensor

from scan_core.console.progress import epoch_progress, warn
from scan_core.console.words import counted
from scan_core.errors import TrainingError
from scan_core.parallel.distributed import rank, wait_for_all
from scan_core.training.chance import first_look
from scan_core.training.resume import History, Resume
from scan_core.training.state import State


@runtime_checkable
class Training(Protocol):
    """A training that runs one epoch at a time, with a state that can be saved after each."""

    def run_epoch(self) -> dict[str, float]: ...
    def state_dict(self) -> State: ...
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None: ...


class EpochError(TrainingError):
    """An epoch has failed, after those of ``history``; ``reason`` contains no path of this machine."""

    def __init__(self, reason: str, history: History, *, state: str = "") -> None:
        super().__init__(reason + state)
        self.reason, self.history = reason, history


class _Curves(Live):
    """DVCLive without its use of git: DVC tracks the stage, and git has no commit to look at in a new repository.

    Nor does it post to DVC Studio, which needs that commit: Ctrl-C while its thread starts would wait forever.
    """

    def _init_dvc(self) -> None:
        self._inside_dvc_pipeline = True

    def post_data_to_studio(self) -> None:
        """Do nothing."""


def train(
    training: Training,
    *,
    report: Path,
    epochs: int,
    costs: Sequence[float] | None = None,
    resume: Resume,
    shown: tuple[str, ...],
    settings: str = "",
    chance: Callable[[History], str | None] = lambda history: None,
    stop: Callable[[History], bool] = lambda history: False,
) -> History:
    """Run ``training`` for up to ``epochs`` epochs, or until ``stop``; a killed training continues where it was.

    Args:
        report: the folder whose ``live`` takes DVCLive's files; it has the name of the step, for messages.
        costs: the relative time of each epoch, to estimate the time left; None means equal ones.
        shown: the metrics to print after each epoch; DVCLive's files get all of them.
        settings: the place of this training's settings, for the message of an epoch that fails.
        chance: returns a message if the epochs are no better than chance; called after a tenth of them.

    Returns:
        The metrics of every epoch, including those before a kill.

    Raises:
        EpochError: an epoch has failed.
    """
    stage, saved = report.name.replace("_", "-"), resume.load()
    wait_for_all()  # else rank 0, with nothing left to train, might clear the state before others read it
    history: History = []
    if saved:
        state, history = saved
        training.load_state_dict(state)
    with (
        _curves(report / "live") as log,
        epoch_progress(stage, done=len(history), total=epochs, costs=costs) as show,
    ):
        for metrics in history:
            log(metrics)
        over = len(history) >= epochs or stop(history)
        while not over:
            history.append(_run_epoch(training, stage, history, resume=resume, settings=settings))
            over = len(history) >= epochs or stop(history)
            if rank() == 0:
                resume.save(training.state_dict, history, last=over)
            log(history[-1])
            show(len(history), {name: history[-1][name] for name in shown})
            if len(history) == first_look(epochs) and (message := chance(history)):
                warn(f"{stage}: {message}")
            if skipped := int(history[-1]["skipped_steps"]):
                warn(f"skipped {counted(skipped, 'step')} whose loss or gradient was not finite")
    return history


def _run_epoch(training: Training, stage: str, history: History, *, resume: Resume, settings: str) -> dict[str, float]:
    try:
        return training.run_epoch()
    except TrainingError as error:
        good = f"; the state after epoch {resume.saved_epochs} is in {resume}" if resume.saved_epochs else ""
        reason = f"{stage}, epoch {len(history) + 1}: {error}" + (f" ({settings})" if settings else "")
        raise EpochError(reason, history, state=good) from None


@contextmanager
def _curves(folder: Path) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """Yield a function that writes an epoch's metrics to DVCLive's files; only rank 0 writes."""
    if rank():
        yield lambda metrics: None
        return
    shutil.rmtree(folder, ignore_errors=True)  # never write into a file that may be a link into DVC's cache
    with _Curves(dir=str(folder), save_dvc_exp=False, dvcyaml=None, report=None) as live:
        yield partial(_log, live)


def _log(live: Live, metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        live.log_metric(name, float(f"{value:.6g}"))
    live.next_step()  # type: ignore[no-untyped-call]
