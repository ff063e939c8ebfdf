"""Ten thousand damaged inputs in this process: no traceback, one-line errors alone, and no picture lost in silence."""

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.torch import save

from scan_core.artifacts.labels import read_labels
from scan_core.images.preparation import Preparation
from stages import predict
from stages.cli import one_line_errors
from stages.params_file import load_params
from stages.paths import SELF_LABEL_MODEL
from stages.use import main as use
from tests.damage import damage_at_random, pictures
from tests.samples import encode, noise, write_parquet
from tests.stages.predicting import SIZE, predict_status, write_model

pytestmark = pytest.mark.slow

AT_ONCE = 10
"""Damaged pictures in a folder."""
SUFFIXES = ("", ".jpg", ".PNG", ".tif", ".gif", ".webp", ".txt", ".a\nb", ".heic", ".pgm")
GOOD = {f"good{seed}.png": encode(noise(8, 8, 3, seed=seed)) for seed in range(2)}
VALUES = (
    "null", "~", "-1", "0", "1", "2", "1e400", ".nan", ".inf", "true", "no", "''", "[]", "{}", "[1, 2]", "{a: 1}",
    "auto", "none", "2020-01-01", "0x10", "&a [*a]", "*b", "!!python/object:os.system x", "!!binary aGk=", "!!set {a}",
    "9" * 5000,
    "'\\u0000'", "\t", "- 1", "1_000", "|\n  x", "../../etc", "https://", "file://x/y", "~nobody/x", "timm/", "timm/x",
)  # fmt: skip


def _damaged_pictures(draw: random.Random) -> dict[str, bytes]:
    known = pictures()
    names = draw.choices(list(known), k=AT_ONCE)
    return {f"{i}{draw.choice(SUFFIXES)}": damage_at_random(known[name], draw) for i, name in enumerate(names)}


@pytest.mark.parametrize("seed", range(10))
def test_damaged_pictures_are_taken_skipped_or_counted(fetched: Callable[..., str | None], seed: int):
    draw = random.Random(seed)
    for _ in range(40):
        files = {**GOOD, **_damaged_pictures(draw)}
        assert fetched(files, name="folder", pixels_budget=draw.choice((1.0, 1e-9))) is None
        details = json.loads(Path("reports/fetch/details.json").read_text())
        assert details["images"] + details["skipped"] + sum(details["left_out"].values()) == len(files)


@pytest.mark.parametrize("seed", range(2))
def test_damaged_label_tables(fetched: Callable[..., str | None], tmp_path: Path, seed: int):
    draw = random.Random(seed)
    names = ["a/1.png", "b, c.png", "2.png", "Käfer.PNG"]
    files = {name: encode(noise(8, 8, 3, seed=i)) for i, name in enumerate(names)}
    tables = [
        'file,label\na/1.png,cat\n"b, c.png",dog\n2.png,cat\n',
        "\ufeffImage;Note;Class\r\na\\1;;cat\r\nKa\u0308fer;x;dog\r\n",
        "label\tid\n007\t1\nNO\t2\n",
    ]
    for _ in range(750):
        table = damage_at_random(draw.choice(tables).encode(), draw)
        (tmp_path / "labels.csv").write_bytes(table)
        if fetched(files, name="folder", labels="../labels.csv") is None:
            labels = read_labels(Path("data/artifacts/labels.parquet"), rows=len(files))["label_name"].dropna()
            assert all(" ".join(label.split()) in " ".join(table.decode("utf-8-sig").split()) for label in labels)


@pytest.mark.parametrize("seed", range(2))
def test_damaged_parquet_files(fetched: Callable[..., str | None], tmp_path: Path, seed: int):
    draw = random.Random(seed)
    images = [encode(noise(6, 7, 3, seed=i)) for i in range(4)]
    write_parquet(tmp_path / "a.parquet", images, [1, 0, None, 1], ("cat", "dog"), paths=["a", "b", "c", "d"])
    write_parquet(tmp_path / "b.parquet", images, [0, 1, 1, 0], plain=True)
    contents = [(tmp_path / name).read_bytes() for name in ("a.parquet", "b.parquet")]
    for path in tmp_path.glob("*.parquet"):
        path.unlink()
    for _ in range(750):
        content = damage_at_random(draw.choice(contents), draw)
        if fetched({"x.parquet": content}, name="parquet", labels=draw.choice(("folders", "none"))) is None:
            details = json.loads(Path("reports/fetch/details.json").read_text())
            assert details["images"] + details["skipped"] == pq.ParquetFile(BytesIO(content)).metadata.num_rows


@pytest.fixture
def one_line_each(capsys: pytest.CaptureFixture[str]) -> Callable[[], AbstractContextManager[None]]:
    """A context in which an error that is expected may end the process as in a stage: with printable lines."""

    @contextmanager
    def context() -> Iterator[None]:
        capsys.readouterr()
        with suppress(SystemExit), one_line_errors():
            yield
        said = capsys.readouterr().err.splitlines()
        assert all(line and line.isprintable() for line in said), said
        assert not any("a fault of the program" in line for line in said), said

    return context


@pytest.mark.parametrize("seed", range(4))
def test_damaged_parameters(tmp_path: Path, one_line_each: Callable, seed: int):
    draw, path = random.Random(seed), tmp_path / "params.yaml"
    use("folder", ["data.source=/pictures"], params=path)
    whole = path.read_text()
    lines = [line for line in whole.split("\n") if re.match(r" *\w+: ", line)]
    for example in range(250):
        if example % 2:
            path.write_bytes(damage_at_random(whole.encode(), draw))
        else:
            line = draw.choice(lines)
            path.write_text(whole.replace(f"\n{line}\n", f"\n{line.partition(':')[0]}: {draw.choice(VALUES)}\n"))
        with one_line_each():
            load_params(path)
        if example % 5 == 0:
            with one_line_each():
                use("folder", [f"{line.partition(':')[0].strip()}={draw.choice(VALUES)}"], params=path)


JSON_VALUES = (
    None, True, 0, 1, -1, 3, 2**70, 1e308, float("nan"), "", "x", "crop", [], [0], [[]], {}, {"a": {}}, {"fit": []},
    {"levels": {"lowest": "a", "highest": "b"}}, {"dataset": "digits"}, "resnet18", "timm/resnet18", [0.5] * 3, 10**6,
)  # fmt: skip


@pytest.fixture
def predicting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a model, in whose folder ``pictures`` there are some; returns the model's path."""
    monkeypatch.chdir(tmp_path)
    use("folder", ["runtime.device=cpu", "runtime.workers=1"], params=Path("params.yaml"))
    config = load_params(Path("params.yaml"))
    monkeypatch.setattr(predict, "load_params", lambda _: config)
    params = {"seed": 0, **config.model_dump(mode="json", include={"encoder", "scan"})}
    run = {"dataset": "folder", "pixels_digest": "x", "images": 9, "params": params}
    write_model(preparation=Preparation(SIZE, "crop").described(), run=run)
    Path("pictures").mkdir()
    for name, content in GOOD.items():
        Path("pictures", name).write_bytes(content)
    return SELF_LABEL_MODEL


def _damaged_model(model: Path, draw: random.Random) -> bytes:
    """Bytes changed anywhere, or other values in the metadata."""
    if draw.random() < 0.5:
        return damage_at_random(model.read_bytes(), draw)
    with safe_open(model, framework="pt") as file:
        header = file.metadata()
        weights = {name: file.get_tensor(name) for name in list(file.keys())}
    key = draw.choice(list(header))
    value = json.loads(header[key])
    if isinstance(value, dict) and draw.random() < 0.7:
        value[draw.choice(list(value))] = draw.choice(JSON_VALUES)
    else:
        value = draw.choice(JSON_VALUES)
    return save(weights, metadata={**header, key: json.dumps(value)})


@pytest.mark.parametrize("seed", range(4))
def test_damaged_models(predicting: Path, one_line_each: Callable, seed: int):
    draw, whole = random.Random(seed), predicting.with_suffix(".whole")
    predicting.rename(whole)
    for _ in range(250):
        predicting.write_bytes(_damaged_model(whole, draw))
        with one_line_each():
            predict_status(Path("pictures"), Path("table.csv"))
            assert len(pd.read_csv("table.csv")) == len(GOOD)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_pictures_are_sorted_named_or_counted(predicting: Path, seed: int, capsys: pytest.CaptureFixture[str]):
    draw = random.Random(seed)
    for _ in range(25):
        files = {**GOOD, **_damaged_pictures(draw)}
        for path in Path("pictures").iterdir():
            path.unlink()
        for name, content in files.items():
            Path("pictures", name).write_bytes(content)
        capsys.readouterr()
        predict_status(Path("pictures"), Path("table.csv"))
        said = capsys.readouterr().err
        named = len(re.findall(r"^warning: .*; left out$", said, re.MULTILINE))
        (counts,) = re.findall(r"^left out: (.*)$", said, re.MULTILINE) or [""]
        counted = sum(int(count) for count in re.findall(r"(?:^|, )(\d+) ", counts))
        assert len(pd.read_csv("table.csv")) + named + counted == len(files), said
