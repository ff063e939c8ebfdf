from pathlib import Path

import pytest

from scan_core.artifacts.atomic import write_text
from scan_core.errors import ArtifactError
from stages.report_run import read_run


def test_what_the_stages_have_written(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text(
        Path("reports/fetch/details.json"),
        '{"images": 5, "skipped": 1, "duplicates": 2, "left_out": {".txt": 3, "hidden folder": 2}}',
    )
    write_text(Path("reports/fetch/skipped.csv"), 'file,reason\n"a, b.png",NaN\n')
    write_text(Path("reports/fetch/duplicates.csv"), "file,same_as,dropped\n" + "a,b,False\n" * 51)
    write_text(Path("model"), "")
    params = {"encoder": {"weights": "/home/somebody/w.pth", "name": "ä"}, "seed": 0}
    run = read_run({"run": {"params": params}}, "nothing", ["w"], {"scan": Path("model")})
    assert run.fetched == {"duplicates": 2, "skipped files": 1, "no pictures, left out": "3 .txt, 2 hidden folders"}
    skipped, duplicates = run.listings
    assert (skipped.columns, skipped.rows, skipped.more) == (["file", "reason"], [["a, b.png", "NaN"]], False)
    assert (duplicates.columns[1], len(duplicates.rows), duplicates.more) == ("same as", 50, True)
    assert run.parameters.splitlines() == ["encoder.weights: w.pth", 'encoder.name: "ä"', "seed: 0"]
    # The SHA-256 of nothing.
    assert run.digests["scan"].startswith("e3b0c44298fc1c14")
    assert (run.pictures, run.curves) == ([], [])


def test_a_model_from_elsewhere(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = read_run({}, "nothing", [], {})
    assert (run.fetched, run.listings, run.parameters) == ({}, [], "")


def test_too_few_images_to_suggest_a_number(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text(Path("reports/count_clusters/details.json"), '{"images": 2, "warning": null}')
    write_text(Path("reports/count_clusters/curve.csv"), "clusters,silhouette,modularity,agreement,fit\n")
    assert read_run({}, "nothing", [], {}).curves == []


@pytest.mark.parametrize("text", ["[]", "{"])
def test_damaged_details_are_told_of(tmp_path: Path, monkeypatch, text: str):
    monkeypatch.chdir(tmp_path)
    write_text(Path("reports/fetch/details.json"), text)
    with pytest.raises(ArtifactError, match=r"reports/fetch/details\.json: no JSON object; run dvc repro"):
        read_run({}, "nothing", [], {})
