import pytest

from scan_core.errors import DataError
from stages.keys import keys_named


@pytest.mark.parametrize(
    ("argument", "said"),
    [("pretext_splits", "pretext.train_splits: no split x"), ("other", "no split x"), (None, "no split x")],
)
def test_the_parameter_behind_an_argument_is_named(argument: str | None, said: str):
    with pytest.raises(DataError) as error, keys_named(), keys_named():
        raise DataError("no split x", argument=argument)
    assert str(error.value) == said
