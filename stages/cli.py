"""How each stage starts and ends: typer's options, one-line errors, a non-zero exit status for every failure."""

import sys
from collections.abc import Callable

import typer

from scan_core.errors import ScanError


def run(main: Callable[..., None]) -> None:
    """Run a stage's ``main`` from the command line.

    A known error is printed as one line and ends with exit status 1; Ctrl-C ends with 130.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    try:
        app(standalone_mode=True)
    except ScanError as error:
        fail(str(error))
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        fail(
            f"out of memory ({str(error).splitlines()[0]}); lower pretext.batch_size, scan.batch_size or "
            "self_label.batch_size (whichever stage this is), encoder.width or data.image_size"
        )
    except KeyboardInterrupt:
        print("interrupted; the same command starts again, a training after its last finished epoch", file=sys.stderr)
        sys.exit(130)


def fail(message: str) -> None:
    """Print ``message`` as an error and end with exit status 1."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _out_of_memory(error: Exception) -> bool:
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
