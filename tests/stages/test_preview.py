from pathlib import Path

import numpy as np
from PIL import Image

from stages import fetch, preview
from tests.pipeline import STORED, run_stages, write_params

SECTIONS = ("pretext", "scan", "self_label")
OPERATIONS = ("random_affine", "color_jitter", "cutout")  # of the digits


def test_preview_shows_images_before_and_after_augmentation(project: Path):
    run_stages(fetch, preview)
    sheet = np.asarray(Image.open(preview.SHEET))
    assert sheet.shape == (20 + 10 * 66 + 2, 13 * 66 + 2)  # 10 images, 1 + 3 x 4 columns, headings above
    pixels = np.load("data/artifacts/images/pixels.npy")
    assert np.array_equal(sheet[22:86:8, 2:66:8], pixels[0, 0])
    assert not np.array_equal(sheet[22:86, 68:132], sheet[22:86, 2:66])


def test_preview_shows_the_augmentations_that_are_used(project: Path, capsys):
    write_params(project, *STORED, "pretext.task=none")
    run_stages(fetch, preview)
    assert np.asarray(Image.open(preview.SHEET)).shape == (20 + 10 * 66 + 2, 66 + 2)  # no training sees an image
    assert "which no training changes" in capsys.readouterr().err
    write_params(project, *STORED, "pretext.task=simclr")
    run_stages(preview)
    assert np.asarray(Image.open(preview.SHEET)).shape == (20 + 10 * 66 + 2, 5 * 66 + 2)


def test_preview_follows_the_parameters(project: Path):
    operations = [f"{section}.augmentation.{name}" for section in SECTIONS for name in OPERATIONS]
    write_params(project, *(f"{operation}=null" for operation in operations))
    run_stages(fetch, preview)
    sheet = np.asarray(Image.open(preview.SHEET))
    for column in range(1, 13):
        assert np.array_equal(sheet[22:, 2 + 66 * column : 66 + 66 * column], sheet[22:, 2:66])
