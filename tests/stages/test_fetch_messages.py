from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan_core.artifacts.index import read_preparation
from scan_core.errors import DataError
from tests.samples import noise, write_picture


def test_fetch_limit_above_all_says_so(run_fetch, capsys):
    details = run_fetch(limit=5000)
    assert details["images"] == 1797
    assert "all 1,797 training images are taken (data.limit: 5000)" in capsys.readouterr().err


def test_fetch_says_what_it_understood(run_fetch, source, capsys):
    for path in ("train/cat/1.png", "train/dog/2.png", "valid/cat/3.png", "cover.png"):
        write_picture(source / path)
    (source / "notes.txt").touch()
    details = run_fetch(name="folder", source=str(source))
    assert (
        "3 images; 2 in train; 1 in valid, not used; 2 classes by their folders (cat 2, dog 1); left out: 1 .txt, "
        "1 beside the folders of the splits"
    ) in capsys.readouterr().err
    assert details["left_out"] == {".txt": 1, "beside the folders of the splits": 1}


def test_fetch_says_how_many_the_limit_takes(run_fetch, capsys):
    run_fetch(limit=50, image_size=8)
    assert "50 of 1,797 training images are taken (data.limit); python -m stages.predict" in capsys.readouterr().err


def test_fetch_of_a_split_that_is_not_there_tells_no_limit(run_fetch, capsys):
    with pytest.raises(DataError, match="no split Train in this dataset, found train"):
        run_fetch(limit=50, train_splits=["Train"])
    assert "data.limit" not in capsys.readouterr().err


def test_fetch_warns_of_blank_images_and_first_frames(run_fetch, source, capsys):
    Image.new("L", (8, 8), 9).save(source / "blank.png")
    write_picture(source / "usual.png")
    frames = [Image.fromarray(noise(8, 8, seed=seed)) for seed in (0, 1)]
    frames[0].save(source / "film.gif", save_all=True, append_images=frames[1:])
    details = run_fetch(name="folder", source=str(source))
    told = capsys.readouterr().err
    assert "several frames, of which the first one is taken: 1 image" in told
    assert "nearly of one color all over: 1 of 3 images" in told
    assert details["first_frames"] == 1


def test_fetch_says_how_much_the_crop_cuts_off(run_fetch, source, capsys):
    for name, (width, height) in {"wide": (40, 20), "tall": (10, 20), "square": (20, 20)}.items():
        Image.fromarray(noise(height, width)).save(source / f"{name}.png")
    run_fetch(name="folder", source=str(source))
    assert "cut off at the edges of a picture: 33% of its area on average (data.fit: crop)" in capsys.readouterr().err
    run_fetch(name="folder", source=str(source), fit="pad")
    assert "cut off" not in capsys.readouterr().err


def test_fetch_says_nothing_of_a_crop_that_cuts_little_off(run_fetch, source, capsys):
    for name in ("one", "other"):
        Image.fromarray(noise(20, 21)).save(source / f"{name}.png")
    run_fetch(name="folder", source=str(source))
    assert "cut off" not in capsys.readouterr().err


def test_fetch_warns_of_masks(run_fetch, source, capsys):
    for path in ("COVID/images/1.png", "COVID/Masks/1.png", "Normal/images/2.png"):
        write_picture(source / path)
    run_fetch(name="folder", source=str(source))
    assert "in a folder of masks or annotations by its name: 1 image; if they are" in capsys.readouterr().err


def test_fetch_warns_of_images_left_with_few_levels(run_fetch, source, capsys):
    # One of 12 bits has 16 of the 256 levels beside one of 16 bits; of one color it is beside one of 32 bits.
    pixels = noise(8, 8) / 255
    Image.fromarray((pixels * 4095).astype(np.uint16)).save(source / "a.png")
    Image.fromarray((pixels * 65_535).astype(np.uint16)).save(source / "b.png")
    write_picture(source / "usual.png")
    run_fetch(name="folder", source=str(source), image_size=8)
    told = capsys.readouterr().err
    assert "left with fewer than 32 of 256 levels" in told
    assert "1 of 2 images of more than 8 bits; convert them to 8 bits, or separate" in told
    assert "nearly of one color" not in told
    Image.fromarray((pixels * (2**31 - 1)).astype(np.int32)).save(source / "c.tif")
    run_fetch(name="folder", source=str(source), image_size=8)
    told = capsys.readouterr().err
    assert "2 of 3 images of more than 8 bits" in told
    assert "nearly of one color all over: 2 of 4 images" in told
    assert "nothing can be learned from them; 2 of them because of too few levels" in told


def test_fetch_warns_of_images_that_reach_beyond_all_others(run_fetch, source, capsys):
    pixels = noise(8, 8) / 255
    for name, highest in [*((f"{i}.png", 4095) for i in range(9)), ("bright.png", 65_535)]:
        Image.fromarray((pixels * highest).astype(np.uint16)).save(source / name)
    run_fetch(name="folder", source=str(source), image_size=8)
    told = capsys.readouterr().err
    assert "clipped, as their values reach much farther than those of nearly all: 1 of 10 images of more" in told
    assert "8 bits (the first: bright.png); leave" in told
    assert "few" not in told
    assert read_preparation(Path("data/artifacts/index.parquet"))["levels"]["highest"] == 4095
