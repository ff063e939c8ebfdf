"""What is needed, by hand, and the values that are said to fit: they do, and the next larger ones do not."""

import re

import pytest

from scan_core.planning.fit import GIBIBYTE, Machine, disk_bytes, on_machine, problems
from scan_core.planning.needs import ENCODED_SHARE, Footprint, Work, needs
from scan_core.planning.sizes import Sizes

WORK = Work(
    sizes=Sizes(images=1100, pretext=1000, train=1000, evaluate=100),
    download=0,
    image_bytes=3000,
    encoded=False,
    embedding_dim=50,
    neighbors=5,
    clusters=10,
    heads=2,
    pretext_batch=100,
    scan_batch=100,
    self_label_batch=100,
    weights=10_000,
    largest_output=100,
    pretext=Footprint(fixed=10_000, per_image=1_000_000),
    scan=Footprint(fixed=10_000, per_image=500_000),
    self_label=Footprint(fixed=10_000, per_image=400_000),
)
LARGE = Machine(device=None, host=64 * GIBIBYTE, disk=GIBIBYTE, cache_copies=False, program=GIBIBYTE)


def test_a_run_that_fits_has_no_problem():
    assert problems(WORK, LARGE, fetched=False) == []


def test_needs_by_hand():
    need = needs(WORK)
    # Weights and images kept for the backward pass, gradients and one moment, and 200 x 200 similarities three times.
    assert need["pretext-train"].device == 20_000 + 10_000 + 1.3 * 100 * 1_000_000 + 3 * 200**2 * 4
    # Two moments; three arrays of logits of 2 heads, and the table of neighbors.
    assert need["scan-train"].device == 30_000 + 10_000 + 1.3 * 100 * 500_000 + 3 * 2 * 1000 * 10 * 4 + 1000 * 5 * 8
    assert need["embed"].disk == 1100 * 50 * 4
    assert need["mine-neighbors"].host == 3 * 1000 * 50 * 4 + 4 * 1000 * 6 * 12
    assert need["fetch"].disk == 1100 * (3000 + 40)


def test_encoded_images_are_written_twice():
    need = needs(WORK._replace(encoded=True))["fetch"]
    assert need.temporary == ENCODED_SHARE * 1100 * 3000
    assert need.disk == need.temporary + 1100 * 40


def test_on_the_cpu_all_memory_is_the_host_s():
    need, placed = needs(WORK)["pretext-train"], on_machine(WORK, LARGE)["pretext-train"]
    assert (placed.device, placed.host) == (0, GIBIBYTE + need.host + need.device)


def test_images_that_fit_lie_on_the_device():
    machine = LARGE._replace(device=8_000_000)  # half of which the images of 3,300,000 bytes may take
    assert on_machine(WORK, machine)["embed"].device == needs(WORK)["embed"].device + 3_300_000
    assert on_machine(WORK, machine)["fetch"].device == 0
    assert on_machine(WORK, machine._replace(device=6_000_000))["embed"].device == needs(WORK)["embed"].device


def test_a_cache_that_copies_takes_the_artifacts_once_more():
    artifacts = sum(need.disk for need in needs(WORK).values())
    temporary = max(need.temporary for need in needs(WORK).values())
    assert disk_bytes(WORK, LARGE, fetched=False) == artifacts + temporary
    assert disk_bytes(WORK, LARGE._replace(cache_copies=True), fetched=False) == 2 * artifacts + temporary
    assert disk_bytes(WORK, LARGE, fetched=True) == artifacts + temporary - needs(WORK)["fetch"].disk


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (WORK._replace(pretext_batch=1001), "pretext.batch_size: 1,001 with 1,000 images to learn from"),
        (WORK._replace(scan_batch=2000), "scan.batch_size: 2,000 with 1,000 images to learn from"),
        (WORK._replace(self_label_batch=2000), "self_label.batch_size: 2,000 with 1,000 images to learn from"),
        (WORK._replace(clusters=1200), "scan.clusters: 1,200 with 1,000 images to learn from"),
        (WORK._replace(neighbors=1000), "neighbors.k: 1,000 with 1,000 images to learn from; lower it to 999 or less"),
    ],
)
def test_too_few_images(work: Work, line: str):
    (found,) = problems(work, LARGE, fetched=False)
    assert found.startswith(line)


def remedy(line: str) -> tuple[str, int]:
    name, value = re.search(r"; ([a-z_.]+): (\d+) would fit$", line).groups()
    return name, int(value)


def test_a_batch_that_fits_the_device_is_named():
    machine = LARGE._replace(device=100_000_000)
    first, *_ = problems(WORK, machine, fetched=False)
    assert first.startswith("pretext-train: about 0.125 GiB of device memory, 0.0931 GiB are free; ")
    name, value = remedy(first)
    assert name == "pretext.batch_size"
    fits = WORK._replace(pretext_batch=value)
    assert on_machine(fits, machine)["pretext-train"].device <= 100_000_000
    assert on_machine(fits._replace(pretext_batch=value + 1), machine)["pretext-train"].device > 100_000_000


def test_fewer_heads_where_no_batch_helps():
    many = WORK._replace(heads=50, clusters=1000)
    machine = LARGE._replace(device=400_000_000)
    (line,) = problems(many, machine, fetched=False)
    name, value = remedy(line)
    assert name == "scan.heads"
    assert 1 < value < 50
    assert problems(many._replace(heads=value), machine, fetched=False) == []
    assert problems(many._replace(heads=value + 1), machine, fetched=False)


def test_fewer_images_where_the_disk_is_full():
    (line,) = problems(WORK, LARGE._replace(disk=2_000_000), fetched=False)
    assert line.startswith("disk: about ")
    name, value = remedy(line)
    assert name == "data.limit"
    fits = WORK._replace(sizes=WORK.sizes.limited(value))
    assert problems(fits, LARGE._replace(disk=2_000_000), fetched=False) == []


def test_nothing_fits():
    lines = problems(WORK, LARGE._replace(host=1000), fetched=False)
    assert len(lines) == 8
    assert all("no value of " in line and "encoder.width" in line for line in lines)
