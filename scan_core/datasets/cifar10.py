"""``cifar10``: 60,000 color images, 32 x 32, in ten classes (Krizhevsky, 2009), as official archive or as Parquet."""

from pathlib import Path

from scan_core.datasets.cifar import Labels, Official, describe_cifar, open_cifar
from scan_core.datasets.dataset import Dataset, Source

OFFICIAL = Official(
    file="cifar-10-python.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    size=170_498_071,
    splits={
        **{f"cifar-10-batches-py/data_batch_{i}": "train" for i in range(1, 6)},
        "cifar-10-batches-py/test_batch": "test",
    },
)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LABELS = Labels("labels", "label", CLASSES)


def cifar10(source: Source, *, downloads: Path) -> Dataset:
    """Open the splits ``train`` (50,000) and ``test`` (10,000); see :func:`scan_core.datasets.cifar.open_cifar`."""
    return open_cifar(source, OFFICIAL, LABELS, name="cifar10", downloads=downloads)


CIFAR10 = describe_cifar(lambda place: cifar10(place.source, downloads=place.downloads), OFFICIAL, LABELS)
