import re
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.datasets.parquet import parquet
from scan_core.datasets.table import open_dataset
from scan_core.errors import DataError
from tests.samples import write_parquet, write_table

IMAGES = [bytes([i]) * 10 for i in range(150)]
"""Not decoded here, so any bytes will do."""


def _open(path):
    return parquet(path)


def test_parquet_hugging_face_layout(tmp_path):
    write_parquet(
        tmp_path / "train-00000-of-00002.parquet", IMAGES[:3], [1, 0, -1], ("cat", "dog"), paths=["a", "b", "c"]
    )
    write_parquet(tmp_path / "train-00001-of-00002.parquet", IMAGES[3:5], [0, None], ("cat", "dog"), paths=["d", "e"])
    write_parquet(tmp_path / "test-00000-of-00001.parquet", IMAGES[5:6], [1], ("cat", "dog"))
    dataset = _open(tmp_path)
    assert dataset.split.tolist() == ["test"] + ["train"] * 5
    assert dataset.label.tolist() == [1, 1, 0, -1, 0, -1]
    assert dataset.label_names(np.arange(6)) == ["dog", "dog", "cat", None, "cat", None]
    assert dataset.path == ["test-00000-of-00001.parquet#0", "a", "b", "c", "d", "e"]
    assert list(dataset.read(np.arange(6))) == [IMAGES[5], *IMAGES[:5]]
    assert dataset.channels == 3


@pytest.mark.parametrize("image", ["image", "img"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("row_group_size", [1, 7, 1000])
def test_parquet_reads_the_rows_asked_for(tmp_path, image, plain, row_group_size):
    write_parquet(tmp_path / "a.parquet", IMAGES[:100], plain=plain, image=image, row_group_size=row_group_size)
    write_parquet(tmp_path / "b.parquet", IMAGES[100:], plain=plain, image=image, row_group_size=row_group_size)
    dataset = _open(tmp_path)
    rows = np.array([0, 1, 6, 7, 63, 64, 99, 100, 149])
    assert list(dataset.read(rows)) == [IMAGES[row] for row in rows]


def test_parquet_without_labels(tmp_path):
    write_parquet(tmp_path / "pictures.parquet", IMAGES[:3], plain=True)
    dataset = _open(tmp_path / "pictures.parquet")
    assert dataset.label.tolist() == [-1, -1, -1]
    assert dataset.label_names(np.array([0])) == [None]
    assert dataset.split.tolist() == ["train"] * 3
    assert dataset.path[2] == "pictures.parquet#2"


def test_parquet_labels_without_names(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:2], [5, 0])
    assert _open(tmp_path).label_names(np.arange(2)) == ["5", "0"]


def test_parquet_missing_images_are_none(tmp_path):
    write_parquet(tmp_path / "a.parquet", [IMAGES[0], None], paths=["x", "y"])
    write_parquet(tmp_path / "b.parquet", [None, IMAGES[1]], plain=True)
    assert list(_open(tmp_path).read(np.arange(4))) == [IMAGES[0], None, None, IMAGES[1]]


@pytest.mark.parametrize(
    ("name", "split"),
    [("train-0.parquet", "train"), ("test.parquet", "test"), ("validation-00-of-01.parquet", "validation"),
     ("testament-0.parquet", "train"), ("pets-test-0.parquet", "test"), ("blood_test-train-0.pq", "train"),
     ("x_validation.PARQUET", "validation"), ("default/partial-test/0000.parquet", "test"), ("tst-0.pq", "test"),
     ("split=test/part-0.parquet", "test"), ("train-val-0.parquet", "train"),
     ("hold-out-00000-of-00001.parquet", "holdout")],
)  # fmt: skip
def test_parquet_split_is_in_the_name(tmp_path, name, split):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    write_parquet(tmp_path / name, IMAGES[:1])
    assert _open(tmp_path).split.tolist() == [split]


@pytest.mark.parametrize("encoded", [False, True])
def test_parquet_split_is_in_a_column(tmp_path, encoded):
    column = pa.array(["train", "Test", "validation"])
    table = {"image": IMAGES[:3], "split": column.dictionary_encode() if encoded else column}
    pq.write_table(pa.table(table), tmp_path / "test.parquet")
    assert _open(tmp_path).split.tolist() == ["train", "test", "validation"]


def test_parquet_column_of_no_splits_is_told_of(tmp_path, capsys):
    pq.write_table(pa.table({"image": IMAGES[:2], "split": ["train", "test"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": IMAGES[:2], "split": ["train", None]}), tmp_path / "test.parquet")
    assert _open(tmp_path).split.tolist() == ["train"] * 2 + ["test"] * 2  # of both files or of none
    assert "column split holds 'None', which names no split; the column is ignored" in capsys.readouterr().err


def test_parquet_passes_over_a_column_that_cannot_be_classes(tmp_path):
    columns = {"image": IMAGES[:2], "label_name": [["a"], ["b"]], "label": [1, 0]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert _open(tmp_path).label.tolist() == [1, 0]


def test_parquet_counts_the_files_beside_it(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:1])
    for name in ("README.md", "b.arrow", "c.arrow", ".hidden"):
        (tmp_path / name).touch()
    assert _open(tmp_path).left_out == {".arrow": 2, ".md": 1}


def test_parquet_wrong_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"front": [b""], "back": [b""], "label": [0]}), path)
    with pytest.raises(DataError, match="columns front: binary, back: binary, label: int64, expected image"):
        _open(path)


def test_parquet_images_and_labels_as_views(tmp_path):
    table = {"image": pa.array(IMAGES[:2]).cast(pa.binary_view()), "label": pa.array(["b", "a"]).cast(pa.string_view())}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    dataset = _open(tmp_path)
    assert list(dataset.read(np.arange(2))) == IMAGES[:2]
    assert dataset.label_names(np.arange(2)) == ["b", "a"]


def test_parquet_labels_of_half_precision(tmp_path):
    labels = pa.array([1.0, 0.0], pa.float32()).cast(pa.float16())
    pq.write_table(pa.table({"image": IMAGES[:2], "label": labels}), tmp_path / "a.parquet")
    assert _open(tmp_path).label_names(np.arange(2)) == ["1", "0"]


def test_parquet_the_only_column_of_images(tmp_path):
    pq.write_table(pa.table({"picture": IMAGES[:2], "label": [0, 1]}), tmp_path / "a.parquet")
    assert list(_open(tmp_path).read(np.arange(2))) == IMAGES[:2]


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
    assert _open(tmp_path).label_names(np.arange(2)) == names
    assert ("cannot be classes" in capsys.readouterr().err) == (names == [None, None])


def test_parquet_class_names_of_several_files(tmp_path):
    for name, labels in (("a", ["dog", "cat"]), ("b", ["ant", "dog"])):
        pq.write_table(pa.table({"image": IMAGES[:2], "label": labels}), tmp_path / f"{name}.parquet")
    dataset = _open(tmp_path)
    assert dataset.classes == ("ant", "cat", "dog")
    assert dataset.label.tolist() == [2, 1, 0, 2]


def test_parquet_a_downloaded_repository(tmp_path):
    for name in ("data/train-0.parquet", "data/valid-0.parquet", "test/0.parquet", ".cache/train-0.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_parquet(tmp_path / name, IMAGES[:1])
    assert _open(tmp_path).split.tolist() == ["train", "valid", "test"]


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
    assert _open(tmp_path).label_names(np.arange(2)) == ["wood", "sea"]
    write_table(tmp_path / "a.parquet", columns, {"scene_category": ["sea", "wood"], "width": [*map(str, range(10))]})
    assert _open(tmp_path).label_names(np.arange(2)) == [None, None]


def test_parquet_columns_as_webdataset_names_them(tmp_path):
    pq.write_table(pa.table({"jpg": IMAGES[:2], "cls": [3, 1]}), tmp_path / "a.parquet")
    assert _open(tmp_path).label_names(np.arange(2)) == ["3", "1"]


def test_parquet_class_names_by_number(tmp_path):
    features = '{"info": {"features": {"label": {"names": {"1": "dog", "0": "cat"}}}}}'
    table = pa.table({"image": IMAGES[:2], "label": [0, 1]}).replace_schema_metadata({"huggingface": features})
    pq.write_table(table, tmp_path / "a.parquet")
    assert _open(tmp_path).label_names(np.arange(2)) == ["cat", "dog"]


def test_parquet_labels_that_have_no_name(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:1], [2], ("cat", "dog"))
    said = r"found 2 in the column label, expected 0\.\.1 \(the 2 classes .*; convert the column, or take none"
    with pytest.raises(DataError, match=said):
        _open(tmp_path)


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
        _open(path)
    assert error.value.argument == "labels"


@pytest.mark.parametrize("number", [2**40, 2**63])
def test_parquet_labels_are_not_looked_at_where_none_are_wanted(number, tmp_path):
    column = pa.array([number], pa.uint64())
    pq.write_table(pa.table({"image": [b""], "label": column}), tmp_path / "a.parquet")
    dataset = open_dataset("parquet", tmp_path, downloads=tmp_path, labels="none", classes_file=None)
    assert dataset.label.tolist() == [-1]


def test_parquet_paths_that_are_no_utf8(tmp_path):
    image = pa.StructArray.from_arrays(
        [pa.array([b""]), pa.array([b"caf\xe9"]).cast(pa.binary()).view(pa.string())], names=["bytes", "path"]
    )
    pq.write_table(pa.table({"image": image}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        _open(tmp_path)


def test_parquet_files_of_different_classes(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:1], [0], ("cat", "dog"))
    write_parquet(tmp_path / "b.parquet", IMAGES[:1], [0], ("dog", "cat"))
    said = r"different classes \(.*\), expected the same in each; convert those that differ, or take none of the labels"
    with pytest.raises(DataError, match=said):
        _open(tmp_path)


def test_parquet_damaged(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="not a readable Parquet file") as error:
        _open(path)
    assert "\n" not in str(error.value)


def test_parquet_damaged_inside(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path, [np.random.default_rng(0).bytes(5000) for _ in range(4)], row_group_size=4)
    content = bytearray(path.read_bytes())
    content[10:200] = b"\xff" * 190  # the first page's header
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable Parquet file"):
        list(_open(path).read(np.arange(4)))


def test_parquet_folder_without(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"no \*\.parquet among its 1 entries \(notes\.txt\)"):
        _open(tmp_path)


@pytest.mark.parametrize("names", [["image", "image", "label"], ["image", "label", "label"]])
def test_parquet_name_twice(tmp_path, names):
    columns = [pa.array([b"", b""]) if name == "image" else pa.array([0, 1]) for name in names]
    pq.write_table(pa.Table.from_arrays(columns, names=names), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="each name once"):
        _open(tmp_path)


@pytest.mark.parametrize(
    "features",
    [
        '{"info": {"features": {"label": {"names": ["\\ud800", "b"]}}}}',
        '{"info": {"features": {"label": {"names": {"1": "a", "2": "b"}}}}}',
        "[" * 100_000,
        "{}",
        b"\xff",
    ],
)
def test_parquet_unusable_names_are_none(tmp_path, features):
    table = pa.table({"image": IMAGES[:2], "label": [0, 1]}).replace_schema_metadata({"huggingface": features})
    pq.write_table(table, tmp_path / "a.parquet")
    assert _open(tmp_path).label_names(np.arange(2)) == ["0", "1"]


@pytest.mark.parametrize("change", [1, 2, 254])
def test_parquet_damaged_header_of_a_page(tmp_path, change):
    write_parquet(tmp_path / "a.parquet", IMAGES[:4], plain=True)
    content = (tmp_path / "a.parquet").read_bytes()
    for i in range(4, 40):
        damaged = content[:i] + bytes([(content[i] + change) % 256]) + content[i + 1 :]
        (tmp_path / "a.parquet").write_bytes(damaged)
        with suppress(DataError):
            assert len(list(_open(tmp_path).read(np.arange(4)))) == 4


def test_parquet_fewer_images_than_rows(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:4])
    dataset = _open(tmp_path)
    write_parquet(tmp_path / "a.parquet", IMAGES[:3])
    with pytest.raises(DataError, match="3 images where 4 should be"):
        list(dataset.read(np.arange(4)))
