import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scan_core.artifacts.cluster_count import ClusterCount, read_cluster_count
from scan_core.errors import ParamsError
from stages import count_clusters
from stages.evaluate_messages import suggested
from stages.fitting import cluster_count, with_cluster_count
from stages.params_file import load_params
from stages.paths import CLUSTERS
from tests.embedded import write_directions, write_images_of
from tests.pipeline import write_params


@pytest.fixture
def run(empty: Path):
    def count(*overrides: str, images: int = 120, noise_alone: bool = False) -> ClusterCount:
        """Of four separate groups, or of noise; every second image is to learn from."""
        random = np.random.default_rng(0)
        points = np.eye(4).repeat(images // 4, axis=0) + 0.1 * random.normal(size=(images, 4))
        if noise_alone:
            points = random.normal(size=(images, 64))
        write_directions(points)
        write_images_of(np.arange(images) % 2 == 0)
        write_params(Path(), *overrides)
        count_clusters.main(Path("params.yaml"))
        return read_cluster_count(CLUSTERS)

    return count


def test_auto_takes_the_suggestion(run, capsys: pytest.CaptureFixture[str]):
    assert run("scan.clusters=auto") == cluster_count("auto") == (4, (4, 4))
    assert "count-clusters: 4 clusters are suggested: no other number fits as well" in capsys.readouterr().out
    table = pd.read_csv("reports/count_clusters/curve.csv")
    assert table["clusters"].tolist() == [*range(2, 17), 18, 20]
    assert table["fit"].to_numpy() == pytest.approx(table["silhouette"] * table["modularity"], abs=1e-4)
    assert json.loads(Path("reports/count_clusters/details.json").read_text()) == {
        "images": 60,
        "clusters": 4,
        "lowest": 4,
        "highest": 4,
        "clear": True,
        "warning": None,
    }
    assert Path("reports/count_clusters/curve.png").stat().st_size


def test_a_number_that_is_set_stays_whatever_is_suggested(run, capsys: pytest.CaptureFixture[str]):
    assert run("scan.clusters=7") == (7, None)
    assert "7 clusters, as scan.clusters says; 4 would be suggested" in capsys.readouterr().out
    before = CLUSTERS.read_bytes()
    run("scan.clusters=7", "count_clusters.sample=40", "count_clusters.most=3")
    assert CLUSTERS.read_bytes() == before
    assert cluster_count(7) == (7, None)


def test_few_images(run, capsys: pytest.CaptureFixture[str]):
    assert run("scan.clusters=2", images=8) == (2, None)
    assert run("scan.clusters=2", images=4) == (2, None)
    assert "there are too few images to suggest a number" in capsys.readouterr().out
    with pytest.raises(ParamsError, match="auto, expected a number: there are too few images to suggest one"):
        run("scan.clusters=auto", images=8)
    with pytest.raises(ParamsError, match=r"scan\.clusters: 5, expected at most 4, one for each training image"):
        run("scan.clusters=5", images=8)


def test_where_nothing_fits_the_suggestion_is_a_guess(run, capsys: pytest.CaptureFixture[str]):
    assert run("scan.clusters=7", images=400, noise_alone=True) == (7, None)
    said = capsys.readouterr()
    assert "7 clusters, as scan.clusters says; " in said.out
    assert "no number fits well" in said.out
    assert "guess" not in said.err
    number, suggested_from = run("scan.clusters=auto", images=400, noise_alone=True)
    assert suggested_from == (number, number)
    warning = json.loads(Path("reports/count_clusters/details.json").read_text())["warning"]
    assert f"auto takes {number}, which is a guess" in warning
    assert f"warning: {warning}" in capsys.readouterr().err


def test_auto_is_no_number_until_it_is_replaced(tmp_path: Path):
    write_params(tmp_path, "scan.clusters=auto")
    config = load_params(tmp_path / "params.yaml")
    with pytest.raises(ValueError, match="auto, expected a number"):
        _ = config.scan.cluster_count
    assert with_cluster_count(config, 5).scan.cluster_count == 5


def test_auto_with_a_prior_is_refused(tmp_path: Path):
    with pytest.raises(ParamsError, match=r"scan: prior with clusters: auto, expected as many clusters as shares: 2"):
        write_params(tmp_path, "scan.clusters=auto", "scan.prior=[0.5, 0.5]")


def test_evaluate_says_who_has_chosen():
    assert suggested({"clusters": 4, "suggested_from": None}) is suggested({"clusters": 4}) is None
    said = suggested({"clusters": 4, "suggested_from": [3, 5]})
    assert said is not None
    assert said.startswith("4 clusters, as count-clusters suggests (3 to 5 fit nearly as well")
