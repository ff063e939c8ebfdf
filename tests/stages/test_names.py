"""Checking and installing names, with a model and an evaluation made by hand."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from scan_core.errors import ArtifactError, DataError
from scan_core.naming.names import Names, read_names, write_names
from scan_core.report.plane import Plane, write_map
from stages.names import main
from stages.paths import CLUSTER_NAMES, METRICS, SELF_LABEL_MODEL
from tests.pipeline import enter

PATHS = ["a.png", "b ü.png", "c.png", "d.png", "e.png", "f.png"]
GIVEN = Path("given.yaml")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)
    _evaluate("first", [0, 0, 1, 1, 2, 2])


def _evaluate(model: str, clusters: list[int], *, stale: bool = False) -> None:
    """A model, and its evaluation; ``stale`` leaves the evaluation as it was."""
    for path in (SELF_LABEL_MODEL, METRICS, Path("reports/evaluate/details.json")):
        path.parent.mkdir(parents=True, exist_ok=True)
    SELF_LABEL_MODEL.write_text(model)
    if not stale:
        METRICS.write_text('{"clusters": 3}')
        Path("reports/evaluate/details.json").write_text(json.dumps({"model": _digest(model)}))
        count = len(clusters)
        confidence = np.linspace(0.5, 0.9, count, dtype=np.float32)
        write_map(
            Path("reports/evaluate/map.parquet"), Plane(np.zeros((count, 2), np.float32), "pca"), np.array(clusters),
            confidence,
            ["class"] * 3, PATHS[:count],
        )  # fmt: skip


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


def test_the_names_before_are_kept(capsys):
    main(_give("cat", "", ""))
    main(_give("cat", "", ""))
    assert not Path("clusters.yaml.bak").exists()
    main(_give("dog", "", ""))
    assert read_names(Path("clusters.yaml.bak")).names == ("cat", "", "")
    main(CLUSTER_NAMES)
    assert read_names(Path("clusters.yaml.bak")).names == ("cat", "", "")
    assert "without a name: clusters 1, 2" in capsys.readouterr().out


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
    with pytest.raises(DataError, match=r"given\.yaml: none of the 0 pictures"):
        main(_give("cat", "", "", model="another"), carried=True)


def test_an_evaluation_of_another_model_is_refused():
    _evaluate("second", [], stale=True)
    with pytest.raises(ArtifactError, match=r"an evaluation of another model than .*; run dvc repro evaluate"):
        main(_give("cat", "", "", model="second"))
