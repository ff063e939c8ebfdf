"""What tests of fetch share: parameters for the digits, and what it has written."""

from pathlib import Path

from scan_core.artifacts.images import read_pixels
from scan_core.artifacts.labels import read_labels

DIGITS = {
    "seed": 0, "name": "digits", "source": None, "labels": "folders", "classes_file": None, "on_bad_image": "skip",
    "duplicates": "keep", "limit": None, "image_size": 16, "fit": "crop", "interpolation": "bilinear",
    "max_megapixels": 300.0, "train_splits": ["train"], "evaluate_splits": ["train"], "pixels_budget": 1.0,
}  # fmt: skip
LABELS = Path("data/artifacts/labels.parquet")


def written_files():
    return {path: path.read_bytes() for folder in ("data", "reports") for path in Path(folder).rglob("*.*")}


def written_labels():
    return read_labels(LABELS, rows=len(read_pixels(Path("data/artifacts/images"))))


def written_images():
    pixels, labels = read_pixels(Path("data/artifacts/images")), written_labels()
    return sorted((image.tobytes(), name) for image, name in zip(pixels, labels["label_name"], strict=True))
