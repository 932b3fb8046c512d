"""`kflab run`: train an experiment, with its progress on one line."""

from __future__ import annotations

from pathlib import Path

import click

from kflab.commands import arguments
from kflab.commands.choosing import backend_option, device_option
from kflab.commands.guard import INTERRUPTED
from kflab.commands.output import json_option, print_json
from kflab.errors import UnusableInputError


@click.command()
@click.argument("experiment")
@click.option(
    "--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Change a setting: training.epochs=3."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="The seed of weights, order and dropout.")
@backend_option
@device_option
@click.option(
    "--runs-dir", type=click.Path(file_okay=False, path_type=Path), help="Where run folders are kept."
)
@click.option("--detach", is_flag=True, help="Start it, print its folder and return.")
@click.option("--queue", "queued", is_flag=True, help="Start it when a GPU, or else the CPU, is free.")
@click.option("--plan", is_flag=True, help="Tell how its steps are best made, and train nothing.")
@json_option
def run(
    experiment: str,
    assignments: tuple[str, ...],
    seed: int | None,
    backend: str | None,
    device: str | None,
    runs_dir: Path | None,
    *,
    detach: bool,
    queued: bool,
    plan: bool,
    as_json: bool,
) -> int:
    """Train EXPERIMENT and report its result.

    The trainer is a process of its own: Ctrl+C asks it to stop after the step at hand and keep the model, a
    second Ctrl+C ends it at once. With --json each event is a line, the last one `finished`.

    With --plan nothing is trained: the ways to make its steps are timed, with the plan that a long training
    would have and the reasons. `training.plan` of the document fixes any part of it.

    With --queue it waits for its turn, see `kflab queue`; until then, Ctrl+C leaves it in the queue.
    """
    from kflab.commands import queueing
    from kflab.commands.following import follow

    if plan and (queued or detach):
        raise UnusableInputError(f"--plan trains nothing: leave out {'--queue' if queued else '--detach'}")
    if seed is not None:
        assignments = (*assignments, f"training.seed={seed}")
    named = arguments.load(experiment, assignments)
    _refuse_errors(named, experiment)
    if plan:
        from kflab.commands.planning import tell_plan

        return tell_plan(named, backend, device, as_json=as_json)
    run_dir = start(named, runs_dir, backend, device, queued=queued)
    if detach:
        if queued:
            queueing.tell_place(run_dir, as_json=as_json)
        elif as_json:
            print_json({"run": run_dir.name, "path": str(run_dir)})
        else:
            click.echo(str(run_dir))
        return 0
    if queued and not queueing.wait_for_turn(run_dir, as_json=as_json):
        return INTERRUPTED
    return follow(run_dir, as_json=as_json, owner=True)


def _refuse_errors(named: arguments.Named, file: str) -> None:
    """Refuse an experiment that is known not to train before a process is started for it.

    Raises:
        UnusableInputError: with the first error; `kflab check` lists all.
    """
    from kflab.catalog.datasets import describe
    from kflab.diagnose.check import check
    from kflab.diagnose.findings import first_error

    info = describe(named.experiment.data, named.base) if named.experiment.data.source else None
    if error := first_error(check(named.experiment, info, base=named.base)):
        raise UnusableInputError(error, file=file)


def start(
    named: arguments.Named,
    runs_dir: Path | None,
    backend: str | None = None,
    device: str | None = None,
    *,
    queued: bool = False,
) -> Path:
    """Make a run folder for an experiment and start its trainer, or queue it; returns the folder.

    Args:
        named: the experiment.
        runs_dir: the folder of all runs; nothing given: the usual one.
        backend: Keras' backend; nothing given: that of the environment or the settings.
        device: what it runs on; nothing given: that of the environment or the settings.
        queued: put it in the queue.

    Raises:
        KflabError: the folder can not be made or the trainer not be started.
    """
    from kflab import paths
    from kflab.commands.choosing import to_run_on
    from kflab.runs.folder import create
    from kflab.runs.launch import launch
    from kflab.runs.queue_keeper import try_to_keep
    from kflab.runs.queueing import submit

    chosen, place = to_run_on(backend, device)
    run_dir = create(
        named.text,
        named.experiment.title or named.path.stem,
        runs_dir or paths.runs_dir(),
        seed=named.experiment.training.seed,
        backend=chosen,
        source=str(named.path),
        device=place,
    )
    if queued:
        submit(run_dir)
    else:
        launch(run_dir)
        try_to_keep(run_dir.parent)
    return run_dir
