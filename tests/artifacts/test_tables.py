import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.artifacts.tables import check_row_ids, read_table, write_table
from scan_core.errors import ArtifactError
from tests.metadata import table_metadata

SCHEMA = pa.schema([("image_id", pa.int64()), ("name", pa.string())])
TABLE = pa.table([[0, 1], ["a", None]], schema=SCHEMA)


def test_table_round_trip(tmp_path):
    write_table(tmp_path / "t", TABLE, metadata={"key": "value"})
    table = read_table(tmp_path / "t", SCHEMA)
    assert table.to_pylist() == TABLE.to_pylist()
    assert table_metadata(tmp_path / "t")["key"] == "value"


def test_table_further_columns_where_allowed(tmp_path):
    write_table(tmp_path / "t", TABLE.append_column("more", pa.array([1, 2])))
    assert read_table(tmp_path / "t", SCHEMA, further_columns=True).column_names == ["image_id", "name", "more"]
    with pytest.raises(ArtifactError, match="columns image_id: int64, name: string, more: int64, expected image_id"):
        read_table(tmp_path / "t", SCHEMA)


def test_table_missing_column(tmp_path):
    write_table(tmp_path / "t", TABLE.select(["image_id"]))
    with pytest.raises(ArtifactError, match="columns image_id: int64, expected image_id: int64, name: string"):
        read_table(tmp_path / "t", SCHEMA, further_columns=True)


def test_table_of_another_version(tmp_path):
    pq.write_table(TABLE, tmp_path / "t")
    with pytest.raises(ArtifactError, match="schema version none, expected 1"):
        read_table(tmp_path / "t", SCHEMA)


def test_table_missing_or_damaged(tmp_path):
    with pytest.raises(ArtifactError, match="missing; run the stage"):
        read_table(tmp_path / "t", SCHEMA)
    (tmp_path / "t").write_bytes(b"PAR1 and no more")
    with pytest.raises(ArtifactError, match="not a readable Parquet file"):
        read_table(tmp_path / "t", SCHEMA)


def test_table_folder_names_add_no_column(tmp_path):
    path = tmp_path / "seed=3" / "t.parquet"
    write_table(path, TABLE)
    assert read_table(path, SCHEMA).column_names == ["image_id", "name"]


def test_check_row_ids(tmp_path):
    check_row_ids(tmp_path, TABLE, rows=2)
    with pytest.raises(ArtifactError, match="2 rows, expected 3"):
        check_row_ids(tmp_path, TABLE, rows=3)
    with pytest.raises(ArtifactError, match=r"image_id is not 0\.\.1 in order"):
        check_row_ids(tmp_path, TABLE.take([1, 0]))
