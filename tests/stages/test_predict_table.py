"""The table that predict writes: formats, names, runners-up, all probabilities, novelty."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scan_core.artifacts.model import checksum
from scan_core.errors import DataError
from scan_core.naming.names import Names
from scan_core.prediction import table as tables
from scan_core.prediction.clusterer import load_clusterer
from stages.paths import SELF_LABEL_MODEL
from stages.use import main as use
from tests.samples import encode, noise, write_names
from tests.stages.predicting import CLUSTERS, SIZE, predict_status, write_model

COUNT = 9
COLUMNS = ["path", "cluster", "name", "confidence", "cluster_2", "confidence_2", "cluster_3", "confidence_3", "novelty"]
READERS = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
    ".jsonl": lambda path: pd.read_json(path, lines=True),
}


@pytest.fixture
def expected(tmp_path, monkeypatch):
    """A project with a model and the folder ``new``; what the model says of each picture, by its name."""
    monkeypatch.chdir(tmp_path)
    use("folder", ["runtime.device=cpu", "runtime.workers=1"], params=Path("params.yaml"))
    write_model()
    Path("new").mkdir()
    for number in range(COUNT):
        Path("new", f"{number}.png").write_bytes(encode(noise(SIZE, SIZE, 3, seed=number)))
    paths = sorted(Path("new").iterdir())
    said = load_clusterer(SELF_LABEL_MODEL).predict(paths).probabilities
    return {path.name: probabilities for path, probabilities in zip(paths, said, strict=True)}


def name_clusters(*names: str) -> None:
    write_names(Path("clusters.yaml"), Names(f"sha256:{checksum(SELF_LABEL_MODEL)}", names, ((),) * len(names)))


def by_path(table: pd.DataFrame, expected: dict[str, np.ndarray]) -> pd.DataFrame:
    assert sorted(table["path"]) == sorted(expected)
    return table.set_index("path").loc[list(expected)]


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("chunk", [2, 100])
def test_each_format_holds_the_same(expected, monkeypatch, ending, chunk):
    monkeypatch.setattr(tables, "CHUNK", chunk)
    output = Path("out/table").with_suffix(ending)
    assert predict_status(Path("new"), output) == 0
    table = READERS[ending](output)
    assert table.columns.tolist() == COLUMNS
    assert table["novelty"].isna().all()
    table, probabilities = by_path(table, expected), np.stack(list(expected.values()))
    falling = np.argsort(-probabilities, axis=1)
    for rank, suffix in enumerate(["", "_2", "_3"]):
        assert table[f"cluster{suffix}"].tolist() == falling[:, rank].tolist()
        sorted_values = np.take_along_axis(probabilities, falling, axis=1)[:, rank]
        assert table[f"confidence{suffix}"].to_numpy() == pytest.approx(sorted_values, abs=1e-6)
    assert table["name"].tolist() == [f"cluster {cluster}" for cluster in table["cluster"]]


@pytest.mark.parametrize("ending", READERS)
def test_all_probabilities(expected, ending):
    output = Path("table").with_suffix(ending)
    predict_status(Path("new"), output, everything=True)
    table = by_path(READERS[ending](output), expected)
    found = (
        table[[f"probability_{cluster}" for cluster in range(CLUSTERS)]].to_numpy()
        if ending == ".csv"
        else np.stack(table["probabilities"].to_list())
    )
    assert found == pytest.approx(np.stack(list(expected.values())), abs=1e-6)


def test_probabilities_in_parquet_are_of_the_type_of_predictions_parquet(expected):
    predict_status(Path("new"), Path("table.parquet"), everything=True)
    assert (
        str(pq.read_schema("table.parquet").field("probabilities").type)
        == f"fixed_size_list<element: float>[{CLUSTERS}]"
    )


def test_pictures_that_cannot_be_read_shift_no_probability(expected):
    Path("new/00.png").write_bytes(b"no picture")
    assert predict_status(Path("new"), Path("table.parquet"), everything=True) == 3
    table = by_path(pd.read_parquet("table.parquet"), expected)
    assert np.stack(table["probabilities"].to_list()) == pytest.approx(np.stack(list(expected.values())), abs=1e-6)


def test_clusters_of_one_name_count_as_one(expected, capsys):
    name_clusters("cat", "junk", "cat")
    predict_status(Path("new"), Path("table.csv"))
    table = by_path(pd.read_csv("table.csv"), expected)
    probabilities = np.stack(list(expected.values()))
    cat = probabilities[:, [0, 2]].sum(1)
    assert table["name"].tolist() == np.where(cat > probabilities[:, 1], "cat", "junk").tolist()
    assert table["confidence"].to_numpy() == pytest.approx(np.maximum(cat, probabilities[:, 1]), abs=1e-6)
    assert table["cluster_3"].isna().all()  # there are but two names
    counts = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert counts[:2] == ["cat", "junk"]


def test_names_of_another_model_are_refused(expected):
    name_clusters("a", "b", "c")
    write_model(note="another")
    with pytest.raises(DataError, match="names for the clusters of another model"):
        predict_status(Path("new"), Path("table.csv"))
    assert not Path("table.csv").exists()


@pytest.mark.parametrize("name", ["table.xlsx", "table", "table.csv.gz"])
def test_another_ending_is_refused_before_anything_is_read(expected, name):
    with pytest.raises(DataError, match=r"--output: .*, expected one of \.csv, \.parquet, \.jsonl"):
        predict_status(Path("nowhere"), Path(name))


def test_a_name_that_a_table_must_quote(expected):
    name_clusters('a "b", c', "", "日本, ü")
    for ending, read in READERS.items():
        predict_status(Path("new"), Path(f"table{ending}"))
        assert set(read(f"table{ending}")["name"]) <= {'a "b", c', "cluster 1", "日本, ü"}
    assert all(json.loads(line) for line in Path("table.jsonl").read_text(encoding="utf-8").splitlines())
