"""Whether ``torch.compile`` pays for the encoder: in training (forward and backward) and in evaluation.

``python -m benchmarks.compiled``

ResNet-18 at 32 px in bfloat16, with one fixed batch. Needs a C++ compiler on a CPU.
"""

import statistics
from collections.abc import Callable
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from benchmarks import ours
from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio, seconds
from scan_core.runtime.precision import autocast


def main(
    batch_size: Annotated[int | None, typer.Option(help="Views. By default 128 on a CPU, 1024 on a GPU.")] = None,
    repetitions: Annotated[int, typer.Option(help="Passes of each way, in turn.")] = 5,
    width: Annotated[int, typer.Option(help="Channels of the encoder's first stage.")] = 64,
) -> None:
    """Print images/s both ways, the median of their ratio, seconds of compiling, and how far the features differ."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    encoder = ours.encoder(width).to(device)
    compiled = torch.compile(encoder, dynamic=False)
    batch = torch.randn(batch_size or (1024 if device.type == "cuda" else 128), 3, 32, 32, device=device)
    rows: list[dict[str, str | float]] = []
    for name, run in (("training", _train), ("evaluation", _evaluate)):
        encoder.train(name == "training")
        compiling = seconds(lambda run=run: run(compiled, batch))  # type: ignore[misc]
        difference = (run(compiled, batch) - run(encoder, batch)).abs().max()
        ways: dict[str, Callable[[], object]] = {
            way: lambda run=run, network=network: run(network, batch)  # type: ignore[misc]
            for way, network in (("eager", encoder), ("compiled", compiled))
        }
        taken = alternate(ways, repetitions=repetitions)
        rows.append(
            {
                "pass": name,
                **{f"{way}, images/s": len(batch) / statistics.median(taken[way]) for way in ways},
                "compiled / eager": median_ratio(taken["eager"], taken["compiled"]),
                "compiling, s": compiling,
                "largest difference": float(difference),
            }
        )
    record("compiled", rows)


def _train(network: nn.Module | Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    with autocast(batch.device, "bfloat16"):
        features = network(batch)
    features.float().square().mean().backward()
    return features.detach().float()


@torch.no_grad()
def _evaluate(network: nn.Module | Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    with autocast(batch.device, "bfloat16"):
        return network(batch).float()


if __name__ == "__main__":
    typer.run(main)
