from pathlib import Path

import pytest

from scan_core.datasets.source import local_path, locate
from scan_core.errors import DataError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, None),
        ("../shared", Path("/root/../shared")),
        ("/elsewhere", Path("/elsewhere")),
        ("https://example.org/a.tar.gz", "https://example.org/a.tar.gz"),
        ("file:///with%20space/a", Path("/with space/a")),
    ],
)
def test_locate(source, expected):
    assert locate(source, root=Path("/root"), key="data.source") == expected


@pytest.mark.parametrize("source", ["ftp://example.org/a", "s3://bucket/a", "file://host/a"])
def test_locate_other_schemes(source):
    with pytest.raises(DataError, match=r"expected a path or a URL that starts with http://"):
        locate(source, root=Path(), key="data.source")


@pytest.mark.parametrize("source", [None, "https://example.org/a", Path("/nowhere"), Path("/" + "x" * 300)])
def test_local_path_errors_say_what_is_expected(source):
    with pytest.raises(DataError, match=r"expected .*a folder of hats"):
        local_path(source, name="hats", expected="a folder of hats")


@pytest.mark.parametrize("source", ["~nobody_of_this_name/a", "http://[::1"])
def test_locate_names_the_parameter(source):
    with pytest.raises(DataError, match=r"^data\.labels: .*; correct it$"):
        locate(source, root=Path(), key="data.labels")
