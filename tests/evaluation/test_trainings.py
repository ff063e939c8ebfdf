from scan_core.evaluation.trainings import Trainings, read_trainings


def test_facts_of_the_metadata():
    assert read_trainings({"scan": {"consistency": 0.5}, "self_label": {"epochs": 4}}) == Trainings(4, 0.5)
    assert read_trainings({}) == Trainings(0, 0.0)


def test_a_consistency_at_chance_is_trivial():
    found = Trainings(scan_consistency=2.29)
    assert found.scan_is_trivial(clusters=10)  # ln 10 is 2.303
    assert not found.scan_is_trivial(clusters=12)
