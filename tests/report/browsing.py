"""A page in Chromium, with a mouse and a keyboard."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
NEEDS_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: install it, by apt-get install chromium for instance"),
]
WIDE, NARROW = 1280, 400


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=CHROMIUM, args=root)
        yield found
        found.close()


class Opened:
    """A page in a window of its own, and what it asked for and complained about."""

    def __init__(self, browser: Browser, path: Path, *, width: int = WIDE, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def close(self, *, beside: tuple[str, ...] = ()) -> None:
        """Close it; nothing was wrong, and no file was read but the page and those whose names start ``beside`` it."""
        self.page.close()
        assert self.errors == []
        first, *others = (url for url in self.requests if not url.startswith(("data:", "blob:")))
        folder = first.rpartition("/")[0]
        assert [url for url in others if not url.startswith(tuple(f"{folder}/{name}" for name in beside))] == []


def point(page: Page, i: int = 0) -> tuple[float, float]:
    """Where in the window a point of the map lies."""
    page.locator("#canvas").scroll_into_view_if_needed()
    box = page.locator("#canvas").bounding_box()
    x, y = page.evaluate(f"[left + scale * x[{i}], top_ + scale * y[{i}]]")
    return box["x"] + 1 + x, box["y"] + 1 + y


def look_closely(page: Page, i: int) -> None:
    """Zoom until no other point is near, and point at this one."""
    page.locator("#canvas").scroll_into_view_if_needed()
    page.evaluate("whole()")
    page.evaluate(f"zoom(200, left + scale * x[{i}], top_ + scale * y[{i}])")
    page.mouse.move(*point(page, i))
    page.wait_for_function(f"() => shown === {i}")


def tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"no way to #{name} by the tabulator key")


def name_cluster(page: Page, cluster: int, name: str) -> None:
    page.get_by_label(f"Name of cluster {cluster}", exact=True).fill(name)
    page.get_by_label(f"Name of cluster {cluster}", exact=True).blur()


def save_names(page: Page, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save clusters.yaml").click()
    assert waiting.value.suggested_filename == "clusters.yaml"
    waiting.value.save_as(folder / "saved.yaml")
    return folder / "saved.yaml"
