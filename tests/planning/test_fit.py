"""What is needed, by hand, and the values that are said to fit: they do, and the next larger ones do not."""

import re

import pytest

from scan_core.machine.search_memory import bytes_needed
from scan_core.planning.fit import GIBIBYTE, Machine, disk_bytes, on_machine, problems
from scan_core.planning.needs import ENCODED_SHARE, Footprint, Work, needs
from scan_core.planning.sizes import Sizes

WORK = Work(
    sizes=Sizes(images=1100, pretext=1000, train=1000, evaluate=100),
    download=0,
    image_bytes=3000,
    encoded=False,
    embedding_dim=50,
    feature_width=40,
    neighbors=5,
    exact_up_to=1000,
    clusters=10,
    heads=2,
    workers=4,
    devices=1,
    pretext_batch=100,
    scan_batch=100,
    self_label_batch=100,
    scan_views=0,
    self_label_views=0,
    pretext_moments=1,
    scan_moments=2,
    self_label_moments=2,
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
    # Two moments; nothing of all images.
    assert need["self-label"].device == 30_000 + 10_000 + 1.3 * 100 * 400_000
    assert need["embed"].disk == 1100 * 50 * 4
    mining = {"images": 1100, "points": 1000, "dimensions": 50, "k": 5}
    assert need["mine-neighbors"].host == bytes_needed(**mining, approximate=False)
    approximate = needs(WORK._replace(exact_up_to=999))["mine-neighbors"].host
    assert approximate == bytes_needed(**mining, approximate=True)
    assert need["fetch"].disk == 1100 * (3000 + 40)
    # Embeddings, the same not normalized, 64 components of the pixels; and twice the pixels that these are found from.
    assert need["baselines"].host == 1100 * (2 * 50 + 64) * 4 + 2 * 1000 * 3000 * 4
    # Or, if more: the training rows, and those again for each of four starts.
    many = needs(WORK._replace(sizes=Sizes(1_100_000, 1_000_000, 1_000_000, 100_000)))["baselines"].host
    assert many == 1_100_000 * (2 * 50 + 64) * 4 + (1 + 4) * 1_000_000 * 50 * 4
    more = needs(WORK._replace(sizes=Sizes(1_100_000, 1_000_000, 1_000_000, 100_000), embedding_dim=500))["baselines"]
    assert more.host == 1_100_000 * (2 * 500 + 64) * 4 + (1 + 1) * 1_000_000 * 500 * 4  # two copies exceed MOST_BYTES


def test_sgd_and_an_average_of_the_weights():
    adam, sgd, averaged = (needs(WORK._replace(self_label_moments=count))["self-label"] for count in (2, 1, 3))
    assert (adam.device - sgd.device, averaged.device - adam.device) == (10_000, 10_000)
    assert (sgd.temporary, averaged.temporary) == (2 * 20_000, 2 * 40_000)


FROZEN = WORK._replace(scan_views=3, self_label_views=1, scan=Footprint(3_280, 1000), self_label=Footprint(1_640, 1000))


def test_needs_of_a_frozen_encoder_by_hand():
    scan, self_label = (needs(FROZEN)[stage] for stage in ("scan-train", "self-label"))
    # Features of 4 views of 1,000 images, float16, and what goes on after a kill: two moments beside the weights of
    # two heads (41 x 10 numbers each), twice.
    assert (scan.features, self_label.features) == (2 * 1000 * 4 * 40, 2 * 1000 * 2 * 40)
    assert scan.temporary == scan.features + 2 * 3 * 2 * 41 * 10 * 4
    assert self_label.temporary == self_label.features + 2 * 3 * 41 * 10 * 4
    # The encoder, then gradients and moments of the heads, a step, the logits of one head, and the table of neighbors;
    # inference takes less: 3 x 512 outputs of 100 bytes.
    step, table = 3 * 2 * 41 * 10 * 4 + 3_280 + 1.3 * 100 * 1000, 1000 * 5 * 8
    assert scan.device == 10_000 + int(step) + 3 * 1000 * 10 * 4 + table
    # Here inference takes more than a step: 3 * 41 * 10 * 4 + 1_640 + 1.3 * 100 * 1000.
    assert self_label.device == 10_000 + 3 * 512 * 100
    assert scan.disk == needs(WORK)["scan-train"].disk


def test_features_that_fit_lie_on_the_device():
    # The images of 3,300,000 bytes and the features of 320,000, of which half of what is left must hold these.
    need = needs(FROZEN)["scan-train"].device
    machine = LARGE._replace(device=7_000_000)
    assert on_machine(FROZEN, machine)["scan-train"].device == need + 3_300_000 + 320_000
    many = FROZEN._replace(scan_views=30)  # 2,480,000
    assert on_machine(many, machine)["scan-train"].device == need + 3_300_000


def test_fewer_views_where_features_do_not_fit_the_disk():
    many, disk = FROZEN._replace(scan_views=1000), 30_000_000
    (line,) = problems(many, LARGE._replace(disk=disk), fetched=False)
    assert line.startswith("scan-train: about 0.078 GiB of disk needed, 0.0279 GiB are free; ")
    name, value = remedy(line)
    assert name == "scan.views"
    fits = many._replace(scan_views=value)
    assert (
        disk_bytes(fits, LARGE, fetched=False)
        <= disk
        < disk_bytes(many._replace(scan_views=value + 1), LARGE, fetched=False)
    )


def test_both_steps_say_how_many_views_fit():
    many = FROZEN._replace(scan_views=1000, self_label_views=1000)
    lines = problems(many, LARGE._replace(disk=30_000_000), fetched=False)
    assert [remedy(line)[0] for line in lines] == ["scan.views", "self_label.views"]


def test_devices_share_a_batch():
    two = WORK._replace(devices=2)
    need, one = needs(two), needs(WORK)
    assert need["scan-train"].device == one["scan-train"].device - int(1.3 * 50 * 500_000)
    # Each has the similarities of its 100 views to all 200.
    assert need["pretext-train"].device == 20_000 + 10_000 + 1.3 * 50 * 1_000_000 + 3 * 100 * 200 * 4
    # On the CPU, two programs are there.
    placed = on_machine(two, LARGE)
    assert placed["pretext-train"].host == 2 * (GIBIBYTE + need["pretext-train"].host + need["pretext-train"].device)
    assert placed["evaluate"] == on_machine(WORK, LARGE)["evaluate"]
    assert on_machine(FROZEN._replace(devices=2), LARGE)["scan-train"] == on_machine(FROZEN, LARGE)["scan-train"]


def test_a_batch_that_several_devices_can_share_is_named():
    three = WORK._replace(devices=3, pretext_batch=300)
    machine = LARGE._replace(device=100_000_000)
    first, *_ = problems(three, machine, fetched=False)
    name, value = remedy(first)
    assert (name, value % 3) == ("pretext.batch_size", 0)
    assert on_machine(three._replace(pretext_batch=value), machine)["pretext-train"].device <= 100_000_000
    assert on_machine(three._replace(pretext_batch=value + 3), machine)["pretext-train"].device > 100_000_000


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
    assert line.startswith("artifacts: about ")
    name, value = remedy(line)
    assert name == "data.limit"
    fits = WORK._replace(sizes=WORK.sizes.limited(value))
    assert problems(fits, LARGE._replace(disk=2_000_000), fetched=False) == []


def test_nothing_fits():
    lines = problems(WORK, LARGE._replace(host=1000), fetched=False)
    assert len(lines) == 8
    assert all("no value of " in line and "encoder.width" in line for line in lines)
