"""The page's scripts, in headless Chromium: a script at its end uses the page, and writes what it found."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from tests.report.pages import draw

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium")

USE = """
const found = {errors: []};
addEventListener("error", (event) => found.errors.push(event.message));
addEventListener("securitypolicyviolation", (event) => found.errors.push(event.blockedURI));
const numbers_ = () => cards.filter((card) => !card.hidden).map((card) => +card.dataset.number);
const set = (id, value, event) => { byId(id).value = value; byId(id).dispatchEvent(new Event(event)); };
const on = (name, i) => {
  const box = canvas.getBoundingClientRect();
  const at = {clientX: box.left + 1 + left + scale * x[i], clientY: box.top + 1 + top_ + scale * y[i], pointerId: 1};
  canvas.dispatchEvent(new PointerEvent(name, at));
};
canvas.setPointerCapture = () => {};
set("sort", "size", "change");
found.bySize = numbers_();
set("filter", "class 1", "input");
found.filtered = numbers_();
found.count = byId("count").textContent;
canvas.scrollIntoView();
on("pointermove", 0);
found.tip = tip.hidden ? null : tip.lastChild.textContent;
found.expected = `cluster ${cluster[0]} (class ${cluster[0]}), confidence 0.90\\n${data.paths[0]}`;
on("pointerdown", 0);
on("pointerup", 0);
found.opened = [location.hash, `#cluster-${cluster[0]}`];
const before = scale;
byId("in").click();
canvas.dispatchEvent(new KeyboardEvent("keydown", {key: "-"}));
found.zoom = scale / before;
requestAnimationFrame(() => {
  const ink = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  found.drawn = ink.some((value) => value > 0);
  found.wide = document.documentElement.scrollWidth > innerWidth;
  document.title = JSON.stringify(found);
});
"""


def _open(page: Path, width: int) -> dict:
    command = [CHROMIUM, "--headless", "--disable-gpu", f"--window-size={width},900", "--virtual-time-budget=2000"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    done = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    return json.loads(unescape(re.findall("<title>(.*?)</title>", done.stdout, re.DOTALL)[0]))


@pytest.mark.parametrize("width", [1280, 500])
def test_cards_and_map_can_be_used(make_results, tmp_path: Path, width: int):
    clusters = [0, 1, 1, 1, 2, 2]
    text = draw(tmp_path / "page.html", make_results(clusters, clusters, clusters, cluster_count=3))
    page = tmp_path / "used.html"
    page.write_text(text.replace("</body>", f"<script>{USE}</script></body>"), encoding="utf-8")
    found = _open(page, width)
    assert found["errors"] == []
    assert found["bySize"] == [1, 2, 0]
    assert (found["filtered"], found["count"]) == ([1], "1 of 3")
    assert found["tip"] == found["expected"]
    assert found["opened"][0] == found["opened"][1]
    assert found["zoom"] == pytest.approx(1.5 * 0.8)
    assert found["drawn"]
    assert not found["wide"]
