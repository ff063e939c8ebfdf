"""Write params.yaml from a preset: ``python -m stages.use NAME [PICTURES] [KEY=VALUE ...]``."""

import difflib
import io
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say
from scan_core.datasets.table import DATASETS
from scan_core.errors import ParamsError, one_line
from stages.cli import run
from stages.outputs import check_output
from stages.overrides import leaves, set_all
from stages.params_file import NOT_YAML, check_params
from stages.paths import INDEX, METRICS, PARAMS

PRESETS = Path(__file__).resolve().parent.parent / "presets"
WRITTEN_BY = "# Written by: python -m stages.use "
NAMED = 5
"""Largest number of reset values that are listed."""


def main(
    name: Annotated[str, typer.Argument(help="A file of presets/, without its ending.", show_default=False)] = "",
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="PICTURES | KEY=VALUE", help="A path that exists (data.source), and values to set."),
    ] = None,
    params: Annotated[Path, typer.Option(help="The file to write.")] = PARAMS,
) -> None:
    """Write params.yaml from presets/base.yaml and presets/NAME.yaml, comments included.

    data.source is kept from the present file when the dataset stays the same. When it does not, the figures of the
    run before, reports/metrics/evaluate.json, are removed: they are of other images.
    """
    check_output(params)
    values, present = preset_values(name), _present(params)
    usual = _leaf_values(values)
    data = _section(present, "data")
    if data.get("name") == values["data"]["name"]:
        values["data"]["source"] = data.get("source")
    set_all(values, arguments or [])
    text = _dump(values)
    check_params(YAML(typ="safe").load(text), origin=f"{name} with {' '.join(arguments)}" if arguments else name)
    now = _leaf_values(values)
    reset = _reset(params, present, now, usual=usual) if present else []
    header = f"{WRITTEN_BY}{shlex.join([name, *(arguments or [])])}\n"
    write_text(params.resolve(), header + _header(_preset(name)) + text.split("\n\n", 1)[1])
    figures = params.parent / METRICS
    if data and figures.exists() and any(data.get(key) != values["data"][key] for key in ("name", "source")):
        figures.unlink()
        if (params.parent / INDEX).exists():  # else they came with the clone
            say(f"{figures}: removed, for its figures are of the images before ({_name_of(data)})")
    if reset:
        more = f" and {len(reset) - NAMED} more" if len(reset) > NAMED else ""
        say(f"{params}: what had been set by hand is the preset's again: {', '.join(reset[:NAMED])}{more}")
    changed = [f"{key}: {_shown(value)}" for key, value in now.items() if value != usual.get(key)]
    then = _next(name, values["data"])
    say(f"{params}: written from the preset {name}{' with ' if changed else ''}{', '.join(changed)}; next: {then}")


def _next(name: str, data: Mapping[str, Any]) -> str:
    if not DATASETS[data["name"]].needs_source:
        return "dvc repro"
    if not data["source"]:
        return f"name your pictures, python -m stages.use {name} /path/to/pictures"
    return "python -m stages.plan, which says how long the run takes here, or dvc repro, the run itself"


def preset_values(name: str) -> CommentedMap:
    """Return all parameters of the preset ``name``."""
    values = _read(PRESETS / "base.yaml")
    _merge(values, _read(_preset(name)), origin=f"presets/{name}.yaml")
    return values


def _preset(name: str) -> Path:
    path = PRESETS / f"{name}.yaml"
    if not path.is_file():
        presets = sorted(path.stem for path in PRESETS.glob("*.yaml") if path.stem != "base")
        near = "".join(f"did you mean {preset}? " for preset in difflib.get_close_matches(name, presets, n=1))
        known = ", ".join(presets)
        raise ParamsError(f"{name}: no such preset; {near}there are {known}" if name else f"name a preset: {known}")
    return path


def _read(path: Path) -> CommentedMap:
    return _yaml().load(path)


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width = 2**16  # folded, a text loses the second of two blanks
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _header(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("#")) + "\n"


def _dump(values: CommentedMap) -> str:
    stream = io.StringIO()
    _yaml().dump(values, stream)
    return stream.getvalue()


def _merge(values: CommentedMap, changes: Mapping[str, Any], *, origin: str) -> None:
    for key, value in changes.items():
        if key not in values:
            raise ParamsError(f"{origin}: {key}: unknown key")
        if isinstance(value, Mapping) and isinstance(values[key], Mapping):
            _merge(values[key], value, origin=origin)
        else:
            values[key] = value


def _present(path: Path) -> Mapping[str, Any]:
    """Return the file that will be replaced; empty where it cannot be read."""
    try:
        values = YAML(typ="safe").load(path)
    except (FileNotFoundError, *NOT_YAML):
        return {}
    return values if isinstance(values, dict) else {}


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name)
    return section if isinstance(section, dict) else {}


def _reset(path: Path, present: Mapping[str, Any], now: Mapping[str, Any], *, usual: Mapping[str, Any]) -> list[str]:
    """List what a person had set in the ``present`` file, and what the new preset sets back to ``usual``."""
    words = _first_line(path).removeprefix(WRITTEN_BY).split() if _first_line(path).startswith(WRITTEN_BY) else []
    if not words or not (PRESETS / f"{words[0]}.yaml").is_file():
        return []
    former, before = (dict(leaves(values)) for values in (preset_values(words[0]), present))
    return [
        f"{key}: {_shown(before[key])} is {_shown(now[key])} again"
        for key in former
        if key in before and key in now and before[key] not in (former[key], now[key]) and now[key] == usual.get(key)
    ]


def _leaf_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in leaves(values) if not isinstance(value, Mapping)}


def _name_of(data: Mapping[str, Any]) -> str:
    """Return what a person calls the images of a section ``data``."""
    return _shown(data.get("source") or data.get("name"))


def _shown(value: Any) -> str:
    return "null" if value is None else one_line(str(value))


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]


if __name__ == "__main__":
    run(main)
