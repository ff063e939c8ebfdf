from pathlib import Path

from scan_core.report.charts import Source, cluster_number_chart, curves, pictures_in, result_charts


def test_a_curve_says_its_range(tmp_path: Path):
    (tmp_path / "loss.tsv").write_text("step\tloss\n0\t4\n1\t3\n2\tnan\n3\t2\n")
    (tmp_path / "short.tsv").write_text("step\tloss\n0\t4\n")
    sources = [Source(name, tmp_path / f"{name}.tsv") for name in ("loss", "short", "missing")]
    (curve,) = curves(sources)
    assert (curve.title, curve.note) == ("loss", "3 epochs, 2 to 4, last 2")
    assert [tick.text for tick in curve.x_ticks] == ["1", "2", "3", "4"]


def test_pictures_are_held(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"abc")
    (picture,) = pictures_in([Source("a", tmp_path / "a.png"), Source("b", tmp_path / "b.png")])
    assert picture == ("a", "data:image/png;base64,YWJj")


def test_chart_of_the_number_of_clusters(tmp_path: Path):
    source = Source("how many", tmp_path / "curve.csv")
    assert cluster_number_chart(source, "") == []
    source.path.write_text("clusters,silhouette,modularity,agreement,fit\n2,0.1,0.5,0,0.05\n3,0.2,0.6,0.1,0.12\n")
    (chart,) = cluster_number_chart(source, "take 3")
    assert [line.name for line in chart.lines] == ["fit", "silhouette", "modularity", "agreement"]
    assert chart.note == "take 3"


def test_charts_of_the_results(make_results):
    labels, clusters = [0, 0, 1, 1], [0, 0, 1, 0]
    labeled = make_results(labels, clusters, clusters, cluster_count=2, purity=[1, 0.5])
    # All pictures are equally confident: one point of each confidence curve, and thus no line.
    assert [chart.title for chart in result_charts(labeled)] == [
        "How often the k nearest neighbors are of a picture's class"
    ]
    assert result_charts(make_results([-1] * 4, clusters, clusters, cluster_count=2)) == []
