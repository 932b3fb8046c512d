"""`kflab recover`: what labs that crashed had not saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands.output import json_option, print_json, table, wide
from kflab.errors import KflabError, UnusableInputError

if TYPE_CHECKING:
    from kflab.recovery import Found, Unsaved


@click.command()
@click.argument("experiment", required=False)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file."
)
@click.option("--discard", is_flag=True, help="Throw it away.")
@json_option
def recover(experiment: str | None, output: Path | None, *, discard: bool, as_json: bool) -> int:
    """List what was edited and not saved, here and of experiments without a file.

    With EXPERIMENT, a file or the name in the list, show what differs, or write it with -o. `kflab open
    EXPERIMENT --recover` opens the lab with it.
    """
    from kflab import recovery

    if experiment is None:
        if output is not None or discard:
            raise UnusableInputError("expected the EXPERIMENT that is meant; `kflab recover` lists all")
        found = recovery.find_all(Path.cwd())
        if as_json:
            print_json([_plain(item) for item in found])
        else:
            click.echo("\n".join(_lines(found)))
        return 0
    item = find(experiment)
    if discard:
        _refuse_open(item)
        recovery.remove(item.place)
        click.echo(f"discarded {item.place}")
    elif output is not None:
        _write(item, output)
    elif as_json:
        print_json(_plain(item))
    else:
        unsaved = _usable(item)
        click.echo("\n".join(recovery.difference(unsaved, recovery.text_before(unsaved))))
    return 0


def find(name: str) -> Found:
    """The newest recovery file that a person means by `name`: an experiment's file, or a name in the list.

    Raises:
        UnusableInputError: there is none.
    """
    from kflab import recovery

    path = Path(name).expanduser().resolve()
    if path.name.endswith(recovery.SUFFIX):
        path_of = [item for item in recovery.find_in(path.parent) if item.place == path]
    else:
        path_of = recovery.find(path)
    found = path_of or recovery.find_nameless(name)
    if not found:
        raise UnusableInputError("no unsaved changes; `kflab recover` lists all there are", file=name)
    return found[0]


def _write(item: Found, output: Path) -> None:
    from kflab import document

    if output.exists():
        raise UnusableInputError("is there already; expected the name of a new file", file=str(output))
    document.write(_usable(item).experiment(), output)
    click.echo(f"wrote {output}; `kflab recover --discard` forgets the unsaved changes")


def _usable(item: Found) -> Unsaved:
    from kflab.recovery import DamagedError

    if item.unsaved is None:
        raise DamagedError(item.problem, file=str(item.place))
    return item.unsaved


def _refuse_open(item: Found) -> None:
    if item.unsaved is not None and item.unsaved.is_open:
        raise KflabError(f"{item.unsaved.name} is open in a lab (process {item.unsaved.process.pid})")


def _lines(found: list[Found]) -> list[str]:
    from kflab import recovery

    if not found:
        return [f"nothing to recover in {Path.cwd()}, and no experiment that was never saved"]
    rows = [("WHEN", "EXPERIMENT", "EDITS", "STATE", "WHERE")]
    for item in found:
        unsaved = item.unsaved
        if unsaved is None:
            rows.append(("", item.place.name, "", item.problem, str(item.place)))
            continue
        state = f"open in process {unsaved.process.pid}" if unsaved.is_open else "not saved"
        if not unsaved.process.is_here:
            state = f"from {unsaved.process.host}"
        when = recovery.clock(unsaved.time)
        rows.append((when, unsaved.name, str(unsaved.edits or ""), state, unsaved.file or "no file yet"))
    lines = table(rows, right=(2,))
    return [line if len(line) <= wide() else f"{line[: wide() - 1]}…" for line in lines]


def _plain(item: Found) -> dict[str, object]:
    """What was found, for JSON: all but the documents."""
    unsaved = item.unsaved
    if unsaved is None:
        return {"problem": item.problem, "place": str(item.place)}
    return {
        "name": unsaved.name,
        "file": unsaved.file,
        "time": unsaved.time,
        "edits": unsaved.edits,
        "open": unsaved.is_open,
        "pid": unsaved.process.pid,
        "host": unsaved.process.host,
        "place": str(item.place),
    }
