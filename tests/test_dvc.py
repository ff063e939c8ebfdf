"""The real DVC on a copy of this project: a change reruns the stages downstream of it, and no others."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from stages import count_clusters
from tests.pipeline import clone, dvc, enter, run_stages, write_params
from tests.stages.test_params import changed as with_value

STAGES = YAML(typ="safe").load(Path(__file__).parents[1] / "dvc.yaml")["stages"]
LEARNING = set(STAGES) - {"fetch", "preview"}


@pytest.fixture(scope="session")
def project(dvc_project: Path) -> Path:
    return dvc_project


@pytest.fixture
def unchanged(project: Path) -> Iterator[Path]:
    """The project; files changed in a test are put back after it."""
    files = [*project.glob("*.yaml"), *project.rglob("s*/**/*.py")]
    before = {path: path.read_bytes() for path in files}
    yield project
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def ran(output: str) -> set[str]:
    return set(re.findall(r"Running stage '(.+?)'", output))


def changed(project: Path) -> set[str]:
    """The stages that DVC finds changed, and all those downstream of them."""
    with Repo(str(project)) as repo:
        stale = {key.rpartition(":")[2] for key in repo.status()}  # "path/to/dvc.yaml:stage" where this is not the root
    for name in STAGES:  # in their order
        if any(set(outputs(before)) & set(STAGES[name]["deps"]) for before in stale):
            stale.add(name)
    return stale


def outputs(name: str) -> list[str]:
    return STAGES[name]["outs"]


def test_repro_runs_nothing_where_all_is_known(project: Path):
    assert ran(dvc(project, "repro")) == set()


@pytest.mark.slow
def test_repro_of_a_fresh_clone_writes_what_the_stages_write_in_one_process(project: Path, tmp_path: Path):
    folder = clone(tmp_path)
    write_params(folder)
    assert ran(dvc(folder, "repro")) == set(STAGES)
    assert (folder / "dvc.lock").read_bytes() == (project / "dvc.lock").read_bytes()


@pytest.mark.parametrize(
    ("override", "stages"),
    [
        ("seed=1", set(STAGES)),
        ("pretext.simclr.temperature=0.9", LEARNING),
        ("pretext.augmentation.cutout=null", set(STAGES) - {"fetch"}),
        ("neighbors.k=2", {"mine-neighbors", "scan-train", "self-label", "evaluate"}),
        ("scan.clusters=9", {"count-clusters", "baselines", "scan-train", "self-label", "evaluate"}),
        ("runtime.devices=2", set()),
    ],
)
def test_a_parameter_reruns_the_stages_downstream(unchanged: Path, override: str, stages: set[str]):
    key, value = override.split("=")
    with_value(unchanged / "params.yaml", key, YAML(typ="safe").load(value))
    assert changed(unchanged) == stages


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("scan_core/clustering/scan_loss.py", {"scan-train", "self-label", "evaluate"}),
        ("scan_core/kmeans/kmeans.py", {"baselines", "scan-train", "self-label", "evaluate"}),
        ("scan_core/datasets/folder.py", set(STAGES)),
        ("stages/preview.py", {"preview"}),
        ("scan_core/errors.py", set()),
        ("scan_core/console/progress.py", set()),
        ("stages/params.py", set()),
    ],
)
def test_an_edited_module_reruns_the_stages_that_use_it(unchanged: Path, module: str, stages: set[str]):
    with (unchanged / module).open("a") as file:
        file.write("# edited\n")
    assert changed(unchanged) == stages


def test_another_suggestion_retrains_nothing_where_the_number_is_set(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = shutil.copytree(project, tmp_path / "project")
    with_value(folder / "params.yaml", "count_clusters.sample", 40)
    enter(folder, monkeypatch)
    run_stages(count_clusters)
    with Repo(str(folder)) as repo:
        repo.commit("count-clusters", force=True)
    assert changed(folder) == {"evaluate"}  # whose page shows the curve


def test_an_experiment_reruns_three_stages_and_diff_shows_what_that_did(project: Path):
    output = dvc(project, "exp", "run", "-S", "scan.entropy_weight=3.5")
    assert ran(output) == {"scan-train", "self-label", "evaluate"}
    with Repo(str(project)) as repo:
        assert repo.metrics.diff()["diff"].keys() >= {"reports/metrics/evaluate.json"}
    assert "entropy_weight" in dvc(project, "exp", "show", "--only-changed", "--md")
