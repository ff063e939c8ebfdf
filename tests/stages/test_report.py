from pathlib import Path

import pandas as pd
import pytest

from stages import report
from tests.pipeline import artifacts, copy_data, enter, write_params


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


def test_names_are_asked_for_then_shown(evaluated: Path, capsys):
    before = artifacts(evaluated)
    report.main(params=Path("params.yaml"))
    assert "fill in the column name" in capsys.readouterr().out
    names = Path("cluster_names.csv")
    names.write_text(names.read_text().replace("\n0,,", "\n0,<b>,").replace("\n1,,", "\n1,<b>,"))
    report.main(params=Path("params.yaml"))
    page = Path("reports/named/report.html").read_text(encoding="utf-8")
    assert "cluster 1: &lt;b&gt;" in page
    assert "cluster 2 <small>matched to" in page
    table = pd.read_csv("reports/named/assignments.csv")
    assert set(table["cluster"][table["name"] == "<b>"]) == {0, 1} & set(table["cluster"])
    after = artifacts(evaluated)
    assert {name: digest for name, digest in after.items() if "named" not in name} == before


def test_without_names_the_page_is_evaluate_s(evaluated: Path):
    report.main(params=Path("params.yaml"))
    report.main(params=Path("params.yaml"))
    assert Path("reports/named/report.html").read_bytes() == Path("reports/report.html").read_bytes()
