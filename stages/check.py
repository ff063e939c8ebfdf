"""Check params.yaml before anything runs: ``python -m stages.check``."""

from pathlib import Path
from typing import Annotated

import typer

from stages.cli import run
from stages.params_file import load_params
from stages.paths import PARAMS


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Check every value of params.yaml, and that no picture lies where a run would remove it.

    Each stage does so, too; but DVC removes a stage's outputs before it starts the stage.
    """
    load_params(params)


if __name__ == "__main__":
    run(main)
