"""The whole way to an ONNX file, and its use as docs/predict.md shows it, without this project."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from scan_core.artifacts.model import checksum
from scan_core.errors import ArtifactError, MissingPackageError
from scan_core.export import onnx_file
from scan_core.naming.names import Names
from scan_core.prediction.clusterer import load_clusterer
from stages import export
from stages.paths import IMAGES, SELF_LABEL_MODEL
from stages.use import main as use
from tests.pipeline import ROOT
from tests.samples import noise, write_names
from tests.stages.predicting import CLUSTERS, SIZE, write_model

(EXAMPLE,) = (
    text
    for text in re.findall(r"```python\n(.*?)```", (ROOT / "docs/predict.md").read_text(), re.DOTALL)
    if "onnxruntime" in text
)
OUTPUT = Path("reports/export/model.onnx")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    use("folder", ["runtime.device=cpu"], params=Path("params.yaml"))


def write_images(channels: int, count: int = 5) -> np.ndarray:
    images = noise(count, channels, SIZE, SIZE)
    IMAGES.mkdir(parents=True)
    np.save(IMAGES / "pixels.npy", images)
    return images


def run_export(*arguments: str) -> subprocess.CompletedProcess:
    """In another process: tests check shapes while a network runs, which torch's exporter cannot follow."""
    return subprocess.run([sys.executable, "-m", "stages.export", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("channels", [1, pytest.param(3, marks=pytest.mark.slow(reason="as long as the other"))])
def test_the_file_says_what_the_model_does_without_this_project(project, monkeypatch, channels):
    write_model(channels=channels, standardize=channels == 3)
    images = write_images(channels)
    write_names(Path("clusters.yaml"), Names(f"sha256:{checksum(SELF_LABEL_MODEL)}", ("ü", "", "ü"), ((),) * 3))
    done = run_export()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{OUTPUT}\n"
    clusterer = load_clusterer(SELF_LABEL_MODEL, names=Path("clusters.yaml"))
    session = onnxruntime.InferenceSession(OUTPUT)
    hwc = images.transpose(0, 2, 3, 1)
    expected = clusterer.predict(hwc if channels == 3 else hwc[..., 0]).probabilities
    for count in (1, 2, 5):
        (found,) = session.run(None, {"images": images[:count]})
        assert found == pytest.approx(expected[:count], abs=1e-4)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["names"]) == ["ü", "cluster 1", "ü"]
    assert (about["image_size"], about["fit"], about["mode"]) == (str(SIZE), "crop", {1: "L", 3: "RGB"}[channels])
    assert about["model"] == f"sha256:{checksum(SELF_LABEL_MODEL)}"
    onnx.checker.check_model(onnx.load(OUTPUT), full_check=True)
    assert str(ROOT).encode() not in OUTPUT.read_bytes()

    Path("elsewhere").mkdir()
    OUTPUT.rename("elsewhere/model.onnx")
    monkeypatch.chdir("elsewhere")
    monkeypatch.delenv("PYTHONPATH")
    Image.fromarray(noise(20, 31, 3)).save("picture.jpg", quality=95)
    loaded = "import sys; assert not {'torch', 'scan_core'} & set(sys.modules)"
    shown = subprocess.run([sys.executable, "-c", f"{EXAMPLE}\n{loaded}"], capture_output=True, text=True, check=True)
    name, confidence = re.fullmatch(r"(.+) ([\d.]+)\n", shown.stdout).groups()
    probabilities = clusterer.predict("picture.jpg").probabilities[0]
    assert name == ("ü", "cluster 1", "ü")[probabilities.argmax()]
    assert float(confidence) == pytest.approx(probabilities.max(), abs=0.02)


class Doubles(nn.Module):
    """A network that is exported as another one."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((2, 3)) * (1 if torch.compiler.is_exporting() else 2)


class Refuses(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((2, 3)) if images.sum() > 9 else images.float().sum((2, 3))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            Doubles().eval(),
            r"model\.onnx: not written: on 5 pictures, ONNX Runtime's probabilities differ by .* at most 0\.0001",
        ),
        (Refuses().eval(), r"model\.onnx: not written: the model cannot be exported \(.*\)$"),
    ],
)
def test_what_is_not_the_model_is_not_written(tmp_path, network, message):
    with pytest.raises(ArtifactError, match=message) as error:
        onnx_file.write_onnx(tmp_path / "model.onnx", network, noise(5, 3, SIZE, SIZE), {})
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_its_extra(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    write_model()
    with pytest.raises(MissingPackageError, match=r"the extra export is not installed .*onnxscript.*: uv pip install"):
        export.main()


def test_a_model_of_another_run_is_told_of(project, monkeypatch, capsys):
    write_model(run=True)
    write_images(channels=3)
    monkeypatch.setattr(export, "write_onnx", lambda *_: 0.0)
    export.main(OUTPUT)
    assert "warning: the model does not say of which run it is" in capsys.readouterr().err


def test_images_of_another_size_are_refused(project):
    write_model(channels=1)
    write_images(channels=3)
    with pytest.raises(ArtifactError, match="made for 1 channels of 8 px, found 3 of 8 px"):
        export.main(Path("model.onnx"))


def test_what_pads_says_on_which_ground_and_by_which_filter(project):
    from scan_core.export.description import describe
    from scan_core.images.preparation import Preparation

    write_model(preparation=Preparation(SIZE, "pad", interpolation="bicubic").described())
    about = describe(load_clusterer(SELF_LABEL_MODEL), digest="0")
    assert about["background"] == "for each bar the median of the edge that it adjoins"
    assert "Pillow's bicubic filter" in about["description"]
    assert about["interpolation"] == "bicubic, antialiased"
    assert about["clusters"] == str(CLUSTERS)
    assert all(isinstance(value, str) for value in about.values())
