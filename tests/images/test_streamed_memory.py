"""Streaming needs as much memory for a large dataset as for a small one."""

import subprocess
import sys

import numpy as np

from scan_core.artifacts.shards import ShardFormat
from scan_core.images.preparation import Preparation
from scan_core.ingest.prepare import prepare
from scan_core.ingest.store import shard_store
from tests.samples import noise

SIZE, IMAGES, MEBIBYTE = 128, 2000, 2**20
MEASURE = """
import re, sys, torch
from pathlib import Path
from scan_core.images.open_images import open_images

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

images = open_images(Path(sys.argv[1]), torch.device("cpu"), workers=2)
order = torch.randperm(len(images)).split(32)
list(images.batches(order[:8]))  # imports, threads and their allocators
before = anonymous()
print(max(anonymous() for _ in images.batches(order)) - before)
"""


def test_memory_does_not_grow_with_the_dataset(tmp_path):
    pictures = [prepare(pixels, Preparation(SIZE, "crop"), encode=True) for pixels in noise(20, 3, SIZE, SIZE)]
    with shard_store(tmp_path, IMAGES, ShardFormat(3, SIZE, "crop")) as store:
        for row in range(IMAGES):
            store.put(row, pictures[row % 20])
        store.keep(np.ones(IMAGES, bool))
    # Of 94 MiB of pixels a batch has 1.5; three or four are on their way at once, and the allocator keeps some more.
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 48 * MEBIBYTE
