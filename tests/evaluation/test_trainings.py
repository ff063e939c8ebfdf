from scan_core.evaluation.trainings import Trainings, read_trainings

LEARNED = {
    "pretext": {"epochs": 50, "at_chance_until": 2, "chance": 5.5},
    "scan": {"epochs": 15, "at_chance_until": 0, "consistency": 0.5},
    "self_label": {"epochs": 4, "refused": None},
}


def test_nothing_to_tell():
    assert read_trainings(LEARNED) == Trainings(4, 0.5, ())
    assert read_trainings({}) == Trainings()


def test_chance_and_refusal_are_repeated():
    refused = {"trained": 3, "confident": 0, "taught": 0, "lost": 0, "threshold": 0.8}
    told = read_trainings(
        {
            "pretext": {**LEARNED["pretext"], "at_chance_until": 30},
            "scan": {**LEARNED["scan"], "at_chance_until": 15, "consistency": 2.29},
            "self_label": {"epochs": 0, "refused": refused},
        }
    )
    assert [message.split(":")[0] for message in told.warnings[:2]] == ["pretext-train", "scan-train"]
    assert "no image is assigned with a probability above 0.8" in told.warnings[2]
    assert told.self_label_epochs == 0
    assert told.scan_is_trivial(clusters=10)  # ln 10 is 2.303
    assert not told.scan_is_trivial(clusters=12)
