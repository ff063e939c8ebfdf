"""The interface between datasets and the stage fetch: what is known of each image before decoding, and its reader."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Stored = bytes | Path | npt.NDArray[np.uint8] | None
"""An image as stored at its origin: an encoded file (bytes or path), pixels [C, H, W], or None if it is missing."""

Source = Path | str | None
"""The place of a dataset: a local path, an http(s) URL, or None for its official origin."""


SPLITS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "trainval": "train",
    "labeled": "train",
    "labelled": "train",
    "test": "test",
    "tests": "test",
    "testing": "test",
    "tst": "test",
    "holdout": "holdout",
    "val": "val",
    "valid": "valid",
    "validation": "validation",
    "dev": "dev",
    "devel": "dev",
    "eval": "eval",
    "evaluation": "evaluation",
    "entrainement": "train",
    "apprentissage": "train",
    "addestramento": "train",
    "entrenamiento": "train",
    "treino": "train",
    "treinamento": "train",
    "训练": "train",
    "训练集": "train",
    "prueba": "test",
    "pruebas": "test",
    "teste": "test",
    "测试": "test",
    "测试集": "test",
    "validierung": "validation",
    "validacion": "validation",
    "validacao": "validation",
    "验证": "validation",
    "验证集": "validation",
    "extra": "extra",
    "unlabeled": "unlabeled",
    "unlabelled": "unlabeled",
}
"""The split that a word (in lower case) stands for."""

AROUND = {"set", "data", "image", "images", "img", "imgs", "seg"}
"""Words that a folder's name may have in addition to the split: ``test_set``, ``TrainImages``, ``testset``."""

CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
JOINED = re.compile(f"({'|'.join(sorted(SPLITS, key=len, reverse=True))})({'|'.join(sorted(AROUND))})")


def words(name: str) -> list[str]:
    """Return the words of a name in lower case, without digits and single letters: ``train`` for ``Train2017``.

    Accents are left out. A capital begins a word, and the word of a split ends before one of ``AROUND``.
    """
    plain = "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))
    found = [word.lower() for word in re.split(r"[\W\d_]+", CAPITAL.sub(" ", plain)) if len(word) > 1]
    joined = [JOINED.fullmatch(word) for word in found]
    return [part for word, match in zip(found, joined, strict=True) for part in (match.groups() if match else (word,))]


def split_of(folder: str) -> str | None:
    """Return the split that a folder's name stands for, in upper or lower case; None if it names no split."""
    found = [word for word in words(folder) if word not in AROUND]
    return SPLITS.get("".join(found))


def class_of(text: str) -> str | None:
    """Return ``text`` as a class name: NFC-normalized, without blanks around it; None if nothing is left."""
    return unicodedata.normalize("NFC", text).strip() or None


class Skipped(NamedTuple):
    """A file or row without a readable image."""

    path: str
    """As in ``Dataset.path``."""
    reason: str


class Dataset(NamedTuple):
    """N images, in the origin's order, which may follow the class."""

    channels: int
    """Channels of the decoded images: 1 (gray) or 3 (RGB)."""
    split: npt.NDArray[np.object_]
    """[N]"""
    label: npt.NDArray[np.int64]
    """[N], -1 where unlabeled."""
    classes: tuple[str, ...]
    """Name of each label; empty if the origin names none."""
    path: list[str]
    """[N], the path of each image, relative to the source."""
    read: Callable[[npt.NDArray[np.int64]], Iterator[Stored]]
    """Yields the images of the given rows, which must ascend, without decoding them."""
    skipped: tuple[Skipped, ...] = ()
    """Files or rows that cannot be used, found before any image was read."""
    left_out: Mapping[str, int] = MappingProxyType({})
    """Number of files that are not images, by kind: their suffix, for instance."""
    further: Mapping[str, npt.NDArray[np.int64]] = MappingProxyType({})
    """Further columns of labels by name, [N] each, -1 where unknown, such as CIFAR's ``fine_label``."""

    @property
    def found(self) -> int:
        """Return the number of images of all splits, with those that cannot be used."""
        return len(self.path) + len(self.skipped)

    def without_labels(self) -> "Dataset":
        """Return the same images without any label."""
        return self._replace(label=np.full_like(self.label, -1), classes=(), further={})

    def label_names(self, rows: npt.NDArray[np.int64]) -> list[str | None]:
        """Return the class names of ``rows``: the labels if classes have no names, None where unlabeled."""
        names = self.classes or {int(label): str(label) for label in np.unique(self.label)}
        return [names[label] if label >= 0 else None for label in self.label[rows].tolist()]
