import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from jinja2 import Environment
from PIL import Image

from scan_core.evaluation.results import Results, step_result
from scan_core.evaluation.truth import Truth
from scan_core.report import map_points
from tests.evaluated import predictions
from tests.report.pages import draw, random_pictures

LABELS = [0, 0, 1, 1, 2, -1]
VOID = {"meta", "input", "img", "br"}


class Tags(HTMLParser):
    """All tags with their attributes; fails where one is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        optional = {"tr", "td", "th"}
        while self.open[-1] != tag and self.open[-1] in optional:
            self.open.pop()
        assert self.open.pop() == tag


def test_page_says_what_was_found(make_results, tmp_path: Path):
    clusters = [0, 0, 1, 2, 2, 3]
    results = make_results(LABELS, clusters, clusters, cluster_count=5, baselines={"kmeans": [0, 1] * 3})
    page = draw(tmp_path / "page.html", results)
    # More clusters than classes: of five labeled images, one of the two in cluster 2 is not of its majority class.
    assert "80% of the labeled pictures are of their cluster&#39;s majority class" in page
    assert "with k-means on the embeddings, 40%" in page
    assert "The encoder was trained with: nothing" in page
    assert "raise scan.epochs" in page
    assert "6 pictures in 5 clusters, 1 of them empty" in page
    assert page.partition('class="legend"')[2].partition("</p>")[0].count("<a href") == 4
    assert [f'id="cluster-{cluster}"' in page for cluster in range(6)] == [True] * 5 + [False]
    assert page.count("2 pictures (33%)") == 2
    assert "class 1 (50%), class 2 (50%)" in page


def test_an_empty_cluster_takes_little_place_and_is_matched_to_no_class(make_results, tmp_path: Path):
    page = draw(tmp_path / "page.html", make_results(LABELS, [0] * 6, [0, 0, 1, 1, 1, 1], cluster_count=3))
    empty = [card for card in page.split("<article")[1:] if 'class="empty"' in card]
    assert [re.search(r'id="(.*?)"', card)[1] for card in empty] == ["cluster-2"]
    assert page.count("<small>matched to") == 2
    assert 'data-name="cluster 2"' in empty[0]


def test_page_without_labels(make_results, tmp_path: Path):
    page = draw(tmp_path / "page.html", make_results([-1] * 6, [0, 1] * 3, [0, 0, 1, 1, 2, 2], cluster_count=3))
    assert "there are no labels to check against" in page
    assert "mean confidence is 90%" in page
    assert not re.search("accuracy|labels:|mixed</em>", page.partition("<main>")[2].partition("<script")[0])


def test_page_of_a_run_that_did_not_learn(make_results, tmp_path: Path):
    page = draw(tmp_path / "page.html", make_results(LABELS, [0] * 6, [0] * 6, cluster_count=3))
    assert '<header class="failed">' in page
    assert "these clusters mean nothing" in page
    assert "of the clusters are mixed" not in page


def test_page_loads_nothing(make_results, tmp_path: Path):
    tags = Tags(draw(tmp_path / "page.html", make_results(LABELS, [0] * 6, [0, 0, 1, 1, 2, 2], cluster_count=3)))
    assert {tag for tag, _ in tags.found}.isdisjoint({"link", "iframe", "base", "object"})
    for tag, attributes in tags.found:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
        assert re.findall(r"url\((?!data:)", attributes.get("style") or "") == []
    policy = next(each for tag, each in tags.found if "http-equiv" in each)
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_names_and_paths_are_text(make_results, tmp_path: Path):
    hostile = "</script><b onload='x'>\"é &amp; 狗"
    results = make_results(LABELS, [0] * 6, [0, 0, 1, 1, 2, 2], cluster_count=3)
    results = results._replace(truth=results.truth._replace(names=(hostile, hostile, hostile)))
    page = draw(tmp_path / "page.html", results)
    tags = [tag for tag, _ in Tags(page).found]
    assert tags.count("script") == 2
    assert {"b", "u"} & {tag for tag, attributes in Tags(page).found if "onload" in attributes or tag == "u"} == set()
    assert "&lt;/script&gt;&lt;b onload=&#39;x&#39;&gt;&#34;é &amp;amp; 狗" in page
    assert "&lt;u&gt;0/é.png" in page
    assert "ä&lt;i&gt;.png" in page


def test_equal_runs_give_equal_bytes(make_results, tmp_path: Path):
    results = make_results(LABELS, [0] * 6, [0, 0, 1, 1, 2, 2], cluster_count=3)
    assert draw(tmp_path / "a.html", results) == draw(tmp_path / "b.html", results)


def test_further_thumbnails_lie_beside_the_page(make_results, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(map_points, "IN_PAGE", 2)
    monkeypatch.setattr(map_points, "ON_SHEET", 3)
    results, pictures = make_results(LABELS, [0] * 6, [0, 0, 1, 1, 2, 2], cluster_count=3), random_pictures(6)
    (tmp_path / "named").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "report/map-07.png").write_bytes(b"of an earlier page")
    sheets = map_points.write_sheets(tmp_path / "report", pictures)
    assert sheets == sorted((tmp_path / "report").glob("map-*")) == [tmp_path / f"report/map-0{i}.png" for i in (0, 1)]
    assert (tmp_path / "report/README.txt").exists()  # DVC warns of an empty folder, and most pages need no sheet
    first = np.asarray(Image.open(sheets[0]))  # three thumbnails of 8 x 8, and white
    order = map_points.drawn(6)
    assert np.array_equal(first[:, 8:16].transpose(2, 0, 1), pictures.pixels(order[3:4])[0])
    assert (first[:, 24:] == 255).all()
    page = draw(tmp_path / "named/report.html", results, pictures, sheets=sheets)
    assert '"sheets": ["../report/map-00.png", "../report/map-01.png"]' in page
    assert "2 of the points, drawn at random, have a thumbnail (larger points); those of the others lie in" in page
    before = [path.read_bytes() for path in sheets]
    assert [path.read_bytes() for path in map_points.write_sheets(tmp_path / "report", pictures)] == before
    monkeypatch.setattr(map_points, "MOST_BYTES", len(before[0]))
    assert map_points.write_sheets(tmp_path / "report", pictures) == sheets[:1]
    page = draw(tmp_path / "named/report.html", results, pictures, sheets=sheets[:1])
    assert "those of 3 others lie in ../report/" in page


def test_page_of_a_single_picture(make_results, tmp_path: Path):
    assert "1 picture in 2 clusters" in draw(tmp_path / "page.html", make_results([-1], [0], [1], cluster_count=2))


@pytest.fixture(scope="module")
def thousand() -> Results:
    """Six images in each of 1,000 clusters."""
    clusters = np.arange(6000) % 1000
    truth = Truth(clusters, tuple(f"class {label}" for label in range(1000)))
    step = step_result(predictions(clusters, cluster_count=1000), truth, selection_loss=None)
    return Results(truth, step, step, {}, np.array([1.0]))


def test_thousand_clusters_fit_on_a_page(thousand: Results, tmp_path: Path):
    page = draw(tmp_path / "page.html", thousand, random_pictures(6000, size=64))
    # Random pixels are the worst case: 3,000 + 1,500 thumbnails of 32 x 32, about 1.3 KB each as JPEG, and base64.
    assert len(page) < 6_000_000
    assert page.count("<article") == 1000
    assert page.count("<i style=") == 3000
    assert "1,500 of the points, drawn at random, have a thumbnail" in page


def test_templates_are_whole():
    # Braces of the scripts and styles must not look like those of the template.
    for name in ("page.css", "page.js", "names.css", "names.js"):
        text = (Path(__file__).parents[2] / "scan_core/report/templates" / name).read_text()
        assert Environment().from_string(text).render() + "\n" == text
