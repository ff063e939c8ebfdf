"""Giving clusters names on the page, in headless Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from scan_core.naming.names import Names, names_text, read_names
from tests.report.browsing import NEEDS_CHROMIUM, browser, name_cluster, save_names
from tests.report.pages import RUN, draw, random_pictures

__all__ = ["browser"]
pytestmark = NEEDS_CHROMIUM

CLUSTERS = [0, 1, 1, 1, 2, 2, 3, 4, 4]
MODEL = f"sha256:{RUN.digests['self_label']}"


@pytest.fixture
def page(browser) -> Iterator:
    errors: list[str] = []
    opened = browser.new_page(accept_downloads=True)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield opened
    opened.close()
    assert errors == []


@pytest.fixture
def drawn(make_results, tmp_path: Path) -> Path:
    results = make_results([-1] * len(CLUSTERS), CLUSTERS, CLUSTERS, cluster_count=6)
    draw(tmp_path / "page.html", results)
    return tmp_path / "page.html"


def _hue(page, cluster: int) -> str:
    return page.locator(f"#cluster-{cluster} h3 .dot").evaluate("dot => dot.style.background")


def test_the_same_name_merges_and_junk_is_set_aside(page, drawn: Path, tmp_path: Path):
    page.goto(drawn.as_uri())
    name_cluster(page, 1, "  cats and  dogs ")
    name_cluster(page, 2, "cats and dogs")
    name_cluster(page, 4, "Junk")
    assert page.locator("#groups li").all_inner_texts() == [
        "\u00a0cats and dogs: 5 pictures in cluster 1, cluster 2",
        "\u00a0junk, set aside: 2 pictures in cluster 4",
    ]
    assert page.locator("#cluster-1 .name > span").inner_text() == "with cluster 2: 5 pictures together"
    assert page.locator("#cluster-1 h3").inner_text().strip() == "cluster 1: cats and dogs"
    assert _hue(page, 1) == _hue(page, 2) != _hue(page, 0)
    legend = ["cluster 0", *(f"cluster {i} (cats and dogs)" for i in (1, 2)), "cluster 3", "cluster 4 (junk)"]
    assert page.locator(".legend a").all_inner_texts() == legend  # cluster 5 is empty
    assert page.locator("article.junk").evaluate_all("all => all.map((one) => one.id)") == ["cluster-4"]
    page.get_by_label("Sort by").select_option("name")
    assert page.locator("article").evaluate_all("all => all.map((one) => +one.dataset.number)") == [
        1,
        2,
        0,
        3,
        4,
        5,
    ]
    page.get_by_label("Show only").fill("dogs")
    assert page.locator("article:visible").count() == 2
    names = read_names(save_names(page, tmp_path))
    assert (names.model, names.names) == (MODEL, ("", "cats and dogs", "cats and dogs", "", "junk", ""))
    assert names.members[4] == ("<u>7/é.png", "<u>8/é.png")
    assert "Saved: 3 of 6 clusters have a name" in page.locator("#saved").inner_text()


def test_odd_names_are_saved_as_python_writes_them(page, make_results, tmp_path: Path):
    odd = ("👩‍🔬", "'\"\\</script>", "x" * 200, "NO", "7", "a/b: c # d")
    results = make_results([-1] * 6, [0] * 6, range(6), cluster_count=6)
    pictures = random_pictures(6)._replace(paths=[f'{end}".png' for end in "\x7f\u2028\ufeff\\\t猫"])
    draw(tmp_path / "page.html", results, pictures)
    page.goto((tmp_path / "page.html").as_uri())
    for cluster, name in enumerate(odd):
        name_cluster(page, cluster, name)
    expected = Names(MODEL, odd, tuple((path,) for path in pictures.paths))
    saved = save_names(page, tmp_path)
    assert saved.read_text(encoding="utf-8") == names_text(expected)
    assert read_names(saved) == expected
    draw(tmp_path / "page.html", results, pictures, given=odd)
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".name input").evaluate_all("all => all.map((one) => one.value)") == list(odd)
    assert save_names(page, tmp_path).read_text(encoding="utf-8") == names_text(expected)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_named_cards_are_accessible_and_fit(page, drawn: Path, scheme: str, width: int):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(drawn.as_uri())
    for cluster, name in enumerate(["x" * 200, "junk", "cluster 3", "cat", "cat"]):
        name_cluster(page, cluster, name)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_was_typed_is_there_after_a_reload(page, drawn: Path, make_results):
    page.goto(drawn.as_uri())
    page.get_by_label("Name of cluster 0").press_sequentially("bird")  # and no Tab
    page.reload()
    assert page.get_by_label("Name of cluster 0").input_value() == "bird"
    assert "\u00a0bird: 1 picture in cluster 0" in page.locator("#groups li").all_inner_texts()
    results = make_results([-1] * len(CLUSTERS), CLUSTERS, CLUSTERS, cluster_count=6)
    other = RUN._replace(digests={"self_label": "0b" * 32})
    draw(drawn, results, run=other)
    page.goto(drawn.as_uri())
    assert page.get_by_label("Name of cluster 0").input_value() == ""
    draw(drawn, results, given=["fish", *[""] * 5])  # installed since
    page.goto(drawn.as_uri())
    assert page.get_by_label("Name of cluster 0").input_value() == "fish"


def test_a_browser_that_keeps_nothing(page, drawn: Path, tmp_path: Path):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
    )
    page.goto(drawn.as_uri())
    assert "remembers nothing" in page.locator("#names").inner_text()
    name_cluster(page, 0, "bird")
    assert read_names(save_names(page, tmp_path)).names[0] == "bird"


def test_the_number_of_another_cluster_is_no_name(page, drawn: Path, tmp_path: Path):
    page.goto(drawn.as_uri())
    name_cluster(page, 0, "cluster 1")
    page.get_by_role("button", name="Save clusters.yaml").click()
    assert page.locator("#saved").inner_text().startswith("Not saved. Cluster 0: “cluster 1” is another cluster")
    name_cluster(page, 1, "cluster 1")
    assert read_names(save_names(page, tmp_path)).names[:2] == ("cluster 1", "cluster 1")


def test_by_keyboard_alone(page, drawn: Path, tmp_path: Path):
    page.goto(drawn.as_uri())
    page.get_by_label("Name of cluster 0").focus()
    for name in "abcdef":
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    with page.expect_download() as waiting:  # after the last one, the button
        page.keyboard.press("Enter")
    waiting.value.save_as(tmp_path / "saved.yaml")
    assert read_names(tmp_path / "saved.yaml").names == tuple("abcdef")


def test_a_click_on_save_counts_while_a_name_is_being_typed(page, drawn: Path, tmp_path: Path):
    page.goto(drawn.as_uri())
    page.get_by_label("Name of cluster 1").click()
    page.keyboard.type("hats")  # and no blur: the click ends the typing, which adds a line to the list of names
    assert read_names(save_names(page, tmp_path)).names[1] == "hats"


def test_names_on_the_map(page, drawn: Path):
    page.goto(drawn.as_uri())
    name_cluster(page, 2, "cat")
    name_cluster(page, 1, "cat")
    page.locator("#canvas").scroll_into_view_if_needed()
    page.evaluate("whole()")
    row = page.evaluate("cluster.indexOf(2)")
    place = page.evaluate("i => ({x: left + scale * x[i] + 1, y: top_ + scale * y[i] + 1})", row)
    page.locator("#canvas").hover(position=place)
    assert page.locator("#tip span").inner_text().startswith("cluster 2 (cat), confidence")
    colors = page.evaluate("[...palette]")
    assert colors[1] == colors[2] != colors[0]
