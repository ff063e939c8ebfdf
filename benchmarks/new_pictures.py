"""Measure ``predict`` on new photographs against plain feature extraction with timm and a torchvision loader."""

import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from timm import create_model
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio
from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.model import ClusteringModel, write_clustering
from scan_core.encoders.build import encoder_metadata
from scan_core.encoders.packaged import load_packaged
from scan_core.encoders.timm_encoder import timm_encoder
from scan_core.prediction.clusterer import Clusterer, load_clusterer
from scan_core.prediction.novelty import Novelty
from scan_core.prediction.table import joined, rows_of, write_table

NETWORK, CLUSTERS, WORKERS = "timm/tf_efficientnet_lite0", 10, 2
MEAN, STD = [127 / 255] * 3, [128 / 255] * 3


class Files(Dataset[Tensor]):
    """Picture files, resized, cropped and normalized by torchvision."""

    def __init__(self, files: list[Path], size: int) -> None:
        self._files = files
        to_float = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        self._transform = v2.Compose([v2.Resize(size), v2.CenterCrop(size), *to_float])

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, row: int) -> Tensor:
        image: Tensor = self._transform(Image.open(self._files[row]).convert("RGB"))
        return image


def main(
    pictures: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    images: Annotated[int, typer.Option(help="How many of them.")] = 2000,
    size: Annotated[int, typer.Option(help="Pixels per side.")] = 160,
    batch_size: Annotated[int, typer.Option(help="Images in a batch of the plain loop.")] = 64,
    precision: Annotated[str, typer.Option(help="Of predict; the plain loop computes in float32.")] = "float32",
    repetitions: Annotated[int, typer.Option(help="Runs of each way, in turn.")] = 3,
) -> None:
    """Print the seconds of both ways and the ratio; predict also computes novelty and writes its table."""
    files = sorted(path for path in pictures.rglob("*") if path.is_file())[:images]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.safetensors"
        _write_model(model, size, precision)
        clusterer = load_clusterer(model)
        reference = next(clusterer.parts(files, threads=WORKERS)).features
        network = create_model(NETWORK.partition("/")[2], num_classes=0).eval()
        ways = {
            "plain": lambda: _plain(network, files, size, batch_size),
            "predict": lambda: _predict(clusterer, Novelty(reference), files, Path(folder) / "table.csv"),
        }
        taken = alternate(ways, repetitions=repetitions)
    row: dict[str, str | int | float] = {"images": len(files), "size": size, "precision": precision}
    row |= {f"{name}, s": statistics.median(seconds) for name, seconds in taken.items()}
    record("new_pictures", [row | {"predict / plain": median_ratio(taken["predict"], taken["plain"])}])


def _write_model(path: Path, size: int, precision: str) -> None:
    encoder = timm_encoder(NETWORK, channels=3, image_size=size)
    load_packaged(encoder)
    model = ClusteringModel(encoder, clusters=CLUSTERS, heads=1, standardization=Standardization(encoder.features))
    normalization = {"mean": MEAN, "std": STD, "precision": precision}
    described = encoder_metadata(NETWORK, {}, channels=3, image_size=size)
    write_clustering(path, model.state_dict(), {**described, **normalization, "clusters": CLUSTERS})


@torch.no_grad()
def _plain(network: torch.nn.Module, files: list[Path], size: int, batch_size: int) -> Tensor:
    loader = DataLoader(Files(files, size), batch_size, num_workers=WORKERS)
    return torch.cat([network(batch) for batch in loader])


def _predict(clusterer: Clusterer, novelty: Novelty, files: list[Path], output: Path) -> None:
    rows = [
        rows_of(part.rows, part.probabilities, novelty.of(part.features), clusterer.groups)
        for part in clusterer.parts(files, threads=WORKERS)
    ]
    write_table(output, joined(rows), list(map(str, files)), clusterer.groups.names, None)


if __name__ == "__main__":
    typer.run(main)
