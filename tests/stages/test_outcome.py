"""The line that a run ends with."""

import json

import pytest

from scan_core.errors import ArtifactError
from stages.outcome import main, outcome
from stages.paths import DETAILS, METRICS

FIGURES = {"clusters": 10, "clusters_used": 10, "images_evaluated": 1797, "clusters_mean_nothing": 0}


def test_with_labels_the_accuracy_is_told_and_that_of_k_means():
    figures = {**FIGURES, "acc": 0.97, "kmeans_acc": 0.9, "kmeans_raw_acc": 0.8, "dec_acc": 0.95}
    assert outcome(figures) == (
        "1,797 images in 10 clusters, with an accuracy of 0.970, that of k-means on the embeddings 0.900; open "
        "reports/report.html"
    )
    assert "that of k-means on the pixels 0.980;" in outcome({**figures, "kmeans_pixels_acc": 0.98})


def test_with_more_clusters_than_classes_both_accuracies_are_told():
    figures = {**FIGURES, "clusters": 20, "clusters_used": 20, "acc": 0.52, "acc_many_to_one": 0.97}
    assert outcome({**figures, "classes": 10}).startswith(
        "1,797 images in 20 clusters, with an accuracy of 0.520 one-to-one, where 10 clusters without a class count as "
        "wrong, 0.970 many-to-one; open"
    )
    assert "one-to-one" not in outcome({**figures, "classes": 20})
    beside = {"kmeans_acc": 0.9, "kmeans_acc_many_to_one": 0.91, "kmeans_raw_acc_many_to_one": 0.93}
    said = outcome({**figures, **beside, "classes": 10})
    assert "0.970 many-to-one, that of k-means on the embeddings before they are normalized 0.930 many-to-one;" in said


def test_without_labels_it_does_not_sound_surer_than_it_is():
    said = outcome({**FIGURES, "images_evaluated": 1, "clusters": 2, "clusters_used": 2, "confidence": 0.9})
    assert said.startswith("1 image in 2 clusters, with a mean confidence of 0.90 (without labels, nothing tells")


def test_clusters_that_hold_no_image_are_not_counted_as_found():
    few = {**FIGURES, "images_evaluated": 60, "clusters": 40, "clusters_used": 20, "confidence": 0.4}
    assert outcome(few).startswith("60 images in 40 clusters, 20 of them empty, with a mean confidence")
    assert outcome({**few, "clusters_used": 40}).startswith("60 images in 40 clusters, with a mean confidence")
    labeled = {**few, "acc": 0.5, "acc_many_to_one": 0.6}
    assert "where 10 clusters without a class count as wrong" in outcome({**labeled, "classes": 10})
    assert "one-to-one" not in outcome({**labeled, "classes": 30})


def test_clusters_that_mean_nothing_are_no_result():
    said = outcome({**FIGURES, "acc": 0.2, "clusters_mean_nothing": 1})
    assert "0.2" not in said
    assert "mean nothing" in said


@pytest.mark.usefixtures("empty")
def test_the_command_reads_the_last_run(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ArtifactError, match=r"details\.json: missing; dvc repro writes it"):
        main()
    for path, figures in ((DETAILS, FIGURES), (METRICS, {"clusters": 10, "acc": 0.97})):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(figures))
    main()
    assert capsys.readouterr().out.startswith("1,797 images in 10 clusters, with an accuracy of 0.970; open")
    METRICS.write_text("[")
    with pytest.raises(ArtifactError, match=r"evaluate\.json: no JSON object"):
        main()
