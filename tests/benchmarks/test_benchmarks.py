"""Every benchmark runs, keeps the promised records, and compares with a conventional way that computes the same."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML

from benchmarks import (
    augmentation,
    breakdown,
    compiled,
    conventional,
    frozen,
    growth,
    growth_work,
    mining,
    ours,
    pipeline,
    record,
    share,
    step,
    thousand,
)
from benchmarks.pil_transforms import OPERATIONS, plain_transform, simclr_transform, strong_transform
from scan_core.augment.strong import STRONG_OPERATIONS
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.clustering.scan_loss import scan_loss
from scan_core.pretext.moco import info_nce
from scan_core.pretext.nce import NCE
from scan_core.pretext.nt_xent import nt_xent
from scan_core.training.precision import computes_in_bfloat16
from stages.params_file import load_params
from stages.use import main as use

ROOT = Path(__file__).parents[2]
Rows = list[dict[str, str | float]]
TINY = (
    "data.limit=160 data.image_size=8 encoder.resnet.width=4 pretext.epochs=1 pretext.batch_size=32 "
    "pretext.warmup_epochs=0 neighbors.k=3 scan.heads=1 scan.epochs=1 scan.batch_size=32 self_label.epochs=0 "
    "runtime.device=cpu"
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Rows]:
    """Call a benchmark's main; returns the rows that it recorded, having checked the entry and the table."""
    monkeypatch.setattr(record, "RESULTS", tmp_path)

    def call(benchmark: ModuleType, *arguments: object, **options: object) -> Rows:
        benchmark.main(*arguments, **options)
        name = benchmark.__name__.removeprefix("benchmarks.")
        (line,) = (tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        entry = json.loads(line)
        assert set(entry) == {"date", "commit", "command", "hardware", "rows"}
        assert entry["command"].startswith(f"python -m benchmarks.{name}")
        assert capsys.readouterr().out.splitlines()[-len(entry["rows"]) - 1].split()[0] == next(iter(entry["rows"][0]))
        return entry["rows"]

    return call


def column(rows: Rows, name: str) -> Sequence[str | float]:
    return [row[name] for row in rows]


def positive(rows: Rows, *names: str) -> bool:
    return all(float(value) > 0 for name in names for value in column(rows, name))


def test_step(run, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 0)  # loads in this process: no start of workers
    rows = run(step, batch_size=8, steps=1, repetitions=1, width=4)
    assert column(rows, "stage") == [*step.VIEWS]
    assert positive(rows, "images/s", "views/s", "GFLOP/s", "conventional images/s", "ratio")
    assert [row["once an epoch, images/s"] == "-" for row in rows] == [True, True, True, False, True]
    assert positive(rows[3:4], "once an epoch, images/s")


def test_breakdown(run):
    rows = run(breakdown, batch_size=8, steps=1, width=4)
    for stage in step.VIEWS:
        shares = {row["part"]: float(row["share"]) for row in rows if row["stage"] == stage}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
        assert set(breakdown.PARTS.values()) - {"once an epoch"} <= set(shares)
    assert positive([row for row in rows if row["GFLOP/s"] != "-"], "GFLOP/s")
    products = 1 + computes_in_bfloat16(torch.device("cpu"))
    assert sum(row["GFLOP/s"] != "-" for row in rows) == len(step.VIEWS) * 2 + products


def test_compiled(run, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network, **_: network)  # compiling takes half a minute
    rows = run(compiled, batch_size=8, steps=1, repetitions=1, width=4)
    ways = [(stage, way) for stage in step.VIEWS for way in ("plain", "compiled")]
    assert [(row["stage"], row["way"]) for row in rows] == ways
    assert positive(rows, "images/s", "to plain")
    assert positive(rows[1::2], "first epoch, s")


def test_work_of_a_view_is_that_of_the_references():
    # FACTS, section 3: 0.5554 GMAC forward.
    assert step.forward_gflop(ours.encoder()) == pytest.approx(2 * 0.5554, rel=1e-3)


def test_the_first_peak_that_fits_the_name_counts(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name, peak in (("NVIDIA H200", 989e3), ("NVIDIA H100 PCIe", 756e3), ("NVIDIA Unknown", None)):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda name=name: name)
        assert step._peak() == peak


def test_augmentation(run):
    rows = run(augmentation, batch_size=8, repetitions=1)
    kornia = {"simclr": ["Kornia"], "strong": ["Kornia, groups", "Kornia, one choice a batch"]}
    for name, ways in kornia.items():
        expected = ["ours", *ways, "torchvision v2, one draw a batch", "PIL, one core"]
        assert [row["way"] for row in rows if row["list"] == name] == expected
    assert positive(rows, "images/s", "ours / it")


def test_mining(run):
    rows = run(mining, images=[300], dimensions=8, k=5, repetitions=1)
    assert column(rows, "way") == ["ours", "faiss", "torch, as without faiss", "scikit-learn"]
    assert column(rows, "agreement") == [1.0] * 4
    assert positive(rows, "s", "it / ours")


def test_mining_fails_where_the_neighbors_differ(run, monkeypatch):
    wrong = np.tile(np.arange(6), (300, 1))
    monkeypatch.setattr(mining, "_searches", lambda _: {"wrong": lambda features, k: wrong})
    with pytest.raises(RuntimeError, match=r"wrong: 0\.\d+ of the neighbors agree with ours, expected 0\.999"):
        run(mining, images=[300], dimensions=8, k=5, repetitions=1)


def test_share(run, monkeypatch):
    monkeypatch.setattr(share, "WIDTH", 4)
    rows = run(share, images=2000, sample=256)
    assert column(rows, "part") == ["mining, exact", *share.EPOCHS]
    assert sum(map(float, column(rows, "share"))) == pytest.approx(1, abs=1e-3)
    assert positive(rows, "processor s")


def test_the_share_is_that_of_the_preset(tmp_path: Path):
    use("cifar10-cpu", params=tmp_path / "params.yaml")
    preset = load_params(tmp_path / "params.yaml")
    small = preset.pretext.small_crops
    pretext = round(preset.pretext.epochs * (1 - small.share * (1 - small.size**2)))
    assert {"pretext": pretext, "scan": preset.scan.epochs, "self_label": preset.self_label.epochs} == share.EPOCHS
    assert (preset.encoder.resnet.width, preset.neighbors.k) == (share.WIDTH, share.K)
    assert preset.encoder.resnet.stem == "3x3-stride2"


def test_frozen(run):
    rows = run(frozen, images=64, width=8, views=2, heads=2, clusters=3, batch_size=16, repetitions=1)
    assert column(rows, "stage") == ["scan", "self_label"]
    assert positive(rows, "epoch, s")
    assert positive(rows[:1], "steps, s", "once an epoch, s", "heads one by one: steps, s", "ratio of the steps")


def test_thousand_with_a_hundredth_of_them(run, tmp_path: Path):
    rows = run(thousand, classes=10, images=30, epochs=20, folder=tmp_path / "report")
    found = {row["part"]: row["ACC"] for row in rows}
    assert found["make features"] > 0.99
    assert found["scan"] > 0.5
    assert found["k-means"] > 0.5
    assert positive(rows, "s", "peak GiB")
    assert (tmp_path / "report/prototypes.png").exists()


def test_pipeline(run, monkeypatch, tmp_path):
    started: list[str] = []

    def in_process(project: Path, stage: str, *arguments: str) -> None:
        started.append(stage)
        if stage == "use":
            use(arguments[0], [*arguments[1:]], params=project / "params.yaml")
        elif stage == "evaluate":
            (project / "reports/metrics").mkdir(parents=True, exist_ok=True)
            (project / pipeline.METRICS).write_text('{"acc": 0.5}', encoding="utf-8")
        elif stage == "embed" and started.count("embed") == 1:
            raise subprocess.CalledProcessError(1, "embed")

    monkeypatch.setattr(pipeline, "_run", in_process)
    with pytest.raises(subprocess.CalledProcessError):
        run(pipeline, "digits", TINY.split(), folder=tmp_path / "project")
    rows = run(pipeline, "digits", TINY.split(), folder=tmp_path / "project")
    assert column(rows, "stage") == [*pipeline.STAGES, "all"]
    assert started.count("fetch") == 1
    assert [row["stage"] for row in rows if row["in pieces"] == "yes"] == ["embed", "all"]
    assert rows[-1]["acc"] == 0.5


@pytest.mark.slow
def test_pipeline_of_real_stages(run):
    rows = run(pipeline, "digits", TINY.split())
    assert positive(rows, "s", "share")
    assert 0 < float(rows[-1]["acc"]) <= 1


def test_growth(run, monkeypatch, tmp_path):
    monkeypatch.setattr(growth_work, "ENOUGH_SECONDS", 0.0)
    monkeypatch.setattr(growth, "_curve", lambda _, name, sizes, limit: growth.Curve(sizes, *measured(name, sizes)))
    rows = run(growth, images=[128, 256], clusters=[10, 20])
    assert column(rows, "work") == [*growth_work.AGAINST_N, *growth_work.AGAINST_C]
    assert positive(rows, "s, first", "s, last")
    with Image.open(tmp_path / "growth.png") as image:
        assert min(image.size) > 500


def measured(name: str, sizes: Sequence[int]) -> tuple[list[float], list[float]]:
    points = [growth_work.measure(name, size) for size in sizes]
    return [point[0] for point in points], [point[1] for point in points]


def test_a_curve_ends_where_the_next_point_would_take_too_long():
    # In proportion from 1 to 2 s; then 4 times as long for twice as many; a first point alone grows in proportion.
    assert growth._expected([10, 20, 40, 80], [1.0, 2.0], 40) == pytest.approx(4)
    assert growth._expected([10, 20, 40, 80], [1.0, 2.0, 8.0], 80) == pytest.approx(32)
    assert growth._expected([10, 20], [1.0], 20) == pytest.approx(2)


def test_slope_of_a_power_is_its_exponent():
    assert growth.slope([1, 2, 4, 8], [100, 3 * 2**1.5, 3 * 4**1.5, 3 * 8**1.5]) == pytest.approx(1.5)
    assert growth.slope([1, 2, 4], [1.0, 0.0, 1.0]) == "-"


def test_the_lists_are_those_of_the_presets():
    base = YAML(typ="safe").load(ROOT / "presets" / "base.yaml")
    for section, operations in (("pretext", ours.SIMCLR), ("scan", ours.STRONG), ("self_label", ours.STRONG)):
        chosen = {name: dict(values) for name, values in base[section]["augmentation"].items() if values}
        assert json.loads(json.dumps(operations)) == chosen


def test_both_ways_draw_from_the_same_operations():
    ranges = {name: (low, high) for name, (_, low, high) in OPERATIONS.items()}
    assert ranges == {name: (operation.low, operation.high) for name, operation in STRONG_OPERATIONS.items()}


@pytest.mark.parametrize("transform", [plain_transform(), simclr_transform(32), strong_transform(32)])
def test_conventional_transforms_keep_the_shape(transform):
    image = Image.fromarray(ours.random_pixels(1)[0].transpose(1, 2, 0))
    for _ in range(30):
        view = transform(image)
        assert view.shape == (3, 32, 32)
        assert -2.001 <= view.min() <= view.max() <= 2.001  # (0 - 0.5) / 0.25 and (1 - 0.5) / 0.25


def test_conventional_pairs_take_the_second_image_among_the_candidates():
    pixels = ours.random_pixels(3).transpose(0, 2, 3, 1)
    plain = plain_transform()
    pairs = conventional.Pairs(pixels, plain, plain, np.array([[1], [2], [0]]))
    expected = plain(Image.fromarray(pixels[2]))
    assert torch.equal(pairs[1][1], expected)
    assert not torch.equal(pairs[1][0], expected)


@pytest.fixture
def logits() -> tuple[torch.Tensor, torch.Tensor]:
    first, second = torch.randn(2, 64, 10, generator=torch.Generator().manual_seed(0)) * 2
    return first, second


def test_conventional_losses_equal_ours(logits):
    first, second = logits
    theirs = conventional.simclr_loss(first, second, temperature=0.5)
    assert theirs.item() == pytest.approx(nt_xent(first, second, temperature=0.5).loss.item(), abs=1e-5)

    theirs = conventional.scan_loss(first, second, entropy_weight=2.0)
    assert theirs.item() == pytest.approx(scan_loss(first, second, entropy_weight=2.0).total.item(), abs=1e-5)

    theirs = conventional.self_label_loss(first, second, threshold=0.5)
    ours_ = pseudo_label_loss(first, second, threshold=0.5, class_balance=True)
    assert 0 < ours_.counts.sum() < 64
    assert theirs.item() == pytest.approx(ours_.loss.item(), abs=1e-5)


def test_conventional_contrast_with_memory_equals_ours(logits, monkeypatch):
    first, second = logits
    rows, drawn = torch.arange(64), torch.arange(5, 25)
    conventional_bank = conventional.MemoryBank(64, 10, negatives=20, temperature=0.5)
    settings = {"projection_dim": 10, "batch_norm": False, "bank_momentum": 0.5, "proximal_weight": 0.0}
    task = NCE(ours.encoder(4), images=64, batch_size=64, negatives=20, temperature=0.5, **settings)
    task.bank.vectors.copy_(conventional_bank.bank)
    monkeypatch.setattr(torch, "randint", lambda high, size, **_: drawn.expand(size))
    for views in logits:  # for the second, the bank has moved and the partition constant has not
        assert conventional_bank(views, rows).item() == pytest.approx(task.loss(views, rows)[0].item(), rel=1e-4)
        task.after_step(views, rows, torch.tensor(False))

    momentum = conventional.MomentumContrast(torch.nn.Identity(), 10, queue=30, momentum=0.9, temperature=0.5)
    queries, keys = (torch.nn.functional.normalize(views, dim=1) for views in logits)
    expected = info_nce((queries * keys).sum(dim=1), queries @ momentum.queue.T, temperature=0.5)
    assert momentum(first, second).item() == pytest.approx(expected[0].item(), abs=1e-5)
