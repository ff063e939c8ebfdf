from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scan_core.errors import ParamsError
from stages.params_file import load_params
from tests.pipeline import write_preset


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    write_preset(path, "digits")
    return path


def changed(path: Path, key: str, value: object) -> Path:
    yaml = YAML(typ="safe")
    values = yaml.load(path)
    *sections, leaf = key.split(".")
    place = values
    for section in sections:
        place = place[section]
    place[leaf] = value
    yaml.dump(values, path)
    return path


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("scan.entropy_wieght", 3.0, "unknown key (found 3.0)"),
        ("extra", 1, "unknown key (found 1)"),
        ("scan.epochs", "ten", "found 'ten', allowed: a valid integer"),
        ("scan.learning_rate", "0.1", "found '0.1', allowed: a valid number"),
        ("scan.clusters", 1, "found 1, allowed: greater than or equal to 2"),
        ("scan.entropy_weight", -1.0, "found -1.0, allowed: greater than or equal to 0"),
        ("scan.entropy_weight", float("nan"), "found nan"),
        ("scan.heads", True, "found True, allowed: a valid integer"),
        ("scan.prior", [0.5, 0.5], "prior has 2 shares, expected one for each of 10 clusters"),
        ("neighbors.k", -1, "found -1, allowed: greater than or equal to 0"),
        ("self_label.threshold", 1.0, "found 1.0, allowed: less than 1"),
        ("data.name", "cifar11", "found 'cifar11', allowed: digits, cifar10, "),
        ("data.name", "cifar11", "parquet; did you mean cifar10?"),
        ("baselines.methods", ["kmeans", "ici"], "found 'ici', allowed: kmeans, spectral, "),
        ("baselines.methods", ["kmeans", "ici"], "deepcluster, dac; did you mean iic?"),
        (
            "encoder.name",
            "resnet19",
            "found 'resnet19', allowed: resnet10, resnet18, resnet34, resnet50, timm/; did ",
        ),
        ("embed.layer", "head", "found 'head', allowed: 'projection' or 'backbone'"),
        (
            "runtime.devices",
            0,
            "devices: found 0, allowed: greater than or equal to 1, or 'auto'",
        ),
        (
            "runtime.compile",
            "yes",
            "compile: found 'yes', allowed: a valid boolean, or 'auto'",
        ),
        ("scan.prior", [0.5, -1.0], "scan.prior.1: found -1.0, allowed: greater than or equal to 0.000001"),
        ("data.train_splits", [], "found [], allowed: "),
        ("data.train_splits", "a,b", "found 'a,b', allowed: a list, such as [first, second]"),
        ("data.train_splits", {"a": 1}, "found {'a': 1}, allowed: a list, such as"),
        ("pretext.small_crops", {"size": 0.5, "share": 0.5}, "small_crops without augmentation.random_resized_crop"),
    ],
)
def test_a_wrong_value_names_file_key_found_and_allowed(digits: Path, key: str, value: object, said: str):
    with pytest.raises(ParamsError) as error:
        load_params(changed(digits, key, value))
    assert str(error.value).startswith(f"{digits}: {key.rsplit('.', 1)[0]}")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("seed: 0", "\ufeffseed: 0", "not valid YAML: did not find expected <document start>"),
        ("seed: 0", "seed: " + "9" * 5000, "not valid YAML: Exceeds the limit"),
        ("seed: 0", "seed: " + "[" * 3000, "not valid YAML: while parsing a flow sequence"),
        ("  weights: null", "  weights: [1, 2]", "encoder.weights: found [1, 2], allowed: "),
        ("runtime:", "runtime: [1]\nx:", "runtime: found [1], allowed: "),
    ],
)
def test_what_a_text_editor_may_leave_behind(digits: Path, before: str, after: str, said: str):
    digits.write_text(digits.read_text().replace(before, after, 1))
    with pytest.raises(ParamsError) as error:
        load_params(digits)
    assert said in str(error.value)
    assert all(line.isprintable() for line in str(error.value).split("\n"))


def test_scientific_notation_is_a_number(digits: Path):
    text = digits.read_text()
    assert "weight_decay: 1e-4" in text
    assert load_params(digits).pretext.weight_decay == 1e-4


def test_padding_is_smaller_than_small_crops(tmp_path: Path):
    path = tmp_path / "params.yaml"
    write_preset(path, "cifar10", "pretext.small_crops={size: 0.5, share: 0.6}")
    load_params(changed(path, "pretext.augmentation.random_crop", {"padding": 15}))
    with pytest.raises(ParamsError, match=r"padding 16, expected less than 16, the size of pretext\.small_crops"):
        load_params(changed(path, "pretext.augmentation.random_crop", {"padding": 16}))


def test_views_that_nothing_can_learn_from(digits: Path):
    path = changed(digits, "scan.views", 1)
    with pytest.raises(ParamsError, match="views 1, expected at least 2, or 0 with train_encoder: false"):
        load_params(path)
    load_params(changed(path, "scan.views", 0))
    with pytest.raises(ParamsError, match="views 0, expected at least 2"):
        load_params(changed(path, "scan.train_encoder", True))


def test_self_labeling_learns_from_stored_features_where_scan_did(digits: Path):
    path = changed(changed(digits, "self_label.views", 0), "self_label.train_encoder", False)
    with pytest.raises(ParamsError, match=r"self_label\.views 0, expected it .* scan\.views: 0 alone"):
        load_params(path)
    load_params(changed(path, "scan.views", 0))


def test_a_range_the_wrong_way_round(digits: Path):
    path = changed(digits, "pretext.augmentation.random_affine.scale", [1.2, 0.8])
    with pytest.raises(ParamsError, match="the lower end first"):
        load_params(path)


def test_every_problem_is_reported_at_once(digits: Path):
    path = changed(changed(digits, "scan.clusters", 0), "neighbors.k", "many")
    with pytest.raises(ParamsError) as error:
        load_params(path)
    assert len(str(error.value).splitlines()) == 2


def test_a_missing_key_says_how_to_get_a_complete_file(digits: Path):
    yaml = YAML(typ="safe")
    values = yaml.load(digits)
    del values["scan"]["heads"]
    yaml.dump(values, digits)
    with pytest.raises(ParamsError, match=r"scan\.heads: missing; python -m stages\.use"):
        load_params(digits)


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\x00"])
def test_what_is_no_parameter_file(tmp_path: Path, text: str):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml: "):
        load_params(path)


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(ParamsError, match="missing; run from the project's root"):
        load_params(tmp_path / "params.yaml")
