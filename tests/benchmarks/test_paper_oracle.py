"""The rows that use labels, as upper bounds."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from benchmarks.paper import oracle, oracle_neighbors, oracle_supervised
from benchmarks.paper.copy import MARK
from benchmarks.paper.oracle_neighbors import true_positives
from scan_core.artifacts.clusters import read_baselines
from scan_core.artifacts.index import read_index
from scan_core.artifacts.labels import read_labels
from scan_core.artifacts.neighbors import Neighbors, read_neighbors
from scan_core.errors import ParamsError
from stages import evaluate
from stages.paths import BASELINES, DETAILS, INDEX, LABELS, NEIGHBORS
from tests.pipeline import enter, run_stages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", oracle.ORACLES)
def test_an_oracle_is_in_the_copy_s_dvc_yaml_alone(name: str, tmp_path: Path):
    file = tmp_path / "dvc.yaml"
    file.write_bytes((ROOT / "dvc.yaml").read_bytes())
    with oracle.with_oracle(file, name):
        stage = YAML(typ="safe").load(file)["stages"][oracle.ORACLES[name].stage]
    assert stage["cmd"][1] == f"python -m benchmarks.paper.oracle_{name}"
    assert {"data/artifacts/labels.parquet", f"benchmarks/paper/oracle_{name}.py"} <= set(stage["deps"])
    assert all((ROOT / path).exists() for path in stage["deps"] if path.startswith("benchmarks"))
    assert file.read_bytes() == (ROOT / "dvc.yaml").read_bytes()


def test_no_stage_knows_of_the_oracles():
    files = [ROOT / "dvc.yaml", *(ROOT / "stages").rglob("*.py"), *(ROOT / "scan_core").rglob("*.py")]
    assert [path for path in files if "oracle_" in path.read_text() or "benchmarks.paper" in path.read_text()] == []


def test_neighbors_without_false_positives_by_hand():
    # Classes 0 0 0 1 1, and one image alone in class 2. Image 0 has one of two neighbors of its class, image 3 none,
    # but the nearest of its class is 4; image 5 keeps what it has.
    labels = np.array([0, 0, 0, 1, 1, 2])
    found = Neighbors(
        np.arange(6),
        np.array([[3, 1], [0, 2], [1, 0], [0, 1], [3, 0], [0, 1]], dtype=np.int32),
        np.array([[0.9, 0.8]] * 6, dtype=np.float32),
    )
    embeddings = np.eye(6, dtype=np.float32)
    embeddings[4] = embeddings[3]
    kept = true_positives(found, labels, embeddings)
    assert kept.neighbor_id.tolist() == [[1, 1], [0, 2], [1, 0], [4, 4], [3, 3], [0, 1]]
    assert kept.similarity[0].tolist() == pytest.approx([0.8, 0.8])
    assert kept.similarity[3].tolist() == [1, 1]


@pytest.fixture
def ran(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny project, as the tables make it, in which all stages have run: the working directory."""
    project = shutil.copytree(finished, tmp_path / "project")
    (project / MARK).touch()
    enter(project, monkeypatch)
    return project


@pytest.mark.parametrize("main", [oracle_neighbors.main, oracle_supervised.main])
def test_an_oracle_is_refused_in_the_project_itself(ran: Path, main: Callable[[], None]):
    (ran / MARK).unlink()
    before = [(ran / path).read_bytes() for path in (NEIGHBORS, BASELINES)]
    with pytest.raises(ParamsError, match=r"an oracle uses labels, and works only in a copy"):
        main()
    assert [(ran / path).read_bytes() for path in (NEIGHBORS, BASELINES)] == before


@pytest.mark.usefixtures("ran")
def test_the_oracle_of_neighbors_leaves_no_false_positive():
    oracle_neighbors.main()
    index = read_index(INDEX)
    labels = read_labels(LABELS, rows=len(index.train))["label"].to_numpy(np.int64)
    kept = read_neighbors(NEIGHBORS, train_ids=index.train_ids)
    assert (labels[kept.neighbor_id] == labels[kept.image_id, None]).all()


@pytest.mark.usefixtures("ran")
def test_the_supervised_oracle_is_one_of_the_baselines():
    before = read_baselines(BASELINES, rows=160)
    oracle_supervised.main()
    after = read_baselines(BASELINES, rows=160)
    assert [*after] == [*before, "supervised"]
    run_stages(evaluate)
    assert "supervised_acc" in json.loads(DETAILS.read_text())
