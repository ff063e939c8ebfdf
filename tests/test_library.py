"""The project as a library: installed into another environment, imported from any folder."""

import math
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
import torch

import scan_core
from scan_core.clustering.model import ClusteringModel, write_clustering
from scan_core.encoders.resnet import ResNet
from tests.pipeline import ROOT, clone
from tests.samples import encode, noise

pytestmark = pytest.mark.xdist_group("library")
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
SIZE, CLUSTERS = 8, 3


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="session", params=["wheel", "editable"])
def python(request: pytest.FixtureRequest, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which the project is installed, beside the packages of this one."""
    home = tmp_path_factory.mktemp(request.param)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))
    editable = ["--editable"] if request.param == "editable" else []
    options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--python", home / "bin/python"]
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", *options, *editable, sources], check=True)
    return home / "bin/python"


def call(python: Path, folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(folder: Path) -> None:
    for command in (["add", "-A"], ["commit", "-qm", "where"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def write_example(folder: Path) -> None:
    """What the first examples read: a model of RGB images, and a folder of pictures."""
    model = ClusteringModel(ResNet("resnet10", width=2, stem="3x3", channels=3), clusters=CLUSTERS, heads=1)
    encoder = {"architecture": "resnet10", "arguments": {"width": 2, "stem": "3x3"}, "channels": 3, "image_size": SIZE}
    images = {"mean": [0.5] * 3, "std": [0.2] * 3, "precision": "float32"}
    path = folder / "data/artifacts/self_label/model.safetensors"
    write_clustering(path, model.state_dict(), {**encoder, **images, "clusters": CLUSTERS})
    (folder / "pictures").mkdir()
    for number in range(2):
        (folder / f"pictures/{number}.png").write_bytes(encode(noise(SIZE, SIZE + 3, 3, seed=number)))


TEMPLATES = sorted(path.name for path in (Path(__file__).parent.parent / "scan_core/report/templates").iterdir())


def test_the_page_s_templates_are_installed(python: Path, tmp_path: Path):
    found = "files('scan_core.report.templates').iterdir()"
    script = f"from importlib.resources import files; print(*(path.name for path in {found}))"
    assert sorted(call(python, tmp_path, "-c", script).split()) == TEMPLATES


def test_the_examples_run_wherever_it_is_installed(python: Path, tmp_path: Path):
    write_example(tmp_path)
    script = "\n".join(f"exec({example!r}, {{}})" for example in EXAMPLES)
    *predicted, augmented, loss = call(python, tmp_path, "-c", script).splitlines()
    in_one_call, shape, by_steps = predicted[:2], predicted[2], predicted[3:]
    assert [re.fullmatch(r"(\d\.png): cluster [012], confidence [01]\.\d\d", line)[1] for line in in_one_call] == [
        "0.png",
        "1.png",
    ]
    assert shape == f"(2, {CLUSTERS})"
    assert by_steps == in_one_call
    assert augmented == "torch.float32 (64, 3, 32, 32)"
    # <p, q> = 4 * (1/4)^2 = 1/4, so consistency = log 4; H = log 4.
    assert loss == f"{-4 * math.log(4):.4f} = {math.log(4):.4f} - 5 x {math.log(4):.4f}"


WHERE = "import scan_core, stages\nprint(scan_core.__file__, stages.__file__, file=open('found', 'w'))"
DVC_YAML = "stages: {where: {cmd: python -m stages.where, params: [seed], deps: [stages/where.py], outs: [found]}}"


@pytest.fixture
def project(sources: Path, tmp_path: Path) -> Path:
    """A copy of the code with a stage that writes which code it imports."""
    folder = shutil.copytree(sources, tmp_path / "project")
    (folder / "stages/where.py").write_text(WHERE)
    (folder / "dvc.yaml").write_text(DVC_YAML)
    return folder


def imported(found: str) -> set[Path]:
    return {Path(name).parent.parent for name in found.split()}


def test_the_folder_in_which_a_stage_starts_comes_first(python: Path, project: Path):
    call(python, project, "-m", "stages.where")
    assert imported((project / "found").read_text()) == {project}


@pytest.mark.slow
def test_a_queued_experiment_imports_its_own_copy(python: Path, project: Path, monkeypatch: pytest.MonkeyPatch):
    # Stages take the python of the environment, the queue's worker the dvc of this one.
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, [python.parent, Path(sys.executable).parent, os.defpath])))
    commit(project)
    call(python, project, "-m", "dvc", "exp", "run", "--queue", "--name", "own", "-S", "seed=1")
    call(python, project, "-m", "dvc", "queue", "start")
    limit = time.monotonic() + 120
    while "Success" not in (status := call(python, project, "-m", "dvc", "queue", "status")):
        assert time.monotonic() < limit, status
        time.sleep(1)
    call(python, project, "-m", "dvc", "exp", "apply", "own")
    (copy,) = imported((project / "found").read_text())
    assert copy.is_relative_to(project / ".dvc/tmp/exps")


def test_public_names_are_those_of_the_examples():
    shown = re.findall(r"from scan_core import (.*)", "\n".join(EXAMPLES))
    assert sorted({name for names in shown for name in names.split(", ")}) == sorted(scan_core.__all__)
    assert scan_core.scan_loss(torch.zeros(3, 4), torch.zeros(3, 4), entropy_weight=5.0).total == pytest.approx(
        -4 * math.log(4)
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'scan_core' has no attribute 'scan_los'"):
        scan_core.scan_los  # noqa: B018


def test_importing_the_library_loads_nothing_else():
    loaded = "import sys, scan_core; print(*sorted(name for name in sys.modules if name.split('.')[0] in %s))"
    names = "('scan_core', 'torch', 'numpy')"
    assert call(Path(sys.executable), ROOT, "-c", loaded % names).split() == ["scan_core"]


def test_the_last_line_of_a_run_needs_no_torch():
    loaded = "import sys, stages.outcome; print('torch' in sys.modules, 'pandas' in sys.modules)"
    assert call(Path(sys.executable), ROOT, "-c", loaded).split() == ["False", "False"]
