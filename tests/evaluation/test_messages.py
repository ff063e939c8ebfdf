from scan_core.evaluation.messages import summary, warnings

LABELS = [0, 0, 1, 1, 2, 2]


def test_nothing_to_warn_of(make_results):
    assert warnings(make_results(LABELS, LABELS, LABELS, cluster_count=3)) == []


COLLAPSED = [0, 0, 0, 0, 0, 1]


def test_collapse_names_the_parameter(make_results):
    found = warnings(make_results(LABELS, COLLAPSED, COLLAPSED, cluster_count=3))
    assert found == [
        f"{step}: 2 of 3 clusters hold an image, and the largest holds 83% of them; where this is not wanted, raise "
        "scan.entropy_weight, or lower scan.clusters if there are fewer kinds of images"
        for step in ("scan", "self_label")
    ]


def test_collapse_in_self_labeling_alone_is_not_blamed_on_scan(make_results):
    (found,) = warnings(make_results(LABELS, LABELS, COLLAPSED, cluster_count=3))
    assert found.startswith("self_label: 2 of 3 clusters")
    assert "lower self_label.learning_rate or self_label.epochs" in found


def test_half_the_images_is_no_collapse_of_two_clusters(make_results):
    assert warnings(make_results([0] * 6, [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1], cluster_count=2)) == []


def test_missing_labels_are_said(make_results):
    results = make_results([-1] * 6, LABELS, LABELS, cluster_count=3)
    assert warnings(results) == ["no labels: label-free figures only"]
    assert "ACC" not in summary(results)
    assert "on 6 evaluated images, none of them labeled" in summary(results)


def test_summary_fits_80_columns(make_results):
    results = make_results(
        LABELS, LABELS, LABELS, cluster_count=3, baselines={"kmeans_pixels": [0] * 6}, purity=[1, 0.5]
    )
    lines = summary(results).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["self_label", "1.0000", "1.0000", "1.0000", "1.0000"]
    assert lines[3].split() == ["kmeans_pixels", "0.3333", "0.0000", "0.0000", "0.3333"]
    assert lines[4] == "purity of the 2 nearest neighbors: 0.5000"
