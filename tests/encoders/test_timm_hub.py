import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from scan_core.artifacts.model import weights_checksum
from scan_core.encoders import timm_hub
from scan_core.encoders.timm_encoder import timm_encoder
from scan_core.errors import WeightsError

NAME, FILE = "test_vit.r160_in1k", "model.safetensors"
NOBODY = "http://127.0.0.1:9"
"""An address that refuses at once, as a machine without a network does."""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no network."""
    monkeypatch.setattr(constants, "ENDPOINT", NOBODY)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


class HubFiles(SimpleHTTPRequestHandler):
    """Serves a folder as the hub does: with each file's revision and ETag."""

    def __init__(self, *arguments: Any, requests: list[str], **options: Any) -> None:
        self.requests = requests
        super().__init__(*arguments, **options)

    def end_headers(self) -> None:
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", '"1"')
        super().end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self.requests.append(f"{self.command} {self.path}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folder of a hub's files, under the addresses that its client requests, and the requests so far."""
    folder, requests = tmp_path / "hub", []
    handler = partial(HubFiles, directory=str(folder), requests=requests)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, requests
        server.shutdown()
        thread.join()


def test_weights_are_fetched_once(hub: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch):
    (folder, requests), theirs = hub, timm.create_model("test_vit")  # as published: for 160 px, with a classifier
    files = folder / "timm" / NAME / "resolve" / "main"
    files.mkdir(parents=True)
    save_file(theirs.state_dict(), files / FILE)
    for _ in range(2):
        encoder = timm_encoder("timm/test_vit", channels=3, image_size=32)
        start = timm_hub.load_published(encoder)
        assert torch.equal(encoder.network.blocks[0].attn.qkv.weight, theirs.blocks[0].attn.qkv.weight)
        assert start.trained_with.startswith(f"what timm's {NAME} was (from the hub")
    assert [path for path in requests if path.startswith("GET /timm")] == [f"GET /timm/{NAME}/resolve/main/{FILE}"]
    monkeypatch.setattr(constants, "ENDPOINT", NOBODY)
    assert timm_hub.load_published(timm_encoder("timm/test_vit", channels=3, image_size=32)) == start


def test_weights_that_the_hub_lacks(hub: tuple[Path, list[str]]):
    hub[0].mkdir()
    with pytest.raises(WeightsError, match=rf"hub: {NAME} is not in the cache and cannot be fetched \("):
        timm_hub.load_published(timm_encoder("timm/test_vit", channels=3, image_size=32))


@pytest.mark.usefixtures("cache")
def test_without_a_network_it_says_so_at_once():
    encoder, started = timm_encoder("timm/test_vit", channels=3, image_size=32), time.monotonic()
    with pytest.raises(WeightsError, match=r"hub: test_vit\.r160_in1k is not in the cache and cannot be fetched"):
        timm_hub.load_published(encoder)
    assert time.monotonic() - started < 10  # the hub's client would try for 48 s
    assert not constants.HF_HUB_OFFLINE


def test_what_was_fetched_once_is_taken_without_a_network(cache: Path):
    theirs = timm.create_model("test_vit")  # as it is published: for 160 px, with a classifier
    repository = cache / "models--timm--test_vit.r160_in1k"
    for folder in ("snapshots/0", "refs"):
        (repository / folder).mkdir(parents=True)
    save_file(theirs.state_dict(), repository / "snapshots/0/model.safetensors")
    (repository / "refs/main").write_text("0")
    encoder = timm_encoder("timm/test_vit", channels=3, image_size=32)
    start = timm_hub.load_published(encoder)
    assert torch.equal(encoder.network.blocks[0].attn.qkv.weight, theirs.blocks[0].attn.qkv.weight)
    assert start.sha256 == weights_checksum(encoder.network.state_dict())
    assert start.trained_with == f"what timm's test_vit.r160_in1k was (from the hub, sha256 {start.sha256[:12]})"
    assert start.normalization.mean == [0.5, 0.5, 0.5]


def test_a_network_without_published_weights():
    with pytest.raises(WeightsError, match="timm publishes no weights of efficientnet_b0_gn"):
        timm_hub.load_published(timm_encoder("timm/efficientnet_b0_gn", channels=3, image_size=32))
