"""Find out at a command's start whether its output can be written, not after the work."""

import os
from pathlib import Path

from scan_core.artifacts.atomic import check_file_name
from scan_core.errors import ArtifactError


def check_output(path: Path) -> None:
    """Raise ArtifactError where no file can be written at ``path``; folders that are missing do not matter.

    Nothing is made or changed.
    """
    check_file_name(path)
    check_folder(path.parent, wanted=path)


def check_folder(folder: Path, *, wanted: Path) -> None:
    """Raise ArtifactError where nothing can be made in ``folder``, or the folder itself cannot be made.

    Args:
        wanted: what the message names.
    """
    folder = folder.absolute()
    present = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not present.is_dir():
        reason = "is no folder"
    elif os.access(present, os.W_OK | os.X_OK):
        return
    else:
        reason = "does not let you write into it"
    raise ArtifactError(f"{wanted}: cannot be written: {present} {reason}; correct that, or give another place")
