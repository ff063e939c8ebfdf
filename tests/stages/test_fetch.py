import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from scan_core.artifacts.images import read_pixels
from scan_core.artifacts.index import read_index, read_normalization, read_preparation
from scan_core.datasets import cifar10
from scan_core.errors import DataError
from scan_core.images.open_images import open_images
from scan_core.images.preparation import Preparation
from tests.metadata import table_metadata
from tests.samples import (
    encode,
    noise,
    write_cifar100_parquet,
    write_cifar_archive,
    write_cifar_parquet,
    write_parquet,
)
from tests.stages.fetching import LABELS, written_files, written_images, written_labels

ROOT = Path(__file__).parents[2]
REAL = ROOT / "../shared/data/cifar10"


def test_fetch_digits(run_fetch):
    details = run_fetch()
    pixels, index, labels = (
        read_pixels(Path("data/artifacts/images")),
        read_index(Path("data/artifacts/index.parquet")),
        written_labels(),
    )
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

    labels, images = written_labels(), load_digits().images
    for image, path in zip(read_pixels(Path("data/artifacts/images"))[:50], labels["path"][:50], strict=True):
        original = images[int(path.removeprefix("digits/"))]
        assert np.array_equal(image[0], np.rint(original * 255 / 16))


def test_fetch_index_names_the_pixels_and_how_they_came_about(run_fetch):
    run_fetch()
    metadata = table_metadata(Path("data/artifacts/index.parquet"))
    digests = (
        hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        for image in read_pixels(Path("data/artifacts/images"))
    )
    assert metadata["pixels_digest"] == hashlib.sha256(b"".join(digests)).hexdigest()
    assert (metadata["dataset"], metadata["image_size"]) == ("digits", "16")
    assert metadata["interpolation"].startswith("bilinear, antialiased")
    assert read_preparation(Path("data/artifacts/index.parquet")) == Preparation(16, "crop").described()
    run_fetch(fit="stretch")
    assert read_preparation(Path("data/artifacts/index.parquet")) == Preparation(16, "stretch").described()


def test_the_filter_is_that_of_the_parameter(run_fetch):
    run_fetch()
    soft = written_images()
    run_fetch(interpolation="bicubic")
    described = read_preparation(Path("data/artifacts/index.parquet"))
    assert described == Preparation(16, "crop", interpolation="bicubic").described()
    assert described["interpolation"].startswith("bicubic, antialiased")
    assert written_images() != soft


def test_fetch_same_bytes_twice_and_another_order_for_another_seed(run_fetch):
    run_fetch(limit=200)
    first, names = written_files(), written_images()
    run_fetch(limit=200)
    assert written_files() == first
    assert len(first) == 7
    run_fetch(limit=None)
    everything, order = written_images(), written_labels()["path"].tolist()
    run_fetch(limit=None, seed=1)
    assert written_images() == everything
    assert written_labels()["path"].tolist() != order
    run_fetch(limit=200, seed=1)
    assert written_images() != names


def test_fetch_adds_both_seeds(run_fetch):
    run_fetch(global_seed=2, seed=1, limit=50)
    first = written_files()
    run_fetch(global_seed=0, seed=3, limit=50)
    assert written_files() == first


def test_fetch_contact_sheet_shows_the_first_hundred(run_fetch):
    run_fetch(image_size=8)
    sheet = np.asarray(Image.open("reports/fetch/images.png"))
    pixels = read_pixels(Path("data/artifacts/images"))
    assert np.array_equal(sheet[2 + 66 : 66 + 66 : 8, 2:66:8], pixels[10, 0])


def test_fetch_cifar10_archive_and_parquet_agree(run_fetch, tmp_path, monkeypatch):
    sha256 = write_cifar_archive(tmp_path / cifar10.OFFICIAL.file, 60)
    monkeypatch.setattr(cifar10, "OFFICIAL", cifar10.OFFICIAL._replace(sha256=sha256))
    write_cifar_parquet(tmp_path / "parquet", 60)
    splits = {"train_splits": ["train", "test"], "evaluate_splits": ["test"], "image_size": 32}
    run_fetch(name="cifar10", source=f"../{cifar10.OFFICIAL.file}", **splits)
    archive = written_images()
    details = run_fetch(name="cifar10", source="../parquet", **splits)
    assert written_images() == archive
    assert (details["split_train_images"], details["split_test_images"]) == (50, 10)
    assert (details["train_images"], details["evaluate_images"]) == (60, 10)
    run_fetch(name="parquet", source=(tmp_path / "parquet").as_uri(), **splits)
    assert written_images() == archive


def test_fetch_limit_spares_the_evaluation(run_fetch, tmp_path):
    write_cifar_parquet(tmp_path / "parquet", 60)
    details = run_fetch(name="parquet", source="../parquet", limit=7, evaluate_splits=["test"])
    index = read_index(Path("data/artifacts/index.parquet"))
    assert (details["train_images"], details["evaluate_images"], details["images"]) == (7, 10, 17)
    assert not (index.train & index.evaluate).any()
    learned_from = read_pixels(Path("data/artifacts/images"))[index.train] / 255
    mean, std = read_normalization(Path("data/artifacts/index.parquet"), channels=3)
    assert mean == pytest.approx(learned_from.mean((0, 2, 3)))
    assert std == pytest.approx(learned_from.std((0, 2, 3)))


def test_fetch_fine_labels_of_cifar20(run_fetch, tmp_path):
    write_cifar100_parquet(tmp_path / "p")
    run_fetch(name="cifar20", source="../p", image_size=32, evaluate_splits=["test"])
    assert pq.read_schema(LABELS).names[-1] == "fine_label"
    table = written_labels()
    fine, coarse = table["fine_label"].to_numpy(), table["label"].to_numpy()
    assert {int(f): int(c) for f, c in zip(fine, coarse, strict=True)}.keys() == set(fine.tolist())


def test_fetch_beyond_the_budget_writes_shards_of_the_same_images(run_fetch):
    run_fetch(limit=300)
    pixels, index = read_pixels(Path("data/artifacts/images")), Path("data/artifacts/index.parquet").read_bytes()
    reports = {path: path.read_bytes() for path in Path("reports").rglob("*.*")}
    run_fetch(limit=300, pixels_budget=1e-6)
    assert [path.name for path in Path("data/artifacts/images").iterdir()] == ["images-00000.parquet"]
    images = open_images(Path("data/artifacts/images"), torch.device("cpu"), workers=1)
    assert np.array_equal(images.gather(torch.arange(300)).numpy(), pixels)
    assert Path("data/artifacts/index.parquet").read_bytes() == index
    assert {path: path.read_bytes() for path in Path("reports").rglob("*.*")} == reports


def test_fetch_without_labels(run_fetch, tmp_path):
    write_parquet(tmp_path / "p" / "a.parquet", [encode(noise(8, 8, 3, seed=i)) for i in range(5)], plain=True)
    details = run_fetch(name="parquet", source="../p", image_size=8)
    assert details["labeled_images"] == 0
    assert written_labels()["label"].isna().all()


def test_fetch_decodes_only_what_it_keeps(run_fetch, tmp_path):
    pictures = [b"damaged"] * 500 + [encode(noise(8, 8, 3, seed=i)) for i in range(4)]
    write_parquet(tmp_path / "p" / "train.parquet", pictures[:500])
    write_parquet(tmp_path / "p" / "test.parquet", pictures[500:])
    details = run_fetch(name="parquet", source="../p", train_splits=["test"], evaluate_splits=["test"])
    assert (details["images"], details["skipped"]) == (4, 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"source": "x"}, r"^data\.source: found .*x, expected none for digits"),
        ({"train_splits": ["val"]}, r"data\.train_splits: no split val in this dataset, found train"),
        ({"limit": 1}, "found 1 readable training image, expected at least 2"),
    ],
)
def test_fetch_errors(run_fetch, data, message):
    with pytest.raises(DataError, match=message) as error:
        run_fetch(**data)
    assert "\n" not in str(error.value)
    assert not Path("data").exists()


def test_fetch_nothing_readable_keeps_the_old_images(run_fetch, tmp_path):
    run_fetch()
    before = written_files()
    write_parquet(tmp_path / "p" / "a.parquet", [b"no picture"] * 3)
    with pytest.raises(DataError, match="found 0 readable training images"):
        run_fetch(name="parquet", source="../p")
    assert written_files() == before


@pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared")
def test_fetch_real_cifar10_sample(run_fetch):
    details = run_fetch(name="cifar10", source=str(REAL.resolve()), limit=500, image_size=32)
    assert (details["images"], details["original_width_mean"], details["skipped"]) == (500, 32, 0)
    counts = written_labels()["label"].value_counts()
    # 500 drawn without regard to ten classes of 5,000: 50 each, standard deviation 6.7, so hardly ever 50 for all.
    assert len(counts) == 10
    assert counts.between(50 - 5 * 6.7, 50 + 5 * 6.7).all()
    assert counts.nunique() > 1


def test_fetch_scales_deep_images_by_the_dataset_s_own_values(run_fetch, source):
    # Twelve bits: 4095 of all images is white, so 2048 is 2048 >> 4 = 128, whichever image it is in.
    for name, value in (("dark", 2048), ("bright", 4095)):
        values = np.zeros((4, 4), np.uint16)
        values[:2] = value
        (source / f"{name}.png").write_bytes(encode(values))
    (source / "usual.png").write_bytes(encode(noise(4, 4)))
    run_fetch(name="folder", source=str(source), image_size=4)
    levels = {pixels.max() for pixels in read_pixels(Path("data/artifacts/images")) if pixels[0, 2:].max() == 0}
    assert levels == {128, 255}
    assert read_preparation(Path("data/artifacts/index.parquet"))["levels"]["highest"] == 4095


def test_fetch_refuses_pictures_of_too_many_megapixels(run_fetch, source):
    for name, side in (("a", 40), ("b", 41), ("c", 50)):
        Image.new("RGB", (side, side)).save(source / f"{name}.png")
    details = run_fetch(name="folder", source=str(source), max_megapixels=0.0017)
    assert (details["images"], details["skipped"]) == (2, 1)
    assert "50 x 50 pixels, at most 0.0017 million are decoded" in Path("reports/fetch/skipped.csv").read_text()
