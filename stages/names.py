"""Check and install the names of the clusters: ``python -m stages.names FILE``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from scan_core.artifacts.atomic import atomic_path, write_text
from scan_core.console.progress import tell, warn
from scan_core.errors import DataError
from scan_core.naming.carry_over import carry_over
from scan_core.naming.names import Names, names_text, read_names
from scan_core.report.members import surest_members
from stages.cli import run
from stages.cluster_names import installed_names
from stages.evaluated import Evaluated, read_evaluated
from stages.names_messages import moved, shown
from stages.outputs import check_output
from stages.paths import CLUSTER_NAMES, PAGE, SELF_LABEL_MODEL

BACKUP = CLUSTER_NAMES.with_name(f"{CLUSTER_NAMES.name}.bak")


def main(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The names, as the page saves them.", show_default=False)
    ] = None,
    carried: Annotated[
        bool, typer.Option("--carry-over", help="Give names of an earlier model to the present clusters.")
    ] = False,
    form: Annotated[
        bool, typer.Option("--form", help="Write clusters.yaml with empty names, to be filled in with an editor.")
    ] = False,
) -> None:
    """Check the names that were given on reports/report.html, and install them as clusters.yaml.

    Without FILE, shows the names that are installed. Keep clusters.yaml in git: sort, predict and report read it, and
    no stage depends on it. The one before is kept as clusters.yaml.bak.
    """
    if form and (file is not None or carried):
        raise DataError("--form: writes empty names, and takes neither FILE nor --carry-over; leave these out")
    if carried and file is None:
        raise DataError(f"--carry-over: expects FILE, the names of the earlier model, for instance {CLUSTER_NAMES}")
    if form or file is not None:
        for path in (CLUSTER_NAMES, BACKUP):
            check_output(path)
    evaluated = read_evaluated()
    if form:
        _write_form(evaluated)
    elif file is None:
        _tell(shown(installed_names(SELF_LABEL_MODEL, evaluated.cluster_count), evaluated))
    else:
        names = read_names(file)
        if names.model != evaluated.model:
            names = _carry_over(names, file, evaluated, wanted=carried)
        _check(names, file, evaluated)
        _install(names.names, evaluated)
        _tell(shown(names.names, evaluated))
        tell(f"{CLUSTER_NAMES} is checked and in place; python -m stages.report draws the page with its names")


def _write_form(evaluated: Evaluated) -> None:
    if CLUSTER_NAMES.exists():
        raise DataError(f"{CLUSTER_NAMES}: is there already; edit it, or move it away first")
    _install([""] * evaluated.cluster_count, evaluated)
    tell(f"{CLUSTER_NAMES}: fill in the names beside {PAGE}; python -m stages.names {CLUSTER_NAMES} checks them")


def _check(names: Names, file: Path, evaluated: Evaluated) -> None:
    if len(names.names) != evaluated.cluster_count:
        raise DataError(f"{file}: {len(names.names)} clusters, expected {evaluated.cluster_count}")
    present = set(zip(evaluated.paths, evaluated.cluster.tolist(), strict=True))
    known = set(evaluated.paths)
    for cluster, members in enumerate(names.members):
        for path in members:
            if path in known and (path, cluster) not in present:
                raise DataError(
                    f"{file}: {path!r} stands with cluster {cluster}, but is in another one; save the names on {PAGE} "
                    "again"
                )


def _carry_over(names: Names, file: Path, evaluated: Evaluated, *, wanted: bool) -> Names:
    if not wanted:
        raise DataError(
            f"{file}: names for the clusters of another model ({names.model[:19]}, now {evaluated.model[:19]}); add "
            "--carry-over to give them to the present clusters by the pictures that they share, or name the clusters "
            f"on {PAGE}"
        )
    clusters = dict(zip(evaluated.paths, evaluated.cluster.tolist(), strict=True))
    try:
        found = carry_over(names, clusters, cluster_count=evaluated.cluster_count)
    except DataError as error:
        raise DataError(f"{file}: {error}; name the clusters on {PAGE}") from error
    if 2 * found.known < found.listed:
        warn(f"only {found.known:,} of the {found.listed:,} listed pictures are among the present ones")
    _tell(moved(names, found))
    return Names(evaluated.model, found.names, ((),) * evaluated.cluster_count)


def _install(names: Sequence[str], evaluated: Evaluated) -> None:
    """Write clusters.yaml with the members of the present clusters; keep the file before, if it was another."""
    members = surest_members(
        evaluated.cluster, evaluated.confidence, evaluated.paths, cluster_count=evaluated.cluster_count
    )
    text = names_text(Names(evaluated.model, tuple(names), members))
    if CLUSTER_NAMES.exists() and (before := CLUSTER_NAMES.read_bytes()) != text.encode():
        with atomic_path(BACKUP) as temporary:
            temporary.write_bytes(before)
        tell(f"{CLUSTER_NAMES} as it was is now {BACKUP}")
    write_text(CLUSTER_NAMES, text)


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        tell(line)


if __name__ == "__main__":
    run(main)
