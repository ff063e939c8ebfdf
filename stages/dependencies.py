"""Which code can change a stage's artifacts: dvc.yaml lists it, and a killed training must find it unchanged.

``python -m stages.dependencies`` prints the list of every stage.
"""

import ast
from functools import cache
from pathlib import Path

PACKAGES = ("scan_core", "stages")
ROOT = Path(__file__).resolve().parent.parent

EXEMPT = ("scan_core/errors.py", "scan_core/console", "scan_core/machine", "stages")
"""Messages, validation, tools for people, and what fits the work to a machine: an edit of these changes no artifact
beyond rounding, so it must rerun nothing. Of ``stages``, only a stage's own file counts."""


def folders(stage: Path) -> list[str]:
    """Return what dvc.yaml lists for ``stage`` (a file): the file, and the folders of :func:`modules`, sorted."""
    found = modules(stage)
    return sorted({path if path.startswith("stages/") else str(Path(path).parent) for path in found})


def modules(stage: Path) -> list[str]:
    """Return the modules that ``stage`` (a file) imports, itself included: transitively, also within functions.

    Returns:
        Paths relative to the project's root, sorted, without empty and exempt modules.
    """
    found: set[Path] = set()
    waiting = [stage.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found and (path == stage.resolve() or not _exempt(path)):
            found.add(path)
            waiting.extend(_imports(path))
    return sorted(path.relative_to(ROOT).as_posix() for path in found if path.read_bytes())


def _exempt(path: Path) -> bool:
    return any(path.is_relative_to(ROOT / name) for name in EXEMPT)


@cache
def _imports(path: Path) -> list[Path]:
    names = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = [ROOT / (name.replace(".", "/") + ".py") for name in names if name.split(".")[0] in PACKAGES]
    return [file for file in files if file.is_file()]


if __name__ == "__main__":
    for stage in sorted((ROOT / "stages").glob("*.py")):
        if "run(main)" in stage.read_text(encoding="utf-8"):
            print(f"{stage.stem}:", *folders(stage), sep="\n  - ")
