"""The whole pipeline in this process, on tiny settings: repeatable, without labels, and with clear failures."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.model import read_model
from scan_core.encoders.pretext_model import PretextModel
from scan_core.errors import ParamsError, TrainingError
from scan_core.images.preparation import Preparation
from scan_core.training.chance import Usage
from stages import (
    count_clusters,
    embed,
    evaluate,
    fetch,
    mine_neighbors,
    predict,
    pretext_train,
    scan_train,
    self_label,
)
from tests.pipeline import TRAININGS, artifacts, run_stages, write_params
from tests.samples import encode, noise, write_picture


def test_all_artifacts_of_the_design_exist(finished: Path):
    expected = [
        "data/artifacts/images/pixels.npy",
        "data/artifacts/index.parquet",
        "data/artifacts/labels.parquet",
        "data/artifacts/pretext/encoder.safetensors",
        "data/artifacts/embeddings.npy",
        "data/artifacts/embedding_norms.npy",
        "data/artifacts/features.npy",
        "data/artifacts/standardization.safetensors",
        "data/artifacts/neighbors.parquet",
        "data/artifacts/scan/model.safetensors",
        "data/artifacts/self_label/model.safetensors",
        "data/artifacts/baselines.parquet",
        "data/artifacts/clusters.json",
        "data/artifacts/predictions.parquet",
        "reports/metrics/evaluate.json",
        "reports/fetch/details.json",
        "reports/preview/augmented.png",
        "reports/pretext_train/details.json",
        "reports/mine_neighbors/details.json",
        "reports/scan_train/details.json",
        "reports/self_label/details.json",
        "reports/evaluate/details.json",
        "reports/pretext_train/live/plots/metrics/loss.tsv",
    ]
    assert set(expected) <= artifacts(finished).keys()
    assert not list(finished.rglob("*.tmp"))
    assert not list(finished.glob(".resume/*/"))


@pytest.mark.parametrize("stage", [pretext_train, scan_train, self_label], ids=TRAININGS)
def test_the_seed_is_added_to_that_of_the_section(ran: Path, stage: ModuleType):
    name = stage.__name__.removeprefix("stages.")
    section, found = name.removesuffix("_train"), []
    for seed in ("seed", f"{section}.seed"):
        write_params(ran, f"{seed}=3", f"{section}.epochs=1")
        run_stages(stage)
        found.append((ran / f"reports/{name}/details.json").read_text())
    assert found[0] == found[1]


def test_no_artifact_names_this_machine(finished: Path):
    for name in artifacts(finished):
        assert str(finished).encode() not in (finished / name).read_bytes(), name


def test_model_metadata_describes_the_model(finished: Path):
    _, encoder = read_model(finished / "data/artifacts/pretext/encoder.safetensors")
    weights, model = read_model(finished / "data/artifacts/scan/model.safetensors")
    assert (encoder["architecture"], encoder["task"], encoder["image_size"]) == ("resnet10", "simclr", 8)
    assert encoder["preparation"] == model["preparation"] == Preparation(8, "crop").described()
    assert model["clusters"] == 10
    assert weights["heads.weight"].shape[:2] == (1, 10)
    details = json.loads((finished / "reports/scan_train/details.json").read_text())
    usage = {name: pytest.approx(model["scan"][name], abs=1e-5) for name in ("clusters_used", "largest_cluster")}
    assert usage == {name: details[name] for name in usage}
    assert evaluate.in_training(model) == Usage(**{name: model["scan"][name] for name in Usage._fields})
    history = (finished / "reports/scan_train/live/plots/metrics/selection_loss.tsv").read_text().splitlines()[1:]
    assert model["selection_loss"] == pytest.approx(min(float(line.split("\t")[1]) for line in history), rel=1e-5)


def test_projected_embeddings_and_no_neighbors(ran: Path):
    write_params(ran, "embed.layer=projection", "neighbors.k=0")
    run_stages(embed, mine_neighbors, scan_train, self_label, evaluate)
    assert read_embeddings(ran / "data/artifacts/embeddings.npy").shape == (160, 64)
    assert "purity" not in json.loads((ran / "reports/metrics/evaluate.json").read_text())


def test_small_crops_come_first(project: Path, monkeypatch: pytest.MonkeyPatch):
    write_params(
        project,
        "pretext.small_crops={size: 0.75, share: 0.5}",
        "pretext.augmentation.random_resized_crop={scale: [0.2, 1.0], ratio: [0.75, 1.3333]}",
    )
    run_stages(fetch)
    sides = []
    forward = PretextModel.forward
    monkeypatch.setattr(
        PretextModel, "forward", lambda model, images: (sides.append(images.shape[-1]), forward(model, images))[1]
    )
    run_stages(pretext_train)
    assert sides == [6] * (len(sides) // 2) + [8] * (len(sides) // 2)


def test_images_without_any_label_run_through(project: Path, capsys: pytest.CaptureFixture[str]):
    run_stages(fetch)
    pixels = np.load("data/artifacts/images/pixels.npy").repeat(3, axis=1).transpose(0, 2, 3, 1)
    write_unlabeled(project / "pictures.parquet", pixels)
    source = ["data.name=parquet", "data.source=pictures.parquet"]
    write_params(project, *source)
    run_stages()
    metrics = json.loads((project / "reports/metrics/evaluate.json").read_text())
    assert set(metrics) == {"confidence", "clusters_used", "clusters", "self_label_epochs"}
    assert "no labels" in capsys.readouterr().err


def write_unlabeled(path: Path, pixels: np.ndarray) -> None:
    pq.write_table(pa.table({"image": [encode(image, "PNG") for image in pixels]}), path)


def test_a_second_run_on_images_streamed_from_shards_gives_the_same_bytes(finished: Path, project: Path):
    write_params(project, "data.pixels_budget=1e-6")
    run_stages()
    assert [path.name for path in (project / "data/artifacts/images").iterdir()] == ["images-00000.parquet"]
    streamed, resident = artifacts(project), artifacts(finished)
    del streamed["data/artifacts/images/images-00000.parquet"], resident["data/artifacts/images/pixels.npy"]
    assert streamed == resident


def test_images_for_the_pretext_alone_and_new_pictures(project: Path):
    for split, count in (("train", 40), ("test", 8), ("unlabeled", 30)):
        for i in range(count):
            write_picture(project / "pictures" / split / f"{i}.png", noise(8, 8, 3, seed=i))
    write_params(
        project,
        "data.name=folder",
        "data.source=pictures",
        "data.limit=null",
        "data.evaluate_splits=[test]",
        "pretext.train_splits=[unlabeled]",
        "scan.clusters=3",
    )
    run_stages()
    assert json.loads((project / "reports/pretext_train/details.json").read_text())["images"] == 70
    assert len(pq.read_table(project / "data/artifacts/neighbors.parquet")) == 40
    assert json.loads((project / "reports/self_label/details.json").read_text())["images"] == 40
    predicted = pd.read_parquet(project / "data/artifacts/predictions.parquet").query("step == 'scan'")["image_id"]
    index = pd.read_parquet(project / "data/artifacts/index.parquet").set_index("image_id")
    assert index.loc[predicted]["split"].tolist() == ["test"] * 8

    predict.main([str(project / "pictures" / "test")], output=project / "new.csv")
    evaluated = pd.read_csv(project / "reports/evaluate/assignments.csv")
    again = pd.read_csv(project / "new.csv").assign(path=lambda table: "test/" + table["path"])
    both = evaluated.merge(again, on="path")
    assert len(both) == len(evaluated) == len(again)
    assert both["cluster_x"].tolist() == both["cluster_y"].tolist()
    assert both["confidence_y"].to_numpy() == pytest.approx(both["confidence_x"].to_numpy(), abs=1e-4)
    assert again["novelty"].between(0, 100).all()


def test_labels_change_nothing_before_evaluate(finished: Path, project: Path):
    run_stages(fetch)
    table = pq.read_table("data/artifacts/labels.parquet")
    shuffled = np.random.default_rng(0).permutation(table["label"].to_numpy())
    column = table.schema.get_field_index("label")
    pq.write_table(table.set_column(column, "label", pa.array(shuffled, pa.int32())), "data/artifacts/labels.parquet")
    run_stages(pretext_train, embed, mine_neighbors, scan_train, self_label)
    kept = [name for name in artifacts(project) if not name.startswith(("data/artifacts/labels", "reports/fetch"))]
    assert {name: artifacts(project)[name] for name in kept} == {name: artifacts(finished)[name] for name in kept}


def test_no_order_follows_the_class(finished: Path):
    label = pq.read_table(finished / "data/artifacts/labels.parquet")["label"].to_numpy()
    # Among 160 shuffled images of ten classes, 16 neighbors in the order share a class on average (deviation 3.8).
    assert (label[1:] == label[:-1]).sum() < 36


@pytest.mark.parametrize(
    ("override", "stage", "said"),
    [
        ("scan.clusters=161", count_clusters, r"scan\.clusters: 161, expected at most 160"),
        ("scan.clusters=161", scan_train, r"160 training images for 161 clusters; lower scan\.clusters"),
        ("pretext.learning_rate=1e30", pretext_train, "not finite .* lower .*learning_rate .*section "),
        ("scan.learning_rate=1e30", scan_train, "not finite .* lower .*learning_rate .*section "),
    ],
)
def test_a_failure_names_the_parameter(ran: Path, override: str, stage: object, said: str):
    before = artifacts(ran)
    write_params(ran, override)
    with pytest.raises((TrainingError, ParamsError), match=said):
        run_stages(stage)
    kept = [name for name in before if not name.startswith("reports")]
    assert {name: artifacts(ran)[name] for name in kept} == {name: before[name] for name in kept}
