from pathlib import Path

from scan_core.report.charts import Source, charts, curves


def test_curve_by_hand(tmp_path: Path):
    (tmp_path / "loss.tsv").write_text("step\tloss\n0\t4\n1\t3\n2\tnan\n3\t2\n")
    (curve,) = curves([Source("loss", tmp_path / "loss.tsv"), Source("none", tmp_path / "none.tsv")])
    assert curve.points == "0.0,0.0 160.0,60.0 320.0,120.0"
    assert (curve.lowest, curve.highest, curve.last, curve.epochs) == (2, 4, 2, 3)


def test_a_single_epoch_is_no_curve(tmp_path: Path):
    (tmp_path / "loss.tsv").write_text("step\tloss\n0\t4\n")
    assert curves([Source("loss", tmp_path / "loss.tsv")]) == []


def test_charts_hold_the_picture(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"abc")
    (chart,) = charts([Source("a", tmp_path / "a.png"), Source("b", tmp_path / "b.png")])
    assert chart == ("a", "data:image/png;base64,YWJj")
