"""Nobody's pictures lie where a run removes them."""

from pathlib import Path

import pytest

from scan_core.errors import ParamsError
from stages.params_file import load_params
from stages.use import main as use
from tests.stages.test_params import changed

INSIDE = "lies in {}, where the pipeline writes and removes files"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return root


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("data/artifacts/images", INSIDE.format("data/artifacts")),
        ("data/artifacts", INSIDE.format("data/artifacts")),
        ("./data/artifacts/../artifacts/mine", INSIDE.format("data/artifacts")),
        ("reports/fetch", INSIDE.format("reports")),
        (".dvc/cache", INSIDE.format(".dvc")),
        (".git", INSIDE.format(".git")),
        (".resume/x", INSIDE.format(".resume")),
        ("data", "contains data/artifacts, where the pipeline writes and removes files"),
        (".", "contains the project itself"),
        ("..", "contains the project itself"),
        ("/", "contains the project itself"),
        ("../project/data/artifacts/images", INSIDE.format("data/artifacts")),
        ("link", INSIDE.format("data/artifacts")),
        ("data/artifacts/link", INSIDE.format("data/artifacts")),
    ],
)
def test_a_source_that_a_run_could_remove_is_refused(source: str, said: str, project: Path):
    artifacts = project / "data/artifacts"
    (artifacts / "images").mkdir(parents=True)
    (project / "link").symlink_to(artifacts / "images")
    (artifacts / "link").symlink_to(project.parent)
    with pytest.raises(ParamsError, match=r"data\.source: found") as refused:
        use("folder", [f"data.source={source}"])
    assert said in str(refused.value)
    assert "data/pictures" in str(refused.value)
    assert not Path("params.yaml").exists()


def test_file_urls_and_absolute_paths_are_refused_too(project: Path):
    for source in (f"file://{project}/data/artifacts", str(project / "reports")):
        with pytest.raises(ParamsError, match="lies in"):
            use("folder", [f"data.source={source}"])


@pytest.mark.parametrize("key", ["labels", "classes_file"])
def test_so_are_the_files_beside_the_pictures(key: str, project: Path):
    with pytest.raises(ParamsError, match=f"data.{key}: found reports/evaluate/assignments.csv, which lies in reports"):
        use("folder", ["data.source=/elsewhere", f"data.{key}=reports/evaluate/assignments.csv"])


@pytest.mark.parametrize(
    "source",
    ["data/pictures", "data/images", "../pictures", "https://example.org/pictures", "nothing\0here", "reports2", "~/x"],
)
def test_other_places_are_a_person_s_own(source: str, project: Path):
    use("folder")
    load_params(changed(Path("params.yaml"), "data.source", source))


def test_a_folder_under_another_name_is_the_same_folder(project: Path, monkeypatch: pytest.MonkeyPatch):
    # as on a disk that tells no upper from lower case
    monkeypatch.setattr(Path, "samefile", lambda one, other: str(one).lower() == str(other).lower())
    with pytest.raises(ParamsError, match="found Data/Artifacts/images, which lies in data/artifacts"):
        use("folder", ["data.source=Data/Artifacts/images"])
    with pytest.raises(ParamsError, match="which contains the project itself"):
        use("folder", [f"data.source={str(project.parent).upper()}"])


def test_stages_refuse_what_was_written_by_hand(project: Path):
    use("folder")
    with pytest.raises(ParamsError, match=r"data\.source: found data/artifacts/images, which lies in data/artifacts"):
        load_params(changed(Path("params.yaml"), "data.source", "data/artifacts/images"))


def test_in_a_queued_experiment_the_main_project_counts(project: Path, monkeypatch: pytest.MonkeyPatch):
    use("folder")
    copy = project / ".dvc/tmp/exps/copy"
    copy.mkdir(parents=True)
    Path("params.yaml").rename(copy / "params.yaml")
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(project))
    load_params(changed(Path("params.yaml"), "data.source", "data/pictures"))
    with pytest.raises(ParamsError, match="lies in reports"):
        load_params(changed(Path("params.yaml"), "data.source", "reports"))
