from pathlib import Path

from scan_core.artifacts.atomic import write_text
from stages.report_run import read_run


def test_what_the_stages_have_written(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text(
        Path("reports/fetch/details.json"), '{"images": 5, "skipped": 1, "duplicates": 2, "left_out": {".txt": 3}}'
    )
    write_text(Path("reports/fetch/skipped.csv"), 'file,reason\n"a, b.png",NaN\n')
    write_text(Path("reports/fetch/duplicates.csv"), "file,same_as,dropped\n" + "a,b,False\n" * 51)
    write_text(Path("model"), "")
    params = {"encoder": {"weights": "/home/somebody/w.pth", "name": "ä"}, "seed": 0}
    run = read_run({"run": {"params": params}}, "nothing", ["w"], {"scan": Path("model")})
    assert run.fetched == {"duplicates": 2, "skipped files": 1, "no pictures, left out": "3 .txt"}
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
