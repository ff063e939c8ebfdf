import pytest

from scan_core.errors import DataError
from stages.cli import run


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DataError("pictures: missing"), 1, "error: pictures: missing\n"),
        (
            MemoryError("Unable to allocate 9 GiB"),
            1,
            "error: out of memory (Unable to allocate 9 GiB); lower batch_size",
        ),
        (RuntimeError("CUDA out of memory. Tried\nmore"), 1, "error: out of memory (CUDA out of memory. Tried); lower"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), 1, "error: out of memory"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command"),
    ],
)
def test_failures_end_with_one_line(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def main(name: str = "x") -> None:
        """Fail."""
        raise error

    monkeypatch.setattr("sys.argv", ["stage"])
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == status
    assert capsys.readouterr().err.startswith(said)


def test_an_unexpected_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def main() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("sys.argv", ["stage"])
    with pytest.raises(RuntimeError, match="a bug"):
        run(main)


def test_help_shows_the_docstring(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def main(name: str = "x") -> None:
        """Reads this; writes that."""

    monkeypatch.setattr("sys.argv", ["stage", "--help"])
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == 0
    assert "Reads this; writes that." in capsys.readouterr().out
