from scan_core.clustering.collapse import collapse_warning, few_confident_warning


def test_even_clusters_need_no_warning():
    assert collapse_warning(used=10, clusters=10, largest=0.2) is None
    assert collapse_warning(used=2, clusters=2, largest=0.7) is None  # 1.5 times an equal share is 0.75


def test_an_empty_or_a_huge_cluster_is_told():
    assert "9 of 10 clusters hold an image" in str(collapse_warning(used=9, clusters=10, largest=0.2))
    assert "the largest holds 60%" in str(collapse_warning(used=10, clusters=10, largest=0.6))


def test_few_confident_images_are_told():
    assert few_confident_warning(confident=50, images=1000, threshold=0.9) is None
    message = str(few_confident_warning(confident=49, images=1000, threshold=0.9))
    assert "only 49 of 1000 images had a probability above 0.9" in message
    assert "lower self_label.threshold" in message
