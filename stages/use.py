"""Write params.yaml from a preset: ``python -m stages.use NAME [PICTURES] [KEY=VALUE ...]``."""

import difflib
import io
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say
from scan_core.errors import ParamsError
from stages.cli import run
from stages.params_file import check_params
from stages.paths import METRICS, PARAMS

PRESETS = Path(__file__).resolve().parent.parent / "presets"

ALIASES = {"clusters": "scan.clusters"}
"""What a person may write for a key."""


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
    values = _read(PRESETS / "base.yaml")
    preset = _read(_preset(name))
    _merge(values, preset, origin=f"presets/{name}.yaml")
    data = _present_data(params)
    if data.get("name") == values["data"]["name"]:
        values["data"]["source"] = data.get("source")
    _set_all(values, arguments or [])
    check_params(_plain(values), origin=f"{name} with {' '.join(arguments)}" if arguments else name)
    header = f"# Written by: python -m stages.use {shlex.join([name, *(arguments or [])])}\n"
    write_text(params, header + _header(_preset(name)) + _dump(values))
    figures = params.parent / METRICS
    if data and figures.exists() and any(data.get(key) != values["data"][key] for key in ("name", "source")):
        figures.unlink()
        say(f"{figures}: removed, for it was of other images")
    source = values["data"]["source"]
    kept = f" with data.source: {source}" if source else ""
    say(f"{params}: written from the preset {name}{kept}; next: dvc repro")


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
    yaml.width = 120
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
    return stream.getvalue().split("\n\n", 1)[1]


def _merge(values: CommentedMap, changes: Mapping[str, Any], *, origin: str) -> None:
    for key, value in changes.items():
        if key not in values:
            raise ParamsError(f"{origin}: {key}: unknown key")
        if isinstance(value, Mapping) and isinstance(values[key], Mapping):
            _merge(values[key], value, origin=origin)
        else:
            values[key] = value


def _set_all(values: CommentedMap, arguments: Sequence[str]) -> None:
    places = [argument for argument in arguments if os.path.exists(argument)]  # noqa: PTH110, it raises at long ones
    if len(places) > 1:
        raise ParamsError(f"{', '.join(places)}: {len(places)} paths, expected one, that of the pictures")
    for argument in arguments:
        if argument in places:
            values["data"]["source"] = argument
        else:
            _set(values, argument)


def _set(values: CommentedMap, override: str) -> None:
    key, equals, text = override.partition("=")
    key = ALIASES.get(key, key)
    *sections, leaf = key.split(".")
    place: Any = values
    for section in sections:
        place = place.get(section) if isinstance(place, Mapping) else None
    if not equals:
        raise ParamsError(f"{override}: expected KEY=VALUE, clusters=8 for instance, or a path that exists")
    if not isinstance(place, Mapping) or leaf not in place:
        near = difflib.get_close_matches(key, _keys(values), n=1)
        raise ParamsError(f"{key}: no such key in params.yaml" + "".join(f"; did you mean {name}?" for name in near))
    try:
        place[leaf] = YAML(typ="safe", pure=True).load(text)  # type: ignore[index]
    except YAMLError as error:
        raise ParamsError(f"{override}: {text!r} is not a YAML value ({' '.join(str(error).split())})") from None


def _keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key, with the sections that it is in: ``scan.clusters``."""
    for key, value in values.items():
        yield prefix + key
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")


def _present_data(path: Path) -> Mapping[str, Any]:
    """The section ``data`` of the file about to be replaced; empty where it cannot be read."""
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except (FileNotFoundError, YAMLError, UnicodeDecodeError):
        return {}
    data = values.get("data") if isinstance(values, dict) else None
    return data if isinstance(data, dict) else {}


def _plain(values: CommentedMap) -> dict[str, object]:
    stream = io.StringIO()
    _yaml().dump(values, stream)
    return YAML(typ="safe", pure=True).load(stream.getvalue())


if __name__ == "__main__":
    run(main)
