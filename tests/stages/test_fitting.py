from pathlib import Path

import pytest

from stages.fitting import with_fitting_batch, with_fitting_neighbors
from stages.params_file import load_params
from tests.pipeline import write_params


@pytest.mark.parametrize(
    ("asked", "images", "devices", "expected"),
    [
        (32, 32, 1, 32),
        (32, 31, 1, 31),
        (32, 31, 4, 28),  # 7 for each
        (32, 3, 4, 32),  # which is the training's to refuse
    ],
)
def test_a_batch_is_lowered_to_the_images_that_there_are(tmp_path: Path, capsys, asked, images, devices, expected):
    write_params(tmp_path, f"scan.batch_size={asked}")
    config = load_params(tmp_path / "params.yaml")
    capsys.readouterr()
    fitting = with_fitting_batch(config, "scan", images=images, devices=devices)
    assert fitting.scan.batch_size == expected
    assert fitting.model_copy(update={"scan": config.scan}) == config
    said = f"warning: scan.batch_size: {asked} is lowered to {expected}, since there are only {images} images to learn"
    assert (said in capsys.readouterr().err) == (expected < asked)


@pytest.mark.parametrize(("asked", "expected"), [(0, 0), (2, 2), (5, 2)])
def test_neighbors_are_lowered_to_a_fifth_of_the_images(tmp_path: Path, capsys, asked, expected):
    write_params(tmp_path, f"neighbors.k={asked}")
    config = load_params(tmp_path / "params.yaml")
    assert with_fitting_neighbors(config, images=12).neighbors.k == expected
    assert with_fitting_neighbors(config, images=2).neighbors.k <= 1  # the other one
    said = "warning: neighbors.k: 5 is lowered to 2, about a fifth of the 12 training images"
    assert (said in capsys.readouterr().err) == (asked == 5)
