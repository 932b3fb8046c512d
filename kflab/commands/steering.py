"""`kflab pause`, `stop`, `snapshot`, `rate`, `epochs`, `evaluate`: what is asked of a run at work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from kflab.commands.output import json_option, plain, print_json
from kflab.commands.runs import runs_dir_option

if TYPE_CHECKING:
    from kflab.runs.answers import Answer
    from kflab.runs.control import Request

Command = TypeVar("Command", bound=Callable[..., object])

_SECONDS = 10.0

run_argument = click.argument("run", default="last")


def _answered(command: Command) -> Command:
    """The options of every command that asks something."""
    for option in (
        json_option,
        click.option("--no-wait", is_flag=True, help="Ask, and do not wait for the answer."),
        click.option(
            "--timeout",
            type=click.FloatRange(0),
            default=_SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="How long to wait for the answer.",
        ),
        runs_dir_option,
    ):
        command = option(command)
    return command


@click.command()
@run_argument
@_answered
def pause(run: str, runs_dir: Path | None, timeout: float, *, no_wait: bool, as_json: bool) -> int:
    """Pause a RUN after the step at hand; `kflab resume RUN` goes on. A snapshot of the pause is kept."""
    from kflab.runs.control import Pause

    return _ask(run, runs_dir, Pause(), None if no_wait else timeout, as_json=as_json)


@click.command()
@run_argument
@click.option(
    "--after",
    type=click.Choice(("step", "epoch")),
    default="step",
    show_default=True,
    help="When: after the step or the epoch at hand.",
)
@click.option("--now", is_flag=True, help="End it at once; the model at hand is lost.")
@_answered
def stop(
    run: str,
    runs_dir: Path | None,
    timeout: float,
    *,
    after: Literal["step", "epoch"],
    now: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """Stop a RUN after the step at hand or the epoch, and keep its model; one that waits is taken out."""
    from kflab.commands.queueing import take_out_if_waiting
    from kflab.errors import KflabError
    from kflab.runs.control import Stop, kill

    if take_out_if_waiting(run, runs_dir, as_json=as_json):
        return 0
    if not now:
        return _ask(run, runs_dir, Stop(after=after), None if no_wait else timeout, as_json=as_json)
    run_dir = _alive(run, runs_dir)
    if not kill(run_dir):
        raise KflabError(f"{run_dir.name} has no process on this machine; use the one that it runs on")
    if as_json:
        print_json({"run": run_dir.name, "asked": "kill"})
    else:
        click.echo(f"{run_dir.name} ended")
    return 0


@click.command()
@run_argument
@_answered
def snapshot(run: str, runs_dir: Path | None, timeout: float, *, no_wait: bool, as_json: bool) -> int:
    """Take a snapshot of a RUN now, to go on from."""
    from kflab.runs.control import TakeSnapshot

    return _ask(run, runs_dir, TakeSnapshot(), None if no_wait else timeout, as_json=as_json)


_numbers = {"ignore_unknown_options": True}  # `-2` is a number of epochs, and no option


@click.command(context_settings=_numbers)
@click.argument("run")
@click.argument("value")
@_answered
def rate(run: str, value: str, runs_dir: Path | None, timeout: float, *, no_wait: bool, as_json: bool) -> int:
    """Set the learning rate of a RUN to VALUE from the next step on: 1e-4, or x0.5 and /2 of what it is."""
    from kflab.runs.control import rate_request

    return _ask(run, runs_dir, rate_request(value), None if no_wait else timeout, as_json=as_json)


@click.command(context_settings=_numbers)
@click.argument("run")
@click.argument("count")
@_answered
def epochs(
    run: str, count: str, runs_dir: Path | None, timeout: float, *, no_wait: bool, as_json: bool
) -> int:
    """Train a RUN for COUNT epochs in all (30), for more (+5), or for fewer (-2)."""
    from kflab.runs.control import epochs_request

    return _ask(run, runs_dir, epochs_request(count), None if no_wait else timeout, as_json=as_json)


@click.command()
@run_argument
@_answered
def evaluate(run: str, runs_dir: Path | None, timeout: float, *, no_wait: bool, as_json: bool) -> int:
    """Hold the model of a RUN as it is now against the validation split, and print what was found."""
    from kflab.runs.control import Evaluate

    return _ask(run, runs_dir, Evaluate(), None if no_wait else timeout, as_json=as_json)


def _alive(run: str, runs_dir: Path | None) -> Path:
    """The folder of a run that is at work.

    Raises:
        KflabError: there is none, or it is over.
    """
    from kflab import paths
    from kflab.errors import KflabError
    from kflab.runs.listing import find_run
    from kflab.runs.status import Status, status

    run_dir = find_run(run, runs_dir or paths.runs_dir())
    before = status(run_dir)
    if not before.is_alive:
        what = "it was never started" if before is Status.CREATED else f"it is {before}"
        if before.is_over:
            more = " --epochs N" if before is Status.DONE else ""
            what += f"; `kflab resume {run_dir.name}{more}` goes on with it"
        raise KflabError(f"{run_dir.name} is not running: {what}")
    return run_dir


def _ask(run: str, runs_dir: Path | None, request: Request, timeout: float | None, *, as_json: bool) -> int:
    """Asks, waits for the answer unless `timeout` is None, and prints it; 0 where it was done."""
    from kflab.runs.answers import ask_and_wait
    from kflab.runs.control import ask, kind_of

    run_dir = _alive(run, runs_dir)
    kind = kind_of(request)
    if timeout is None:
        asked = ask(run_dir, request)
        if as_json:
            print_json({"run": run_dir.name, "asked": kind, "id": asked.id})
        else:
            click.echo(f"{run_dir.name} was asked: {kind}")
        return 0
    answer = ask_and_wait(run_dir, request, timeout)
    steered = answer.steered
    if as_json:
        why = "" if steered else unanswered(answer, timeout)
        print_json(
            {
                "run": run_dir.name,
                "asked": kind,
                "id": answer.asked.id,
                "answer": steered,
                **({"unanswered": why} if why else {}),
            }
        )
    elif steered is None:
        click.echo(f"{run_dir.name}: {unanswered(answer, timeout)}", err=True)
    elif steered.refused:
        click.echo(f"{run_dir.name}: not done: {steered.refused}", err=True)
    elif steered.logs:
        click.echo(plain(steered.logs))
    else:
        click.echo(f"{run_dir.name}: {steered.text}")
    return 0 if steered is not None and not steered.refused else 1


def unanswered(answer: Answer, seconds: float) -> str:
    """Why no answer came, and what to expect."""
    from kflab.runs.answers import Silence
    from kflab.runs.status import Status

    if answer.silence is Silence.ENDED:
        return f"it ended before it could answer: it is {answer.status}"
    if answer.silence is Silence.CRASHED:
        return "it crashed before it could answer"
    late = f"no answer within {seconds:g} s, but it is alive"
    if answer.status is Status.STARTING:
        return f"{late}: it loads or compiles, and answers before its first step"
    return f"{late}: a step (the first is compiled) or a validation takes longer; the request holds"
