import hashlib
from pathlib import Path

import pytest

from scan_core.errors import DataError
from scan_core.naming.names import Names
from stages.cluster_names import installed_names
from tests.samples import write_names


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(b"a model")
    return tmp_path / "model.safetensors"


def _names(path: Path, names: tuple[str, ...], model: bytes = b"a model") -> Path:
    write_names(path, Names(f"sha256:{hashlib.sha256(model).hexdigest()}", names, ((),) * len(names)))
    return path


def test_names_that_are_installed(model: Path, tmp_path: Path):
    path = _names(tmp_path / "clusters.yaml", ("cat", "", "junk"))
    assert installed_names(model, 3, path) == ("cat", "", "junk")
    assert installed_names(model, 2, tmp_path / "none.yaml") == ("", "")


def test_names_of_other_clusters_are_refused(model: Path, tmp_path: Path):
    path = _names(tmp_path / "clusters.yaml", ("cat", "dog"))
    with pytest.raises(DataError, match="2 clusters, expected 3"):
        installed_names(model, 3, path)
    _names(path, ("cat", "dog"), b"another")
    with pytest.raises(
        DataError, match=r"of another model .*--carry-over gives them to the present clusters, or remove"
    ):
        installed_names(model, 2, path)
