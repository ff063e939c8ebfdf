import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.datasets.parquet import parquet
from scan_core.datasets.table import open_dataset
from scan_core.errors import DataError
from tests.samples import write_parquet, write_table

IMAGES = [bytes([i]) * 10 for i in range(4)]
"""Not decoded here, so any bytes will do."""


def test_parquet_without_labels(tmp_path):
    write_parquet(tmp_path / "pictures.parquet", IMAGES[:3], plain=True)
    dataset = parquet(tmp_path / "pictures.parquet")
    assert dataset.label.tolist() == [-1, -1, -1]
    assert dataset.label_names(np.array([0])) == [None]
    assert dataset.split.tolist() == ["train"] * 3
    assert dataset.path[2] == "pictures.parquet#2"


def test_parquet_labels_without_names(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:2], [5, 0])
    assert parquet(tmp_path).label_names(np.arange(2)) == ["5", "0"]


def test_parquet_passes_over_a_column_that_cannot_be_classes(tmp_path):
    columns = {"image": IMAGES[:2], "label_name": [["a"], ["b"]], "label": [1, 0]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert parquet(tmp_path).label.tolist() == [1, 0]


def test_parquet_labels_of_half_precision(tmp_path):
    labels = pa.array([1.0, 0.0], pa.float32()).cast(pa.float16())
    pq.write_table(pa.table({"image": IMAGES[:2], "label": labels}), tmp_path / "a.parquet")
    assert parquet(tmp_path).label_names(np.arange(2)) == ["1", "0"]


@pytest.mark.parametrize(
    ("column", "labels", "names"),
    [
        ("label", ["cat", None], ["cat", None]),
        ("label", [True, False], ["1", "0"]),
        ("labels", [3, 1], ["3", "1"]),
        ("Species_Name", ["owl", "cat"], ["owl", "cat"]),
        ("labels", ["NO", "007"], ["NO", "007"]),
        ("label", [0.5, 1.0], [None, None]),
        ("label", [1.0, None], ["1", None]),  # whole numbers of which some are missing, as pandas writes them
        ("label", [2.0, float("nan")], ["2", None]),
        ("label", pa.array(["cat", "dog"]).dictionary_encode(), ["cat", "dog"]),
        ("label", [" K\u00e4fer", ""], ["K\u00e4fer", None]),
        ("Class", ["a", "b"], ["a", "b"]),
        ("label", [[0], [1]], [None, None]),
    ],
)
def test_parquet_labels_of_other_types_and_names(tmp_path, capsys, column, labels, names):
    pq.write_table(pa.table({"image": IMAGES[:2], column: labels}), tmp_path / "a.parquet")
    assert parquet(tmp_path).label_names(np.arange(2)) == names
    assert ("cannot be classes" in capsys.readouterr().err) == (names == [None, None])


def test_parquet_class_names_of_several_files(tmp_path):
    for name, labels in (("a", ["dog", "cat"]), ("b", ["ant", "dog"])):
        pq.write_table(pa.table({"image": IMAGES[:2], "label": labels}), tmp_path / f"{name}.parquet")
    dataset = parquet(tmp_path)
    assert dataset.classes == ("ant", "cat", "dog")
    assert dataset.label.tolist() == [2, 1, 0, 2]


def test_parquet_columns_of_labels_by_name(tmp_path):
    columns = {"img": pa.array(IMAGES[:2]), "kind": pa.array([1, None], pa.uint8()), "finer": pa.array([-1, 7])}
    write_table(tmp_path / "a.parquet", columns, {"kind": ["cat", "dog"]})
    dataset = parquet(tmp_path, labels=("kind", "finer"))
    assert dataset.label_names(np.arange(2)) == ["dog", None]
    assert {name: values.tolist() for name, values in dataset.further.items()} == {"finer": [-1, 7]}
    with pytest.raises(DataError, match=r"finer: int64, expected .* and other \(integer\)"):
        parquet(tmp_path, labels=("other",))


def test_parquet_the_only_column_with_class_names(tmp_path):
    columns = {"picture": pa.array(IMAGES[:2]), "scene_category": pa.array([1, 0]), "width": pa.array([8, 9])}
    write_table(tmp_path / "a.parquet", columns, {"scene_category": ["sea", "wood"]})
    assert parquet(tmp_path).label_names(np.arange(2)) == ["wood", "sea"]
    write_table(tmp_path / "a.parquet", columns, {"scene_category": ["sea", "wood"], "width": [*map(str, range(10))]})
    assert parquet(tmp_path).label_names(np.arange(2)) == [None, None]


def test_parquet_class_names_by_number(tmp_path):
    features = '{"info": {"features": {"label": {"names": {"1": "dog", "0": "cat"}}}}}'
    table = pa.table({"image": IMAGES[:2], "label": [0, 1]}).replace_schema_metadata({"huggingface": features})
    pq.write_table(table, tmp_path / "a.parquet")
    assert parquet(tmp_path).label_names(np.arange(2)) == ["cat", "dog"]


def test_parquet_labels_that_have_no_name(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:1], [2], ("cat", "dog"))
    said = r"found 2 in the column label, expected 0\.\.1 \(the 2 classes .*; convert the column, or take none"
    with pytest.raises(DataError, match=said):
        parquet(tmp_path)


@pytest.mark.parametrize(
    ("number", "type"),
    [(2**40, pa.int64()), (2**63, pa.uint64()), (2**64 - 1, pa.uint64()), (1e300, pa.float64())],
    ids=str,
)
def test_parquet_labels_too_large(number, type, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [b""], "label": pa.array([number], type)}), path)
    said = (
        rf"found {re.escape(str(number))} in the column label, expected 0\.\.2147483647 .*or -1 .* or take none of the"
    )
    with pytest.raises(DataError, match=said) as error:
        parquet(path)
    assert error.value.argument == "labels"


@pytest.mark.parametrize("number", [2**40, 2**63])
def test_parquet_labels_are_not_looked_at_where_none_are_wanted(number, tmp_path):
    column = pa.array([number], pa.uint64())
    pq.write_table(pa.table({"image": [b""], "label": column}), tmp_path / "a.parquet")
    dataset = open_dataset("parquet", tmp_path, downloads=tmp_path, labels="none", classes_file=None)
    assert dataset.label.tolist() == [-1]


def test_parquet_files_of_different_classes(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:1], [0], ("cat", "dog"))
    write_parquet(tmp_path / "b.parquet", IMAGES[:1], [0], ("dog", "cat"))
    said = r"different classes \(.*\), expected the same in each; convert those that differ, or take none of the labels"
    with pytest.raises(DataError, match=said):
        parquet(tmp_path)
