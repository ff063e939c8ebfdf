"""``cifar20``: the images of CIFAR-100 in its 20 superclasses, five classes each (the paper's CIFAR100-20)."""

from pathlib import Path

from scan_core.datasets.cifar import Labels, describe_cifar, open_cifar
from scan_core.datasets.cifar100 import FINE, OFFICIAL
from scan_core.datasets.dataset import Dataset, Source

CLASSES = (
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes", "large_omnivores_and_herbivores",
    "medium_mammals", "non-insect_invertebrates", "people", "reptiles", "small_mammals", "trees",
    "vehicles_1", "vehicles_2",
)  # fmt: skip
COARSE = Labels("coarse_labels", "coarse_label", CLASSES)


def cifar20(source: Source, *, downloads: Path) -> Dataset:
    """Open the splits ``train`` (50,000) and ``test`` (10,000), with the 100 classes as column ``fine_label``.

    See :func:`scan_core.datasets.cifar.open_cifar`.
    """
    return open_cifar(source, OFFICIAL, COARSE, FINE, name="cifar20", downloads=downloads)


CIFAR20 = describe_cifar(lambda place: cifar20(place.source, downloads=place.downloads), OFFICIAL, COARSE)
