"""Draw random parameters on the generator's device, whatever the images' device."""

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from scan_core.parallel.distributed import processes, rank


class PartGenerator(torch.Generator):
    """A generator for one of several processes that share a batch.

    It draws for the whole batch and keeps this process's part, so each image gets the same parameters as in a single
    process.
    """

    groups: int
    """Number of equal groups in the batch (such as views); the process has the same part of each."""


def part_generator(generator: torch.Generator, *, groups: int) -> torch.Generator:
    """Return a :class:`PartGenerator` in the state of ``generator``; in a single process, ``generator`` itself."""
    if processes() == 1:
        return generator
    of_part = PartGenerator()
    of_part.groups = groups
    of_part.set_state(generator.get_state())
    return of_part


def uniform(
    *shape: int, low: float, high: float, generator: torch.Generator, batch_axis: int = 0
) -> Float[Tensor, "..."]:
    """Draw float32 numbers from [low, high); ``shape[batch_axis]`` is the number of images."""
    whole = _whole(shape, generator, batch_axis)
    drawn = torch.rand(whole, generator=generator, device=generator.device)
    return _part(drawn, generator, batch_axis).mul_(high - low).add_(low)


def integers(*shape: int, low: int, high: int, generator: torch.Generator) -> Int64[Tensor, "..."]:
    """Draw integers from low to high - 1; ``shape[0]`` is the number of images."""
    whole = _whole(shape, generator)
    return _part(torch.randint(low, high, whole, generator=generator, device=generator.device), generator)


def chances(batch: int, *, p: float, generator: torch.Generator) -> Bool[Tensor, " batch"]:
    """Draw one boolean per image, true with probability ``p``."""
    whole = _whole((batch,), generator)
    return _part(torch.rand(whole, generator=generator, device=generator.device), generator) < p


def _whole(shape: tuple[int, ...], generator: torch.Generator, batch_axis: int = 0) -> tuple[int, ...]:
    if not isinstance(generator, PartGenerator):
        return shape
    return (*shape[:batch_axis], shape[batch_axis] * processes(), *shape[batch_axis + 1 :])


def _part(draws: Shaped[Tensor, "..."], generator: torch.Generator, batch_axis: int = 0) -> Shaped[Tensor, "..."]:
    if not isinstance(generator, PartGenerator):
        return draws
    shape = draws.shape
    grouped = draws.view(*shape[:batch_axis], generator.groups, processes(), -1, *shape[batch_axis + 1 :])
    return grouped.select(batch_axis + 1, rank()).flatten(batch_axis, batch_axis + 1)
