"""`kflab queue`: the runs that wait for a place on the machine, in their order."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands.output import json_option, print_json, table, wide
from kflab.commands.runs import runs_dir_option

if TYPE_CHECKING:
    from kflab.runs.queueing import Row


@click.group(invoke_without_command=True)
@runs_dir_option
@json_option
@click.pass_context
def queue(context: click.Context, runs_dir: Path | None, *, as_json: bool) -> None:
    """List the runs that wait, the next one first, and change their order.

    `kflab run EXPERIMENT --queue` puts a run there. It is started when a GPU is free, or on a machine without
    one when no other run is at work. Runs that wait outlive the terminal; after a reboot, the next `kflab`
    command that looks at runs goes on with them.
    """
    if context.invoked_subcommand is None:
        _list(_folder(runs_dir), as_json=as_json)
    else:
        context.obj = runs_dir


@queue.command()
@click.argument("run")
@runs_dir_option
@json_option
@click.pass_obj
def add(group_dir: Path | None, run: str, runs_dir: Path | None, *, as_json: bool) -> None:
    """Put a RUN at the end: one that was made and never started, or that ended early."""
    from kflab.runs import queueing

    run_dir = _find(run, runs_dir or group_dir)
    place = queueing.submit(run_dir)
    _tell(run_dir, place, f"{run_dir.name} waits at place {place}", as_json=as_json)


@queue.command()
@click.argument("run")
@click.argument("where", metavar="up|down|first|last|PLACE")
@runs_dir_option
@json_option
@click.pass_obj
def move(group_dir: Path | None, run: str, where: str, runs_dir: Path | None, *, as_json: bool) -> None:
    """Move a waiting RUN to another place; the first place is 1."""
    from kflab.runs import queueing

    run_dir = _find(run, runs_dir or group_dir)
    place = queueing.move(run_dir, where)
    _tell(run_dir, place, f"{run_dir.name} waits at place {place}", as_json=as_json)


@queue.command()
@click.argument("run")
@runs_dir_option
@json_option
@click.pass_obj
def remove(group_dir: Path | None, run: str, runs_dir: Path | None, *, as_json: bool) -> None:
    """Take a waiting RUN out; its folder stays, and `kflab queue add` puts it back at the end."""
    from kflab.runs import queueing

    run_dir = _find(run, runs_dir or group_dir)
    queueing.take_out(run_dir)
    _tell(run_dir, 0, f"{run_dir.name} waits no longer; its folder stays", as_json=as_json)


@queue.command()
@runs_dir_option
@json_option
@click.pass_obj
def hold(group_dir: Path | None, runs_dir: Path | None, *, as_json: bool) -> None:
    """Start nothing new for now; runs at work go on."""
    from kflab.runs import queueing

    waiting = len(queueing.hold(_folder(runs_dir or group_dir)).waiting)
    if as_json:
        print_json({"held": True, "waiting": waiting})
    else:
        click.echo("the queue is held: nothing new is started until `kflab queue release`")


@queue.command()
@runs_dir_option
@json_option
@click.pass_obj
def release(group_dir: Path | None, runs_dir: Path | None, *, as_json: bool) -> None:
    """Start runs again when their turn comes."""
    from kflab.runs import queueing

    waiting = len(queueing.release(_folder(runs_dir or group_dir)).waiting)
    if as_json:
        print_json({"held": False, "waiting": waiting})
    else:
        click.echo("the queue goes on")


def wait_for_turn(run_dir: Path, *, as_json: bool) -> bool:
    """Wait until a run is started from the queue, and tell what it waits for.

    Args:
        run_dir: the run folder.
        as_json: tell of it in JSON lines.

    Returns:
        Whether it was started; it was not where a person pressed Ctrl+C or took it out.

    Raises:
        KflabError: the queue cannot be used.
    """
    from kflab.runs.queue_keeper import keep
    from kflab.runs.queueing import Board
    from kflab.runs.status import Status, status

    board, told = Board(run_dir.parent), ""
    try:
        while (found := status(run_dir)) is Status.QUEUED:
            keep(run_dir.parent)
            row = next((row for row in board.rows() if row.run == run_dir.name), None)
            if row is not None and (text := f"waits at place {row.place}: {row.why()}") != told:
                told = text
                if as_json:
                    print_json({"event": "queued", "time": time.time(), **_plain(row)})
                else:
                    click.echo(f"{run_dir.name} {text}")
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo(
            f"\n{run_dir.name} stays in the queue: `kflab watch {run_dir.name}` follows it, "
            f"`kflab stop {run_dir.name}` takes it out",
            err=True,
        )
        return False
    if found is Status.CREATED:
        click.echo(f"{run_dir.name} was taken out of the queue", err=True)
        return False
    return True


def tell_place(run_dir: Path, *, as_json: bool) -> None:
    """Tell the folder of a run that was put in the queue, and its place; 0 where it was started already."""
    from kflab.runs.queue_file import read_queue

    place = read_queue(run_dir.parent).place(run_dir.name)
    if as_json:
        print_json({"run": run_dir.name, "path": str(run_dir), "place": place})
    else:
        click.echo(f"{run_dir}\n{f'waits at place {place}' if place else 'started'}")


def take_out_if_waiting(run: str, runs_dir: Path | None, *, as_json: bool) -> bool:
    """Take a RUN out of the queue if it waits there; tells whether it did."""
    from kflab.runs import queueing
    from kflab.runs.status import Status, status

    run_dir = _find(run, runs_dir)
    if status(run_dir) is not Status.QUEUED:
        return False
    queueing.take_out(run_dir)
    _tell(run_dir, 0, f"{run_dir.name} waits no longer; its folder stays", as_json=as_json)
    return True


def _list(runs_dir: Path, *, as_json: bool) -> None:
    from kflab.runs.queue_keeper import keep
    from kflab.runs.queueing import Board

    keep(runs_dir)
    board = Board(runs_dir)
    rows = board.rows()
    if as_json:
        print_json({"held": board.held, "waiting": [_plain(row) for row in rows]})
        return
    if board.held:
        click.echo("the queue is held: nothing new is started until `kflab queue release`")
    if not rows:
        click.echo("nothing waits; `kflab run EXPERIMENT --queue` puts a run in the queue")
        return
    lines = table([("PLACE", "RUN", "SINCE", "EXPECTED", "WAITS FOR"), *map(_cells, rows)], right=(0,))
    click.echo("\n".join(line if len(line) <= wide() else f"{line[: wide() - 1]}…" for line in lines))


def _cells(row: Row) -> tuple[str, ...]:
    expected = "" if row.expected is None else time.strftime("%H:%M", time.localtime(row.expected))
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.added))
    return str(row.place), row.run, since, expected, row.why()


def _plain(row: Row) -> dict[str, object]:
    """A row for JSON: what it waits for in words, too."""
    import msgspec

    return {**msgspec.structs.asdict(row), "why": row.why()}


def _tell(run_dir: Path, place: int, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"run": run_dir.name, "path": str(run_dir), "place": place})
    else:
        click.echo(text)


def _find(run: str, runs_dir: Path | None) -> Path:
    from kflab.runs.listing import find_run

    return find_run(run, _folder(runs_dir))


def _folder(runs_dir: Path | None) -> Path:
    from kflab import paths

    return runs_dir or paths.runs_dir()
