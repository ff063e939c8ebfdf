"""The pages of real pictures: the digits, CIFAR-10, and photographs of hands without labels, used as a person would."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from scan_core.naming.names import read_names
from stages.names import main as install_names
from stages.use import main as use
from tests.pipeline import ROOT, enter, run_stages
from tests.report.browsing import (
    NARROW,
    NEEDS_CHROMIUM,
    WIDE,
    Opened,
    browser,
    look_closely,
    name_cluster,
    save_names,
    tab_to,
)

__all__ = ["browser"]
SHARED = ROOT / "../shared/data"
SHORT = ["pretext.epochs=4", "pretext.warmup_epochs=1", "scan.epochs=4", "self_label.epochs=2"]
RUNS = {
    "digits": ("digits", SHORT),
    "cifar10": (
        "cifar10-cpu",
        [*SHORT, f"data.source={SHARED / 'cifar10'}", "data.limit=1000", "data.train_splits=[test]",
         "data.evaluate_splits=[test]"],
    ),
    "hands": ("photos", ["hands", "clusters=10"]),
}  # fmt: skip
pytestmark = [
    *NEEDS_CHROMIUM,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared"),
    pytest.mark.usefixtures("one_thread"),
]


def copy_some(source: Path, folder: Path) -> None:
    """Copy every eighth of the photographs."""
    folder.mkdir()
    for path in sorted(source.iterdir())[::8]:
        shutil.copy(path, folder)


@pytest.fixture(scope="module", params=RUNS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all stages have run on the pictures; the working directory."""
    preset, arguments = RUNS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch)
        if "hands" in arguments:
            copy_some(SHARED / "hands", folder / "hands")
        use(preset, arguments, params=folder / "params.yaml")
        run_stages()
        yield folder


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_everybody_can_read_it(browser: Browser, project: Path, width: int, scheme: str):
    opened = Opened(browser, project / "reports/report.html", width=width, scheme=scheme)
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.close(beside=("report/",))


def test_it_is_used(browser: Browser, project: Path, tmp_path: Path):
    predictions = pd.read_csv("reports/evaluate/assignments.csv")
    opened = Opened(browser, project / "reports/report.html")
    page = opened.page

    sizes = predictions["cluster"].value_counts().reindex(range(10), fill_value=0)
    page.get_by_label("Sort by").select_option("size")
    shown = [int(card.get_attribute("data-number")) for card in page.locator("article:visible").all()]
    assert shown == sorted(range(10), key=lambda number: (-sizes[number], number))

    for i in (0, len(predictions) - 1):
        look_closely(page, i)
        assert page.locator("#tip span").inner_text().startswith(f"cluster {page.evaluate(f'cluster[{i}]')}")
        assert "url(" in page.locator("#tip i").evaluate("(i) => getComputedStyle(i).backgroundImage")

    first, second, third = shown[:3]
    for number, name in ((first, "both"), (second, "both"), (third, "another")):
        name_cluster(page, number, name)
    together = int(sizes[first] + sizes[second])
    assert f"{together:,} pictures" in page.locator("#groups li", has_text="both").inner_text()
    install_names(save_names(page, tmp_path))
    assert sorted(read_names(Path("clusters.yaml")).names) == [*[""] * 7, "another", "both", "both"]

    tab_to(page, "filter")
    page.keyboard.type("another")
    assert [card.get_attribute("data-number") for card in page.locator("article:visible").all()] == [str(third)]
    opened.close(beside=("report/",))
