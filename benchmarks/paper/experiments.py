"""Run settings with DVC's experiment queue in a copy of the project, and record each result as soon as it is there."""

import contextlib
import io
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import dvc.api
import psutil
from dvc.exceptions import DvcException
from dvc.repo import Repo

from benchmarks.paper import results
from benchmarks.paper.copy import CODE, LEFT_OUT, ROOT, STAGES, call, end_processes, processes, start_workers
from benchmarks.paper.oracle import with_oracle
from benchmarks.paper.place import Place
from benchmarks.paper.tables import Setting
from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say
from scan_core.console.words import duration
from scan_core.errors import DataError, ScanError, one_line
from stages.paths import DETAILS, METRICS, PARAMS
from stages.use import main as use

NAMES = Path(".dvc/tmp/paper.json")
"""In the copy, while a queue is not finished: its project, and the run of each experiment, by its name."""
LOOK = 0.5
"""Seconds between two checks for finished runs."""
ASK = 60.0
"""Seconds between two calls of ``dvc queue status``, each of which takes a second or more."""
ASK_IDLE = 5.0
"""The same while nothing works in the copy: a run has failed, or a worker was ended or has not started yet."""
PATHS = ("data.source", "data.labels", "data.classes_file", "encoder.weights")


class Run(NamedTuple):
    """A setting with a seed."""

    setting: Setting
    seed: int
    folder: str
    """Name of the folder of results."""
    label: str
    """The name of the row, for messages."""


def queue(copy: Path, runs: Sequence[Run], where: Place, *, jobs: int) -> list[str]:
    """Run ``runs`` in the copy ``copy``, ``jobs`` at a time; return a line for each that failed."""
    failed, waiting = [], {}
    commit = _commit()
    started = time.monotonic()
    clock = Clock(copy)
    try:
        for number, run in enumerate(runs):
            try:
                _put(copy, run, name := f"run-{number}", where)
            except (ScanError, DvcException) as error:
                failed.append(f"{run.label}, seed {run.seed}: {one_line(str(error))}")
                say(failed[-1])
                continue
            waiting[name] = run
        _remember(copy, waiting, commit=commit)
        if waiting:  # all are queued by now: a worker that starts a run while another is queued may fail at DVC's lock
            start_workers(copy, jobs=jobs)
        failed += _wait(copy, waiting, commit=commit, clock=clock, jobs=jobs)
        (copy / NAMES).unlink()  # all are recorded: a result that somebody removes from results/ runs again
    finally:
        end_processes(copy)
    took = time.monotonic() - started
    say(f"the queue took {duration(took)}, in which stages ran for {duration(clock.seconds)}")
    return failed


def keep_finished(copy: Path) -> None:
    """Record the results that a killed queue of this project has left in its copy, as far as they can be read."""
    try:
        left = json.loads((copy / NAMES).read_text(encoding="utf-8"))
        finished = _finished(copy)
    except (OSError, ValueError, DataError):
        return
    if left.get("project") != str(ROOT):  # also the list of an older version, which named none
        return
    for name, (values, oracle, seed, folder, label, commit) in left["runs"].items():
        run = Run(Setting(tuple(values), oracle), seed, folder, label)
        if name in finished and seed not in results.read(results.RESULTS / folder, run.setting):
            try:
                _keep(copy, run, finished[name], commit=commit)
            except Exception as error:  # DVC's libraries raise errors of their own
                say(f"{label}, seed {seed}: runs again, for its result cannot be read: {one_line(str(error))}")


class Clock:
    """Adds up how long stages run in the copy, to compare with how long the queue takes.

    It checks every half a second, so a stage counts a quarter of a second too little on average.
    """

    def __init__(self, copy: Path) -> None:
        self._copy, self._seen = copy, dict[psutil.Process, float]()

    def look(self) -> bool:
        """Update the times of all stages that run now; return whether any process works in the copy."""
        now, working = time.time(), processes(self._copy)
        for process in working:
            with contextlib.suppress(psutil.Error):
                if any(word.startswith(STAGES) for word in process.cmdline()):
                    self._seen[process] = now - process.create_time()
        return bool(working)

    @property
    def seconds(self) -> float:
        """Return the total over all stages so far."""
        return sum(self._seen.values())


def _put(copy: Path, run: Run, name: str, where: Place) -> None:
    """Write the run's parameters to the copy's params.yaml, and queue it."""
    arguments = [*map(_absolute, where.values), *run.setting.values, f"seed={run.seed}"]
    (copy / PARAMS).unlink(missing_ok=True)  # otherwise use would keep its data.source
    with quiet():
        use(where.preset, arguments, params=copy / PARAMS)
    with with_oracle(copy / "dvc.yaml", run.setting.oracle), contextlib.chdir(copy), Repo() as repo, quiet():
        repo.experiments.run(targets=["evaluate"], name=name, queue=True)  # here: starting DVC takes a second


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress the output of other modules."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _absolute(value: str) -> str:
    """Return KEY=VALUE with an absolute path, which is valid in the copy, too."""
    key, _, text = value.partition("=")
    return f"{key}={(ROOT / text).resolve()}" if key in PATHS and (ROOT / text).exists() else value


def _remember(copy: Path, waiting: Mapping[str, Run], *, commit: str) -> None:
    runs = {name: [*run.setting, run.seed, run.folder, run.label, commit] for name, run in waiting.items()}
    write_text(copy / NAMES, json.dumps({"project": str(ROOT), "runs": runs}))


def _wait(copy: Path, waiting: dict[str, Run], *, commit: str, clock: Clock, jobs: int) -> list[str]:
    """Record each result once it is there; return a line for each run that failed."""
    failed, total, asked = [], len(waiting), time.monotonic()
    waiting = dict(waiting)
    while waiting:
        time.sleep(LOOK)
        working = clock.look()
        finished = _finished(copy)
        for name in [name for name in waiting if name in finished]:
            run = waiting.pop(name)
            acc = _keep(copy, run, finished[name], commit=commit)
            say(f"{total - len(waiting)}/{total} {run.label}, seed {run.seed}: {acc}")
        if waiting and time.monotonic() - asked > (ASK if working else ASK_IDLE):
            states, finished = _states(copy), _finished(copy)
            for name in [name for name in waiting if name not in finished]:
                lost = not working and states.get(name) == "Running"
                if lost or states.get(name) == "Failed":
                    run = waiting.pop(name)
                    reason = "DVC's worker was ended; call the same command again" if lost else _reason(copy, name)
                    failed.append(f"{run.label}, seed {run.seed}: {reason}")
                    say(failed[-1])
            if not working:
                start_workers(copy, jobs=jobs)
            asked = time.monotonic()
    return failed


def _finished(copy: Path) -> dict[str, str]:
    """Return the commit of each finished experiment, by its name."""
    listed = call(copy, "git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    pairs = (line.split(" ", 1) for line in listed.splitlines())
    return {ref.rpartition("/")[2]: commit for commit, ref in pairs if "/run-" in ref}


def _keep(copy: Path, run: Run, revision: str, *, commit: str) -> str:
    """Record the figures of one experiment; return its accuracy in words."""
    headline = json.loads(call(copy, "git", "show", f"{revision}:{METRICS}"))
    details = json.loads(dvc.api.read(str(DETAILS), repo=str(copy), rev=revision))
    results.add(results.RESULTS / run.folder, run.setting, run.seed, {**details, **headline}, commit=commit)
    return f"accuracy {headline['acc']:.3f}" if "acc" in headline else "no labels"


def _states(copy: Path) -> dict[str, str]:
    """Return the state of each experiment: Queued, Running, Success or Failed.

    DVC's command may fail while a worker changes what it reads, so it is tried again.
    """
    lines = call(copy, "dvc", "queue", "status", attempts=5).splitlines()
    words = (line.split() for line in lines)
    return {line[1]: line[-1] for line in words if len(line) > 2 and line[1].startswith("run-")}


def _reason(copy: Path, name: str) -> str:
    lines = call(copy, "dvc", "queue", "logs", name).splitlines()
    errors = [line for line in lines if re.match(r"error:|ERROR:", line)]
    return errors[0] if errors else (lines or ["failed without a word"])[-1]


def _commit() -> str:
    """Return the commit, with ``-dirty`` if code that the copy takes is not committed."""
    changed = call(ROOT, "git", "status", "--porcelain", "--", *CODE, "dvc.yaml", *(f":!{each}" for each in LEFT_OUT))
    return call(ROOT, "git", "rev-parse", "--short", "HEAD").strip() + ("-dirty" if changed.strip() else "")
