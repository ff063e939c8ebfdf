"""Stage mine-neighbors: each training image's nearest neighbors."""

from pathlib import Path
from typing import Annotated

import typer

from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.index import read_index
from scan_core.artifacts.neighbors import write_neighbors
from scan_core.neighbors.mine import mine_neighbors
from scan_core.runtime.progress import say
from stages.cli import run
from stages.params import load_params
from stages.paths import EMBEDDINGS, INDEX, NEIGHBORS, PARAMS


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Write each training image's nearest neighbors (SCAN, section 2.2).

    Reads data/embeddings.npy and data/index.parquet; writes data/neighbors.parquet.
    """
    config = load_params(params)
    embeddings = read_embeddings(EMBEDDINGS)
    index = read_index(INDEX, rows=len(embeddings))
    gpu = config.runtime.device in ("auto", "cuda")
    say(f"mine-neighbors: {config.neighbors.k} of each of {len(index.train_ids)} images")
    write_neighbors(NEIGHBORS, mine_neighbors(embeddings, index.train_ids, k=config.neighbors.k, gpu=gpu))


if __name__ == "__main__":
    run(main)
