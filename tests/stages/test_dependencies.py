"""dvc.yaml lists exactly what can change a stage's artifacts, and labels reach nothing but evaluate."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.dependencies import EXEMPT, ROOT, folders, modules

STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
MODULES = {name: stage["cmd"].removeprefix("python -m stages.") for name, stage in STAGES.items()}


def code(name: str) -> list[str]:
    return [path for path in STAGES[name]["deps"] if path.startswith(("scan_core", "stages"))]


@pytest.mark.parametrize("name", STAGES)
def test_code_dependencies_are_the_folders_of_the_import_closure(name: str):
    assert sorted(code(name)) == folders(ROOT / "stages" / f"{MODULES[name]}.py")
    assert len(code(name)) <= 11  # its own file and ten folders


@pytest.mark.parametrize("name", STAGES)
def test_commands_import_the_experiment_s_own_copy(name: str):
    assert STAGES[name]["cmd"] == f"python -m stages.{MODULES[name]}"


@pytest.mark.parametrize("name", STAGES)
def test_declared_parameters_are_those_that_the_stage_reads(name: str):
    assert sorted(STAGES[name].get("params", [])) == sorted(read_parameters(ROOT / f"stages/{MODULES[name]}.py"))


def read_parameters(path: Path) -> set[str]:
    """Sections (``scan``) read as attributes of ``config``, or a leaf where only that is read from it."""
    used: set[str] = set()
    tree = ast.parse(path.read_text())
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "config"):
            continue
        parent = parents[node]
        leaf = path.stem in ("baselines", "count_clusters", "fetch", "preview") and isinstance(parent, ast.Attribute)
        used.add(f"{node.attr}.{parent.attr}" if leaf and isinstance(parent, ast.Attribute) else node.attr)
    return {name for name in used if not name.startswith("runtime")}


def test_exempt_paths_exist():
    assert all((ROOT / name).exists() for name in EXEMPT)


def test_packages_run_no_code_on_import():
    # Except that of the stages, which makes Ctrl-C safe before anything else is imported.
    assert [path.parent for path in ROOT.glob("s*/**/__init__.py") if path.read_bytes()] == [ROOT / "stages"]


def test_lazy_imports_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stages.dependencies.ROOT", tmp_path)
    (tmp_path / "stages").mkdir()
    (tmp_path / "scan_core/deep").mkdir(parents=True)
    (tmp_path / "stages/x.py").write_text("def f():\n    from scan_core.deep import a\n")
    (tmp_path / "scan_core/deep/a.py").write_text("import scan_core.b\n")
    (tmp_path / "scan_core/b.py").write_text("import os\n")
    assert modules(tmp_path / "stages/x.py") == ["scan_core/b.py", "scan_core/deep/a.py", "stages/x.py"]


def test_only_evaluate_depends_on_labels():
    assert [name for name, stage in STAGES.items() if "data/artifacts/labels.parquet" in stage["deps"]] == ["evaluate"]


def test_only_evaluate_can_read_labels():
    users = [
        path.stem
        for path in (ROOT / "stages").glob("*.py")
        if {"read_labels", "LABELS"}
        & {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    ]
    assert sorted(users) == ["evaluate", "fetch", "paths"]
    importers = [
        name for name in STAGES if "scan_core/artifacts/labels.py" in modules(ROOT / f"stages/{MODULES[name]}.py")
    ]
    assert sorted(importers) == ["evaluate", "fetch"]
