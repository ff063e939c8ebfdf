import contextlib
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.clusters import Predictions, write_predictions
from scan_core.artifacts.index import read_index
from scan_core.artifacts.model import checksum
from scan_core.clustering.predict import predict
from scan_core.errors import DataError
from scan_core.images.open_images import open_images
from scan_core.naming.names import Names
from scan_core.report.map_table import Plane, write_map
from scan_core.sorting.folder_names import UNSURE
from scan_core.sorting.manifest import MANIFEST
from stages import fetch, sort
from stages.paths import (
    CLUSTER_NAMES,
    DETAILS,
    ENCODER,
    FEATURES,
    IMAGES,
    INDEX,
    MAP,
    PARAMS,
    PREDICTIONS,
    SELF_LABEL_MODEL,
)
from stages.use import main as use
from tests.samples import encode, noise, write_names
from tests.stages.predicting import CLUSTERS, SIZE, write_model

COUNT = 12
LIMIT = 8


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run that has learned from LIMIT of COUNT pictures; returns their folder."""
    pictures, project = tmp_path / "pictures", tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    for number in range(COUNT):
        path = pictures / f"{'abc'[number % 3]}" / f"{number // 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        color = np.array([(0, 0, 0), (255, 0, 0), (255, 255, 0)][number % 3])
        path.write_bytes(encode(np.clip(color + noise(SIZE, SIZE, 3, seed=number) // 8, 0, 255).astype(np.uint8)))
    finish(pictures)
    return pictures


def finish(pictures: Path, *overrides: str) -> None:
    settings = [f"data.image_size={SIZE}", f"data.limit={LIMIT}", "runtime.device=cpu", *overrides]
    use("folder", [f"data.source={pictures}", *settings], params=PARAMS)
    fetch.main(PARAMS)
    write_model(channels=3)
    evaluate()


def evaluate() -> None:
    """Write what sort reads of evaluate's results."""
    images, ids = open_images(IMAGES, torch.device("cpu"), workers=1), read_index(INDEX).evaluate_ids
    found = Predictions("self_label", ids, predict(SELF_LABEL_MODEL, images, ids, encoder=ENCODER, features=FEATURES))
    write_predictions(PREDICTIONS, [found])
    nowhere, paths = Plane(np.zeros((len(ids), 2), np.float32), "pca"), [read_paths()[row] for row in ids]
    write_map(MAP, nowhere, found.cluster, found.confidence, [""] * CLUSTERS, paths)
    write_text(DETAILS, json.dumps({"model": f"sha256:{checksum(SELF_LABEL_MODEL)}"}))


def name_clusters(*names: str) -> None:
    write_names(CLUSTER_NAMES, Names(f"sha256:{checksum(SELF_LABEL_MODEL)}", names, ((),) * len(names)))


def placed(folder: Path = Path("../sorted")) -> Counter[str]:
    return Counter(path.parent.name for path in folder.glob("*/*"))


def by_predict(pictures: Path) -> Counter[str]:
    from stages import predict as stage

    stage.main([str(pictures)], output=Path("table.csv"))
    return Counter(pd.read_csv("table.csv")["cluster"])


def test_every_picture_is_in_the_folder_of_the_cluster_that_predict_gives_it(source, capsys):
    sort.main(Path("../sorted"))
    printed = capsys.readouterr()
    expected = {f"cluster-{cluster:03d}": count for cluster, count in by_predict(source).items()}
    assert len(expected) > 1
    assert placed() == expected
    told = [f"{name}: {count} picture{'s' * (count != 1)}" for name, count in sorted(expected.items())]
    assert printed.out.splitlines() == [*told, str(Path("../sorted").resolve())]
    assert f"{COUNT - LIMIT} pictures without a prediction that holds" in printed.err


def test_a_dry_run_writes_nothing(source, capsys):
    sort.main(Path("../sorted"), dry_run=True)
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if " -> cluster-00" in line]) == 10
    assert not Path("../sorted").exists()
    sort.main(Path("../sorted"))
    assert set(capsys.readouterr().out.splitlines()[:-1]) < set(lines)


def test_names_junk_and_what_is_unsure(source):
    name_clusters("cat/dog", "junk", "cat/dog")
    sort.main(Path("../sorted"))
    clusters = by_predict(source)
    assert placed() == +Counter({"cat_dog": clusters[0] + clusters[2], "junk": clusters[1]})
    name_clusters("", "", "")
    sort.main(Path("../other"), minimum_confidence=1.0)
    assert placed(Path("../other")) == {UNSURE: COUNT}


def test_names_of_another_model_are_refused(source):
    name_clusters("a", "b", "c")
    write_model(channels=3, clusters=CLUSTERS, other="model")
    with pytest.raises(DataError, match="names for the clusters of another model"):
        sort.main(Path("../sorted"))


@pytest.mark.parametrize("change", ["names", "model", "confidence"])
def test_a_folder_that_was_sorted_otherwise_is_left_alone(source, change):
    sort.main(Path("../sorted"))
    before = {path: path.stat().st_mtime_ns for path in Path("../sorted").rglob("*")}
    if change == "names":
        name_clusters("a", "b", "c")
    elif change == "model":
        write_model(channels=3, other="model")
    with pytest.raises(DataError, match=r"sorted by .*; run python -m stages.sort .*sorted --undo first, or give ano"):
        sort.main(Path("../sorted"), minimum_confidence=0.5 * (change == "confidence"))
    assert {path: path.stat().st_mtime_ns for path in Path("../sorted").rglob("*")} == before
    sort.main(Path("../sorted"), undo_=True)
    assert not Path("../sorted").exists()


def test_a_new_picture_is_added_and_the_rest_stays(source, capsys):
    sort.main(Path("../sorted"), mode=sort.Mode.SYMLINK)
    before = {path: path.lstat().st_mtime_ns for path in Path("../sorted").glob("*/*")}
    (source / "d.png").write_bytes(encode(noise(SIZE, SIZE, 3, seed=99)))
    capsys.readouterr()
    sort.main(Path("../sorted"))
    after = {path: path.lstat().st_mtime_ns for path in Path("../sorted").glob("*/*")}
    assert before.items() < after.items()
    assert len(after) == COUNT + 1
    assert "1 picture without a prediction" in capsys.readouterr().err


def test_a_picture_that_has_changed_since_the_run_is_looked_at_again_whatever_its_date(source):
    changed = source / "a/0.png"
    status = changed.stat()
    content = (source / "b/0.png").read_bytes()
    changed.write_bytes(content)
    os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
    sort.main(Path("../sorted"))
    same = [path for path in Path("../sorted").glob("*/*") if path.read_bytes() == content]
    assert len(same) == 2
    assert len({path.parent for path in same}) == 1


def test_a_picture_that_was_but_touched_has_not_changed(source, capsys):
    sort.main(Path("../sorted"))
    for path in source.rglob("*.png"):
        path.touch()
    sort.main(Path("../sorted"))
    assert "changed" not in capsys.readouterr().err.replace("changed since the run", "")
    capsys.readouterr()
    sort.main(Path("../other"))
    assert f"{COUNT - LIMIT} pictures without a prediction that holds" in capsys.readouterr().err


def test_what_has_gone_or_cannot_be_read_is_listed(source, capsys):
    gone = read_paths()[0]
    (source / gone).unlink()
    (source / "bad.png").write_bytes(b"no picture")
    with pytest.raises(typer.Exit) as ended:
        sort.main(Path("../sorted"))
    assert ended.value.exit_code == 3
    assert sum(placed().values()) == COUNT - 1
    table = pd.read_csv("reports/sort/left-out.csv")
    assert {*table["path"]} == {gone, "bad.png"}
    assert "2 pictures left out, listed in reports/sort/left-out.csv" in capsys.readouterr().err
    (source / "bad.png").unlink()
    finish(source)
    sort.main(Path("../other"))
    assert not Path("reports/sort/left-out.csv").exists()


def read_paths() -> list[str]:
    return pd.read_parquet("data/artifacts/labels.parquet")["path"].tolist()


def test_names_that_are_no_utf8_find_their_own_prediction(source):
    odd = os.fsdecode(b"caf\xe9.png")
    for number, name in enumerate([odd, r"caf\xe9.png"]):  # both are printed alike
        (source / name).write_bytes(encode(np.full((SIZE, SIZE, 3), 255 * number, np.uint8)))
    finish(source, "data.limit=null")
    sort.main(Path("../sorted"), mode=sort.Mode.SYMLINK)
    assert sum(placed().values()) == COUNT + 2
    assert placed() == {f"cluster-{cluster:03d}": count for cluster, count in by_predict(source).items()}
    for name in (odd, r"caf\xe9.png"):
        (path,) = [path for path in Path("../sorted").glob("*/*") if path.name == name]
        assert path.read_bytes() == (source / name).read_bytes()


def test_what_changed_after_it_was_sorted_is_told(source, capsys):
    sort.main(Path("../sorted"))
    (source / "a/0.png").write_bytes(encode(noise(SIZE, SIZE, 3, seed=99)))
    (source / "b/0.png").unlink()
    capsys.readouterr()
    with contextlib.suppress(typer.Exit):  # whether the one that has gone was of the run
        sort.main(Path("../sorted"))
    told = capsys.readouterr().err
    assert "1 picture sorted earlier and no longer in data.source: b/0.png; what was made of them stays" in told
    assert "1 picture sorted earlier and changed since: a/0.png; what was made of them stays as it is" in told
    assert sum(placed().values()) == COUNT


def test_undo_keeps_what_changed_and_says_so(source, capsys):
    sort.main(Path("../sorted"))
    changed = next(Path("../sorted").glob("*/*"))
    changed.write_bytes(b"mine")
    moved = next(path for path in Path("../sorted").glob("*/*") if path != changed)
    moved = moved.rename(moved.with_name("mine.png"))
    PARAMS.unlink()  # it needs nothing of the run
    with pytest.raises(typer.Exit) as ended:
        sort.main(Path("../sorted"), undo_=True)
    assert ended.value.exit_code == 3
    printed = capsys.readouterr()
    assert f"warning: {changed.parent.name}/{changed.name}: changed since; kept" in printed.err
    assert printed.out.splitlines()[-1].endswith(
        f"sorted: {COUNT - 2} files removed, 1 kept, 1 not found: moved, or removed by an earlier --undo"
    )
    assert {path for path in Path("../sorted").rglob("*") if path.is_file()} == {changed, moved}


def test_predictions_of_another_model_are_not_used(source, capsys):
    write_model(channels=3, mean=[0.1] * 3)
    sort.main(Path("../sorted"))
    told = capsys.readouterr().err
    assert "an evaluation of another model than data/artifacts/self_label/model.safetensors; run dvc repro" in told
    assert f"{COUNT} pictures without a prediction that holds" in told
    assert placed() == {f"cluster-{cluster:03d}": count for cluster, count in by_predict(source).items()}


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("../pictures", "lies in data.source, the originals; give a place beside them"),
        ("../pictures/a/new", "lies in data.source"),
        ("..", "contains the project itself"),
        ("data", "contains data/artifacts, where the pipeline writes and removes files; give a place of your own"),
        ("reports/sorted", "lies in reports, where the pipeline writes"),
        ("../nowhere/sorted", "nothing at .*nowhere, where sorted would be made; correct the path"),
        ("params.yaml", "is a file, expected a folder, or the name of a new one"),
        ("link/sorted", "lies in data.source"),
        ("../outer", "contains data.source, the originals"),
    ],
)
def test_places_that_are_refused(source, folder, message):
    Path("link").symlink_to(source)
    Path("../outer").mkdir()
    if folder == "../outer":
        source.rename("../outer/pictures")
        use("folder", ["data.source=../outer/pictures"], params=PARAMS)
    with pytest.raises(DataError, match=f"^FOLDER: .*{message}"):
        sort.main(Path(folder))
    assert not list(Path("..").rglob(MANIFEST))


@pytest.mark.parametrize("name", ["digits", "cifar10", "parquet"])
def test_a_dataset_without_files_of_its_own(source, name):
    PARAMS.write_text(PARAMS.read_text().replace("name: folder", f"name: {name}"))
    with pytest.raises(DataError, match=f"data.name: {name} has no picture files of its own to sort, expected folder"):
        sort.main(Path("../sorted"))
    assert not Path("../sorted").exists()
