"""Reading ``params.yaml``: every wrong value is named with its key, what was found and what is allowed."""

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.errors import ParamsError, one_line
from stages.params import Params
from stages.paths import main_root
from stages.sources import check_sources

ALLOWED = ", allowed: "
NOT_YAML = (YAMLError, ValueError, KeyError, RecursionError)
"""What reading YAML can raise: also for text that is not UTF-8, very long numbers and very deep nesting."""


class _Problem(NamedTuple):
    key: str
    message: str


def load_params(path: Path) -> Params:
    """Read and check the whole file, as YAML 1.2 (``1e-4`` is a number).

    Raises:
        ParamsError: every unknown, missing or wrong value, each with its key, what was found and what is allowed.
    """
    try:
        values = YAML(typ="safe").load(path)
    except FileNotFoundError:
        raise ParamsError(
            f"{path}: missing; run from the project's root, or write it: python -m stages.use digits"
        ) from None
    except NOT_YAML as error:
        raise ParamsError(one_line(f"{path}: not valid YAML: {' '.join(str(error).split())}")) from error
    if not isinstance(values, dict):
        raise ParamsError(
            f"{path}: found {type(values).__name__}, expected sections; write it: python -m stages.use digits"
        )
    return check_params(values, origin=str(path))


def check_params(values: dict[str, object], *, origin: str) -> Params:
    """Check ``values``, which came from ``origin``; see :func:`load_params`."""
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        problems: dict[str, str] = {}
        for detail in error.errors():
            key, message = _describe(detail, values)
            other_kind = key in problems and ALLOWED in message  # of value that would be allowed
            problems[key] = f"{problems[key]}, or {message.split(ALLOWED)[1]}" if other_kind else message
        lines = [one_line(f"{origin}: {key or 'params'}: {message}") for key, message in problems.items()]
        raise ParamsError("\n".join(lines)) from None
    check_sources(params, root=main_root(), origin=origin)
    return params


def _describe(detail: object, values: object) -> _Problem:
    assert isinstance(detail, dict)
    parts: list[str] = []
    for part in detail["loc"]:
        if not isinstance(
            values, dict if isinstance(part, str) else (dict, list)
        ):  # what follows names a kind of value
            break
        parts.append(str(part))
        values = values.get(part) if isinstance(values, dict) else values[part]
    key = ".".join(parts)
    if detail["type"] == "extra_forbidden":
        return _Problem(key, f"unknown key (found {detail['input']!r}); remove it or correct its name")
    if detail["type"] == "missing":
        return _Problem(key, "missing; python -m stages.use NAME writes a complete file")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if detail["type"] == "tuple_type":
        message = "a list, such as [first, second]"
    elif isinstance(detail["input"], dict):  # a whole section
        return _Problem(key, message)
    return _Problem(key, f"found {detail['input']!r}{ALLOWED}{message}")
