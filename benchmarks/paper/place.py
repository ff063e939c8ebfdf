"""What all rows of a call have in common: the preset, and further values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.paper import results
from benchmarks.paper.tables import SEEDS
from scan_core.errors import ParamsError
from stages.overrides import leaves, set_all
from stages.params_file import check_params
from stages.use import preset_values


class Place(NamedTuple):
    """A preset with the same values for all rows, and the folder of its results."""

    preset: str
    values: tuple[str, ...]
    """KEY=VALUE, in addition to the preset."""
    usual: Mapping[str, Any]
    """The values of params.yaml before a row sets its own, by their key with its sections."""
    folder: Path


def place_of(preset: str, values: Sequence[str]) -> Place:
    """Return the place of a preset with ``values``.

    Raises:
        ParamsError: no such preset, or an invalid value.
    """
    usual = preset_values(preset)
    set_all(usual, values)
    values = [f"data.source={value}" if Path(value).expanduser().exists() else value for value in values]
    if any(value.partition("=")[0] == "seed" for value in values):
        raise ParamsError(SEEDS)
    check_params(usual, origin=preset)
    name = results.folder_name(preset, values, dataset=usual["data"]["name"])
    return Place(preset, tuple(values), dict(leaves(usual)), results.RESULTS / name)
