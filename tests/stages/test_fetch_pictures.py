"""Fetching a folder of pictures."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scan_core.artifacts.images import read_pixels
from scan_core.errors import DataError
from tests.samples import (
    encode,
    noise,
    write_picture,
)
from tests.stages.fetching import LABELS, written_files, written_labels


def test_fetch_folder_with_bad_pictures(run_fetch, tmp_path):
    root = tmp_path / "pictures"
    for i in range(6):
        write_picture(root / "cat" / f"{i}.png", noise(8, 12, 3, seed=i % 5))  # 0 and 5 are equal
    write_picture(root / "dog" / "one.jpg", noise(1, 1, 3))
    (root / "dog" / "empty.jpg").touch()
    (root / "dog" / "text.jpg").write_text("woof")
    (root / "dog" / "truncated.jpg").write_bytes(encode(noise(64, 64, 3), "JPEG")[:1000])
    (root / "dog" / "loop").symlink_to(root)
    (root / "cat" / "1.png").rename(root / "cat" / os.fsdecode(b"\xff.png"))
    details = run_fetch(name="folder", source="../pictures", image_size=8)
    assert (details["images"], details["skipped"], details["duplicates"]) == (7, 3, 1)
    assert (details["original_width_mean"], details["original_short_side_min"]) == (round(73 / 7, 2), 1)
    lines = Path("reports/fetch/skipped.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["file", "empty.jpg", "text.jpg", "truncated.jpg"]
    assert written_labels()["label_name"].value_counts().to_dict() == {"cat": 6, "dog": 1}
    assert "cat/\\xff.png" in set(written_labels()["path"])


def test_fetch_duplicates_reported_or_dropped(run_fetch, tmp_path, capsys):
    for split, seeds in (("train", [0, 1, 0, 2, 0]), ("test", [1, 3, 3])):
        for i, seed in enumerate(seeds):
            write_picture(tmp_path / "p" / split / f"{split}{i}.png", noise(8, 8, 3, seed=seed))
    folder = {"name": "folder", "source": "../p", "image_size": 8, "evaluate_splits": ["test"]}
    details = run_fetch(**folder)
    assert (details["images"], details["duplicates"], details["duplicates_dropped"]) == (8, 4, 0)
    said = (
        "pixel by pixel like another one: 4 images (duplicates.csv); data.duplicates: drop leaves out 2 training images"
    )
    assert f"{said}; 1 evaluated image is the same as a training image\n" in capsys.readouterr().err
    details = run_fetch(**folder, duplicates="drop")
    said = "like another one: 2 images (duplicates.csv); 1 evaluated image is the same as a training"
    assert said in capsys.readouterr().err
    # Two of the three equal training images go; evaluation keeps its own, also the one that equals a training image.
    assert (details["images"], details["train_images"], details["duplicates_dropped"]) == (6, 3, 2)
    table = pd.read_csv("reports/fetch/duplicates.csv")
    assert table["dropped"].sum() == 2
    assert set(table.query("dropped")["file"]) | set(table.query("dropped")["same_as"]) <= {
        f"train/train{i}.png" for i in (0, 2, 4)
    }
    assert len({image.tobytes() for image in read_pixels(Path("data/artifacts/images"))}) == 4


def test_fetch_stops_at_a_bad_image_where_asked_to(run_fetch, tmp_path):
    write_picture(tmp_path / "p" / "good.png", noise(8, 8, 3))
    (tmp_path / "p" / "bad.png").write_text("text")
    with pytest.raises(DataError, match=r"bad\.png: not a picture .*data\.on_bad_image: skip"):
        run_fetch(name="folder", source="../p", on_bad_image="fail")
    (tmp_path / "p" / "bad.png").unlink()
    (tmp_path / "p" / "link.png").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"link\.png: not a file, or a link to nothing; .*data\.on_bad_image: skip"):
        run_fetch(name="folder", source="../p", on_bad_image="fail")


def test_fetch_names_skipped_files_in_full_where_there_are_no_classes(run_fetch, tmp_path):
    for i in range(3):
        write_picture(tmp_path / "p" / "2024" / f"{i}.png", noise(8, 8, 3, seed=i))
    (tmp_path / "p" / "2024" / "bad.png").touch()
    run_fetch(name="folder", source="../p", image_size=8, labels="none")
    assert pd.read_csv("reports/fetch/skipped.csv")["file"].tolist() == ["2024/bad.png"]
    write_picture(tmp_path / "p" / "2025" / "3.png", noise(8, 8, 3, seed=3))
    run_fetch(name="folder", source="../p", image_size=8)
    assert pd.read_csv("reports/fetch/skipped.csv")["file"].tolist() == ["bad.png"]


def test_fetch_says_in_one_line_what_it_understood(run_fetch, tmp_path, capsys):
    for i, name in enumerate(["a\nerror: b", "\x1b[31m"]):
        write_picture(tmp_path / "p" / name / "1.png", noise(8, 8, 3, seed=i))
    (tmp_path / "p" / "x.c\nd").touch()
    run_fetch(name="folder", source="../p", image_size=8)
    said = r"fetch: 2 images; 2 classes by their folders (\x1b[31m 1, a\nerror: b 1); left out: 1 .c\nd"
    assert said in capsys.readouterr().err.splitlines()


def test_fetch_labels_of_a_csv_file(run_fetch, tmp_path):
    for i in range(4):
        write_picture(tmp_path / "p" / f"{i}.png", noise(8, 8, 3, seed=i))
    (tmp_path / "labels.csv").write_text("file,label\n0.png,cat\n2.png,dog\n")
    run_fetch(name="folder", source="../p", image_size=8, labels="../labels.csv")
    labels = written_labels().set_index("path")["label_name"]
    assert (labels["0.png"], labels["2.png"]) == ("cat", "dog")
    assert labels[["1.png", "3.png"]].isna().all()


def test_fetch_labels_reach_nothing_else(run_fetch, tmp_path):
    root = tmp_path / "pictures"
    for i in range(40):
        write_picture(root / ("aardvark" if i < 20 else "zebra") / f"{i}.png", noise(8, 8, 3, seed=i))
    run_fetch(name="folder", source="../pictures", image_size=8)
    for path, content in written_files().items():
        found = [word for word in (b"aardvark", b"zebra", b"label_name", str(tmp_path).encode()) if word in content]
        assert found == ([b"aardvark", b"zebra", b"label_name"] if path == LABELS else []), path
    assert pq.read_schema("data/artifacts/index.parquet").names == ["image_id", "split", "train", "evaluate"]
    # Ids of the first class: 20 of 0..39 have a mean of 19.5, standard deviation sqrt(133.25 / 20 * 20 / 39) = 1.85.
    assert np.flatnonzero(written_labels()["label"] == 0).mean() == pytest.approx(19.5, abs=4 * 1.85)
