"""Write the model as ONNX, for programs without this project: ``python -m stages.export``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer

from scan_core.artifacts.model import checksum
from scan_core.console.progress import say, tell, warn
from scan_core.encoders.build import check_images
from scan_core.export.description import describe
from scan_core.export.network import PixelsToProbabilities
from scan_core.export.onnx_file import check_packages, write_onnx
from scan_core.images.images import ResidentImages
from scan_core.images.stored import first_images
from scan_core.prediction.clusterer import Clusterer
from stages.cli import run
from stages.cluster_names import final_model
from stages.model_run import warning_of_another_run
from stages.outputs import check_output
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, PARAMS, REPORTS, SELF_LABEL_MODEL

PICTURES = 32
"""Number of pictures on which the file is compared with the model."""


def main(
    output: Annotated[Path, typer.Option(help="The file to write.")] = REPORTS / "export" / "model.onnx",
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
) -> None:
    """Write the model as ONNX: pixels (uint8) to probabilities, normalization inside.

    Reads data/artifacts/self_label/model.safetensors, data/artifacts/pretext/encoder.safetensors where that model is
    without its encoder, clusters.yaml where the clusters have names, and some of data/artifacts/images, on which ONNX
    Runtime must find what the model does before anything is written. docs/predict.md shows how to use the file.
    """
    check_output(output)
    check_packages()
    clusterer = final_model(torch.device("cpu"))
    metadata = clusterer.metadata
    if message := warning_of_another_run(load_params(params), metadata, INDEX):
        warn(message)
    pixels = np.ascontiguousarray(first_images(IMAGES, PICTURES))
    check_images(SELF_LABEL_MODEL, metadata, channels=pixels.shape[1], size=pixels.shape[2])
    network = PixelsToProbabilities(clusterer.model, mean=metadata["mean"], std=metadata["std"])
    difference = write_onnx(output, network, pixels, describe(clusterer, digest=checksum(SELF_LABEL_MODEL)))
    say(f"checked by ONNX Runtime on {len(pixels)} pictures: probabilities differ by {difference:.1g} at most")
    if metadata["precision"] != "float32":
        say(
            f"it computes in float32, the model in {metadata['precision']}: differs from predict by "
            f"{_difference(clusterer, network, pixels):.1g} at most on these"
        )
    tell(str(output))


@torch.no_grad()
def _difference(clusterer: Clusterer, network: PixelsToProbabilities, pixels: npt.NDArray[np.uint8]) -> float:
    images = ResidentImages(pixels, torch.device("cpu"))
    predicted = clusterer.outputs(images, np.arange(len(pixels)), description=None).probabilities
    return float(np.abs(network(torch.from_numpy(pixels)).numpy() - predicted).max())


if __name__ == "__main__":
    run(main)
