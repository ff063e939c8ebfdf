"""Which leaves of params.yaml a stage reads while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stages.augmentation_params import Section
from stages.params import Params
from stages.params_file import load_params


def leaves(section: Section, prefix: str = "") -> Iterator[str]:
    """The names of all values below ``section``: ``scan.epochs`` for instance."""
    for name, value in vars(section).items():
        yield from leaves(value, f"{prefix}{name}.") if isinstance(value, Section) else [f"{prefix}{name}"]


def sections(section: Section, prefix: str = "") -> Iterator[tuple[str, Section]]:
    """``section`` and all sections below it, each with what its leaves' names begin with: ``scan.`` for instance."""
    yield prefix, section
    for name, value in vars(section).items():
        if isinstance(value, Section):
            yield from sections(value, f"{prefix}{name}.")


@contextmanager
def recorded(stage: ModuleType) -> Iterator[set[str]]:
    """The leaves that ``stage`` reads within the block, after the whole file has been checked.

    To write sections down as they are, ``model_dump(mode="json")``, is to read none of them.
    """
    read: set[str] = set()
    known: dict[int, tuple[str, Section]] = {}

    def load(path: Path) -> Params:
        config = load_params(path)
        know(config)
        return config

    def know(section: Section, prefix: str = "") -> None:
        known.update((id(each), (start, each)) for start, each in sections(section, prefix))

    def attribute(section: Section, name: str) -> Any:
        value = object.__getattribute__(section, name)
        if id(section) in known and name in type(section).model_fields and not isinstance(value, Section):
            read.add(known[id(section)][0] + name)
        return value

    def dump(section: Section, **options: Any) -> dict[str, Any]:
        if id(section) in known and options.get("mode") != "json":
            read.update(leaves(section, known[id(section)][0]))
        return model_dump(section, **options)

    def copy(section: Section, **options: Any) -> Section:
        copied = model_copy(section, **options)
        if id(section) in known:
            know(copied, known[id(section)][0])
        return copied

    model_dump, model_copy = Section.model_dump, Section.model_copy
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "load_params", load)
        patch.setattr(Section, "__getattribute__", attribute)
        patch.setattr(Section, "model_dump", dump)
        patch.setattr(Section, "model_copy", copy)
        yield read
