from scan_core.console.words import counted, duration


def test_one_is_singular():
    assert [counted(number, "picture") for number in (0, 1, 2062)] == ["0 pictures", "1 picture", "2,062 pictures"]
    assert [counted(number, "class", "classes") for number in (1, 2)] == ["1 class", "2 classes"]


def test_times_are_short():
    assert [duration(seconds) for seconds in (None, 3.4, 200, 7_500)] == ["-", "3 s", "3 min 20 s", "2 h 05 min"]
