import numpy as np
import pytest

from scan_core.evaluation.results import details, step_result
from scan_core.training.chance import Usage
from stages.advice import MEANINGLESS
from stages.evaluate_messages import summary, warnings

LABELS = [0, 0, 1, 1, 2, 2]


def test_nothing_to_warn_of(make_results):
    assert warnings(make_results(LABELS, LABELS, LABELS, cluster_count=3)) == []


COLLAPSED = [0, 0, 0, 0, 0, 1]


def test_collapse_names_the_parameter(make_results):
    found = warnings(make_results(LABELS, COLLAPSED, COLLAPSED, cluster_count=3, self_label_epochs=3))
    assert found == [
        f"{step}: 2 of 3 clusters hold an image, and the largest holds 83% of them; if you do not want that, raise "
        "scan.entropy_weight, or lower scan.clusters if there are fewer classes "
        "(see reports/count_clusters/curve.png)"
        for step in ("scan", "self_label")
    ]


def test_a_scan_model_that_passed_through_is_told_once(make_results):
    assert len(warnings(make_results(LABELS, COLLAPSED, COLLAPSED, cluster_count=3))) == 1


def test_collapse_in_self_labeling_alone_is_not_blamed_on_scan(make_results):
    (found,) = warnings(make_results(LABELS, LABELS, COLLAPSED, cluster_count=3, self_label_epochs=3))
    assert found.startswith("self_label: 2 of 3 clusters")
    assert "lower self_label.learning_rate or self_label.epochs" in found


@pytest.mark.parametrize("scan", [COLLAPSED, LABELS])
def test_uniform_predictions_are_told_first_and_no_entropy_weight_is_advised(make_results, scan: list[int]):
    results = make_results(LABELS, scan, scan, cluster_count=3)
    uniform = results.scan.probabilities * 0.01 + 0.99 / 3
    results = results._replace(scan=step_result(uniform, results.truth, selection_loss=None))
    assert results.meaningless
    assert warnings(results, ["scan-train: uniform"]) == [MEANINGLESS, "scan-train: uniform"]


def test_the_prior_for_all_images_is_no_collapse(make_results):
    results = make_results(LABELS, LABELS, LABELS, cluster_count=3)
    same = np.tile(np.float32([0.9, 0.05, 0.05]), (6, 1))
    results = results._replace(scan=step_result(same, results.truth, selection_loss=None))
    assert warnings(results, prior=[18.0, 1.0, 1.0]) == [MEANINGLESS]
    assert "raise scan.entropy_weight" in warnings(results)[1]


def test_one_cluster_means_nothing(make_results):
    results = make_results(LABELS, [0] * 6, [0] * 6, cluster_count=3)
    assert warnings(results)[0] == MEANINGLESS


def test_images_of_one_class_to_evaluate_are_no_collapse_of_the_training(make_results):
    trained = Usage(clusters_used=3, largest_cluster=0.4, entropy=1.09, information=1.0)
    further = {"cluster_count": 3, "self_label_epochs": 3, "in_training": trained}
    results = make_results([0] * 15, [0] * 15, [0] * 15, **further)
    assert not results.meaningless
    (told,) = warnings(results)
    assert told.startswith("the images to evaluate lie in 1 of 3 clusters, the largest with 100% of them, and those")
    assert warnings(make_results([0] * 14, [0] * 14, [0] * 14, **further)) == []  # too few to say so
    collapsed = results._replace(in_training=trained._replace(clusters_used=1, largest_cluster=1.0))
    assert warnings(collapsed)[0] == MEANINGLESS


def test_what_was_rejected_stays_in_the_tables(make_results):
    rejected = make_results(LABELS, LABELS, COLLAPSED, cluster_count=3).self_label
    results = make_results(LABELS, LABELS, LABELS, cluster_count=3, rejected=rejected)
    assert [line.split()[0] for line in summary(results).splitlines()[1:4]] == ["scan", "rejected", "on"]
    assert details(results)["rejected_acc"] == 0.5
    unlabeled = make_results([-1] * 6, LABELS, LABELS, cluster_count=3, rejected=rejected)
    assert "rejected" in summary(unlabeled)


def test_half_the_images_is_no_collapse_of_two_clusters(make_results):
    assert warnings(make_results([0] * 6, [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1], cluster_count=2)) == []


def test_missing_labels_are_said(make_results):
    results = make_results([-1] * 6, LABELS, LABELS, cluster_count=3)
    assert warnings(results) == []
    assert "ACC" not in summary(results)
    assert "on 6 evaluated images, none of them labeled" in summary(results)


def test_a_model_that_is_the_scan_step_s_has_one_line(make_results):
    lines = summary(make_results(LABELS, LABELS, LABELS, cluster_count=3)).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == ["scan"]


def test_summary_fits_80_columns(make_results):
    results = make_results(
        LABELS, COLLAPSED, LABELS, cluster_count=3, baselines={"kmeans_pixels": [0] * 6}, purity=[1, 0.5]
    )
    lines = summary(results).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["self_label", "1.0000", "1.0000", "1.0000", "1.0000"]
    assert lines[3].split() == ["kmeans_pixels", "0.3333", "0.0000", "0.0000", "0.3333"]
    assert lines[4] == "purity of the 2 nearest neighbors: 0.5000"


def test_a_long_name_widens_the_table(make_results):
    methods = {"variational_autoencoder": LABELS, "a_method_of_tomorrow": LABELS}
    results = make_results(LABELS, LABELS, LABELS, cluster_count=3, baselines=methods)
    head, *rows, _ = summary(results).splitlines()
    assert {len(head)} == {len(row) for row in rows}
    assert len(head) <= 80
    assert [row.split()[0] for row in rows] == ["scan", *methods]
    assert {f"{method}_acc" for method in methods} < set(details(results))
