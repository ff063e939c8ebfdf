"""The files of ``benchmarks/paper/tables``: the runs that a table of the paper needs, and the paper's figures."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.errors import ParamsError

TABLES = Path(__file__).resolve().parent / "tables"
MODEL = "self_label"
"""The step whose figures evaluate writes without a prefix: the final model."""

SEEDS = "seed: set for each run, from 0 to --seeds - 1; remove it"

OWN_STEPS = (MODEL, "scan", "kmeans", "kmeans_raw", "kmeans_scaled", "kmeans_pixels", "supervised")
"""The steps that every run has; the last one, with the oracle."""

Found = tuple[float, float | None]
"""Mean and standard deviation, in percent."""


Metric = Literal["acc", "nmi", "ari", "ami", "acc_many_to_one", "top5"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Section):
    """One line of a table, or one point of a figure."""

    label: str
    step: str = MODEL
    """The step whose metrics are shown: self_label, scan, or the name of a baseline, such as kmeans."""
    set: dict[str, Any] = {}
    """Parameters that differ from the preset."""
    set_of: dict[str, dict[str, Any]] = {}
    """Further parameters for single presets, by their name or a pattern such as ``*-authors``."""
    clusters_times: int = 1
    """Number of clusters, as a multiple of the preset's."""
    oracle: Literal["neighbors", "supervised"] | None = None
    """What uses labels in this row; see oracle.py."""
    paper: dict[str, dict[str, Found | None]] = {}
    """The paper's figures in percent: dataset -> metric -> mean and standard deviation."""
    run: bool = True
    """False if the project does not have the method; only the paper's figure is shown."""
    series: str = ""
    """The curve that this point belongs to."""
    x: float | None = None
    """Position on the x-axis; None for a line of a table."""
    drawn: Metric | None = None
    """The metric that the picture shows in this row, if it is not the table's first."""
    note: str = ""


class Table(_Section):
    """A table or a figure of the paper."""

    title: str
    about: str
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] = ("acc", "nmi", "ari")
    x_label: str = ""
    needs: tuple[str, ...] = ()
    """Parameters that ``-S`` has to set: other images than the preset's, for which the rows are made."""
    rows: dict[str, Row]


class Setting(NamedTuple):
    """A setting, which runs once for each seed even if several rows show it."""

    values: tuple[str, ...]
    """KEY=VALUE, sorted, as stages.use takes them."""
    oracle: str | None = None


def read_table(name: str) -> Table:
    """Read ``tables/<name>.yaml``.

    Raises:
        ParamsError: there is none, or it has a mistake.
    """
    path = TABLES / f"{name}.yaml"
    if not path.is_file():
        raise ParamsError(
            f"{name}: no such table; there are {', '.join(sorted(p.stem for p in TABLES.glob('*.yaml')))}"
        )
    try:
        return Table.model_validate(YAML(typ="safe").load(path))
    except YAMLError as error:
        raise ParamsError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ParamsError(f"{path}: {where}: {first['msg']}, found {first['input']!r}") from None


def chosen(table: Table, rows: Collection[str], *, name: str) -> dict[str, Row]:
    """Return the rows of a table with the names ``rows``, or all rows if there are no names.

    Raises:
        ParamsError: the table has no such row.
    """
    if unknown := sorted(set(rows) - table.rows.keys()):
        raise ParamsError(f"{name}: no row {', '.join(unknown)}; there are {', '.join(table.rows)}")
    return {key: row for key, row in table.rows.items() if not rows or key in rows}


def setting(row: Row, preset: str, usual: Mapping[str, Any]) -> Setting:
    """Return what ``row`` changes of ``preset``; rows with the same setting share their runs.

    Args:
        usual: the values of params.yaml without the row, by dotted key.

    Raises:
        ParamsError: the row sets the seed, shows a baseline that it does not run, or multiplies an unknown number of
            clusters.
    """
    values = _changed(row, preset, usual)
    if "seed" in values:
        raise ParamsError(f"{row.label}: {SEEDS}")
    methods = {**usual, **values}.get("baselines.methods", [])
    if row.step not in (*OWN_STEPS, *methods):
        raise ParamsError(
            f"{row.label}: step: found {row.step}, allowed: {', '.join(OWN_STEPS)} or one of baselines.methods"
        )
    own = {key: value for key, value in values.items() if key not in usual or usual[key] != value}
    return Setting(tuple(sorted(f"{key}={_yaml(value)}" for key, value in own.items())), row.oracle)


def runs(row: Row, table: Table, preset: str, usual: Mapping[str, Any]) -> bool:
    """Return whether ``row`` has runs: not if the project has no code for it, nor if it shows self-labeling without an
    epoch of it in a table that has rows of SCAN, too."""
    if row.step != MODEL or all(each.step != "scan" for each in table.rows.values()):
        return row.run
    return row.run and {**usual, **_changed(row, preset, usual)}.get("self_label.epochs") != 0


def _changed(row: Row, preset: str, usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that ``row`` sets for ``preset``; those of a later pattern of ``set_of`` count."""
    values = dict(row.set)
    for pattern, more in row.set_of.items():
        if fnmatchcase(preset, pattern):
            values.update(more)
    if row.clusters_times > 1:
        clusters = usual.get("scan.clusters")
        if not isinstance(clusters, int):
            raise ParamsError(
                f"{row.label}: scan.clusters: found {clusters}, expected a number to multiply; add -S scan.clusters=N"
            )
        values["scan.clusters"] = row.clusters_times * clusters
    return values


def _yaml(value: Any) -> str:
    """Return ``value`` on one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
