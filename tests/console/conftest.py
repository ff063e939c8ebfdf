"""Results to tell of, as those of evaluation."""

from tests.evaluation.conftest import make_results

__all__ = ["make_results"]
