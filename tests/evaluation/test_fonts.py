import warnings

import numpy as np

from scan_core.evaluation import fonts
from scan_core.evaluation.figure import look
from scan_core.evaluation.fonts import drawable
from scan_core.evaluation.plots import plot_cluster_sizes


def test_drawable_names_stay(capsys):
    assert drawable(["Käfer", "кот", "$x$"]) == ("Käfer", "кот", "$x$")
    assert capsys.readouterr().err == ""


def test_names_that_no_font_has_are_numbers_with_one_warning(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(fonts, "families", lambda: [fonts.USUAL])
    names = drawable(["狗", "cat", "猫"])
    assert names == ("class 0", "cat", "class 2")
    told = capsys.readouterr().err
    assert told.count("no installed font has") == 1
    assert "2 classes by their numbers" in " ".join(told.split())
    with warnings.catch_warnings(), look():
        warnings.simplefilter("error")
        plot_cluster_sizes(np.array([1, 2, 3]), None, names).savefig(tmp_path / "a.png")


def test_a_font_that_is_installed_is_asked(monkeypatch):
    # The usual font has no Chinese character; another one that had it would be taken.
    asked = []

    class Font:
        def get_char_index(self, code):
            asked.append(code)
            return 1

    monkeypatch.setattr(fonts, "get_font", lambda path: Font())
    assert drawable(["狗"]) == ("狗",)
    assert set(asked) == {ord("狗")}
