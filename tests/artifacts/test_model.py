from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from scan_core.artifacts.model import load_weights, read_model, weights_checksum, write_model
from scan_core.errors import ArtifactError

METADATA = {
    "architecture": "resnet10",
    "width": 64,
    "mean": [0.1, 0.2],
    "loss": -1.5,
    "none": None,
    "true": True,
    "ü": 1,
}


def test_comes_back_as_written(tmp_path: Path):
    weights = {"b": torch.randn(3, 2), "a": torch.arange(4)}
    write_model(tmp_path / "m.safetensors", weights, METADATA)
    found, metadata = read_model(tmp_path / "m.safetensors")
    assert metadata == METADATA
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_equal_models_give_equal_bytes(tmp_path: Path):
    written = set()
    for index in range(20):  # the order of the metadata is random in each file that safetensors writes
        write_model(tmp_path / f"{index}", {"b": torch.ones(3), "a": torch.zeros(2)}, METADATA)
        written.add((tmp_path / f"{index}").read_bytes())
    assert len(written) == 1


def test_malformed_files(tmp_path: Path):
    path = tmp_path / "m.safetensors"
    with pytest.raises(ArtifactError, match="missing"):
        read_model(path)
    path.write_bytes(b"no model")
    with pytest.raises(ArtifactError, match="not a readable safetensors file"):
        read_model(path)
    write_model(path, {"a": torch.ones(3)}, {})
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match="not a readable safetensors file"):
        read_model(path)
    save_file({"a": torch.tensor([1.0, torch.nan])}, path, metadata={"schema_version": "1"})
    with pytest.raises(ArtifactError, match="a holds values that are not finite"):
        read_model(path)


def test_metadata_that_lacks_a_key(tmp_path: Path):
    write_model(tmp_path / "m", {"a": torch.ones(1)}, {"width": 2})
    with pytest.raises(ArtifactError, match="the metadata lacks clusters, stem"):
        read_model(tmp_path / "m", keys=["stem", "width", "clusters"])


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path):
    with pytest.raises(ArtifactError, match="a holds values that are not finite"):
        write_model(tmp_path / "m", {"a": torch.tensor([torch.nan])}, {})
    assert not list(tmp_path.iterdir())


def test_another_schema_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scan_core.artifacts.model.SCHEMA_VERSION", "0")
    write_model(tmp_path / "m", {"a": torch.ones(1)}, {})
    monkeypatch.undo()
    with pytest.raises(ArtifactError, match="schema version 0, expected 1"):
        read_model(tmp_path / "m")


def test_weights_that_do_not_fit_are_named(tmp_path: Path):
    module = nn.Linear(2, 3)
    with pytest.raises(
        ArtifactError, match=r"missing \['bias'\], unexpected \['extra'\], .*shape \['weight torch.float32 \(3, 3\)"
    ):
        load_weights(tmp_path, module, {"weight": torch.ones(3, 3), "extra": torch.ones(1)})


def test_a_checksum_of_weights_is_of_their_names_and_bytes_in_any_order_and_layout():
    image = torch.arange(24.0).view(1, 2, 3, 4)
    found = weights_checksum({"a": image, "b": torch.tensor(1)})
    assert found == weights_checksum({"b": torch.tensor(1), "a": image.to(memory_format=torch.channels_last)})
    assert found != weights_checksum({"a": image, "c": torch.tensor(1)})
    assert found != weights_checksum({"a": image + 1, "b": torch.tensor(1)})
