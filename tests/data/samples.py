"""Small datasets in the formats of their real origins."""

import hashlib
import json
import pickle
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from scan_core.data.cifar10 import CLASSES, FOLDER, TEST, TRAIN


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encode(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """``pixels`` [H, W] or [H, W, C] as a file's bytes."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return file.getvalue()


def cifar_images(count: int) -> tuple[np.ndarray, list[int], list[str]]:
    """Distinct images [count, 3, 32, 32], their labels and file names."""
    labels = [int(label) for label in np.random.default_rng(1).integers(0, 10, count)]
    return noise(count, 3, 32, 32), labels, [f"{CLASSES[label]}_s_{i:06}.png" for i, label in enumerate(labels)]


def write_cifar_archive(path: Path, count: int = 12) -> str:
    """The official python archive with ``count`` images in all, spread over its six batches; returns its SHA-256."""
    images, labels, names = cifar_images(count)
    batches = np.array_split(np.arange(count), 6)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, ids in zip((TEST, *TRAIN), (batches[-1], *batches[:-1]), strict=True):
            content = {
                b"batch_label": name.encode(),
                b"labels": [labels[i] for i in ids],
                b"data": images[ids].reshape(len(ids), -1),
                b"filenames": [names[i].encode() for i in ids],
            }
            pickled = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(pickled)
            archive.addfile(member, BytesIO(pickled))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_cifar_parquet(folder: Path, count: int = 12) -> None:
    """The same images as :func:`write_cifar_archive`'s in the Hugging Face layout."""
    images, labels, names = cifar_images(count)
    batches = np.array_split(np.arange(count), 6)
    for split, ids in (("train", np.concatenate(batches[:-1])), ("test", batches[-1])):
        rows = [encode(images[i].transpose(1, 2, 0), "WEBP", lossless=True) for i in ids]
        paths = [f"{CLASSES[labels[i]]}/{names[i]}" for i in ids]
        write_parquet(folder / f"{split}-00000-of-00001.parquet", rows, [labels[i] for i in ids], CLASSES, paths=paths)


def write_parquet(
    path: Path,
    images: list[bytes | None],
    labels: list[int | None] | None = None,
    classes: tuple[str, ...] = (),
    *,
    paths: list[str] | None = None,
    plain: bool = False,
    row_group_size: int = 2,
) -> None:
    """Images in the Hugging Face layout, as struct<bytes, path> or as plain binary."""
    structs = [
        {"bytes": image, "path": name} for image, name in zip(images, paths or [None] * len(images), strict=True)
    ]
    struct_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {"image": pa.array(images, pa.binary()) if plain else pa.array(structs, struct_type)}
    if labels is not None:
        columns["label"] = pa.array(labels, pa.int64())
    table = pa.table(columns)
    if classes:
        features = {"image": {"_type": "Image"}, "label": {"names": list(classes), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)


def write_picture(path: Path, pixels: np.ndarray | None = None, kind: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(8, 8, 3) if pixels is None else pixels).save(path, format=kind)
