from pathlib import Path

import pytest

from scan_core.errors import ParamsError
from stages.params import load_params
from stages.use import PRESETS
from stages.use import main as use

NAMES = sorted(path.stem for path in PRESETS.glob("*.yaml") if path.stem != "base")


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_valid_and_says_what_it_follows(name: str, tmp_path: Path):
    use(name, params=tmp_path / "params.yaml")
    load_params(tmp_path / "params.yaml")
    assert (PRESETS / f"{name}.yaml").read_text().startswith("# ")


def test_the_committed_parameters_are_those_of_digits(tmp_path: Path):
    use("digits", params=tmp_path / "params.yaml")
    assert (tmp_path / "params.yaml").read_bytes() == (PRESETS.parent / "params.yaml").read_bytes()


def test_comments_and_overrides_are_kept(tmp_path: Path):
    path = tmp_path / "params.yaml"
    use("cifar10", ["scan.entropy_weight=3.5", "scan.learning_rate=1e-3", "data.limit=100"], params=path)
    assert "# independent cluster heads" in path.read_text()
    params = load_params(path)
    assert (params.scan.entropy_weight, params.scan.learning_rate, params.data.limit) == (3.5, 1e-3, 100)


def test_source_is_kept_while_the_dataset_stays_the_same(tmp_path: Path):
    path = tmp_path / "params.yaml"
    use("cifar10", ["data.source=/mirror"], params=path)
    use("cifar10-cpu", params=path)
    assert load_params(path).data.source == "/mirror"
    use("digits", params=path)
    assert load_params(path).data.source is None


@pytest.mark.parametrize(
    ("name", "override", "said"),
    [
        ("cifra", "seed=1", "cifra: no such preset; there are cifar10"),
        ("digits", "scan.clusterz=3", "scan.clusterz: no such key in params.yaml; did you mean scan.clusters?"),
        ("digits", "seed", "expected KEY=VALUE"),
        ("digits", "seed.x=1", "seed.x: no such key"),
        ("digits", "seed=[1", "is not a YAML value"),
        ("digits", "scan.clusters=1", "scan.clusters: found 1"),
    ],
)
def test_bad_input_leaves_the_file_as_it_was(tmp_path: Path, name: str, override: str, said: str):
    path = tmp_path / "params.yaml"
    use("digits", params=path)
    before = path.read_bytes()
    with pytest.raises(ParamsError) as error:
        use(name, [override], params=path)
    assert said in str(error.value)
    assert path.read_bytes() == before
