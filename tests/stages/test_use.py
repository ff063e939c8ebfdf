import shlex
from pathlib import Path

import pytest

from scan_core.errors import ParamsError
from stages.params_file import load_params
from stages.paths import INDEX, METRICS
from stages.use import PRESETS
from stages.use import main as use

NAMES = sorted(path.stem for path in PRESETS.glob("*.yaml") if path.stem != "base")


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_valid_and_says_what_it_follows(name: str, tmp_path: Path):
    use(name, params=tmp_path / "params.yaml")
    load_params(tmp_path / "params.yaml")
    assert (PRESETS / f"{name}.yaml").read_text().startswith("# ")


def test_the_presets_of_the_paper_s_datasets_exist():
    datasets = ["cifar10", "cifar20", "stl10", "imagenet50", "imagenet100", "imagenet200"]
    assert {*datasets, *(f"{name}-authors" for name in datasets), "imagenet", "digits", "folder"} <= set(NAMES)


@pytest.mark.parametrize(("classes", "batch_size"), [(50, 512), (100, 1024), (200, 1024)])
def test_imagenet_in_the_authors_setting(classes: int, batch_size: int, tmp_path: Path):
    use(f"imagenet{classes}-authors", ["data.source=/mirror"], params=tmp_path / "params.yaml")
    params = load_params(tmp_path / "params.yaml")
    scan, self_label = params.scan, params.self_label
    assert (params.encoder.name, params.embed.layer, params.neighbors.k) == ("resnet50", "backbone", 50)
    assert (scan.clusters, scan.batch_size, scan.heads, scan.entropy_weight) == (classes, batch_size, 10, 5.0)
    assert (scan.epochs, scan.train_encoder, scan.optimizer, scan.learning_rate) == (100, False, "sgd", 5.0)
    assert (scan.momentum, scan.weight_decay, scan.augmentation.strong_operations) == (0.9, 0.0, None)
    assert (self_label.epochs, self_label.batch_size, self_label.optimizer) == (25, 512, "sgd")
    assert (self_label.learning_rate, self_label.ema_decay, self_label.class_balance) == (0.03, 0.999, False)
    assert self_label.train_encoder


def test_the_committed_parameters_are_those_of_digits(tmp_path: Path):
    use("digits", params=tmp_path / "params.yaml")
    assert (tmp_path / "params.yaml").read_bytes() == (PRESETS.parent / "params.yaml").read_bytes()


def test_comments_and_overrides_are_kept(tmp_path: Path):
    path = tmp_path / "params.yaml"
    use("cifar10", ["scan.entropy_weight=3.5", "scan.learning_rate=1e-3", "data.limit=100"], params=path)
    assert "# independent cluster heads" in path.read_text()
    params = load_params(path)
    assert (params.scan.entropy_weight, params.scan.learning_rate, params.data.limit) == (3.5, 1e-3, 100)


@pytest.mark.parametrize("folder", ["pictures", "My Pictures #2", "a=b"])
def test_a_path_that_exists_is_the_source(folder: str, tmp_path: Path):
    pictures, path = tmp_path / folder, tmp_path / "params.yaml"
    pictures.mkdir()
    use("folder", ["clusters=7", str(pictures)], params=path)
    params = load_params(path)
    assert (params.data.source, params.scan.clusters) == (str(pictures), 7)


def test_a_quoted_path_may_begin_at_home(tmp_path: Path, monkeypatch):
    (tmp_path / "my pictures").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    use("folder", ["~/my pictures"], params=tmp_path / "params.yaml")
    assert load_params(tmp_path / "params.yaml").data.source == str(tmp_path / "my pictures")


def test_the_header_is_the_command_to_type_again(tmp_path: Path):
    (tmp_path / "My Pictures").mkdir()
    arguments = [str(tmp_path / "My Pictures"), "scan.clusters=2", "scan.prior=[0.6, 0.4]"]
    use("folder", arguments, params=tmp_path / "params.yaml")
    command = (tmp_path / "params.yaml").read_text().partition("\n")[0].removeprefix("# Written by: ")
    assert shlex.split(command) == ["python", "-m", "stages.use", "folder", *arguments]


def test_two_paths_are_one_too_many(tmp_path: Path):
    with pytest.raises(ParamsError, match=r"/, /tmp: 2 paths, expected one"):
        use("folder", ["/", "/tmp"], params=tmp_path / "params.yaml")


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
        ("cifra", "seed=1", "cifra: no such preset; did you mean cifar20? there are cifar10, cifar10-authors"),
        ("", "seed=1", "name a preset: cifar10, cifar10-authors"),
        ("digits", "scan.clusterz=3", "scan.clusterz: no such key in params.yaml; did you mean scan.clusters?"),
        ("digits", "seed", "expected KEY=VALUE"),
        (
            "folder",
            "/no/such/folder",
            "/no/such/folder: nothing is there; expected KEY=VALUE, clusters=8 for instance, or a path that exists, in "
            "quotation marks if it has a blank",
        ),
        ("folder", "x" * 5000, "expected KEY=VALUE"),
        ("digits", "clusters=1", "scan.clusters: found 1"),
        ("digits", "seed.x=1", "seed.x: no such key"),
        ("digits", "seed=[1", "is not a YAML value"),
        ("digits", "seed=" + "9" * 5000, "is not a YAML value"),
        ("digits", "seed=" + "[" * 3000, "is not a YAML value"),
        ("folder", "data.source=/a\nb", r"'data.source=/a\nb': has a character that params.yaml cannot hold"),
        ("folder", "data.source=/\x1b[31m", "has a character that params.yaml cannot hold"),
        ("folder", "data.source=/a\u2028b", "has a character that params.yaml cannot hold"),
        ("folder", "data.source=/\udcff", "has a character that params.yaml cannot hold; rename the folder"),
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


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("folder", ["data.source=/pictures"]), True),
        (("folder", ["scan.clusters=3"]), True),
        (("folder-cpu", []), True),
        (("folder", ["data.source=/others"]), False),
        (("digits", []), False),
    ],
)
def test_the_figures_of_other_images_are_removed(arguments: tuple[str, list[str]], kept: bool, tmp_path: Path):
    use("folder", ["data.source=/pictures"], params=tmp_path / "params.yaml")
    figures = tmp_path / "reports/metrics/evaluate.json"
    figures.parent.mkdir(parents=True)
    figures.write_text("{}")
    use(*arguments, params=tmp_path / "params.yaml")
    assert figures.exists() == kept


@pytest.mark.parametrize("has_run", [True, False])
def test_figures_that_came_with_the_clone_go_without_a_word(
    has_run: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    figures, index = tmp_path / METRICS, tmp_path / INDEX
    for path in [figures] + [index] * has_run:
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    use("digits", params=tmp_path / "params.yaml")
    use("photos", [str(tmp_path)], params=tmp_path / "params.yaml")
    assert not figures.exists()
    said = capsys.readouterr().err
    assert ("removed" in said) == has_run
    assert "next: python -m stages.plan" in said


def test_a_link_in_place_of_the_file_stays(tmp_path: Path):
    (tmp_path / "params.yaml").symlink_to(tmp_path / "other.yaml")
    use("digits", params=tmp_path / "params.yaml")
    assert (tmp_path / "params.yaml").is_symlink()
    assert load_params(tmp_path / "other.yaml").data.name == "digits"


@pytest.mark.parametrize(
    "text", ["/x/My Pictures #2", "NO", "1e3", "[a]", "a: b", "~", "{x", "'q", "/x/" + "far  away  " * 30 + "z"]
)
def test_text_is_taken_as_it_was_typed(text: str, tmp_path: Path):
    path = tmp_path / "params.yaml"
    use("folder", [f"data.source={text}", f"data.labels={text}"], params=path)
    params = load_params(path)
    assert (params.data.source, params.data.labels) == (text, text)
    use("folder", ["data.source=null"], params=path)
    assert load_params(path).data.source is None


@pytest.mark.parametrize("first", ["folder don't", "", "/ a", "folder 'data.source=/a"])
def test_a_first_line_that_somebody_has_edited(first: str, tmp_path: Path):
    path = tmp_path / "params.yaml"
    use("folder", params=path)
    path.write_text(f"# Written by: python -m stages.use {first}\n" + path.read_text().partition("\n")[2])
    use("folder", ["clusters=7"], params=path)
    assert load_params(path).scan.clusters == 7


@pytest.mark.parametrize("text", ["seed: " + "9" * 5000, "a: [", "\x00", "- 1"])
def test_a_file_that_cannot_be_read_is_replaced(text: str, tmp_path: Path):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    use("digits", params=path)
    load_params(path)


def test_values_that_are_no_text_are_yaml(tmp_path: Path):
    path = tmp_path / "params.yaml"
    use("folder", ["runtime.devices=2", "runtime.compile=auto", "data.train_splits=[train, val]"], params=path)
    params = load_params(path)
    assert (params.runtime.devices, params.runtime.compile, params.data.train_splits) == (2, "auto", ("train", "val"))


def test_values_set_by_hand_that_are_lost_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "params.yaml"
    use("folder", ["data.source=/pictures", "clusters=7"], params=path)
    path.write_text(path.read_text().replace("  limit: null", "  limit: 500"))
    capsys.readouterr()
    use("folder", ["clusters=7"], params=path)
    told = " ".join(capsys.readouterr().err.split())
    assert "what had been set by hand is the preset's again: data.limit: 500 is null again" in told
    capsys.readouterr()
    use("folder", ["clusters=7"], params=path)
    assert "set by hand" not in capsys.readouterr().err
    use("folder", ["clusters=8"], params=path)  # which is no preset's
    assert "set by hand" not in capsys.readouterr().err
