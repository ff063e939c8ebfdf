import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages import fetch
from tests.pipeline import run_stages, write_params
from tests.stages.predicting import predict_status

PIXELS = Path("data/artifacts/images/pixels.npy")


@pytest.fixture
def new(ran):
    """A project with a model of gray images whose encoder has learned, and the folder ``new`` of some of its images."""
    Path("new").mkdir()
    for number, pixels in enumerate(np.load(PIXELS)[:5]):
        Image.fromarray(pixels[0]).save(f"new/{number}.png")
    return Path("new")


def novelty(new: Path) -> pd.Series:
    assert predict_status(new, Path("table.csv")) == 0
    return pd.read_csv("table.csv").set_index("path")["novelty"].sort_index()


def test_images_of_the_training_are_not_new_and_others_are(new, capsys):
    Image.fromarray(np.random.default_rng(0).choice([0, 255], (8, 8)).astype(np.uint8)).save("new/noise.png")
    found = novelty(new)
    assert found.drop("noise.png").max() < 10
    assert found["noise.png"] > 50
    assert "novelty: features of 160 training images are computed, once for this model" in capsys.readouterr().err


def test_features_of_the_training_images_are_computed_once(new, capsys):
    Path(".resume").mkdir()
    old = Path(".resume/novelty-0123.npy")
    old.touch()
    first = novelty(new)
    assert "are computed, once" in capsys.readouterr().err
    assert not old.exists()
    shutil.rmtree(PIXELS.parent)
    assert novelty(new).tolist() == first.tolist()
    assert "are computed, once" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("remove", "message"),
    [(PIXELS, "missing"), (Path("data/artifacts/index.parquet"), r"index\.parquet: missing")],
)
def test_without_the_images_the_column_is_empty_and_a_line_says_so(new, capsys, remove, message):
    remove.unlink()
    assert novelty(new).isna().all()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "novelty" in line]
    assert line.startswith("the column novelty stays empty: ")
    assert re.search(message, line)


def test_images_of_another_run_are_no_reference(new, project, capsys):
    write_params(project, "data.seed=1")
    run_stages(fetch)
    assert novelty(new).isna().all()
    assert "stays empty: data/artifacts/self_label/model.safetensors: made from other images" in capsys.readouterr().err
