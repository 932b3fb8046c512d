"""The command line: `kflab [EXPERIMENT]` opens the lab, `kflab COMMAND` does one thing."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

import kflab
from kflab.commands import COMMANDS, OPEN
from kflab.commands.guard import INTERRUPTED, UNUSABLE, USABLE, guarded


class _Commands(click.Group):
    """The commands, each imported when asked for; a first word that names none is an experiment."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        offered = COMMANDS.get(name)
        if offered is None:
            return None
        module = importlib.import_module(f"kflab.commands.{offered.module}")
        command = getattr(module, offered.function)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, offered.help) for name, offered in COMMANDS.items()])

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Put `open` before what is no command."""
        if not arguments or arguments[0] not in {*COMMANDS, "--help", "-h", "--version"}:
            arguments = [OPEN, *arguments]
        return super().parse_args(context, arguments)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    options_metavar="",
    subcommand_metavar="[EXPERIMENT] | COMMAND [OPTIONS]",
)
@click.version_option(kflab.__version__, message="kflab %(version)s")
def commands() -> None:
    """The terminal lab for Keras functional models.

    `kflab` opens the lab; `kflab EXPERIMENT` opens it with an experiment: a preset's name or a YAML file.
    Training runs in a process of its own that outlives the terminal.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns 0 when it did, 1 when the run or check failed, 2 on unusable input."""
    return guarded(lambda: _run(arguments), as_json="--json" in arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        result = commands.main(list(arguments), prog_name="kflab", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return UNUSABLE
    return result if isinstance(result, int) else USABLE
