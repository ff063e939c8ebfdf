"""ImageNet's official tars of 2012: the position of each image in them, and its class."""

import re
import tarfile
from collections.abc import Callable, Collection, Iterator
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.datasets.dataset import Stored
from scan_core.datasets.download import check_sha256
from scan_core.datasets.tar_files import check_picture_size, read_stretches, readable_tar, regular_files, tar_headers
from scan_core.errors import DataError

TRAIN = "ILSVRC2012_img_train.tar"
VAL = "ILSVRC2012_img_val.tar"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
DEVKIT_SHA256 = "b59243268c0d266621fd587d2018f69e906fb22875aca0e295b48cafaa927953"
META = "ILSVRC2012_devkit_t12/data/meta.mat"
GROUND_TRUTH = "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"

CLASS_TAR = re.compile(r"(n[0-9]{8})\.tar")
PICTURE = re.compile(r"[\w.-]+\.jpe?g", re.ASCII | re.IGNORECASE)
VAL_PICTURE = re.compile(r"ILSVRC2012_val_([0-9]{8})\.JPEG")


class Pictures(NamedTuple):
    """N images of one split."""

    wnid: list[str]
    """[N], the WordNet id of each image's class."""
    path: list[str]
    """[N], relative to the dataset's folder."""
    read: Callable[[npt.NDArray[np.int64]], Iterator[Stored]]
    """Like ``Dataset.read``, for rows of this split."""


class _Found(NamedTuple):
    wnid: str
    path: str
    offset: int
    size: int


def train_pictures(tar: Path, wanted: Collection[str] | None) -> Pictures:
    """Find the images of the classes ``wanted`` (or of all) in ``tar``, which contains one tar per class.

    Raises:
        DataError: not a tar, or not in the official layout.
    """
    with readable_tar(tar) as archive:
        found: list[_Found] = []
        for member in regular_files(archive, str(tar), size=tar.stat().st_size):
            wnid = _match(CLASS_TAR, member.name, tar, "n01440764.tar and the like")[1]
            content = archive.extractfile(member)
            if isinstance(content, BufferedReader) and (wanted is None or wnid in wanted):
                with tar_headers(content) as inner:
                    found += _class_pictures(inner, tar, wnid, member)
    return _pictures(tar, found)


def _class_pictures(inner: tarfile.TarFile, tar: Path, wnid: str, outer: tarfile.TarInfo) -> Iterator[_Found]:
    where = f"{tar}/{outer.name}"
    for member in regular_files(inner, where, size=outer.size):
        _match(PICTURE, member.name, where, f"{wnid}_10026.JPEG and the like")
        check_picture_size(member, where)
        path = f"{tar.name}/{outer.name}/{member.name}"
        yield _Found(wnid, path, outer.offset_data + member.offset_data, member.size)


def val_pictures(tar: Path, wanted: Collection[str] | None) -> Pictures:
    """Find the images in the flat ``tar``; the development kit next to it names their classes.

    Raises:
        DataError: not a tar, not in the official layout, or no official development kit next to it.
    """
    wnids = _val_wnids(tar.with_name(DEVKIT))
    found = []
    with readable_tar(tar) as archive:
        for member in regular_files(archive, str(tar), size=tar.stat().st_size):
            number = int(_match(VAL_PICTURE, member.name, tar, "ILSVRC2012_val_00000001.JPEG and the like")[1])
            if not 1 <= number <= len(wnids):
                raise DataError(f"{tar}: {member.name}, expected numbers 1..{len(wnids)}, those in {DEVKIT}")
            check_picture_size(member, str(tar))
            found.append(_Found(wnids[number - 1], f"{tar.name}/{member.name}", member.offset_data, member.size))
    return _pictures(tar, [picture for picture in found if wanted is None or picture.wnid in wanted])


def _val_wnids(devkit: Path) -> list[str]:
    """Return the class of each validation image, in the order of their numbers, which start at 1."""
    try:
        with devkit.open("rb") as file:
            check_sha256(devkit, file, DEVKIT_SHA256)
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                content = {
                    member.name: stored.read()
                    for member in archive
                    if member.name in (META, GROUND_TRUTH) and (stored := archive.extractfile(member))
                }
    except OSError as error:
        raise DataError(
            f"{devkit}: cannot be read ({error.strerror}), expected it next to {VAL}: it names the classes"
        ) from error
    from scipy.io import loadmat  # this import takes a moment, which other datasets do not need

    synsets = loadmat(BytesIO(content[META]), squeeze_me=True)["synsets"]
    wnids = dict(zip(synsets["ILSVRC2012_ID"].tolist(), synsets["WNID"].tolist(), strict=True))
    return [wnids[int(number)] for number in content[GROUND_TRUTH].split()]


def _match(pattern: re.Pattern[str], name: str, where: Path | str, expected: str) -> re.Match[str]:
    found = pattern.fullmatch(name.removeprefix("./"))
    if found is None:
        raise DataError(f"{where}: {name!r} in it, expected {expected}; give another source", argument="source")
    return found


def _pictures(tar: Path, found: list[_Found]) -> Pictures:
    stretches = np.array([(picture.offset, picture.size) for picture in found], np.int64).reshape(-1, 2)
    return Pictures(
        wnid=[picture.wnid for picture in found],
        path=[picture.path for picture in found],
        read=lambda rows: read_stretches(tar, stretches[rows]),
    )
