from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scan_core import load_clusterer
from scan_core.artifacts.model import checksum
from scan_core.clustering.model import ClusteringModel
from scan_core.encoders.pretext_model import PretextModel, write_pretext
from scan_core.encoders.resnet import ResNet
from scan_core.errors import ArtifactError, DataError, ScanError
from scan_core.naming.names import Names
from scan_core.prediction import clusterer as module
from stages.paths import ENCODER, SELF_LABEL_MODEL
from tests.samples import encode, noise, write_names
from tests.stages.predicting import CLUSTERS, SIZE, write_model

PIXELS = noise(SIZE, SIZE, 3)
GRAY = noise(SIZE, SIZE)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """The path of a model, from another working directory than its project's."""
    monkeypatch.chdir(tmp_path)
    write_model()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    return Path("..") / SELF_LABEL_MODEL


def picture_of(pixels: np.ndarray, kind: str = "PNG") -> Image.Image:
    return Image.open(BytesIO(encode(pixels, kind)))


def test_the_same_picture_in_any_form(model):
    Path("ü 1.png").write_bytes(encode(PIXELS))
    clusterer = load_clusterer(model)
    forms = [Path("ü 1.png"), "ü 1.png", encode(PIXELS), PIXELS, picture_of(PIXELS), Image.fromarray(PIXELS)]
    predicted = clusterer.predict(forms)
    assert predicted.probabilities.shape == (len(forms), CLUSTERS)
    assert predicted.probabilities.dtype == np.float32
    assert predicted.probabilities == pytest.approx(np.repeat(predicted.probabilities[:1], len(forms), 0), abs=1e-6)
    for one in (PIXELS[None], "ü 1.png", encode(PIXELS), Image.fromarray(PIXELS)):
        assert clusterer.predict(one).probabilities == pytest.approx(predicted.probabilities[:1], abs=1e-6)
    assert predicted.cluster.tolist() == predicted.probabilities.argmax(1).tolist()
    assert predicted.confidence == pytest.approx(predicted.probabilities.max(1))
    assert predicted.name == [f"cluster {cluster}" for cluster in predicted.cluster]


def test_gray_pictures_in_any_form(model):
    forms = [GRAY, GRAY[..., None], picture_of(GRAY), np.repeat(GRAY[..., None], 3, axis=2)]
    predicted = load_clusterer(model).predict(forms).probabilities
    assert predicted == pytest.approx(np.repeat(predicted[:1], len(forms), 0), abs=1e-6)
    assert load_clusterer(model).predict(GRAY[None]).probabilities == pytest.approx(predicted[:1], abs=1e-6)


def test_transparent_rotated_and_other_pictures_of_pillow_as_from_their_files(model):
    rotated = Image.fromarray(noise(SIZE, 2 * SIZE, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    rotated.save("rotated.png", exif=exif)
    Image.fromarray(noise(SIZE, SIZE, 4)).save("transparent.png")
    Image.fromarray(PIXELS).convert("P").save("palette.png")
    Image.fromarray(noise(SIZE, SIZE).astype(np.uint16) * 256).save("deep.png")
    paths = ["rotated.png", "transparent.png", "palette.png", "deep.png"]
    clusterer = load_clusterer(model)
    opened = clusterer.predict([Image.open(path) for path in paths])
    assert opened.probabilities == pytest.approx(clusterer.predict(paths).probabilities, abs=1e-6)


def test_sizes_may_differ_and_order_is_kept(model, monkeypatch):
    pictures = [noise(SIZE + number, 20 - number, 3, seed=number) for number in range(7)]
    clusterer = load_clusterer(model)
    single = np.concatenate([clusterer.predict([picture]).probabilities for picture in pictures])
    assert clusterer.predict(pictures, threads=3).probabilities == pytest.approx(single, abs=1e-6)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    assert clusterer.predict(pictures).probabilities == pytest.approx(single, abs=1e-6)


def test_no_picture(model):
    predicted = load_clusterer(model).predict([])
    assert predicted.probabilities.shape == (0, CLUSTERS)
    assert predicted.name == []


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (["gone.png"], r"^gone\.png: cannot be read \(No such file or directory\)$"),
        ([PIXELS, b"x"], r"^pictures\[1\]: not a picture in one of the formats"),
        ([PIXELS.astype(float)], r"^pictures\[0\]: an array of float64 \[8, 8, 3\], expected uint8 \[H, W, 3\]"),
        ([PIXELS[:0]], r"^pictures\[0\]: an array of uint8 \[0, 8, 3\], expected"),
        (PIXELS, r"^an array of shape \[8, 8, 3\], expected \[N, H, W, 3\] .*; put a single picture into a list$"),
        (np.zeros(3, np.uint8), r"^an array of shape \[3\], expected"),
    ],
)
def test_what_is_no_picture_is_named(model, pictures, message):
    with pytest.raises(DataError, match=message) as error:
        load_clusterer(model).predict(pictures)
    assert isinstance(error.value, ScanError)


def test_the_number_of_what_cannot_be_read_counts_all(model, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 2)
    with pytest.raises(DataError, match=r"^pictures\[4\]: "):
        load_clusterer(model).predict([PIXELS] * 4 + [b""])


def test_names(model):
    probabilities = load_clusterer(model).predict([PIXELS]).probabilities
    named = load_clusterer(model, names=["cat", "", "cat"]).predict([PIXELS])
    assert named.probabilities.tolist() == probabilities.tolist()
    cat = probabilities[0, 0] + probabilities[0, 2]
    assert named.name == ["cat" if cat > probabilities[0, 1] else "cluster 1"]
    assert named.confidence[0] == pytest.approx(max(cat, probabilities[0, 1]))
    write_names(Path("names.yaml"), Names(f"sha256:{checksum(model)}", ("a", "b", "c"), ((),) * 3))
    assert load_clusterer(model, names=Path("names.yaml")).names == ("a", "b", "c")
    for wrong in (["a"], "abc"):
        with pytest.raises(DataError, match=r"names: \d given, expected 3, one for each cluster"):
            load_clusterer(model, names=wrong)
    write_names(Path("names.yaml"), Names(f"sha256:{'0' * 64}", ("a", "b", "c"), ((),) * 3))
    with pytest.raises(DataError, match=r"names\.yaml: names for the clusters of another model than .*model"):
        load_clusterer(model, names=Path("names.yaml"))


def test_a_frozen_encoder_is_found_beside_or_where_it_is_said_to_be(model, monkeypatch):
    monkeypatch.chdir("..")
    torch.manual_seed(0)
    encoder = ClusteringModel(
        ResNet("resnet10", width=2, stem="3x3", channels=3), clusters=CLUSTERS, heads=1
    ).get_submodule("encoder")
    whole = load_clusterer(SELF_LABEL_MODEL).predict([PIXELS]).probabilities
    write_pretext(ENCODER, PretextModel(encoder, projection=None), {})
    write_model(encoder_sha256=checksum(ENCODER))
    monkeypatch.chdir("elsewhere")
    assert load_clusterer(model).predict([PIXELS]).probabilities == pytest.approx(whole, abs=1e-6)
    (Path("..") / ENCODER).rename("moved")
    with pytest.raises(ArtifactError, match=r"holds cluster heads alone, .* found no file at .*pretext/encoder"):
        load_clusterer(model)
    assert load_clusterer(model, encoder="moved").predict([PIXELS]).probabilities == pytest.approx(whole, abs=1e-6)


def test_no_model():
    with pytest.raises(ArtifactError, match="nowhere: missing"):
        load_clusterer("nowhere")
