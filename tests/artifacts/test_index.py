import numpy as np
import pyarrow as pa
import pytest

from scan_core.artifacts.index import (
    SCHEMA,
    Index,
    Normalization,
    read_index,
    read_normalization,
    read_preparation,
    write_index,
)
from scan_core.artifacts.tables import write_table
from scan_core.errors import ArtifactError
from tests.metadata import table_metadata

INDEX = Index(
    np.array(["train", "test", "train"], dtype=object), np.array([True, False, True]), np.array([False, True, True])
)
GRAY = Normalization([0.5], [0.25])


def test_index_round_trip(tmp_path):
    write_index(tmp_path / "i", INDEX, normalization=GRAY, pixels_digest="abc")
    index = read_index(tmp_path / "i", rows=3)
    assert index.split.tolist() == ["train", "test", "train"]
    assert index.train_ids.tolist() == [0, 2]
    assert index.evaluate_ids.tolist() == [1, 2]


def test_index_further_splits_to_train_on():
    assert INDEX.ids_to_train_on(further_splits=["test"]).tolist() == [0, 1, 2]
    assert INDEX.ids_to_train_on(further_splits=[]).tolist() == [0, 2]


def test_normalization_round_trip(tmp_path):
    write_index(tmp_path / "i", INDEX, normalization=GRAY, pixels_digest="abc")
    assert read_normalization(tmp_path / "i", channels=1) == GRAY


@pytest.mark.parametrize(
    "wrong", [Normalization([0.5], [0.0]), Normalization([0.5, 0.5], [1.0]), Normalization([], [])]
)
def test_normalization_that_cannot_be(tmp_path, wrong):
    write_index(tmp_path / "i", INDEX, normalization=wrong, pixels_digest="abc")
    with pytest.raises(ArtifactError, match=r"normalization.*run dvc repro fetch"):
        read_normalization(tmp_path / "i", channels=1)


def test_normalization_missing(tmp_path):
    columns = [np.arange(3), INDEX.split, INDEX.train, INDEX.evaluate]
    write_table(tmp_path / "i", pa.table(columns, schema=SCHEMA))
    with pytest.raises(ArtifactError, match="no normalization in its metadata; run dvc repro fetch"):
        read_normalization(tmp_path / "i", channels=1)


def test_index_metadata(tmp_path):
    described = {"dataset": "digits", "preparation": {"image_size": 16}}
    write_index(tmp_path / "i", INDEX, normalization=GRAY, pixels_digest="abc", **described)
    metadata = table_metadata(tmp_path / "i")
    assert (metadata["pixels_digest"], metadata["dataset"], metadata["image_size"]) == ("abc", "digits", "16")
    assert read_preparation(tmp_path / "i") == {"image_size": 16}


def test_preparation_missing(tmp_path):
    write_index(tmp_path / "i", INDEX, normalization=GRAY, pixels_digest="abc")
    with pytest.raises(ArtifactError, match="no preparation in its metadata; run dvc repro fetch"):
        read_preparation(tmp_path / "i")


def test_index_wrong_number_of_rows(tmp_path):
    write_index(tmp_path / "i", INDEX, normalization=GRAY, pixels_digest="abc")
    with pytest.raises(ArtifactError, match="3 rows, expected 4"):
        read_index(tmp_path / "i", rows=4)


def test_index_without_training_image(tmp_path):
    write_index(tmp_path / "i", INDEX._replace(train=np.zeros(3, bool)), normalization=GRAY, pixels_digest="abc")
    with pytest.raises(ArtifactError, match=r"no training image; run dvc repro fetch with other splits to train on"):
        read_index(tmp_path / "i")


@pytest.mark.parametrize(
    ("ids", "train", "message"), [([1, 0], [True, True], "not 0..1 in order"), ([0, 1], [True, None], "holds nulls")]
)
def test_index_malformed(tmp_path, ids, train, message):
    columns = [pa.array(ids), pa.array(["a", "a"]), pa.array(train), pa.array([True, True])]
    write_table(tmp_path / "i", pa.table(columns, schema=SCHEMA))
    with pytest.raises(ArtifactError, match=message):
        read_index(tmp_path / "i")
