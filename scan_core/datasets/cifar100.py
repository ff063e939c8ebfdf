"""``cifar100``: 60,000 color images, 32 x 32, in 100 classes (Krizhevsky, 2009), as official archive or as Parquet."""

from pathlib import Path

from scan_core.datasets.cifar import Labels, Official, describe_cifar, open_cifar
from scan_core.datasets.dataset import Dataset, Source

OFFICIAL = Official(
    file="cifar-100-python.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    size=169_001_437,
    splits={"cifar-100-python/train": "train", "cifar-100-python/test": "test"},
)
CLASSES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl",
    "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair",
    "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin",
    "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp",
    "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck",
    "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
    "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger",
    "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
)  # fmt: skip
FINE = Labels("fine_labels", "fine_label", CLASSES)


def cifar100(source: Source, *, downloads: Path) -> Dataset:
    """Open the splits ``train`` (50,000) and ``test`` (10,000); see :func:`scan_core.datasets.cifar.open_cifar`."""
    return open_cifar(source, OFFICIAL, FINE, name="cifar100", downloads=downloads)


CIFAR100 = describe_cifar(lambda place: cifar100(place.source, downloads=place.downloads), OFFICIAL, FINE)
