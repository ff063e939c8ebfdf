import numpy as np
import pyarrow as pa
import pytest

from scan_core.artifacts.index import SCHEMA, Index, read_index, write_index
from scan_core.artifacts.tables import write_table
from scan_core.errors import ArtifactError
from tests.metadata import table_metadata

INDEX = Index(
    np.array(["train", "test", "train"], dtype=object), np.array([True, False, True]), np.array([False, True, True])
)


def test_index_round_trip(tmp_path):
    write_index(tmp_path / "i", INDEX, pixels_digest="abc")
    index = read_index(tmp_path / "i", rows=3)
    assert index.split.tolist() == ["train", "test", "train"]
    assert index.train_ids.tolist() == [0, 2]
    assert index.evaluate_ids.tolist() == [1, 2]


def test_index_metadata(tmp_path):
    write_index(tmp_path / "i", INDEX, pixels_digest="abc", origin={"dataset": "digits", "image_size": 16})
    metadata = table_metadata(tmp_path / "i")
    assert (metadata["pixels_digest"], metadata["dataset"], metadata["image_size"]) == ("abc", "digits", "16")


def test_index_wrong_number_of_rows(tmp_path):
    write_index(tmp_path / "i", INDEX, pixels_digest="abc")
    with pytest.raises(ArtifactError, match="3 rows, expected 4"):
        read_index(tmp_path / "i", rows=4)


def test_index_without_training_image(tmp_path):
    write_index(tmp_path / "i", INDEX._replace(train=np.zeros(3, bool)), pixels_digest="abc")
    with pytest.raises(ArtifactError, match=r"no training image; check data\.train_splits"):
        read_index(tmp_path / "i")


@pytest.mark.parametrize(
    ("ids", "train", "message"), [([1, 0], [True, True], "not 0..1 in order"), ([0, 1], [True, None], "holds nulls")]
)
def test_index_malformed(tmp_path, ids, train, message):
    columns = [pa.array(ids), pa.array(["a", "a"]), pa.array(train), pa.array([True, True])]
    write_table(tmp_path / "i", pa.table(columns, schema=SCHEMA))
    with pytest.raises(ArtifactError, match=message):
        read_index(tmp_path / "i")
