"""Which modules can change a stage's artifacts: dvc.yaml lists them, and a killed training must find them unchanged.

``python -m stages.dependencies`` prints the list of every stage.
"""

import ast
from pathlib import Path

PACKAGES = ("scan_core", "stages")
ROOT = Path(__file__).resolve().parent.parent

EXEMPT = (
    "scan_core/advice.py",
    "scan_core/errors.py",
    "scan_core/evaluation/messages.py",
    "scan_core/neighbors/memory.py",
    "scan_core/runtime/cpu_threads.py",
    "scan_core/runtime/freed_memory.py",
    "scan_core/runtime/progress.py",
    "stages/check.py",
    "stages/cli.py",
    "stages/dependencies.py",
    "stages/devices.py",
    "stages/launch.py",
    "stages/lock.py",
    "stages/model_run.py",
    "stages/augmentation_params.py",
    "stages/params.py",
    "stages/params_file.py",
    "stages/paths.py",
    "stages/plan.py",
    "stages/plan_images.py",
    "stages/plan_measure.py",
    "stages/plan_table.py",
    "stages/predict.py",
    "stages/preview.py",
    "stages/sources.py",
    "stages/use.py",
)
"""Messages, validation, names and tools for people: editing them changes no artifact beyond rounding (``devices.py``
decides what is compiled) and fetch's preview of augmentations, so it must rerun nothing."""


def dependencies(stage: Path) -> list[str]:
    """The modules that ``stage`` (a file) imports, itself included, transitively, also within functions.

    Returns:
        Paths relative to the project's root, sorted, without empty and exempt modules.
    """
    found: set[Path] = set()
    waiting = [stage.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found and path.relative_to(ROOT).as_posix() not in EXEMPT:
            found.add(path)
            waiting.extend(_imports(path))
    return sorted(path.relative_to(ROOT).as_posix() for path in found if path.read_bytes())


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
        if "run(main)" in stage.read_text(encoding="utf-8") and stage.relative_to(ROOT).as_posix() not in EXEMPT:
            print(f"{stage.stem}:", *dependencies(stage), sep="\n  - ")
