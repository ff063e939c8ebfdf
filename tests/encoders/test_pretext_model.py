from pathlib import Path

import pytest
import torch

from scan_core.artifacts.model import read_model, write_model
from scan_core.encoders.build import encoder_metadata, make_encoder
from scan_core.encoders.pretext_model import PretextModel, read_pretext, write_pretext
from scan_core.errors import ArtifactError

ARGUMENTS = {"width": 2, "stem": "3x3"}
METADATA = {
    **encoder_metadata("resnet10", ARGUMENTS, channels=1, image_size=8),
    "mean": [0.5],
    "std": [0.2],
    "precision": "float32",
}
HEAD = {"hidden_dim": 3, "projection_dim": 4, "batch_norm": True}


@pytest.mark.parametrize(("projection", "dimensions"), [(HEAD, 4), (None, 16)])  # 2 channels, doubled three times
def test_comes_back_as_written(tmp_path: Path, projection, dimensions):
    model = PretextModel(make_encoder("resnet10", ARGUMENTS, channels=1, image_size=8), projection=projection).eval()
    write_pretext(tmp_path / "m", model, METADATA)
    found, metadata = read_pretext(tmp_path / "m")
    images = torch.randn(2, 1, 8, 8)
    assert metadata == {**METADATA, "projection": projection}
    assert found.eval()(images).shape == (2, dimensions)
    assert torch.equal(found(images), model(images))


@pytest.mark.parametrize("projection", [{}, {"hidden_dim": 0.5}, [1], {**HEAD, "hidden_dim": -1}, {**HEAD, "more": 1}])
def test_metadata_that_describe_no_head(tmp_path: Path, projection):
    model = PretextModel(make_encoder("resnet10", ARGUMENTS, channels=1, image_size=8), projection=HEAD)
    write_pretext(tmp_path / "m", model, METADATA)
    weights, metadata = read_model(tmp_path / "m")
    write_model(tmp_path / "m", weights, metadata | {"projection": projection})
    with pytest.raises(ArtifactError, match=r"does not fit the model|which is no projection head .*run dvc repro"):
        read_pretext(tmp_path / "m")
