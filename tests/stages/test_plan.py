"""That the plan scales what it measures, names what does not fit and what would, and measures real steps."""

import re
from pathlib import Path

import numpy as np
import pytest

from scan_core.artifacts.cluster_count import ClusterCount, write_cluster_count
from scan_core.artifacts.index import Index, Normalization, write_index
from scan_core.errors import DataError, ParamsError
from stages import plan_training
from stages.params import Params
from stages.params_file import load_params
from stages.paths import CLUSTERS, INDEX
from stages.plan import ORDER, Free, fitted, impossible, main, print_notes, size, too_large, with_a_count
from stages.plan_images import Counts, count_images
from stages.plan_measure import Measured
from stages.plan_training import Few, scaled
from stages.use import main as use
from tests.pipeline import FROZEN, STORED, start_stage, write_params
from tests.samples import write_picture, write_pixels

pytestmark = pytest.mark.usefixtures("empty")
GIB = 2**30
COUNTS = Counts(all=300, pretext=300, train=300, evaluate=300, channels=1, origin="as stated")
FREE = Free(host=4 * GIB, device=0, disk=10 * GIB)


def params(preset: str, *overrides: str) -> Params:
    use(preset, list(overrides), params=Path("params.yaml"))
    return load_params(Path("params.yaml"))


@pytest.mark.parametrize(
    ("preset", "overrides", "expected"),
    [
        ("digits", [], (1797, 1797, 1797, 1797, 1)),
        ("digits", ["data.limit=500"], (500, 500, 500, 500, 1)),
        ("cifar10", ["data.train_splits=[train]", "data.evaluate_splits=[test]"], (60000, 50000, 50000, 10000, 3)),
        ("stl10", ["data.train_splits=[train]", "pretext.train_splits=[unlabeled]", "data.evaluate_splits=[test]"],
         (113000, 105000, 5000, 8000, 3)),
        # 50 of 1,000 classes: 0.05 x 1,281,167 = 64,058 and 0.05 x 50,000 = 2,500.
        ("imagenet50", [], (66558, 64058, 64058, 2500, 3)),
    ],
)  # fmt: skip
def test_images_are_counted_before_any_is_here(preset, overrides, expected):
    assert count_images(params(preset, *overrides), Path.cwd())[:5] == expected


def test_the_index_of_an_earlier_run_which_may_have_left_out_some_is_not_counted():
    split = np.array(["train"] * 7 + ["test"] * 2, object)
    of_dataset = {"normalization": Normalization([0.5], [0.5]), "pixels_digest": "", "dataset": "cifar10"}
    write_index(INDEX, Index(split, split == "train", split == "test"), **of_dataset)
    config = params("cifar10", "data.train_splits=[train]", "data.evaluate_splits=[test]")
    assert count_images(config, Path.cwd())[:4] == (60_000, 50_000, 50_000, 10_000)
    assert count_images(params("digits"), Path.cwd()).all == 1797


def test_the_index_of_another_folder_is_not_counted(tmp_path: Path):
    split = np.array(["train"] * 6, object)
    write_index(
        INDEX,
        Index(split, split == "train", split == "train"),
        normalization=Normalization([0.5] * 3, [0.5] * 3),
        pixels_digest="",
        dataset="folder",
    )
    for name in "abc":
        write_picture(tmp_path / f"other/{name}.png")
    config = params("folder", f"data.source={tmp_path / 'other'}")
    assert count_images(config, Path.cwd())[:5] == (3, 3, 3, 3, 3)
    config = params("folder", "data.source=no-longer-here")
    assert count_images(config, Path.cwd()).all == 6


@pytest.mark.parametrize(
    ("last", "most", "taken"),
    [
        (None, 1000, 20),
        (ClusterCount(45, (40, 50)), 1000, 45),
        (ClusterCount(45, (40, 50)), 20, 20),
        (ClusterCount(45, None), 1000, 20),
    ],
)
def test_the_number_of_clusters_before_they_are_counted(last: ClusterCount | None, most: int, taken: int):
    if last:
        CLUSTERS.parent.mkdir(parents=True)
        write_cluster_count(CLUSTERS, last)
    assert with_a_count(params("photos"), most=most).scan.cluster_count == taken
    assert with_a_count(params("photos", "clusters=7"), most=most).scan.cluster_count == 7


def test_a_folder_that_is_not_here_is_refused():
    with pytest.raises(DataError, match=r"data\.source: nothing at "):
        count_images(params("folder", "data.source=missing"), Path.cwd())


def test_all_that_cannot_be_is_told_at_once_with_what_can():
    config = params(
        "digits", "pretext.batch_size=299", "self_label.batch_size=300", "scan.batch_size=299", "scan.clusters=301"
    )
    assert [*impossible(config, COUNTS, devices=2)] == [
        "pretext.batch_size: found 299, expected a multiple of the 2 devices that share it (runtime.devices), such as "
        "298",
        "scan.clusters: 301, expected at most 300 (images of data.train_splits)",
    ]  # of SCAN, the heads alone are trained, by one device
    config = params("digits", "pretext.batch_size=299", "self_label.batch_size=300", "scan.batch_size=299")
    assert not [*impossible(config, COUNTS, devices=1)]


def test_what_the_stages_will_lower_is_lowered(capsys: pytest.CaptureFixture[str]):
    config = params(
        "digits", "pretext.batch_size=512", "scan.batch_size=302", "self_label.batch_size=999", "neighbors.k=300",
        "self_label.epochs=0",
    )  # fmt: skip
    config = fitted(config, COUNTS._replace(train=299), devices=2)
    assert (config.pretext.batch_size, config.scan.batch_size, config.self_label.batch_size) == (300, 299, 999)
    assert config.neighbors.k == 59
    assert capsys.readouterr().err.count(" is lowered to ") == 3


def test_what_is_too_large_is_told_with_what_would_fit():
    config = params("digits", "pretext.batch_size=256")
    found = {
        # 1 GiB too much, of which an image of the batch takes 1/64: 64 images fewer.
        "pretext-train": Measured(300, 1.0, host=5 * GIB, batch=256, batch_bytes=GIB / 64),
        "mine-neighbors": Measured(300, 1.0, host=4 * GIB + 1),
        "scan-train": Measured(300, 1.0, disk=11 * GIB),
        "self-label": Measured(300, 1.0, host=5 * GIB, batch=256, batch_bytes=GIB / 256),
    }
    assert [*too_large(config, found, FREE)] == [
        "pretext-train: 5.0 GiB of memory, 4.0 GiB are free; pretext.batch_size: 192 would fit",
        "mine-neighbors: 4.0 GiB of memory, 4.0 GiB are free; lower neighbors.k or data.limit",
        "self-label: 5.0 GiB of memory, 4.0 GiB are free; lower encoder.resnet.width or data.image_size",
        "disk: 11.0 GiB, 10.0 GiB are free, most of it by scan-train; lower scan.views or data.limit",
    ]


def test_a_measured_step_is_scaled_to_all_epochs_and_images_and_to_the_whole_batch():
    trial = Few(batch=16, images=16, making=9.0, epoch=9.0, peak=5_000, file=32, state=75)
    run = Few(batch=24, images=48, making=0.6, epoch=4.8, peak=5_800, file=96, state=171)
    found = scaled(trial, run, images=170, batch=32, epochs=10, kept=4)
    # 0.6 / 48 s to make an image of 170, and 0.1 s in an epoch of 5 batches.
    assert found.seconds == pytest.approx(170 * 0.6 / 48 + 10 * 160 * 0.1)
    # An image of a batch takes (5,800 - 5,000) / 8 = 100 bytes, each of 170 - 48 more images 4, and twice its
    # 3 bytes of the state: (171 - 75) / 32.
    assert (found.batch_bytes, found.host) == (100, pytest.approx(5_800 + 8 * 100 + 122 * 10))
    assert found.disk == pytest.approx(2 * 170 + 3 * 170 + 27)
    assert (found.images, found.batch) == (170, 24)


@pytest.mark.parametrize("section", ["scan", "self_label"])
def test_heads_on_stored_features_are_measured_on_noise(section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plan_training, "BUDGET", 0.1)
    write_pixels(tmp_path, np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8))
    write_params(tmp_path, *STORED)
    config = load_params(tmp_path / "params.yaml")
    found = plan_training.measure_training(section, 160, 1, config, tmp_path)
    assert found.seconds is not None
    assert found.seconds > 0
    # A state of at most four copies of four heads of 32 features, and a generator's; no file of augmented views.
    assert found.disk < 4 * 4 * 10 * 33 * 4 + 6_000


def test_what_cannot_be_is_told_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch, capsys):
    write_params(Path(), *FROZEN, "scan.clusters=161", "pretext.batch_size=161")
    monkeypatch.setattr("stages.plan.measure_all", None)
    with pytest.raises(
        ParamsError, match=r"^scan\.clusters: 161, expected at most 160 \(images of data.train_splits\)$"
    ):
        main(Path("params.yaml"))
    assert (
        "warning: pretext.batch_size: 161 is lowered to 160, since there are only 160 images" in capsys.readouterr().err
    )


def test_the_command_measures_real_steps(tmp_path: Path):
    write_params(tmp_path, *FROZEN, "scan.train_encoder=true", "baselines.methods=[kmeans]")
    with start_stage(tmp_path, "plan") as process:
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert {path.name for path in tmp_path.iterdir()} == {"params.yaml"}
    assert max(map(len, output.splitlines())) <= 80
    rows = {line[:14].strip(): line[14:].split() for line in output.splitlines()[:12]}
    assert [*rows] == ["stage", "fetch", *ORDER, "in all"]
    assert [rows[stage][0] for stage in ("fetch", *ORDER)] == ["160", "10", *["160"] * 8]
    # 160 images, three views and themselves, of 32 features in float16; then some state.
    assert float(rows["self-label"][-2]) * 2**10 > 160 * 4 * 32 * 2
    assert all(int(re.match(r"(\d+)", rows[stage][1])[1]) for stage in ("fetch", *ORDER))
    assert "How sure is that?" in output


def test_methods_beside_k_means_are_said_not_to_be_measured(capsys: pytest.CaptureFixture[str]):
    stages = ("fetch", "pretext-train", "scan-train", "self-label")
    found = {stage: Measured(300, 1.0, batch=128) for stage in stages}
    print_notes(params("digits", "baselines.methods=[kmeans]"), found, FREE, devices=1)
    assert "not measured" not in capsys.readouterr().out
    print_notes(params("digits", "baselines.methods=[dec, iic]", "baselines.epochs=7"), found, FREE, devices=1)
    said = " ".join(capsys.readouterr().out.split())
    assert "baselines is not measured with dec, iic: each" in said
    assert "about as long as 7 epochs of pretext-train" in said


def test_figures_are_short():
    assert [size(count) for count in (0, 12, 1536, 1.25 * 2**30)] == ["-", "12 B", "1.5 KiB", "1.2 GiB"]


def test_without_a_pretext_task_its_batch_fits_any_number_of_devices():
    values = ["pretext.batch_size=255", "scan.batch_size=64", "self_label.batch_size=64"]
    assert len(list(impossible(params("digits", *values), COUNTS, devices=2))) == 1
    assert not list(impossible(params("digits", *values, "pretext.task=none"), COUNTS, devices=2))


def test_groups_of_moco_on_several_devices_are_said_before_the_run():
    config = params("imagenet50-authors", "pretext.moco.norm_group=16")
    assert [*impossible(config, COUNTS, devices=4)] == [*impossible(config, COUNTS, devices=1)]
    (wrong,) = {*impossible(config, COUNTS, devices=8)} - {*impossible(config, COUNTS, devices=1)}
    assert wrong.startswith("pretext.moco: 32 images of a batch for each of 8 processes, expected a multiple of 64")
    config = params("imagenet50-authors")  # whose groups are for eight
    assert [*impossible(config, COUNTS, devices=8)] == [*impossible(config, COUNTS, devices=1)]
