import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scan_core.artifacts.clusters import read_predictions
from scan_core.artifacts.index import read_index
from scan_core.artifacts.model import checksum
from scan_core.errors import ArtifactError, DataError
from scan_core.naming.names import Names
from stages import report
from stages.paths import INDEX, METRICS, PREDICTIONS, SELF_LABEL_MODEL
from tests.pipeline import artifacts, copy_data, enter, write_params
from tests.samples import write_names


@pytest.fixture
def evaluated(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy_data(finished, tmp_path)
    enter(tmp_path, monkeypatch)
    write_params(tmp_path)
    return tmp_path


def test_the_page_of_a_run_says_what_is_in_its_reports(evaluated: Path, finished: Path):
    page = Path("reports/report.html").read_text(encoding="utf-8")
    for title in (
        "Accuracy among the most confident pictures",
        "How often the k nearest neighbors",
        "pretext-train: loss",
        "self-label: confident images",
        "How many clusters fit the embeddings",
        "Pictures of each cluster",
        "Classes (rows) and the clusters matched to them",
    ):
        assert f"<figcaption>{title}" in page
    assert "<img" not in page
    assert "scan.learning_rate: 0.01" in page
    assert "simclr on" in page
    assert str(finished) not in page


def test_names_are_drawn(evaluated: Path):
    before = artifacts(evaluated)
    with pytest.raises(DataError, match="no names yet"):
        report.main(params=Path("params.yaml"))
    _name({0: "<b>", 1: "<b>"})
    report.main(params=Path("params.yaml"))
    page = Path("reports/named/report.html").read_text(encoding="utf-8")
    assert "cluster 1: &lt;b&gt;" in page
    assert "cluster 2</span> <small>matched to" in page
    after = artifacts(evaluated)
    assert {name: digest for name, digest in after.items() if "named" not in name} == before


def test_probabilities_of_the_same_name_add(evaluated: Path):
    steps = read_predictions(PREDICTIONS, image_ids=read_index(INDEX).evaluate_ids)
    probabilities = next(step.probabilities for step in steps if step.step == "self_label")
    _name({0: "a, b", 1: "a, b", 2: "a, b"})
    report.main(params=Path("params.yaml"))
    table = pd.read_csv("reports/named/assignments.csv")
    assert list(table.columns) == ["path", "cluster", "name", "confidence"]
    sums = np.column_stack([probabilities[:, :3].sum(axis=1), probabilities[:, 3:]])
    assert sorted(table["confidence"]) == pytest.approx(sorted(sums.max(axis=1)), abs=1e-4)
    assert (table["name"] == "a, b").sum() == (sums.argmax(axis=1) == 0).sum()
    assert set(table["cluster"][table["name"] == "a, b"]) <= {0, 1, 2}


def test_an_evaluation_of_another_model_is_not_drawn(evaluated: Path):
    _name({0: "cat"})
    details = Path("reports/evaluate/details.json")
    details.write_text(details.read_text().replace("sha256:", "sha256:0"))
    with pytest.raises(ArtifactError, match="an evaluation of another model"):
        report.main(params=Path("params.yaml"))


def test_another_scan_model_is_not_drawn(evaluated: Path):
    _name({0: "cat"})
    details = Path("reports/evaluate/details.json")
    details.write_text(details.read_text().replace('"scan_model": "sha256:', '"scan_model": "sha256:0'))
    with pytest.raises(ArtifactError, match=r"another model than data/artifacts/scan/model.safetensors"):
        report.main(params=Path("params.yaml"))


def _name(given: dict[int, str]) -> None:
    clusters = range(json.loads(METRICS.read_text())["clusters"])
    names = tuple(given.get(cluster, "") for cluster in clusters)
    write_names(Path("clusters.yaml"), Names(f"sha256:{checksum(SELF_LABEL_MODEL)}", names, ((),) * len(names)))
