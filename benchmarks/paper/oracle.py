"""What may see labels, for upper bounds: further commands of stages, which only the tables' copies of dvc.yaml have."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

STAGES = {"neighbors": "mine-neighbors", "supervised": "baselines"}
"""After which stage an oracle acts."""
CODE = "benchmarks/paper"


@contextmanager
def with_oracle(file: Path, oracle: str | None) -> Iterator[None]:
    """Let the stage of ``oracle`` in a copy's dvc.yaml, ``file``, end with a command that sees the labels."""
    before = file.read_bytes()
    if oracle:
        yaml = YAML()
        project = yaml.load(before)
        stage = project["stages"][STAGES[oracle]]
        stage["cmd"] = [stage["cmd"], f"python -m benchmarks.paper.oracle_{oracle}"]
        stage["deps"] += ["data/artifacts/labels.parquet", f"{CODE}/oracle_{oracle}.py"]
        with file.open("wb") as stream:
            yaml.dump(project, stream)
    try:
        yield
    finally:
        file.write_bytes(before)
