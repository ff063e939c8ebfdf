"""Read what a person types after a preset's name: a path, or KEY=VALUE."""

import difflib
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from ruamel.yaml import YAML

from scan_core.errors import ParamsError
from stages.params import Params
from stages.params_file import NOT_YAML

ALIASES = {"clusters": "scan.clusters"}
"""What a person may write for a key."""

UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")
"""Line breaks, control characters and bytes that are no UTF-8, by their category in Unicode."""


def set_all(values: dict[str, Any], arguments: Sequence[str]) -> None:
    """Set what ``arguments`` say in ``values``, sections of params.yaml; a path that exists is ``data.source``.

    What a key of text is set to is taken as it was typed: ``null`` alone is none.

    Raises:
        ParamsError: two paths, an unknown key, no value, or a character of ``UNWRITABLE``.
    """
    arguments = [os.path.expanduser(argument) for argument in arguments]  # noqa: PTH111, "~/my pictures" was quoted
    places = [argument for argument in arguments if os.path.exists(argument)]  # noqa: PTH110, it raises at long ones
    if len(places) > 1:
        raise ParamsError(f"{', '.join(places)}: {len(places)} paths, expected one, that of the pictures")
    for argument in arguments:
        if any(unicodedata.category(character) in UNWRITABLE for character in argument):
            raise ParamsError(f"{argument!r}: has a character that params.yaml cannot hold; rename the folder")
        if argument in places:
            values["data"]["source"] = argument
        else:
            _set(values, argument)


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key with the sections that it is in, ``scan.clusters``, and its value; sections, too."""
    for key, value in values.items():
        yield prefix + key, value
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    key = ALIASES.get(key, key)
    *sections, leaf = key.split(".")
    place: Any = values
    for section in sections:
        place = place.get(section) if isinstance(place, Mapping) else None
    if not equals:
        missing = f"{override}: nothing is there; " if os.sep in override else f"{override}: "
        raise ParamsError(
            f"{missing}expected KEY=VALUE, clusters=8 for instance, or a path that exists, in quotation marks if it "
            "has a blank"
        )
    if not isinstance(place, dict) or leaf not in place:
        near = difflib.get_close_matches(key, [name for name, _ in leaves(values)], n=1)
        raise ParamsError(f"{key}: no such key in params.yaml" + "".join(f"; did you mean {name}?" for name in near))
    place[leaf] = (None if text == "null" else text) if _holds_text(key) else _yaml_value(override, text)


def _yaml_value(override: str, text: str) -> Any:
    try:
        return YAML(typ="safe").load(text)
    except NOT_YAML as error:
        raise ParamsError(f"{override}: {text!r} is not a YAML value ({' '.join(str(error).split())})") from None


def _holds_text(key: str) -> bool:
    """Say whether the schema has text for ``key``."""
    annotation: Any = Params
    for part in key.split("."):
        sections = [each for each in _types(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
        annotation = sections[0].model_fields[part].annotation if sections else None
    types = _types(annotation)
    return str in types and not {int, float, bool} & types


def _types(annotation: Any) -> set[Any]:
    """Return the types in a union or an annotation, but not those within a container."""
    arguments = () if get_origin(annotation) is tuple else get_args(annotation)
    return {annotation}.union(*(_types(each) for each in arguments if not isinstance(each, str | int | float)))
