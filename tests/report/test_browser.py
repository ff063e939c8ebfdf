"""The page as a person uses it: in Chromium, by mouse and by keyboard, at a desk and on a phone."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from scan_core.evaluation.results import Results, step_result
from scan_core.evaluation.truth import Truth
from scan_core.images.images import ResidentImages
from scan_core.report.map_points import IN_PAGE, drawn, write_sheets
from tests.evaluated import predictions
from tests.report.browsing import NARROW, NEEDS_CHROMIUM, WIDE, Opened, browser, look_closely, point, tab_to
from tests.report.pages import draw, random_pictures

__all__ = ["browser"]
pytestmark = NEEDS_CHROMIUM
FRAME = 1 / 30
"""Seconds of the page's own thread that a frame may take at 30 frames a second."""


def random_results(images: int, *, labels: bool = True, sureness: float = 1.0) -> Results:
    """Ten clusters, of which nine pictures of ten are of one class, with confidences that differ."""
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 10, images)
    clusters = np.where(generator.random(images) < 0.9, classes, generator.integers(0, 10, images))
    truth = Truth(classes if labels else np.full(images, -1), tuple(f"class {i}" for i in range(10)) if labels else ())
    probabilities = predictions(clusters, cluster_count=10)
    sure = sureness * generator.uniform(0.2, 1, (images, 1)).astype(np.float32)
    step = step_result(sure * probabilities + (1 - sure) / 10, truth, selection_loss=None)
    purity = np.linspace(0.9, 0.8, 20) if labels else np.zeros(0)
    return Results(truth, step, step, {}, purity)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    kinds = {
        "labeled": (random_results(300), random_pictures(300)),
        "unlabeled": (random_results(300, labels=False), random_pictures(300, size=48)),
        "failed": (random_results(300, sureness=0.01), random_pictures(300)),
        "large": (random_results(60_000), random_pictures(60_000, size=4)),
    }
    for kind, (results, pictures) in kinds.items():
        draw(folder / f"{kind}.html", results, pictures)
    return {kind: folder / f"{kind}.html" for kind in kinds}


@pytest.fixture
def open_page(browser: Browser, pages: dict[str, Path]) -> Iterator:
    opened: list[Opened] = []

    def open_one(kind: str, **window: object) -> Page:
        opened.append(Opened(browser, pages[kind], **window))
        return opened[-1].page

    yield open_one
    for each in opened:
        each.close()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
@pytest.mark.parametrize("kind", ["labeled", "unlabeled", "failed"])
def test_axe_finds_nothing_and_nothing_is_cut_off(open_page, kind: str, width: int, scheme: str):
    page = open_page(kind, width=width, scheme=scheme)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 384) == (scheme == "dark")


def test_print_is_dark_on_white(open_page):
    page = open_page("labeled", scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#controls").is_visible()


def _shown(page: Page) -> list[int]:
    return [int(card.get_attribute("data-number")) for card in page.locator("article:visible").all()]


def test_cards_are_sorted_and_filtered(open_page):
    page = open_page("labeled")
    sizes = {i: -int(page.locator(f"#cluster-{i}").get_attribute("data-size")) for i in range(10)}
    page.get_by_label("Sort by").select_option("size")
    assert _shown(page) == sorted(sizes, key=lambda i: (-sizes[i], i))
    page.get_by_label("Show only").fill("class 3")
    assert _shown(page) == [3]
    assert page.locator("#count").inner_text() == "1 of 10"


def test_map_is_pointed_at_zoomed_moved_and_clicked(open_page):
    page = open_page("unlabeled")
    page.mouse.move(*point(page))
    tip = page.locator("#tip")
    assert re.fullmatch(r"cluster \d, confidence \d\.\d\d\s+<u>\d+/é\.png", tip.inner_text())
    assert "data:image/" in tip.locator("i").evaluate("(i) => getComputedStyle(i).backgroundImage")

    before = page.evaluate("scale")
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("scale") == pytest.approx(1.5 * before)
    page.get_by_role("button", name="Show all").click()
    page.keyboard.down("Control")
    page.mouse.move(*point(page))
    still = point(page)
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"scale > 1.2 * {before}")
    page.keyboard.up("Control")
    assert point(page) == pytest.approx(still, abs=1)  # what is under the pointer stays there

    x, y = point(page)
    page.mouse.down()
    page.mouse.move(x + 50, y + 20, steps=3)
    page.mouse.up()
    assert point(page) == pytest.approx((x + 50, y + 20), abs=1)
    assert page.evaluate("location.hash") == ""

    page.mouse.click(*point(page))
    opened = page.evaluate("location.hash")
    assert opened == f"#cluster-{page.evaluate('cluster[0]')}"
    assert page.evaluate("'#' + document.activeElement.id") == opened


def test_the_map_fits_a_window_that_becomes_narrower_unless_it_was_zoomed(open_page):
    page = open_page("unlabeled")
    centered = "() => Math.abs(2 * left + scale * furthest[0] - canvas.clientWidth) < 1"
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(centered)
    page.get_by_role("button", name="Zoom in").click()
    zoomed = page.evaluate("scale")
    page.set_viewport_size({"width": NARROW, "height": 800})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("scale") == zoomed


@pytest.fixture
def with_sheets(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A page whose last 100 points have their thumbnails in a file beside it, and the color of each point's picture."""
    count = IN_PAGE + 100
    pictures = random_pictures(count)
    colors = np.random.default_rng(1).integers(0, 256, (count, 3), dtype=np.uint8)
    pixels = np.broadcast_to(colors[:, :, None, None], (count, 3, 8, 8)).copy()
    pictures = pictures._replace(images=ResidentImages(pixels, torch.device("cpu")))
    sheets = write_sheets(tmp_path / "report", pictures)
    draw(tmp_path / "report.html", random_results(count), pictures, sheets=sheets)
    return tmp_path / "report.html", colors[drawn(count)]


def test_further_points_have_thumbnails_beside_the_page(browser: Browser, with_sheets: tuple[Path, np.ndarray]):
    path, colors = with_sheets
    opened = Opened(browser, path)
    for i in (0, IN_PAGE, IN_PAGE + 77):
        look_closely(opened.page, i)
        opened.page.wait_for_function("() => tip.firstChild.style.background.includes('url')")
        shot = Image.open(BytesIO(opened.page.locator("#tip i").screenshot())).convert("RGB")
        assert np.asarray(shot)[20:50, 20:50].reshape(-1, 3).mean(0) == pytest.approx(colors[i], abs=1)
    files = [url for url in opened.requests[1:] if not url.startswith("data:")]
    assert set(files) == {(path.parent / "report/map-00.png").as_uri()}
    assert "those of the others lie in report/" in opened.page.locator("#map").inner_text()
    assert opened.errors == []
    opened.page.close()


def test_the_page_alone_has_its_own_thumbnails(browser: Browser, with_sheets: tuple[Path, np.ndarray]):
    path, _ = with_sheets
    opened = Opened(browser, path.rename(path.parent / "report/alone.html"))
    look_closely(opened.page, IN_PAGE)
    opened.page.wait_for_function("() => reach === pictured")
    assert not opened.page.locator("#tip").is_visible()
    look_closely(opened.page, 7)
    assert opened.page.locator("#tip").inner_text().endswith("/é.png")
    assert all("ERR_FILE_NOT_FOUND" in error for error in opened.errors)
    opened.page.close()


def test_the_map_is_drawn(open_page):
    page = open_page("labeled", width=NARROW, scheme="dark")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    colors = page.evaluate(
        "new Set(new Uint32Array(pen.getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )
    assert colors == 11  # ten clusters, and the ground


def test_keyboard_alone(open_page):
    page = open_page("labeled")
    tab_to(page, "sort")
    page.keyboard.press("End")  # the last way to sort: closeness
    assert page.evaluate("byId('sort').selectedIndex === byId('sort').options.length - 1")
    tab_to(page, "filter")
    page.keyboard.type("7")
    assert _shown(page) == [7]
    tab_to(page, "canvas")
    assert page.evaluate("getComputedStyle(canvas).outlineStyle") != "none"
    before = page.evaluate("[scale, left, top_]")
    page.keyboard.press("+")
    assert page.evaluate("scale") > before[0]
    page.keyboard.press("0")
    assert page.evaluate("[scale, left, top_]") == pytest.approx(before)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("left") == pytest.approx(before[1] - 40)
    page.keyboard.press("Tab")  # a focus that cannot be left is a trap
    assert page.evaluate("document.activeElement.id") != "canvas"


def test_sixty_thousand_points_are_moved_at_thirty_frames_a_second(open_page, pages: dict[str, Path]):
    assert pages["large"].stat().st_size < 10_000_000
    page = open_page("large")
    page.mouse.move(*point(page))
    page.mouse.down()
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})  # not what other processes take meanwhile
    frame = min(_seconds_a_frame(page, meter) for _ in range(3))
    page.mouse.up()
    print(f"{1000 * frame:.1f} ms of the page's thread a frame")
    assert frame < FRAME


def _seconds_a_frame(page: Page, meter: object, frames: int = 30) -> float:
    def busy() -> float:
        return {each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]}["TaskDuration"]

    before = busy()
    page.evaluate(
        """async (frames) => {
          const box = canvas.getBoundingClientRect();
          for (let i = 0; i < frames; i++) {
            const at = {clientX: box.left + 300 + 3 * i, clientY: box.top + 200 + i, pointerId: 1, bubbles: true};
            canvas.dispatchEvent(new PointerEvent("pointermove", at));
            await new Promise((done) => requestAnimationFrame(done));
          }
        }""",
        frames,
    )
    return (busy() - before) / frames
