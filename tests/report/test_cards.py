import numpy as np
import pytest

from scan_core.report.cards import Share, cards, share_nearer


def _on_circle(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_share_nearer_by_hand():
    # Centers at 0 (of -30 and 30 and 0) and 60 (of 50 and 70): of cluster 0, 30 ties; 31 would be nearer to 60.
    embeddings = _on_circle(-34, 0, 34, 50, 70)
    shares = share_nearer(embeddings, np.array([0, 0, 0, 1, 1]), cluster_count=3)
    assert shares == pytest.approx(np.array([[0, 1 / 3, 0], [0, 0, 0], [0, 0, 0]]))


def test_an_empty_cluster_is_close_to_none():
    # Against the own center, all images have a negative or lower similarity than 0, which an empty center would give.
    embeddings = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    assert share_nearer(embeddings, np.array([1, 1]), cluster_count=2).tolist() == [[0, 0], [0, 0]]


def test_cards_by_hand(make_results):
    results = make_results([0, 0, 1, 2, -1, 1], [0] * 6, [0, 0, 0, 0, 0, 1], cluster_count=3)
    found = cards(results.self_label, results.truth, _on_circle(0, 1, 2, 3, 4, 90), ["a", "b", "c"], count=2)
    assert [(card.name, card.size, card.mixed) for card in found] == [("a", 5, False), ("b", 1, False), ("c", 0, False)]
    # Half of cluster 0's four labeled images are of class 0.
    assert found[0].classes == [Share(0, 0.5), Share(1, 0.25), Share(2, 0.25)]
    assert found[0].share == pytest.approx(5 / 6)
    assert found[0].typical[0] == 2  # the mean is at 2 degrees
    assert found[0].uncertain.tolist() == [0, 1]  # all are equally sure
    assert set(found[0].random) < set(range(5))
    assert found[1].shown.tolist() == [5, 5, 5]
    assert (found[2].confidence, len(found[2].shown), found[2].classes, found[2].close) == (0, 0, [], [])


def test_mixed_has_no_class_with_half(make_results):
    results = make_results([0, 0, 1, 2, 1], [0] * 5, [0] * 5, cluster_count=2)
    card = cards(results.self_label, results.truth, _on_circle(*range(5)), ["a", "b"], count=1)[0]
    assert card.mixed
    assert card.classes[0] == Share(0, 0.4)


def test_a_card_shows_each_picture_once(make_results):
    # Pictures 0 to 3 are copies; all are equally certain, so the first ones come first.
    results = make_results([-1] * 7, [0] * 7, [0] * 7, cluster_count=2)
    card = cards(results.self_label, results.truth, _on_circle(5, 5, 5, 5, 10, 15, 20), ["a", "b"], count=4)[0]
    for shown in (card.typical, card.random, card.uncertain):
        assert len(shown) == 4
        assert len(set(shown) & {0, 1, 2, 3}) == 1
