import hashlib
from pathlib import Path

import pytest

from scan_core.errors import DataError
from scan_core.naming.names import Names, write_names
from stages.cluster_names import installed_names, read_names, write_form

MODEL = "0123456789abcdef"


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
        DataError, match="of another model .*--carry-over gives them to the present clusters, or remove"
    ):
        installed_names(model, 2, path)


def _read(folder: Path, text: str) -> dict[int, str]:
    (folder / "names.csv").write_text(text, encoding="utf-8")
    return read_names(folder / "names.csv", clusters=3, model=MODEL)


def test_a_form_that_is_filled_in(tmp_path: Path):
    write_form(tmp_path / "names.csv", clusters=3, model=MODEL)
    form = (tmp_path / "names.csv").read_text()
    assert form.splitlines()[1] == "0,,sha256:0123456789ab"
    assert _read(tmp_path, form) == {}
    filled = "\ufeff" + form.replace("0,,", '0,"a, ä",').replace("2,,", '2,"a, ä ",')
    assert _read(tmp_path, filled) == {0: "a, ä", 2: "a, ä"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cluster,name\n0,a\n", "columns cluster, name, expected cluster, name, model"),
        ("cluster,name,model\n3,a,sha256:0123456789ab\n", "cluster '3', expected each of 0 to 2 once"),
        ("cluster,name,model\n1,a,sha256:0123456789ab\n1,b,sha256:0123456789ab\n", "cluster '1', expected"),
        ("cluster,name,model\n0,a,sha256:ffffffffffff\n", "names for the model sha256:ffffffffffff, but"),
        ("", "not a readable CSV file"),
    ],
)
def test_names_that_fit_no_cluster(tmp_path: Path, text: str, message: str):
    with pytest.raises(DataError, match=message):
        _read(tmp_path, text)
