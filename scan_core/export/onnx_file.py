"""A network as ONNX, checked by ONNX Runtime; both are optional packages, imported where they are used."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import nn

from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import ArtifactError, MissingPackageError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
INPUT, OUTPUT = "images", "probabilities"
TOLERANCE = 1e-4
"""Between probabilities of the network and of its copy."""


def check_packages() -> None:
    """Raise MissingPackageError unless all that an export takes is installed."""
    for name in PACKAGES:
        try:
            import_module(name)
        except ImportError as error:
            raise MissingPackageError(
                f"the extra export is not installed ({error}); install it: uv pip install {' '.join(PACKAGES)}"
            ) from None


def write_onnx(
    path: Path,
    network: nn.Module,
    images: UInt8[np.ndarray, "images channels height width"],
    metadata: Mapping[str, str],
) -> float:
    """Write ``network``, from uint8 ``images`` to ``probabilities`` [N, clusters], for any number N of images.

    Returns:
        The largest difference between the probabilities of the network and those of the file.

    Args:
        images: at least one; on these the file must say what the network does.
        metadata: what the file says of itself.

    Raises:
        ArtifactError: the network cannot be exported, or the file says something else; nothing is written.
    """
    content = _exported(path, network, images, metadata)
    expected = _probabilities(network, images)
    found = _run(content, images)
    difference = max(abs(found - expected).max(), abs(_run(content, images[:1]) - expected[:1]).max())
    if not difference <= TOLERANCE:
        raise ArtifactError(
            f"{path}: not written: on {len(images)} pictures, ONNX Runtime's probabilities differ by {difference:.2g} "
            f"from the model's, expected at most {TOLERANCE:g}; try another version of {', '.join(PACKAGES)}"
        )
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return float(difference)


def _exported(path: Path, network: nn.Module, images: np.ndarray, metadata: Mapping[str, str]) -> bytes:
    import onnx

    two = torch.from_numpy(np.resize(images, (2, *images.shape[1:])))  # of one, their number would be fixed
    batch = torch.export.Dim("batch")
    try:
        program: Any = torch.onnx.export(
            network,
            (two,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: batch},),
        )
        model: onnx.ModelProto = program.model_proto
        _remove_traces(model.graph)
        onnx.helper.set_model_props(model, dict(metadata))
        return model.SerializeToString(deterministic=True)
    except Exception as error:  # whatever an exporter finds too hard in some network
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ArtifactError(f"{path}: not written: the model cannot be exported ({reason})") from error


def _remove_traces(graph: Any) -> None:
    """Take out where in the code each part comes from, with paths of this machine: equal models give equal bytes."""
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")


def _run(content: bytes, images: np.ndarray) -> Float32[np.ndarray, "images clusters"]:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run([OUTPUT], {INPUT: images})
    return probabilities


@torch.no_grad()
def _probabilities(network: nn.Module, images: np.ndarray) -> Float32[np.ndarray, "images clusters"]:
    return network(torch.from_numpy(images)).numpy()
