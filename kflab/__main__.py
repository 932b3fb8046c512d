"""The `kflab` command; nothing is imported before it is known what is asked for."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    from kflab.commands import COMMANDS

    if len(arguments) < 2 and not (arguments and (arguments[0] in COMMANDS or arguments[0].startswith("-"))):
        # `kflab` and `kflab EXPERIMENT` are typed most; a parser of options would delay their first frame.
        from kflab.commands.guard import guarded
        from kflab.commands.opening import open_lab

        sys.exit(guarded(lambda: open_lab(*arguments)))
    from kflab.cli import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
