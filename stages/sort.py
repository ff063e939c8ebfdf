"""Sort the pictures of the run into folders named after their clusters: ``python -m stages.sort FOLDER``."""

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import tell, warn
from scan_core.console.words import counted
from scan_core.datasets.dataset import Skipped
from scan_core.datasets.source import locate
from scan_core.datasets.walk import printable
from scan_core.errors import DataError, one_line
from scan_core.evaluation.csv_tables import csv
from scan_core.naming.groups import ranked
from scan_core.naming.names import model_digest
from scan_core.prediction.clusterer import Clusterer
from scan_core.sorting.folder_names import UNSURE, folder_names
from scan_core.sorting.manifest import MANIFEST, Head, Made, read_manifest
from scan_core.sorting.place import COPY, HARDLINK, SYMLINK, place_pictures
from scan_core.sorting.targets import choose_targets
from scan_core.sorting.undo import differs, undo
from stages.cli import run
from stages.cluster_names import final_model
from stages.devices import choose_device
from stages.outputs import check_folder, check_output
from stages.params import Params
from stages.params_file import load_params
from stages.paths import PARAMS, REPORTS, SELF_LABEL_MODEL, main_root
from stages.sort_pictures import Found, check_has_files, open_pictures, sort_out
from stages.sources import against

SOME_LEFT_OUT = 3
"""Exit status where some pictures could not be sorted, or some files not removed."""
SHOWN = 10
LEFT_OUT = REPORTS / "sort/left-out.csv"


class Mode(StrEnum):
    """How a picture gets into its cluster's folder."""

    COPY = COPY
    HARDLINK = HARDLINK
    SYMLINK = SYMLINK


def main(
    folder: Annotated[Path, typer.Argument(help="Where to put them: a new folder, or one that this made.")],
    mode: Annotated[Mode, typer.Option(help="What to put there; links take no space.")] = Mode.COPY,
    minimum_confidence: Annotated[
        float, typer.Option(min=0, max=1, help=f"Pictures below it go into {UNSURE}/.")
    ] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be where.")] = False,
    undo_: Annotated[bool, typer.Option("--undo", help="Remove from the folder what this has put there.")] = False,
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
) -> None:
    """Put every picture of the run into a folder named after its cluster; the originals stay as they are.

    Reads the pictures of data.source, data/artifacts (predictions, index, models), reports/fetch/files.parquet,
    reports/evaluate (details.json, map.parquet) and clusters.yaml. Writes FOLDER/<cluster>/<picture> and
    FOLDER/manifest.jsonl, which says what was made from what. The same command again adds what is missing. Ends with
    exit status 3 where some pictures were left out, or --undo kept some files.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100, links stay as they are written
    if undo_:
        _undo(folder)
        return
    config = load_params(params)
    check_has_files(config)
    _check_folder(folder, config)
    check_output(LEFT_OUT)
    if not dry_run:
        check_folder(folder, wanted=folder)
    pictures = open_pictures(config)
    clusterer = final_model(choose_device(config.runtime.device))
    head = Head(model_digest(SELF_LABEL_MODEL), clusterer.names, minimum_confidence, str(pictures.root))
    manifest = read_manifest(folder)
    made = {} if manifest is None else {one.source: one for one in manifest.made.values()}
    present = {*pictures.paths}
    if manifest is not None:
        _check_same(folder, manifest.head, head)
        _tell_of_earlier(pictures.root, made, present)
    found = sort_out(pictures, present - {*made}, clusterer, config)
    places = _folders(found, clusterer, minimum_confidence)
    places |= {path: one.target.split("/")[0] for path, one in made.items() if path in present}
    places = {path: places[path] for path in pictures.paths if path in places}
    targets = choose_targets(places, made.values(), folder)
    skipped = [*pictures.skipped, *found.skipped]
    if not dry_run:
        skipped += place_pictures(folder, head, targets, mode=mode)
    _tell(folder, targets, skipped, dry_run=dry_run)


def _check_folder(folder: Path, config: Params) -> None:
    """Raise DataError where pictures must not be put."""
    root = main_root()
    source = locate(config.data.source, root=root, key="data.source")
    for place in {folder, folder.resolve()}:
        if reason := against(place, root):
            raise DataError(f"FOLDER: {folder} {reason}; give a place of your own, outside the project for instance")
        for origin in {source.absolute(), source.resolve()} if isinstance(source, Path) else {}:
            if place.is_relative_to(origin) or origin.is_relative_to(place):
                where = "lies in" if place.is_relative_to(origin) else "contains"
                raise DataError(f"FOLDER: {folder} {where} data.source, the originals; give a place beside them")
    if folder.exists() and not folder.is_dir():
        raise DataError(f"FOLDER: {folder} is a file, expected a folder, or the name of a new one")
    if not folder.parent.is_dir():
        raise DataError(f"FOLDER: nothing at {folder.parent}, where {folder.name} would be made; correct the path")


def _check_same(folder: Path, then: Head, now: Head) -> None:
    """Raise DataError where an earlier run has put the pictures elsewhere."""
    differences = {
        "another model": then.model != now.model,
        "other names of clusters": then.names != now.names,
        f"--minimum-confidence {then.minimum_confidence:g}": then.minimum_confidence != now.minimum_confidence,
        f"the pictures in {then.source}": then.source != now.source,
    }
    if found := [what for what, differs in differences.items() if differs]:
        raise DataError(
            f"{folder}: sorted by {' and '.join(found)}; run python -m stages.sort {folder} --undo first, or give "
            "another folder"
        )


def _tell_of_earlier(root: Path, made: Mapping[str, Made], present: Collection[str]) -> None:
    """Warn of pictures that an earlier run has sorted and that have changed or gone since."""
    gone = [path for path in made if path not in present]
    changed = [path for path, one in made.items() if path in present and _has_changed(root / path, one)]
    for paths, what in ((gone, "no longer in data.source"), (changed, "changed since")):
        if paths:
            first = one_line(printable(paths[0]))
            warn(
                f"{counted(len(paths), 'picture')} sorted earlier and {what}: {first}"
                f"{' and others' * (len(paths) > 1)}; what was made of them stays as it is"
            )


def _has_changed(original: Path, made: Made) -> bool:
    try:
        return differs(original, made)
    except OSError:
        return False


def _folders(found: Found, clusterer: Clusterer, minimum_confidence: float) -> dict[str, str]:
    """Return path -> folder of each picture."""
    best = ranked(found.probabilities, clusterer.groups, most=1)
    folders = folder_names(clusterer.names, clusterer.groups, reserved=(UNSURE, MANIFEST))
    sure = best.confidence[:, 0] >= np.float32(minimum_confidence)
    return {
        path: folders[group] if is_sure else UNSURE
        for path, group, is_sure in zip(found.paths, best.group[:, 0], sure, strict=True)
    }


def _tell(folder: Path, targets: Mapping[str, str], skipped: Sequence[Skipped], *, dry_run: bool) -> None:
    for place, count in sorted(Counter(target.split("/")[0] for target in targets.values()).items()):
        tell(f"{place}: {counted(count, 'picture')}")
    if dry_run:
        for path, target in list(targets.items())[:SHOWN]:
            tell(one_line(f"{printable(path)} -> {printable(target)}"))
        tell(f"a dry run: nothing was written to {folder}")
    else:
        tell(str(folder))
    LEFT_OUT.unlink(missing_ok=True)
    if skipped:
        for path, reason in skipped[:SHOWN]:
            warn(one_line(f"{path}: {reason}; left out"))
        write_text(LEFT_OUT, csv(pd.DataFrame(skipped, columns=["path", "reason"])))
        warn(f"{counted(len(skipped), 'picture')} left out, listed in {LEFT_OUT}")
        raise typer.Exit(SOME_LEFT_OUT)


def _undo(folder: Path) -> None:
    undone = undo(folder)
    for path, reason in undone.kept[:SHOWN]:
        warn(one_line(f"{path}: {reason}; kept"))
    missing = f", {undone.missing:,} not found: moved, or removed by an earlier --undo" if undone.missing else ""
    tell(f"{folder}: {counted(undone.removed, 'file')} removed, {len(undone.kept):,} kept{missing}")
    if len(undone.kept) > SHOWN:
        warn(f"{len(undone.kept) - SHOWN:,} more kept")
    if not undone.whole:
        warn(
            f"{folder / MANIFEST} stays, for what was kept may be the last of its picture: move it elsewhere or remove "
            "it, and --undo again"
        )
    if undone.kept:
        raise typer.Exit(SOME_LEFT_OUT)


if __name__ == "__main__":
    run(main)
