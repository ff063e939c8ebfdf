"""The paper's tables: ``python -m benchmarks.paper queue table1`` runs one, ``show table1`` prints it."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.paper import results
from benchmarks.paper.copy import default_place, held, renew
from benchmarks.paper.experiments import Run, keep_finished, queue
from benchmarks.paper.show import markdown, plot
from benchmarks.paper.tables import chosen, read_table, setting
from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say, tell
from scan_core.console.words import counted
from stages.cli import one_line_errors
from stages.use import preset_values

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Names = Annotated[list[str], typer.Argument(metavar="TABLE ...", help="Files of tables/, without their ending.")]
Preset = Annotated[str, typer.Option(help="A file of presets/, without its ending.")]
Values = Annotated[
    list[str] | None, typer.Option("--set", "-S", metavar="KEY=VALUE", help="A parameter of all rows; repeatable.")
]


@app.command("queue")
def queue_tables(
    tables: Names,
    preset: Preset = "digits",
    seeds: Annotated[int, typer.Option(min=1, help="So many, from 0.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time, which divide the threads among them.")] = 1,
    rows: Annotated[str, typer.Option(help="Names of rows, separated by commas; by default all.")] = "",
    values: Values = None,
    copy: Annotated[Path | None, typer.Option(help="Where to run; by default in the temporary folder.")] = None,
) -> None:
    """Run what is not in results/ yet, in a copy of the project, by DVC's experiment queue.

    A killed queue goes on when it is called again: finished runs are kept, and so are finished stages, in DVC's cache.
    """
    with one_line_errors():
        place = copy or default_place()
        folder = _folder(preset, values or [])
        with held(place):
            keep_finished(place)
            runs = _runs(tables, preset, seeds=seeds, rows=[row for row in rows.split(",") if row], folder=folder)
            if not runs:
                tell(f"all is in {folder}: python -m benchmarks.paper show {tables[0]} --preset {preset}")
                return
            say(f"{counted(len(runs), 'run')}, in {place}; the project stays as it is, but for {folder}")
            renew(place)
            failed = queue(place, runs, preset=preset, values=values or [], jobs=jobs)
        if failed:
            tell("\n".join([f"{len(failed)} of {counted(len(runs), 'run')} failed:", *failed]))
            raise typer.Exit(1)


@app.command()
def show(
    tables: Names,
    preset: Preset = "digits",
    seeds: Annotated[int, typer.Option(min=1, help="A row with fewer is marked as unfinished.")] = 10,
    values: Values = None,
) -> None:
    """Print tables as Markdown, and write them beside their results, with a picture of each."""
    with one_line_errors():
        folder = _folder(preset, values or [])
        dataset = preset_values(preset)["data"]["name"]
        for name in tables:
            table = read_table(name)
            text = markdown(table, folder, preset=preset, dataset=dataset, seeds=seeds)
            tell(text.rstrip())
            write_text(folder / f"{name}.md", text)
            plot(table, folder, preset=preset, dataset=dataset, file=folder / f"{name}.png")
            say(f"written: {folder / name}.md and .png")


def _folder(preset: str, values: list[str]) -> Path:
    return results.folder(preset, values, dataset=preset_values(preset)["data"]["name"])


def _runs(tables: list[str], preset: str, *, seeds: int, rows: list[str], folder: Path) -> list[Run]:
    """Return what is to be run, each setting once, row by row: the first row's stages serve the others' runs."""
    settings = {}
    for name in tables:
        for row in chosen(read_table(name), rows, name=name).values():
            if row.run:
                settings.setdefault(setting(row, preset), row.label)
    return [
        Run(each, seed, folder.name, label)
        for each, label in settings.items()
        for seed in range(seeds)
        if seed not in results.read(folder, each)
    ]


if __name__ == "__main__":
    app()
