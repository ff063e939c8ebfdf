from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.datasets.parquet import parquet
from scan_core.errors import DataError
from tests.samples import write_parquet, write_table

IMAGES = [bytes([i]) * 10 for i in range(150)]
"""Not decoded here, so any bytes will do."""


def test_parquet_hugging_face_layout(tmp_path):
    write_parquet(
        tmp_path / "train-00000-of-00002.parquet", IMAGES[:3], [1, 0, -1], ("cat", "dog"), paths=["a", "b", "c"]
    )
    write_parquet(tmp_path / "train-00001-of-00002.parquet", IMAGES[3:5], [0, None], ("cat", "dog"), paths=["d", "e"])
    write_parquet(tmp_path / "test-00000-of-00001.parquet", IMAGES[5:6], [1], ("cat", "dog"))
    dataset = parquet(tmp_path)
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
    dataset = parquet(tmp_path)
    rows = np.array([0, 1, 6, 7, 63, 64, 99, 100, 149])
    assert list(dataset.read(rows)) == [IMAGES[row] for row in rows]


def test_parquet_missing_images_are_none(tmp_path):
    write_parquet(tmp_path / "a.parquet", [IMAGES[0], None], paths=["x", "y"])
    write_parquet(tmp_path / "b.parquet", [None, IMAGES[1]], plain=True)
    assert list(parquet(tmp_path).read(np.arange(4))) == [IMAGES[0], None, None, IMAGES[1]]


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
    assert parquet(tmp_path).split.tolist() == [split]


@pytest.mark.parametrize("encoded", [False, True])
def test_parquet_split_is_in_a_column(tmp_path, encoded):
    column = pa.array(["train", "Test", "validation"])
    table = {"image": IMAGES[:3], "split": column.dictionary_encode() if encoded else column}
    pq.write_table(pa.table(table), tmp_path / "test.parquet")
    assert parquet(tmp_path).split.tolist() == ["train", "test", "validation"]


def test_parquet_column_of_no_splits_is_told_of(tmp_path, capsys):
    pq.write_table(pa.table({"image": IMAGES[:2], "split": ["train", "test"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": IMAGES[:2], "split": ["train", "None"]}), tmp_path / "test.parquet")
    assert parquet(tmp_path).split.tolist() == ["train"] * 2 + ["test"] * 2  # of both files or of none
    assert "column split holds 'None', which names no split; the column is ignored" in capsys.readouterr().err


def test_parquet_empty_rows_of_the_column_of_splits_have_that_of_their_file(tmp_path):
    pq.write_table(pa.table({"image": IMAGES[:3], "split": ["train", None, ""]}), tmp_path / "test.parquet")
    pq.write_table(pa.table({"image": IMAGES[:2], "split": ["train", "test"]}), tmp_path / "train.parquet")
    assert parquet(tmp_path).split.tolist() == ["train", "test", "test", "train", "test"]


def test_parquet_split_is_in_a_column_of_numbers_with_names(tmp_path):
    columns = {"image": pa.array(IMAGES[:3]), "split": pa.array([0, 1, None])}
    write_table(tmp_path / "a.parquet", columns, {"split": ["train", "test"]})
    dataset = parquet(tmp_path)
    assert dataset.split.tolist() == ["train", "test", "train"]
    assert dataset.label.tolist() == [-1] * 3


def test_parquet_follows_links_to_folders(tmp_path):
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    source.mkdir()
    elsewhere.mkdir()
    write_parquet(source / "train-0.parquet", IMAGES[:2])
    write_parquet(elsewhere / "test-0.parquet", IMAGES[:1])
    (source / "test").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(source)
    (source / "valid").mkdir()
    write_parquet(source / "valid/0.parquet", IMAGES[:1])
    (source / "all").symlink_to(source / "valid")
    assert parquet(source).split.tolist() == ["test", "train", "train", "valid"]


def test_parquet_passes_over_a_file_without_rows(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:2], [1, 0])
    empty = pa.table({"image": pa.array([], pa.float64()), "label": pa.array([], pa.string())})
    for name in ("0.pq", "b.pq"):
        pq.write_table(empty, tmp_path / name)
    assert parquet(tmp_path).label.tolist() == [1, 0]


def test_parquet_counts_the_files_beside_it(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:1])
    for name in ("README.md", "b.arrow", "c.arrow", ".hidden"):
        (tmp_path / name).touch()
    assert parquet(tmp_path).left_out == {".arrow": 2, ".md": 1}


def test_parquet_wrong_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"front": [b""], "back": [b""], "label": [0]}), path)
    with pytest.raises(DataError, match="columns front: binary, back: binary, label: int64, expected image"):
        parquet(path)


def test_parquet_images_and_labels_as_views(tmp_path):
    table = {"image": pa.array(IMAGES[:2]).cast(pa.binary_view()), "label": pa.array(["b", "a"]).cast(pa.string_view())}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    dataset = parquet(tmp_path)
    assert list(dataset.read(np.arange(2))) == IMAGES[:2]
    assert dataset.label_names(np.arange(2)) == ["b", "a"]


def test_parquet_the_only_column_of_images(tmp_path):
    pq.write_table(pa.table({"picture": IMAGES[:2], "label": [0, 1]}), tmp_path / "a.parquet")
    assert list(parquet(tmp_path).read(np.arange(2))) == IMAGES[:2]


def test_parquet_a_downloaded_repository(tmp_path):
    for name in ("data/train-0.parquet", "data/valid-0.parquet", "test/0.parquet", ".cache/train-0.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_parquet(tmp_path / name, IMAGES[:1])
    assert parquet(tmp_path).split.tolist() == ["train", "valid", "test"]


def test_parquet_columns_as_webdataset_names_them(tmp_path):
    pq.write_table(pa.table({"jpg": IMAGES[:2], "cls": [3, 1]}), tmp_path / "a.parquet")
    assert parquet(tmp_path).label_names(np.arange(2)) == ["3", "1"]


def test_parquet_paths_that_are_no_utf8(tmp_path):
    image = pa.StructArray.from_arrays(
        [pa.array([b""]), pa.array([b"caf\xe9"]).cast(pa.binary()).view(pa.string())], names=["bytes", "path"]
    )
    pq.write_table(pa.table({"image": image}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        parquet(tmp_path)


def test_parquet_damaged(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="not a readable Parquet file") as error:
        parquet(path)
    assert "\n" not in str(error.value)


def test_parquet_damaged_inside(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path, [np.random.default_rng(0).bytes(5000) for _ in range(4)], row_group_size=4)
    content = bytearray(path.read_bytes())
    content[10:200] = b"\xff" * 190  # the first page's header
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable Parquet file"):
        list(parquet(path).read(np.arange(4)))


def test_parquet_folder_without(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"no \*\.parquet among its 1 entries \(notes\.txt\)"):
        parquet(tmp_path)


@pytest.mark.parametrize("names", [["image", "image", "label"], ["image", "label", "label"]])
def test_parquet_name_twice(tmp_path, names):
    columns = [pa.array([b"", b""]) if name == "image" else pa.array([0, 1]) for name in names]
    pq.write_table(pa.Table.from_arrays(columns, names=names), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="each name once"):
        parquet(tmp_path)


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
    assert parquet(tmp_path).label_names(np.arange(2)) == ["0", "1"]


@pytest.mark.parametrize("change", [1, 2, 254])
def test_parquet_damaged_header_of_a_page(tmp_path, change):
    write_parquet(tmp_path / "a.parquet", IMAGES[:4], plain=True)
    content = (tmp_path / "a.parquet").read_bytes()
    for i in range(4, 40):
        damaged = content[:i] + bytes([(content[i] + change) % 256]) + content[i + 1 :]
        (tmp_path / "a.parquet").write_bytes(damaged)
        with suppress(DataError):
            assert len(list(parquet(tmp_path).read(np.arange(4)))) == 4


def test_parquet_fewer_images_than_rows(tmp_path):
    write_parquet(tmp_path / "a.parquet", IMAGES[:4])
    dataset = parquet(tmp_path)
    write_parquet(tmp_path / "a.parquet", IMAGES[:3])
    with pytest.raises(DataError, match="3 images where 4 should be"):
        list(dataset.read(np.arange(4)))
