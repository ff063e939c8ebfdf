"""Stage mine-neighbors: find each training image's nearest neighbors."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.embeddings import embeddings_shape, read_embeddings
from scan_core.artifacts.index import read_index
from scan_core.artifacts.neighbors import write_neighbors
from scan_core.console.words import counted
from scan_core.errors import ParamsError
from scan_core.machine.available_memory import free_bytes
from scan_core.machine.search_memory import bytes_needed
from scan_core.neighbors.mine import Mined, mine_neighbors
from scan_core.neighbors.parts import join
from scan_core.neighbors.search import present_gpus
from scan_core.parallel.distributed import gather_objects, processes, rank, wait_for_all
from stages.cli import run
from stages.fitting import with_fitting_neighbors
from stages.opening import Opening
from stages.params import NeighborsParams, Params
from stages.params_file import load_params
from stages.paths import EMBEDDINGS, INDEX, NEIGHBORS, PARAMS, REPORTS
from stages.processes import run_as_started

REPORT = REPORTS / "mine_neighbors"
GIB = 2**30


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Write each training image's nearest neighbors (SCAN, section 2.2).

    Reads data/artifacts/embeddings.npy and data/artifacts/index.parquet; writes data/artifacts/neighbors.parquet and
    reports/mine_neighbors/details.json (how the search was made, and its recall).
    """
    run_as_started(_mine_and_write, load_params(params))


def _mine_and_write(config: Params) -> None:
    """Mine the part of this process; rank 0 joins and writes them."""
    images, dimensions = embeddings_shape(EMBEDDINGS)
    points = len(read_index(INDEX, rows=images).train_ids)
    config = with_fitting_neighbors(config, images=points)
    needed = _check_memory(config.neighbors, images=images, points=points, dimensions=dimensions)
    way = "approximately" if points > config.neighbors.exact_up_to else "exactly"
    nearest = f"{counted(config.neighbors.k, 'neighbor')} of each of {counted(points, 'image')}, {way}"
    memory = f"{dimensions:,} dimensions and up to {needed / GIB:.2f} GiB of memory"
    opening = Opening("mine-neighbors", f"{nearest}, in {memory}")
    wait_for_all()
    own = _mine(config)
    parts = gather_objects(own.neighbors)
    if rank() == 0:
        details = _write(own._replace(neighbors=join(parts)))
        opening.close(_told(details))


def _mine(config: Params) -> Mined:
    """Return the part of this process; those on one machine divide its GPUs."""
    embeddings = read_embeddings(EMBEDDINGS)
    gpus = present_gpus() if config.runtime.device in ("auto", "cuda") else ()
    return mine_neighbors(
        embeddings,
        read_index(INDEX, rows=len(embeddings)).train_ids,
        k=config.neighbors.k,
        gpus=gpus[int(os.environ.get("LOCAL_RANK", "0")) :: _processes_here()],
        exact_up_to=config.neighbors.exact_up_to,
        rank=rank(),
        world_size=processes(),
    )


def _write(mined: Mined) -> dict[str, str | int | float]:
    """Write the neighbors, and return the details."""
    write_neighbors(NEIGHBORS, mined.neighbors)
    _, dimensions = embeddings_shape(EMBEDDINGS)
    details = _details(mined, dimensions)
    write_text(REPORT / "details.json", json.dumps(details, indent=2) + "\n")
    return details


def _told(details: dict[str, str | int | float]) -> str:
    if not details["k"]:
        return "none (neighbors.k: 0); an image is paired with its own augmentation"
    first, last = details["first_similarity"], details["last_similarity"]
    recall = f"; recall {details['recall']:.3f}" if details["search"] == "ivf" else ""
    return f"the cosine similarity is {first:.2f} to the nearest and {last:.2f} to the last, on average{recall}"


def _processes_here() -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _check_memory(neighbors: NeighborsParams, *, images: int, points: int, dimensions: int) -> float:
    """Return the bytes of memory that it takes to search among ``points`` of the ``images``.

    Raises:
        ParamsError: fewer are free.
    """
    approximate = points > neighbors.exact_up_to
    needed = bytes_needed(images=images, points=points, dimensions=dimensions, k=neighbors.k, approximate=approximate)
    needed *= _processes_here()
    free = free_bytes()
    if needed > free:
        raise ParamsError(
            f"neighbors.k: {neighbors.k} neighbors of {points} images with {dimensions} dimensions take "
            f"{needed / GIB:.2f} GiB of memory, {free / GIB:.2f} are free; lower neighbors.k or data.limit, or take "
            "fewer dimensions with embed.layer: projection"
        )
    return needed


def _details(mined: Mined, dimensions: int) -> dict[str, str | int | float]:
    similarity = mined.neighbors.similarity
    images, k = similarity.shape
    details: dict[str, str | int | float] = {"images": images, "dimensions": dimensions, "k": k}
    if mined.approximation:
        details |= {"search": "ivf", **mined.approximation._asdict()}
    else:
        details |= {"search": "exact", "recall": 1.0}
    if k:
        first, last = similarity[:, [0, -1]].mean(axis=0, dtype="float64")
        details |= {"first_similarity": float(first), "last_similarity": float(last)}
    return details


if __name__ == "__main__":
    run(main)
