import pytest

from stages.plan_table import duration, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "1.5 min"), (3600, "60 min"), (6000, "1.7 h"), (10 * 86400, "10 days")],
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(5, "5B"), (1024, "1K"), (1_500_000, "1.43M"), (1023 * 2**30, "1023G"), (2**40, "1T")]
)
def test_bytes(count: int, text: str):
    assert size(count) == text
