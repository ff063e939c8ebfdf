"""The paper's tables: their files, what is run, what is kept, what is shown."""

import fnmatch
import json
import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image
from pydantic import ValidationError

from benchmarks.paper import experiments, results
from benchmarks.paper.__main__ import show, unfinished
from benchmarks.paper.copy import call, held, renew
from benchmarks.paper.place import place_of
from benchmarks.paper.show import markdown, plot
from benchmarks.paper.tables import TABLES, Row, Setting, Table, chosen, read_table, setting
from benchmarks.record import device_name
from scan_core.artifacts.atomic import write_text
from scan_core.errors import ArtifactError, DataError, ParamsError
from tests.pipeline import clone

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in TABLES.glob("*.yaml"))
RUN = {"acc": 0.8, "nmi": 0.7, "ari": 0.6, "scan_acc": 0.5, "kmeans_acc": 0.25, "purity": 0.9}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", ["digits", "cifar10-cpu", "cifar10", "imagenet50"])
def test_every_table_can_be_shown_before_anything_has_run(name: str, preset: str, folder: Path):
    table, where = read_table(name), place_of(preset, [])
    text = markdown(table, where, seeds=10)
    assert text.startswith(f"# {table.title}\n")
    assert "Nothing has run yet" in text
    assert sum(line.startswith("| ") for line in text.splitlines()) == 2 + len(table.rows)


def test_show_makes_no_folder_where_nothing_has_run(folder: Path, capsys: pytest.CaptureFixture[str]):
    show(["table1"], preset="base", seeds=3)
    assert "Nothing has run yet" in capsys.readouterr().out
    assert not [*folder.iterdir()]


def test_rows_that_say_the_same_are_one_run():
    usual = place_of("digits", []).usual
    assert setting(Row(label="a", set={"neighbors.k": 50}), "digits", usual) == Setting(())
    assert place_of("folder", ["/usr"]).values == ("data.source=/usr",)
    other = place_of("digits", ["neighbors.k=5"])
    assert setting(Row(label="a", set={"neighbors.k": 50}), "digits", other.usual) == Setting(("neighbors.k=50",))
    runs = unfinished(["table1"], place_of("digits", []), seeds=2, rows=["kmeans", "strong", "self-label"])
    assert [(run.setting, run.seed) for run in runs] == [(Setting(()), 0), (Setting(()), 1)]


def test_a_command_that_fails_is_tried_again_and_its_error_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmarks.paper.copy.time.sleep", lambda _: None)
    flaky = "echo tried >> log; echo said; echo ERROR: busy >&2; echo any troubles? >&2; [ $(grep -c '' log) = 3 ]"
    assert call(tmp_path, "sh", "-c", flaky, attempts=3) == "said\n"
    with pytest.raises(DataError, match=r"sh -c .*: ERROR: busy$"):
        call(tmp_path, "sh", "-c", flaky)
    assert (tmp_path / "log").read_text().count("tried") == 4


def test_finished_runs_are_not_run_again():
    where = place_of("digits", [])
    results.add(where.folder, Setting(()), 1, RUN, commit="abc")
    assert [run.seed for run in unfinished(["table1"], where, seeds=3, rows=["kmeans"])] == [0, 2]


def test_a_preset_s_own_values_come_on_top():
    row = Row(label="a", set={"neighbors.k": 7}, set_of={"cifar10": {"neighbors.k": 8}})
    assert setting(row, "digits", {}).values == ("neighbors.k=7",)
    assert setting(row, "cifar10", {}).values == ("neighbors.k=8",)
    row = Row(label="a", set_of={"cifar*": {"neighbors.k": 7}, "cifar10-*": {"neighbors.k": 8}})
    assert setting(row, "cifar20", {}).values == ("neighbors.k=7",)
    assert setting(row, "cifar10-cpu", {}).values == ("neighbors.k=8",)  # the later pattern


@pytest.mark.parametrize("name", NAMES)
def test_every_pattern_is_for_a_preset(name: str):
    presets = [path.stem for path in (ROOT / "presets").glob("*.yaml")]
    patterns = {pattern for row in read_table(name).rows.values() for pattern in row.set_of}
    assert [pattern for pattern in patterns if not fnmatch.filter(presets, pattern)] == []


@pytest.mark.parametrize("preset", ["digits", "cifar10", "cifar10-authors", "cifar10-fast", "cifar10-cpu", "stl10"])
@pytest.mark.parametrize("row", ["rotnet", "feature-decoupling"])
def test_neighbors_are_not_mined_among_rotations(preset: str, row: str):
    usual = place_of(preset, []).usual
    values = dict(value.split("=", 1) for value in setting(read_table("table2").rows[row], preset, usual).values)
    assert values.get("embed.layer", usual["embed.layer"]) == "backbone"


def test_twice_the_clusters_is_twice_the_preset_s_number():
    row = Row(label="twice", clusters_times=2)
    for preset, clusters in (("digits", 20), ("cifar20", 40), ("imagenet50", 100)):
        assert setting(row, preset, place_of(preset, []).usual).values == (f"scan.clusters={clusters}",)
    with pytest.raises(ParamsError, match=r"twice: scan\.clusters: found auto, .*add -S scan\.clusters=N"):
        setting(row, "folder", place_of("folder", []).usual)


def test_without_self_labeling_its_row_is_empty():
    where = place_of("digits", ["self_label.epochs=0"])
    results.add(where.folder, Setting(()), 0, RUN, commit="abc")
    lines = markdown(read_table("table1"), where, seeds=1).splitlines()
    cells = {line.split(" | ")[0]: line.split(" | ")[2] for line in lines if line.startswith("| ")}
    assert cells["| SCAN loss, strong augmentation"] == "50.0"
    assert cells["| SCAN loss, strong augmentation, self-labeling"] == "-"
    assert "| SCAN | 1 | 80.0 |" in markdown(read_table("table3"), where, seeds=1)  # which has one row for both
    assert unfinished(["table1"], where, seeds=1, rows=["self-label"]) == []
    assert len(unfinished(["table3"], where, seeds=2, rows=["scan"])) == 1


def test_records_name_their_machine(folder: Path):
    where = place_of("digits", [])
    results.add(where.folder, Setting(()), 0, RUN, commit="abc")
    assert f"at commit abc, on {device_name()}." in markdown(read_table("table1"), where, seeds=1)
    old = {"seed": 1, "commit": "older", "figures": RUN}
    with (where.folder / "preset.jsonl").open("a") as file:
        file.write(json.dumps(old) + "\n")
    assert f"on {device_name()} and machines that were not recorded." in markdown(read_table("table1"), where, seeds=1)


def test_values_are_written_as_yaml():
    values = {"a": None, "b": True, "c": {"p": 0.5}, "d": [1, "x"]}
    assert setting(Row(label="a", set=values), "digits", {}).values == ("a=null", "b=true", "c={p: 0.5}", "d=[1, x]")


def test_results_lie_by_what_the_images_are():
    def name(preset: str, *values: str) -> str:
        return place_of(preset, values).folder.name

    assert name("digits") == "digits"
    assert name("cifar10-cpu", "data.source=/somewhere/cifar10", "data.limit=10000") == "cifar10-cpu-10000"
    assert name("folder", "data.source=/somewhere/hands", "scan.clusters=10") == "folder-hands-scan.clusters=10"
    assert name("folder", "data.source=/somewhere/Kätzchen und 猫") != name("folder", "data.source=/somewhere/Kätzchen")
    assert name("digits", "pretext.epochs=2") != name("digits", "scan.epochs=2")
    assert name("digits", "data.limit=100", "data.limit=200") == "digits-200"
    with pytest.raises(ParamsError, match=r"scan\.cluster: no such key"):
        name("digits", "scan.cluster=3")
    with pytest.raises(ParamsError, match=r"digits: scan\.heads: found 'two'"):
        name("digits", "scan.heads=two")
    with pytest.raises(ParamsError, match="seed: set for each run"):
        name("digits", "seed=3")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"set": {"seed": 5}}, "A: seed: set for each run"),
        ({"step": "gmm"}, "A: step: found gmm, allowed: self_label, scan, "),
        ({"step": "spectral"}, "A: step: found spectral, .* or one of baselines.methods"),
    ],
)
def test_a_row_that_cannot_be_shown_is_refused(row: dict[str, Any], said: str):
    with pytest.raises(ParamsError, match=said):
        setting(Row(label="A", **row), "digits", place_of("digits", []).usual)
    setting(Row(label="A", step="spectral", set={"baselines.methods": ["spectral"]}), "digits", {})


@pytest.mark.parametrize("metrics", [[], ["acc", "other"]])
def test_metrics_that_are_none_are_refused(metrics: list[str]):
    with pytest.raises(ValidationError, match="metrics"):
        Table(title="T", about="A", metrics=metrics, rows={})


def test_each_series_is_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch):
    where = place_of("digits", [])
    results.add(where.folder, Setting(()), 0, RUN, commit="abc")
    rows = {name: Row(label=name, series=name, x=1.0) for name in "abcde"}
    drawn: list[Figure] = []
    monkeypatch.setattr("benchmarks.paper.show.save_png", lambda _, figure: drawn.append(figure))
    plot(Table(title="T", about="A", rows=rows), where, seeds=1, file=folder / "t.png")
    assert [line.get_label() for line in drawn[0].axes[0].lines] == [*"abcde"]
    assert len({line.get_color() for line in drawn[0].axes[0].lines}) == 5


def test_a_copy_of_another_project_or_half_made_leaves_no_result(tmp_path: Path, folder: Path):
    left = {"project": "/elsewhere", "runs": {"run-0": [[], None, 0, "digits", "A", "abc"]}}
    write_text(tmp_path / "copy" / experiments.NAMES, json.dumps(left))
    experiments.keep_finished(tmp_path / "copy")  # no git repository
    clone(tmp_path / "copy")
    call(tmp_path / "copy", "git", "update-ref", "refs/exps/00/run-0", "HEAD")
    experiments.keep_finished(tmp_path / "copy")
    write_text(tmp_path / "copy" / experiments.NAMES, json.dumps(left["runs"]))
    experiments.keep_finished(tmp_path / "copy")
    write_text(tmp_path / "copy" / experiments.NAMES, json.dumps({**left, "project": str(ROOT)}))
    experiments.keep_finished(tmp_path / "copy")  # whose details are not in DVC's cache
    assert not list(folder.glob("digits*"))


def test_mean_and_deviation_by_hand(folder: Path):
    # ACC 80, 82, 87: mean 83, squares 9 + 1 + 16 = 26, over n - 1: 13; the paper's 83.5 is 0.5 higher.
    where = place_of("cifar10", [])
    for seed, acc in enumerate((0.80, 0.82, 0.87)):
        results.add(where.folder, Setting(()), seed, {**RUN, "acc": acc}, commit="abc")
    rows = {
        "all": Row(label="all", paper={"cifar10": {"acc": (83.5, 4.1)}}),
        "first": Row(label="first", step="kmeans"),
        "later": Row(label="later", run=False, paper={"cifar10": {"acc": (10, None)}}),
        "open": Row(label="open", set={"neighbors.k": 7}),
    }
    text = markdown(Table(title="T", about="A.", metrics=("acc",), rows=rows), where, seeds=3)
    lines = text.splitlines()
    assert f"| all | 3 | 83.0 ± {math.sqrt(13):.1f} | 83.5 ± 4.1 | -0.5 |" in lines
    assert "| first | 3 | 25.0 ± 0.0 | - | - |" in lines
    assert "| later | not run | - | 10.0 | - |" in lines
    assert "| open | 0 of 3, unfinished | - | - | - |" in lines
    assert "commit abc" in text


def test_curves_and_bars_are_drawn(folder: Path):
    where = place_of("digits", [])
    for name in ("table1", "figure7"):
        for row in read_table(name).rows.values():
            for seed in range(2):
                results.add(where.folder, setting(row, "digits", where.usual), seed, RUN, commit="abc")
        plot(read_table(name), where, seeds=1, file=folder / f"{name}.png")
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 200


def test_a_mistake_in_a_table_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmarks.paper.tables.TABLES", tmp_path)
    (tmp_path / "mine.yaml").write_text("title: T\nabout: A\nrows: {a: {label: A, sett: {x: 1}}}\n")
    with pytest.raises(ParamsError, match=r"mine\.yaml: rows\.a\.sett: Extra inputs are not permitted, found"):
        read_table("mine")
    with pytest.raises(ParamsError, match="other: no such table; there are mine"):
        read_table("other")
    with pytest.raises(ParamsError, match=r"mine: no row b; there are a"):
        chosen(Table(title="T", about="", rows={"a": Row(label="A")}), ["b"], name="mine")


def test_a_broken_line_of_results_is_named(folder: Path):
    (folder / "preset.jsonl").write_text('{"seed": 0}\n')
    with pytest.raises(ArtifactError, match=r"preset\.jsonl: line 1 is no result"):
        results.read(folder, Setting(()))


def test_adding_a_seed_changes_no_other_line(folder: Path):
    results.add(folder, Setting(()), 0, {"clusters": 10, "acc": None}, commit="abc")
    first = (folder / "preset.jsonl").read_text()
    results.add(folder, Setting(()), 1, RUN, commit="def")
    assert (folder / "preset.jsonl").read_text().startswith(first)
    assert '"clusters": 10,' in first


def test_only_scores_are_kept(folder: Path):
    results.add(folder, Setting(("a=1",), "neighbors"), 0, {**RUN, "model": "sha256:0", "images": 3}, commit="abc")
    entry = json.loads((folder / "oracle=neighbors,a=1.jsonl").read_text())
    setting = {"set": ["a=1"], "oracle": "neighbors"}
    assert entry == {"seed": 0, **setting, "commit": "abc", "machine": device_name(), "figures": RUN}


@pytest.mark.parametrize("line", [b"\xff\xfe", b'{"seed": 0, "commit": "a", "figures": {"acc": "abc"}}'])
def test_a_damaged_line_of_results_is_named(line: bytes, folder: Path):
    (folder / "preset.jsonl").write_bytes(line)
    with pytest.raises(ArtifactError, match=r"preset\.jsonl: line 1 is no result"):
        results.read(folder, Setting(()))


def test_a_copy_is_no_part_of_the_project_and_takes_nobody_s_files(tmp_path: Path):
    with pytest.raises(ParamsError, match="lies in the project"), held(ROOT / "copy"):
        pass
    with (
        held(tmp_path / "copy"),
        pytest.raises(ParamsError, match="another queue works there"),
        held(tmp_path / "copy"),
    ):
        pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("keep me")
    with pytest.raises(ParamsError, match="has files that are no copy"):
        renew(tmp_path / "mine")
    assert (tmp_path / "mine/letter.txt").read_text() == "keep me"
