"""`kflab resume`: go on with a run where it was."""

from __future__ import annotations

from pathlib import Path

import click

from kflab.commands.output import json_option, print_json
from kflab.commands.runs import runs_dir_option


@click.command()
@click.argument("run", default="last")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Train so many epochs in all.")
@click.option("--detach", is_flag=True, help="Go on, print the run's folder and return.")
@runs_dir_option
@json_option
def resume(run: str, epochs: int | None, runs_dir: Path | None, *, detach: bool, as_json: bool) -> int:
    """Go on with a RUN where it was: one that is paused, stopped, failed, died or is done.

    It goes on from its newest snapshot as if nothing had happened, with one history. One that has done all of
    its epochs needs --epochs. Ctrl+C asks it to stop after the step at hand, a second Ctrl+C ends it at once.
    """
    from kflab import paths
    from kflab.commands.following import follow
    from kflab.runs.info import EVENTS
    from kflab.runs.listing import find_run
    from kflab.runs.resuming import resume as go_on

    run_dir = find_run(run, runs_dir or paths.runs_dir())
    events = run_dir / EVENTS
    past = events.stat().st_size if events.exists() else 0
    pid = go_on(run_dir, epochs)
    if not detach:
        return follow(run_dir, as_json=as_json, owner=True, past=past)
    if as_json:
        print_json({"run": run_dir.name, "path": str(run_dir), "pid": pid})
    else:
        click.echo(str(run_dir))
    return 0
