"""Checking and installing names, with a model and an evaluation made by hand."""

import hashlib
import json
import resource
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.clusters import Predictions, write_predictions
from scan_core.errors import ArtifactError, DataError
from scan_core.naming.names import Names, read_names
from scan_core.report.map_table import Plane, write_map
from stages.names import main
from stages.paths import CLUSTER_NAMES, DETAILS, MAP, PREDICTIONS, SELF_LABEL_MODEL
from tests.embedded import write_images_of
from tests.pipeline import enter
from tests.samples import write_names

PATHS = ["a.png", "b ü.png", "c.png", "d.png", "e.png", "f.png"]
GIVEN = Path("given.yaml")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)
    _evaluate("first", [0, 0, 1, 1, 2, 2])


def _evaluate(model: str, clusters: list[int], *, stale: bool = False) -> None:
    """A model, and its evaluation; ``stale`` leaves the evaluation as it was."""
    write_text(SELF_LABEL_MODEL, model)
    if not stale:
        _write_evaluation(model, np.eye(3)[clusters])


def _write_evaluation(model: str, nearness: np.ndarray) -> None:
    """What evaluate writes where each picture is so near to each cluster, [N, C]; later pictures are surer."""
    count, used = len(nearness), np.ones(len(nearness), bool)
    sharpness = np.linspace(1, 2, count)[:, None]
    found = Predictions("self_label", np.arange(count), softmax(sharpness * nearness, axis=1).astype(np.float32))
    write_images_of(used, used)
    write_predictions(PREDICTIONS, [found])
    nowhere = Plane(np.zeros((count, 2), np.float32), "pca")
    write_map(MAP, nowhere, found.cluster, found.confidence, ["class"] * 3, PATHS[:count])
    write_text(DETAILS, json.dumps({"model": _digest(model)}))


def _digest(model: str) -> str:
    return f"sha256:{hashlib.sha256(model.encode()).hexdigest()}"


def _give(*names: str, members: tuple[tuple[str, ...], ...] = ((), (), ()), model: str = "first") -> Path:
    write_names(GIVEN, Names(_digest(model), names, members))
    return GIVEN


def test_names_are_completed_and_installed(capsys):
    main(_give("cat", "junk", "cat"))
    members = (("b ü.png", "a.png"), ("d.png", "c.png"), ("f.png", "e.png"))
    assert read_names(CLUSTER_NAMES) == Names(_digest("first"), ("cat", "junk", "cat"), members)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "cat: 4 of 6 pictures, clusters 0, 2",
        "junk (set aside): 2 of 6 pictures, cluster 1",
    ]
    main()
    assert capsys.readouterr().out.splitlines() == lines[:2]
    main(_give("ring", "dog", "Ring"))
    assert "“ring” and “Ring” differ in capitals alone, and count as different names" in capsys.readouterr().out


def test_a_picture_between_clusters_of_one_name_belongs_to_that_name(capsys):
    # e^0.9 + e^0.9 > e^1: the name of clusters 0 and 2 is likelier, though cluster 1 is the likeliest cluster.
    _write_evaluation("first", np.array([[1, 0, 0], [0, 1, 0], [0.9, 1, 0.9]]))
    main(_give("cat", "dog", "cat"))
    assert capsys.readouterr().out.splitlines()[:2] == [
        "cat: 2 of 3 pictures, clusters 0, 2",
        "dog: 1 of 3 pictures, cluster 1",
    ]
    assert read_names(CLUSTER_NAMES).members[1] == ("b ü.png", "c.png")


def test_the_names_before_are_kept(capsys):
    main(_give("cat", "", ""))
    main(_give("cat", "", ""))
    assert not Path("clusters.yaml.bak").exists()
    main(_give("dog", "", ""))
    assert read_names(Path("clusters.yaml.bak")).names == ("cat", "", "")
    main(CLUSTER_NAMES)
    assert read_names(Path("clusters.yaml.bak")).names == ("cat", "", "")
    assert "without a name: clusters 1, 2" in capsys.readouterr().out


def test_a_full_disk_leaves_both_files_as_they_were():
    main(_give("cat", "", ""))
    main(_give("dog", "", ""))
    before, given = {path.name: path.read_bytes() for path in Path().glob("clusters.yaml*")}, _give("bird", "", "")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(ArtifactError, match="cannot be written"):
            main(given)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [*Path().glob(".*clusters*")]
    assert {path.name: path.read_bytes() for path in Path().glob("clusters.yaml*")} == before


def test_a_form_is_filled_in_with_an_editor(capsys):
    main()
    assert "no names yet" in capsys.readouterr().out
    main(form=True)
    CLUSTER_NAMES.write_text(CLUSTER_NAMES.read_text().replace('name: ""', "name: 7", 1))
    main(CLUSTER_NAMES)
    assert read_names(CLUSTER_NAMES).names == ("7", "", "")
    with pytest.raises(DataError, match=r"clusters\.yaml: is there already"):
        main(form=True)


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match=r"given\.yaml: 2 clusters, expected 3"):
        main(_give("cat", "dog", members=((), ())))
    with pytest.raises(DataError, match=r"'c\.png' stands with cluster 0, but is in another one"):
        main(_give("cat", "", "", members=(("c.png",), (), ())))
    with pytest.raises(DataError, match=r"none\.yaml: No such file"):
        main(Path("none.yaml"))
    assert not CLUSTER_NAMES.exists()


def test_pictures_that_are_no_longer_evaluated_do_no_harm():
    main(_give("cat", "", "", members=(("gone.png",), (), ())))
    assert read_names(CLUSTER_NAMES).members[0] == ("b ü.png", "a.png")


def test_names_of_another_model_are_carried_over_when_asked(capsys):
    main(_give("cat", "dog", ""))
    _evaluate("second", [2, 2, 0, 0, 1, 0])
    with pytest.raises(DataError, match=r"of another model .*; add --carry-over"):
        main(CLUSTER_NAMES)
    with pytest.raises(DataError, match=r"of another model"):
        main()
    capsys.readouterr()
    main(CLUSTER_NAMES, carried=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["old cluster 0, “cat”: now cluster 2 (100%)", "old cluster 1, “dog”: now cluster 0 (100%)"]
    assert "without a name: cluster 1" in lines
    assert "cluster 0, “dog”: only 67% of the listed pictures in it had that name" in lines
    assert read_names(CLUSTER_NAMES).names == ("dog", "", "cat")
    assert read_names(CLUSTER_NAMES).model == _digest("second")
    assert read_names(Path("clusters.yaml.bak")).model == _digest("first")


def test_lost_names_are_said(capsys):
    main(_give("cat", "dog", ""))
    _evaluate("second", [0, 0, 0, 0, 1, 2])
    main(CLUSTER_NAMES, carried=True)
    out = capsys.readouterr().out
    assert "old cluster 1, “dog”: now cluster 0 (100%, without a name)" in out
    assert "lost, as no cluster is mostly of it: “cat”, “dog”" in out


def test_names_without_pictures_cannot_be_carried_over():
    with pytest.raises(DataError, match=r"given\.yaml: no members are listed"):
        main(_give("cat", "", "", model="another"), carried=True)


def test_an_evaluation_of_another_model_is_refused():
    _evaluate("second", [], stale=True)
    with pytest.raises(ArtifactError, match=r"an evaluation of another model than .*; run dvc repro evaluate"):
        main(_give("cat", "", "", model="second"))


def test_options_that_do_not_go_together_are_refused():
    given = _give("cat", "", "")
    with pytest.raises(DataError, match="--form: writes empty names"):
        main(given, form=True)
    with pytest.raises(DataError, match="--carry-over: expects FILE"):
        main(carried=True)
    assert not CLUSTER_NAMES.exists()


@pytest.mark.parametrize("text", ["[]", "{}", "{", None])
def test_damaged_figures_are_told_of(text: str | None):
    path = Path("reports/evaluate/details.json")
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ArtifactError, match=f"{path}: .*; run dvc repro evaluate"):
        main()
