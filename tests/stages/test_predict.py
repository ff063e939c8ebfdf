import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from scan_core.artifacts.model import checksum
from scan_core.clustering.predict import predict as probabilities_of
from scan_core.encoders.pretext_model import PretextModel, write_pretext
from scan_core.encoders.resnet import ResNet
from scan_core.errors import ArtifactError, DataError
from scan_core.images.images import ResidentImages
from scan_core.images.preparation import Preparation
from scan_core.images.resize import FILTERS, FITS
from scan_core.prediction import clusterer
from stages import predict
from stages.paths import ENCODER, SELF_LABEL_MODEL
from stages.use import main as use
from tests.samples import encode, noise
from tests.stages.predicting import CLUSTERS, SIZE, predict_status, write_model

COUNT = 7
PICTURES = [noise(SIZE, SIZE, 3, seed=seed) for seed in range(COUNT)]


@pytest.fixture
def run_predict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runtime = SimpleNamespace(device="cpu", threads=1)
    config = SimpleNamespace(runtime=runtime, data=SimpleNamespace(max_megapixels=1.0))
    monkeypatch.setattr(predict, "load_params", lambda _: config)
    write_model(channels=3)

    def run(files, output=Path("reports/predict/assignments.csv")):
        for name, content in files.items():
            path = tmp_path / "pictures" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        run.status = predict_status(tmp_path / "pictures", output)
        return pd.read_csv(output)

    return run


def _files():
    return {f"{number}/{number}.png": encode(picture) for number, picture in enumerate(PICTURES)}


@pytest.mark.parametrize("at_once", [100, 2], ids=["all at once", "two at once"])
def test_each_picture_gets_what_the_model_says(run_predict, monkeypatch, at_once):
    monkeypatch.setattr(clusterer, "AT_ONCE", at_once)
    table = run_predict(_files()).set_index("path")
    images = ResidentImages(np.stack(PICTURES).transpose(0, 3, 1, 2).copy(), torch.device("cpu"))
    expected = probabilities_of(SELF_LABEL_MODEL, images, np.arange(COUNT), encoder=Path("none"), features=Path("none"))
    names = list(_files())
    assert table.loc[names, "cluster"].tolist() == expected.argmax(1).tolist()
    assert table.loc[names, "confidence"].to_numpy() == pytest.approx(expected.max(1), abs=1e-6)


def test_clusters_in_turn_and_the_surest_first(run_predict, capsys):
    table = run_predict(_files())
    assert table.equals(table.sort_values(["cluster", "confidence"], ascending=[True, False], kind="stable"))
    counts = [(table["cluster"] == cluster).sum() for cluster in range(CLUSTERS)]
    counted = [f"cluster {cluster}: {n} picture{'' if n == 1 else 's'}" for cluster, n in enumerate(counts)]
    assert capsys.readouterr().out.splitlines() == [*counted, "reports/predict/assignments.csv"]


@pytest.mark.parametrize("at_once", [100, 1], ids=["all at once", "one at once"])
def test_what_cannot_be_read_is_named_and_left_out(run_predict, capsys, monkeypatch, at_once):
    monkeypatch.setattr(clusterer, "AT_ONCE", at_once)
    monkeypatch.setattr(predict, "MOST_NAMED", 1)
    table = run_predict({**_files(), "bad.png": b"", "worse.jpg": b"no picture"})
    assert sorted(table["path"]) == sorted(_files())
    assert table["cluster"].dtype == int
    assert "warning: bad.png: empty (0 bytes); left out\nwarning: 1 more left out" in capsys.readouterr().err
    assert run_predict.status == predict.SOME_LEFT_OUT == 3
    beside = Path("reports/predict/assignments.left-out.csv")
    assert pd.read_csv(beside)["path"].tolist() == ["bad.png", "worse.jpg"]
    assert "not a picture" in pd.read_csv(beside)["reason"][1]
    for name in ("bad.png", "worse.jpg"):
        Path("pictures", name).unlink()
    run_predict({})
    assert run_predict.status == 0
    assert not beside.exists()  # that of before


def test_every_picture_is_sorted_whatever_the_folders_and_the_rest_is_counted(run_predict, capsys):
    content = encode(PICTURES[0])
    names = ["train/1.png", "train/2.png", "test/3.png", "stray.png", "a\nb.png"]
    table = run_predict({**dict.fromkeys(names, content), "x.pdf": b"", ".hidden.png": content, "c\nd.png": b""})
    assert sorted(table["path"]) == sorted(names)
    lines = capsys.readouterr().err.splitlines()
    assert "left out: 1 .pdf, 1 hidden file" in lines
    assert r"warning: c\nd.png: empty (0 bytes); left out" in lines


def test_no_readable_picture_writes_nothing(run_predict):
    with pytest.raises(DataError, match=r"PICTURES: none of the 2 pictures in .* can be read"):
        run_predict({"a.png": b"", "b.png": b"no picture"})
    assert not Path("reports").exists()


def test_one_picture(run_predict, tmp_path):
    everything = run_predict(_files()).set_index("path")
    assert predict_status(tmp_path / "pictures" / "3" / "3.png", Path("one.csv")) == 0
    (row,) = pd.read_csv("one.csv").to_dict("records")
    expected = {"path": "3.png", **everything.loc["3/3.png"]}
    assert {key: value for key, value in row.items() if key != "novelty"} == {
        key: value for key, value in expected.items() if key != "novelty"
    }


def test_one_picture_whose_name_is_no_utf8(run_predict, tmp_path):
    run_predict(_files())
    odd = tmp_path / os.fsdecode(b"caf\xe9.png")
    (tmp_path / "pictures" / "3" / "3.png").rename(odd)
    assert predict_status(odd, Path("one.csv")) == 0
    assert pd.read_csv("one.csv")["path"].tolist() == ["caf\\xe9.png"]


def test_an_output_that_is_no_file_is_left_alone(run_predict, monkeypatch):
    monkeypatch.setattr(predict, "find_pictures", None)  # nothing is decoded before
    Path("taken").mkdir()
    with pytest.raises(ArtifactError, match="taken: is a folder, expected the name of a file to write"):
        run_predict(_files(), output=Path("taken"))


def test_no_such_folder(run_predict):
    with pytest.raises(
        DataError, match=r"^PICTURES: nothing at .*pictures, expected a folder of pictures .*; correct the path$"
    ):
        run_predict({})


def test_a_model_of_gray_images_sees_the_brightness(run_predict, capsys):
    write_model(channels=1)
    brightness = np.asarray(Image.fromarray(PICTURES[0]).convert("L"))
    table = run_predict({"gray": encode(brightness), "colored": encode(PICTURES[0])}).set_index("path")
    assert table.loc["gray"].drop("novelty").tolist() == table.loc["colored"].drop("novelty").tolist()
    assert "it sees the brightness of the pictures' colors" in capsys.readouterr().err


def test_no_model_yet(run_predict):
    SELF_LABEL_MODEL.unlink()
    with pytest.raises(ArtifactError, match="missing; run the stage that writes it"):
        run_predict(_files())


@pytest.mark.parametrize("interpolation", FILTERS)
def test_pictures_become_squares_as_the_model_s_did(run_predict, interpolation):
    wide = noise(SIZE, 3 * SIZE, 3)
    described = Preparation(SIZE, "stretch", interpolation=interpolation).described()
    write_model(channels=3, preparation=described)
    row = run_predict({"wide.png": encode(wide)}).iloc[0]
    square = FITS["stretch"](Image.fromarray(wide), SIZE, FILTERS[interpolation])
    images = ResidentImages(np.asarray(square).transpose(2, 0, 1)[None].copy(), torch.device("cpu"))
    nowhere = {"encoder": Path("none"), "features": Path("none")}
    expected = probabilities_of(SELF_LABEL_MODEL, images, np.arange(1), **nowhere)
    assert row["confidence"] == pytest.approx(expected.max(), abs=1e-6)
    write_model(channels=3, preparation={key: value for key, value in described.items() if key != "fit"})
    with pytest.raises(
        ArtifactError, match=r"expected .*center crop"
    ):  # as which it was made before there was a choice
        run_predict({})


@pytest.mark.parametrize(
    "other",
    [
        {"interpolation": "nearest"},
        {"image_size": SIZE + 1},
        {"fit": "pad"},
        Preparation(SIZE, "pad").described()
        | {"interpolation": "bilinear, antialiased; long side to image_size, then padded with the mean color"},
    ],
    ids=["interpolation", "image_size", "fit", "earlier bars of pad"],
)
def test_a_model_of_images_prepared_in_another_way_is_refused(run_predict, other):
    known = Preparation(SIZE, "crop").described()
    write_model(channels=3, preparation=known)
    run_predict(_files())
    write_model(channels=3, preparation=known | other)
    with pytest.raises(ArtifactError, match=f"model.safetensors: made for images prepared with .*{next(iter(other))}"):
        run_predict(_files())


def test_a_model_without_its_encoder_names_what_is_missing(run_predict):
    write_model(channels=3, encoder_sha256="a" * 64)
    with pytest.raises(ArtifactError, match=r"heads alone, .* SHA-256 aaaaaaaaaaaa, found no file at data/"):
        run_predict(_files())
    write_pretext(ENCODER, PretextModel(ResNet("resnet10", width=2, stem="3x3", channels=3), projection=None), {})
    write_model(channels=3, encoder_sha256=checksum(ENCODER))
    assert len(run_predict(_files())) == COUNT


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"preparation": [1]}, r"made for images prepared with \[1\], expected"),
        ({"preparation": {"fit": []}}, "made for images prepared with"),
        ({"preparation": {"levels": {"lowest": "a", "highest": "b"}}}, "made for images prepared with"),
        ({"clusters": 2**70}, "clusters 1180591620717411303424 in its metadata, expected a whole number from 1 to"),
    ],
)
def test_metadata_that_make_no_sense(run_predict, further, message):
    write_model(**further)
    with pytest.raises(ArtifactError, match=message):
        run_predict(_files())


@pytest.mark.parametrize("run", [True, {}, {"dataset": "digits"}, [], {"dataset": "digits", "params": []}])
def test_a_run_that_the_metadata_do_not_describe(tmp_path, monkeypatch, capsys, run):
    monkeypatch.chdir(tmp_path)
    use("folder", ["runtime.device=cpu"], params=Path("params.yaml"))
    write_model(run=run)
    (tmp_path / "1.png").write_bytes(encode(PICTURES[0]))
    predict_status(tmp_path / "1.png", Path("one.csv"), params=Path("params.yaml"))
    assert "the model does not say of which run it is" in capsys.readouterr().err


def test_pictures_of_another_sort_are_told_of_as_a_whole():
    usual, foreign = np.linspace(0, 100, 40, dtype=np.float32), np.full(40, 90, np.float32)
    assert (
        predict.unlike_as_a_whole(usual)
        is predict.unlike_as_a_whole(foreign[:5])
        is predict.unlike_as_a_whole(foreign * np.nan)
        is None
    )
    told = predict.unlike_as_a_whole(foreign)
    assert told is not None
    assert "half have a novelty above 90, where 50 is usual" in told
