"""What README.md and docs/ name is there: commands, parameters, files."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.params_file import load_params
from stages.use import main as use
from tests.pipeline import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = [path for path in DOCUMENTS if path.name != "log.md"]
"""The log speaks of parameters as they were."""
SECTIONS = YAML(typ="safe").load(ROOT / "presets/base.yaml")
USE = re.findall(r"^python -m stages\.use (.+?)(?:  +#.*)?$", (ROOT / "README.md").read_text(), re.MULTILINE)


def parameters(values: object, prefix: str = "") -> set[str]:
    if not isinstance(values, dict):
        return set()
    own = {f"{prefix}{name}" for name in values}
    return own.union(*(parameters(value, f"{prefix}{name}.") for name, value in values.items()))


@pytest.mark.parametrize("command", USE)
def test_the_readme_s_settings_can_be_used(command: str, tmp_path: Path):
    name, *overrides = shlex.split(command.replace("/path/to/pictures", str(tmp_path)))
    use(name, overrides, params=tmp_path / "params.yaml")
    load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_parameters_exist(path: Path):
    sections = "|".join(name for name, value in SECTIONS.items() if isinstance(value, dict))
    named = re.findall(rf"(?<![\w./])((?:{sections})\.[a-z_.]*[a-z_])(?![\w/(])", path.read_text())
    files = {
        name
        for name in named
        if name.endswith((".json", ".parquet", ".csv", ".png", ".npy", ".safetensors", ".yaml", ".py", ".md"))
    }
    assert set(named) - files <= parameters(SECTIONS)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_modules_exist(path: Path):
    for module in re.findall(r"-m ((?:stages|benchmarks)\.[a-z_]+)", path.read_text()):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target
