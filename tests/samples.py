"""Small datasets in the formats of their real origins."""

import base64
import hashlib
import json
import pickle
import struct
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

from scan_core.artifacts.arrays import write_array
from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.images import PIXELS
from scan_core.datasets import cifar10, cifar20, cifar100
from scan_core.naming.names import Names, names_text

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encode(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """``pixels`` [H, W] or [H, W, C] as a file's bytes."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return file.getvalue()


def png(width: int, height: int, *, depth: int, rows: bytes, kind: int = 2, exif: bytes = b"") -> bytes:
    """A file of Pillow's no making, RGB or of another ``kind``: ``rows`` holds each row's filter number and samples."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *([chunk(b"eXIf", exif)] if exif else [])]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])


def cifar_images(count: int) -> tuple[np.ndarray, list[int], list[str]]:
    """Distinct images [count, 3, 32, 32], their labels and file names."""
    labels = [int(label) for label in np.random.default_rng(1).integers(0, 10, count)]
    return noise(count, 3, 32, 32), labels, [f"{cifar10.CLASSES[label]}_s_{i:06}.png" for i, label in enumerate(labels)]


def write_cifar_archive(path: Path, count: int = 12) -> str:
    """The official python archive with ``count`` images in all, spread over its six batches; returns its SHA-256."""
    images, labels, names = cifar_images(count)
    members = {}
    for member, ids in zip(cifar10.OFFICIAL.splits, np.array_split(np.arange(count), 6), strict=True):
        content = {b"labels": [labels[i] for i in ids], **_pickled_images(images, names, ids)}
        members[member] = pickle.dumps({b"batch_label": member.encode(), **content}, protocol=2)
    *train, test = members
    return write_tar(path, {name: members[name] for name in (test, *train)}, mode="w:gz")


def _pickled_images(images: np.ndarray, names: list[str], ids: np.ndarray) -> dict[bytes, object]:
    return {b"data": images[ids].reshape(len(ids), -1), b"filenames": [names[i].encode() for i in ids]}


def write_tar(path: Path, members: Mapping[str, bytes], *, mode: str = "w") -> str:
    """A tar of ``members`` in their order; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cifar100_images(count: int) -> tuple[np.ndarray, list[int], list[int], list[str]]:
    """Distinct images [count, 3, 32, 32], their fine and coarse labels (unrelated here) and file names."""
    random = np.random.default_rng(2)
    fine, coarse = ([int(label) for label in random.integers(0, classes, count)] for classes in (100, 20))
    return noise(count, 3, 32, 32, seed=3), fine, coarse, [f"mus_musculus_s_{i:06}.png" for i in range(count)]


def write_cifar100_archive(path: Path, train: int = 7, test: int = 3) -> str:
    """The official python archive with so many of :func:`cifar100_images`; returns its SHA-256."""
    images, fine, coarse, names = cifar100_images(train + test)
    members = {}
    for split, ids in (("test", np.arange(train, train + test)), ("train", np.arange(train))):
        content = {
            b"fine_labels": [fine[i] for i in ids],
            b"coarse_labels": [coarse[i] for i in ids],
            **_pickled_images(images, names, ids),
        }
        members[f"cifar-100-python/{split}"] = pickle.dumps(content, protocol=2)
    return write_tar(path, {"cifar-100-python/meta": pickle.dumps({}), **members}, mode="w:gz")


def write_cifar100_parquet(folder: Path, train: int = 7, test: int = 3) -> None:
    """The same images in the Hugging Face layout, whose class 26 has lost a letter."""
    images, fine, coarse, _ = cifar100_images(train + test)
    classes = {
        "fine_label": [name.replace("crab", "cra") for name in cifar100.CLASSES],
        "coarse_label": cifar20.CLASSES,
    }
    for split, ids in (("train", range(train)), ("test", range(train, train + test))):
        pictures = [{"bytes": encode(images[i].transpose(1, 2, 0)), "path": None} for i in ids]
        columns = {
            "img": pa.array(pictures, IMAGE),
            "fine_label": pa.array([fine[i] for i in ids], pa.int64()),
            "coarse_label": pa.array([coarse[i] for i in ids], pa.int64()),
        }
        write_table(folder / f"{split}-00000-of-00001.parquet", columns, classes)


def write_cifar_parquet(folder: Path, count: int = 12) -> None:
    """The same images as :func:`write_cifar_archive`'s in the Hugging Face layout."""
    images, labels, names = cifar_images(count)
    batches = np.array_split(np.arange(count), 6)
    for split, ids in (("train", np.concatenate(batches[:-1])), ("test", batches[-1])):
        rows = [encode(images[i].transpose(1, 2, 0), "WEBP", lossless=True) for i in ids]
        paths = [f"{cifar10.CLASSES[labels[i]]}/{names[i]}" for i in ids]
        write_parquet(
            folder / f"{split}-00000-of-00001.parquet", rows, [labels[i] for i in ids], cifar10.CLASSES, paths=paths
        )


def write_parquet(
    path: Path,
    images: list[bytes | None],
    labels: list[int | None] | None = None,
    classes: tuple[str, ...] = (),
    *,
    paths: list[str] | None = None,
    plain: bool = False,
    image: str = "image",
    row_group_size: int = 2,
) -> None:
    """Images in the Hugging Face layout, as struct<bytes, path> or as plain binary, in a column named ``image``."""
    structs = [
        {"bytes": image, "path": name} for image, name in zip(images, paths or [None] * len(images), strict=True)
    ]
    columns = {image: pa.array(images, pa.binary()) if plain else pa.array(structs, IMAGE)}
    if labels is not None:
        columns["label"] = pa.array(labels, pa.int64())
    write_table(path, columns, {"label": classes} if classes else {}, row_group_size=row_group_size)


def write_table(
    path: Path, columns: dict[str, pa.Array], classes: Mapping[str, Sequence[str]], *, row_group_size: int = 2
) -> None:
    """``columns`` as a Parquet file whose metadata name the ``classes`` of some."""
    table = pa.table(columns)
    if classes:
        features = {name: {"names": list(names), "_type": "ClassLabel"} for name, names in classes.items()}
        features[table.schema.names[0]] = {"_type": "Image"}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)


def stl10_members(counts: Mapping[str, int]) -> dict[str, bytes]:
    """The files of ``stl10_binary`` with so many images of each split, whose labels count 1, 2, ... 10, 1, ..."""
    members = {}
    for seed, (split, count) in enumerate(counts.items()):
        members[f"stl10_binary/{split}_X.bin"] = noise(count, 3, 96, 96, seed=seed).tobytes()
        if split != "unlabeled":
            members[f"stl10_binary/{split}_y.bin"] = bytes(i % 10 + 1 for i in range(count))
    return {**members, "stl10_binary/class_names.txt": b"airplane\n", "stl10_binary/fold_indices.txt": b"0 1\n"}


def write_imagenet_tars(root: Path, classes: Mapping[str, int], truth: Sequence[int]) -> dict[str, bytes]:
    """ImageNet's train and val tars: so many pictures of each class, and one of each class ``truth`` counts from 1.

    Returns the pictures by their names.
    """
    pictures = {
        f"{wnid}_{i}.JPEG": encode(noise(8 + i, 9, 3), "JPEG") for wnid, count in classes.items() for i in range(count)
    }
    names = [f"ILSVRC2012_val_{i:08}.JPEG" for i in range(1, len(truth) + 1)]
    pictures |= {name: encode(noise(9, 8, 3, seed=i), "JPEG") for i, name in enumerate(names)}
    inner = {}
    for wnid in classes:
        write_tar(root / "inner.tar", {name: pictures[name] for name in pictures if name.startswith(wnid)})
        inner[f"{wnid}.tar"] = (root / "inner.tar").read_bytes()
    (root / "inner.tar").unlink()
    write_tar(root / "ILSVRC2012_img_train.tar", inner)
    write_tar(root / "ILSVRC2012_img_val.tar", {name: pictures[name] for name in names})
    return pictures


def write_imagenet_devkit(root: Path, classes: Sequence[str], truth: Sequence[int]) -> str:
    """The development kit: ``classes`` numbered from 1, a class above them, and the class of each val picture.

    Returns its SHA-256.
    """
    rows = [(i, wnid, "words", 0) for i, wnid in enumerate(classes, start=1)] + [(len(classes) + 1, "n00001740", "", 2)]
    kinds = [(name, object) for name in ("ILSVRC2012_ID", "WNID", "words", "num_children")]
    meta = BytesIO()
    savemat(meta, {"synsets": np.array(rows, kinds)[:, np.newaxis]})
    members = {
        "readme.txt": b"",
        "data/meta.mat": meta.getvalue(),
        "data/ILSVRC2012_validation_ground_truth.txt": "".join(f"{label}\n" for label in truth).encode(),
    }
    folder = "ILSVRC2012_devkit_t12"
    members = {f"{folder}/{name}": content for name, content in members.items()}
    return write_tar(root / f"{folder}.tar.gz", members, mode="w:gz")


def write_pixels(folder: Path, pixels: np.ndarray) -> None:
    """``pixels`` [N, C, H, W] as fetch's one file of all images."""
    write_array(folder / PIXELS, pixels)


def write_names(path: Path, names: Names) -> None:
    """``clusters.yaml``, as stages.names installs it."""
    write_text(path, names_text(names))


def write_picture(path: Path, pixels: np.ndarray | None = None, kind: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(8, 8, 3) if pixels is None else pixels).save(path, format=kind)


def read_files(folder: Path) -> dict[str, bytes]:
    """The files below ``folder`` by their names relative to it, or as much as the first MiB of them."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                files[str(path.relative_to(folder))] = file.read(2**20)
    return files


HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAAJQAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNs"
    "eAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAIAAAAAEAAAAQAAAAAf///+AAAAAC////0AAAAAIAAAAQcGl4"
    "aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAAnG1kYXQAAACQKAGvCchnpIo5I1d//9dk//8CDofwALit/8FdPv4N"
    "pf/70qP5Tr/Q7tpE5V8sKcW7DtN4UCIyVFpyMeUmxhzq6p3uKieTSwIzUF3gfbUzXJF3xLghJwh94nsgRMdB+P0/AU8mHmSQfj9P"
    "wGYM86qAjWKx9ysfM/b9mU83SZWLfv+RHbw57kgPvAYk/HaoPGjw"
)
"""32 x 16 pixels, the left half red, the right half blue; written by pillow-heif 1.8."""
