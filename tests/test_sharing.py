"""The real DVC with remotes, and with several workers: results travel, and experiments do not collide."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from ruamel.yaml import YAML

from tests.pipeline import artifacts, dvc

BUCKET = "results"


@pytest.fixture
def project(dvc_project: Path, tmp_path: Path) -> Path:
    """A copy of the project whose pipeline has run, committed."""
    folder = shutil.copytree(dvc_project, tmp_path / "project")
    commit(folder)
    return folder


@pytest.fixture
def _s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3-compatible store with a bucket, its address and credentials in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield
    server.stop()


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "results")


def continued(project: Path, folder: Path) -> set[str]:
    """Clone ``project`` to ``folder``, as on another machine; returns what runs there after a pull."""
    git(project.parent, "clone", "-q", str(project), str(folder))
    assert not (folder / "data/artifacts/index.parquet").exists()
    dvc(folder, "pull")
    return set(re.findall(r"Running stage '(.+?)'", dvc(folder, "repro")))


@pytest.mark.usefixtures("_s3")
def test_another_clone_goes_on_from_s3(project: Path, tmp_path: Path):
    dvc(project, "remote", "add", "--default", "shared", f"s3://{BUCKET}/scan")
    commit(project)
    dvc(project, "push")
    other = tmp_path / "other"
    assert continued(project, other) == set()
    assert artifacts(other) == artifacts(project)
    assert git(other, "status", "--porcelain") == ""


EXPERIMENTS = {name: ["-S", "pretext.epochs=2", "-S", f"scan.seed={seed}"] for seed, name in enumerate(("one", "two"))}
"""Both train the same pretext model, at the same time."""


@pytest.mark.slow
def test_experiments_of_two_workers_give_what_they_give_alone(project: Path, tmp_path: Path):
    alone = shutil.copytree(project, tmp_path / "alone")
    for name, settings in EXPERIMENTS.items():
        dvc(alone, "exp", "run", "--name", name, *settings)
        dvc(project, "exp", "run", "--queue", "--name", name, *settings)
    dvc(project, "queue", "start", "--jobs", "2")
    limit = time.monotonic() + 600
    while re.search("Queued|Running", status := dvc(project, "queue", "status")):
        assert time.monotonic() < limit, status
        time.sleep(2)
    assert status.count("Success") == 2, status + "".join(dvc(project, "queue", "logs", name) for name in EXPERIMENTS)
    for name in EXPERIMENTS:
        assert outputs(project, name) == outputs(alone, name)
    assert outputs(project, "one") != outputs(project, "two")
    assert not list(project.glob(".resume/*/"))


def outputs(project: Path, experiment: str) -> dict[str, str]:
    """The digest of each artifact of an experiment."""
    reference = git(project, "for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{experiment}").strip()
    stages = YAML(typ="safe").load(git(project, "show", f"{reference}:dvc.lock"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}
