"""Read and write the names that a person gives the clusters of one model: ``clusters.yaml``."""

import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.artifacts.model import checksum
from scan_core.errors import DataError

JUNK = "junk"
"""The name of clusters that are set aside."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
NUMBER = re.compile(r"cluster (\d{1,9})")
VISIBLE = "LNPS"
"""Letters, numbers, punctuation and symbols: the first letters of Unicode's categories."""
ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What YAML does not take as it is, beside what JSON escapes."""
HEADER = (
    "# The names of one model's clusters: python -m stages.names installs them. An empty name is no name, the same\n"
)
HEADER += f'# name merges clusters, and "{JUNK}" sets them aside. Members are the surest pictures of a cluster.\n'


class Names(NamedTuple):
    """What a person calls the clusters of one model."""

    model: str
    """As :func:`model_digest` gives it."""
    names: tuple[str, ...]
    """Of each cluster; empty for a cluster without a name."""
    members: tuple[tuple[str, ...], ...]
    """The paths of each cluster's surest images, as ``labels.parquet`` has them."""


def model_digest(path: Path) -> str:
    """Return ``sha256:`` and the SHA-256 of a model's file, by which names know the model that they belong to."""
    return f"sha256:{checksum(path)}"


def names_text(names: Names) -> str:
    """Return what ``clusters.yaml`` holds; text is quoted, so that YAML takes it verbatim."""
    lines = [HEADER, f"model: {names.model}\n", "clusters:\n"]
    for cluster, (name, members) in enumerate(zip(names.names, names.members, strict=True)):
        lines.append(
            f"  - cluster: {cluster}\n    name: {_quoted(name)}\n    members: [{', '.join(map(_quoted, members))}]\n"
        )
    return "".join(lines)


def read_names(path: Path) -> Names:
    """Read ``clusters.yaml``; names are text (also ``NO`` and ``7``), made uniform by :func:`uniform`.

    Raises:
        DataError: no such file, not YAML, something else than a digest and clusters from 0 in order, or a name that
            cannot be shown, or that is the number of another cluster.
    """
    try:
        found = YAML(typ="base", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; save the names on the page of the run first") from error
    except (UnicodeError, YAMLError, RecursionError) as error:
        raise DataError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from error
    if (
        not isinstance(found, dict)
        or not {"model", "clusters"} <= set(found)
        or not isinstance(found["clusters"], list)
    ):
        raise DataError(f"{path}: expected the entries model and clusters; save the names on the page of the run again")
    if not isinstance(found["model"], str) or not DIGEST.fullmatch(found["model"]):
        raise DataError(f"{path}: model is {found['model']!r}, expected sha256: and 64 hexadecimal digits")
    rows = [_row(path, number, row) for number, row in enumerate(found["clusters"])]
    names = tuple(name for name, _ in rows)
    _check_numbers(path, names)
    return Names(found["model"], names, tuple(members for _, members in rows))


def uniform(name: str) -> str:
    """Return the name with single spaces, accents composed, and ``junk`` in small letters.

    Names that look alike are then equal.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    return JUNK if name.lower() == JUNK else name


def _check_numbers(path: Path, names: Sequence[str]) -> None:
    """``cluster 3`` may only be a name that cluster 3 has, too: it would be taken for that cluster."""
    for cluster, name in enumerate(names):
        number = NUMBER.fullmatch(name)
        if number and int(number[1]) < len(names) and names[int(number[1])] != name:
            raise DataError(
                f"{path}: cluster {cluster}: the name {name!r} is another cluster without this name; "
                "give both the same name"
            )


def _row(path: Path, number: int, row: Any) -> tuple[str, tuple[str, ...]]:
    if not isinstance(row, dict) or row.get("cluster") != str(number):
        given = row.get("cluster") if isinstance(row, dict) else row
        raise DataError(f"{path}: {given!r} where cluster {number} was expected; list every cluster once, in order")
    name, members = row.get("name") or "", row.get("members") or []
    if not isinstance(name, str) or not isinstance(members, list) or not all(isinstance(one, str) for one in members):
        raise DataError(f"{path}: cluster {number}: expected a name and a list of members")
    name = uniform(name)
    if bad := [character for character in name if unicodedata.category(character) in ("Cc", "Cs")]:
        raise DataError(f"{path}: cluster {number}: the name has the character {bad[0]!r}; remove it")
    if name and not any(unicodedata.category(character)[0] in VISIBLE for character in name):
        raise DataError(f"{path}: cluster {number}: nothing of the name {name!a} can be seen; give another one")
    return name, tuple(members)


def _quoted(text: str) -> str:
    """As in JSON, which YAML reads verbatim but for a few characters."""
    return ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
