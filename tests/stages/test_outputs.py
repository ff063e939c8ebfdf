import os
from pathlib import Path

import pytest

from scan_core.errors import ArtifactError
from stages import count_clusters, export, names, outputs, predict, report, sort, use
from stages.outputs import check_output


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path: Path):
    check_output(tmp_path / "missing/deep/table.csv")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "table.csv").write_text("before")
    check_output(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "before"


def test_places_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match=r"file/below/table.csv: cannot be written: \S+/file is no folder; correct"):
        check_output(tmp_path / "file/below/table.csv")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="/link is no folder"):
        check_output(tmp_path / "link/table.csv")
    with pytest.raises(ArtifactError, match="is a folder, expected the name of a file to write"):
        check_output(tmp_path)
    _lock(monkeypatch, tmp_path)
    with pytest.raises(ArtifactError, match=rf"/missing/table.csv: cannot be written: {tmp_path} does not let you"):
        check_output(tmp_path / "missing/table.csv")


def _lock(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As the system does for one who may not write into ``folder``, which root always may."""
    monkeypatch.setattr(outputs.os, "access", lambda path, _: not Path(path).samefile(folder))


@pytest.mark.parametrize(
    ("command", "later"),
    [
        (lambda: predict.main(["pictures"], output=Path("table.csv")), (predict, "final_model")),
        (lambda: export.main(Path("model.onnx")), (export, "final_model")),
        (lambda: report.main(), (report, "evaluated_model")),
        (lambda: names.main(Path("clusters.yaml")), (names, "read_evaluated")),
        (lambda: names.main(form=True), (names, "read_evaluated")),
        (lambda: count_clusters.main(), (count_clusters, "read_embeddings")),
        (lambda: sort.main(Path("sorted")), (sort, "open_pictures")),
        (lambda: use.main("folder", params=Path("params.yaml")), (use, "preset_values")),
    ],
    ids=["predict", "export", "report", "names", "names --form", "count_clusters", "sort", "use"],
)
def test_commands_say_so_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command, later):
    project, pictures = tmp_path / "project", tmp_path / "pictures"
    for folder in (project, pictures):
        folder.mkdir()
    monkeypatch.chdir(project)
    use.main("folder", [f"data.source={pictures}", "runtime.device=cpu"], params=Path("params.yaml"))
    module, work = later
    monkeypatch.setattr(module, work, None)
    _lock(monkeypatch, project)
    with pytest.raises(ArtifactError, match=f"cannot be written: {project} does not let you write into it"):
        command()
    assert os.listdir(project) == ["params.yaml"]  # noqa: PTH208


def test_the_list_beside_a_table_counts_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("table.left-out.csv").mkdir()
    with pytest.raises(ArtifactError, match=r"table\.left-out\.csv: is a folder"):
        predict.main(["pictures"], output=Path("table.csv"))
