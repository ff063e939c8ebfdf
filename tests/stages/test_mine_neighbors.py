import json
from pathlib import Path

import numpy as np
import pytest

from scan_core.artifacts.neighbors import read_neighbors
from scan_core.errors import ArtifactError, ParamsError
from stages import mine_neighbors
from tests.embedded import write_directions, write_images_of
from tests.pipeline import write_params

IMAGES = 400
TRAIN = np.arange(IMAGES) % 2 == 0


@pytest.fixture(autouse=True)
def _project(empty: Path):
    write_directions(np.random.default_rng(0).normal(size=(IMAGES, 4)))
    write_images_of(TRAIN)


def mine(*overrides: str) -> dict[str, str | float]:
    write_params(Path(), *overrides)
    mine_neighbors.main(Path("params.yaml"))
    return json.loads(Path("reports/mine_neighbors/details.json").read_text())


def test_details_say_how_it_was_searched():
    details = mine("neighbors.k=3")
    similarity = read_neighbors(Path("data/artifacts/neighbors.parquet"), train_ids=np.flatnonzero(TRAIN)).similarity
    assert details.pop("first_similarity") == pytest.approx(similarity[:, 0].mean())
    assert details.pop("last_similarity") == pytest.approx(similarity[:, 2].mean())
    assert details == {"images": 200, "dimensions": 4, "k": 3, "search": "exact", "recall": 1.0}

    details = mine("neighbors.k=3", "neighbors.exact_up_to=199")
    assert details["search"] == "ivf"
    assert details["lists"] == 5  # 200 images, 39 to a list at least
    assert 0.95 <= details["recall"] <= 1


def test_no_neighbors():
    assert mine("neighbors.k=0") == {"images": 200, "dimensions": 4, "k": 0, "search": "exact", "recall": 1.0}


def test_memory_is_said_before_it_is_taken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    mine("neighbors.k=3")
    assert "3 neighbors of each of 200 images, exactly, in 4 dimensions and up to 0.02 GiB" in capsys.readouterr().err
    monkeypatch.setattr(mine_neighbors, "free_bytes", lambda: 2.0**20)
    monkeypatch.setattr(mine_neighbors, "read_embeddings", None)
    with pytest.raises(ParamsError, match=r"neighbors\.k: 3 .* 200 images .* 0\.02 GiB .* 0\.00 are free; lower "):
        mine("neighbors.k=3")


def test_malformed_embeddings_are_named():
    np.save("data/artifacts/embeddings.npy", np.zeros(IMAGES, np.float32))
    with pytest.raises(ArtifactError, match=r"embeddings\.npy: float32 \(400,\), expected float32 \[images"):
        mine()
