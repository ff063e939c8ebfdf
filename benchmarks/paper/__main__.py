"""The paper's tables: ``python -m benchmarks.paper queue table1`` runs one, ``show table1`` prints it."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.paper import results
from benchmarks.paper.copy import default_copy, held, renew, shown_path
from benchmarks.paper.experiments import Run, keep_finished, queue
from benchmarks.paper.place import Place, place_of
from benchmarks.paper.show import markdown, plot
from benchmarks.paper.tables import Setting, chosen, read_table, runs, setting
from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say, tell
from scan_core.console.words import counted
from scan_core.errors import ParamsError
from stages.cli import one_line_errors

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
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Number of seeds, from 0.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time; they share the threads.")] = 1,
    rows: Annotated[str, typer.Option(help="Names of rows, separated by commas; by default all.")] = "",
    values: Values = None,
    copy: Annotated[Path | None, typer.Option(help="Where to run; by default in the temporary folder.")] = None,
) -> None:
    """Run what is not in results/ yet, in a copy of the project, with DVC's experiment queue.

    If it is interrupted, call it again: finished runs are recorded, and finished stages are in DVC's cache.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, so that workers end, too
    with one_line_errors():
        where, copy = place_of(preset, values or []), (copy or default_copy()).resolve()
        named = [row.strip() for row in rows.split(",") if row.strip()]
        unfinished(tables, where, seeds=seeds, rows=named)  # a mistake in them is told before anything is recorded
        with held(copy):
            keep_finished(copy)
            runs = unfinished(tables, where, seeds=seeds, rows=named)
            if not runs:
                tell(f"all results are in {shown_path(where.folder)}")
                return
            say(f"{counted(len(runs), 'run')} in {copy}; in the project, only {shown_path(where.folder)} changes")
            renew(copy)
            failed = queue(copy, runs, where, jobs=jobs)
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
    """Print tables as Markdown, and write them next to their results, if there are any, with a picture of each."""
    with one_line_errors():
        where = place_of(preset, values or [])
        for name in tables:
            table = read_table(name)
            text = markdown(table, where, seeds=seeds)
            tell(text.rstrip())
            if not where.folder.is_dir():  # nothing has run yet
                continue
            write_text(where.folder / f"{name}.md", text)
            plot(table, where, seeds=seeds, file=where.folder / f"{name}.png")
            say(f"written: {shown_path(where.folder / name)}.md and .png")


def unfinished(tables: list[str], where: Place, *, seeds: int, rows: list[str]) -> list[Run]:
    """Return the missing runs, each setting once, in the order of the rows, which share stages.

    Raises:
        ParamsError: no such table or row, a mistake in it, or a parameter that the table needs is not set.
    """
    settings = dict[Setting, str]()
    for name in tables:
        table = read_table(name)
        if missing := set(table.needs) - {value.partition("=")[0] for value in where.values}:
            raise ParamsError(
                f"{name}: needs {' and '.join(f'-S {key}=...' for key in sorted(missing))}: {table.about}"
            )
        for row in chosen(table, rows, name=name).values():
            if runs(row, table, where.preset, where.usual):
                settings.setdefault(setting(row, where.preset, where.usual), row.label)
    return [
        Run(each, seed, where.folder.name, label)
        for each, label in settings.items()
        for seed in sorted(set(range(seeds)) - results.read(where.folder, each).keys())
    ]


if __name__ == "__main__":
    app()
