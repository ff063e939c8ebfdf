"""Upper bounds that use labels: additional commands of stages, only in the dvc.yaml of the tables' copies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from benchmarks.paper.copy import MARK
from scan_core.errors import ParamsError


class Oracle(NamedTuple):
    """The stage at whose end a module ``oracle_<name>.py`` runs, and its additional dependencies."""

    stage: str
    params: tuple[str, ...]
    deps: tuple[str, ...]


ORACLES = {
    "neighbors": Oracle("mine-neighbors", (), ()),
    "supervised": Oracle(
        "baselines",
        ("encoder", "pretext", "scan"),
        ("scan_core/augment", "scan_core/encoders", "scan_core/training"),
    ),
}


def check_place() -> None:
    """Raise ParamsError unless the working directory is a copy that the tables have made: labels would reach a person's
    results otherwise."""
    if not Path(MARK).is_file():
        raise ParamsError(
            f"{Path.cwd()}: an oracle uses labels, and works only in a copy that python -m benchmarks.paper queue makes"
        )


@contextmanager
def with_oracle(file: Path, oracle: str | None) -> Iterator[None]:
    """Inside the block, the stage of ``oracle`` in a copy's dvc.yaml ends with a command that uses labels."""
    before = file.read_bytes()
    if oracle:
        yaml, (name, params, deps) = YAML(), ORACLES[oracle]
        project = yaml.load(before)
        stage = project["stages"][name]
        stage["cmd"] = [stage["cmd"], f"python -m benchmarks.paper.oracle_{oracle}"]
        own = ["data/artifacts/labels.parquet", f"benchmarks/paper/oracle_{oracle}.py"]
        stage["deps"] = list(dict.fromkeys([*stage["deps"], *own, *deps]))
        stage["params"] = list(dict.fromkeys([*stage["params"], *params]))
        with file.open("wb") as stream:
            yaml.dump(project, stream)
    try:
        yield
    finally:
        file.write_bytes(before)
