from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.errors import DataError
from scan_core.planning.sizes import Sizes
from stages import plan
from stages.params_file import load_params
from stages.plan_images import count_images
from stages.use import main as use
from tests.samples import encode, noise

PARAMS = Path("params.yaml")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)


def test_a_folder_of_imagenet_is_listed():
    for name in ("train/n00000001/n00000001_1", "train/n00000001/n00000001_2", "val/n00000001/n00000001_3"):
        Path(f"source/{name}.JPEG").parent.mkdir(parents=True, exist_ok=True)
        Path(f"source/{name}.JPEG").write_bytes(b"not read")
    use("imagenet", ["data.source=source"], params=PARAMS)
    counted = count_images(load_params(PARAMS))
    assert (counted.sizes, counted.exact) == (Sizes(3, 2, 2, 1), True)


def test_pictures_in_a_folder_are_counted():
    for number in range(5):
        Path(f"pictures/{number}.png").parent.mkdir(exist_ok=True)
        Path(f"pictures/{number}.png").write_bytes(b"not read")
    use("folder", ["data.source=pictures", "data.limit=4"], params=PARAMS)
    counted = count_images(load_params(PARAMS))
    assert (counted.sizes, counted.exact) == (Sizes(4, 4, 4, 4), True)


def test_rows_of_parquet_files_are_counted():
    images = [{"bytes": encode(noise(8, 8, 3, seed=seed)), "path": None} for seed in range(3)]
    Path("source").mkdir()
    pq.write_table(pa.table({"image": images}), "source/train.parquet")
    pq.write_table(pa.table({"image": images[:2]}), "source/test.parquet")
    use("folder", ["data.name=parquet", "data.source=source", "data.evaluate_splits=[test]"], params=PARAMS)
    assert count_images(load_params(PARAMS)).sizes == Sizes(5, 3, 3, 2)


def test_a_folder_that_is_not_there_is_one_line():
    use("folder", ["data.source=nowhere"], params=PARAMS)
    with pytest.raises(DataError, match=r"^data\.source: nothing at .*nowhere, expected a folder of pictures"):
        plan.main(PARAMS)
