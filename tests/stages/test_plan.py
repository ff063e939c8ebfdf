"""The plan of a run: for each preset, before anything is there, and after fetch."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from scan_core.datasets import download
from scan_core.errors import ParamsError
from scan_core.planning.fit import GIBIBYTE, Machine
from scan_core.planning.measure import StepCost
from scan_core.planning.needs import Footprint
from scan_core.planning.sizes import Sizes
from stages import fetch, plan, plan_measure
from stages.params_file import load_params
from stages.plan_images import count_images
from stages.plan_measure import Measured
from stages.plan_table import duration, size
from stages.use import main as use
from tests.pipeline import FROZEN, start_stage, write_params

PARAMS = Path("params.yaml")
MACHINE = Machine(device=78 * GIBIBYTE, host=128 * GIBIBYTE, disk=2000 * GIBIBYTE, cache_copies=False, program=GIBIBYTE)
STEP = StepCost(seconds=0.001, footprint=Footprint(fixed=50e6, per_image=40e6), batch=512)
STATED = Measured(
    pretext=STEP,
    scan=STEP,
    self_label=STEP,
    scan_augment=0.0001,
    self_label_augment=0.0001,
    infer=0.0002,
    prepare=0.004,
    decode=0.004,
    pair=1e-10,
    kmeans=0.01,
    weights=45_000_000,
    largest_output=3_211_264,
    feature_width=2048,
    embedding_dim=128,
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project on a machine with stated rates."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setattr(plan, "look_at_machine", lambda device: MACHINE)
    monkeypatch.setattr(plan, "measure_all", lambda *_, **__: STATED)
    monkeypatch.setattr(plan, "start_seconds", lambda: 3.0)
    return tmp_path


def planned(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """The cells of each row of the table, by stage, after a look at what any table must be."""
    plan.main(PARAMS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = {line[:14].strip(): line[14:].split() for line in lines[: lines.index("")]}
    assert len(rows) == 10
    return rows


@pytest.mark.parametrize(("preset", "classes"), [("imagenet50", 50), ("imagenet100", 100), ("imagenet200", 200)])
def test_a_subset_of_imagenet_before_anything_is_there(preset: str, classes: int, capsys):
    Path("classes.txt").write_text("".join(f"n{number:08d} some name\n" for number in range(classes)))
    use(preset, ["data.classes_file=classes.txt"], params=PARAMS)
    rows = planned(capsys)
    train, val = round(1281.167 * classes), 50 * classes
    assert rows["fetch"][0] == f"~{train + val:,}"
    assert rows["pretext-train"][:2] == [f"~{train:,}", f"{500 * (train // 512):,}"]
    assert rows["scan-train"][:2] == [f"~{train:,}", f"{100 * (train // 512):,}"]
    assert rows["evaluate"][0] == f"~{val:,}"


def test_small_crops_take_the_less_time():
    use("cifar10", params=PARAMS)
    whole = plan.rates_of(load_params(PARAMS), STATED, start=3.0)
    use("cifar10", ["pretext.small_crops={size: 0.5, share: 0.4}"], params=PARAMS)
    some_small = plan.rates_of(load_params(PARAMS), STATED, start=3.0)
    assert some_small.pretext == pytest.approx(whole.pretext * (0.6 + 0.4 * 0.25))
    assert some_small._replace(pretext=whole.pretext) == whole


HEADS = StepCost(seconds=2e-6, footprint=Footprint(fixed=20e6, per_image=60e3), batch=512)
"""Of a step on cached features, of 2,048 numbers."""


@pytest.mark.parametrize(("classes", "batch"), [(50, 512), (100, 1024), (200, 1024)])
def test_the_authors_setting_of_imagenet_freezes_the_encoder(classes: int, batch: int, capsys, monkeypatch):
    Path("classes.txt").write_text("".join(f"n{number:08d} some name\n" for number in range(classes)))
    use(f"imagenet{classes}-authors", ["data.classes_file=classes.txt", "runtime.device=cpu"], params=PARAMS)
    monkeypatch.setattr(plan, "measure_all", lambda *_, **__: STATED._replace(scan=HEADS))
    rows = planned(capsys)
    train = round(1281.167 * classes)
    assert rows["scan-train"][1] == f"{100 * (train // batch):,}"
    # 10 views and the images as they are, decoded by some threads, seen in 0.2 ms and augmented in 0.1.
    threads = load_params(PARAMS).runtime.threads
    passes = train * (11 * 0.004 / threads + 11 * 0.0002 + 10 * 0.0001)
    assert " ".join(rows["scan-train"][6:]) == duration(3 + passes + 100 * (train // batch) * batch * 2e-6)
    use(f"imagenet{classes}-authors", ["data.classes_file=classes.txt", "scan.views=40"], params=PARAMS)
    capsys.readouterr()
    view = 2 * train * 2048  # bytes
    room = needed_disk(capsys) - 5 * view
    monkeypatch.setattr(plan, "look_at_machine", lambda device: MACHINE._replace(disk=room))
    with pytest.raises(ParamsError, match=r"^scan-train: about .* of disk needed, .*; scan\.views: 3[456] would fit$"):
        planned(capsys)


def needed_disk(capsys) -> int:
    """Bytes at the fullest, from the plan's notes."""
    plan.main(PARAMS)
    output = " ".join(capsys.readouterr().out.split())
    number, letter = re.search(r"which the run takes ([0-9.]+)(\w) at", output).groups()
    return in_bytes(number + letter)


def in_bytes(cell: str) -> int:
    return int(float(cell[:-1]) * {"G": 2**30, "M": 2**20}[cell[-1]])


def test_several_devices(capsys, monkeypatch):
    monkeypatch.setattr(plan, "look_at_machine", lambda device: MACHINE._replace(device=None))
    use("cifar10", ["runtime.device=cpu"], params=PARAMS)
    one = planned(capsys)
    use("cifar10", ["runtime.device=cpu", "runtime.devices=2"], params=PARAMS)
    two = planned(capsys)
    # Half of the batch's 40 MB for each image in each of two processes; each has libraries, and logits, for itself.
    assert in_bytes(two["pretext-train"][3]) > in_bytes(one["pretext-train"][3])
    assert two["evaluate"] == one["evaluate"]
    assert [row[-2:] for row in two.values()] == [row[-2:] for row in one.values()]
    use("cifar10", ["runtime.device=cpu", "runtime.devices=2", "scan.batch_size=127"], params=PARAMS)
    with pytest.raises(ParamsError, match=r"scan\.batch_size: found 127, expected a multiple of the 2 devices"):
        planned(capsys)
    use("cifar10", ["runtime.device=cpu", "runtime.devices=2", "scan.batch_size=127", *FROZEN], params=PARAMS)
    planned(capsys)


def test_approximate_mining_is_said_to_be_a_guess(capsys):
    use("cifar10", ["neighbors.exact_up_to=50000"], params=PARAMS)
    plan.main(PARAMS)
    output = " ".join(capsys.readouterr().out.split())
    assert re.search(r"mine-neighbors 60,000 - \S+ \S+ \S+ \S+ ~", output)
    assert "Mining is approximate, and taken to visit 16 lists" in output


def test_all_of_imagenet_needs_a_smaller_batch_on_one_device(capsys):
    use("imagenet", params=PARAMS)
    with pytest.raises(ParamsError) as error:
        planned(capsys)
    # 78 GiB less weights, gradients, moments (0.185 GB), logits (3 x 1,281,167 x 1,000 x 4 bytes) and neighbors
    # (1,281,167 x 5 x 8): 68.1 GB for images of 1.3 x 40 MB each.
    (line,) = str(error.value).splitlines()
    assert line.startswith("scan-train: about 114 GiB of device memory, 78 GiB are free; scan.batch_size: 1310 would")
    use("imagenet", ["scan.batch_size=1310"], params=PARAMS)
    capsys.readouterr()
    rows = planned(capsys)
    assert rows["fetch"][0] == "1,331,167"
    assert rows["pretext-train"][1] == f"{500 * (1_281_167 // 512):,}"
    assert rows["fetch"][4] == size(int(1_331_167 * (150_528 * 0.75 + 40)))  # encoded, and the tables


@pytest.mark.parametrize("preset", ["cifar10", "cifar20", "stl10", "cifar10-authors", "stl10-authors", "cifar10-cpu"])
def test_presets_of_published_size(preset: str, capsys):
    use(preset, params=PARAMS)
    rows = planned(capsys)
    expected = {"stl10": "13,000", "stl10-authors": "113,000", "cifar10-cpu": "40,000"}.get(preset, "60,000")
    assert rows["fetch"][0] == expected


def test_a_step_that_is_switched_off_needs_no_images(capsys):
    use("digits", ["self_label.batch_size=5000", "self_label.epochs=0"], params=PARAMS)
    assert planned(capsys)["self-label"][1] == "0"
    use("digits", ["self_label.batch_size=5000"], params=PARAMS)
    with pytest.raises(ParamsError, match=r"^self_label\.batch_size: 5,000 with 1,797 images"):
        planned(capsys)


def test_a_list_of_classes_that_cannot_be_reached(capsys, monkeypatch):
    monkeypatch.setattr(download, "RETRY_SECONDS", 0.0)
    use("imagenet50", ["data.classes_file=http://127.0.0.1:9/list.txt"], params=PARAMS)
    plan.main(PARAMS)
    output = " ".join(capsys.readouterr().out.split())
    assert "fetch ~66,558" in output  # 50 x (1,281.167 + 50)
    assert "cannot be reached, and is taken to name as many classes as scan.clusters, 50" in output


def remember_fetch() -> None:
    """Write the dvc.lock that DVC would write after fetch."""
    config = load_params(PARAMS)
    params = {"seed": config.seed, "data": config.data.model_dump(mode="json"), "pretext.train_splits": []}
    digest = hashlib.md5(Path("data/artifacts/index.parquet").read_bytes()).hexdigest()
    stage = {"params": {"params.yaml": params}, "outs": [{"path": "data/artifacts/index.parquet", "md5": digest}]}
    YAML().dump({"stages": {"fetch": stage}}, Path("dvc.lock"))


def test_after_fetch_the_images_are_those_of_the_index(capsys):
    write_params(Path(), "data.duplicates=drop")
    fetch.main(PARAMS)
    kept = len(np.load("data/artifacts/images/pixels.npy"))
    assert not count_images(load_params(PARAMS)).fetched
    remember_fetch()
    counted = count_images(load_params(PARAMS))
    assert (counted.fetched, counted.sizes) == (True, Sizes(kept, kept, kept, kept))
    capsys.readouterr()
    assert planned(capsys)["fetch"][-2:] == ["0", "s"]
    write_params(Path(), "data.limit=150")
    assert count_images(load_params(PARAMS)).fetched is False


def test_real_steps_of_a_tiny_network_are_measured(monkeypatch):
    write_params(Path())
    monkeypatch.setattr(plan_measure, "BUDGET", 1.0)
    sizes = Sizes(160, 160, 160, 160)
    found = plan_measure.measure_all(
        load_params(PARAMS), sizes, devices=1, channels=1, encoded=True, device=torch.device("cpu"), memory=GIBIBYTE
    )
    assert all(cost.batch in (4, 32) and cost.seconds > 0 for cost in found[:3])  # 32 unless the machine is busy
    # SimCLR trains on two views of an image, SCAN on one of it and one of its neighbor, self-labeling on one.
    pretext, scan, self_label = (cost.footprint.per_image for cost in found[:3])
    assert self_label == pytest.approx(scan / 2, rel=0.05)
    # and its head: 128 hidden values before and after batch normalization and after the rectifier, of both views
    assert pretext == pytest.approx(scan + 2 * 3 * 128 * 4, rel=0.05)
    assert min(found.infer, found.prepare, found.decode, found.pair, found.kmeans) > 0
    # resnet10 of width 4 has 4, 8, 16 and 32 channels; 8 x 8 x 4 channels of float32 are the largest.
    assert (found.embedding_dim, found.largest_output) == (32, 8 * 8 * 4 * 4)


def test_real_steps_on_features_are_measured(monkeypatch):
    write_params(Path(), *FROZEN, "self_label.optimizer=sgd")
    monkeypatch.setattr(plan_measure, "BUDGET", 1.0)
    sizes = Sizes(160, 160, 160, 160)
    found = plan_measure.measure_all(
        load_params(PARAMS), sizes, devices=2, channels=1, encoded=False, device=torch.device("cpu"), memory=GIBIBYTE
    )
    assert found.feature_width == 32
    assert found.pretext.batch <= 16  # half of 32
    assert min(found.scan_augment, found.self_label_augment, found.scan.seconds, found.self_label.seconds) > 0
    assert found.scan.footprint.per_image < found.pretext.footprint.per_image / 4


def test_the_command_ends_with_a_line_for_each_thing_that_cannot_fit(tmp_path: Path):
    write_params(tmp_path, "pretext.batch_size=161", "neighbors.k=160")
    with start_stage(tmp_path, "plan") as process:
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert output.startswith(" " * 19 + "images")
    *_, first, second = errors.splitlines()
    assert first == "error: pretext.batch_size: 161 with 160 images to learn from; lower it to 160 or less"
    assert second == "neighbors.k: 160 with 160 images to learn from; lower it to 159 or less"
    assert {path.name for path in tmp_path.iterdir()} == {"params.yaml"}


@pytest.mark.parametrize(
    "lock", ["<<<<<<< HEAD\nschema: 2.0\n=======\nschema: 1\n>>>>>>> other\n", "stages: {fetch: {cmd: x}}"]
)
def test_a_lock_in_a_state_of_its_own_counts_as_not_fetched(lock: str):
    use("digits", params=PARAMS)
    Path("dvc.lock").write_text(lock)
    Path("data/artifacts").mkdir(parents=True)
    Path("data/artifacts/index.parquet").write_bytes(b"something")
    assert not count_images(load_params(PARAMS)).fetched
