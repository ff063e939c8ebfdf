import json
from pathlib import Path

import pytest

from scan_core.artifacts.cluster_count import ClusterCount, read_cluster_count, write_cluster_count
from scan_core.errors import ArtifactError


@pytest.mark.parametrize("count", [ClusterCount(9, (7, 12)), ClusterCount(2, None)])
def test_round_trip(tmp_path: Path, count: ClusterCount):
    write_cluster_count(tmp_path / "clusters.json", count)
    assert read_cluster_count(tmp_path / "clusters.json") == count


@pytest.mark.parametrize(
    "wrong",
    [
        {"clusters": 1},
        {"clusters": "9"},
        {"suggested_from": [10, 12]},
        {"suggested_from": [7]},
        {"schema_version": 2},
        {"clusters": None},
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, wrong: dict):
    path = tmp_path / "clusters.json"
    path.write_text(json.dumps({"schema_version": 1, "clusters": 9, "suggested_from": None, **wrong}))
    with pytest.raises(ArtifactError, match=r"clusters\.json: .*run dvc repro count-clusters"):
        read_cluster_count(path)


def test_missing_or_no_json(tmp_path: Path):
    with pytest.raises(ArtifactError, match="missing; run the count-clusters stage"):
        read_cluster_count(tmp_path / "clusters.json")
    (tmp_path / "clusters.json").write_text("{")
    with pytest.raises(ArtifactError, match="not readable"):
        read_cluster_count(tmp_path / "clusters.json")
