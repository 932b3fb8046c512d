"""The command line: `kflab [EXPERIMENT]` opens the lab, `kflab COMMAND` does one thing."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence

import click

import kflab
from kflab.commands import doctor, inspecting, lab, listing, running, runs, schema
from kflab.commands.output import fail
from kflab.errors import KflabError

OPEN = "open"
"""The command that is meant when none is named."""

USABLE, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


class _Commands(click.Group):
    """The commands; a first word that names none of them is an experiment to open."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Put `open` before what is no command."""
        own = {"--help", "-h", "--version"}
        if not arguments or (arguments[0] not in self.commands and arguments[0] not in own):
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


for command in (
    lab.open_lab,
    running.run,
    inspecting.check,
    inspecting.summary,
    inspecting.graph,
    listing.list_offers,
    runs.runs,
    runs.show,
    runs.watch,
    runs.stop,
    schema.schema,
    doctor.doctor,
):
    commands.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns 0 when it did, 1 when the run or check failed, 2 on unusable input."""
    as_json = "--json" in arguments
    try:
        result = commands.main(list(arguments), prog_name="kflab", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else USABLE
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return UNUSABLE
    except KflabError as error:
        fail(error, as_json=as_json)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`kflab list layers | head`); nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USABLE
    except Exception as error:  # noqa: BLE001 - the last resort: a fault of kflab must not spill over the screen
        fail(_fault(error), as_json=as_json)
        return FAILED


def _fault(error: Exception) -> KflabError:
    """A fault of kflab itself as an error that says where its traceback was written."""
    from kflab.paths import state_dir

    where = state_dir() / "faults.log"
    text = "".join(traceback.format_exception(error))
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        with where.open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} kflab {' '.join(sys.argv[1:])}\n{text}\n")
    except OSError:
        return KflabError(f"a fault of kflab: {text}")
    return KflabError(
        f"a fault of kflab itself ({type(error).__name__}: {error}); its traceback is in {where}"
    )
