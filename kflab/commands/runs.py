"""`kflab runs`, `show` and `watch`: what was trained and what is training."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands.guard import INTERRUPTED
from kflab.commands.output import json_option, plain, print_json, table, verdict_lines, wide

if TYPE_CHECKING:
    from kflab.diagnose.findings import Finding
    from kflab.runs.listing import RunSummary

runs_dir_option = click.option(
    "--runs-dir", type=click.Path(file_okay=False, path_type=Path), help="Where run folders are kept."
)


def _folder(runs_dir: Path | None) -> Path:
    from kflab import paths

    return runs_dir or paths.runs_dir()


def _kept(runs_dir: Path | None) -> Path:
    """The folder of all runs; what waits in its queue is started when its turn comes."""
    from kflab.runs.queue_keeper import try_to_keep

    folder = _folder(runs_dir)
    try_to_keep(folder)
    return folder


@click.command()
@runs_dir_option
@json_option
def runs(runs_dir: Path | None, *, as_json: bool) -> None:
    """List the runs, the newest first."""
    from kflab.runs.listing import list_runs
    from kflab.tui.text import duration

    found = list_runs(_kept(runs_dir))
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"no runs in {_folder(runs_dir)} yet; `kflab run digits_mlp` makes one")
        return
    rows = [("STATUS", "RUN", "WHEN", "EPOCHS", "TOOK", "RESULT")]
    for run in found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        epochs = f"{run.epoch}/{run.epochs}" if run.epochs else ""
        took = duration(run.seconds) if run.seconds else ""
        rows.append((str(run.status), run.name, when, epochs, took, _result(run)))
    lines = table(rows, right=(3, 4))
    click.echo("\n".join(line if len(line) <= wide() else f"{line[: wide() - 1]}…" for line in lines))


def _result(run: RunSummary) -> str:
    """What came of a run: its values, or what went wrong and what to do about it."""
    reached = plain(run.test or run.logs)
    if run.status in {"failed", "crashed"} or not reached:
        return f"{run.cause}; {run.advice}" if run.cause and run.advice else run.cause or reached
    return reached


@click.command()
@click.argument("run")
@runs_dir_option
@json_option
def show(run: str, runs_dir: Path | None, *, as_json: bool) -> None:
    """Tell about one RUN: its name, the start or end of its name, or `last`."""
    from kflab.diagnose.verdict import verdict_of
    from kflab.errors import KflabError
    from kflab.runs.history import RunState, said
    from kflab.runs.info import EVENTS, read_info
    from kflab.runs.listing import find_run, summarize
    from kflab.runs.tail import Tail
    from kflab.tui.text import duration

    run_dir = find_run(run, _kept(runs_dir))
    info, summary = read_info(run_dir), summarize(run_dir)
    state, tail = RunState(), Tail(run_dir / EVENTS)
    while events := tail.read():
        state.apply_all(events)
    files = sorted(path.name for path in run_dir.iterdir() if not path.name.startswith("."))
    best = {name: {"value": best.value, "epoch": best.epoch} for name, best in state.best.items()}
    verdict: tuple[Finding, ...] = ()
    with contextlib.suppress(KflabError):  # A damaged folder is told about all the same.
        verdict = verdict_of(run_dir, is_over=summary.status.is_over)
    if as_json:
        print_json(
            {
                "run": summary,
                "info": info,
                "best": best,
                "files": files,
                "verdict": verdict,
                "planned": state.planned,
            }
        )
        return
    versions = f" {info.backend_version}, Keras {info.keras}" if info.keras else ""
    facts = [
        ("run", summary.name),
        ("title", summary.title),
        ("status", f"{summary.status}{f': {summary.cause}' if summary.cause else ''}"),
        ("next", summary.advice),
        ("when", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(summary.created))),
        ("took", duration(state.seconds(time.time())) if summary.started else ""),
        ("epochs", f"{summary.epoch} of {summary.epochs}" if summary.epochs else ""),
        ("last", plain(summary.logs)),
        (
            "best",
            ", ".join(f"{name} {best.value:.4f} (epoch {best.epoch})" for name, best in state.best.items()),
        ),
        ("test", plain(summary.test)),
        ("seed", str(info.seed)),
        ("backend", f"{info.backend}{versions}"),
        ("devices", ", ".join(info.devices)),
        ("host", f"{info.user}@{info.host}"),
        ("plan", str(state.planned.plan) if state.planned else ""),
        ("source", info.source),
        ("commit", info.git),
        ("folder", str(run_dir)),
        ("files", ", ".join(files)),
    ]
    click.echo("\n".join(table([fact for fact in facts if fact[1]])))
    for line in verdict_lines(verdict):
        click.echo(line)
    for reason in state.planned.reasons if state.planned else ():
        click.echo(f"plan  {reason}")
    for note in state.told:
        click.echo(f"note  {said(note)}")


@click.command()
@click.argument("run", default="last")
@runs_dir_option
@json_option
def watch(run: str, runs_dir: Path | None, *, as_json: bool) -> int:
    """Follow a RUN until it is over; Ctrl+C leaves it running."""
    from kflab.commands.following import follow
    from kflab.commands.queueing import wait_for_turn
    from kflab.runs.listing import find_run
    from kflab.runs.status import Status, status

    run_dir = find_run(run, _kept(runs_dir))
    if status(run_dir) is Status.QUEUED and not wait_for_turn(run_dir, as_json=as_json):
        return INTERRUPTED
    return follow(run_dir, as_json=as_json, owner=False)
