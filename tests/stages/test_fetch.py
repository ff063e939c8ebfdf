import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from scan_core.artifacts.images import read_pixels
from scan_core.artifacts.index import read_index
from scan_core.artifacts.labels import read_labels
from scan_core.data import cifar10
from scan_core.data.open_images import open_images
from scan_core.data.origins import NAMES
from scan_core.errors import ArtifactError, DataError
from stages import fetch
from stages.params import DataParams
from tests.data.samples import (
    encode,
    noise,
    write_cifar100_parquet,
    write_cifar_archive,
    write_cifar_parquet,
    write_parquet,
    write_picture,
)
from tests.metadata import table_metadata

ROOT = Path(__file__).parents[2]
REAL = ROOT / "../shared/data/cifar10"
DIGITS = {
    "seed": 0, "name": "digits", "source": None, "labels": "folders", "classes_file": None, "on_bad_image": "skip",
    "duplicates": "keep", "limit": None, "image_size": 16, "train_splits": ["train"], "evaluate_splits": ["train"],
    "pixels_budget": 1.0,
}  # fmt: skip
LABELS = Path("data/labels.parquet")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))


@pytest.fixture
def run_fetch(monkeypatch):
    def run(*, global_seed=0, pretext_splits=(), **data):
        config = SimpleNamespace(  # all that fetch may read
            seed=global_seed,
            data=DataParams(**{**DIGITS, **data}),
            pretext=SimpleNamespace(train_splits=pretext_splits),
            runtime=SimpleNamespace(threads=2),
        )
        monkeypatch.setattr(fetch, "load_params", lambda _: config)
        monkeypatch.setattr(fetch, "draw_preview", lambda path, params: path.write_bytes(b"its own test"))
        fetch.main()
        return json.loads(Path("reports/fetch/details.json").read_text())

    return run


def _outputs():
    return {path: path.read_bytes() for folder in ("data", "reports") for path in Path(folder).rglob("*.*")}


def _labels():
    return read_labels(LABELS, rows=len(read_pixels(Path("data/images"))))


def _labeled_images():
    pixels, labels = read_pixels(Path("data/images")), _labels()
    return sorted((image.tobytes(), name) for image, name in zip(pixels, labels["label_name"], strict=True))


def test_fetch_digits(run_fetch):
    details = run_fetch()
    pixels, index, labels = read_pixels(Path("data/images")), read_index(Path("data/index.parquet")), _labels()
    assert pixels.shape == (1797, 1, 16, 16)
    assert index.train.all()
    assert index.evaluate.all()
    # scikit-learn's counts of 0 to 9
    assert labels["label"].value_counts().sort_index().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (details["images"], details["train_images"], details["labeled_images"]) == (1797, 1797, 1797)
    assert details["original_width_mean"] == 8
    assert (details["channels"], details["image_size"], details["skipped"]) == (1, 16, 0)
    assert Path("reports/fetch/skipped.csv").read_text() == "file,reason\n"


def test_fetch_rows_belong_together(run_fetch):
    run_fetch(image_size=8)
    from sklearn.datasets import load_digits

    labels, images = _labels(), load_digits().images
    for image, path in zip(read_pixels(Path("data/images"))[:50], labels["path"][:50], strict=True):
        original = images[int(path.removeprefix("digits/"))]
        assert np.array_equal(image[0], np.rint(original * 255 / 16))


def test_fetch_index_names_the_pixels_and_how_they_came_about(run_fetch):
    run_fetch()
    metadata = table_metadata(Path("data/index.parquet"))
    digests = (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in read_pixels(Path("data/images")))
    assert metadata["pixels_digest"] == hashlib.sha256(b"".join(digests)).hexdigest()
    assert (metadata["dataset"], metadata["image_size"]) == ("digits", "16")
    assert metadata["interpolation"].startswith("bilinear, antialiased")


def test_fetch_same_bytes_twice_and_another_order_for_another_seed(run_fetch):
    run_fetch(limit=200)
    first, names = _outputs(), _labeled_images()
    run_fetch(limit=200)
    assert _outputs() == first
    assert len(first) == 8
    run_fetch(limit=None)
    everything, order = _labeled_images(), _labels()["path"].tolist()
    run_fetch(limit=None, seed=1)
    assert _labeled_images() == everything
    assert _labels()["path"].tolist() != order
    run_fetch(limit=200, seed=1)
    assert _labeled_images() != names


def test_fetch_adds_both_seeds(run_fetch):
    run_fetch(global_seed=2, seed=1, limit=50)
    first = _outputs()
    run_fetch(global_seed=0, seed=3, limit=50)
    assert _outputs() == first


def test_fetch_limit_above_all_says_so(run_fetch, capsys):
    details = run_fetch(limit=5000)
    assert details["images"] == 1797
    assert "data.limit: 5000, but there are only 1797 training images; all are taken" in capsys.readouterr().err


def test_fetch_contact_sheet_shows_the_first_hundred(run_fetch):
    run_fetch(image_size=8)
    sheet = np.asarray(Image.open("reports/fetch/images.png"))
    pixels = read_pixels(Path("data/images"))
    assert np.array_equal(sheet[2 + 66 : 66 + 66 : 8, 2:66:8], pixels[10, 0])


def test_fetch_cifar10_archive_and_parquet_agree(run_fetch, tmp_path, monkeypatch):
    sha256 = write_cifar_archive(tmp_path / cifar10.OFFICIAL.file, 60)
    monkeypatch.setattr(cifar10, "OFFICIAL", cifar10.OFFICIAL._replace(sha256=sha256))
    write_cifar_parquet(tmp_path / "parquet", 60)
    splits = {"train_splits": ["train", "test"], "evaluate_splits": ["test"], "image_size": 32}
    run_fetch(name="cifar10", source=f"../{cifar10.OFFICIAL.file}", **splits)
    archive = _labeled_images()
    details = run_fetch(name="cifar10", source="../parquet", **splits)
    assert _labeled_images() == archive
    assert (details["split_train_images"], details["split_test_images"]) == (50, 10)
    assert (details["train_images"], details["evaluate_images"]) == (60, 10)
    run_fetch(name="parquet", source=(tmp_path / "parquet").as_uri(), **splits)
    assert _labeled_images() == archive


def test_fetch_limit_spares_the_evaluation(run_fetch, tmp_path):
    write_cifar_parquet(tmp_path / "parquet", 60)
    details = run_fetch(name="parquet", source="../parquet", limit=7, evaluate_splits=["test"])
    index = read_index(Path("data/index.parquet"))
    assert (details["train_images"], details["evaluate_images"], details["images"]) == (7, 10, 17)
    assert not (index.train & index.evaluate).any()


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
    assert _labels()["label_name"].value_counts().to_dict() == {"cat": 6, "dog": 1}
    assert "cat/\\xff.png" in set(_labels()["path"])


def test_fetch_duplicates_reported_or_dropped(run_fetch, tmp_path):
    for split, seeds in (("train", [0, 1, 0, 2, 0]), ("test", [1, 3, 3])):
        for i, seed in enumerate(seeds):
            write_picture(tmp_path / "p" / split / f"{split}{i}.png", noise(8, 8, 3, seed=seed))
    folder = {"name": "folder", "source": "../p", "image_size": 8, "evaluate_splits": ["test"]}
    details = run_fetch(**folder)
    assert (details["images"], details["duplicates"], details["duplicates_dropped"]) == (8, 4, 0)
    details = run_fetch(**folder, duplicates="drop")
    # Two of the three equal training images go; evaluation keeps its own, also the one that equals a training image.
    assert (details["images"], details["train_images"], details["duplicates_dropped"]) == (6, 3, 2)
    table = pd.read_csv("reports/fetch/duplicates.csv")
    assert table["dropped"].sum() == 2
    assert set(table.query("dropped")["file"]) | set(table.query("dropped")["same_as"]) <= {
        f"train/train{i}.png" for i in (0, 2, 4)
    }
    assert len({image.tobytes() for image in read_pixels(Path("data/images"))}) == 4


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
    run_fetch(name="folder", source="../p", image_size=8)
    assert pd.read_csv("reports/fetch/skipped.csv")["file"].tolist() == ["bad.png"]


def test_fetch_labels_of_a_csv_file(run_fetch, tmp_path):
    for i in range(4):
        write_picture(tmp_path / "p" / f"{i}.png", noise(8, 8, 3, seed=i))
    (tmp_path / "labels.csv").write_text("file,label\n0.png,cat\n2.png,dog\n")
    run_fetch(name="folder", source="../p", image_size=8, labels="../labels.csv")
    labels = _labels().set_index("path")["label_name"]
    assert (labels["0.png"], labels["2.png"]) == ("cat", "dog")
    assert labels[["1.png", "3.png"]].isna().all()


def test_fetch_fine_labels_of_cifar20(run_fetch, tmp_path):
    write_cifar100_parquet(tmp_path / "p")
    run_fetch(name="cifar20", source="../p", image_size=32, evaluate_splits=["test"])
    assert pq.read_schema(LABELS).names[-1] == "fine_label"
    table = _labels()
    fine, coarse = table["fine_label"].to_numpy(), table["label"].to_numpy()
    assert {int(f): int(c) for f, c in zip(fine, coarse, strict=True)}.keys() == set(fine.tolist())


def test_fetch_beyond_the_budget_writes_shards_of_the_same_images(run_fetch):
    run_fetch(limit=300)
    pixels, index = read_pixels(Path("data/images")), Path("data/index.parquet").read_bytes()
    reports = {path: path.read_bytes() for path in Path("reports").rglob("*.*")}
    run_fetch(limit=300, pixels_budget=1e-6)
    assert [path.name for path in Path("data/images").iterdir()] == ["images-00000.parquet"]
    images = open_images(Path("data/images"), torch.device("cpu"), workers=1)
    assert np.array_equal(images.gather(torch.arange(300)).numpy(), pixels)
    assert Path("data/index.parquet").read_bytes() == index
    assert {path: path.read_bytes() for path in Path("reports").rglob("*.*")} == reports


def test_fetch_without_labels(run_fetch, tmp_path):
    write_parquet(tmp_path / "p" / "a.parquet", [encode(noise(8, 8, 3, seed=i)) for i in range(5)], plain=True)
    details = run_fetch(name="parquet", source="../p", image_size=8)
    assert details["labeled_images"] == 0
    assert _labels()["label"].isna().all()


def test_fetch_labels_reach_nothing_else(run_fetch, tmp_path):
    root = tmp_path / "pictures"
    for i in range(40):
        write_picture(root / ("aardvark" if i < 20 else "zebra") / f"{i}.png", noise(8, 8, 3, seed=i))
    run_fetch(name="folder", source="../pictures", image_size=8)
    for path, content in _outputs().items():
        found = [word for word in (b"aardvark", b"zebra", b"label_name", str(tmp_path).encode()) if word in content]
        assert found == ([b"aardvark", b"zebra", b"label_name"] if path == LABELS else []), path
    assert pq.read_schema("data/index.parquet").names == ["image_id", "split", "train", "evaluate"]
    # Ids of the first class: 20 of 0..39 have a mean of 19.5, standard deviation sqrt(133.25 / 20 * 20 / 39) = 1.85.
    assert np.flatnonzero(_labels()["label"] == 0).mean() == pytest.approx(19.5, abs=4 * 1.85)


def test_fetch_decodes_only_what_it_keeps(run_fetch, tmp_path):
    pictures = [b"damaged"] * 500 + [encode(noise(8, 8, 3, seed=i)) for i in range(4)]
    write_parquet(tmp_path / "p" / "train.parquet", pictures[:500])
    write_parquet(tmp_path / "p" / "test.parquet", pictures[500:])
    details = run_fetch(name="parquet", source="../p", train_splits=["test"], evaluate_splits=["test"])
    assert (details["images"], details["skipped"]) == (4, 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"source": "x"}, "expected null for data.name digits"),
        ({"train_splits": ["val"]}, r"data\.train_splits: no split val in this dataset, found train"),
        ({"limit": 1}, "found 1 readable training image, expected at least 2"),
        ({"name": "folder"}, r"data\.source: null, expected for data\.name folder the local path of a folder"),
        ({"name": "parquet", "source": "https://example.org/a"}, "expected for data.name parquet the local path"),
        ({"name": "cifar10", "source": "gone"}, "nothing at .*gone, expected cifar-10-python"),
    ],
)
def test_fetch_errors(run_fetch, data, message):
    with pytest.raises(DataError, match=message) as error:
        run_fetch(**data)
    assert "\n" not in str(error.value)
    assert not Path("data").exists()


def test_fetch_nothing_readable_keeps_the_old_images(run_fetch, tmp_path):
    run_fetch()
    before = _outputs()
    write_parquet(tmp_path / "p" / "a.parquet", [b"no picture"] * 3)
    with pytest.raises(DataError, match="found 0 readable training images"):
        run_fetch(name="parquet", source="../p")
    assert _outputs() == before


def test_fetch_full_disk(run_fetch, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ArtifactError, match="free space"):
        run_fetch()
    assert list(Path("data/images").iterdir()) == []


@pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared")
def test_fetch_real_cifar10_sample(run_fetch):
    details = run_fetch(name="cifar10", source=str(REAL.resolve()), limit=500, image_size=32)
    assert (details["images"], details["original_width_mean"], details["skipped"]) == (500, 32, 0)
    counts = _labels()["label"].value_counts()
    # 500 drawn without regard to ten classes of 5,000: 50 each, standard deviation 6.7, so hardly ever 50 for all.
    assert len(counts) == 10
    assert counts.between(50 - 5 * 6.7, 50 + 5 * 6.7).all()
    assert counts.nunique() > 1


def test_fetch_knows_every_name_that_params_allow():
    assert set(get_args(DataParams.model_fields["name"].annotation)) == set(NAMES)


def test_fetch_command_line_help():
    command = [sys.executable, "-m", "stages.fetch", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for word in ("Reads", "writes", "data/labels.parquet", "--params"):
        assert word in shown
